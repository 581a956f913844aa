//! Why a configuration is refused.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use mulu_genesis::Fault;

use crate::explain::Explain;

/// What is wrong with one value and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in English.
    pub what: String,
    /// 有什么问题。
    pub what_zh: String,
    /// What to write, in English.
    pub help: String,
    /// 应当怎样写。
    pub help_zh: String,
}

/// A mistake in the file, at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// What, where, and what to write instead.
    pub fault: Fault,
    /// 有什么问题。
    pub what_zh: String,
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is missing or unreadable.
    #[error("cannot read the configuration {path}: {source}; {hint}", hint = hint(.source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The file says something wrong.
    #[error("the configuration is not usable\n{}", Listed(.faults))]
    Invalid {
        /// What and where, in the order of the file; never empty.
        faults: Vec<Located>,
    },
    /// The API would be reached from elsewhere in the clear.
    #[error(
        "the API refuses to listen on {listen} without TLS: whoever sits between would read and change what it says; write [api.tls] certificate and key, or plain_http = true if a TLS gateway stands in front, or listen on 127.0.0.1"
    )]
    Clear {
        /// Where it would listen.
        listen: SocketAddr,
    },
    /// The API would answer whoever reaches it.
    #[error(
        "the API refuses to answer everyone on {listen}: write [api] tokens, or [api.tls] client_ca, so that it knows who reads"
    )]
    Open {
        /// Where it would listen.
        listen: SocketAddr,
    },
    /// A variable says something wrong.
    #[error("the environment variable {name} is not usable: {what}; {help}", what = .problem.what, help = .problem.help)]
    Environment {
        /// The variable.
        name: &'static str,
        /// What is wrong.
        problem: Problem,
    },
    /// A flag says something wrong.
    #[error("{flag} is not usable: {what}; {help}", what = .problem.what, help = .problem.help)]
    Flag {
        /// The flag.
        flag: &'static str,
        /// What is wrong.
        problem: Problem,
    },
}

impl Explain for ConfigError {
    fn chinese(&self) -> String {
        match self {
            ConfigError::Read { path, source } => format!(
                "无法读取配置文件 {}：{source}；{}",
                path.display(),
                match source.kind() {
                    io::ErrorKind::NotFound => "用 `mulud init` 生成，或用 --home 指定节点目录",
                    _ => "请检查文件的属主和权限",
                }
            ),
            ConfigError::Invalid { faults } => {
                let lines: Vec<String> = faults.iter().map(in_chinese).collect();
                format!("配置不可用\n{}", lines.join("\n"))
            }
            ConfigError::Clear { listen } => format!(
                "接口拒绝在没有 TLS 的情况下监听 {listen}：中间人可读取并篡改内容；请配置 [api.tls] 的 certificate 和 key，或在前面有 TLS 网关时写 plain_http = true，或改为监听 127.0.0.1"
            ),
            ConfigError::Open { listen } => format!(
                "接口拒绝在 {listen} 上对所有人开放读取：请配置 [api] tokens 或 [api.tls] client_ca"
            ),
            ConfigError::Environment { name, problem } => {
                format!("环境变量 {name} 不可用：{}；{}", problem.what_zh, problem.help_zh)
            }
            ConfigError::Flag { flag, problem } => {
                format!("参数 {flag} 不可用：{}；{}", problem.what_zh, problem.help_zh)
            }
        }
    }
}

fn in_chinese(located: &Located) -> String {
    let Located { fault, what_zh } = located;
    let (line, column) = (fault.line, fault.column);
    format!("{} 第 {line} 行第 {column} 列：{what_zh}；{}", fault.file, fault.help_zh)
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => "`mulud init` writes one, --home names the node's folder",
        _ => "check the file's owner and mode",
    }
}

struct Listed<'a>(&'a [Located]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, located) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            located.fault.fmt(f)?;
        }
        Ok(())
    }
}
