use std::collections::BTreeSet;

use super::*;

/// Method and path of each `.route(` in the router's source; lists are added by their kinds.
fn routed() -> BTreeSet<(String, String)> {
    let source = include_str!("../mod.rs");
    let mut found = BTreeSet::new();
    for part in source.split(".route(\"").skip(1) {
        let (path, rest) = part.split_once('"').expect("a closed literal");
        let handlers = rest.split(".route(").next().expect("a first part");
        let handlers = handlers.split(';').next().expect("a first part");
        for method in ["get", "post"] {
            if handlers.contains(&format!("{method}(")) {
                found.insert((method.to_owned(), path.to_owned()));
            }
        }
    }
    assert!(found.len() > 15, "{found:?}");
    found
}

#[test]
fn the_description_has_every_route_and_no_other() {
    let described: BTreeSet<_> =
        ROUTES.iter().map(|r| (r.method.to_owned(), r.path.to_owned())).collect();
    assert_eq!(routed(), described);
    assert_eq!(described.len(), ROUTES.len(), "no route twice");
}

#[test]
fn the_page_of_the_api_has_every_route_with_its_parameters() {
    let page = include_str!("../../../../docs/api.md");
    for route in ROUTES {
        let path = route.path.replace("{*subject}", "{key}").replace("{*", "{");
        let with_method = format!("`{} {path}`", route.method.to_uppercase());
        let row = page.lines().find(|line| {
            line.starts_with('|')
                && (line.contains(&with_method) || line.contains(&format!("`{path}`")))
        });
        let row = row.unwrap_or_else(|| panic!("docs/api.md lacks a row for {with_method}"));
        for name in (route.query)() {
            let named = [format!("`{name}`"), format!("`{name}=")];
            assert!(
                named.iter().any(|text| row.contains(text)),
                "{with_method} lacks `{name}`: {row}"
            );
        }
    }
}

#[test]
fn parameters_are_those_the_handlers_read() {
    assert_eq!(fields::<RecordQuery>(), ["proof", "height"]);
    assert_eq!(fields::<WaitQuery>(), ["wait", "timeout_ms"]);
    let document = document("0");
    let names = |path: &str| -> Vec<String> {
        let parameters = &document["paths"][path]["get"]["parameters"];
        let names = parameters.as_array().expect("a list").iter();
        names.map(|p| p["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names("/v1/records/{key}"), ["key", "proof", "height"]);
    assert_eq!(names("/v1/regions"), ["limit", "cursor", "key_prefix"]);
    assert_eq!(names("/v1/evidence"), ["limit", "cursor", "key_prefix", "member"]);
}

#[test]
fn references_lead_somewhere() {
    let document = document("0");
    let mut open = vec![&document];
    let mut references = 0;
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                if let Some(reference) = fields.get("$ref").and_then(Value::as_str) {
                    references += 1;
                    let pointer = reference.trim_start_matches('#');
                    assert!(document.pointer(pointer).is_some(), "{reference}");
                }
                open.extend(fields.values());
            }
            Value::Array(items) => open.extend(items),
            _ => {}
        }
    }
    assert!(references > ROUTES.len());
}

#[test]
fn the_browser_page_needs_no_network() {
    for text in [include_str!("page.html"), include_str!("app.js")] {
        assert!(!text.contains("http://") && !text.contains("https://"), "a foreign address");
        assert!(!text.contains("innerHTML"), "text from the ledger must never become markup");
    }
}
