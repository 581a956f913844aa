//! Use receipts: grants made beforehand, then each consumer's chain of receipts.

use serde_json::{Value, json};

use super::content::{Author, Size, record_id};
use super::load::Item;
use super::scenarios::Bench;
use crate::failure::{Exit, Failure, Outcome};
use crate::text;

/// Length of a grant, in milliseconds.
const GRANT_MS: u64 = 20 * 24 * 3600 * 1000;

/// A finalized grant and the end of its consumer's chain.
pub struct Grant {
    authorization: String,
    terms: Value,
    consumer: usize,
    now_ms: u64,
    seq: u64,
    last: Option<String>,
    lane: usize,
}

/// Makes grants of one fresh entry of the first department to the others in turn.
///
/// # Errors
/// Exit 5 when a rule refuses one.
pub fn grants(bench: &mut Bench<'_>, count: usize) -> Outcome<Vec<Grant>> {
    // The first transaction made of entries is the first department's in turn only by luck.
    let (item, key) = loop {
        let item = bench.author.entries(1, Size::Small)?;
        if bench.author.last_department() == 0 {
            break (item, bench.author.last_key());
        }
    };
    bench.commit(&item)?;
    let entry = bench.get(&format!("/v1/records/{key}"))?;
    let now_ms = bench.get("/v1/status")?["time_ms"].as_u64().unwrap_or(0);
    let mut grants = Vec::new();
    for lane in 0..count {
        let consumer = 1 + lane % 3;
        let request = bench.author.act(consumer, &[], &[json!({
            "type": "authorization.request",
            "entry_id": key.trim_start_matches("entry/"),
            "entry_version": entry["version"],
            "items": ["id"],
            "purpose": {"basis": "行政许可法第二十九条", "scenario": format!("办件核验 {lane}")},
            "scope": "本部门",
            "method": "platform-api",
            "window": {"from_ms": now_ms, "to_ms": now_ms + GRANT_MS},
            "auto_agree": true,
        })])?;
        bench.commit(&request)?;
        let authorization = record_id(&request, 0).to_string();
        let record = bench.get(&format!("/v1/records/authorization/{authorization}"))?;
        let terms = record["value"]["terms_hash"].clone();
        if !terms.is_string() {
            return Err(Failure::new(
                Exit::Rejected,
                text!("no terms in {record}", "授权记录没有条款：{record}"),
            ));
        }
        let finalize = bench.author.act(
            consumer,
            &[0],
            &[json!({
                "type": "authorization.finalize",
                "authorization_id": authorization, "terms_hash": terms,
            })],
        )?;
        bench.commit(&finalize)?;
        grants.push(Grant { authorization, terms, consumer, now_ms, seq: 0, last: None, lane });
    }
    Ok(grants)
}

impl Grant {
    /// The consumer's next receipt.
    ///
    /// # Errors
    /// Exit 2.
    pub fn receipt(&mut self, author: &Author) -> Outcome<Item> {
        self.seq += 1;
        let mut action = json!({
            "type": "receipt.record",
            "authorization_id": self.authorization,
            "terms_hash": self.terms,
            "kind": "used",
            "items": ["id"],
            "purpose": {"basis": "行政许可法第二十九条", "scenario": format!("办件核验 {}", self.lane)},
            "window": {"from_ms": self.now_ms, "to_ms": self.now_ms},
            "counts": {"calls": 1, "records": 1, "bytes": 128},
            "seq": self.seq,
        });
        if let Some(last) = &self.last {
            action["prev_receipt"] = json!(last);
        }
        let mut item = author.act(self.consumer, &[], &[action])?;
        item.lane = Some(self.lane);
        self.last = Some(record_id(&item, 0).to_string());
        Ok(item)
    }
}

/// So many receipts, the grants in turn.
///
/// # Errors
/// Exit 2.
pub fn receipts(bench: &Bench<'_>, grants: &mut [Grant], count: usize) -> Outcome<Vec<Item>> {
    let grants_count = grants.len().max(1);
    (0..count).map(|index| grants[index % grants_count].receipt(&bench.author)).collect()
}
