//! `[api.tls]` and `tokens`: how the API is reached from elsewhere, and by whom.

use std::path::PathBuf;

use mulu_chain::digest::Digest;
use serde::Deserialize;

use super::error::{ConfigError, Problem};
use super::reader::{Check, Text, problem};
use super::{ApiSection, TOKENS_MAX};
use crate::api::TlsFiles;

/// `[api.tls]` as written; paths count from where mulud is started unless absolute.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTls {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: Option<PathBuf>,
}

impl RawTls {
    /// The files.
    pub(super) fn files(&self) -> TlsFiles {
        TlsFiles {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            client_ca: self.client_ca.clone(),
        }
    }
}

impl Check<'_> {
    /// Checks the tokens' digests.
    pub(super) fn tokens(&mut self, given: &[Text]) -> Vec<Digest> {
        if let Some(beyond) = given.get(TOKENS_MAX) {
            self.report(beyond.span(), too_many(given.len()));
        }
        given.iter().filter_map(|text| self.value(text, token)).collect()
    }
}

fn token(text: &str) -> Result<Digest, Problem> {
    text.parse().map_err(|_| {
        problem(
            "this is not the digest of a token",
            "这不是令牌的摘要",
            "write sha256: and the 64 digits that `printf %s \"$TOKEN\" | sha256sum` prints, not the token itself",
            "请写 sha256: 加上 `printf %s \"$TOKEN\" | sha256sum` 输出的 64 位摘要，而不是令牌本身",
        )
    })
}

fn too_many(count: usize) -> Problem {
    problem(
        format!("{count} tokens"),
        format!("{count} 个令牌"),
        format!("list at most {TOKENS_MAX} tokens"),
        format!("最多列出 {TOKENS_MAX} 个令牌"),
    )
}

impl ApiSection {
    /// Refuses to be reached from elsewhere in the clear, or by anyone.
    ///
    /// # Errors
    /// `ConfigError::Exposed` with what to write.
    pub fn check_exposure(&self) -> Result<(), ConfigError> {
        let listen = self.listen;
        if listen.ip().is_loopback() || self.plain_http {
            return Ok(());
        }
        let Some(tls) = &self.tls else { return Err(ConfigError::Clear { listen }) };
        if self.tokens.is_empty() && tls.client_ca.is_none() {
            return Err(ConfigError::Open { listen });
        }
        Ok(())
    }
}
