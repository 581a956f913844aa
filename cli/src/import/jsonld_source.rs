//! DCAT-AP catalogs in JSON-LD: data sets of any context, compact or expanded, nested or as a graph.
//!
//! No context is fetched. A property is known by its local name (`dct:title`, `title` and
//! `http://purl.org/dc/terms/title` are one), a node by its `@id`; of texts in several languages Chinese is
//! taken, then English, then the first. Bound: values are followed [`DEPTH_MAX`] deep.

use std::collections::BTreeMap;

use serde_json::Value;

use super::clean::Cleaner;
use super::row::{Field, Row};
use crate::failure::{Failure, Outcome};
use crate::text;

/// How deep nodes within nodes are looked for.
const DEPTH_MAX: usize = 16;

/// Whether a JSON text is linked data: it has a context, a graph, or types.
pub fn is_linked(catalog: &Value) -> bool {
    let marks = ["@context", "@graph", "@type", "@id"];
    match catalog {
        Value::Object(object) => {
            marks.iter().any(|mark| object.contains_key(*mark))
                && !object.contains_key("conformsTo")
        }
        Value::Array(list) => list.first().is_some_and(is_linked),
        _ => false,
    }
}

/// Reads the data sets of a catalog, in the order in which they stand. `accessRights` PUBLIC is
/// unconditional and open, RESTRICTED conditional (its condition from `rights`), NON_PUBLIC none.
///
/// # Errors
/// Exit 2 when there is no data set.
pub fn read(catalog: &Value, cleaner: &mut Cleaner) -> Outcome<Vec<Row>> {
    let mut graph = Graph::default();
    graph.collect(catalog, 0);
    if graph.datasets.is_empty() {
        return Err(Failure::usage(text!(
            "the JSON-LD holds no dcat:Dataset",
            "该 JSON-LD 中没有 dcat:Dataset"
        )));
    }
    let rows = graph.datasets.iter().zip(1u64..);
    Ok(rows.map(|(set, line)| graph.row(set, line, cleaner)).collect())
}

#[derive(Default)]
struct Graph<'v> {
    /// Nodes that say more than their id, by it.
    nodes: BTreeMap<&'v str, &'v Value>,
    datasets: Vec<&'v Value>,
}

impl<'v> Graph<'v> {
    fn collect(&mut self, value: &'v Value, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        match value {
            Value::Array(list) => {
                list.iter().for_each(|each| self.collect(each, depth.saturating_add(1)));
            }
            Value::Object(object) => {
                let id = object.get("@id").or_else(|| object.get("id")).and_then(Value::as_str);
                if let Some(id) = id.filter(|_| object.len() > 1) {
                    self.nodes.entry(id).or_insert(value);
                }
                if has_type(value, "Dataset") {
                    self.datasets.push(value);
                }
                for (key, each) in object {
                    if key != "@context" {
                        self.collect(each, depth.saturating_add(1));
                    }
                }
            }
            _ => {}
        }
    }

    fn row(&self, set: &'v Value, line: u64, cleaner: &mut Cleaner) -> Row {
        let mut row = Row { line, ..Row::default() };
        let mut take = |field: Field, text: String| row.set(field, cleaner.clean(&text));
        let one = |name: &str| self.texts(set, name).into_iter().next().unwrap_or_default();
        let identifier = one("identifier");
        let id = set.get("@id").or_else(|| set.get("id")).and_then(Value::as_str);
        let id = id.unwrap_or_default().to_owned();
        take(Field::Identifier, if identifier.is_empty() { id } else { identifier });
        take(Field::Name, one("title"));
        take(Field::Summary, one("description"));
        take(Field::Agency, one("publisher"));
        take(Field::Keywords, self.texts(set, "keyword").join(";"));
        let issued = one("issued");
        take(Field::PublishedAt, if issued.is_empty() { one("modified") } else { issued });
        take(Field::UpdateCycle, tail(&one("accrualPeriodicity")).to_owned());
        let mut formats: Vec<String> = Vec::new();
        for distribution in values(set, "distribution") {
            let distribution = self.resolve(distribution);
            let named = ["format", "mediaType"].iter();
            let mut named = named.flat_map(|name| self.texts(distribution, name));
            if let Some(format) = named.next().map(|format| tail(&format).to_owned())
                && !formats.contains(&format)
            {
                formats.push(format);
            }
        }
        take(Field::Formats, formats.join(";"));
        let rights = one("rights");
        match tail(&one("accessRights")).to_ascii_uppercase().replace('-', "_").as_str() {
            "" => {}
            "PUBLIC" => {
                take(Field::Share, "unconditional".to_owned());
                take(Field::Open, "yes".to_owned());
            }
            "RESTRICTED" => {
                take(Field::Share, "conditional".to_owned());
                take(Field::ShareCondition, rights);
                take(Field::Open, "no".to_owned());
            }
            "NON_PUBLIC" => {
                take(Field::Share, "none".to_owned());
                take(Field::NoShareBasis, rights);
                take(Field::Open, "no".to_owned());
            }
            other => take(Field::Share, other.to_owned()),
        }
        row
    }

    /// The node that a reference names, if it is there.
    fn resolve(&self, value: &'v Value) -> &'v Value {
        let id = match value {
            Value::String(id) => Some(id.as_str()),
            Value::Object(object) if object.len() == 1 => object.get("@id").and_then(Value::as_str),
            _ => None,
        };
        id.and_then(|id| self.nodes.get(id).copied()).unwrap_or(value)
    }

    /// The texts of a property, the preferred language first; of a node its name, title or label, else
    /// its id.
    fn texts(&self, node: &'v Value, name: &str) -> Vec<String> {
        let mut texts: Vec<(u8, String)> = Vec::new();
        for value in values(node, name) {
            match self.resolve(value) {
                Value::String(text) => texts.push((2, text.clone())),
                Value::Number(number) => texts.push((2, number.to_string())),
                Value::Object(object) => {
                    if let Some(text) = object.get("@value").and_then(Value::as_str) {
                        let language = object.get("@language").and_then(Value::as_str);
                        texts.push((rank(language.unwrap_or_default()), text.to_owned()));
                    } else if let Some(text) = self.label(value) {
                        texts.push((2, text));
                    } else {
                        // A language map: {"zh": …, "en": …}.
                        let each = object.iter().filter(|(key, _)| !key.starts_with('@'));
                        let each = each.filter_map(|(key, text)| Some((key, text.as_str()?)));
                        texts.extend(each.map(|(key, text)| (rank(key), text.to_owned())));
                    }
                }
                _ => {}
            }
        }
        texts.sort_by_key(|(rank, _)| *rank);
        texts.into_iter().map(|(_, text)| text).collect()
    }

    fn label(&self, value: &'v Value) -> Option<String> {
        let node = self.resolve(value);
        for name in ["name", "title", "prefLabel", "label"] {
            let found = values(node, name).into_iter().find_map(|value| match value {
                Value::String(text) => Some(text.as_str()),
                other => other.get("@value").and_then(Value::as_str),
            });
            if let Some(text) = found {
                return Some(text.to_owned());
            }
        }
        let id = node.get("@id").or_else(|| node.get("id"));
        id.and_then(Value::as_str).map(str::to_owned)
    }
}

/// The values of a property, by its local name.
fn values<'v>(node: &'v Value, name: &str) -> Vec<&'v Value> {
    let Value::Object(object) = node else { return Vec::new() };
    let found = object.iter().filter(|(key, _)| tail(key) == name).map(|(_, value)| value);
    let each = found.flat_map(|value| match value {
        Value::Array(list) => list.iter().collect(),
        other => vec![other],
    });
    each.collect()
}

fn has_type(node: &Value, wanted: &str) -> bool {
    let types = node.get("@type").or_else(|| node.get("type"));
    let is = |value: &Value| value.as_str().is_some_and(|found| tail(found) == wanted);
    match types {
        Some(Value::Array(list)) => list.iter().any(is),
        Some(one) => is(one),
        None => false,
    }
}

/// What follows the last `/`, `#` or `:`.
fn tail(text: &str) -> &str {
    text.rsplit(['/', '#', ':']).next().unwrap_or(text)
}

fn rank(language: &str) -> u8 {
    match language.get(..2).unwrap_or(language) {
        "zh" => 0,
        "en" => 1,
        _ => 3,
    }
}

#[cfg(test)]
mod tests;
