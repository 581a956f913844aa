//! The sentences of errors that other modules raise while a node starts.

use mulu_genesis::FoundingInvalid;

use super::Explain;
use crate::run::NodeError;
use crate::storage::StorageError;

impl Explain for FoundingInvalid {
    fn chinese(&self) -> String {
        // Each fault brings its own Chinese remedy, below its place in the document.
        format!("创始文件有 {} 处问题，请按下列各处的“提示”修改", self.faults.len())
    }
}

impl Explain for StorageError {
    fn chinese(&self) -> String {
        match self {
            StorageError::InUse { path } => format!(
                "无法打开 {} 中的账本：另一个 mulud 正在使用该目录；请先停止它，或为本节点指定自己的 --home",
                path.display()
            ),
            StorageError::Open { path, source, .. } => format!(
                "无法打开 {} 中的账本：{source}；请检查目录属主、权限和磁盘",
                path.display()
            ),
            StorageError::UnknownSchema { path, found, supported } => format!(
                "无法读取 {} 中的账本：其格式为版本 {found}，本程序支持版本 {supported}；\
                 请用写入它的 mulud 启动，或将该目录移走后重新同步",
                path.display()
            ),
            StorageError::ForeignData { path, found, expected } => format!(
                "{} 中的账本属于另一条链：其创始区块为 {found}，创始文件为 {expected}；\
                 请使用该链的创始文件，或换一个 --home",
                path.display()
            ),
            StorageError::Read { path, source, .. } => format!(
                "无法读取 {} 中的账本：{source}；请检查磁盘（dmesg、smartctl），\
                 然后从备份恢复或从其他节点重新同步",
                path.display()
            ),
            StorageError::Write { path, source } => format!(
                "无法写入 {} 中的账本：{source}；请释放空间或更换磁盘后再启动，节点会从最后一个完整区块继续",
                path.display()
            ),
            StorageError::Corrupt { path, place, reason } => format!(
                "{} 中的账本在 {place} 处损坏：{reason}；请停止本节点、检查磁盘，\
                 然后从备份恢复，或将该目录移走后重新同步",
                path.display()
            ),
            StorageError::Copy { path, source } => format!(
                "无法将账本复制到 {}：{source}；请指定空间足够的磁盘上一个尚不存在的目录",
                path.display()
            ),
            StorageError::Archive { path, reason } => format!(
                "无法归档到 {}：{reason}；请在该处释放空间，或修改 config.toml 中 [storage] 的 archive",
                path.display()
            ),
            StorageError::BodyMoved { height, archive } => match archive {
                Some(file) => format!("区块 {height} 的交易正文在归档文件中：{file}"),
                None => format!("本节点不保留区块 {height} 的交易正文"),
            },
            StorageError::StatePruned { height, from } => {
                format!("本节点不保留高度 {height} 的状态，仅保留高度 {from} 及以后")
            }
            other => format!("账本存储出错：{other}"),
        }
    }
}

impl Explain for NodeError {
    fn chinese(&self) -> String {
        match self {
            NodeError::Config(error) => error.chinese(),
            NodeError::Key(error) => error.chinese(),
            NodeError::Tls(error) => format!(
                "无法使用 {} 提供 TLS：{}；应为 PEM 文件，见 config.toml 的 [api.tls]",
                error.path.display(),
                error.reason
            ),
            NodeError::GenesisRead { path, source } => format!(
                "无法读取创始文件 {}：{source}；请将联盟的 genesis.toml 放到该处",
                path.display()
            ),
            NodeError::Genesis(invalid) => invalid.chinese(),
            NodeError::Join(error) => error.chinese(),
            NodeError::Storage(error) => error.chinese(),
            NodeError::P2p(error) => error.chinese(),
            NodeError::ApiListen { address, source } => format!(
                "API 无法在 {address} 监听：{source}；端口可能被另一个程序占用，\
                 请用 `ss -ltnp` 查看，或在 config.toml 的 `api.listen` 中改用其他端口"
            ),
            NodeError::System(source) => format!("操作系统拒绝：{source}"),
            NodeError::Journal { path, source } => format!(
                "提交日志 {} 无法使用：{source}；其中是已签收而尚未上链的交易，请保留该文件，\
                 修复磁盘，或移走该文件并请提交方重新提交",
                path.display()
            ),
            NodeError::VoteLog(error) => format!("投票日志不可用：{error}"),
            NodeError::Replica(error) => format!("节点无法建立账本副本：{error}"),
            NodeError::Stopped(error) => format!("节点已停止：{error}"),
        }
    }
}

impl NodeError {
    /// Whether the command line, the configuration, a key or the founding document must be
    /// corrected before a start can succeed.
    pub const fn is_usage(&self) -> bool {
        matches!(
            self,
            NodeError::Config(_)
                | NodeError::Key(_)
                | NodeError::Tls(_)
                | NodeError::GenesisRead { .. }
                | NodeError::Genesis(_)
                | NodeError::Join(_)
                | NodeError::Storage(StorageError::ForeignData { .. })
                | NodeError::P2p(crate::p2p::P2pError::Address(_))
        )
    }
}
