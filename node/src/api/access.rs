//! Who may read: anyone on this machine, elsewhere only who shows a token or a client certificate.
//!
//! Writing needs neither: a transaction carries the signatures that allow it. Tokens are kept as
//! SHA-256 digests of long random texts, so the configuration gives none away. `/livez` and
//! `/readyz` are open, because a supervisor asks them before anything else works.

use axum::extract::Request;
use axum::http::Method;
use axum::http::header::AUTHORIZATION;
use mulu_chain::digest::Digest;

use super::catalog::unauthorized;
use super::problem::Problem;

/// Paths that need no token.
const OPEN_PATHS: [&str; 2] = ["/livez", "/readyz"];

/// On a request's connection: the client showed a certificate that the configured authority signed.
#[derive(Debug, Clone, Copy)]
pub struct ClientCertified;

/// The readers' policy of a listener.
#[derive(Debug, Clone, Default)]
pub struct Access {
    tokens: Vec<Digest>,
    certificates: bool,
}

impl Access {
    /// Tokens, by their digests, and whether a client certificate is as good.
    pub fn new(tokens: Vec<Digest>, certificates: bool) -> Self {
        Access { tokens, certificates }
    }

    /// Judges a request.
    ///
    /// # Errors
    /// `unauthorized`, 401.
    pub fn check(&self, request: &Request) -> Result<(), Problem> {
        let open = self.tokens.is_empty() && !self.certificates;
        let writes = request.method() == Method::POST;
        if open || writes || OPEN_PATHS.contains(&request.uri().path()) {
            return Ok(());
        }
        if self.certificates && request.extensions().get::<ClientCertified>().is_some() {
            return Ok(());
        }
        let token = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|text| text.strip_prefix("Bearer "));
        // What is compared are digests: time tells nothing of the token.
        match token.map(|token| Digest::sha256(token.trim().as_bytes())) {
            Some(digest) if self.tokens.contains(&digest) => Ok(()),
            _ => Err(unauthorized()),
        }
    }
}
