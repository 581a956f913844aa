//! `mulud`: a department's node (目录链节点).
//!
//! Exit codes: 0 done; 1 the node failed; 2 the command line, the configuration, a key or the
//! founding document must be corrected first.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Parser as _;
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
use mulu_node::storage::{Ledger, Scrub, ScrubStep, StorageError};
use mulu_node::{index_command, logging, rotate, run, votes_command};

#[path = "mulud/args.rs"]
mod args;

use args::{
    Cli, Command, HomeArgs, IndexCommand, InitArgs, Output, RestoreArgs, ResumeArgs, RotateArgs,
    RotatedKey, StartArgs, VotesArgs, VotesCommand,
};

/// The command line or the configuration must be corrected.
const EXIT_USAGE: u8 = 2;
/// The node failed.
const EXIT_FAILURE: u8 = 1;

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
