//! The node's HTTP API as this program uses it: plain HTTP, JSON, problem details.
//!
//! A node can lie or be replaced; nothing it answers is believed by `audit verify`, and every
//! answer is bounded before it is read.

use std::time::Duration;

use serde_json::Value;

use crate::failure::{Exit, Failure, Outcome};
use crate::lang::{Lang, Text};
use crate::text;

/// Largest JSON answer read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Longest a node is asked to wait for a commit in one request; below its own limit of 30 s.
const WAIT_MAX: Duration = Duration::from_secs(20);
/// Margin between the wait asked for and the end of the request.
const WAIT_MARGIN: Duration = Duration::from_secs(5);
/// Items per page of a list, the most a node gives.
pub const PAGE_ITEMS: usize = 1000;

/// A node.
#[derive(Debug, Clone)]
pub struct Node {
    agent: ureq::Agent,
    base: String,
    timeout: Duration,
    lang: Lang,
}

struct Answer {
    status: u16,
    retry_after: Option<u64>,
    body: Vec<u8>,
}

impl Node {
    /// A node at a URL such as `http://127.0.0.1:26701`.
    ///
    /// # Errors
    /// Exit 2 when it is not a plain `http://` URL.
    pub fn new(url: &str, timeout: Duration, lang: Lang) -> Outcome<Node> {
        let base = url.trim_end_matches('/');
        if !base.starts_with("http://") {
            return Err(Failure::usage(text!(
                "the node's URL must begin with http:// (found `{url}`)",
                "节点地址必须以 http:// 开头（现为 `{url}`）",
            ))
            .help(text!(
                "put a TLS tunnel or proxy on this machine if the node is reached over an untrusted network",
                "若须经不可信网络访问节点，请在本机设置 TLS 隧道或代理",
            )));
        }
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("mulu/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Node { agent: config.new_agent(), base: base.to_owned(), timeout, lang })
    }

    /// The node's URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// How long this command waits in all.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        let url = &self.base;
        match error {
            ureq::Error::BadUri(why) => {
                Failure::usage(text!("not a URL: {url}: {why}", "不是有效的地址：{url}：{why}"))
            }
            ureq::Error::BodyExceedsLimit(limit) => Failure::new(
                Exit::Unreachable,
                text!(
                    "{url} answered with more than {limit} bytes",
                    "{url} 的响应超过 {limit} 字节"
                ),
            ),
            ureq::Error::Timeout(_) => Failure::new(
                Exit::Unreachable,
                text!("{url} did not answer in time", "{url} 未在规定时间内响应"),
            )
            .help(text!(
                "repeating the command is safe; --timeout SECONDS waits longer",
                "重复执行本命令是安全的；可用 --timeout 秒数 延长等待"
            )),
            other => Failure::new(
                Exit::Unreachable,
                text!("cannot reach the node {url}: {other}", "无法连接节点 {url}：{other}"),
            )
            .help(text!(
                "is the node running, and is --node (or the profile's node) its API address?",
                "请确认节点正在运行，且 --node（或配置档中的 node）为其接口地址"
            )),
        }
    }

    fn read(&self, path: &str, query: &[(&str, &str)], wait: Duration) -> Outcome<Answer> {
        self.read_limited(path, query, wait, ANSWER_BYTES_MAX)
    }

    fn read_limited(
        &self,
        path: &str,
        query: &[(&str, &str)],
        wait: Duration,
        limit: u64,
    ) -> Outcome<Answer> {
        let mut request = self
            .agent
            .get(format!("{}{}", self.base, encode_path(path)))
            .header("accept-language", self.lang.accept());
        for (name, value) in query {
            request = request.query(name, value);
        }
        let reply = request
            .config()
            .timeout_global(Some(self.timeout.saturating_add(wait)))
            .build()
            .call()
            .map_err(|e| self.unreachable(&e))?;
        self.answer(reply, limit)
    }

    fn answer(&self, reply: ureq::http::Response<ureq::Body>, limit: u64) -> Outcome<Answer> {
        let status = reply.status().as_u16();
        let retry_after = reply
            .headers()
            .get("retry-after")
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let (_, mut body) = reply.into_parts();
        let body =
            body.with_config().limit(limit).read_to_vec().map_err(|e| self.unreachable(&e))?;
        Ok(Answer { status, retry_after, body })
    }

    fn json(&self, answer: &Answer) -> Outcome<Value> {
        let url = &self.base;
        if !(200..300).contains(&answer.status) {
            return Err(problem(answer, url));
        }
        serde_json::from_slice(&answer.body).map_err(|e| {
            Failure::new(
                Exit::Unreachable,
                text!(
                    "{url} answered with something else than JSON: {e}",
                    "{url} 的响应不是 JSON：{e}"
                ),
            )
        })
    }

    /// Reads a JSON document.
    ///
    /// # Errors
    /// Exit 3 for 404, exit 4 when the node cannot be reached or is not ready, and so on.
    pub fn get(&self, path: &str, query: &[(&str, &str)]) -> Outcome<Value> {
        let answer = self.read(path, query, Duration::ZERO)?;
        self.json(&answer)
    }

    /// Reads a document that may not exist.
    ///
    /// # Errors
    /// Those of [`Node::get`] but for 404.
    pub fn find(&self, path: &str, query: &[(&str, &str)]) -> Outcome<Option<Value>> {
        match self.get(path, query) {
            Ok(value) => Ok(Some(value)),
            Err(failure) if failure.exit == Exit::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a file of at most `limit` bytes.
    ///
    /// # Errors
    /// Those of [`Node::get`].
    pub fn download(&self, path: &str, limit: u64) -> Outcome<Vec<u8>> {
        let answer = self.read_limited(path, &[], Duration::ZERO, limit)?;
        if answer.status != 200 {
            return Err(problem(&answer, &self.base));
        }
        Ok(answer.body)
    }

    /// Writes a file of at most `limit` bytes to `out` while it arrives; returns its size.
    ///
    /// # Errors
    /// Those of [`Node::get`]; exit 2 when `out` cannot be written.
    pub fn download_to(
        &self,
        path: &str,
        query: &[(&str, &str)],
        out: &mut dyn std::io::Write,
        limit: u64,
    ) -> Outcome<u64> {
        let mut request = self
            .agent
            .get(format!("{}{}", self.base, encode_path(path)))
            .header("accept-language", self.lang.accept());
        for (name, value) in query {
            request = request.query(name, value);
        }
        let reply = request
            .config()
            .timeout_recv_response(Some(self.timeout))
            .build()
            .call()
            .map_err(|e| self.unreachable(&e))?;
        if reply.status().as_u16() != 200 {
            return Err(problem(&self.answer(reply, ANSWER_BYTES_MAX)?, &self.base));
        }
        let (_, mut body) = reply.into_parts();
        let mut reader = body.with_config().limit(limit).reader();
        std::io::copy(&mut reader, out).map_err(|e| {
            let url = &self.base;
            Failure::new(
                Exit::Unreachable,
                text!("the file from {url} broke off: {e}", "来自 {url} 的文件中断：{e}"),
            )
        })
    }

    /// Reads a list page by page and hands each item to `each`, which says whether to go on.
    ///
    /// # Errors
    /// Those of [`Node::get`] and of `each`.
    pub fn list(
        &self,
        path: &str,
        filters: &[(&str, &str)],
        mut each: impl FnMut(Value) -> Outcome<bool>,
    ) -> Outcome<()> {
        let limit = PAGE_ITEMS.to_string();
        let mut cursor: Option<String> = None;
        loop {
            let mut query = filters.to_vec();
            query.push(("limit", &limit));
            if let Some(cursor) = &cursor {
                query.push(("cursor", cursor));
            }
            let mut page = self.get(path, &query)?;
            if let Some(Value::Array(items)) = page.get_mut("items").map(Value::take) {
                for item in items {
                    if !each(item)? {
                        return Ok(());
                    }
                }
            }
            let next = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            if next.is_none() || next == cursor {
                return Ok(());
            }
            cursor = next;
        }
    }

    /// Submits an envelope; with `wait` the answer may be the committed result. Repeating it with
    /// the same envelope is always safe.
    ///
    /// # Errors
    /// Exit 5 with the rule when the rules refuse it, exit 4 when the node cannot take it now
    /// (`retry_after` says when).
    pub fn submit(&self, envelope: &Value, wait: Option<Duration>) -> Outcome<Value> {
        let mut request = self
            .agent
            .post(format!("{}/v1/transactions", self.base))
            .header("accept-language", self.lang.accept());
        let wait = wait.map(|wait| wait.min(WAIT_MAX));
        let milliseconds = wait.map(|wait| wait.as_millis().to_string());
        if let Some(milliseconds) = &milliseconds {
            request = request.query("wait", "committed").query("timeout_ms", milliseconds);
        }
        let limit = self.timeout.saturating_add(wait.unwrap_or_default());
        let reply = request
            .config()
            .timeout_global(Some(limit.saturating_add(WAIT_MARGIN)))
            .build()
            .send_json(envelope)
            .map_err(|e| self.unreachable(&e))?;
        let answer = self.answer(reply, ANSWER_BYTES_MAX)?;
        self.json(&answer)
    }

    /// Sends a JSON document.
    ///
    /// # Errors
    /// Exit 4 when the node cannot be reached, exit 5 when it refuses.
    pub fn post(&self, path: &str, body: &Value) -> Outcome<Value> {
        let reply = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("accept-language", self.lang.accept())
            .config()
            .timeout_global(Some(self.timeout))
            .build()
            .send_json(body)
            .map_err(|e| self.unreachable(&e))?;
        let answer = self.answer(reply, ANSWER_BYTES_MAX)?;
        self.json(&answer)
    }

    /// The status of a transaction, waiting for its commit up to `wait`.
    ///
    /// # Errors
    /// Those of [`Node::get`].
    pub fn transaction(&self, id: &str, wait: Option<Duration>) -> Outcome<Value> {
        let path = format!("/v1/transactions/{id}");
        let Some(wait) = wait.map(|wait| wait.min(WAIT_MAX)) else {
            return self.get(&path, &[]);
        };
        let milliseconds = wait.as_millis().to_string();
        let query = [("wait", "committed"), ("timeout_ms", milliseconds.as_str())];
        let answer = self.read(&path, &query, wait.saturating_add(WAIT_MARGIN))?;
        self.json(&answer)
    }
}

/// Percent-encodes a path: everything but unreserved characters, `/` and `:`.
fn encode_path(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b':' => {
                encoded.push(char::from(byte));
            }
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// Reads problem details (RFC 9457); the node has written them in our language already.
fn problem(answer: &Answer, url: &str) -> Failure {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let field = |name: &str| body.get(name).and_then(Value::as_str).filter(|t| !t.is_empty());
    let status = answer.status;
    let exit = match status {
        404 => Exit::NotFound,
        409 | 422 => Exit::Rejected,
        401 | 403 => Exit::Permission,
        408 | 429 | 500..=599 => Exit::Unreachable,
        _ => Exit::Usage,
    };
    let rule = field("code").map(str::to_owned);
    let text = match (field("title"), field("detail")) {
        (Some(title), Some(detail)) => {
            let rule = rule.as_deref().filter(|_| exit == Exit::Rejected);
            let prefix = rule.map(|rule| format!("{rule} ")).unwrap_or_default();
            Text::same(format!("{prefix}{title}: {detail}"))
        }
        (Some(title), None) => Text::same(title),
        _ => text!("{url} answered with HTTP status {status}", "{url} 返回 HTTP 状态 {status}"),
    };
    let action = body.get("action").and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
    Failure {
        exit,
        text: Some(text),
        help: field("help").map(|help| Box::new(Text::same(help))),
        rule,
        action,
        retry_after: answer.retry_after,
    }
}

#[cfg(test)]
mod tests;
