//! What every command has at hand: flags merged over the profile, output, messages, key, node.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use mulu_chain::signature::SigningKey;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::client::Node;
use crate::failure::{Exit, Failure, Outcome};
use crate::keyfile::{self, LoadedKey};
use crate::lang::{Lang, Text};
use crate::profile::{self, Profile, Profiles};
use crate::{files, render, text};

/// Largest passphrase file read, in bytes.
const PASSPHRASE_BYTES_MAX: u64 = 4096;
/// The variable a passphrase may be in.
const PASSPHRASE_VARIABLE: &str = "MULU_KEY_PASSPHRASE";
/// The node asked when nothing says which.
const NODE_DEFAULT: &str = "http://127.0.0.1:26701";

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
}

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options 全局选项")]
pub struct Globals {
    /// Profile to use 使用的配置档
    #[arg(long, global = true, env = "MULU_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// Profiles file [default: ~/.config/mulu/profiles.toml] 配置档文件
    #[arg(long, global = true, env = "MULU_PROFILES", value_name = "FILE")]
    pub profiles: Option<PathBuf>,
    /// API address of the node, such as http://127.0.0.1:26701 节点接口地址
    #[arg(long, global = true, env = "MULU_NODE", value_name = "URL")]
    pub node: Option<String>,
    /// Key file that signs 签名所用的密钥文件
    #[arg(long, global = true, env = "MULU_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
    /// Unified social credit code of the member that submits 提交成员的统一社会信用代码
    #[arg(long, global = true, value_name = "USCC")]
    pub member: Option<String>,
    /// Code of the office that submits 提交处室的代码
    #[arg(long, global = true, value_name = "CODE")]
    pub office: Option<String>,
    /// File whose first line is the key's passphrase 口令文件（取首行）
    #[arg(long, global = true, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// How data is printed 数据输出形式
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: Output,
    /// No messages but errors 只输出错误消息
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Language of messages [default: from LANG] 消息语言
    #[arg(long, global = true, env = "MULU_LANG", value_enum)]
    pub lang: Option<Lang>,
    /// Seconds to wait for an answer or a commit 等待响应或上链的秒数
    #[arg(long, global = true, default_value_t = 30, value_name = "SECONDS",
          value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub timeout: u64,
    /// Answer yes to every question 对所有询问回答“是”
    #[arg(long, short, global = true)]
    pub yes: bool,
    /// No colours (also NO_COLOR) 不使用颜色
    #[arg(long, global = true)]
    pub no_color: bool,
}

/// What a command has at hand.
#[derive(Debug)]
pub struct Context {
    /// Language of messages.
    pub lang: Lang,
    /// How data is printed.
    pub output: Output,
    /// No messages.
    pub quiet: bool,
    /// Colours on stdout.
    pub color: bool,
    /// Answer yes.
    pub yes: bool,
    /// How long to wait.
    pub timeout: Duration,
    /// Where profiles live.
    pub profiles_path: PathBuf,
    /// Name of the profile in use.
    pub profile_name: Option<String>,
    /// The profile with the flags over it.
    pub profile: Profile,
    /// What the flags alone said.
    pub flags: Profile,
    passphrase_file: Option<PathBuf>,
    /// Names of profiles when none of them is in use.
    other_profiles: Vec<String>,
}

impl Context {
    /// Merges the flags over the profile.
    ///
    /// # Errors
    /// Exit 2 when the profile cannot be read.
    pub fn new(globals: Globals) -> Outcome<Context> {
        let lang = globals.lang.unwrap_or_else(Lang::from_environment);
        let profiles_path = globals.profiles.unwrap_or_else(profile::default_path);
        let profiles = Profiles::read(&profiles_path)?;
        let selected = profiles.select(globals.profile.as_deref())?;
        let folder = profiles_path.parent().map(PathBuf::from).unwrap_or_default();
        let flags = Profile {
            node: globals.node,
            key: globals.key,
            member: globals.member,
            office: globals.office,
            ..Profile::default()
        };
        let other_profiles = match &selected {
            Some(_) => Vec::new(),
            None => profiles.profile.keys().cloned().collect(),
        };
        let (profile_name, base) = selected.unzip();
        let base = base.unwrap_or_default().anchored(&folder);
        let profile = Profile {
            node: flags.node.clone().or(base.node),
            key: flags.key.clone().or(base.key),
            member: flags.member.clone().or(base.member),
            office: flags.office.clone().or(base.office),
            ..base
        };
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        Ok(Context {
            lang,
            output: globals.output,
            quiet: globals.quiet,
            color: !globals.no_color && !no_color && std::io::stdout().is_terminal(),
            yes: globals.yes,
            timeout: Duration::from_secs(globals.timeout),
            profiles_path,
            profile_name,
            profile,
            flags,
            passphrase_file: globals.passphrase_file,
            other_profiles,
        })
    }

    /// The node.
    ///
    /// # Errors
    /// Exit 2 when its URL cannot be used.
    pub fn node(&self) -> Outcome<Node> {
        if self.profile.node.is_none() && !self.other_profiles.is_empty() {
            let known = self.other_profiles.join(", ");
            return Err(Failure::usage(text!(
                "there are several profiles: {known}",
                "有多个配置档：{known}"
            ))
            .help(text!(
                "pick one with --profile NAME or MULU_PROFILE, or pass --node URL",
                "请用 --profile 或 MULU_PROFILE 选择其一，或用 --node 指定节点"
            )));
        }
        let url = self.profile.node.as_deref().unwrap_or(NODE_DEFAULT);
        Node::new(url, self.timeout, self.lang)
    }

    /// Another node than the profile's.
    ///
    /// # Errors
    /// Exit 2 when its URL cannot be used.
    pub fn node_at(&self, url: &str) -> Outcome<Node> {
        Node::new(url, self.timeout, self.lang)
    }

    /// The member that submits.
    ///
    /// # Errors
    /// Exit 2 when nothing says who.
    pub fn member(&self) -> Outcome<&str> {
        self.profile.member.as_deref().ok_or_else(|| {
            Failure::usage(text!("it is not known who submits", "未指明提交成员")).help(text!(
                "pass --member USCC, or --profile NAME of a profile with a member",
                "请用 --member 指定统一社会信用代码，或用 --profile 指定含成员的配置档"
            ))
        })
    }

    /// The key that signs.
    ///
    /// # Errors
    /// Exit 6 when there is none or it cannot be opened.
    pub fn key(&self) -> Outcome<SigningKey> {
        let path = self.profile.key.clone().ok_or_else(|| {
            Failure::new(Exit::Permission, text!("no key to sign with", "没有可用于签名的密钥"))
                .help(text!(
                    "pass --key FILE, or --profile NAME of a profile with a key; `mulu key generate --out FILE` makes one",
                    "请用 --key 指定密钥文件，或用 --profile 指定含密钥的配置档；可用 `mulu key generate --out FILE` 生成"
                ))
        })?;
        Ok(self.open_key(&path)?.key)
    }

    /// Opens a key file, asking for its passphrase if it is encrypted.
    ///
    /// # Errors
    /// Exit 6.
    pub fn open_key(&self, path: &std::path::Path) -> Outcome<LoadedKey> {
        let loaded = keyfile::load(path, || self.passphrase(path))?;
        if loaded.protection.is_weak() {
            let (shown, advised) = (path.display(), keyfile::PBKDF2_ITERATIONS_ADVISED);
            self.say(&text!(
                "warning: {shown} stretches its passphrase with fewer than {advised} PBKDF2 iterations; re-encrypt it with `openssl pkcs8 -topk8 -scrypt`",
                "警告：{shown} 的口令派生迭代次数低于 {advised}（PBKDF2），请用 `openssl pkcs8 -topk8 -scrypt` 重新加密"
            ));
        }
        Ok(loaded)
    }

    /// The passphrase of an existing key file.
    fn passphrase(&self, path: &std::path::Path) -> Outcome<Zeroizing<String>> {
        if let Some(given) = self.given_passphrase()? {
            return Ok(given);
        }
        let shown = path.display();
        let question = text!("Passphrase of {shown}: ", "{shown} 的口令：");
        self.ask_secret(&question)
    }

    /// A new passphrase, asked twice.
    ///
    /// # Errors
    /// Exit 6 when there is no terminal, or the two differ, or it is empty.
    pub fn new_passphrase(&self) -> Outcome<Zeroizing<String>> {
        let refused = |text| Err(Failure::new(Exit::Permission, text));
        let passphrase = match self.given_passphrase()? {
            Some(given) => given,
            None => {
                let first = self.ask_secret(&text!("New passphrase: ", "新口令："))?;
                let second = self.ask_secret(&text!("Once more: ", "再输入一次："))?;
                if *first != *second {
                    return refused(text!("the two passphrases differ", "两次输入的口令不一致"));
                }
                first
            }
        };
        if passphrase.is_empty() {
            return refused(text!("an empty passphrase protects nothing", "口令不能为空"));
        }
        Ok(passphrase)
    }

    fn given_passphrase(&self) -> Outcome<Option<Zeroizing<String>>> {
        if let Some(file) = &self.passphrase_file {
            let bytes = Zeroizing::new(files::read_bounded(file, PASSPHRASE_BYTES_MAX)?);
            let shown = file.display();
            let text = std::str::from_utf8(&bytes).map_err(|e| {
                Failure::usage(text!("{shown}: not UTF-8: {e}", "{shown}：不是 UTF-8：{e}"))
            })?;
            let line = text.lines().next().unwrap_or_default();
            return Ok(Some(Zeroizing::new(line.to_owned())));
        }
        Ok(std::env::var(PASSPHRASE_VARIABLE).ok().map(Zeroizing::new))
    }

    fn ask_secret(&self, question: &Text) -> Outcome<Zeroizing<String>> {
        rpassword::prompt_password(question.in_lang(self.lang)).map(Zeroizing::new).map_err(|e| {
            Failure::new(
                Exit::Permission,
                text!("a passphrase is needed and cannot be asked: {e}", "需要口令但无法询问：{e}"),
            )
            .help(text!(
                "pass --passphrase-file FILE or set {PASSPHRASE_VARIABLE}",
                "请用 --passphrase-file 指定口令文件，或设置 {PASSPHRASE_VARIABLE}"
            ))
        })
    }

    /// Asks before something that cannot be undone.
    ///
    /// # Errors
    /// Exit 2 when the answer is no, or nobody can be asked and `--yes` is not given.
    pub fn confirm(&self, question: &Text) -> Outcome<()> {
        if self.yes {
            return Ok(());
        }
        let question = question.in_lang(self.lang);
        if !std::io::stdin().is_terminal() {
            return Err(Failure::usage(text!(
                "{question} This cannot be undone, and nobody is there to ask.",
                "{question} 此操作不可撤销，且当前无法询问。"
            ))
            .help(text!("pass --yes", "请加 --yes")));
        }
        eprint!("{question} [y/N] ");
        let mut answer = String::new();
        let read = std::io::stdin().read_line(&mut answer);
        let agreed = matches!(answer.trim(), "y" | "Y" | "yes" | "是");
        if read.is_ok() && agreed {
            return Ok(());
        }
        Err(Failure::usage(text!("nothing was done", "未执行任何操作")))
    }

    /// A message on stderr.
    pub fn say(&self, text: &Text) {
        if !self.quiet {
            eprintln!("{}", render::safe(text.in_lang(self.lang)));
        }
    }

    /// Data on stdout, and a line break.
    pub fn print(&self, text: &str) {
        self.print_part(&format!("{text}\n"));
    }

    /// Data on stdout. A closed pipe (`mulu list … | head`) ends the program quietly.
    pub fn print_part(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        if write!(out, "{text}").and_then(|()| out.flush()).is_err() {
            std::process::exit(0);
        }
    }

    /// Data as JSON on stdout.
    pub fn print_json(&self, value: &Value) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.print(&text),
            Err(error) => eprintln!("{error}"),
        }
    }

    /// Whether data is printed for programs.
    pub fn is_json(&self) -> bool {
        self.output == Output::Json
    }

    /// One of two words.
    pub fn word<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        self.lang.pick(en, zh)
    }

    /// A tick or a cross, coloured on a terminal.
    pub fn mark(&self, good: bool) -> &'static str {
        match (good, self.color) {
            (true, true) => "\u{1b}[32m✓\u{1b}[0m",
            (true, false) => "✓",
            (false, true) => "\u{1b}[31m✗\u{1b}[0m",
            (false, false) => "✗",
        }
    }
}
