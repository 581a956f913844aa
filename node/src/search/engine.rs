//! The index itself: tantivy, with jieba's words and pairs of characters.
//!
//! | field | holds | tokens |
//! |---|---|---|
//! | `key` | the entry's state key | whole, stored |
//! | `codes` | every code of the entry | whole, lower case |
//! | `name`, `words`, `items` | name; alias, keywords and summary; names and descriptions of items | jieba, lower case |
//! | `pairs` | name, alias, keywords, names of items | pairs of characters: finds what jieba cuts otherwise |
//! | facets | one field each | whole, counted |

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tantivy::aggregation::AggregationCollector;
use tantivy::aggregation::agg_req::Aggregations;
use tantivy::collector::{Count, TopDocs};
use tantivy::directory::MmapDirectory;
use tantivy::query::{
    AllQuery, BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery,
};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions,
    Value as _,
};
use tantivy::tokenizer::{
    LowerCaser, NgramTokenizer, RemoveLongFilter, TextAnalyzer, TokenStream as _,
};
use tantivy::{
    DocAddress, Index, IndexReader, IndexWriter, ReloadPolicy, Score, TantivyDocument, Term,
};
use tantivy_jieba::JiebaTokenizer;

use super::{FACET_VALUES_MAX, FACETS, FacetCount, Found, IndexStatus, Request, SearchError};
use crate::events::Place;

/// Version of the fields; another one is rebuilt.
const LAYOUT: u32 = 1;
/// Memory of the writer before it flushes, in bytes: tantivy's least for one thread.
const WRITER_BYTES: usize = 32 * 1024 * 1024;
/// Longest token, in bytes.
const TOKEN_BYTES_MAX: usize = 64;
/// Most tokens of a request that count.
const TOKENS_MAX: usize = 32;

/// How far the index is: committed with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    layout: u32,
    genesis: String,
    /// While the first filling lasts: the last key taken.
    pub filling_after: Option<String>,
    /// Whether it lasts.
    pub filling: bool,
    /// Where events are followed from.
    pub height: u64,
    /// Position in that block.
    pub index: u32,
}

impl Progress {
    /// The place to read on from.
    pub fn place(&self) -> Place {
        Place { height: Height(self.height), index: self.index }
    }
}

struct Fields {
    key: Field,
    codes: Field,
    name: Field,
    words: Field,
    items: Field,
    pairs: Field,
    facets: Vec<Field>,
}

/// An open index.
pub struct Engine {
    path: PathBuf,
    marker: PathBuf,
    genesis: String,
    fields: Fields,
    index: Index,
    reader: IndexReader,
    writer: Mutex<IndexWriter>,
    progress: Mutex<Progress>,
}

impl Engine {
    /// Opens the index in a folder, or makes an empty one; one of another chain or layout is made
    /// anew.
    ///
    /// # Errors
    /// [`SearchError::Index`].
    pub fn open(path: &Path, marker: &Path, genesis: &str) -> Result<Engine, SearchError> {
        match Engine::open_as_is(path, marker, genesis) {
            Ok(engine) if engine.is_current() => Ok(engine),
            other => {
                if let Err(error) = &other {
                    tracing::warn!(%error, "the search index is made anew");
                }
                drop(other);
                remove(path).map_err(|error| failed(path, error))?;
                Engine::open_as_is(path, marker, genesis)
            }
        }
    }

    fn open_as_is(path: &Path, marker: &Path, genesis: &str) -> Result<Engine, SearchError> {
        let failed = |error: tantivy::TantivyError| failed(path, error);
        fs::create_dir_all(path).map_err(|error| super::engine::failed(path, error))?;
        let (schema, fields) = schema();
        let folder = MmapDirectory::open(path).map_err(|error| failed(error.into()))?;
        let index = Index::open_or_create(folder, schema).map_err(failed)?;
        index.tokenizers().register("jieba", words());
        index.tokenizers().register("pairs", pairs().map_err(failed)?);
        let reader: IndexReader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(failed)?;
        let writer = index.writer_with_num_threads(1, WRITER_BYTES).map_err(failed)?;
        let payload = index.load_metas().map_err(failed)?.payload;
        let fresh = Progress {
            layout: LAYOUT,
            genesis: genesis.to_owned(),
            filling_after: None,
            filling: true,
            height: 0,
            index: 0,
        };
        let progress = match payload {
            Some(text) => {
                serde_json::from_str(&text).map_err(|error| super::engine::failed(path, error))?
            }
            None => fresh,
        };
        Ok(Engine {
            path: path.to_owned(),
            marker: marker.to_owned(),
            genesis: genesis.to_owned(),
            fields,
            index,
            reader,
            writer: Mutex::new(writer),
            progress: Mutex::new(progress),
        })
    }

    fn is_current(&self) -> bool {
        let progress = self.progress();
        progress.layout == LAYOUT && progress.genesis == self.genesis
    }

    /// How far it is.
    pub fn progress(&self) -> Progress {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes that everything before a place was looked at and changed nothing; the next commit
    /// writes it down.
    pub fn reached(&self, place: Place) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        (progress.height, progress.index) = (place.height.0, place.index);
    }

    /// Empties the index if an operator asked for it.
    ///
    /// # Errors
    /// [`SearchError::Index`].
    pub fn rebuild_if_asked(&self) -> Result<(), SearchError> {
        if !self.marker.exists() {
            return Ok(());
        }
        tracing::info!("the search index is made anew, as asked");
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        writer.delete_all_documents().map_err(|error| failed(&self.path, error))?;
        drop(writer);
        let empty =
            Progress { filling: true, filling_after: None, height: 0, index: 0, ..self.progress() };
        self.write(&[], empty)?;
        fs::remove_file(&self.marker).map_err(|error| failed(&self.path, error))
    }

    /// Replaces entries in the index and notes how far it is, at once. A value of none takes the
    /// entry out.
    ///
    /// # Errors
    /// [`SearchError::Index`].
    pub fn write(
        &self,
        entries: &[(String, Option<Vec<u8>>)],
        progress: Progress,
    ) -> Result<(), SearchError> {
        let failed = |error: tantivy::TantivyError| failed(&self.path, error);
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, value) in entries {
            writer.delete_term(Term::from_field_text(self.fields.key, key));
            let value: Option<Value> =
                value.as_ref().and_then(|bytes| serde_json::from_slice(bytes).ok());
            if let Some(value) = value {
                writer.add_document(self.document(key, &value)).map_err(failed)?;
            }
        }
        let payload = serde_json::to_string(&progress).expect("texts and numbers serialize");
        let mut commit = writer.prepare_commit().map_err(failed)?;
        commit.set_payload(&payload);
        commit.commit().map_err(failed)?;
        drop(writer);
        self.reader.reload().map_err(failed)?;
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
        Ok(())
    }

    fn document(&self, key: &str, record: &Value) -> TantivyDocument {
        let fields = &self.fields;
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).unwrap_or("");
        let list = |pointer: &str| -> Vec<&Value> {
            record.pointer(pointer).and_then(Value::as_array).into_iter().flatten().collect()
        };
        let mut document = TantivyDocument::default();
        document.add_text(fields.key, key);
        for code in list("/content/codes").into_iter().filter_map(Value::as_str) {
            document.add_text(fields.codes, code.to_lowercase());
        }
        document.add_text(fields.name, text("/content/name"));
        document.add_text(fields.pairs, text("/content/name"));
        for pointer in ["/content/alias", "/content/summary"] {
            document.add_text(fields.words, text(pointer));
        }
        document.add_text(fields.pairs, text("/content/alias"));
        for keyword in list("/content/keywords").into_iter().filter_map(Value::as_str) {
            document.add_text(fields.words, keyword);
            document.add_text(fields.pairs, keyword);
        }
        for item in list("/content/items") {
            for member in ["name", "desc", "item_id"] {
                let text = item.get(member).and_then(Value::as_str).unwrap_or("");
                document.add_text(fields.items, text);
            }
            let name = item.get("name").and_then(Value::as_str).unwrap_or("");
            document.add_text(fields.pairs, name);
        }
        for (field, (_, pointer)) in fields.facets.iter().zip(FACETS) {
            match record.pointer(pointer) {
                Some(Value::String(text)) => document.add_text(*field, text),
                Some(Value::Bool(yes)) => document.add_text(*field, yes.to_string()),
                Some(Value::Number(number)) => document.add_text(*field, number.to_string()),
                _ => {}
            }
        }
        document
    }

    /// Answers a request.
    ///
    /// # Errors
    /// [`SearchError::Index`].
    pub fn find(&self, request: &Request) -> Result<Found, SearchError> {
        let failed = |error: tantivy::TantivyError| failed(&self.path, error);
        let query = self.query(request).map_err(failed)?;
        let searcher = self.reader.searcher();
        let counted: serde_json::Map<String, Value> = FACETS
            .iter()
            .map(|(name, _)| {
                let terms = json!({ "terms": { "field": name, "size": FACET_VALUES_MAX } });
                ((*name).to_owned(), terms)
            })
            .collect();
        let counted: Aggregations = serde_json::from_value(Value::Object(counted))
            .map_err(|error| super::engine::failed(&self.path, error))?;
        let facets = AggregationCollector::from_aggs(counted, Default::default());
        let best = TopDocs::with_limit(request.limit.max(1)).and_offset(request.offset);
        let (total, mut hits, facets): (usize, Vec<(Score, DocAddress)>, _) =
            searcher.search(&query, &(Count, best.order_by_score(), facets)).map_err(failed)?;
        hits.truncate(request.limit);
        let mut keys = Vec::with_capacity(hits.len());
        for (_, address) in hits {
            let document: TantivyDocument = searcher.doc(address).map_err(failed)?;
            let key = document.get_first(self.fields.key).and_then(|value| value.as_str());
            keys.extend(key.map(str::to_owned));
        }
        let facets = serde_json::to_value(facets)
            .map_err(|error| super::engine::failed(&self.path, error))?;
        let progress = self.progress();
        let height = Height(progress.height.saturating_sub(u64::from(progress.index == 0)));
        Ok(Found {
            keys,
            total,
            facets: FACETS
                .iter()
                .map(|(name, _)| ((*name).to_owned(), counts(&facets, name)))
                .collect(),
            index: IndexStatus {
                height,
                entries: searcher.num_docs(),
                complete: !progress.filling,
            },
        })
    }

    /// Every word must be found somewhere, or every pair of characters in the names; a code counts
    /// as a whole.
    fn query(&self, request: &Request) -> tantivy::Result<Box<dyn Query>> {
        let fields = &self.fields;
        let mut must: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (name, value) in &request.facets {
            if let Some(at) = FACETS.iter().position(|(facet, _)| facet == name) {
                let wanted = term(fields.facets[at], value);
                must.push((Occur::Must, Box::new(ConstScoreQuery::new(wanted, 0.0))));
            }
        }
        let text = request.text.trim();
        if text.is_empty() {
            must.push((Occur::Must, Box::new(AllQuery)));
            return Ok(Box::new(BooleanQuery::new(must)));
        }
        let searched = [(fields.name, 4.0), (fields.words, 2.0), (fields.items, 1.0)];
        let mut every_word: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for word in tokens(&mut self.index.tokenizer_for_field(fields.name)?, text) {
            let anywhere = searched
                .iter()
                .map(|(field, weight)| (Occur::Should, boosted(term(*field, &word), *weight)));
            every_word.push((Occur::Must, Box::new(BooleanQuery::new(anywhere.collect()))));
        }
        let every_pair: Vec<(Occur, Box<dyn Query>)> =
            tokens(&mut self.index.tokenizer_for_field(fields.pairs)?, text)
                .into_iter()
                .map(|pair| (Occur::Must, term(fields.pairs, &pair)))
                .collect();
        let mut either: Vec<(Occur, Box<dyn Query>)> =
            vec![(Occur::Should, boosted(term(fields.codes, &text.to_lowercase()), 10.0))];
        if !every_word.is_empty() {
            either.push((Occur::Should, Box::new(BooleanQuery::new(every_word))));
        }
        if !every_pair.is_empty() {
            either.push((Occur::Should, boosted(Box::new(BooleanQuery::new(every_pair)), 1.0)));
        }
        must.push((Occur::Must, Box::new(BooleanQuery::new(either))));
        Ok(Box::new(BooleanQuery::new(must)))
    }
}

fn term(field: Field, text: &str) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::WithFreqs))
}

fn boosted(query: Box<dyn Query>, weight: Score) -> Box<dyn Query> {
    Box::new(BoostQuery::new(query, weight))
}

/// The tokens of a text, each once, without blanks and punctuation.
fn tokens(analyzer: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut stream = analyzer.token_stream(text);
    while let Some(token) = stream.next() {
        let said = token.text.chars().all(char::is_alphanumeric);
        if said
            && !token.text.is_empty()
            && !found.contains(&token.text)
            && found.len() < TOKENS_MAX
        {
            found.push(token.text.clone());
        }
    }
    found
}

fn counts(facets: &Value, name: &str) -> Vec<FacetCount> {
    let buckets = facets.get(name).and_then(|facet| facet.get("buckets")).and_then(Value::as_array);
    let counts = buckets.into_iter().flatten().filter_map(|bucket| {
        let value = bucket.get("key")?.as_str()?.to_owned();
        Some(FacetCount { value, count: bucket.get("doc_count")?.as_u64()? })
    });
    counts.collect()
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let text = |tokenizer: &str| {
        TextOptions::default().set_indexing_options(
            TextFieldIndexing::default()
                .set_tokenizer(tokenizer)
                .set_index_option(IndexRecordOption::WithFreqs),
        )
    };
    let fields = Fields {
        key: builder.add_text_field("key", STRING | STORED),
        codes: builder.add_text_field("codes", STRING),
        name: builder.add_text_field("name", text("jieba")),
        words: builder.add_text_field("words", text("jieba")),
        items: builder.add_text_field("items", text("jieba")),
        pairs: builder.add_text_field("pairs", text("pairs")),
        facets: FACETS
            .iter()
            .map(|(name, _)| builder.add_text_field(name, STRING | FAST))
            .collect(),
    };
    (builder.build(), fields)
}

fn words() -> TextAnalyzer {
    TextAnalyzer::builder(JiebaTokenizer::new())
        .filter(RemoveLongFilter::limit(TOKEN_BYTES_MAX))
        .filter(LowerCaser)
        .build()
}

fn pairs() -> tantivy::Result<TextAnalyzer> {
    let pairs = NgramTokenizer::new(2, 2, false)?;
    Ok(TextAnalyzer::builder(pairs).filter(LowerCaser).build())
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

pub(super) fn failed(path: &Path, error: impl ToString) -> SearchError {
    SearchError::Index { path: path.to_owned(), reason: error.to_string() }
}
