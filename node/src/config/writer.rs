//! The text of a new `config.toml`: every setting, with what it is for in both languages.

use super::{Config, LogFormat};

/// Writes a configuration.
pub(super) fn write(config: &Config) -> String {
    let peers: String =
        config.p2p.peers.iter().map(|peer| format!("  {},\n", quoted(&peer.to_string()))).collect();
    let hosts: Vec<String> = config.api.hosts.iter().map(|host| quoted(host)).collect();
    let hosts = format!("[{}]", hosts.join(", "));
    let tokens: Vec<String> = config.api.tokens.iter().map(|t| quoted(&t.to_string())).collect();
    let tokens = format!("[{}]", tokens.join(", "));
    let peers = if peers.is_empty() { "[]".to_owned() } else { format!("[\n{peers}]") };
    let (consensus, storage) = (&config.consensus, &config.storage);
    format!(
        r#"# Configuration of a Mulu node (目录链节点配置). Restart mulud after a change (修改后请重启 mulud).

# What people call this node (节点名称，仅供显示)
moniker = {moniker}
# The member that runs it: its unified social credit code (运行本节点的成员单位的统一社会信用代码)
member = {member}

[p2p]
# Where to listen for peers; MULU_P2P_LISTEN overrides it (监听对等节点的地址)
listen = {p2p_listen}
# Whom to dial: IP address, port and peer id (要连接的节点：IP 地址、端口、节点标识)
# "/ip4/10.1.2.3/tcp/26601/p2p/12D3KooW…"
peers = {peers}

[api]
# Where to serve HTTP; MULU_API_LISTEN overrides it. Beyond this machine it wants [api.tls] and tokens,
# or plain_http = true behind a TLS gateway (对外开放需配置 TLS 与令牌，或在 TLS 网关之后写 plain_http = true)
listen = {api_listen}
# Host names the API answers to besides this machine's own (除本机外，API 接受的主机名)
hosts = {hosts}
# Who may read: SHA-256 of each token, sent as `Authorization: Bearer TOKEN` (可读取者的令牌摘要)
tokens = {tokens}
{plain_http}{tls}
[log]
# text or json; MULU_LOG_FORMAT overrides it (日志格式)
format = {format}
# error, warn, info, debug, trace; MULU_LOG_LEVEL overrides it (日志级别)
level = {level}

[storage]
# What becomes of the bodies of old blocks: keep, archive (moved to a folder) or drop. Headers,
# certificates, proofs and outcomes always stay (旧区块正文：保留、归档或删除；区块头和证明始终保留)
bodies = {bodies}
# How many of the newest blocks keep their bodies (保留正文的最新区块数)
bodies_kept = {bodies_kept}
# The archive folder, from this folder on if relative, and blocks in one of its files (归档目录及每个文件的区块数)
archive = {archive}
archive_blocks = {archive_blocks}
# For how many of the newest heights states can be proved; 0: all (可证明状态的最新高度数，0 为全部)
state_heights = {state_heights}
# Whether replaced versions of records stay readable before that (更早的记录旧版本是否仍可读)
keep_old_values = {keep_old_values}
# With less free space, in MiB, the node is read-only until there is more; MULU_FREE_MIB_MIN
# overrides it (磁盘剩余空间低于此值时节点转为只读，单位 MiB)
free_mib_min = {free_mib_min}

[consensus]
# Milliseconds. Wrong values make the node slow, never wrong (单位毫秒；设错只会变慢，不会出错)
propose_timeout_ms = {propose}
vote_timeout_ms = {vote}
timeout_delta_ms = {delta}
timeout_ms_max = {max}
rebroadcast_ms = {rebroadcast}
block_interval_ms_min = {interval}

# Programs told of events by POST, signed with this node's key, until they answer 2xx (事件推送)
# [[webhooks]]
# name = "sharing-platform"
# url = "http://127.0.0.1:9000/mulu"
# kind = "authorization, receipt.record"    # also: member, office, entry, authorization, from_height
"#,
        moniker = quoted(&config.moniker),
        member = quoted(&config.member),
        p2p_listen = quoted(&config.p2p.listen.to_string()),
        api_listen = quoted(&config.api.listen.to_string()),
        hosts = hosts,
        tokens = tokens,
        plain_http =
            if config.api.plain_http { "plain_http = true\n" } else { "# plain_http = true\n" },
        tls = tls(config),
        format = quoted(match config.log.format {
            LogFormat::Text => "text",
            LogFormat::Json => "json",
        }),
        level = quoted(&config.log.level),
        bodies = quoted(storage.bodies.name()),
        bodies_kept = storage.bodies_kept,
        archive = quoted(&storage.archive),
        archive_blocks = storage.archive_blocks,
        state_heights = storage.state_heights,
        keep_old_values = storage.keep_old_values,
        free_mib_min = storage.free_mib_min,
        propose = consensus.propose_timeout_ms,
        vote = consensus.vote_timeout_ms,
        delta = consensus.timeout_delta_ms,
        max = consensus.timeout_ms_max,
        rebroadcast = consensus.rebroadcast_ms,
        interval = consensus.block_interval_ms_min,
    )
}

fn tls(config: &Config) -> String {
    let Some(files) = &config.api.tls else {
        return "# [api.tls]\n# certificate = \"/etc/mulu/api.pem\"\n# key = \"/etc/mulu/api.key\"\n\
                # client_ca = \"/etc/mulu/clients.pem\"    # mTLS: as good as a token (双向 TLS)\n"
            .to_owned();
    };
    let path = |path: &std::path::Path| quoted(&path.to_string_lossy());
    let mut text = format!(
        "[api.tls]\ncertificate = {}\nkey = {}\n",
        path(&files.certificate),
        path(&files.key)
    );
    if let Some(client_ca) = &files.client_ca {
        text += &format!("client_ca = {}\n", path(client_ca));
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
