//! What SPEC.md says in a form that programs can read: the shapes of 11.3, the layouts of 11.4,
//! bounds, enumerations and parameters. The model has no second list of them.

mod parser;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use parser::Parser;

/// The specification, read once.
pub static SPEC: LazyLock<Spec> = LazyLock::new(|| Spec::read(include_str!("../../../SPEC.md")));

/// What a field holds.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A builtin (`digest`, `code`), an enumeration, or an object of that name.
    Named(String),
    /// `text(B)`: 1 to B characters.
    Text(u64),
    /// `int`, with its largest value.
    Int(u64),
    /// `[T](least..most) distinct by field`.
    List {
        /// What each element is.
        of: Box<Kind>,
        /// Fewest and most elements, if there is a bound.
        bounds: Option<(u64, u64)>,
        /// The field no two elements share; empty: the whole element.
        distinct: Option<String>,
    },
    /// `{ … }`.
    Object(Vec<Field>),
    /// The object that another action has as its field.
    AsIn(String),
}

/// A field of a shape.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name.
    pub name: String,
    /// Marked `?`: left out, or `null`.
    pub optional: bool,
    /// Marked `=`: its value when left out.
    pub default: Option<Value>,
    /// What it holds.
    pub kind: Kind,
}

/// A parameter and its range.
#[derive(Debug)]
pub struct Param {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its value when left out, if it may be; then it is left out when it is that.
    pub default: Option<Value>,
    /// Least and most, of a number.
    pub range: Option<(u64, u64)>,
}

/// A field of a stored object, and whether it is left out when empty.
type Layout = Vec<(String, bool)>;

/// What was read.
#[derive(Debug)]
pub struct Spec {
    /// The fields of each action.
    pub actions: BTreeMap<String, Vec<Field>>,
    /// Objects that shapes name: `content`, `new key`, …
    pub objects: BTreeMap<String, Vec<Field>>,
    /// Values of each enumeration, ascending.
    pub enumerations: BTreeMap<String, Vec<String>>,
    /// The parameters.
    pub params: Vec<Param>,
    /// Stored objects, by the name of the record or of the field that holds them.
    pub layouts: BTreeMap<String, Layout>,
    bounds: BTreeMap<String, u64>,
}

impl Spec {
    /// A named bound.
    pub fn bound(&self, name: &str) -> u64 {
        *self.bounds.get(name).unwrap_or_else(|| panic!("SPEC.md has no bound {name}"))
    }

    /// The place of a value in its enumeration.
    pub fn rank(&self, enumeration: &str, value: &Value) -> usize {
        let values = &self.enumerations[enumeration];
        values.iter().position(|each| value == each).unwrap_or(0)
    }

    fn read(text: &str) -> Spec {
        let keys = between(text, "### 11.1", "### 11.2");
        let actions = between(text, "### 11.3", "### 11.4");
        let records = between(text, "### 11.4", "### 11.5");
        let mut spec = Spec {
            actions: BTreeMap::new(),
            objects: BTreeMap::new(),
            enumerations: BTreeMap::new(),
            params: Vec::new(),
            layouts: BTreeMap::new(),
            bounds: bounds(between(actions, "Bounds (", "Enumerations")),
        };
        spec.params = records.lines().filter_map(|line| param(line, &spec.bounds)).collect();
        for row in rows(between(actions, "Enumerations", "**Signers.**")) {
            spec.enumerations.insert(row[0].to_owned(), quoted(row[1]));
        }
        for (action, block) in blocks(actions) {
            spec.add(&action, &block);
        }
        spec.as_requested("authorization.offer");
        spec.as_requested("authorization.counter");
        spec.read_layouts(keys, records);
        spec
    }

    /// A block of shapes: fields of the action, and objects, which some field of the block names.
    fn add(&mut self, action: &str, block: &str) {
        let fields = Parser { rest: block, bounds: &self.bounds, params: &self.params }.fields();
        let (objects, fields) = fields.into_iter().partition(|field: &Field| {
            matches!(field.kind, Kind::Object(_))
                && !field.optional
                && names_type(block, &field.name)
        });
        let objects: Vec<Field> = objects;
        for object in objects {
            if let Kind::Object(fields) = object.kind {
                self.objects.insert(object.name, fields);
            }
        }
        self.actions.insert(action.to_owned(), fields);
    }

    /// What an offer grants is written as in the request, whose fields have the types; so is what is
    /// requested otherwise.
    fn as_requested(&mut self, action: &str) {
        let request = self.actions["authorization.request"].clone();
        let offer = self.actions.get_mut(action).expect("SPEC.md has it");
        for field in offer.iter_mut() {
            if let Kind::Object(fields) = &mut field.kind {
                for part in fields {
                    let as_requested = request.iter().find(|field| field.name == part.name);
                    part.kind = as_requested.expect("a field of the request").kind.clone();
                }
            }
        }
    }

    fn read_layouts(&mut self, keys: &str, records: &str) {
        let mut layouts = BTreeMap::new();
        for row in rows(keys).filter(|row| row[1].contains("{\"")) {
            let fields = quoted_in(row[1], '"').into_iter().map(|name| (name, false)).collect();
            layouts.insert(
                quoted(row[0]).remove(0).split('/').next().unwrap_or("").to_owned(),
                fields,
            );
        }
        for row in rows(records).filter(|row| row.len() == 2 && row[1].starts_with('`')) {
            if row[0] == "its parts" {
                for part in row[1].split("`; ") {
                    let Some((names, fields)) = part.split_once("`: `") else { continue };
                    for name in names.split([',', '`']).filter(|name| !name.trim().is_empty()) {
                        layout(&mut layouts, name.trim(), fields);
                    }
                }
            } else {
                layout(&mut layouts, row[0], &quoted(row[1]).swap_remove(0));
            }
        }
        let params = self.params.iter().map(|param| (param.name.clone(), param.default.is_some()));
        layouts.insert("params".to_owned(), params.chain([("pending".to_owned(), true)]).collect());
        layout(&mut layouts, "pending", "in_force_from, params");
        for param in &self.params {
            if let Kind::Object(parts) = &param.kind {
                let parts = parts.iter().map(|part| (part.name.clone(), true));
                layouts.insert(param.name.clone(), parts.collect());
            }
        }
        let shapes = self.actions.values().chain(self.objects.values());
        for fields in shapes {
            self.nested(fields, &mut layouts);
        }
        self.layouts = layouts;
    }

    /// Objects stored as they were signed have the order of their shape.
    fn nested(&self, fields: &[Field], layouts: &mut BTreeMap<String, Layout>) {
        for field in fields {
            let kind = match &field.kind {
                Kind::List { of, .. } => of,
                kind => kind,
            };
            let Some(inner) = self.object(kind, &field.name) else { continue };
            if !layouts.contains_key(&field.name) {
                // A signed `false` is not the same as nothing: an item that says it is not open.
                let bool = |kind: &Kind| matches!(kind, Kind::Named(name) if name == "bool");
                let order = inner.iter();
                let order = order.map(|f| (f.name.clone(), f.optional && !bool(&f.kind)));
                layouts.insert(field.name.clone(), order.collect());
                self.nested(inner, layouts);
            } else if matches!(kind, Kind::Object(_)) {
                self.nested(inner, layouts);
            }
        }
    }

    /// The fields of an object kind.
    pub fn object<'s>(&'s self, kind: &'s Kind, name: &str) -> Option<&'s [Field]> {
        match kind {
            Kind::Object(fields) => Some(fields),
            Kind::Named(other) => self.objects.get(other).map(Vec::as_slice),
            Kind::AsIn(action) => {
                let field = self.actions.get(action)?.iter().find(|field| field.name == *name);
                let field = field.or_else(|| self.actions[action].first())?;
                self.object(&field.kind, &field.name)
            }
            _ => None,
        }
    }
}

fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from).unwrap_or_else(|| panic!("SPEC.md has no {from}"));
    let rest = &text[start..];
    &rest[..rest.find(to).unwrap_or(rest.len())]
}

/// Rows of the tables, without heads.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.starts_with("| "))
        .map(|line| line.trim_matches('|').split(" | ").map(str::trim).collect())
}

fn quoted_in(text: &str, quote: char) -> Vec<String> {
    text.split(quote).skip(1).step_by(2).map(str::to_owned).collect()
}

fn quoted(text: &str) -> Vec<String> {
    quoted_in(text, '`')
}

fn number(text: &str) -> Option<u64> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let days = if text.ends_with("day") || text.ends_with("days") { 86_400_000 } else { 1 };
    digits.parse::<u64>().ok().map(|number| number * days)
}

/// `` `NAME` 1,000 · … ``
fn bounds(text: &str) -> BTreeMap<String, u64> {
    let body = text.split_once("):").map_or(text, |(_, body)| body);
    let each = body.split('·').filter_map(|each| {
        Some((quoted(each).into_iter().next()?, number(each.rsplit('`').next()?.trim())?))
    });
    each.collect()
}

/// A row of the table of parameters.
fn param(line: &str, bounds: &BTreeMap<String, u64>) -> Option<Param> {
    let row: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    let [name, default, least, most, about] = row[..] else { return None };
    let name = quoted(name).into_iter().next()?;
    let range = number(least).zip(number(most));
    let small = [
        "authority_threshold",
        "consortium_threshold",
        "counter_rounds_max",
        "protocol_version",
        "block_transactions_max",
        "block_bytes_max",
    ];
    let (kind, default) = match default {
        "`false`" => (Kind::Named("bool".to_owned()), Some(json!(false))),
        "`{}`" => {
            let text = quoted(about).into_iter().next()?;
            let fields = Parser { rest: text.strip_prefix('{')?, bounds, params: &[] }.fields();
            let part = |field: Field| match field.kind {
                Kind::List { .. } => Field { optional: false, default: Some(json!([])), ..field },
                _ => Field {
                    optional: false,
                    default: Some(json!(0)),
                    kind: Kind::Int(u64::from(u32::MAX)),
                    ..field
                },
            };
            (Kind::Object(fields.into_iter().map(part).collect()), Some(json!({})))
        }
        _ if small.contains(&name.as_str()) => {
            let default = match name.as_str() {
                "consortium_threshold" => Some(json!(0)),
                "counter_rounds_max" | "protocol_version" => {
                    number(default).map(|rounds| json!(rounds))
                }
                _ => None,
            };
            (Kind::Int(u64::from(u32::MAX)), default)
        }
        _ => (Kind::Int(bounds["COUNTER_MAX"]), None),
    };
    Some(Param { range: range.filter(|_| !matches!(kind, Kind::Object(_))), name, kind, default })
}

/// The indented block under each `` **`action`** ``.
fn blocks(text: &str) -> BTreeMap<String, String> {
    let mut blocks: BTreeMap<String, String> = BTreeMap::new();
    let mut action = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("**`").and_then(|rest| rest.split('`').next()) {
            action = Some(name.to_owned());
        } else if let (Some(name), true) = (&action, line.starts_with("    ")) {
            let block = blocks.entry(name.clone()).or_default();
            let depth = block.matches('{').count() - block.matches('}').count();
            block.push_str(if depth == 0 { "," } else { " " });
            block.push_str(line.trim());
        }
    }
    // The seven moves of an entry have one shape, written under the first.
    for name in ["resume", "retire", "return", "reject", "freeze", "lift"] {
        blocks.insert(format!("entry.{name}"), blocks["entry.suspend"].clone());
    }
    blocks
}

/// Whether a field of the block has this type: `: name`, `[name]`, or the bare name in a list.
fn names_type(block: &str, name: &str) -> bool {
    let used = |before: &str, ends: &[&str]| {
        let named = format!("{before}{name}");
        let rests = block.split(&named).skip(1);
        rests.map(str::trim_start).any(|rest| ends.iter().any(|end| rest.starts_with(end)))
            || block.ends_with(&named)
    };
    used(": ", &[",", "}"]) || used("[", &["]"]) || used(", ", &[",", "?,", "? }"])
}

/// `` `a, b? {c, d?}, e: [{f}]` ``: the list, and lists of what is nested.
fn layout(layouts: &mut BTreeMap<String, Layout>, name: &str, text: &str) {
    let mut open: Vec<(String, Layout)> = vec![(name.to_owned(), Vec::new())];
    let mut word = String::new();
    for c in text.chars().chain([',']) {
        match c {
            'a'..='z' | '_' | '?' => word.push(c),
            ',' | '{' | '}' => {
                let field = word.trim_end_matches('?').to_owned();
                if !field.is_empty() {
                    open.last_mut()
                        .expect("a list is open")
                        .1
                        .push((field.clone(), word.ends_with('?')));
                }
                if c == '{' && !field.is_empty() {
                    open.push((field, Vec::new()));
                }
                if c == '}' && open.len() > 1 {
                    let (name, fields) = open.pop().expect("a list is open");
                    layouts.insert(name, fields);
                }
                word.clear();
            }
            _ => {}
        }
    }
    let (name, fields) = open.remove(0);
    layouts.insert(name, fields);
}
