//! What a person at a terminal reads when something is wrong: one sentence that says what, why and
//! what to do; in Chinese as well where the environment asks for it.
//!
//! The English sentence is the error's own `Display`; the Chinese one comes from
//! [`Explain::chinese`]. Chinese readers get both, so that a message can still be searched for.

mod startup;

use std::error::Error;
use std::fmt::Write as _;

/// Languages of the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English only.
    English,
    /// 中文，附英文原文。
    Chinese,
}

impl Language {
    /// The language of the environment: the first of `MULU_LANG`, `LC_ALL`, `LC_MESSAGES` and
    /// `LANG` that is set.
    pub fn from_environment() -> Self {
        let set = ["MULU_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Language::of_locale(&set.unwrap_or_default())
    }

    /// The language of a locale such as `zh_CN.UTF-8`.
    pub fn of_locale(locale: &str) -> Self {
        match locale.to_ascii_lowercase().starts_with("zh") {
            true => Language::Chinese,
            false => Language::English,
        }
    }
}

/// An error that an operator must understand.
pub trait Explain: Error {
    /// The whole message in Chinese, the remedy included.
    fn chinese(&self) -> String;

    /// The message for a reader of the given language, without a final newline.
    fn explain(&self, language: Language) -> String {
        let mut text = String::new();
        if language == Language::Chinese {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "错误：{}", self.chinese());
        }
        let _ = write!(text, "error: {self}");
        text
    }
}
