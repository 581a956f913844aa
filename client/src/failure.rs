//! How a command ends: the exit codes and the one error type that carries them.

use crate::lang::{Lang, Text};

/// Exit codes, stable for scripts; 0 is success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: a verification failed; the evidence is bad.
    VerificationFailed = 1,
    /// 2: wrong usage, or an input that cannot be decided upon.
    Usage = 2,
    /// 3: what was asked for does not exist.
    NotFound = 3,
    /// 4: the node cannot be reached, is not ready, or did not answer in time.
    Unreachable = 4,
    /// 5: the rules of the chain refused the transaction.
    Rejected = 5,
    /// 6: a key or a permission is missing.
    Permission = 6,
}

impl Exit {
    /// The process exit code.
    pub fn code(self) -> std::process::ExitCode {
        std::process::ExitCode::from(match self {
            Exit::VerificationFailed => 1,
            Exit::Usage => 2,
            Exit::NotFound => 3,
            Exit::Unreachable => 4,
            Exit::Rejected => 5,
            Exit::Permission => 6,
        })
    }
}

/// Why a command ended without success.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    /// What is wrong; empty when the command has already said so.
    pub text: Option<Text>,
    /// What to do about it.
    pub help: Option<Box<Text>>,
    /// The rule that refused, if a rule did.
    pub rule: Option<String>,
    /// 0-based index of the action the rule refused.
    pub action: Option<u32>,
    /// Seconds after which another attempt may succeed.
    pub retry_after: Option<u64>,
}

/// The result of a command.
pub type Outcome<T> = Result<T, Failure>;

impl Failure {
    /// A failure with a message.
    pub fn new(exit: Exit, text: Text) -> Failure {
        Failure { exit, text: Some(text), help: None, rule: None, action: None, retry_after: None }
    }

    /// A failure the command has already reported on stdout.
    pub fn reported(exit: Exit) -> Failure {
        Failure { exit, text: None, help: None, rule: None, action: None, retry_after: None }
    }

    /// Wrong usage or unusable input.
    pub fn usage(text: Text) -> Failure {
        Failure::new(Exit::Usage, text)
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn help(mut self, help: Text) -> Failure {
        self.help = Some(Box::new(help));
        self
    }

    /// The lines to print on stderr, none if already reported.
    pub fn lines(&self, lang: Lang) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some(text) = &self.text {
            lines.push(format!("{}{}", lang.pick("error: ", "错误："), text.in_lang(lang)));
        }
        if let Some(help) = &self.help {
            lines.push(format!("{}{}", lang.pick("help: ", "帮助："), help.in_lang(lang)));
        }
        lines
    }

    /// The machine form for `--output json`.
    pub fn to_json(&self, lang: Lang) -> serde_json::Value {
        serde_json::json!({
            "error": self.text.as_ref().map(|t| t.in_lang(lang)),
            "help": self.help.as_ref().map(|t| t.in_lang(lang)),
            "rule": self.rule,
            "action": self.action,
            "exit_code": self.exit as u8,
        })
    }
}
