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
    let read_only = context.word(
        "the disk is nearly full; free some space, it goes on by itself",
        "磁盘将满；请释放空间，节点会自动恢复",
    );
    let full = status.pointer("/storage/read_only").and_then(Value::as_bool) == Some(true);
    let read_only = if full { read_only } else { "" };
    let damages = damages(&status);
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
        (context.word("round", "轮次"), text("/round")),
        (context.word("blocks behind", "落后区块"), behind(&status)),
        (context.word("catching up", "正在追赶"), flag("/syncing")),
        (context.word("validator", "验证节点"), flag("/is_validator")),
        (context.word("ALARM", "警报"), alarm.to_owned()),
        (context.word("abstaining", "弃权原因"), text("/abstaining")),
        (context.word("contradictions seen", "已发现双签"), seen.unwrap_or_default()),
        (context.word("waiting transactions", "待处理交易"), text("/mempool/transactions")),
        (context.word("rules", "规则版本"), rules(context, &status)),
        (context.word("disk free", "磁盘剩余"), free(&status)),
        (context.word("READ-ONLY", "只读"), read_only.to_owned()),
        (context.word("ledger, vote log, archive", "账本、投票日志、归档"), sizes(&status)),
        (context.word("bodies, states from height", "正文、状态保留自高度"), kept(&status)),
        (context.word("DAMAGE", "损坏"), damages),
        (context.word("archive failing", "归档失败"), text("/storage/archive_problem")),
        (context.word("peers", "已连节点"), peers.map(|p| p.len().to_string()).unwrap_or_default()),
    ]
    .into_iter()
    .filter(|(_, value)| !value.is_empty())
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    context.print(&render::fields(&rows));
    print_keys(context, &status);
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

/// Most keys shown.
const KEYS_SHOWN_MAX: usize = 24;
const MIB: u64 = 1024 * 1024;

fn number(status: &Value, pointer: &str) -> u64 {
    status.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}

/// How many blocks the node lacks that a peer has.
fn behind(status: &Value) -> String {
    number(status, "/best_peer_height").saturating_sub(number(status, "/height")).to_string()
}

/// The version of the rules in force, and the one voted for, if this node will stop there or go on.
fn rules(context: &Context, status: &Value) -> String {
    let in_force = render::text_at(status, "/protocol/in_force");
    let Some(pending) = status.pointer("/protocol/pending") else { return in_force };
    let (version, from) = (number(pending, "/version"), number(pending, "/from_height"));
    let known = status.pointer("/protocol/known").and_then(Value::as_array);
    let knows = known.into_iter().flatten().any(|known| known.as_u64() == Some(version));
    let verdict = match knows {
        true => context.word("known here", "本节点已支持"),
        false => context.word("UNKNOWN HERE: INSTALL IT", "本节点不支持，请升级程序"),
    };
    format!("{in_force}, {version} @ {from} ({verdict})")
}

fn free(status: &Value) -> String {
    let mib = |pointer: &str| number(status, pointer) / MIB;
    match status.pointer("/storage/disk_bytes").and_then(Value::as_u64) {
        None | Some(0) => String::new(),
        Some(all) => format!(
            "{} / {} MiB (> {})",
            mib("/storage/free_bytes"),
            all / MIB,
            mib("/storage/free_bytes_min")
        ),
    }
}

fn sizes(status: &Value) -> String {
    if status.get("storage").is_none() {
        return String::new();
    }
    let mib = |pointer: &str| number(status, pointer).div_ceil(MIB);
    format!(
        "{}, {}, {} MiB",
        mib("/storage/ledger_bytes"),
        mib("/storage/votes_bytes"),
        mib("/storage/archive_bytes")
    )
}

fn kept(status: &Value) -> String {
    match status.get("storage") {
        None => String::new(),
        Some(_) => format!(
            "{}, {}",
            number(status, "/storage/bodies_from"),
            number(status, "/storage/state_from")
        ),
    }
}

fn damages(status: &Value) -> String {
    let found = status.pointer("/storage/damages").and_then(Value::as_array);
    let words = found.into_iter().flatten().map(|damage| {
        let (column, reason) =
            (render::text_at(damage, "/column"), render::text_at(damage, "/reason"));
        format!("{column} {}: {reason}", render::text_at(damage, "/height"))
    });
    words.collect::<Vec<_>>().join("; ")
}

/// The keys of the node's member: what each may do, and since when. A node that does not tell costs
/// the reader only this table.
fn print_keys(context: &Context, status: &Value) {
    let member = render::text_at(status, "/node/member");
    let Ok(node) = context.node() else { return };
    let limit = KEYS_SHOWN_MAX.to_string();
    let query = [("member", member.as_str()), ("status", "active"), ("limit", limit.as_str())];
    let Ok(page) = node.get("/v1/keys", &query) else { return };
    let items = page.get("items").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    if items.is_empty() {
        return;
    }
    let height = number(status, "/height");
    let rows: Vec<Vec<String>> = items
        .iter()
        .filter_map(|item| item.get("value"))
        .map(|key| {
            let roles = key.get("roles").and_then(Value::as_array);
            let roles = roles.into_iter().flatten().filter_map(Value::as_str);
            let since = number(key, "/registered_at_height");
            let left = key.get("valid_to").and_then(Value::as_u64);
            vec![
                render::short(&render::text_at(key, "/public_key")).into_owned(),
                roles.collect::<Vec<_>>().join(" "),
                since.to_string(),
                height.saturating_sub(since).to_string(),
                left.map(|last| last.saturating_sub(height).to_string()).unwrap_or_default(),
            ]
        })
        .collect();
    let header = match context.lang {
        crate::lang::Lang::Zh => ["密钥", "角色", "登记高度", "已用区块", "剩余区块"],
        crate::lang::Lang::En => ["KEY", "ROLES", "SINCE HEIGHT", "AGE IN BLOCKS", "BLOCKS LEFT"],
    };
    context.print("");
    context.print(&render::table(&header, &rows));
}
