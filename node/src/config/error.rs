//! Why a configuration is refused.

use std::fmt;
use std::io;
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
