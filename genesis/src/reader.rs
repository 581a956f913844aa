//! Reads TOML into values that remember where they stand.
//!
//! A table of fields ([`Field`]) says what a section may hold; [`read`] checks a parsed document
//! against it and reports every unknown field, missing field, wrong type and forbidden character
//! at its place. What comes out holds only known fields of the right type, so that the later
//! checks ask about meaning alone.

use std::ops::Range;

use mulu_chain::json::text_rule;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::fault::{Faults, Help};

/// Most elements of one array, and tables of one kind, in a document.
pub(crate) const LIST_LENGTH_MAX: usize = 20_000;

/// What the outermost table is called in faults.
const DOCUMENT: &str = "the document";

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Text that the chain accepts.
    Text,
    /// Text, or a TOML date or time, kept as its text.
    Moment,
    /// Text with a form of its own.
    Formed(&'static Form),
    /// A whole number from 0 to this one.
    Count(u64),
    /// `true` or `false`.
    Flag,
    /// An array of texts.
    Texts,
    /// An array of texts with a form of their own.
    FormedTexts(&'static Form),
    /// A table.
    Table(&'static [Field]),
    /// An array of tables.
    Tables(&'static [Field]),
}

/// What a text must be, beyond being text.
#[derive(Debug)]
pub(crate) struct Form {
    /// The complaint about a text that has another form.
    pub complaint: fn(&str) -> Option<String>,
    pub help: Help,
}

/// A field of a table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
}

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub span: Range<usize>,
    pub data: Data,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Data {
    Text(String),
    Count(u64),
    Flag(bool),
    List(Vec<Node>),
    Table(Vec<(&'static str, Node)>),
}

impl Node {
    /// The field of a table; `None` if it is absent or this is no table.
    pub fn field(&self, name: &str) -> Option<&Node> {
        match &self.data {
            Data::Table(fields) => fields.iter().find(|(n, _)| *n == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// The text of a field.
    pub fn text(&self, name: &str) -> Option<&str> {
        match &self.field(name)?.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements of a list field; none if it is absent.
    pub fn list(&self, name: &str) -> &[Node] {
        match self.field(name).map(|node| &node.data) {
            Some(Data::List(nodes)) => nodes,
            _ => &[],
        }
    }

    /// Where a field stands, or the whole table where the field is absent.
    pub fn span_of(&self, name: &str) -> &Range<usize> {
        self.field(name).map_or(&self.span, |node| &node.span)
    }

    /// The value as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.data {
            Data::Text(text) => text.as_str().into(),
            Data::Count(count) => (*count).into(),
            Data::Flag(flag) => (*flag).into(),
            Data::List(nodes) => nodes.iter().map(Node::to_json).collect(),
            Data::Table(fields) => {
                fields.iter().map(|(name, node)| ((*name).to_owned(), node.to_json())).collect()
            }
        }
    }
}

/// Parses a document and reads it against `fields`. With a syntax fault nothing is read: what a
/// recovering parser guesses would only raise false alarms.
pub(crate) fn read(text: &str, fields: &'static [Field], faults: &mut Faults<'_>) -> Option<Node> {
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let span = error.span().unwrap_or(0..0);
        faults.report(&span, format!("not TOML: {}", error.message()), help::SYNTAX);
    }
    errors.is_empty().then(|| table(document.get_ref(), 0..0, DOCUMENT, fields, faults))
}

fn table(
    table: &DeTable<'_>,
    span: Range<usize>,
    path: &str,
    fields: &'static [Field],
    faults: &mut Faults<'_>,
) -> Node {
    for key in table.keys() {
        if !fields.iter().any(|field| field.name == key.get_ref()) {
            unknown_field(key, path, fields, faults);
        }
    }
    let mut found = Vec::new();
    for field in fields {
        match table.get(field.name) {
            Some(node) => {
                if let Some(node) = value(node, field, faults) {
                    found.push((field.name, node));
                }
            }
            None if field.required => {
                let message = match field.kind {
                    Kind::Tables(_) if path == DOCUMENT => {
                        format!("the document has no section [[{}]]", field.name)
                    }
                    _ => format!("{path} lacks the field `{}`", field.name),
                };
                faults.report(&span, message, help::MISSING);
            }
            None => {}
        }
    }
    Node { span, data: Data::Table(found) }
}

fn value(node: &Spanned<DeValue<'_>>, field: &Field, faults: &mut Faults<'_>) -> Option<Node> {
    let span = node.span();
    let name = field.name;
    let data = match (field.kind, node.get_ref()) {
        (Kind::Text | Kind::Moment, DeValue::String(text)) => {
            return text_node(name, text, span, faults);
        }
        (Kind::Formed(form), DeValue::String(text)) => {
            let node = text_node(name, text, span, faults)?;
            return match (form.complaint)(text) {
                Some(complaint) => {
                    faults.report(&node.span, format!("`{name}`: {complaint}"), form.help);
                    None
                }
                None => Some(node),
            };
        }
        (Kind::Moment, DeValue::Datetime(moment)) => Data::Text(moment.to_string()),
        (Kind::Count(most), DeValue::Integer(digits)) => {
            match u64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(count) if count <= most => Data::Count(count),
                _ => {
                    let message = format!("`{name}` must be a whole number from 0 to {most}");
                    faults.report(&span, message, help::COUNT);
                    return None;
                }
            }
        }
        (Kind::Flag, DeValue::Boolean(flag)) => Data::Flag(*flag),
        (Kind::Texts, DeValue::Array(items)) if fits(name, items.len(), &span, faults) => {
            texts(items, name, Kind::Text, faults)?
        }
        (Kind::FormedTexts(form), DeValue::Array(items))
            if fits(name, items.len(), &span, faults) =>
        {
            texts(items, name, Kind::Formed(form), faults)?
        }
        (Kind::Table(fields), DeValue::Table(inner)) => {
            return Some(table(inner, span, &format!("`{name}`"), fields, faults));
        }
        (Kind::Tables(fields), DeValue::Array(items)) if fits(name, items.len(), &span, faults) => {
            let element = Field { name, kind: Kind::Table(fields), required: true };
            Data::List(items.iter().filter_map(|item| value(item, &element, faults)).collect())
        }
        // The guards above have told that the list is too long.
        (Kind::Texts | Kind::FormedTexts(_) | Kind::Tables(_), DeValue::Array(_)) => return None,
        (kind, found) => {
            let message = format!("`{name}` must be {}, found {}", kind.wanted(), found.type_str());
            faults.report(&span, message, kind.help());
            return None;
        }
    };
    Some(Node { span, data })
}

/// Reads a list of texts; nothing of it if one is at fault, for half a list means something else.
fn texts(
    items: &[Spanned<DeValue<'_>>],
    name: &'static str,
    kind: Kind,
    faults: &mut Faults<'_>,
) -> Option<Data> {
    let element = Field { name, kind, required: true };
    let read: Vec<Option<Node>> = items.iter().map(|item| value(item, &element, faults)).collect();
    read.into_iter().collect::<Option<Vec<Node>>>().map(Data::List)
}

fn fits(name: &str, length: usize, span: &Range<usize>, faults: &mut Faults<'_>) -> bool {
    let fits = length <= LIST_LENGTH_MAX;
    if !fits {
        let message = format!("`{name}` has {length} elements, at most {LIST_LENGTH_MAX} are read");
        faults.report(span, message, help::LENGTH);
    }
    fits
}

fn text_node(name: &str, text: &str, span: Range<usize>, faults: &mut Faults<'_>) -> Option<Node> {
    match text_rule(text) {
        Some(rule) => {
            faults.report(&span, format!("`{name}`: {rule}"), help::TEXT);
            None
        }
        None => Some(Node { span, data: Data::Text(text.to_owned()) }),
    }
}

fn unknown_field(
    key: &Spanned<std::borrow::Cow<'_, str>>,
    path: &str,
    fields: &[Field],
    faults: &mut Faults<'_>,
) {
    let names: Vec<&str> = fields.iter().map(|field| field.name).collect();
    let near = names.iter().find(|name| is_near(name, key.get_ref()));
    let (hint, hint_zh) = match near {
        Some(name) => (format!("did you mean `{name}`? "), format!("是否应为“{name}”？")),
        None => (String::new(), String::new()),
    };
    let names = names.join(", ");
    faults.report_text(
        &key.span(),
        format!("{path} has no field `{}`", key.get_ref()),
        format!("{hint}the fields are: {names}"),
        format!("{hint_zh}可用字段：{names}"),
    );
}

/// Whether two names differ by at most two typing slips (Levenshtein distance).
fn is_near(known: &str, typed: &str) -> bool {
    let (known, typed): (Vec<char>, Vec<char>) = (known.chars().collect(), typed.chars().collect());
    if known.len().abs_diff(typed.len()) > 2 {
        return false;
    }
    let mut row: Vec<usize> = (0..=typed.len()).collect();
    for (i, k) in known.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, t) in typed.iter().enumerate() {
            let substituted = diagonal + usize::from(k != t);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[typed.len()] <= 2
}

impl Kind {
    fn wanted(self) -> &'static str {
        match self {
            Kind::Text | Kind::Formed(_) => "text in quotes",
            Kind::Moment => "a date or time",
            Kind::Count(_) => "a whole number",
            Kind::Flag => "true or false",
            Kind::Texts | Kind::FormedTexts(_) => "an array of texts",
            Kind::Table(_) => "a table",
            Kind::Tables(_) => "an array of tables",
        }
    }

    fn help(self) -> Help {
        match self {
            Kind::Text | Kind::Moment | Kind::Formed(_) => help::QUOTES,
            Kind::Count(_) => help::COUNT,
            Kind::Flag => help::FLAG,
            Kind::Texts | Kind::FormedTexts(_) => help::TEXTS,
            Kind::Table(_) => help::TABLE,
            Kind::Tables(_) => help::TABLES,
        }
    }
}

/// How to mend what the reader refuses.
pub(crate) mod help {
    use super::Help;

    pub(crate) const SYNTAX: Help = Help {
        en: "write TOML 1.0: `name = \"value\"`, sections in [[double brackets]], text in double quotes",
        zh: "请按 TOML 1.0 书写：名称 = \"值\"，分节用 [[双方括号]]，文本用英文双引号",
    };
    pub(crate) const MISSING: Help =
        Help { en: "add the field to this section", zh: "请在本节补充该字段" };
    pub(crate) const QUOTES: Help =
        Help { en: "put the value in double quotes", zh: "请用英文双引号括起该值" };
    pub(crate) const COUNT: Help = Help {
        en: "write digits without quotes, such as 1",
        zh: "请写不带引号的非负整数，例如 1",
    };
    pub(crate) const FLAG: Help = Help {
        en: "write true or false without quotes",
        zh: "请写不带引号的 true 或 false",
    };
    pub(crate) const TEXTS: Help = Help {
        en: "write a list: [\"first\", \"second\"]",
        zh: "请写成列表：[\"甲\", \"乙\"]",
    };
    pub(crate) const TABLE: Help = Help {
        en: "write a table: { field = \"value\" }",
        zh: "请写成表：{ 字段 = \"值\" }",
    };
    pub(crate) const TABLES: Help = Help {
        en: "write the section header in double brackets, or a list of tables [{ field = \"value\" }]",
        zh: "分节标题请用双方括号，或写成表的列表 [{ 字段 = \"值\" }]",
    };
    pub(crate) const LENGTH: Help = Help {
        en: "found the chain with fewer; add the rest by transactions",
        zh: "请减少创世内容，其余以后用交易登记",
    };
    pub(crate) const TEXT: Help = Help {
        en: "retype the text: no invisible or control characters, no blanks at its ends, composed form (NFC)",
        zh: "请重新键入该文本：不得含不可见字符或控制字符，首尾不得有空格，须为 Unicode NFC 形式",
    };
}
