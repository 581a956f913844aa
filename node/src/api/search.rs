//! `GET /v1/search`: entries by words and facets. See [`crate::search`].

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use mulu_contracts::state::version_hash;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::catalog::invalid_parameter;
use super::extract::Params;
use super::language::Text;
use super::problem::Problem;
use super::records::readable;
use super::{Api, work};
use crate::search::{
    FacetCount, IndexStatus, OFFSET_MAX, QUERY_BYTES_MAX, RESULTS_MAX, Request, SearchError,
};

/// Results of a page unless the client says otherwise.
const LIMIT_DEFAULT: usize = 20;

/// What to search for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchQuery {
    q: Option<String>,
    limit: Option<usize>,
    offset: Option<usize>,
    provider: Option<String>,
    office: Option<String>,
    status: Option<String>,
    region: Option<String>,
    share: Option<String>,
    open: Option<String>,
    level: Option<String>,
    update_cycle: Option<String>,
    source_system: Option<String>,
}

#[derive(Serialize)]
struct SearchView {
    height: Height,
    total: usize,
    items: Vec<ItemView>,
    facets: BTreeMap<String, Vec<FacetCount>>,
    index: IndexStatus,
}

#[derive(Serialize)]
struct ItemView {
    key: String,
    version: Digest,
    value: Box<RawValue>,
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        if matches!(error, SearchError::Index { .. }) {
            tracing::error!(error = %error.to_string().escape_debug(), "search failed");
        }
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "search_unavailable",
            Text::new("There is no search on this node", "本节点不提供检索"),
            Text::new(
                "the search index is missing, or failed; everything else works",
                "检索索引不存在或出错；其他功能不受影响",
            ),
            Text::new(
                "ask another node, or tell its operator to run `mulud index rebuild`",
                "请改用其他节点，或请运维人员执行 `mulud index rebuild`",
            ),
        )
    }
}

/// Searches.
///
/// # Errors
/// `invalid_parameter`, `search_unavailable`.
pub async fn read(
    State(api): State<Arc<Api>>,
    Params(query): Params<SearchQuery>,
) -> Result<Response, Problem> {
    let request = request(query)?;
    let search = api.state.search.clone();
    let view = work::read(&api, move |ledger| {
        let found = search.find(&request)?;
        let height = ledger.height()?;
        let mut items = Vec::with_capacity(found.keys.len());
        for key in found.keys {
            // Records are never deleted; an index of another ledger would be ahead of this one.
            let Some(value) = ledger.record(&key)? else { continue };
            let version = version_hash(&value);
            items.push(ItemView { value: readable(&key, &value)?, key, version });
        }
        let (total, facets, index) = (found.total, found.facets, found.index);
        Ok(SearchView { height, total, items, facets, index })
    })
    .await?;
    Ok(Json(view).into_response())
}

fn request(query: SearchQuery) -> Result<Request, Problem> {
    let text = query.q.unwrap_or_default();
    let facets = [
        ("provider", query.provider),
        ("office", query.office),
        ("status", query.status),
        ("region", query.region),
        ("share", query.share),
        ("open", query.open),
        ("level", query.level),
        ("update_cycle", query.update_cycle),
        ("source_system", query.source_system),
    ];
    let facets: Vec<(&'static str, String)> =
        facets.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
    let long = |name: &'static str| {
        invalid_parameter(
            name,
            Text::with(
                format!("at most {QUERY_BYTES_MAX} bytes"),
                format!("最长 {QUERY_BYTES_MAX} 字节"),
            ),
        )
    };
    if text.len() > QUERY_BYTES_MAX {
        return Err(long("q"));
    }
    if let Some((name, _)) = facets.iter().find(|(_, value)| value.len() > QUERY_BYTES_MAX) {
        return Err(long(name));
    }
    let bounded = |name: &str, given: Option<usize>, otherwise: usize, most: usize| {
        let given = given.unwrap_or(otherwise);
        let reason = Text::with(format!("at most {most}"), format!("最多 {most}"));
        if given <= most { Ok(given) } else { Err(invalid_parameter(name, reason)) }
    };
    let limit = bounded("limit", query.limit, LIMIT_DEFAULT, RESULTS_MAX)?;
    let offset = bounded("offset", query.offset, 0, OFFSET_MAX)?;
    Ok(Request { text, facets, offset, limit })
}
