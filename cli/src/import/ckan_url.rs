//! A CKAN portal by its URL: its published packages, page by page, as the lines of a dump.
//!
//! Bounds: [`PAGE_ROWS`] packages a page, [`PAGE_BYTES_MAX`] a page, [`PAGES_MAX`] pages. Plain HTTP only: this
//! program carries no TLS. A portal behind HTTPS is read with `ckanapi dump datasets`, or through a proxy on
//! the own machine.

use std::time::Duration;

use serde_json::Value;

use crate::failure::{Exit, Failure, Outcome};
use crate::text;

/// Packages asked for at once; CKAN gives at most 1,000.
const PAGE_ROWS: usize = 500;
/// Largest page, in bytes.
const PAGE_BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Most pages.
const PAGES_MAX: usize = 10_000;
/// Longest wait for a page.
const PAGE_TIMEOUT: Duration = Duration::from_secs(120);

/// Whether a source is a URL.
pub fn is_url(source: &str) -> bool {
    source.starts_with("http://") || source.starts_with("https://")
}

/// The packages of a portal, one JSON object a line.
///
/// # Errors
/// Exit 2 for a URL this program cannot read, exit 4 when the portal does not answer as CKAN does.
pub fn fetch(portal: &str) -> Outcome<String> {
    if !portal.starts_with("http://") {
        return Err(Failure::usage(text!(
            "{portal}: only plain http:// is read",
            "{portal}：仅支持 http://"
        ))
        .help(text!(
            "dump it first: ckanapi dump datasets --all -r {portal} > dump.jsonl",
            "请先导出：ckanapi dump datasets --all -r {portal} > dump.jsonl"
        )));
    }
    let config = ureq::Agent::config_builder().timeout_global(Some(PAGE_TIMEOUT)).build();
    let agent = ureq::Agent::new_with_config(config);
    let search = format!("{}/api/3/action/package_search", portal.trim_end_matches('/'));
    let mut lines = String::new();
    let mut start = 0usize;
    for _ in 0..PAGES_MAX {
        let packages = page(&agent, portal, &search, start)?;
        if packages.is_empty() {
            return Ok(lines);
        }
        start = start.saturating_add(packages.len());
        for package in &packages {
            lines.push_str(&package.to_string());
            lines.push('\n');
        }
    }
    Err(not_ckan(portal, &format!("more than {PAGES_MAX} pages")))
}

fn page(agent: &ureq::Agent, portal: &str, search: &str, start: usize) -> Outcome<Vec<Value>> {
    // In the order of ids, so that no package moves from one page to another.
    let reply = agent
        .get(search)
        .query("rows", PAGE_ROWS.to_string())
        .query("start", start.to_string())
        .query("sort", "id asc")
        .call();
    let mut reply = reply.map_err(|e| not_ckan(portal, &e.to_string()))?;
    let body = reply.body_mut().with_config().limit(PAGE_BYTES_MAX).read_to_string();
    let body = body.map_err(|e| not_ckan(portal, &e.to_string()))?;
    let answer: Value =
        serde_json::from_str(&body).map_err(|e| not_ckan(portal, &e.to_string()))?;
    let results = answer.pointer("/result/results").and_then(Value::as_array);
    results.cloned().ok_or_else(|| not_ckan(portal, "there is no result.results"))
}

fn not_ckan(portal: &str, why: &str) -> Failure {
    Failure::new(
        Exit::Unreachable,
        text!("{portal} does not answer as CKAN does: {why}", "{portal} 未按 CKAN 方式应答：{why}"),
    )
}

#[cfg(test)]
mod tests;
