//! Problem details (RFC 9457): what every failed request answers with.
//!
//! A problem says what happened (`title`), why (`detail`) and what to do (`help`), the three in
//! the reader's language; programs look at `status` and `code`, which never change. A handler
//! returns the [`Problem`] as it is; the outermost layer writes it, because only that layer knows
//! language and path of requests which no handler ever saw.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, VARY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::language::{Language, Text};

/// Media type of problem details.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// HTTP status.
    pub status: StatusCode,
    /// Stable machine code: a rule id such as `AUT-07`, or snake_case.
    pub code: Cow<'static, str>,
    /// What a reader reads; boxed, because every `Result` of the API carries its size.
    words: Box<Words>,
    /// 0-based index of the action that broke a rule.
    pub action: Option<u32>,
    /// Several causes, if there are several.
    pub reasons: Vec<Text>,
    /// When to try again, in seconds.
    pub retry_after_s: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Words {
    /// What happened.
    title: Text,
    /// Why, in this request.
    detail: Text,
    /// What to do.
    help: Text,
}

#[derive(Serialize)]
struct ProblemJson<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    help: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<u32>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<&'a str>,
}

impl Problem {
    /// A problem without the optional members: what happened, why, and what to do.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        title: Text,
        detail: Text,
        help: Text,
    ) -> Self {
        Problem {
            status,
            code: code.into(),
            words: Box::new(Words { title, detail, help }),
            action: None,
            reasons: Vec::new(),
            retry_after_s: None,
        }
    }

    /// The same problem with a `Retry-After`.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// The problem as JSON, for one of several answers.
    pub fn to_json(&self, language: Language, path: &str) -> serde_json::Value {
        serde_json::to_value(self.json(language, path)).expect("strings always serialize")
    }

    fn json<'a>(&'a self, language: Language, path: &'a str) -> ProblemJson<'a> {
        ProblemJson {
            r#type: format!("urn:mulu:problem:{}", self.code),
            title: self.words.title.say(language),
            status: self.status.as_u16(),
            detail: self.words.detail.say(language),
            code: &self.code,
            help: self.words.help.say(language),
            instance: path,
            action: self.action,
            reasons: self.reasons.iter().map(|reason| reason.say(language)).collect(),
        }
    }

    /// Writes the problem for a reader. Headers already in `response` stay (`Allow` of a 405).
    pub fn write(&self, language: Language, path: &str, response: &mut Response) {
        let json = self.json(language, path);
        let body = serde_json::to_vec(&json).expect("strings and numbers always serialize");
        *response.status_mut() = self.status;
        *response.body_mut() = Body::from(body);
        let headers = response.headers_mut();
        headers.remove(CONTENT_LENGTH);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.insert(VARY, HeaderValue::from_static("accept-language"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
