//! What the records of a bundle mean, derived again: authorised or not, complete or not, current at
//! which height. A verdict counts only if every check passed; it says nothing that is not in the bundle.

use mulu_chain::bundle::Question;
use mulu_chain::digest::Digest;
use mulu_chain::log::Outcome;
use mulu_chain::types::TimeMs;
use mulu_contracts::action::Action;
use mulu_contracts::authorization::{
    Authorization, AuthorizationStatus as Status, Counts, Standing, Totals,
};
use mulu_contracts::key::Key;
use mulu_contracts::receipt::{ReceiptKind, ReceiptRecord};
use mulu_contracts::rule::Rule;
use mulu_contracts::state::record_id;
use serde::Serialize;

use super::authorizations::counted;
use super::story::{Act, History, Story, Told};

/// Most uses of one authorization that are told one by one; the others are counted.
const USES_TOLD_MAX: usize = 100;

/// One verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What it is about.
    pub subject: String,
    /// `AUTHORIZED`, `NOT AUTHORIZED`, `COMPLETE`, `CURRENT`, …
    pub verdict: &'static str,
    /// The rules it rests on.
    pub basis: String,
    /// Why, in English.
    pub because: String,
    /// Why, in Chinese.
    pub because_zh: String,
}

fn verdict(
    subject: impl Into<String>,
    verdict: &'static str,
    basis: impl Into<String>,
    because: String,
    because_zh: String,
) -> Verdict {
    Verdict { subject: subject.into(), verdict, basis: basis.into(), because, because_zh }
}

/// Every verdict of a bundle, the answer to its question first.
pub fn verdicts(story: &Story) -> Vec<Verdict> {
    let mut all = Vec::new();
    all.extend(answer(story));
    for history in story.histories("authorization/") {
        if let Ok(Some(grant)) = story.record::<Authorization>(&history.subject) {
            all.push(current(story, &history.subject, &grant));
            all.extend(uses(story, history, &grant));
        }
    }
    all.extend(rejected(story));
    all.extend(revoked_keys(story));
    all
}

/// The answer to the question.
fn answer(story: &Story) -> Option<Verdict> {
    let question: Question = story.question.parse().ok()?;
    let height = story.height();
    let asked = story.question.clone();
    let list = |count: usize, en: &str, zh: &str| {
        verdict(
            asked.clone(),
            "COMPLETE",
            "SPEC 8.3, 10.4",
            format!("these are all {count} {en} up to height {height}"),
            format!("截至高度 {height}，共 {count} {zh}，无遗漏"),
        )
    };
    Some(match question {
        Question::ReceiptsOf(_) => {
            let acts = story.histories("authorization/").filter_map(|h| story.acts(h).ok());
            let receipts =
                acts.flatten().filter(|act| matches!(act.action, Action::ReceiptRecord(_)));
            let mut ids: Vec<Digest> =
                receipts.map(|act| record_id(&act.event.transaction, act.event.action)).collect();
            ids.sort_unstable();
            ids.dedup();
            list(ids.len(), "receipts", "份使用回执")
        }
        Question::GrantsOf(key) => {
            let office = key.trim_start_matches("office/").to_owned();
            let held = grants(story).filter(|(_, grant)| grant.consumer_office == office);
            let held: Vec<_> = held.collect();
            let now = held.iter().filter(|(_, grant)| in_force(story, grant)).count();
            let mut found = list(held.len(), "authorizations held", "项所持授权");
            found.because = format!("{}; {now} in force", found.because);
            found.because_zh = format!("{}，其中 {now} 项有效", found.because_zh);
            found
        }
        Question::NoGrant { party, entry } => no_grant(story, &party, &entry),
        Question::Heights(..) | Question::Times(..) => {
            let rejected = story.transactions().filter(|t| !t.entry.outcome.is_accepted()).count();
            let count = story.transactions.len();
            verdict(
                asked,
                "COMPLETE",
                "SPEC 7, 10.4",
                format!(
                    "these are all {count} transactions of this range; {rejected} rejected by the rules"
                ),
                format!("此范围内共 {count} 笔交易，无遗漏，其中 {rejected} 笔被规则拒绝"),
            )
        }
        Question::Transaction(id) => {
            let told = story.transaction(&id)?;
            let (at, time) = (told.entry.height, crate::render::time_ms(told.entry.time_ms.0));
            match &told.entry.outcome {
                Outcome::Accepted => verdict(
                    asked,
                    "ACCEPTED",
                    "BLK-07, LOG-01",
                    format!("committed at height {at} ({time}); every action took effect"),
                    format!("于高度 {at}（{time}）提交，全部操作生效"),
                ),
                Outcome::Rejected { rule, action } => {
                    let (en, zh) = title(rule);
                    verdict(
                        asked,
                        "REJECTED",
                        rule.clone(),
                        format!("committed at height {at} ({time}); action {action}: {en}"),
                        format!("于高度 {at}（{time}）提交，操作 {action} 被拒绝：{zh}"),
                    )
                }
            }
        }
        Question::Record(key) => match story.records.get(&key)? {
            Some(_) => verdict(
                asked,
                "CURRENT",
                "STA-01, STA-02",
                format!("this record stands at height {height}, with its complete history"),
                format!("该记录为高度 {height} 的现值，历史完整"),
            ),
            None => verdict(
                asked,
                "ABSENT",
                "STA-03",
                format!("nothing is recorded under this key at height {height}"),
                format!("高度 {height} 时该键下没有记录"),
            ),
        },
    })
}

fn grants(story: &Story) -> impl Iterator<Item = (&str, Authorization)> {
    story.histories("authorization/").filter_map(|history| {
        let grant = story.record::<Authorization>(&history.subject).ok()??;
        Some((history.subject.as_str(), grant))
    })
}

fn now(story: &Story) -> TimeMs {
    story.tip.as_ref().map(|tip| tip.header.time_ms).unwrap_or_default()
}

fn in_force(story: &Story, grant: &Authorization) -> bool {
    grant.standing(now(story)) == Standing::Active
}

fn no_grant(story: &Story, party: &str, entry: &Digest) -> Verdict {
    let height = story.height();
    let of_party = |grant: &Authorization| {
        grant.entry_id == *entry && (grant.consumer == party || grant.consumer_office == party)
    };
    let ours: Vec<_> = grants(story).filter(|(_, grant)| of_party(grant)).collect();
    let subject = story.question.clone();
    let basis = "SPEC 8.3, AUT-13, RCP-01";
    match ours.iter().find(|(_, grant)| in_force(story, grant)) {
        Some((key, _)) => verdict(
            subject,
            "GRANT EXISTS",
            basis,
            format!("{key} entitles {party} at height {height}"),
            format!("高度 {height} 时 {key} 授权 {party} 使用"),
        ),
        None => {
            let count = ours.len();
            verdict(
                subject,
                "NO GRANT",
                basis,
                format!(
                    "of all authorizations of the entry up to height {height}, {count} are {party}'s and none is in force"
                ),
                format!("截至高度 {height} 该条目的全部授权中，{party} 有 {count} 项，均无效力"),
            )
        }
    }
}

/// Where an authorization stands at the tip.
fn current(story: &Story, subject: &str, grant: &Authorization) -> Verdict {
    let height = story.height();
    let status = format!("{:?}", grant.status).to_uppercase();
    let (word, en, zh) = match grant.standing(now(story)) {
        Standing::Active => ("CURRENT", "in force".to_owned(), "有效".to_owned()),
        Standing::Pending => ("CURRENT", "its window has not begun".into(), "时限未开始".into()),
        Standing::Expired => ("EXPIRED", "its window is over".into(), "时限已过".into()),
        Standing::Exhausted => ("EXHAUSTED", "a limit is used up".into(), "额度已用尽".into()),
        Standing::Inactive => {
            let why = grant.ended.as_ref().map(|ended| {
                let reason = ended.reason.as_deref().unwrap_or("-");
                (
                    format!(" by {} at height {}: {reason}", ended.by, ended.at_height),
                    format!("，由 {} 于高度 {}：{reason}", ended.by, ended.at_height),
                )
            });
            let (en, zh) = why.unwrap_or_default();
            ("CURRENT", format!("{status}{en}"), format!("{status}{zh}"))
        }
    };
    let (en, zh) = (format!("at height {height}: {en}"), format!("高度 {height}：{zh}"));
    verdict(subject, word, "AUT-01..16", en, zh)
}

/// What is known of a grant while its receipts are read.
#[derive(Default)]
struct Grant {
    finalized: bool,
    suspended: bool,
    ended: Option<(Status, u64)>,
    totals: Totals,
}

/// Every receipt under a grant: authorised by it, or why not.
fn uses(story: &Story, history: &History, grant: &Authorization) -> Vec<Verdict> {
    let Ok(acts) = story.acts(history) else { return Vec::new() };
    let (mut all, mut counted_only) = (Vec::new(), 0usize);
    let mut state = Grant::default();
    for act in acts {
        let height = act.event.height.0;
        match act.action {
            Action::AuthorizationFinalize(f) if f.authorization_id == grant.authorization_id => {
                state.finalized = true;
            }
            // One that hands it on ends nothing.
            Action::AuthorizationFinalize(f) if grant.superseded_by == Some(f.authorization_id) => {
                state.ended = Some((Status::Superseded, height));
            }
            Action::AuthorizationSuspend(_) => state.suspended = true,
            Action::AuthorizationResume(_) => state.suspended = false,
            Action::AuthorizationRevoke(_) => state.ended = Some((Status::Revoked, height)),
            Action::AuthorizationRelinquish(_) => {
                state.ended = Some((Status::Relinquished, height))
            }
            Action::ReceiptRecord(r) if r.authorization_id == grant.authorization_id => {
                if r.kind == ReceiptKind::Denied {
                    all.push(denied(&act, r, grant, &state));
                    continue;
                }
                let replaced = super::authorizations::corrected(story, r);
                state.totals = counted(state.totals, r, replaced.unwrap_or_default());
                if all.len() < USES_TOLD_MAX {
                    all.push(authorised(&act, r, &history.subject));
                } else {
                    counted_only = counted_only.saturating_add(1);
                }
            }
            _ => {}
        }
    }
    if counted_only > 0 {
        all.push(verdict(
            &history.subject,
            "AUTHORIZED",
            "RCP-01..12",
            format!("{counted_only} more receipts"),
            format!("另有 {counted_only} 份回执"),
        ));
    }
    all
}

fn receipt_key(act: &Act<'_>) -> String {
    mulu_contracts::state::receipt_key(&record_id(&act.event.transaction, act.event.action))
}

fn authorised(act: &Act<'_>, receipt: &ReceiptRecord, grant: &str) -> Verdict {
    let (height, kind) = (act.event.height, format!("{:?}", receipt.kind).to_lowercase());
    let Counts { calls, records, .. } = receipt.counts;
    verdict(
        receipt_key(act),
        "AUTHORIZED",
        "RCP-01..12",
        format!("{kind} at height {height}: {calls} calls, {records} records, within {grant}"),
        format!("高度 {height} {kind}：{calls} 次调用、{records} 条记录，在 {grant} 范围内"),
    )
}

/// Why an attempt that a party refused was not authorised.
fn denied(act: &Act<'_>, receipt: &ReceiptRecord, grant: &Authorization, state: &Grant) -> Verdict {
    let extent = grant.extent();
    let asked = receipt.counts;
    let over = |total: &Counts| {
        let all = Counts {
            calls: total.calls.saturating_add(asked.calls),
            records: total.records.saturating_add(asked.records),
            bytes: total.bytes.saturating_add(asked.bytes),
        };
        !extent.limits.allow(&all)
    };
    let stray = receipt.items.iter().find(|item| !extent.items.contains(item));
    let (rule, en, zh) = if !state.finalized {
        ("RCP-01", "the grant was not finalized".to_owned(), "授权尚未生效".to_owned())
    } else if let Some((status, height)) = state.ended {
        let status = format!("{status:?}").to_lowercase();
        (
            "RCP-01",
            format!("the grant was {status} at height {height}"),
            format!("授权已于高度 {height} 终止（{status}）"),
        )
    } else if state.suspended {
        ("RCP-01", "the grant was suspended".to_owned(), "授权已中止".to_owned())
    } else if let Some(item) = stray {
        ("RCP-04", format!("the item {item} was not granted"), format!("信息项 {item} 未获授权"))
    } else if receipt.purpose != grant.purpose {
        ("RCP-05", "for another purpose".to_owned(), "用途不符".to_owned())
    } else if !extent.window.contains(&receipt.window) {
        ("RCP-06", "outside the granted window".to_owned(), "超出授权时限".to_owned())
    } else if over(&state.totals.used) || over(&state.totals.delivered) {
        ("RCP-08", "beyond the granted limits".to_owned(), "超出授权额度".to_owned())
    } else {
        (
            "RCP-12",
            "a party refused it; the records show no broken rule".into(),
            "一方拒绝；记录未显示违反规则".into(),
        )
    };
    let (height, by) = (act.event.height, act.member());
    verdict(
        receipt_key(act),
        "NOT AUTHORIZED",
        rule,
        format!("an attempt {by} denied at height {height}, because {en}"),
        format!("{by} 于高度 {height} 拒绝的尝试，因为{zh}"),
    )
}

/// Transactions that the rules rejected: what was tried, and the rule.
fn rejected(story: &Story) -> Vec<Verdict> {
    let tried = |told: &Told| {
        let Outcome::Rejected { rule, action } = &told.entry.outcome else { return None };
        let at = usize::try_from(*action).unwrap_or(usize::MAX);
        let payload = told.transaction.payload();
        let name = payload.actions.get(at).map_or("?", Action::name);
        let (en, zh) = title(rule);
        let (height, who) = (told.entry.height, &payload.submitter.member);
        let id = told.transaction.id();
        Some(verdict(
            format!("transaction/{id}"),
            "NOT AUTHORIZED",
            rule.clone(),
            format!("{name} by {who} at height {height} was rejected, because: {en}"),
            format!("{who} 于高度 {height} 的 {name} 被拒绝：{zh}"),
        ))
    };
    story.transactions().filter_map(tried).take(USES_TOLD_MAX).collect()
}

/// Revoked keys: what they signed before and after.
fn revoked_keys(story: &Story) -> Vec<Verdict> {
    let mut all = Vec::new();
    for (subject, value) in story.records.range("key/".to_owned().."key0".to_owned()) {
        let key: Option<Key> = value.as_ref().and_then(|v| serde_json::from_slice(v).ok());
        let Some(key) = key else { continue };
        let Some(at) = key.revoked_at_height else { continue };
        let signed = |told: &&Told| told.transaction.signers().any(|s| *s == key.public_key);
        let (mut accepted, mut after, mut refused) = (0usize, 0usize, 0usize);
        for told in story.transactions().filter(signed) {
            match (told.entry.outcome.is_accepted(), told.entry.height > at) {
                (false, _) => refused = refused.saturating_add(1),
                (true, false) => accepted = accepted.saturating_add(1),
                (true, true) => after = after.saturating_add(1),
            }
        }
        let reason = key.revocation_reason.as_deref().unwrap_or("-");
        all.push(verdict(
            subject,
            "REVOKED",
            "KEY-02",
            format!(
                "revoked at height {at} ({reason}); of its transactions in this bundle {accepted} were accepted up to then, {after} after, {refused} were rejected"
            ),
            format!(
                "于高度 {at} 吊销（{reason}）；本证据包中其交易：此前接受 {accepted} 笔，此后接受 {after} 笔，被拒绝 {refused} 笔"
            ),
        ));
    }
    all
}

fn title(id: &str) -> (String, String) {
    match Rule::from_id(id) {
        Some(rule) => (rule.title_en().to_owned(), rule.title_zh().to_owned()),
        None => (id.to_owned(), id.to_owned()),
    }
}

#[cfg(test)]
mod tests;
