//! What must hold between the sections of a document and no single record can show.

use std::collections::{BTreeMap, BTreeSet};

use mulu_contracts::genesis_state::Founding as Records;
use mulu_contracts::key::KeyRole;
use mulu_contracts::rule::Rule;

use crate::fault::{Faults, Help};
use crate::reader::Node;

const PEER_TWICE: Help = Help {
    en: "each node has its own key: run `mulud init` for every home folder and list each identity once",
    zh: "每个节点应有自己的密钥：请为每个节点目录分别运行 mulud init，每个标识只列一次",
};

/// A peer id names one node of one member; otherwise nobody could tell who connected.
pub(crate) fn check_peers(document: &Node, faults: &mut Faults<'_>) {
    let mut owners: BTreeMap<&str, &str> = BTreeMap::new();
    for member in document.list("member") {
        let uscc = member.text("uscc").unwrap_or("");
        for node in member.list("nodes") {
            let Some(peer_id) = node.text("peer_id") else { continue };
            match owners.get(peer_id) {
                Some(owner) => {
                    let message = format!("the peer id {peer_id} already belongs to {owner}");
                    faults.report(node.span_of("peer_id"), message, PEER_TWICE);
                }
                None => {
                    owners.insert(peer_id, uscc);
                }
            }
        }
    }
}

/// Every member has an administrator key (MEM-08), or it could never register anything.
pub(crate) fn check_administrators(document: &Node, records: &Records, faults: &mut Faults<'_>) {
    let led: BTreeSet<&str> = records
        .keys
        .iter()
        .filter(|(_, key)| key.roles.contains(&KeyRole::Administrator))
        .map(|(member, _)| member.as_str())
        .collect();
    for member in document.list("member") {
        let Some(uscc) = member.text("uscc").filter(|uscc| !led.contains(uscc)) else { continue };
        let rule = Rule::MemberNoAdministrator;
        let message = format!(
            "{}: {} ({}): no [[key]] of {uscc} has the role administrator",
            rule.id(),
            rule.title_en(),
            rule.title_zh()
        );
        let (help, help_zh) = (rule.help_en().to_owned(), rule.help_zh().to_owned());
        faults.report_text(member.span_of("uscc"), message, help, help_zh);
    }
}
