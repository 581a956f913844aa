//! Which of the two languages a reader prefers: `Accept-Language` (RFC 9110 section 12.5.4).

use std::borrow::Cow;
use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;

/// The language of titles and help texts. Codes, rule ids and field names are never translated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// The default.
    #[default]
    English,
    /// Any `zh` range ranked above every `en` range.
    Chinese,
}

impl Language {
    /// The preferred language of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        let ranges = headers
            .get_all(ACCEPT_LANGUAGE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let mut best = (0, Language::English);
        for range in ranges {
            let mut parts = range.split(';').map(str::trim);
            let tag = parts.next().unwrap_or("").to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("zh") => Language::Chinese,
                Some("en") => Language::English,
                _ => continue,
            };
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, weight_milli);
            if weight > best.0 {
                best = (weight, language);
            }
        }
        best.1
    }

    /// The tag for `Content-Language`.
    pub const fn tag(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::Chinese => "zh-CN",
        }
    }
}

/// `1`, `0.8`, `0.805` in thousandths; anything else is 0, the weight of "not acceptable".
fn weight_milli(text: &str) -> u32 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = format!("{fraction:0<3}");
    match (whole, digits.parse::<u32>()) {
        ("1", _) => 1000,
        ("0", Ok(milli)) if digits.len() == 3 => milli,
        _ => 0,
    }
}

impl<S: Sync> FromRequestParts<S> for Language {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Language::of(&parts.headers))
    }
}

/// One sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    en: Cow<'static, str>,
    zh: Cow<'static, str>,
}

impl Text {
    /// A sentence known when this file was written.
    pub const fn new(en: &'static str, zh: &'static str) -> Self {
        Text { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }

    /// A sentence with names and numbers of this request.
    pub fn with(en: impl Into<Cow<'static, str>>, zh: impl Into<Cow<'static, str>>) -> Self {
        Text { en: en.into(), zh: zh.into() }
    }

    /// A technical detail that exists in one language only.
    pub fn untranslated(text: impl Into<Cow<'static, str>>) -> Self {
        let text = text.into();
        Text { en: text.clone(), zh: text }
    }

    /// The sentence in `language`.
    pub fn say(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::Chinese => &self.zh,
        }
    }
}
