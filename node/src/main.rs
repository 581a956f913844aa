//! `mulud`: a department's node (目录链节点).
//!
//! Exit codes: 0 done; 1 the node failed; 2 the command line, the configuration, a key or the
//! founding document must be corrected first.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Parser, Subcommand};
use libp2p::Multiaddr;
use mulu_chain::types::TimeMs;
use mulu_genesis::invitation::Checked;
use mulu_node::backup::{self, BackupError, Manifest};
use mulu_node::config::{Config, LogFormat, Overrides};
use mulu_node::disk::OsDisk;
use mulu_node::doctor::{self, Verdict};
use mulu_node::explain::{Explain, Language};
use mulu_node::home::{self, Created, NewHome};
use mulu_node::join::{self, JoinError};
use mulu_node::keys::{self, KeyError, KeyFile};
use mulu_node::p2p::{AddressInvalid, PeerAddress, check_listen_address};
use mulu_node::storage::{Ledger, Scrub, ScrubStep, StorageError};
use mulu_node::{index_command, logging, rotate, run, votes_command};

/// The command line or the configuration must be corrected.
const EXIT_USAGE: u8 = 2;
/// The node failed.
const EXIT_FAILURE: u8 = 1;

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
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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
enum IndexCommand {
    /// Ask the running node how far its index is (查看索引进度)
    Status(VotesArgs),
    /// Make the index anew: a running node begins within seconds, a stopped one when it starts
    /// (重建索引)
    Rebuild(HomeArgs),
}

#[derive(Debug, Subcommand)]
enum VotesCommand {
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
struct RotateArgs {
    /// Which key (哪个密钥)
    #[arg(value_enum)]
    key: RotatedKey,
    #[command(flatten)]
    home: HomeArgs,
    /// Put the next key in the place of the old one; the node must be stopped (启用新密钥)
    #[arg(long)]
    activate: bool,
    /// Form of the answer (输出格式)
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum RotatedKey {
    Node,
    Validator,
}

#[derive(Debug, Args)]
struct VotesArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Form of the answer (输出格式)
    #[arg(long, value_enum, value_name = "FORMAT", default_value = "text")]
    output: Output,
}

#[derive(Debug, Args)]
struct BackupArgs {
    #[command(flatten)]
    show: VotesArgs,
    /// A folder that does not exist yet (尚不存在的目录)
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

#[derive(Debug, Args)]
struct RestoreArgs {
    #[command(flatten)]
    show: VotesArgs,
    /// The backup (备份目录)
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Only check the backup (仅校验备份)
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
struct ResumeArgs {
    #[command(flatten)]
    show: VotesArgs,
    /// Why, for the record (恢复原因，将被记录)
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// The risk is understood (已了解风险)
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Output {
    Text,
    Json,
}

#[derive(Debug, Args)]
struct HomeArgs {
    /// The node's folder (节点目录)
    #[arg(long, value_name = "DIR", env = "MULU_HOME")]
    home: PathBuf,
}

#[derive(Debug, Args)]
struct InitArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// The consortium's founding document; checked, then copied (联盟创始文件)
    #[arg(long, value_name = "FILE", conflicts_with = "invite")]
    genesis: Option<PathBuf>,
    /// The invitation of a member's administrator; it says all the rest (成员管理员发来的邀请函)
    #[arg(long, value_name = "FILE")]
    invite: Option<PathBuf>,
    /// The member that runs the node: its unified social credit code (成员的统一社会信用代码)
    #[arg(long, value_name = "USCC", value_parser = member, required_unless_present = "invite",
          conflicts_with = "invite")]
    member: Option<String>,
    /// What people call the node [default: the member's code] (节点名称)
    #[arg(long, value_name = "NAME")]
    moniker: Option<String>,
    /// Where to listen for peers [default: /ip4/0.0.0.0/tcp/26601] (监听对等节点的地址)
    #[arg(long, value_name = "MULTIADDR", value_parser = p2p_listen)]
    p2p_listen: Option<Multiaddr>,
    /// Where to serve the API [default: 127.0.0.1:26701] (API 监听地址)
    #[arg(long, value_name = "IP:PORT")]
    api_listen: Option<SocketAddr>,
    /// A peer to dial; may be given several times (要连接的节点,可多次给出)
    #[arg(long = "peer", value_name = "MULTIADDR", value_parser = peer)]
    peers: Vec<Multiaddr>,
    /// Only replicate: no validator key, no vote (观察节点,不参与投票)
    #[arg(long)]
    observer: bool,
}

#[derive(Debug, Args)]
struct StartArgs {
    #[command(flatten)]
    home: HomeArgs,
    /// Form of the log lines (日志格式)
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// error, warn, info, debug, trace, or directives (日志级别)
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// A node without a chain begins with a snapshot of its peers' (新节点从快照开始同步)
    #[arg(long)]
    snapshot: bool,
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

/// An error's message, empty if it was told already, and its exit code.
struct Failure {
    message: String,
    exit: u8,
}

fn main() -> ExitCode {
    let language = Language::from_environment();
    let done = match Cli::parse().command {
        Command::Init(args) => init(args, language),
        Command::Start(args) => start(args, language),
        Command::ShowNodeId(args) => show_node_id(&args, language),
        Command::ShowValidator(args) => show_validator(&args, language),
        Command::Rotate(args) => rotate(&args, language),
        Command::Votes(command) => votes(command, language),
        Command::Index(command) => index(command, language),
        Command::Backup(args) => {
            let made = backup::command(&args.show.home.home, &args.to);
            backed_up(made, &args.show, &args.to, "backup made", "已备份", language)
        }
        Command::Restore(RestoreArgs { show, from, dry_run }) => {
            let (done, said, said_zh) = match dry_run {
                true => (backup::verify(&from), "backup is whole", "备份完整"),
                false => (backup::restore(&show.home.home, &from), "restored from", "已恢复自"),
            };
            backed_up(done, &show, &from, said, said_zh, language)
        }
        Command::Check(args) => check(&args, language),
        Command::Doctor(args) => doctor(&args, language),
        Command::Version => say(format_args!("mulud {}", env!("CARGO_PKG_VERSION"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure { message, exit }) => {
            if !message.is_empty() {
                // A closed standard error is no reason for another exit code.
                let _ = writeln!(std::io::stderr(), "{message}");
            }
            ExitCode::from(exit)
        }
    }
}

fn init(args: InitArgs, language: Language) -> Result<(), Failure> {
    let invitation = args.invite.as_deref().map(invitation).transpose();
    let invitation = invitation.map_err(|error| usage(&error, language))?;
    let invited = invitation.as_ref().map(|checked| checked.invitation.member.uscc.clone());
    let member = args.member.or(invited).unwrap_or_default();
    let mut config = Config::new(args.moniker.unwrap_or_else(|| member.clone()), member);
    config.p2p.listen = args.p2p_listen.unwrap_or(config.p2p.listen);
    config.p2p.peers = args.peers;
    if let Some(checked) = &invitation {
        let invited = join::addresses(checked).map_err(|error| usage(&error, language))?;
        config.p2p.peers.extend(invited);
    }
    config.api.listen = args.api_listen.unwrap_or(config.api.listen);
    let new = NewHome {
        home: args.home.home,
        genesis: args.genesis,
        config,
        observer: args.observer,
        invitation,
    };
    let created = home::create(&OsDisk, &new).map_err(|error| usage(&error, language))?;
    report(&new, &created, language)
}

/// Reads an invitation and holds it against this machine's clock.
fn invitation(path: &Path) -> Result<Checked, JoinError> {
    let checked = join::read(path)?;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX));
    join::check_time(&checked, now)?;
    Ok(checked)
}

fn report(new: &NewHome, created: &Created, language: Language) -> Result<(), Failure> {
    let home = new.home.display();
    let pick = |en: &'static str, zh: &'static str| match language {
        Language::English => en,
        Language::Chinese => zh,
    };
    say(format_args!("{} {home}", pick("node made in", "节点已建立：")))?;
    for path in &created.kept {
        say(format_args!("  {}  {}", pick("kept     ", "沿用密钥"), path.display()))?;
    }
    if let Some(founding) = &created.founding {
        say(format_args!("  {}  {}", pick("chain    ", "链标识  "), founding.chain_id()))?;
        say(format_args!("  {}  {}", pick("genesis  ", "创始区块"), founding.digest()))?;
    }
    say(format_args!("  {}  {}", pick("node id  ", "节点标识"), created.peer_id))?;
    match &created.validator {
        Some(key) => say(format_args!("  {}  {key}", pick("validator", "验证者  ")))?,
        None => {
            say(format_args!("  {}", pick("observer: it does not vote", "观察节点，不参与投票")))?
        }
    }
    if let Some(key) = &created.administrator {
        say(format_args!("  {}  {key}", pick("admin key", "管理员  ")))?;
    }
    say(format_args!("\n{}", pick("next:", "下一步：")))?;
    if new.invitation.is_some() {
        say(format_args!(
            "  {}",
            pick(
                "the next command asks for membership; members approve with `mulu member pending` and `mulu member approve`",
                "下一条命令即申请成员资格；各成员用 `mulu member pending` 查看、`mulu member approve` 批准"
            )
        ))?;
        return say(format_args!("  mulud start --home {home}"));
    }
    if created.founding.is_none() {
        say(format_args!(
            "  {} {home}/{}",
            pick(
                "hand the node id and the validator key to the convenor; copy the founding document to",
                "将节点标识和验证者公钥交给牵头单位；收到创始文件后放到"
            ),
            home::GENESIS_FILE_NAME
        ))?;
    }
    say(format_args!(
        "  {} {}/p2p/{} {}",
        pick("the other members add", "其他成员在其 config.toml 的 peers 中加入"),
        new.config.p2p.listen,
        created.peer_id,
        pick("(with this machine's IP address) to their peers", "（换成本机 IP 地址）")
    ))?;
    say(format_args!(
        "  {}",
        pick(
            "keep an offline copy of keys/; never start two nodes with the same validator key",
            "离线备份 keys/；切勿用同一验证者密钥启动两个节点"
        )
    ))?;
    say(format_args!("  mulud start --home {home}"))
}

fn start(args: StartArgs, language: Language) -> Result<(), Failure> {
    let home = args.home.home;
    let mut config = Config::load(&home).map_err(|error| usage(&error, language))?;
    let flags = Overrides { log_format: args.log_format, log_level: args.log_level };
    config.override_with(flags).map_err(|error| usage(&error, language))?;
    logging::start(config.log.format, &config.log.level)
        .map_err(|error| Failure { message: format!("error: {error}"), exit: EXIT_FAILURE })?;
    logging::abort_on_panic();
    let format = config.log.format;
    let how = if args.snapshot { run::Start::Snapshot } else { run::Start::Usual };
    run::run(&home, config, how).map_err(|error| {
        let exit = if error.is_usage() { EXIT_USAGE } else { EXIT_FAILURE };
        let sentence = error.explain(language);
        match format {
            LogFormat::Text => Failure { message: sentence, exit },
            // Whoever reads JSON lines gets nothing else on standard error.
            LogFormat::Json => {
                tracing::error!(error = sentence, "the node stopped");
                Failure { message: String::new(), exit }
            }
        }
    })
}

fn show_node_id(args: &HomeArgs, language: Language) -> Result<(), Failure> {
    let identity = keys::load_identity(&args.home).map_err(|error| usage(&error, language))?;
    say(format_args!("{}", identity.public().to_peer_id()))
}

fn show_validator(args: &HomeArgs, language: Language) -> Result<(), Failure> {
    match keys::load_validator(&args.home).map_err(|error| usage(&error, language))? {
        Some(key) => say(format_args!("{}", key.public_key())),
        None => {
            let path = KeyFile::Validator.path(&args.home);
            Err(usage(&KeyError::Observer { path }, language))
        }
    }
}

fn rotate(args: &RotateArgs, language: Language) -> Result<(), Failure> {
    let (home, key) = match args.key {
        RotatedKey::Node => (&args.home.home, KeyFile::Node),
        RotatedKey::Validator => (&args.home.home, KeyFile::Validator),
    };
    let done = match args.activate {
        true => rotate::activate(&OsDisk, home, key),
        false => rotate::prepare(&OsDisk, home, key),
    };
    let done = done.map_err(|error| usage(&error, language))?;
    let name = match args.key {
        RotatedKey::Node => mulu_genesis::peer_id::peer_id_of(&done.public_key),
        RotatedKey::Validator => done.public_key.to_string(),
    };
    match args.output {
        Output::Text => say(format_args!("{name}")),
        Output::Json => say(format_args!(
            "{:#}",
            serde_json::json!({ "key": name, "path": done.path, "retired": done.retired })
        )),
    }
}

fn votes(command: VotesCommand, language: Language) -> Result<(), Failure> {
    let (answer, output) = match command {
        VotesCommand::Show(args) => (votes_command::show(&args.home.home), args.output),
        VotesCommand::Resume(ResumeArgs { show, reason, yes }) => {
            (votes_command::resume(&show.home.home, &reason, yes), show.output)
        }
    };
    let report = answer.map_err(|error| usage(&error, language))?;
    match output {
        Output::Text => say(format_args!("{}", report.text(language))),
        Output::Json => say(format_args!("{:#}", serde_json::json!(report))),
    }
}

fn index(command: IndexCommand, language: Language) -> Result<(), Failure> {
    let failed = |en: String, zh: String| {
        let zh =
            if language == Language::Chinese { format!("错误：{zh}\n") } else { String::new() };
        Failure { message: format!("{zh}error: {en}"), exit: EXIT_FAILURE }
    };
    match command {
        IndexCommand::Rebuild(args) => {
            index_command::rebuild(&args.home).map_err(|error| {
                let home = args.home.display();
                failed(
                    format!("cannot ask for a new index in {home}: {error}; check --home and the folder's owner"),
                    format!("无法在 {home} 中请求重建索引：{error}；请检查 --home 与目录属主"),
                )
            })?;
            say(format_args!("the index will be made anew (将重建检索索引)"))
        }
        IndexCommand::Status(args) => {
            let config = Config::load(&args.home.home).map_err(|error| usage(&error, language))?;
            let api = config.api.listen;
            let status = index_command::status(api).map_err(|error| {
                failed(
                    format!("the node at {api} does not say how far its index is: {error}; is it running, and built with search?"),
                    format!("{api} 上的节点未给出索引进度：{error}；请确认节点正在运行且带有检索功能"),
                )
            })?;
            match args.output {
                Output::Json => say(format_args!("{status:#}")),
                Output::Text => say(format_args!(
                    "height 高度 {} of {}, entries 条目 {}, complete 完整 {}",
                    status["height"], status["tip"], status["entries"], status["complete"]
                )),
            }
        }
    }
}

fn backed_up(
    done: Result<Manifest, BackupError>,
    args: &VotesArgs,
    folder: &Path,
    said: &str,
    said_zh: &str,
    language: Language,
) -> Result<(), Failure> {
    let manifest =
        done.map_err(|error| Failure { message: error.explain(language), exit: EXIT_FAILURE })?;
    if let Output::Json = args.output {
        return say(format_args!("{:#}", serde_json::json!(manifest)));
    }
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    let (files, mib) = (manifest.files.len(), bytes / (1024 * 1024));
    let Manifest { height, block, .. } = &manifest;
    let folder = folder.display();
    match language {
        Language::English => say(format_args!(
            "{said}: {folder}\n  height {height}, block {block}\n  {files} files, {mib} MiB, all hashed"
        )),
        Language::Chinese => say(format_args!(
            "{said_zh}：{folder}\n  高度 {height}，区块 {block}\n  {files} 个文件，{mib} MiB，均已计算哈希"
        )),
    }
}

/// Reads everything once; damage is a failure.
fn check(args: &VotesArgs, language: Language) -> Result<(), Failure> {
    let failed =
        |error: StorageError| Failure { message: error.explain(language), exit: EXIT_FAILURE };
    let ledger = Ledger::open(&args.home.home.join("data").join("ledger")).map_err(failed)?;
    let config = Config::load(&args.home.home).map_err(|error| usage(&error, language))?;
    config.storage.connect_archive(&args.home.home, &ledger);
    let mut scrub = Scrub::default();
    let mut damages = Vec::new();
    loop {
        match scrub.step(&ledger).map_err(failed)? {
            ScrubStep::More => {}
            ScrubStep::Damaged(damage) => damages.push(damage),
            ScrubStep::Done => break,
        }
    }
    let (bytes, height) = (scrub.bytes, ledger.height().map_err(failed)?);
    match args.output {
        Output::Json => {
            let report = serde_json::json!({"height": height, "bytes": bytes, "damages": damages});
            say(format_args!("{report:#}"))?;
        }
        Output::Text => {
            for damage in &damages {
                say(format_args!("DAMAGED {damage}"))?;
            }
            let mib = bytes / (1024 * 1024);
            match language {
                Language::English => {
                    say(format_args!("height {height}: {mib} MiB read, {} damaged", damages.len()))?
                }
                Language::Chinese => {
                    say(format_args!("高度 {height}：已检查 {mib} MiB，{} 处损坏", damages.len()))?
                }
            }
        }
    }
    match damages.is_empty() {
        true => Ok(()),
        false => Err(Failure { message: String::new(), exit: EXIT_FAILURE }),
    }
}

fn doctor(args: &VotesArgs, language: Language) -> Result<(), Failure> {
    let findings = doctor::examine(&args.home.home);
    match args.output {
        Output::Json => say(format_args!("{:#}", serde_json::json!(findings)))?,
        Output::Text => say(format_args!("{}", doctor::text(&findings, language)))?,
    }
    match findings.iter().any(|finding| finding.verdict == Verdict::Bad) {
        false => Ok(()),
        true => Err(Failure { message: String::new(), exit: EXIT_FAILURE }),
    }
}

fn usage(error: &impl Explain, language: Language) -> Failure {
    Failure { message: error.explain(language), exit: EXIT_USAGE }
}

/// Prints a line; a closed standard output ends the program quietly with a failure.
fn say(line: std::fmt::Arguments<'_>) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{line}").map_err(|error| Failure {
        message: format!("error: cannot write to standard output: {error}"),
        exit: EXIT_FAILURE,
    })
}
