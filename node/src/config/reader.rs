//! From text to a checked configuration: all mistakes at once, each at its place.

use std::net::SocketAddr;
use std::ops::Range;

use libp2p::Multiaddr;
use mulu_genesis::Fault;
use serde::Deserialize;
use toml::Spanned;

use super::access::RawTls;
use super::error::{Located, Problem};
use super::storage::{RawStorage, free_mib_min};
use super::webhook::RawWebhook;
use super::{
    ApiSection, Config, ConfigError, ConsensusSection, HOSTS_MAX, LogSection, MONIKER_CHARS_MAX,
    P2pSection,
};
use crate::logging::{self, LogFormat};
use crate::p2p::{AddressInvalid, PEERS_MAX, PeerAddress, check_listen_address};

pub(super) type Text = Spanned<String>;
type Milliseconds = Option<Spanned<u64>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    moniker: Option<Text>,
    member: Text,
    #[serde(default)]
    p2p: RawP2p,
    #[serde(default)]
    api: RawApi,
    #[serde(default)]
    log: RawLog,
    #[serde(default)]
    storage: RawStorage,
    #[serde(default)]
    consensus: RawConsensus,
    #[serde(default)]
    webhooks: Vec<RawWebhook>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawP2p {
    listen: Option<Text>,
    #[serde(default)]
    peers: Vec<Text>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawApi {
    listen: Option<Text>,
    #[serde(default)]
    hosts: Vec<Text>,
    tls: Option<RawTls>,
    #[serde(default)]
    tokens: Vec<Text>,
    #[serde(default)]
    plain_http: bool,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawLog {
    format: Option<Text>,
    level: Option<Text>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RawConsensus {
    propose_timeout_ms: Milliseconds,
    vote_timeout_ms: Milliseconds,
    timeout_delta_ms: Milliseconds,
    timeout_ms_max: Milliseconds,
    rebroadcast_ms: Milliseconds,
    block_interval_ms_min: Milliseconds,
}

/// Reads and checks a file's text.
pub(super) fn read(text: &str, file: &str) -> Result<Config, ConfigError> {
    let mut check = Check { text, file, faults: Vec::new() };
    let raw: Raw = match toml::from_str(text) {
        Ok(raw) => raw,
        Err(error) => {
            check.report(error.span().unwrap_or(0..0), not_toml(error.message()));
            return Err(ConfigError::Invalid { faults: check.faults });
        }
    };
    let member = check.required(&raw.member, member);
    let default = Config::new(member.clone(), member);
    if raw.p2p.peers.len() > PEERS_MAX {
        let last = raw.p2p.peers.last().map_or(0..0, Spanned::span);
        check.report(last, too_many_peers(raw.p2p.peers.len()));
    }
    if let Some(beyond) = raw.api.hosts.get(HOSTS_MAX) {
        check.report(beyond.span(), too_many_hosts(raw.api.hosts.len()));
    }
    let config = Config {
        moniker: check.optional(&raw.moniker, moniker, default.moniker),
        p2p: P2pSection {
            listen: check.optional(&raw.p2p.listen, p2p_listen, default.p2p.listen),
            peers: raw.p2p.peers.iter().filter_map(|text| check.value(text, peer)).collect(),
        },
        api: ApiSection {
            listen: check.optional(&raw.api.listen, api_listen, default.api.listen),
            hosts: raw.api.hosts.iter().filter_map(|text| check.value(text, host)).collect(),
            tls: raw.api.tls.as_ref().map(RawTls::files),
            tokens: check.tokens(&raw.api.tokens),
            plain_http: raw.api.plain_http,
        },
        log: LogSection {
            format: check.optional(&raw.log.format, format, default.log.format),
            level: check.optional(&raw.log.level, level, default.log.level),
        },
        storage: check.storage(&raw.storage),
        consensus: check.consensus(&raw.consensus),
        webhooks: check.webhooks(&raw.webhooks),
        member: default.member,
    };
    match check.faults.is_empty() {
        true => Ok(config),
        false => {
            check.faults.sort_by_key(|Located { fault, .. }| (fault.line, fault.column));
            Err(ConfigError::Invalid { faults: check.faults })
        }
    }
}

/// Applies the environment.
pub(super) fn override_from(
    config: &mut Config,
    environment: impl Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    fn set<T>(
        place: &mut T,
        name: &'static str,
        value: Option<String>,
        read: fn(&str) -> Result<T, Problem>,
    ) -> Result<(), ConfigError> {
        if let Some(value) = value {
            *place = read(&value).map_err(|problem| ConfigError::Environment { name, problem })?;
        }
        Ok(())
    }
    let value = |name| environment(name);
    set(&mut config.p2p.listen, "MULU_P2P_LISTEN", value("MULU_P2P_LISTEN"), p2p_listen)?;
    set(&mut config.api.listen, "MULU_API_LISTEN", value("MULU_API_LISTEN"), api_listen)?;
    set(&mut config.log.format, "MULU_LOG_FORMAT", value("MULU_LOG_FORMAT"), format)?;
    set(&mut config.log.level, "MULU_LOG_LEVEL", value("MULU_LOG_LEVEL"), level)?;
    let free = &mut config.storage.free_mib_min;
    set(free, "MULU_FREE_MIB_MIN", value("MULU_FREE_MIB_MIN"), free_mib_min)
}

// One function per kind of value: the text in, the value or the problem out.

fn member(text: &str) -> Result<String, Problem> {
    if mulu_contracts::uscc::has_form(text) {
        return Ok(text.to_owned());
    }
    Err(problem(
        format!("`{text}` is not a unified social credit code"),
        format!("`{text}` 不是统一社会信用代码"),
        "write the member's 18 characters in upper case, as in the founding document",
        "请写成员单位的 18 位统一社会信用代码（大写），与创始文件一致",
    ))
}

fn moniker(text: &str) -> Result<String, Problem> {
    let length = text.chars().count();
    if (1..=MONIKER_CHARS_MAX).contains(&length) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(problem(
        format!("a moniker of {length} characters, or with control characters"),
        format!("节点名称有 {length} 个字符，或含控制字符"),
        format!("write a name of 1 to {MONIKER_CHARS_MAX} printable characters"),
        format!("请写 1 到 {MONIKER_CHARS_MAX} 个可显示字符"),
    ))
}

fn p2p_listen(text: &str) -> Result<Multiaddr, Problem> {
    let address = multiaddr(text, AddressInvalid::Malformed)?;
    check_listen_address(&address).map_err(address_problem)?;
    Ok(address)
}

fn peer(text: &str) -> Result<Multiaddr, Problem> {
    let address = multiaddr(text, AddressInvalid::Peer)?;
    PeerAddress::try_from(&address).map_err(address_problem)?;
    Ok(address)
}

fn multiaddr(text: &str, invalid: fn(String) -> AddressInvalid) -> Result<Multiaddr, Problem> {
    text.parse().map_err(|_| address_problem(invalid(text.to_owned())))
}

fn address_problem(invalid: AddressInvalid) -> Problem {
    let (help, help_zh) = (invalid.help(), invalid.help_zh());
    problem(invalid.to_string(), format!("地址不可用：{invalid}"), help, help_zh)
}

fn api_listen(text: &str) -> Result<SocketAddr, Problem> {
    text.parse().map_err(|_| {
        problem(
            format!("`{text}` is not an IP address with a port"),
            format!("`{text}` 不是“IP 地址:端口”"),
            "write 127.0.0.1:26701 (this machine only), 0.0.0.0:26701 (every interface) or [::]:26701",
            "请写 127.0.0.1:26701（仅本机）、0.0.0.0:26701（所有网卡）或 [::]:26701",
        )
    })
}

fn host(text: &str) -> Result<String, Problem> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b);
    if !text.is_empty() && text.len() <= 253 && text.bytes().all(allowed) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(problem(
        format!("`{text}` is not a host name"),
        format!("`{text}` 不是主机名"),
        "write a name such as ledger.example.gov, without scheme, port or path",
        "请写主机名，如 ledger.example.gov，不带协议、端口和路径",
    ))
}

fn too_many_hosts(count: usize) -> Problem {
    problem(
        format!("{count} host names"),
        format!("{count} 个主机名"),
        format!("list at most {HOSTS_MAX} host names"),
        format!("最多列出 {HOSTS_MAX} 个主机名"),
    )
}

fn format(text: &str) -> Result<LogFormat, Problem> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(problem(
            format!("`{text}` is not a log format"),
            format!("`{text}` 不是日志格式"),
            "write text or json",
            "请写 text 或 json",
        )),
    }
}

/// Checks a log level.
pub(super) fn level(text: &str) -> Result<String, Problem> {
    match logging::check_level(text) {
        Ok(()) if !text.trim().is_empty() => Ok(text.to_owned()),
        _ => Err(problem(
            format!("`{text}` is not a log level"),
            format!("`{text}` 不是日志级别"),
            "write error, warn, info, debug or trace, or directives such as info,mulu_node::p2p=debug",
            "请写 error、warn、info、debug 或 trace，或如 info,mulu_node::p2p=debug 的细分指令",
        )),
    }
}

fn too_many_peers(count: usize) -> Problem {
    problem(
        format!("{count} peers"),
        format!("{count} 个对等节点"),
        format!("list at most {PEERS_MAX} peers"),
        format!("最多列出 {PEERS_MAX} 个对等节点"),
    )
}

fn not_toml(message: &str) -> Problem {
    let (help, help_zh) = if message.starts_with("unknown field") {
        (
            "remove this setting or correct its spelling; `mulud init` writes every setting there is",
            "没有这个设置：请删除或改正拼写；`mulud init` 会写出全部设置",
        )
    } else if message.starts_with("missing field") {
        ("add this setting at the top of the file", "缺少必需的设置：请在文件开头补上")
    } else {
        (
            "texts stand in double quotes, numbers do not; `mulud init` writes an example",
            "格式错误：文字要加双引号，数字不加；`mulud init` 会写出示例",
        )
    };
    problem(message.to_owned(), format!("格式错误：{message}"), help, help_zh)
}

pub(super) fn problem(
    what: impl Into<String>,
    what_zh: impl Into<String>,
    help: impl Into<String>,
    help_zh: impl Into<String>,
) -> Problem {
    Problem {
        what: what.into(),
        what_zh: what_zh.into(),
        help: help.into(),
        help_zh: help_zh.into(),
    }
}

/// The mistakes found so far.
pub(super) struct Check<'a> {
    text: &'a str,
    file: &'a str,
    faults: Vec<Located>,
}

impl Check<'_> {
    pub(super) fn value<T>(
        &mut self,
        text: &Text,
        read: fn(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        match read(text.get_ref()) {
            Ok(value) => Some(value),
            Err(problem) => {
                self.report(text.span(), problem);
                None
            }
        }
    }

    fn required<T: Default>(&mut self, text: &Text, read: fn(&str) -> Result<T, Problem>) -> T {
        self.value(text, read).unwrap_or_default()
    }

    pub(super) fn optional<T>(
        &mut self,
        text: &Option<Text>,
        read: fn(&str) -> Result<T, Problem>,
        default: T,
    ) -> T {
        match text {
            None => default,
            Some(text) => self.value(text, read).unwrap_or(default),
        }
    }

    fn milliseconds(&mut self, given: &Milliseconds, range: Range<u64>, default: u64) -> u64 {
        let Some(given) = given else { return default };
        let value = *given.get_ref();
        if !range.contains(&value) {
            let Range { start, end } = range;
            let last = end - 1;
            self.report(
                given.span(),
                problem(
                    format!("{value} milliseconds"),
                    format!("{value} 毫秒"),
                    format!("write {start} to {last}; the default is {default}"),
                    format!("请写 {start} 到 {last}，默认 {default}"),
                ),
            );
        }
        value
    }

    fn consensus(&mut self, raw: &RawConsensus) -> ConsensusSection {
        const WAIT: Range<u64> = 10..60_001;
        let default = ConsensusSection::default();
        let section = ConsensusSection {
            propose_timeout_ms: self.milliseconds(
                &raw.propose_timeout_ms,
                WAIT,
                default.propose_timeout_ms,
            ),
            vote_timeout_ms: self.milliseconds(&raw.vote_timeout_ms, WAIT, default.vote_timeout_ms),
            timeout_delta_ms: self.milliseconds(
                &raw.timeout_delta_ms,
                1..60_001,
                default.timeout_delta_ms,
            ),
            timeout_ms_max: self.milliseconds(&raw.timeout_ms_max, WAIT, default.timeout_ms_max),
            rebroadcast_ms: self.milliseconds(&raw.rebroadcast_ms, WAIT, default.rebroadcast_ms),
            block_interval_ms_min: self.milliseconds(
                &raw.block_interval_ms_min,
                0..60_001,
                default.block_interval_ms_min,
            ),
        };
        let longest = section.propose_timeout_ms.max(section.vote_timeout_ms);
        if section.timeout_ms_max < longest {
            let given = [&raw.timeout_ms_max, &raw.propose_timeout_ms, &raw.vote_timeout_ms];
            let span = given.into_iter().flatten().next().map_or(0..0, Spanned::span);
            self.report(
                span,
                problem(
                    format!("timeout_ms_max is {}, less than a first wait", section.timeout_ms_max),
                    format!("timeout_ms_max 为 {}，小于首轮等待", section.timeout_ms_max),
                    format!("set timeout_ms_max to {longest} or more"),
                    format!("请把 timeout_ms_max 设为 {longest} 或更大"),
                ),
            );
        }
        section
    }

    /// Adds a fault at a byte range of the text.
    pub(super) fn report(&mut self, span: Range<usize>, problem: Problem) {
        let start = self.text.floor_char_boundary(span.start);
        let line_start = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[..start].matches('\n').count() + 1;
        let source_line = self.text[line_start..].lines().next().unwrap_or_default();
        let caret_offset = self.text[line_start..start].chars().count();
        let end = span.end.clamp(start, line_start + source_line.len().max(start - line_start));
        let end = self.text.floor_char_boundary(end).max(start);
        let fault = Fault {
            file: self.file.to_owned(),
            line,
            column: caret_offset + 1,
            message: problem.what,
            help: problem.help,
            help_zh: problem.help_zh,
            source_line: source_line.to_owned(),
            caret_offset,
            caret_width: self.text[start..end].chars().count().max(1),
        };
        self.faults.push(Located { fault, what_zh: problem.what_zh });
    }
}
