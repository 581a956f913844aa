//! `mulud doctor`: looks at a node's folder, keys, clock, disk, ports and peers, and says what is wrong
//! and what to do. It changes nothing (but for one small file that it writes, syncs and removes to see
//! that the disk takes it), and it needs neither a running nor a stopped node.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde::Serialize;
use serde_json::Value;

use crate::config::Config;
use crate::explain::{Explain, Language};
use crate::home::GENESIS_FILE_NAME;
use crate::house::free_space;
use crate::keys::{self, KeyFile};

/// How long a peer or the node's own API may take to answer.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// Largest answer read from the API, in bytes.
const ANSWER_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A clock off by this much from the last block's time is told, in milliseconds.
const CLOCK_MS_MAX: u64 = 10_000;
/// Open files a node wants.
const OPEN_FILES_MIN: u64 = 4_096;
/// A disk slower than this to make one small file durable slows the chain.
const SYNC_MAX: Duration = Duration::from_millis(100);
/// Where systemd says that the clock is in step with a time server.
const CLOCK_SYNCED: &str = "/run/systemd/timesync/synchronized";
const MIB: u64 = 1024 * 1024;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Good,
    /// It works, but should be looked at.
    Warning,
    /// The node does not or will not work.
    Bad,
}

/// One thing looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name.
    pub check: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// What was found, and what to do.
    pub text: String,
    /// As `text`, in Chinese.
    pub text_zh: String,
}

fn finding(
    check: &'static str,
    verdict: Verdict,
    text: impl Into<String>,
    text_zh: impl Into<String>,
) -> Finding {
    Finding { check, verdict, text: text.into(), text_zh: text_zh.into() }
}

/// Looks at everything.
pub fn examine(home: &Path) -> Vec<Finding> {
    let mut found = vec![folder(home)];
    let config = match Config::load(home) {
        Ok(config) => {
            let text = format!("config.toml is usable; member {}", config.member);
            let zh = format!("config.toml 可用；成员 {}", config.member);
            found.push(finding("config", Verdict::Good, text, zh));
            Some(config)
        }
        Err(error) => {
            found.push(finding("config", Verdict::Bad, error.to_string(), error.chinese()));
            None
        }
    };
    found.push(genesis(home));
    found.extend(key_files(home));
    found.push(open_files());
    let Some(config) = config else { return found };
    found.push(space(home, &config));
    found.push(disk_writes(home));
    let status = status_of(config.api.listen);
    found.extend(match &status {
        Some(status) => running(status),
        None => stopped(home, &config),
    });
    found.push(clock(status.as_ref()));
    found.extend(peers(&config, status.as_ref()));
    found
}

fn folder(home: &Path) -> Finding {
    match fs::metadata(home) {
        Err(error) => finding(
            "folder",
            Verdict::Bad,
            format!(
                "{} cannot be used: {error}; give the node's folder with --home",
                home.display()
            ),
            format!("无法使用 {}：{error}；请用 --home 指定节点目录", home.display()),
        ),
        Ok(found) if found.mode() & 0o022 != 0 => finding(
            "folder",
            Verdict::Warning,
            format!("others may write into {}: run chmod go-w {0}", home.display()),
            format!("其他用户可写入 {}：请执行 chmod go-w {0}", home.display()),
        ),
        Ok(_) => finding(
            "folder",
            Verdict::Good,
            format!("{} is there", home.display()),
            format!("{} 存在", home.display()),
        ),
    }
}

fn genesis(home: &Path) -> Finding {
    let path = home.join(GENESIS_FILE_NAME);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            return finding(
                "genesis",
                Verdict::Bad,
                format!("{} cannot be read: {error}; copy the consortium's there", path.display()),
                format!("无法读取 {}：{error}；请将联盟的创始文件放到该处", path.display()),
            );
        }
    };
    match mulu_genesis::parse(&text, &path.to_string_lossy()) {
        Ok(founding) => finding(
            "genesis",
            Verdict::Good,
            format!(
                "chain {}, {}: compare with another member's",
                founding.chain_id(),
                founding.digest()
            ),
            format!("链 {}，{}：请与其他成员核对", founding.chain_id(), founding.digest()),
        ),
        Err(error) => finding("genesis", Verdict::Bad, error.to_string(), error.chinese()),
    }
}

fn key_files(home: &Path) -> Vec<Finding> {
    let node = match keys::load_identity(home) {
        Ok(identity) => {
            let id = identity.public().to_peer_id();
            finding("node_key", Verdict::Good, format!("node id {id}"), format!("节点标识 {id}"))
        }
        Err(error) => finding("node_key", Verdict::Bad, error.to_string(), error.chinese()),
    };
    let validator = match keys::load_validator(home) {
        Ok(Some(key)) => {
            let key = key.public_key();
            let text = format!("validator {key}; no other node may run with this key");
            finding("validator_key", Verdict::Good, text, format!("验证者 {key}；不得用于其他节点"))
        }
        Ok(None) => finding(
            "validator_key",
            Verdict::Good,
            "none: this node is an observer",
            "没有：本节点为观察节点",
        ),
        Err(error) => finding("validator_key", Verdict::Bad, error.to_string(), error.chinese()),
    };
    let mut found = vec![node, validator];
    for file in [KeyFile::Node, KeyFile::Validator] {
        let path = file.path(home);
        let Ok(metadata) = fs::metadata(&path) else { continue };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            found.push(finding(
                "key_mode",
                Verdict::Bad,
                format!("{0} has mode {mode:03o}: run chmod 600 {0}", path.display()),
                format!("{0} 的权限为 {mode:03o}：请执行 chmod 600 {0}", path.display()),
            ));
        }
    }
    found
}

fn open_files() -> Finding {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let limit = line.and_then(|line| line.split_whitespace().nth(3));
    match limit.and_then(|limit| limit.parse::<u64>().ok()) {
        Some(limit) if limit < OPEN_FILES_MIN => finding(
            "open_files",
            Verdict::Warning,
            format!("only {limit} open files are allowed: set LimitNOFILE=65536 in the service"),
            format!("最多只能打开 {limit} 个文件：请在服务中设置 LimitNOFILE=65536"),
        ),
        _ => finding("open_files", Verdict::Good, "enough open files allowed", "可打开文件数足够"),
    }
}

fn space(home: &Path, config: &Config) -> Finding {
    let floor = config.storage.free_mib_min;
    let Some((free, all)) = free_space(home) else {
        let text = "the free space cannot be told";
        return finding("disk_space", Verdict::Warning, text, "无法获知剩余空间");
    };
    let (free, all) = (free / MIB, all / MIB);
    let text = format!("{free} of {all} MiB free, floor {floor} MiB");
    let zh = format!("剩余 {free} MiB，共 {all} MiB，下限 {floor} MiB");
    match () {
        () if free < floor => finding(
            "disk_space",
            Verdict::Bad,
            format!("{text}: the node is read-only until some space is freed"),
            format!("{zh}：释放空间之前节点为只读"),
        ),
        () if free < floor.saturating_mul(4) => finding(
            "disk_space",
            Verdict::Warning,
            format!(
                "{text}: free some space, or let the node archive or drop old bodies ([storage])"
            ),
            format!("{zh}：请释放空间，或在 [storage] 中设置归档或删除旧区块正文"),
        ),
        () => finding("disk_space", Verdict::Good, text, zh),
    }
}

fn disk_writes(home: &Path) -> Finding {
    let path = home.join(".doctor");
    let begun = Instant::now();
    let written = File::create(&path)
        .and_then(|mut file| file.write_all(b"doctor").and_then(|()| file.sync_all()));
    let took = begun.elapsed();
    drop(fs::remove_file(&path));
    let ms = took.as_millis();
    match written {
        Err(error) => finding(
            "disk_writes",
            Verdict::Bad,
            format!("{} takes no files: {error}; check owner and mount", home.display()),
            format!("{} 无法写入：{error}；请检查属主和挂载方式", home.display()),
        ),
        Ok(()) if took > SYNC_MAX => finding(
            "disk_writes",
            Verdict::Warning,
            format!("making a small file durable took {ms} ms: use a faster disk for a validator"),
            format!("小文件落盘耗时 {ms} 毫秒：验证节点请使用更快的磁盘"),
        ),
        Ok(()) => finding(
            "disk_writes",
            Verdict::Good,
            format!("a small file is durable in {ms} ms"),
            format!("小文件落盘耗时 {ms} 毫秒"),
        ),
    }
}

/// What the node's own API says, if it answers.
fn status_of(listen: SocketAddr) -> Option<Value> {
    let ip =
        if listen.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen.ip() };
    let address = SocketAddr::new(ip, listen.port());
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_MAX).ok()?;
    stream.set_read_timeout(Some(CONNECT_MAX)).ok()?;
    let request =
        format!("GET /v1/status HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).ok()?;
    let start = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    serde_json::from_slice(answer.get(start + 4..)?).ok()
}

fn running(status: &Value) -> Vec<Finding> {
    let number = |name: &str| status.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (height, best) = (number("height"), number("best_peer_height"));
    let text = format!("running at height {height}; highest peer {best}");
    let zh = format!("运行中，高度 {height}，其他节点最高 {best}");
    let behind = status.get("syncing").and_then(Value::as_bool) == Some(true);
    let verdict = if behind { Verdict::Warning } else { Verdict::Good };
    let mut found = vec![finding("node", verdict, text, zh)];
    if let Some(why) = status.get("abstaining").and_then(Value::as_str) {
        let alarm = status.get("alarm").and_then(Value::as_bool) == Some(true);
        let verdict = if alarm { Verdict::Bad } else { Verdict::Warning };
        found.push(finding(
            "votes",
            verdict,
            format!(
                "the validator abstains: {why}; it comes back by itself unless this is an alarm"
            ),
            format!("验证者暂不投票：{why}；除警报外会自行恢复"),
        ));
    }
    found.extend(rules(status));
    let damages = status.pointer("/storage/damages").and_then(Value::as_array);
    for damage in damages.into_iter().flatten() {
        found.push(finding(
            "damage",
            Verdict::Bad,
            format!("{damage}: check the disk, then restore a backup or sync again"),
            format!("{damage}：请检查磁盘，然后从备份恢复或重新同步"),
        ));
    }
    found
}

/// Whether the rules that the consortium voted for are known to the running program.
fn rules(status: &Value) -> Option<Finding> {
    let pending = status.pointer("/protocol/pending")?;
    let number = |name: &str| pending.get(name).and_then(Value::as_u64).unwrap_or_default();
    let (version, from) = (number("version"), number("from_height"));
    let known = status.pointer("/protocol/known").and_then(Value::as_array);
    let knows = known.into_iter().flatten().any(|known| known.as_u64() == Some(version));
    Some(match knows {
        true => finding(
            "rules",
            Verdict::Good,
            format!(
                "version {version} of the rules holds from height {from} on; this mulud knows it"
            ),
            format!("规则版本 {version} 自高度 {from} 起生效；本程序已支持"),
        ),
        false => finding(
            "rules",
            Verdict::Bad,
            format!(
                "version {version} of the rules holds from height {from} on and this mulud does not know \
                 it: install one that does before that height, or the node stops there"
            ),
            format!(
                "规则版本 {version} 自高度 {from} 起生效，本程序不支持：请在此之前升级，否则节点将停止"
            ),
        ),
    })
}

fn stopped(home: &Path, config: &Config) -> Vec<Finding> {
    let mut found = Vec::new();
    let p2p = socket_of(&config.p2p.listen);
    for (check, address) in [("api_port", Some(config.api.listen)), ("p2p_port", p2p)] {
        let Some(address) = address else { continue };
        found.push(match TcpListener::bind(address) {
            Ok(_) => finding(
                check,
                Verdict::Good,
                format!("{address} is free; the node does not run"),
                format!("{address} 空闲；节点未运行"),
            ),
            Err(error) => finding(
                check,
                Verdict::Bad,
                format!(
                    "{address} cannot be used: {error}; see who has it with ss -ltnp, or change config.toml"
                ),
                format!("{address} 无法使用：{error}；请用 ss -ltnp 查看占用者，或修改 config.toml"),
            ),
        });
    }
    if KeyFile::Validator.path(home).exists()
        && home.join("data/ledger").exists()
        && !home.join("data/votes").exists()
    {
        found.push(finding(
            "votes",
            Verdict::Warning,
            "there is a ledger but no vote log (a restored backup): the validator will abstain until \
             the chain has moved on",
            "有账本而没有投票日志（从备份恢复）：链前进之前验证者不会投票",
        ));
    }
    found
}

fn clock(status: Option<&Value>) -> Finding {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let now = u64::try_from(now).unwrap_or(u64::MAX);
    let block = status.and_then(|s| s.get("time_ms")).and_then(Value::as_u64).unwrap_or_default();
    if block > now.saturating_add(CLOCK_MS_MAX) {
        let s = (block - now) / 1000;
        return finding(
            "clock",
            Verdict::Bad,
            format!(
                "this clock is {s} s behind the last block: set it by NTP (chronyd, timesyncd)"
            ),
            format!("本机时钟比最新区块慢 {s} 秒：请用 NTP 校时（chronyd、timesyncd）"),
        );
    }
    match Path::new(CLOCK_SYNCED).exists() {
        true => finding("clock", Verdict::Good, "in step with a time server", "已与时间服务器同步"),
        false => finding(
            "clock",
            Verdict::Warning,
            "nothing wrong seen, but systemd-timesyncd does not run: make sure that chronyd or ntpd does",
            "未见异常，但 systemd-timesyncd 未运行：请确认 chronyd 或 ntpd 正在校时",
        ),
    }
}

fn peers(config: &Config, status: Option<&Value>) -> Vec<Finding> {
    let mut found = Vec::new();
    if config.p2p.peers.is_empty() {
        let text = "config.toml names no peers: add those of other members to [p2p] peers";
        let zh = "config.toml 未列出其他节点：请在 [p2p] peers 中加入其他成员的节点";
        found.push(finding("peers", Verdict::Warning, text, zh));
    }
    for peer in &config.p2p.peers {
        let Some(address) = socket_of(peer) else { continue };
        found.push(match TcpStream::connect_timeout(&address, CONNECT_MAX) {
            Ok(_) => finding(
                "peer",
                Verdict::Good,
                format!("{address} answers"),
                format!("{address} 可连通"),
            ),
            Err(error) => finding(
                "peer",
                Verdict::Warning,
                format!(
                    "{address} cannot be reached: {error}; ask that member, check the firewall"
                ),
                format!("无法连接 {address}：{error}；请询问该成员并检查防火墙"),
            ),
        });
    }
    let connected = status.and_then(|s| s.get("peers")).and_then(Value::as_array).map(Vec::len);
    if connected == Some(0) && !config.p2p.peers.is_empty() {
        found.push(finding(
            "peers",
            Verdict::Bad,
            "the node runs but no peer is connected: is its node id registered, does the other side know it?",
            "节点在运行但没有连上任何节点：请确认节点标识已登记且对方已配置",
        ));
    }
    found
}

/// The IP address and TCP port of a multiaddress.
fn socket_of(address: &Multiaddr) -> Option<SocketAddr> {
    let (mut ip, mut port) = (None, None);
    for part in address {
        match part {
            Protocol::Ip4(v4) => ip = Some(IpAddr::V4(v4)),
            Protocol::Ip6(v6) => ip = Some(IpAddr::V6(v6)),
            Protocol::Tcp(tcp) => port = Some(tcp),
            _ => {}
        }
    }
    Some(SocketAddr::new(ip?, port?))
}

/// The findings for a reader.
pub fn text(findings: &[Finding], language: Language) -> String {
    let chinese = language == Language::Chinese;
    let mut lines = Vec::new();
    for Finding { check, verdict, text, text_zh } in findings {
        let sign = match verdict {
            Verdict::Good => "ok  ",
            Verdict::Warning => "look",
            Verdict::Bad => "BAD ",
        };
        lines.push(format!("{sign}  {check:<14} {}", if chinese { text_zh } else { text }));
    }
    lines.join("\n")
}
