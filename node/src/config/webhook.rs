//! `[[webhooks]]`: which programs are told of which events.

use std::collections::BTreeSet;

use axum::http::Uri;
use mulu_chain::types::Height;
use serde::Deserialize;
use toml::Spanned;

use super::error::Problem;
use super::reader::{Check, Text, problem};
use crate::events::{Filter, FilterInvalid};
use crate::webhooks::{WEBHOOKS_MAX, Webhook};

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 32;

/// A table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebhook {
    name: Text,
    url: Text,
    from_height: Option<u64>,
    member: Option<Text>,
    office: Option<Text>,
    entry: Option<Text>,
    authorization: Option<Text>,
    kind: Option<Text>,
}

impl Check<'_> {
    /// Checks every table.
    pub(super) fn webhooks(&mut self, raw: &[RawWebhook]) -> Vec<Webhook> {
        if let Some(beyond) = raw.get(WEBHOOKS_MAX) {
            self.report(beyond.name.span(), too_many(raw.len()));
        }
        let mut names = BTreeSet::new();
        let mut webhooks = Vec::new();
        for table in raw {
            if !names.insert(table.name.get_ref()) {
                self.report(table.name.span(), repeated(table.name.get_ref()));
            }
            let (name, url) = (self.value(&table.name, name), self.value(&table.url, url));
            let filter = filter(table).unwrap_or_else(|invalid| {
                self.report(table.name.span(), bad_filter(invalid));
                Filter::default()
            });
            if let (Some(name), Some(url)) = (name, url) {
                let from_height = table.from_height.map(Height);
                webhooks.push(Webhook { name, url, from_height, filter });
            }
        }
        webhooks
    }
}

fn filter(table: &RawWebhook) -> Result<Filter, FilterInvalid> {
    let text = |text: &Option<Text>| text.as_ref().map(|text| Spanned::get_ref(text).clone());
    Filter::default()
        .member(text(&table.member))?
        .office(text(&table.office))?
        .entry(text(&table.entry))?
        .authorization(text(&table.authorization))?
        .kind(text(&table.kind))
}

fn name(text: &str) -> Result<String, Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(text.to_owned());
    }
    Err(problem(
        format!("`{text}` is not a name of a webhook"),
        format!("`{text}` 不是可用的 webhook 名称"),
        format!("write 1 to {NAME_CHARS_MAX} lower-case letters, digits or hyphens"),
        format!("请写 1 到 {NAME_CHARS_MAX} 个小写字母、数字或连字符"),
    ))
}

/// Plain HTTP stays on this machine: a receiver elsewhere is reached through a tunnel or a relay
/// that ends here.
fn url(text: &str) -> Result<Uri, Problem> {
    let local = ["localhost", "127.0.0.1", "[::1]"];
    match text.parse::<Uri>() {
        Ok(uri)
            if uri.scheme_str() == Some("http")
                && uri.host().is_some_and(|host| local.contains(&host))
                && uri.authority().is_some_and(|a| !a.as_str().contains('@')) =>
        {
            Ok(uri)
        }
        _ => Err(problem(
            format!("`{text}` is not a plain HTTP address on this machine"),
            format!("`{text}` 不是本机的 http 地址"),
            "write http://127.0.0.1:PORT/PATH; a receiver elsewhere is reached through a TLS tunnel that listens here",
            "请写 http://127.0.0.1:端口/路径；接收方在别处时，请经由在本机监听的 TLS 隧道",
        )),
    }
}

fn too_many(count: usize) -> Problem {
    problem(
        format!("{count} webhooks"),
        format!("{count} 个 webhook"),
        format!("write at most {WEBHOOKS_MAX} webhooks"),
        format!("最多写 {WEBHOOKS_MAX} 个 webhook"),
    )
}

fn repeated(name: &str) -> Problem {
    problem(
        format!("two webhooks are named {name}"),
        format!("有两个 webhook 都名为 {name}"),
        "give each webhook a name of its own; its place is kept under it",
        "请为每个 webhook 取不同的名称，其进度按名称保存",
    )
}

fn bad_filter(FilterInvalid(name): FilterInvalid) -> Problem {
    problem(
        format!("the filter {name} of this webhook cannot match anything"),
        format!("此 webhook 的过滤条件 {name} 无法匹配任何事件"),
        "ids have 1 to 128 bytes; kind is a list of action types such as \"receipt.record, authorization\"",
        "编号为 1 到 128 字节；kind 为操作类型列表，如 \"receipt.record, authorization\"",
    )
}
