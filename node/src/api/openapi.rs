//! The OpenAPI 3.1 description of this API, made from the program itself.
//!
//! Paths come from [`ROUTES`] and the kinds of lists; the parameters of a path are the fields of
//! the very type its handler reads (serde tells their names), so a parameter cannot be forgotten
//! or invented; problems and events are described once. A test holds the table, the router's own
//! source and `docs/api.md` together. `/docs` shows it in a browser without any network.

mod schemas;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde::de::{self, Visitor};
use serde_json::{Value, json};

use super::Api;
use super::archive::ArchiveQuery;
use super::blocks::{BundleQuery, ConsistencyQuery};
use super::events::EventsQuery;
use super::history::HistoryQuery;
use super::lists::{self, ListQuery};
use super::records::RecordQuery;
use super::search::SearchQuery;
use super::transactions::WaitQuery;
use super::versions::{DiffQuery, VersionsQuery};

/// One route.
pub struct Route {
    /// `get` or `post`.
    pub method: &'static str,
    /// As the router takes it.
    pub path: &'static str,
    /// What it answers, in English and Chinese.
    summary: (&'static str, &'static str),
    /// Names of the query parameters.
    query: fn() -> &'static [&'static str],
    /// Media type of the answer.
    media: &'static str,
    /// Name of the answer's schema, empty for any.
    schema: &'static str,
}

const JSON: &str = "application/json";
const TEXT: &str = "text/plain";

fn nothing() -> &'static [&'static str] {
    &[]
}

const fn route(
    method: &'static str,
    path: &'static str,
    summary: (&'static str, &'static str),
    query: fn() -> &'static [&'static str],
    media: &'static str,
    schema: &'static str,
) -> Route {
    Route { method, path, summary, query, media, schema }
}

/// Every route but the lists.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    route("get", "/livez", ("The process lives", "进程存活"), nothing, TEXT, ""),
    route("get", "/readyz", ("The node is ready to serve", "节点可提供服务"), nothing, JSON, ""),
    route("get", "/metrics", ("What the node counts", "运行指标"), nothing, "application/openmetrics-text", ""),
    route("get", "/docs", ("This description in a browser", "在浏览器中查看接口说明"), nothing, "text/html", ""),
    route("get", "/docs/app.js", ("The page's program", "说明页的脚本"), nothing, "text/javascript", ""),
    route("get", "/v1/openapi.json", ("This description", "接口说明"), nothing, JSON, ""),
    route("get", "/v1/status", ("Chain, tip, validators, this node, its peers", "链、最新区块、验证者、本节点及其对等节点"), nothing, JSON, "Status"),
    route("get", "/v1/genesis", ("The founding document, verbatim", "创始文件原文"), nothing, TEXT, ""),
    route("get", "/v1/rules", ("Every rule: id, words, help", "全部规则及处理办法"), nothing, JSON, ""),
    route("get", "/v1/params", ("The parameters in force", "现行联盟参数"), fields::<RecordQuery>, JSON, "Record"),
    route("post", "/v1/transactions", ("Submit a signed transaction; repeating it is always safe", "提交已签名交易；重复提交始终安全"), fields::<WaitQuery>, JSON, "Transaction"),
    route("post", "/v1/transactions/batch", ("Submit up to 256 signed transactions, one a line (application/x-ndjson)", "提交至多 256 笔已签名交易，每行一笔（application/x-ndjson）"), nothing, JSON, ""),
    route("get", "/v1/transactions/{id}", ("What became of a transaction", "交易的去向与结果"), fields::<WaitQuery>, JSON, "Transaction"),
    route("get", "/v1/transactions/{id}/proof", ("Proof that it is in the log", "交易在日志中的证明"), nothing, JSON, ""),
    route("get", "/v1/transactions/{id}/tlog-proof", ("The same as a C2SP tlog-proof file", "同一证明，C2SP tlog-proof 文件"), nothing, "text/plain", ""),
    route("get", "/checkpoint", ("Newest checkpoint of the log that a quorum signed", "法定多数签署的最新日志检查点"), nothing, "text/plain", ""),
    route("get", "/tile/{*path}", ("A tile of the log", "日志分块"), nothing, "application/octet-stream", ""),
    route("get", "/v1/network", ("What an invitation needs of chain and node", "邀请函所需的链与节点信息"), nothing, JSON, ""),
    route("get", "/v1/petitions", ("Transactions that wait for signatures", "待签请求"), nothing, JSON, ""),
    route("post", "/v1/petitions", ("File a petition, or add signatures to one", "提交待签请求或追加签名"), nothing, JSON, ""),
    route("post", "/v1/passes", ("File a pass for a newcomer", "登记新成员通行证"), nothing, JSON, ""),
    route("get", "/v1/records/{*key}", ("One record, now or at a height, with its proof", "一条记录（当前或某高度），可带证明"), fields::<RecordQuery>, JSON, "Record"),
    route("get", "/v1/history/{*subject}", ("Everything that happened to a record", "记录的完整历史"), fields::<HistoryQuery>, JSON, ""),
    route("get", "/v1/versions/{*key}", ("The versions of a record", "记录的各个版本"), fields::<VersionsQuery>, JSON, ""),
    route("get", "/v1/diff/{*key}", ("What changed between two versions", "两个版本之间的变化"), fields::<DiffQuery>, JSON, "Diff"),
    route("get", "/v1/search", ("Full-text search over catalog entries, with facets", "目录条目全文检索与分面"), fields::<SearchQuery>, JSON, ""),
    route("get", "/v1/events", ("What transactions did: a stream or pages", "交易事件：流或分页"), fields::<EventsQuery>, "text/event-stream", "EventPage"),
    route("get", "/v1/blocks/{height}", ("A block; also `latest`", "区块；也可用 latest"), nothing, JSON, ""),
    route("get", "/v1/consistency", ("Proof that the log only grew", "日志只增不改的证明"), fields::<ConsistencyQuery>, JSON, ""),
    route("get", "/v1/archive/{first}", ("Whole blocks with their certificates, one file", "完整区块及其证书，一个文件"), fields::<ArchiveQuery>, "application/vnd.mulu.archive", ""),
    route("get", "/v1/bundles/{*question}", ("Everything an auditor needs to check one question, one file", "回答一个审计问题所需的全部证据，一个文件"), fields::<BundleQuery>, "application/vnd.mulu.bundle", ""),
];

/// The description.
pub fn document(server: &str) -> Value {
    let mut paths = serde_json::Map::new();
    for route in ROUTES {
        let names = (route.query)();
        insert(&mut paths, route, route.path, names);
    }
    for kind in &lists::KINDS {
        let path = format!("/v1/{}", kind.name);
        let listed = route(
            "get",
            "",
            ("Records of one kind, page by page", "某类记录的分页列表"),
            nothing,
            JSON,
            "List",
        );
        let names: Vec<&str> =
            fields::<ListQuery>().iter().copied().filter(|name| kind.takes(name)).collect();
        insert(&mut paths, &listed, &path, &names);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mulu 目录链",
            "version": server,
            "description": "The HTTP API of a node. Answers are what this node says; ask for proofs where that is not enough. 节点的 HTTP 接口；如不能仅凭节点所言，请索取证明。",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "paths": paths,
        "components": { "schemas": schemas::schemas() },
    })
}

fn insert(paths: &mut serde_json::Map<String, Value>, route: &Route, path: &str, query: &[&str]) {
    let template = path.replace("{*", "{");
    let in_path = template.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut parameters: Vec<Value> = in_path
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    parameters.extend(query.iter().map(|name| {
        let (schema, description) = schemas::parameter(name);
        json!({ "name": name, "in": "query", "schema": schema, "description": description })
    }));
    let schema = match route.schema {
        "" => json!({}),
        name => json!({ "$ref": format!("#/components/schemas/{name}") }),
    };
    let mut operation = json!({
        "operationId": operation_id(route.method, &template),
        "summary": format!("{} {}", route.summary.0, route.summary.1),
        "parameters": parameters,
        "responses": {
            "200": { "description": "done", "content": { route.media: { "schema": schema } } },
            "default": {
                "description": "a problem, in the language of Accept-Language",
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" } } },
            },
        },
    });
    if route.path == "/v1/passes" {
        operation["requestBody"] = json!({
            "required": true,
            "content": { "application/json": { "schema": { "type": "object" } } },
        });
    } else if route.method == "post" {
        let envelope = json!({ "schema": { "$ref": "#/components/schemas/Envelope" } });
        let many = json!({ "schema": { "type": "string" } });
        operation["requestBody"] = json!({
            "required": true,
            "content": if route.path == super::layers::MANY_PATH {
                json!({ "application/x-ndjson": many })
            } else { json!({ "application/json": envelope, "application/vnd.dsse+json": envelope }) },
        });
    }
    // A path may take several methods.
    let methods = paths.entry(template).or_insert_with(|| json!({}));
    methods[route.method] = operation;
}

/// `get /v1/records/{key}` becomes `get_records_key`.
fn operation_id(method: &str, path: &str) -> String {
    let words = path.trim_start_matches("/v1").split(|c: char| !c.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).fold(method.to_owned(), |id, word| id + "_" + word)
}

/// The names of a struct's fields, as its own `Deserialize` tells them.
pub fn fields<'de, T: Deserialize<'de>>() -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    // It always fails: all that is wanted is what it asks for.
    drop(T::deserialize(Fields(&mut names)));
    names
}

struct Fields<'a>(&'a mut &'static [&'static str]);

impl<'de> de::Deserializer<'de> for Fields<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("only structs are asked"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(de::Error::custom("the names are all that is wanted"))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The description as JSON.
pub async fn json_document(State(api): State<Arc<Api>>) -> Response {
    Json(document(&api.state.node.version)).into_response()
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page that shows it; everything it needs comes from this node.
pub async fn page() -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, include_str!("openapi/page.html")).into_response()
}

/// The page's program.
pub async fn script() -> Response {
    let headers = [(CONTENT_TYPE, "text/javascript; charset=utf-8")];
    (headers, include_str!("openapi/app.js")).into_response()
}
