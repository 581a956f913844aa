//! The command line of `mulud`: what it takes, and what it says of it.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use libp2p::Multiaddr;
use mulu_node::config::LogFormat;
use mulu_node::p2p::{AddressInvalid, PeerAddress, check_listen_address};

/// A Mulu node: keeps and serves one department's copy of the consortium's catalog chain
/// (目录链节点)
#[derive(Debug, Parser)]
#[command(
    name = "mulud",
    version,
    after_help = "\
Examples (示例):
  mulud init --home /var/lib/mulu --genesis genesis.toml --member 11370000MB0000001A \\
        --peer /ip4/10.1.2.3/tcp/26601/p2p/12D3KooW…
  mulud start --home /var/lib/mulu
  mulud show-node-id --home /var/lib/mulu

Messages also come in Chinese when MULU_LANG, LC_ALL or LANG begins with zh
(上述变量以 zh 开头时,错误信息同时以中文显示).
Exit codes (退出码): 0 done, 1 the node failed, 2 correct the command line, the configuration or a key."
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new node: folder, keys, configuration (新建节点)
    #[command(after_help = "\
Nothing is overwritten. Keys that lie in DIR/keys already (node.pem, validator.pem: Ed25519 in
PKCS#8 PEM, mode 0600) are kept. Before the founding document exists, leave --genesis out, hand
the printed node id and validator key to the convenor, and later copy the document to
DIR/genesis.toml.

Example (示例):
  mulud init --home /var/lib/mulu --genesis genesis.toml --member 11370000MB0000001A \\
        --moniker data-bureau --p2p-listen /ip4/0.0.0.0/tcp/26601 \\
        --peer /ip4/10.1.2.3/tcp/26601/p2p/12D3KooW…

With an invitation two commands make a member (持邀请函入网只需两条命令):
  mulud init --home /var/lib/mulu --invite invitation.json && mulud start --home /var/lib/mulu")]
    Init(InitArgs),
    /// Run the node until SIGTERM or SIGINT (启动节点)
    #[command(after_help = "\
Settings come from the command line, then from MULU_P2P_LISTEN, MULU_API_LISTEN, MULU_LOG_FORMAT and
MULU_LOG_LEVEL, then from DIR/config.toml. Encrypted keys are opened with MULU_KEY_PASSPHRASE_FILE,
the systemd credential mulu-key-passphrase, or MULU_KEY_PASSPHRASE.

Example (示例):
  mulud start --home /var/lib/mulu --log-format json --log-level info,mulu_node::p2p=debug")]
    Start(StartArgs),
    /// Print the node's peer id, which other nodes' `peers` and the founding document name (显示节点标识)
    ShowNodeId(HomeArgs),
    /// Print the validator's public key (显示验证者公钥)
    ShowValidator(HomeArgs),
    /// Replace the node's key or the validator's, in two steps (更换密钥)
    #[command(after_help = "\
Step 1 makes the next key; the chain learns of it; step 2, with the node stopped, puts it in place:
  mulud rotate node --home DIR                      prints the new node id
  mulu member nodes OLD_ID NEW_ID --profile admin
  mulud rotate node --home DIR --activate           then start the node again
  mulu member nodes NEW_ID --profile admin
and for a validator:
  mulud rotate validator --home DIR                 prints the new key
  mulu key register DIR/keys/validator.next.pem --role validator --profile admin
  mulu validator replace OLD_KEY NEW_KEY --of USCC --reason 到期更换 --petition --profile authority
  mulud rotate validator --home DIR --activate      when the change is in force
新密钥先由链上交易登记，再在停机时启用；旧密钥文件会保留。")]
    Rotate(RotateArgs),
    /// Look at a stopped validator's memory of its votes, or end doubt or alarm (投票日志)
    #[command(subcommand)]
    Votes(VotesCommand),
    /// The search index: how far it is, or make it anew (检索索引)
    #[command(subcommand)]
    Index(IndexCommand),
    /// Copy the ledger of a running or stopped node into a new folder (备份账本，节点无需停止)
    #[command(after_help = "\
The folder holds the ledger, config.toml, genesis.toml and a manifest with a hash of every file; no
keys (keep an offline copy of keys/) and no vote log. On the same disk it takes little room at first.

Example (示例):
  mulud backup --home /var/lib/mulu --to /srv/backup/mulu-2026-11-28")]
    Backup(BackupArgs),
    /// Check a backup and restore it into a home without data (校验并恢复备份)
    #[command(after_help = "\
Keys, config.toml and genesis.toml that lie in the home already stay. A restored validator abstains
until the chain has moved on past everything it may have signed; it comes back by itself.

Example (示例):
  mv /var/lib/mulu/data /var/lib/mulu/data.old
  mulud restore --home /var/lib/mulu --from /srv/backup/mulu-2026-11-28")]
    Restore(RestoreArgs),
    /// Read everything a stopped node stores, and name what is damaged (检查账本是否损坏，需停止节点)
    Check(VotesArgs),
    /// Look at folder, keys, clock, disk, ports and peers: what is wrong, what to do (诊断节点)
    Doctor(VotesArgs),
    /// Print the version (显示版本)
    Version,
}

#[derive(Debug, Subcommand)]
pub enum IndexCommand {
    /// Ask the running node how far its index is (查看索引进度)
    Status(VotesArgs),
    /// Make the index anew: a running node begins within seconds, a stopped one when it starts
    /// (重建索引)
    Rebuild(HomeArgs),
}

#[derive(Debug, Subcommand)]
pub enum VotesCommand {
    /// Show whether the validator may sign, and why not (显示验证者能否签名及原因)
    Show(VotesArgs),
    /// Let the validator sign again after doubt or alarm; may make it contradict itself
    /// (存疑或警报之后恢复签名，有风险)
    #[command(after_help = "\
Example (示例):
  mulud votes resume --home /var/lib/mulu --reason \"disk replaced, chain has moved on\" --yes")]
    Resume(ResumeArgs),
}

#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Which key (哪个密钥)
    #[arg(value_enum)]
    pub key: RotatedKey,
    #[command(flatten)]
    pub home: HomeArgs,
    /// Put the next key in the place of the old one; the node must be stopped (启用新密钥)
    #[arg(long)]
    pub activate: bool,
    /// Form of the answer (输出格式)
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum RotatedKey {
    Node,
    Validator,
}

#[derive(Debug, Args)]
pub struct VotesArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// Form of the answer (输出格式)
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub output: Output,
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    #[command(flatten)]
    pub show: VotesArgs,
    /// A folder that does not exist yet (尚不存在的目录)
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    #[command(flatten)]
    pub show: VotesArgs,
    /// The backup (备份目录)
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Only check the backup (仅校验备份)
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    pub show: VotesArgs,
    /// Why, for the record (恢复原因，将被记录)
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// The risk is understood (已了解风险)
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub enum Output {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub struct HomeArgs {
    /// The node's folder (节点目录)
    #[arg(long, value_name = "DIR", env = "MULU_HOME")]
    pub home: PathBuf,
}

#[derive(Debug, Args)]
pub struct InitArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// The consortium's founding document; checked, then copied (联盟创始文件)
    #[arg(long, value_name = "FILE", conflicts_with = "invite")]
    pub genesis: Option<PathBuf>,
    /// The invitation of a member's administrator; it says all the rest (成员管理员发来的邀请函)
    #[arg(long, value_name = "FILE")]
    pub invite: Option<PathBuf>,
    /// The member that runs the node: its unified social credit code (成员的统一社会信用代码)
    #[arg(long, value_name = "USCC", value_parser = member, required_unless_present = "invite",
          conflicts_with = "invite")]
    pub member: Option<String>,
    /// What people call the node [default: the member's code] (节点名称)
    #[arg(long, value_name = "NAME")]
    pub moniker: Option<String>,
    /// Where to listen for peers [default: /ip4/0.0.0.0/tcp/26601] (监听对等节点的地址)
    #[arg(long, value_name = "MULTIADDR", value_parser = p2p_listen)]
    pub p2p_listen: Option<Multiaddr>,
    /// Where to serve the API [default: 127.0.0.1:26701] (API 监听地址)
    #[arg(long, value_name = "IP:PORT")]
    pub api_listen: Option<SocketAddr>,
    /// A peer to dial; may be given several times (要连接的节点,可多次给出)
    #[arg(long = "peer", value_name = "MULTIADDR", value_parser = peer)]
    pub peers: Vec<Multiaddr>,
    /// Only replicate: no validator key, no vote (观察节点,不参与投票)
    #[arg(long)]
    pub observer: bool,
}

#[derive(Debug, Args)]
pub struct StartArgs {
    #[command(flatten)]
    pub home: HomeArgs,
    /// Form of the log lines (日志格式)
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
    /// error, warn, info, debug, trace, or directives (日志级别)
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// A node without a chain begins with a snapshot of its peers' (新节点从快照开始同步)
    #[arg(long)]
    pub snapshot: bool,
}

// Values of flags; clap puts the flag's name in front.

fn member(text: &str) -> Result<String, String> {
    match mulu_contracts::uscc::has_form(text) {
        true => Ok(text.to_owned()),
        false => Err("a unified social credit code has 18 characters, in upper case \
                      (统一社会信用代码为 18 位,字母大写)"
            .to_owned()),
    }
}

fn p2p_listen(text: &str) -> Result<Multiaddr, String> {
    let address = text.parse().map_err(|_| with_help(AddressInvalid::Listen(text.to_owned())))?;
    check_listen_address(&address).map_err(with_help)?;
    Ok(address)
}

fn peer(text: &str) -> Result<Multiaddr, String> {
    let address = text.parse().map_err(|_| with_help(AddressInvalid::Peer(text.to_owned())))?;
    PeerAddress::try_from(&address).map_err(with_help)?;
    Ok(address)
}

fn with_help(invalid: AddressInvalid) -> String {
    format!("{} ({})", invalid.help(), invalid.help_zh())
}
