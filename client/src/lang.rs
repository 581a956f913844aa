//! Two languages, one meaning: every message a person reads exists in English and in Chinese.

/// A language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Lang {
    /// 中文。
    Zh,
    /// English.
    En,
}

impl Lang {
    /// The language of the environment: the first of `LC_ALL`, `LC_MESSAGES`, `LANG` that is set.
    pub fn from_environment() -> Lang {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        Lang::of_locale(&set.unwrap_or_default())
    }

    /// The language of a locale name such as `zh_CN.UTF-8`.
    pub fn of_locale(locale: &str) -> Lang {
        if locale.to_ascii_lowercase().starts_with("zh") { Lang::Zh } else { Lang::En }
    }

    /// The value of an `Accept-Language` header.
    pub const fn accept(self) -> &'static str {
        match self {
            Lang::Zh => "zh-CN, en;q=0.5",
            Lang::En => "en, zh;q=0.5",
        }
    }

    /// One of two texts.
    pub const fn pick<'a>(self, en: &'a str, zh: &'a str) -> &'a str {
        match self {
            Lang::Zh => zh,
            Lang::En => en,
        }
    }
}

/// A message in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// English.
    pub en: String,
    /// 中文。
    pub zh: String,
}

impl Text {
    /// The message in one language.
    pub fn in_lang(&self, lang: Lang) -> &str {
        lang.pick(&self.en, &self.zh)
    }

    /// The same text in both languages: names, ids, what a node said.
    pub fn same(text: impl Into<String>) -> Text {
        let text = text.into();
        Text { en: text.clone(), zh: text }
    }
}

/// Formats a message in both languages: `text!("no {name}", "没有 {name}")`.
#[macro_export]
macro_rules! text {
    ($en:literal, $zh:literal $(,)?) => {
        $crate::lang::Text { en: format!($en), zh: format!($zh) }
    };
}
