//! `mulu audit show`: the timeline of a bundle.

use mulu_chain::bundle::{Bundle, BundledTransaction};
use mulu_contracts::member::Member;
use mulu_contracts::office::Office;
use mulu_contracts::payload::Payload;
use mulu_contracts::state::{member_key, office_key};
use serde::de::DeserializeOwned;
use serde_json::json;

use mulu_chain::log::Outcome;

use crate::context::Context;
use crate::lang::Lang;
use crate::{render, text};

/// Longest summary of the actions of a transaction, in characters.
const ACTIONS_CHARS_SHOWN: usize = 60;

/// One line of the timeline.
struct Line {
    height: u64,
    time: String,
    who: String,
    actions: String,
    outcome: String,
    id: String,
}

/// Prints the timeline.
pub fn show(context: &Context, bundle: &Bundle) {
    let lines: Vec<Line> =
        bundle.transactions.iter().map(|transaction| line(bundle, transaction)).collect();
    if context.is_json() {
        let items: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({
                    "height": line.height,
                    "block_time": line.time,
                    "who": line.who,
                    "actions": line.actions,
                    "outcome": line.outcome,
                    "transaction": line.id,
                })
            })
            .collect();
        context.print_json(&json!({ "subject": bundle.subject, "items": items }));
        return;
    }
    let subject = &bundle.subject;
    let height = bundle.tip.header.height;
    context.say(&text!(
        "{subject}, up to height {height}; not verified here: `mulu audit verify` does that",
        "{subject}，截至高度 {height}；此处不作验证，请用 `mulu audit verify`"
    ));
    let rows: Vec<Vec<String>> = lines
        .into_iter()
        .map(|line| {
            vec![
                line.height.to_string(),
                line.time,
                line.who,
                render::cut(&line.actions, ACTIONS_CHARS_SHOWN),
                line.outcome,
                render::short(&line.id).into_owned(),
            ]
        })
        .collect();
    let header = match context.lang {
        Lang::Zh => ["高度", "出块时间", "提交方", "操作", "结果", "交易"],
        Lang::En => ["HEIGHT", "BLOCK TIME", "WHO", "ACTIONS", "OUTCOME", "TRANSACTION"],
    };
    context.print(&render::table(&header, &rows));
}

fn line(bundle: &Bundle, transaction: &BundledTransaction) -> Line {
    let entry = &transaction.entry;
    let payload: Option<Payload> = serde_json::from_slice(transaction.envelope.payload()).ok();
    let who = payload.as_ref().map(|payload| who(bundle, payload)).unwrap_or_default();
    let outcome = match &entry.outcome {
        Outcome::Accepted => "✓".to_owned(),
        Outcome::Rejected { rule, .. } => format!("✗ {rule}"),
    };
    Line {
        height: entry.height.0,
        time: render::time_ms(entry.time_ms.0),
        who,
        actions: payload.as_ref().map(actions).unwrap_or_else(|| "?".to_owned()),
        outcome,
        id: entry.transaction.to_string(),
    }
}

/// The member and office that submitted, by name where the bundle has their records.
fn who(bundle: &Bundle, payload: &Payload) -> String {
    let submitter = &payload.submitter;
    let member = record::<Member>(bundle, &member_key(&submitter.member))
        .map_or_else(|| submitter.member.clone(), |member| member.name);
    let Some(id) = &submitter.office else { return member };
    let office =
        record::<Office>(bundle, &office_key(id)).map_or_else(|| id.clone(), |office| office.name);
    format!("{member} {office}")
}

fn record<T: DeserializeOwned>(bundle: &Bundle, key: &str) -> Option<T> {
    serde_json::from_slice(bundle.record(key)?.value.as_ref()?).ok()
}

/// The kinds of actions with how many of each: `entry.publish ×120`.
fn actions(payload: &Payload) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for action in &payload.actions {
        match kinds.iter_mut().find(|(name, _)| *name == action.name()) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => kinds.push((action.name(), 1)),
        }
    }
    let words: Vec<String> = kinds
        .into_iter()
        .map(|(name, count)| if count == 1 { name.to_owned() } else { format!("{name} ×{count}") })
        .collect();
    words.join(", ")
}
