//! DCAT-US 1.1: `data.json`. 共享类型 is `accessLevel`; its condition or basis is `rights`.

use mulu_contracts::catalog::ShareType;
use serde_json::{Value, json};

use super::{Exported, Naming, cycle_names};

/// The catalog.
pub fn catalog(entries: &[Exported], naming: &Naming) -> Value {
    let datasets: Vec<Value> = entries.iter().map(|exported| dataset(exported, naming)).collect();
    json!({
        "@context": "https://project-open-data.cio.gov/v1.1/schema/catalog.jsonld",
        "@type": "dcat:Catalog",
        "conformsTo": "https://project-open-data.cio.gov/v1.1/schema",
        "describedBy": "https://project-open-data.cio.gov/v1.1/schema/catalog.json",
        "dataset": datasets,
    })
}

fn dataset(exported: &Exported, naming: &Naming) -> Value {
    let content = &exported.entry.content;
    let level = match (content.share.kind, content.open.is_open) {
        (ShareType::None, _) => "non-public",
        (ShareType::Unconditional, true) => "public",
        _ => "restricted public",
    };
    // At least one keyword is required.
    let keywords = match content.keywords.as_slice() {
        [] => vec![content.name.clone()],
        keywords => keywords.to_vec(),
    };
    let address = naming.record(&exported.entry);
    let distributions: Vec<Value> = content
        .formats
        .iter()
        .map(|format| {
            json!({"@type": "dcat:Distribution", "title": format.kind, "format": format.kind,
                "accessURL": address})
        })
        .collect();
    let mut dataset = json!({
        "@type": "dcat:Dataset",
        "identifier": content.first_code(),
        "title": content.name,
        "description": content.summary,
        "keyword": keywords,
        "modified": content.published_at,
        "issued": content.published_at,
        "publisher": {"@type": "org:Organization", "name": exported.provider},
        "contactPoint": {"@type": "vcard:Contact", "fn": exported.provider,
            "hasEmail": format!("mailto:{}", naming.contact.as_deref().unwrap_or_default())},
        "accessLevel": level,
        "accrualPeriodicity": cycle_names(content.update_cycle).1,
        "landingPage": address,
        "distribution": distributions,
    });
    let rights = content.share.condition.as_ref().or(content.share.no_share_basis.as_ref());
    if let Some(rights) = rights {
        dataset["rights"] = json!(rights);
    }
    if !content.class_path.is_empty() {
        dataset["theme"] = json!(content.class_path);
    }
    dataset
}
