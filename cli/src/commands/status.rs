//! `mulu status`: the node and the chain in a few lines.

use serde_json::Value;

use crate::context::Context;
use crate::failure::Outcome;
use crate::render;

/// Runs the command.
///
/// # Errors
/// Exit 4 when the node cannot be reached.
pub fn run(context: &Context) -> Outcome<()> {
    let node = context.node()?;
    let status = node.get("/v1/status", &[])?;
    if context.is_json() {
        context.print_json(&status);
        return Ok(());
    }
    let text = |pointer: &str| render::text_at(&status, pointer);
    let time = status.get("time_ms").and_then(Value::as_u64).map(render::time_ms);
    let flag = |pointer: &str| {
        let set = status.pointer(pointer).and_then(Value::as_bool);
        set.map(|yes| render::yes_no(yes, context.lang).to_owned()).unwrap_or_default()
    };
    let alarmed = status.get("alarm").and_then(Value::as_bool) == Some(true);
    let alarm = context.word(
        "its validator key signs elsewhere; it signs nothing until `mulud votes resume`",
        "其验证密钥在别处签名；执行 `mulud votes resume` 之前不再签名",
    );
    let alarm = if alarmed { alarm } else { "" };
    let seen = status.get("equivocations").and_then(Value::as_u64);
    let seen = seen.filter(|seen| *seen > 0).map(|seen| seen.to_string());
    let peers = status.get("peers").and_then(Value::as_array);
    let rows: Vec<(String, String)> = [
        (context.word("node", "节点"), node.url().to_owned()),
        (context.word("name", "名称"), text("/node/moniker")),
        (context.word("member", "成员"), text("/node/member")),
        (context.word("chain", "链"), text("/chain_id")),
        (context.word("genesis", "创世区块"), text("/genesis")),
        (context.word("height", "高度"), text("/height")),
        (context.word("block", "区块"), text("/block")),
        (context.word("block time", "出块时间"), time.unwrap_or_default()),
        (context.word("catching up", "正在追赶"), flag("/syncing")),
        (context.word("validator", "验证节点"), flag("/is_validator")),
        (context.word("ALARM", "警报"), alarm.to_owned()),
        (context.word("abstaining", "弃权原因"), text("/abstaining")),
        (context.word("contradictions seen", "已发现双签"), seen.unwrap_or_default()),
        (context.word("waiting transactions", "待处理交易"), text("/mempool/transactions")),
        (context.word("peers", "已连节点"), peers.map(|p| p.len().to_string()).unwrap_or_default()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    context.print(&render::fields(&rows));
    let Some(peers) = peers.filter(|p| !p.is_empty()) else { return Ok(()) };
    let rows: Vec<Vec<String>> = peers
        .iter()
        .map(|peer| ["/peer_id", "/member", "/height"].map(|p| render::text_at(peer, p)).to_vec())
        .collect();
    let header = match context.lang {
        crate::lang::Lang::Zh => ["节点标识", "成员", "高度"],
        crate::lang::Lang::En => ["PEER", "MEMBER", "HEIGHT"],
    };
    context.print("");
    context.print(&render::table(&header, &rows));
    Ok(())
}
