//! Which host names and web origins the API answers for: the defence against DNS rebinding and
//! against pages that post on a user's behalf.
//!
//! A browser on the operator's machine can reach a loopback API. It cannot hide the name under
//! which it does so (`Host`), nor the page that asks (`Origin` on every POST). So a loopback
//! listener answers to loopback names and configured names only, and a POST with an `Origin` must
//! come from the very host and port it posts to, or from a configured name.

use std::net::SocketAddr;

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method};

use super::catalog::{host_refused, origin_refused};
use super::problem::Problem;

const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// The names this API answers to.
#[derive(Debug, Clone, Default)]
pub struct HostPolicy {
    names: Vec<String>,
    any_host: bool,
}

impl HostPolicy {
    /// The policy of a listener: on loopback its names and the configured ones; elsewhere the
    /// configured ones, or any if there are none.
    pub fn for_listener(address: SocketAddr, configured: &[String]) -> Self {
        let mut names: Vec<_> = configured.iter().map(|name| name.to_ascii_lowercase()).collect();
        let any_host = !address.ip().is_loopback() && names.is_empty();
        if !any_host {
            names.extend(LOOPBACK_NAMES.map(str::to_owned));
        }
        HostPolicy { names, any_host }
    }

    /// Judges a request before anything else looks at it.
    ///
    /// # Errors
    /// `host_refused` or `origin_refused`, both 403.
    pub fn check(&self, request: &Request) -> Result<(), Problem> {
        let named = request.uri().authority().cloned().map_or_else(
            || only_authority(request.headers()),
            |of_uri| match only_authority(request.headers()) {
                Some(of_header) if of_header != of_uri => None,
                _ => Some(of_uri),
            },
        );
        let host = named.ok_or_else(host_refused)?;
        if !self.any_host && !self.knows(&host) {
            return Err(host_refused());
        }
        if request.method() != Method::GET && request.method() != Method::HEAD {
            self.check_origin(request.headers(), &host)?;
        }
        Ok(())
    }

    fn check_origin(&self, headers: &HeaderMap, host: &Authority) -> Result<(), Problem> {
        for origin in headers.get_all(ORIGIN) {
            let authority = origin
                .to_str()
                .ok()
                .and_then(|text| {
                    text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))
                })
                .and_then(|text| text.parse::<Authority>().ok())
                .ok_or_else(origin_refused)?;
            let configured = !is_loopback(authority.host()) && self.knows(&authority);
            if authority != *host && !configured {
                return Err(origin_refused());
            }
        }
        Ok(())
    }

    fn knows(&self, authority: &Authority) -> bool {
        let plain = !authority.as_str().contains('@');
        plain && self.names.iter().any(|name| name.eq_ignore_ascii_case(authority.host()))
    }
}

fn is_loopback(host: &str) -> bool {
    LOOPBACK_NAMES.iter().any(|name| name.eq_ignore_ascii_case(host))
}

/// The authority of the one `Host` header; none if there is none, or more than one.
fn only_authority(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?.parse().ok()?;
    if hosts.next().is_some() { None } else { Some(host) }
}
