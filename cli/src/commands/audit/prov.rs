//! `mulu audit prov`: a verified bundle as PROV-JSON.

use std::path::Path;

use mulu_chain::block::BlockId;
use serde_json::json;

use super::verify::read_file;
use crate::audit::prov;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::{files, text};

/// Verifies a bundle and writes what it tells as PROV-JSON.
///
/// # Errors
/// Exit 1 when the evidence is bad, exit 2 when it cannot be read, written or is no bundle.
pub fn run(context: &Context, file: &Path, trusted: &BlockId, out: &Path) -> Outcome<()> {
    let audited = read_file(file, trusted)?;
    let failed = audited.failed().join(", ");
    if !failed.is_empty() {
        return Err(Failure::new(
            Exit::VerificationFailed,
            text!(
                "the bundle does not verify ({failed}); nothing was written",
                "证据包验证未通过（{failed}），未写入"
            ),
        )
        .help(text!(
            "`mulu audit verify` shows every check",
            "`mulu audit verify` 可查看全部检查项"
        )));
    }
    let document = prov::document(&audited.story);
    if out == Path::new("-") {
        context.print_json(&document);
        return Ok(());
    }
    files::write_output(out, document.to_string().as_bytes())?;
    let shown = out.display().to_string();
    let transactions = audited.story.transactions.len();
    if context.is_json() {
        context.print_json(&json!({ "out": shown, "transactions": transactions }));
    } else {
        context.say(&text!(
            "wrote {transactions} transactions as PROV-JSON to {shown}",
            "{transactions} 笔交易已按 PROV-JSON 写入 {shown}"
        ));
    }
    Ok(())
}
