//! The JSON catalogs: DCAT-US `data.json` (1.1 and 3.0) and CKAN packages, one per line.

use serde_json::Value;

use super::clean::Cleaner;
use super::row::{Field, Row};
use crate::failure::{Failure, Outcome};
use crate::text;

/// Reads a `data.json` catalog. `accessLevel` public is unconditional and open, restricted public
/// is conditional and non-public is none; the last two take their condition or basis from `rights`.
///
/// # Errors
/// Exit 2 when the file is not a catalog.
pub fn data_json(text: &str, cleaner: &mut Cleaner) -> Outcome<Vec<Row>> {
    let refused = |e: &dyn std::fmt::Display| {
        Failure::usage(text!("not a data.json catalog: {e}", "不是有效的 data.json 目录：{e}"))
    };
    let catalog: Value = serde_json::from_str(text).map_err(|e| refused(&e))?;
    let Some(datasets) = catalog.get("dataset").and_then(Value::as_array) else {
        return Err(refused(&"there is no `dataset` list"));
    };
    let version = Version::of(&catalog);
    let rows =
        datasets.iter().zip(1u64..).map(|(set, line)| data_json_row(set, line, version, cleaner));
    Ok(rows.collect())
}

/// Which DCAT-US a catalog conforms to, by its `conformsTo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    /// 1.1: `accessLevel` of three words.
    V1,
    /// 3.0: `conformsTo` is an object or names it; `accessRights` is a concept, texts may be language maps.
    V3,
}

impl Version {
    fn of(catalog: &Value) -> Version {
        let named = match catalog.get("conformsTo") {
            Some(Value::String(text)) => text.contains("/v3") || text.contains("dcat-us/3"),
            Some(Value::Object(_) | Value::Array(_)) => true,
            _ => false,
        };
        if named { Version::V3 } else { Version::V1 }
    }
}

/// The word of 1.1 for a concept of access rights: by the end of its id, its label or itself.
fn access_level(set: &Value) -> String {
    let level = string(set, "accessLevel");
    if !level.is_empty() {
        return level;
    }
    let rights = strings(set.get("accessRights")).into_iter().next().unwrap_or_default();
    let word = rights.rsplit(['/', '#', ':']).next().unwrap_or_default().to_lowercase();
    match word.replace(['_', '-'], " ").as_str() {
        "restricted" => "restricted public".to_owned(),
        "non public" => "non-public".to_owned(),
        other => other.to_owned(),
    }
}

fn data_json_row(set: &Value, line: u64, version: Version, cleaner: &mut Cleaner) -> Row {
    let mut row = Row { line, ..Row::default() };
    let mut take = |field: Field, text: String| {
        let text = cleaner.clean(&text);
        row.set(field, text);
    };
    take(Field::Identifier, string(set, "identifier"));
    take(Field::Name, string(set, "title"));
    take(Field::Summary, string(set, "description"));
    let publisher = set.get("publisher").map(|p| string(p, "name")).unwrap_or_default();
    take(Field::Agency, publisher);
    take(Field::Keywords, strings(set.get("keyword")).join(";"));
    take(Field::ClassPath, strings(set.get("theme")).join("/"));
    take(Field::UpdateCycle, string(set, "accrualPeriodicity"));
    let issued = string(set, "issued");
    take(Field::PublishedAt, if issued.is_empty() { string(set, "modified") } else { issued });
    take(Field::Formats, distribution_formats(set).join(";"));
    let rights = strings(set.get("rights")).into_iter().next().unwrap_or_default();
    let level = match version {
        Version::V1 => string(set, "accessLevel"),
        Version::V3 => access_level(set),
    };
    match level.as_str() {
        "public" => {
            take(Field::Share, "unconditional".to_owned());
            take(Field::Open, "yes".to_owned());
        }
        "restricted public" => {
            take(Field::Share, "conditional".to_owned());
            take(Field::ShareCondition, rights);
            take(Field::Open, "no".to_owned());
        }
        "non-public" => {
            take(Field::Share, "none".to_owned());
            take(Field::NoShareBasis, rights);
            take(Field::Open, "no".to_owned());
        }
        other => take(Field::Share, other.to_owned()),
    }
    row
}

/// `format`, else the subtype of `mediaType`, of each distribution.
fn distribution_formats(set: &Value) -> Vec<String> {
    let distributions = set.get("distribution").and_then(Value::as_array);
    let mut formats = Vec::new();
    for distribution in distributions.into_iter().flatten() {
        let mut format = string(distribution, "format");
        if format.is_empty() {
            let media = string(distribution, "mediaType");
            format = media.rsplit('/').next().unwrap_or_default().to_owned();
        }
        if !format.is_empty() && !formats.contains(&format) {
            formats.push(format);
        }
    }
    formats
}

/// Reads CKAN packages, one JSON object per line, as `ckanapi dump datasets` writes them. Published
/// packages are open; a private, draft or deleted one is excluded and reported.
///
/// # Errors
/// Exit 2 naming the line that is not a JSON object.
pub fn ckan_jsonl(text: &str, cleaner: &mut Cleaner) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (line, number) in text.lines().zip(1u64..) {
        if line.trim().is_empty() {
            continue;
        }
        let package: Value = serde_json::from_str(line).map_err(|e| {
            Failure::usage(text!(
                "line {number} is not a CKAN package in JSON: {e}",
                "第 {number} 行不是 JSON 形式的 CKAN 数据集：{e}",
            ))
        })?;
        rows.push(ckan_row(&package, number, cleaner));
    }
    Ok(rows)
}

fn ckan_row(package: &Value, line: u64, cleaner: &mut Cleaner) -> Row {
    let mut row = Row { line, ..Row::default() };
    let state = string(package, "state");
    if package.get("private").and_then(Value::as_bool) == Some(true) {
        row.excluded = Some("private");
    } else if !state.is_empty() && state != "active" {
        row.excluded = Some("not active");
    }
    let mut take = |field: Field, text: String| {
        let text = cleaner.clean(&text);
        row.set(field, text);
    };
    let first = |names: &[&str]| {
        names.iter().map(|n| string(package, n)).find(|t| !t.is_empty()).unwrap_or_default()
    };
    take(Field::Identifier, first(&["id", "name"]));
    take(Field::Name, first(&["title", "name"]));
    take(Field::Summary, first(&["notes"]));
    let organization = package.get("organization").cloned().unwrap_or_default();
    let agency = string(&organization, "title");
    take(Field::Agency, if agency.is_empty() { string(&organization, "name") } else { agency });
    let created = first(&["metadata_created"]);
    take(Field::PublishedAt, created);
    let names = |list: &str, key: &str| -> Vec<String> {
        let list = package.get(list).and_then(Value::as_array);
        list.into_iter().flatten().map(|v| string(v, key)).filter(|t| !t.is_empty()).collect()
    };
    take(Field::Keywords, names("tags", "name").join(";"));
    take(Field::Formats, names("resources", "format").join(";"));
    take(Field::ClassPath, names("groups", "title").join("/"));
    for (keys, field) in [
        (&["update_frequency", "frequency", "accrualPeriodicity"][..], Field::UpdateCycle),
        (&["share_type"][..], Field::Share),
        (&["share_condition"][..], Field::ShareCondition),
        (&["access_rights_basis", "no_share_basis"][..], Field::NoShareBasis),
        (&["resource_code"][..], Field::Code),
    ] {
        take(field, extra(package, keys));
    }
    row
}

/// A value of the package itself or of its `extras`.
fn extra(package: &Value, keys: &[&str]) -> String {
    for key in keys {
        let direct = string(package, key);
        if !direct.is_empty() {
            return direct;
        }
        let extras = package.get("extras").and_then(Value::as_array);
        let found = extras.into_iter().flatten().find(|e| string(e, "key") == *key);
        if let Some(found) = found {
            return string(found, "value");
        }
    }
    String::new()
}

fn string(value: &Value, key: &str) -> String {
    match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        // DCAT-US 3.0: a value with its language, a text in several languages, an identifier with its scheme.
        Some(Value::Object(object)) => {
            let names = ["@value", "zh", "en", "notation", "name", "prefLabel", "title", "@id"];
            let found = names.iter().find_map(|name| object.get(*name).and_then(Value::as_str));
            found.unwrap_or_default().to_owned()
        }
        Some(Value::Array(list)) => list
            .first()
            .map(|first| string(&serde_json::json!({ key: first }), key))
            .unwrap_or_default(),
        _ => String::new(),
    }
}

/// A list of texts, or of concepts with a label (DCAT-US 3.0).
fn strings(value: Option<&Value>) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => {
            let label = string(other, "prefLabel");
            if label.is_empty() { string(other, "@id") } else { label }
        }
    };
    match value {
        Some(Value::Array(list)) => list.iter().map(one).filter(|t| !t.is_empty()).collect(),
        Some(other) => Some(one(other)).filter(|t| !t.is_empty()).into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
