//! Why a `mulu devnet` command failed, and what to do about it.

use std::path::PathBuf;
use std::process::ExitStatus;

use mulu_genesis::FoundingInvalid;

use crate::failure::Failure;
use crate::lang::Text;

/// Why a `mulu devnet` command failed.
#[derive(Debug, thiserror::Error)]
pub enum DevnetError {
    /// `init` into a folder that exists.
    #[error(
        "{dir} already exists, and init never overwrites anything: choose another --dir, or remove it yourself\n目录已存在，不会被覆盖：请用 --dir 指定其他目录，或先自行删除", dir = dir.display()
    )]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// A folder without the files `init` writes.
    #[error(
        "{dir} is not a development consortium: {missing} is missing or incomplete; write one with `mulu devnet init --dir {dir}`\n该目录不是开发联盟链，请先运行 mulu devnet init", dir = dir.display()
    )]
    NotADevnet {
        /// The folder.
        dir: PathBuf,
        /// What is missing.
        missing: String,
    },
    /// An address no peer can dial.
    #[error(
        "--host {host} cannot be dialled: name one address of this machine, such as 127.0.0.1\n--host 须为本机的一个具体地址"
    )]
    Host {
        /// The address.
        host: std::net::IpAddr,
    },
    /// Two port ranges that overlap.
    #[error(
        "--p2p-port {p2p_port} and --api-port {api_port} overlap: each takes the four ports after it\n两个端口区间重叠，各占其后的四个端口"
    )]
    Ports {
        /// Base of the peer ports.
        p2p_port: u16,
        /// Base of the API ports.
        api_port: u16,
    },
    /// A value, such as the chain id, that the founding document cannot carry.
    #[error("the founding document is refused:\n{0}")]
    Founding(#[from] FoundingInvalid),
    /// A key that could not be made or written.
    #[error("{en}\n{zh}")]
    Key {
        /// What happened, in English.
        en: String,
        /// In Chinese.
        zh: String,
    },
    /// A file or folder.
    #[error("cannot {doing} {path}: {source}\n文件操作失败", path = path.display())]
    File {
        /// What was being done: read, write, create.
        doing: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A name that is no department.
    #[error(
        "no department is called {name}: the departments are {known}\n没有该部门，可用名称见上"
    )]
    UnknownDepartment {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No node program.
    #[error(
        "there is no node program at {path}: build it with `cargo build -p mulu-node`, or name it with --mulud PATH\n找不到 mulud 程序，请先编译或用 --mulud 指定", path = path.display()
    )]
    MuludMissing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A port that something else holds.
    #[error(
        "{slug} cannot listen on {address}: {source}; stop what uses it, or run init with other ports\n端口不可用，请停止占用它的程序，或用其他端口重新 init"
    )]
    Address {
        /// The department.
        slug: &'static str,
        /// The address.
        address: std::net::SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// The node program did not start.
    #[error("cannot run {path}: {source}\n无法运行该程序", path = path.display())]
    Run {
        /// The program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A node that ended while it was waited for.
    #[error(
        "{slug} ended before it was ready ({status}); the end of {log}:\n{tail}\n该节点在就绪前退出，原因见上述日志", log = log.display()
    )]
    Ended {
        /// The department.
        slug: &'static str,
        /// How it ended.
        status: ExitStatusText,
        /// Its log.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// Nodes that did not become ready.
    #[error(
        "not ready after {seconds} s: {slugs}; they keep running: see mulud.log in their folders, or `mulu devnet status`\n在规定时间内未就绪，进程仍在运行，请查看各目录下的 mulud.log"
    )]
    NotReady {
        /// The departments.
        slugs: String,
        /// The wait.
        seconds: u64,
    },
    /// Nodes that did not stop.
    #[error(
        "still running {seconds} s after SIGTERM: {slugs}; look at their logs before you kill them\n发送 SIGTERM 后仍未停止，强制结束前请先查看日志"
    )]
    StillRunning {
        /// The departments with their process ids.
        slugs: String,
        /// The wait.
        seconds: u64,
    },
    /// Two nodes hold different blocks at one height.
    #[error(
        "the nodes DISAGREE at height {height}: keep all folders as they are and compare the audit bundles\n节点在高度 {height} 出现分歧：请保留全部目录并比对审计包"
    )]
    Disagree {
        /// The height.
        height: u64,
    },
}

/// How a process ended, if that is known.
#[derive(Debug)]
pub struct ExitStatusText(pub Option<ExitStatus>);

impl std::fmt::Display for ExitStatusText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(status) => status.fmt(f),
            None => f.write_str("its process is gone"),
        }
    }
}

impl DevnetError {
    /// Carries over what the key file's writer said.
    pub(super) fn key(failure: Failure) -> DevnetError {
        let text = failure.text.unwrap_or_else(|| Text::same("the key could not be written"));
        DevnetError::Key { en: text.en, zh: text.zh }
    }

    /// Attaches what was being done, and to which path, to an input/output error.
    pub(super) fn file(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> DevnetError {
        let path = path.into();
        move |source| DevnetError::File { doing, path, source }
    }
}
