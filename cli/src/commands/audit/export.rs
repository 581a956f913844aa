//! `mulu audit export`: asks a node for the evidence that answers a question.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use mulu_chain::bundle::Question;

use super::super::lookup::{self, Found};
use super::{no_genesis, trusted_genesis, verify};
use crate::audit::remember;
use crate::client::Node;
use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::{render, text};

/// Largest bundle fetched, in bytes.
const BUNDLE_FILE_BYTES_MAX: u64 = 16 * 1024 * 1024 * 1024;

/// What is asked.
#[derive(Debug, clap::Args)]
pub struct Asked {
    /// Key, id or code of a record, a transaction's id, heights/FIRST-LAST, or times/FROM-TO in
    /// milliseconds 记录的键、编号或代码、交易编号、高度或时间范围
    subject: String,
    /// All receipts of the entry or authorization 其全部使用回执
    #[arg(long, conflicts_with_all = ["grants", "no_grant_for"])]
    receipts: bool,
    /// All authorizations the office holds 该处室持有的全部授权
    #[arg(long, conflicts_with = "no_grant_for")]
    grants: bool,
    /// That no authorization of the entry entitles this office or member 证明该处室或成员无授权
    #[arg(long, value_name = "OFFICE|MEMBER")]
    no_grant_for: Option<String>,
    /// As of this height; the last one if not given 截至高度
    #[arg(long, value_name = "HEIGHT")]
    at: Option<u64>,
    /// Prove that the chain goes on from the header trusted last, then trust this one; the file is
    /// --remember=FILE, else one of the chain in your state folder 与上次信任的区块头核对一致性
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    remember: Option<Option<PathBuf>>,
    /// Forget the header trusted last, and begin with this one 忘记上次信任的区块头
    #[arg(long, requires = "remember")]
    forget: bool,
}

/// Fetches a bundle and verifies it at once.
///
/// # Errors
/// Those of the node; exit 1 when the evidence is bad.
pub fn run(context: &Context, asked: &Asked, out: &Path, genesis: Option<&str>) -> Outcome<()> {
    let node = context.node()?;
    let question = question(&node, asked)?;
    let shown = out.display();
    let unwritable = |e: std::io::Error| {
        Failure::usage(text!("cannot write {shown}: {e}", "无法写入 {shown}：{e}"))
    };
    let mut file = BufWriter::new(File::create(out).map_err(unwritable)?);
    let at = asked.at.map(|height| height.to_string());
    let query: Vec<(&str, &str)> = at.iter().map(|at| ("height", at.as_str())).collect();
    let path = format!("/v1/bundles/{question}");
    let size = node.download_to(&path, &query, &mut file, BUNDLE_FILE_BYTES_MAX)?;
    file.into_inner().map_err(|e| unwritable(e.into_error()))?;
    context.say(&text!(
        "wrote {question} to {shown} ({size} bytes)",
        "{question} 已写入 {shown}（{size} 字节）"
    ));
    let trusted = match trusted_genesis(context, genesis)? {
        Some(trusted) => trusted,
        // A node that chooses the genesis chooses which memory it is held against.
        None if asked.remember.is_some() => return Err(no_genesis()),
        None => {
            let status = node.get("/v1/status", &[])?;
            let claimed = render::text_at(&status, "/genesis");
            context.say(&text!(
                "warning: the genesis {claimed} is the node's own word; compare it with another member's",
                "警告：创世摘要 {claimed} 为该节点自述，请与其他成员核对"
            ));
            claimed.parse().map_err(|_| no_genesis())?
        }
    };
    let audited = verify::read_file(out, &trusted)?;
    if let (Some(file), true, Some(tip)) =
        (&asked.remember, audited.failed().is_empty(), &audited.story.tip)
    {
        let file = file.clone().unwrap_or_else(|| remember::default_path(&trusted));
        if asked.forget && file.exists() {
            std::fs::remove_file(&file).map_err(|e| unremovable(&file, &e))?;
        }
        remember::check(&node, &file, &trusted, tip)?;
    }
    verify::show(context, &audited, &trusted, None)
}

fn unremovable(file: &Path, error: &std::io::Error) -> Failure {
    let shown = file.display();
    Failure::usage(text!("cannot remove {shown}: {error}", "无法删除 {shown}：{error}"))
}

/// The question in the words of a bundle.
fn question(node: &Node, asked: &Asked) -> Outcome<Question> {
    let text = &asked.subject;
    let direct = ["heights/", "times/", "transaction/", "receipts-of/", "grants-of/", "no-grant/"];
    if direct.iter().any(|kind| text.starts_with(kind)) {
        return parse(text);
    }
    // A key that stands in the text needs no looking up: it may be of a record that never was.
    let key = match lookup::find(node, text) {
        Ok(Found::Record { key, .. }) => key,
        Ok(Found::Transaction(found)) => {
            let id = render::text_at(&found, "/transaction");
            return parse(&format!("transaction/{id}"));
        }
        Ok(Found::Block(block)) => {
            let height = block.pointer("/header/height").and_then(serde_json::Value::as_u64);
            let height = height.unwrap_or_default();
            return parse(&format!("heights/{height}-{height}"));
        }
        Err(failure) if text.contains('/') && !text.starts_with("307") => {
            // Its absence can be proved, too.
            text.parse::<Question>().map_err(|_| failure)?;
            text.clone()
        }
        Err(failure) => return Err(failure),
    };
    if asked.receipts {
        return parse(&format!("receipts-of/{key}"));
    }
    if asked.grants {
        return parse(&format!("grants-of/{key}"));
    }
    if let Some(party) = &asked.no_grant_for {
        let entry = key.strip_prefix("entry/").ok_or_else(|| {
            Failure::usage(text!("`{text}` is not an entry", "`{text}` 不是目录条目"))
        })?;
        let party = party.trim_start_matches("office/").trim_start_matches("member/");
        return parse(&format!("no-grant/{party}/{entry}"));
    }
    parse(&key)
}

fn parse(text: &str) -> Outcome<Question> {
    text.parse().map_err(|_| {
        Failure::usage(text!(
            "`{text}` is not a question a bundle answers",
            "`{text}` 不是证据包可回答的问题"
        ))
    })
}
