//! The notation of 11.3: `name? = default: type`, `{ … }`, `[type](a..b) distinct`.

use std::collections::BTreeMap;

use serde_json::json;

use super::{Field, Kind, Param, number};

/// Reads fields from the front of a text.
pub(super) struct Parser<'t> {
    pub(super) rest: &'t str,
    pub(super) bounds: &'t BTreeMap<String, u64>,
    pub(super) params: &'t [Param],
}

impl<'t> Parser<'t> {
    fn skip(&mut self, what: &str) -> bool {
        self.rest = self.rest.trim_start();
        let found = self.rest.strip_prefix(what);
        self.rest = found.unwrap_or(self.rest);
        found.is_some()
    }

    fn until(&mut self, ends: &[char]) -> &'t str {
        let (found, rest) = self.rest.split_at(self.rest.find(ends).unwrap_or(self.rest.len()));
        self.rest = rest;
        found.trim()
    }

    pub(super) fn fields(&mut self) -> Vec<Field> {
        let mut fields = Vec::new();
        loop {
            while self.skip(",") {}
            if self.rest.trim().is_empty() || self.skip("}") {
                return fields;
            }
            let name = self.until(&['?', '=', ':', ',', '}']).to_owned();
            let optional = self.skip("?");
            let default = self.skip("=").then(|| match () {
                () if self.skip("[]") => json!([]),
                () if self.skip("{}") => json!({}),
                () if self.skip("false") => json!(false),
                () => json!(number(self.until(&[':', ',', '}'])).expect("a number")),
            });
            let kind = if self.skip(":") { self.kind() } else { Kind::Named(name.clone()) };
            fields.push(Field { name, optional, default, kind });
        }
    }

    fn kind(&mut self) -> Kind {
        if self.skip("{") {
            if self.skip("as in `") {
                let action = self.until(&['`']).to_owned();
                self.until(&['}']);
                self.skip("}");
                return Kind::AsIn(action);
            }
            if self.skip("every parameter") {
                self.until(&['}']);
                self.skip("}");
                let field = |param: &Param| Field {
                    name: param.name.clone(),
                    optional: false,
                    default: param.default.clone(),
                    kind: param.kind.clone(),
                };
                return Kind::Object(self.params.iter().map(field).collect());
            }
            return Kind::Object(self.fields());
        }
        if self.skip("[") {
            let inside = self.until(&[']']);
            let of = Parser { rest: inside, bounds: self.bounds, params: self.params }.kind();
            self.skip("]");
            let bounds = self.skip("(").then(|| {
                let (least, most) = self.until(&[')']).split_once("..").expect("a..B");
                (self.number(least), self.number(most))
            });
            self.skip(")");
            let distinct = self.skip("distinct").then(|| {
                let by = self.skip("by ");
                if by { self.until(&[',', '}']).to_owned() } else { String::new() }
            });
            return Kind::List { of: Box::new(of), bounds, distinct };
        }
        if self.skip("text(") {
            let bound = self.until(&[')']);
            self.skip(")");
            return Kind::Text(self.number(bound));
        }
        match self.until(&[',', '}']) {
            "int" => Kind::Int(self.bounds["COUNTER_MAX"]),
            "int below 2⁶⁴" => Kind::Int(self.bounds["COUNTER_MAX"]), // JSN-05
            "int below 2³²" => Kind::Int(u64::from(u32::MAX)),
            name => Kind::Named(name.to_owned()),
        }
    }

    fn number(&self, text: &str) -> u64 {
        let bound = self.bounds.get(text).copied();
        bound.or_else(|| text.parse().ok()).unwrap_or_else(|| panic!("SPEC.md has no bound {text}"))
    }
}
