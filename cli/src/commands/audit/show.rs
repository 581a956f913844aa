//! `mulu audit show`: the timeline of a bundle.

use std::io::BufReader;
use std::path::Path;

use mulu_chain::digest::Digest;
use mulu_contracts::member::Member;
use mulu_contracts::office::Office;
use mulu_contracts::payload::Payload;
use mulu_contracts::state::{member_key, office_key};
use serde::de::DeserializeOwned;
use serde_json::json;

use mulu_chain::log::Outcome;

use crate::audit::{self, Story, Told};
use crate::context::Context;
use crate::failure::{Failure, Outcome as Done};
use crate::lang::Lang;
use crate::{files, render, text};

/// Longest summary of the actions of a transaction, in characters.
const ACTIONS_CHARS_SHOWN: usize = 60;

/// One line of the timeline.
struct Line {
    log_index: u64,
    height: u64,
    time: String,
    who: String,
    actions: String,
    outcome: String,
    id: String,
}

/// Prints the timeline.
///
/// # Errors
/// Exit 2 when the file is no bundle.
pub fn run(context: &Context, file: &Path) -> Done<()> {
    let source = BufReader::new(files::open(file)?);
    let audited = audit::verify(source, &Digest::ZERO)
        .map_err(|invalid| Failure::usage(text!("{invalid}", "{invalid}")))?;
    show(context, &audited.story);
    Ok(())
}

fn show(context: &Context, story: &Story) {
    let lines: Vec<Line> = story.transactions().map(|told| line(story, told)).collect();
    if context.is_json() {
        let items: Vec<_> = lines
            .iter()
            .map(|line| {
                json!({
                    "log_index": line.log_index,
                    "height": line.height,
                    "block_time": line.time,
                    "who": line.who,
                    "actions": line.actions,
                    "outcome": line.outcome,
                    "transaction": line.id,
                })
            })
            .collect();
        context.print_json(&json!({ "subject": story.question, "items": items }));
        return;
    }
    let subject = &story.question;
    let height = story.height();
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

fn line(story: &Story, told: &Told) -> Line {
    let entry = &told.entry;
    let payload = told.transaction.payload();
    let outcome = match &entry.outcome {
        Outcome::Accepted => "✓".to_owned(),
        Outcome::Rejected { rule, .. } => format!("✗ {rule}"),
    };
    Line {
        log_index: told.log_index,
        height: entry.height.0,
        time: render::time_ms(entry.time_ms.0),
        who: who(story, payload),
        actions: actions(payload),
        outcome,
        id: entry.transaction.to_string(),
    }
}

/// The member and office that submitted, by name where the bundle has their records.
fn who(story: &Story, payload: &Payload) -> String {
    let submitter = &payload.submitter;
    let member = record::<Member>(story, &member_key(&submitter.member))
        .map_or_else(|| submitter.member.clone(), |member| member.name);
    let Some(id) = &submitter.office else { return member };
    let office =
        record::<Office>(story, &office_key(id)).map_or_else(|| id.clone(), |office| office.name);
    format!("{member} {office}")
}

fn record<T: DeserializeOwned>(story: &Story, key: &str) -> Option<T> {
    story.record(key).ok().flatten()
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
