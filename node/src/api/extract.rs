//! Extractors whose refusals are problems, and the parameters several routes share.

use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use mulu_chain::limits::STATE_KEY_BYTES_MAX;
use serde::de::DeserializeOwned;

use super::catalog::invalid_parameter;
use super::language::Text;
use super::problem::Problem;

/// Items of a page unless the client says otherwise.
const LIMIT_DEFAULT: usize = 100;
/// Most items of a page.
pub const LIMIT_MAX: usize = 1000;
/// How long a client waits for a commit unless it says otherwise, in milliseconds.
const WAIT_MS_DEFAULT: u64 = 10_000;
/// Longest a client may wait for a commit, in milliseconds; below the request timeout.
pub const WAIT_MS_MAX: u64 = 30_000;

/// Query parameters; unknown ones are refused by the types' `deny_unknown_fields`.
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Query::<T>::from_request_parts(parts, state).await {
            Ok(Query(value)) => Ok(Params(value)),
            Err(fault) => Err(invalid_parameter("query", Text::untranslated(fault.body_text()))),
        }
    }
}

/// The variable part of a path, percent-decoded: UTF-8 of at most `STATE_KEY_BYTES_MAX` bytes.
pub struct Segment(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|fault| invalid_parameter("path", Text::untranslated(fault.body_text())))?;
        if text.len() > STATE_KEY_BYTES_MAX {
            let reason = Text::with(
                format!("keys and subjects have at most {STATE_KEY_BYTES_MAX} bytes"),
                format!("键和主体最长 {STATE_KEY_BYTES_MAX} 字节"),
            );
            return Err(invalid_parameter("path", reason));
        }
        Ok(Segment(text))
    }
}

/// Checks a page size.
///
/// # Errors
/// `invalid_parameter` outside 1..=1000.
pub fn page_limit(limit: Option<usize>) -> Result<usize, Problem> {
    match limit.unwrap_or(LIMIT_DEFAULT) {
        limit if (1..=LIMIT_MAX).contains(&limit) => Ok(limit),
        _ => Err(invalid_parameter(
            "limit",
            Text::with(
                format!("a page has 1 to {LIMIT_MAX} items"),
                format!("每页 1 至 {LIMIT_MAX} 项"),
            ),
        )),
    }
}

/// Checks `wait` and `timeout_ms`; none means: answer at once.
///
/// # Errors
/// `invalid_parameter`.
pub fn wait_for(wait: Option<&str>, timeout_ms: Option<u64>) -> Result<Option<Duration>, Problem> {
    match (wait, timeout_ms) {
        (None, None) => Ok(None),
        (Some("committed"), timeout_ms) => match timeout_ms.unwrap_or(WAIT_MS_DEFAULT) {
            ms if ms <= WAIT_MS_MAX => Ok(Some(Duration::from_millis(ms))),
            _ => Err(invalid_parameter(
                "timeout_ms",
                Text::with(
                    format!("at most {WAIT_MS_MAX} milliseconds"),
                    format!("最多 {WAIT_MS_MAX} 毫秒"),
                ),
            )),
        },
        (None, Some(_)) => Err(invalid_parameter(
            "timeout_ms",
            Text::new("it has a meaning only with wait=committed", "仅与 wait=committed 一起使用"),
        )),
        (Some(_), _) => Err(invalid_parameter(
            "wait",
            Text::new("the only value is `committed`", "唯一可用的值是 `committed`"),
        )),
    }
}
