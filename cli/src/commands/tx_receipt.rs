//! `mulu tx receipt`: a node's receipt for transactions it took, checked offline; and what became of
//! them, asked of any node.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::acknowledgement::Acknowledgement;
use mulu_chain::signature::{PublicKey, Signature};
use mulu_chain::transaction::TransactionId;
use mulu_chain::types::{ChainId, Height};
use mulu_genesis::peer_id::peer_id_of;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::{files, render, text};

/// Largest receipt read, in bytes.
const RECEIPT_BYTES_MAX: u64 = 256 * 1024;

/// A receipt as a node writes it.
#[derive(Debug, Clone, Deserialize)]
struct Receipt {
    chain_id: ChainId,
    node: PublicKey,
    received_height: Height,
    transactions: Vec<Received>,
    signature: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Received {
    id: TransactionId,
    commit_by_height: Height,
}

/// What became of a transaction, as the asked node says.
enum Fate {
    Committed(Value),
    Waiting,
    /// The chain is past its height and it is in no block.
    Missed,
}

/// Verifies a receipt and, if `follow`, asks a node what became of what it names.
///
/// # Errors
/// Exit 1 when it is not the node's, or when a transaction is neither committed nor can be any more;
/// exit 2 when it is no receipt.
pub fn verify(context: &Context, file: &Path, follow: bool) -> Outcome<()> {
    let shown = file.display();
    let bytes = files::read_bounded(file, RECEIPT_BYTES_MAX)?;
    let not_one = |why: String| {
        Failure::usage(text!("{shown} holds no receipt: {why}", "{shown} 中没有回执：{why}")).help(
            text!(
                "keep the answer to a submission, or its member `receipt`, as it came",
                "请原样保存提交的应答，或其中的 `receipt` 字段"
            ),
        )
    };
    let mut value: Value = serde_json::from_slice(&bytes).map_err(|e| not_one(e.to_string()))?;
    if let Some(inner) = value.get_mut("receipt") {
        value = inner.take();
    }
    let receipt: Receipt = serde_json::from_value(value).map_err(|e| not_one(e.to_string()))?;
    let signature: [u8; 64] = STANDARD
        .decode(&receipt.signature)
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or_else(|| not_one("the signature is not 64 bytes in base64".to_owned()))?;
    let acknowledgement = Acknowledgement {
        chain_id: receipt.chain_id.clone(),
        node: receipt.node,
        received_height: receipt.received_height,
        transactions: receipt.transactions.iter().map(|t| (t.id, t.commit_by_height)).collect(),
    };
    acknowledgement.verify(&Signature::from_bytes(signature)).map_err(|invalid| {
        Failure::new(Exit::VerificationFailed, text!("{shown}: {invalid}", "{shown}：{invalid}"))
    })?;
    let fates = if follow { fates(context, &receipt)? } else { Vec::new() };
    report(context, &receipt, &fates);
    let missed = fates.iter().filter(|fate| matches!(fate, Fate::Missed)).count();
    if missed > 0 {
        return Err(Failure::new(
            Exit::VerificationFailed,
            text!(
                "{missed} transaction(s) that the node took are in no block, and their height has passed",
                "节点已签收的 {missed} 笔交易未上链，且已超过其有效高度"
            ),
        )
        .help(text!(
            "ask a second node too; the receipt is evidence that this one was given them",
            "请再查询另一个节点；该回执可证明节点曾收到这些交易"
        )));
    }
    Ok(())
}

fn fates(context: &Context, receipt: &Receipt) -> Outcome<Vec<Fate>> {
    let node = context.node()?;
    // Height first: what is committed until then is found afterwards.
    let status = node.get("/v1/status", &[])?;
    let height = status.get("height").and_then(Value::as_u64).unwrap_or(0);
    let fate = |received: &Received| {
        let found = node.find(&format!("/v1/transactions/{}", received.id), &[])?;
        let committed = found.filter(|view| render::text_at(view, "/status") == "committed");
        Ok(match committed {
            Some(view) => Fate::Committed(view),
            None if height > received.commit_by_height.0 => Fate::Missed,
            None => Fate::Waiting,
        })
    };
    receipt.transactions.iter().map(fate).collect()
}

fn report(context: &Context, receipt: &Receipt, fates: &[Fate]) {
    let peer = peer_id_of(&receipt.node);
    let word = |fate: &Fate| match fate {
        Fate::Committed(view) => format!(
            "{} {} {}",
            context.word("committed at height", "已上链，高度"),
            render::text_at(view, "/height"),
            render::text_at(view, "/outcome/result")
        ),
        Fate::Waiting => context.word("may still be committed", "仍可能上链").to_owned(),
        Fate::Missed => context.word("NOT committed, too late", "未上链，已过期").to_owned(),
    };
    if context.is_json() {
        let transactions: Vec<Value> = receipt
            .transactions
            .iter()
            .enumerate()
            .map(|(index, received)| {
                let fate = fates.get(index).map(|fate| match fate {
                    Fate::Committed(_) => "committed",
                    Fate::Waiting => "waiting",
                    Fate::Missed => "missed",
                });
                json!({"id": received.id, "commit_by_height": received.commit_by_height, "fate": fate})
            })
            .collect();
        context.print_json(&json!({
            "verified": true, "chain_id": receipt.chain_id, "node": receipt.node,
            "peer_id": peer, "received_height": receipt.received_height,
            "transactions": transactions,
        }));
        return;
    }
    let mut rows = vec![
        (
            context.word("receipt", "回执").to_owned(),
            format!(
                "{} {}",
                context.mark(true),
                context.word("signed by the node", "节点签名有效")
            ),
        ),
        (context.word("chain", "链").to_owned(), receipt.chain_id.to_string()),
        (context.word("node", "节点").to_owned(), receipt.node.to_string()),
        ("PeerId".to_owned(), peer),
        (
            context.word("received at height", "接收高度").to_owned(),
            receipt.received_height.to_string(),
        ),
    ];
    for (index, received) in receipt.transactions.iter().enumerate() {
        let fate = fates.get(index).map(word).unwrap_or_default();
        let by = context.word("by height", "最迟高度");
        let value = format!("{}  {by} {}  {fate}", received.id, received.commit_by_height);
        rows.push((context.word("transaction", "交易").to_owned(), value));
    }
    context.print(&render::fields(&rows));
}
