//! Provenance as a picture: who (left) did what (middle, in order) to which record (right).

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mulu_chain::log::Outcome;
use mulu_contracts::entry::Entry;

use super::super::Story;
use super::{actions, escape, who};
use crate::lang::Lang;
use crate::render;

/// Most transactions drawn.
const DRAWN_MAX: usize = 40;
/// Longest label, in columns.
const LABEL_COLUMNS_MAX: usize = 26;
const ROW: usize = 44;
const TOP: usize = 40;
const WIDTH: usize = 960;
const AGENT_X: usize = 8;
const ACT_X: usize = 372;
const RECORD_X: usize = 742;
const BOX: usize = 210;
const HEIGHT: usize = 30;

/// The graph; nothing if there is nothing to draw.
pub fn svg(story: &Story, lang: Lang) -> String {
    let told: Vec<_> = story.transactions().take(DRAWN_MAX).collect();
    if told.is_empty() {
        return String::new();
    }
    let mut agents: Vec<String> = Vec::new();
    let mut records: Vec<&str> = Vec::new();
    let mut edges: Vec<(usize, usize, bool)> = Vec::new();
    let mut touched: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for history in &story.histories {
        for event in &history.events {
            touched.entry(event.transaction).or_default().push(&history.subject);
        }
    }
    for (row, told) in told.iter().enumerate() {
        let agent = who(story, told.transaction.payload());
        let at = position(&mut agents, agent);
        edges.push((at, row, true));
        for subject in touched.get(&told.entry.transaction).into_iter().flatten() {
            let at = position(&mut records, *subject);
            if !edges.contains(&(at, row, false)) {
                edges.push((at, row, false));
            }
        }
    }
    let rows = told.len().max(agents.len()).max(records.len());
    let height = rows.saturating_mul(ROW).saturating_add(TOP).saturating_add(8);
    let mut svg = String::new();
    let _ = write!(
        svg,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">"
    );
    let heads = match lang {
        Lang::En => ["Who", "Transaction", "Record"],
        Lang::Zh => ["主体", "交易", "记录"],
    };
    for (x, text) in [AGENT_X, ACT_X, RECORD_X].into_iter().zip(heads) {
        let _ =
            write!(svg, "<text x=\"{x}\" y=\"20\" font-size=\"13\" fill=\"#5b6675\">{text}</text>");
    }
    let spread = |at: usize, count: usize| middle(at, count, rows);
    for (from, row, agent) in &edges {
        let y = spread(*row, told.len());
        let (x1, y1, x2, y2, colour) = if *agent {
            let from = spread(*from, agents.len());
            (AGENT_X.saturating_add(BOX), from, ACT_X, y, "#7a8699")
        } else {
            let to = spread(*from, records.len());
            (ACT_X.saturating_add(BOX), y, RECORD_X, to, "#1f5fa8")
        };
        let bend = x1.midpoint(x2);
        let _ = write!(
            svg,
            "<path d=\"M{x1} {y1} C{bend} {y1} {bend} {y2} {x2} {y2}\" fill=\"none\" \
             stroke=\"{colour}\" stroke-width=\"1.3\" opacity=\"0.7\"/>"
        );
    }
    for (at, agent) in agents.iter().enumerate() {
        let y = spread(at, agents.len());
        node(&mut svg, (AGENT_X, y), ("#fdf3e1", "#c98a1b", 15), agent);
    }
    let drawn = told.len();
    for (row, told) in told.iter().enumerate() {
        let y = spread(row, drawn);
        let label = format!("{}  {}", told.entry.height, actions(told.transaction.payload()));
        let accepted = told.entry.outcome == Outcome::Accepted;
        let (fill, stroke) = if accepted { ("#eaf1fb", "#1f5fa8") } else { ("#fbeae9", "#b3261e") };
        node(&mut svg, (ACT_X, y), (fill, stroke, 3), &label);
    }
    for (at, subject) in records.iter().enumerate() {
        let y = spread(at, records.len());
        node(&mut svg, (RECORD_X, y), ("#e9f5ee", "#1b7f4b", 8), &label(story, subject));
    }
    svg.push_str("</svg>");
    let more = story.transactions.len().saturating_sub(DRAWN_MAX);
    if more > 0 {
        let text = lang.pick("more transactions are not drawn", "笔交易未绘出");
        let _ = write!(svg, "<p class=\"key\">{more} {text}</p>");
    }
    svg
}

fn position<T: PartialEq>(all: &mut Vec<T>, one: T) -> usize {
    all.iter().position(|other| *other == one).unwrap_or_else(|| {
        all.push(one);
        all.len().saturating_sub(1)
    })
}

/// Height of the middle of box `at` of `count`, spread over all rows.
fn middle(at: usize, count: usize, rows: usize) -> usize {
    let all = rows.saturating_mul(ROW);
    let each = all.checked_div(count.max(1)).unwrap_or(ROW);
    TOP.saturating_add(at.saturating_mul(each)).saturating_add(each / 2)
}

fn node(
    svg: &mut String,
    (x, y): (usize, usize),
    (fill, stroke, round): (&str, &str, u8),
    text: &str,
) {
    let top = y.saturating_sub(HEIGHT / 2);
    let (text_x, text_y) = (x.saturating_add(10), y.saturating_add(4));
    let shown = escape(&render::cut_columns(text, LABEL_COLUMNS_MAX));
    let full = escape(text);
    let _ = write!(
        svg,
        "<g><title>{full}</title><rect x=\"{x}\" y=\"{top}\" width=\"{BOX}\" height=\"{HEIGHT}\" \
         rx=\"{round}\" fill=\"{fill}\" stroke=\"{stroke}\"/>\
         <text x=\"{text_x}\" y=\"{text_y}\" font-size=\"12\" fill=\"#1d2430\">{shown}</text></g>"
    );
}

/// A record's name, or its kind and the beginning of its id.
fn label(story: &Story, subject: &str) -> String {
    let (kind, id) = subject.split_once('/').unwrap_or((subject, ""));
    if kind == "entry"
        && let Ok(Some(entry)) = story.record::<Entry>(subject)
    {
        return format!("entry {}", entry.content.name);
    }
    let id = id.strip_prefix("sha256:").map_or(id, |hex| hex.get(..10).unwrap_or(hex));
    format!("{kind} {id}")
}
