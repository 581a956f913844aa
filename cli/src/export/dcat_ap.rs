//! DCAT-AP 3 in JSON-LD: one graph that passes the SHACL shapes of release 3.0.0. What the chain knows of an
//! entry stands in its `dcat:CatalogRecord`: the version hash as checksum, the height of the version.

use mulu_contracts::catalog::ShareType;
use serde_json::{Value, json};

use super::{Exported, Naming, cycle_names};

const ACCESS_RIGHT: &str = "http://publications.europa.eu/resource/authority/access-right/";
const FREQUENCY: &str = "http://publications.europa.eu/resource/authority/frequency/";

/// The catalog.
pub fn catalog(entries: &[Exported], naming: &Naming) -> Value {
    let id = format!("{}/catalog", naming.base_url);
    let consortium = format!("{}/catalog#consortium", naming.base_url);
    let datasets: Vec<Value> =
        entries.iter().map(|exported| json!({"@id": dataset_id(exported, naming)})).collect();
    let records: Vec<Value> =
        entries.iter().map(|exported| json!({"@id": naming.record(&exported.entry)})).collect();
    let mut graph = vec![
        json!({"@id": id, "@type": "dcat:Catalog",
            "dct:title": {"@language": "zh", "@value": format!("{} 目录链", naming.chain_id)},
            "dct:description": {"@language": "zh",
                "@value": format!("{} 在高度 {} 的数据目录", naming.chain_id, naming.height)},
            "dct:publisher": {"@id": consortium}, "dct:modified": date(&naming.today),
            "dcat:dataset": datasets, "dcat:record": records}),
        json!({"@id": consortium, "@type": "foaf:Agent", "foaf:name": naming.chain_id}),
    ];
    let mut agents = std::collections::BTreeSet::new();
    for exported in entries {
        if agents.insert(exported.entry.provider.clone()) {
            graph.push(json!({"@id": agent_id(exported, naming), "@type": "foaf:Agent",
                "foaf:name": exported.provider}));
        }
        graph.extend(nodes(exported, naming));
    }
    for right in ["PUBLIC", "RESTRICTED", "NON_PUBLIC"] {
        graph
            .push(json!({"@id": format!("{ACCESS_RIGHT}{right}"), "@type": "dct:RightsStatement"}));
    }
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
            "spdx": "http://spdx.org/rdf/terms#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@graph": graph,
    })
}

fn dataset_id(exported: &Exported, naming: &Naming) -> String {
    format!("{}#dataset", naming.record(&exported.entry))
}

fn agent_id(exported: &Exported, naming: &Naming) -> String {
    format!("{}/v1/records/member/{}", naming.base_url, exported.entry.provider)
}

fn date(day: &str) -> Value {
    json!({"@type": "xsd:date", "@value": day})
}

/// The data set, its distributions, its record and the record's checksum.
fn nodes(exported: &Exported, naming: &Naming) -> Vec<Value> {
    let Exported { entry, version, .. } = exported;
    let content = &entry.content;
    let (record, dataset) = (naming.record(entry), dataset_id(exported, naming));
    let right = match (content.share.kind, content.open.is_open) {
        (ShareType::None, _) => "NON_PUBLIC",
        (ShareType::Unconditional, true) => "PUBLIC",
        _ => "RESTRICTED",
    };
    let zh = |text: &str| json!({"@language": "zh", "@value": text});
    let distributions: Vec<Value> = content
        .formats
        .iter()
        .zip(1u32..)
        .map(|(format, number)| {
            json!({"@id": format!("{record}#distribution-{number}"), "@type": "dcat:Distribution",
                "dct:title": zh(&format.kind), "dcat:accessURL": {"@id": record}})
        })
        .collect();
    let ids: Vec<Value> = distributions.iter().map(|each| json!({"@id": each["@id"]})).collect();
    let keywords: Vec<Value> = content.keywords.iter().map(|word| zh(word)).collect();
    let frequency = format!("{FREQUENCY}{}", cycle_names(content.update_cycle).2);
    let mut set = json!({"@id": dataset, "@type": ["dcat:Dataset", "dcat:Resource"],
        "dct:identifier": content.first_code(), "dct:title": zh(&content.name),
        "dct:description": zh(&content.summary), "dct:publisher": {"@id": agent_id(exported, naming)},
        "dct:issued": date(&content.published_at), "dcat:distribution": ids,
        "dct:accessRights": {"@id": format!("{ACCESS_RIGHT}{right}")},
        "dct:accrualPeriodicity": {"@id": frequency}});
    if !keywords.is_empty() {
        set["dcat:keyword"] = json!(keywords);
    }
    let mut nodes = vec![
        set,
        json!({"@id": record, "@type": ["dcat:CatalogRecord", "rdfs:Resource"], "foaf:primaryTopic": {"@id": dataset},
            "dct:modified": date(&content.published_at), "dct:identifier": entry.entry_id.to_string(),
            "dct:description": zh(&format!("第 {} 版，高度 {}", entry.version, entry.updated_at_height)),
            "spdx:checksum": {"@id": format!("{record}#version")}}),
        json!({"@id": format!("{record}#version"), "@type": "spdx:Checksum",
            "spdx:algorithm": {"@id": "http://spdx.org/rdf/terms#checksumAlgorithm_sha256"},
            "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": version.to_hex()}}),
        json!({"@id": frequency, "@type": "dct:Frequency"}),
        json!({"@id": "http://spdx.org/rdf/terms#checksumAlgorithm_sha256",
            "@type": "spdx:ChecksumAlgorithm"}),
    ];
    nodes.extend(distributions);
    nodes
}
