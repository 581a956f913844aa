//! From sections to block 0's state: the records of a document, each beside its section, judged by
//! the contracts.
//!
//! The contracts stop at the first broken rule. To tell all of them, the record at fault is told,
//! taken out, and the rest is judged again. A reference to something unknown is left unsaid while
//! a record of that kind is out, for it may be the one meant.

use std::collections::{BTreeMap, BTreeSet};

use mulu_chain::validator::Validator;
use mulu_contracts::genesis_state::{Founding as Records, genesis_state};
use mulu_contracts::params::Params;
use mulu_contracts::rejection::Rejection;
use mulu_contracts::rule::Rule;
use mulu_contracts::state::local_id;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::fault::{FAULTS_MAX, Faults};
use crate::reader::Node;

/// A record's JSON as read.
type Fields = Map<String, Value>;

/// The records of a document and, index by index, their sections.
pub(crate) struct Draft<'n> {
    document: &'n Node,
    records: Records,
    members: Vec<&'n Node>,
    offices: Vec<&'n Node>,
    keys: Vec<&'n Node>,
    duties: Vec<&'n Node>,
    systems: Vec<&'n Node>,
    validators: Vec<&'n Node>,
    /// The lists that lack a record whose section is at fault.
    lost: BTreeSet<&'static str>,
}

impl<'n> Draft<'n> {
    /// Gathers the records of a document. Sections the reader found fault with may lack fields;
    /// those are left out.
    pub fn of(document: &'n Node, faults: &mut Faults<'_>) -> Draft<'n> {
        let clean = faults.is_empty();
        let mut gather = Gather { clean, faults };
        let mut draft = Draft {
            document,
            records: Records { params: params(document), ..Records::default() },
            members: Vec::new(),
            offices: Vec::new(),
            keys: Vec::new(),
            duties: Vec::new(),
            systems: Vec::new(),
            validators: Vec::new(),
            lost: BTreeSet::new(),
        };
        let records = &mut draft.records;
        for node in document.list("member") {
            if let Some(record) = gather.record(node, fields(node)) {
                records.members.push(record);
                draft.members.push(node);
            }
        }
        gather.owned(document, "office", &mut records.offices, &mut draft.offices);
        gather.owned(document, "key", &mut records.keys, &mut draft.keys);
        gather.owned(document, "duty", &mut records.duties, &mut draft.duties);
        gather.owned(document, "system", &mut records.systems, &mut draft.systems);
        for node in document.list("validator") {
            let mut fields = fields(node);
            fields.entry("power").or_insert_with(|| 1.into());
            if let Some(record) = gather.record::<Validator>(node, fields) {
                records.validators.push(record);
                draft.validators.push(node);
            }
        }
        for (list, section, read) in [
            ("members", "member", draft.members.len()),
            ("offices", "office", draft.offices.len()),
            ("keys", "key", draft.keys.len()),
            ("duties", "duty", draft.duties.len()),
        ] {
            // With other faults about, an absent section may be one with a misspelled name.
            let absent = !clean && document.field(section).is_none();
            if absent || read < document.list(section).len() {
                draft.lost.insert(list);
            }
        }
        draft
    }

    /// The records as they stand.
    pub fn records(&self) -> &Records {
        &self.records
    }

    /// Whether every section of a list became a record and none was taken out.
    pub fn is_whole(&self, list: &str) -> bool {
        !self.lost.contains(list)
    }

    /// Judges the records and reports every broken rule; the state of block 0 if there is none.
    pub fn judge(&mut self, faults: &mut Faults<'_>) -> Option<BTreeMap<String, Vec<u8>>> {
        for _ in 0..=FAULTS_MAX {
            let rejection = match genesis_state(&self.records) {
                Ok(state) => return faults.is_empty().then_some(state),
                Err(rejection) => rejection,
            };
            let (list, detail) = split_detail(&rejection);
            // Judged before the record at fault is out: it cannot follow from itself.
            let follows = self.follows(&rejection, detail);
            match self.take_out(list, &rejection, detail) {
                Some(_) if follows => {}
                Some(node) => tell(node, &rejection, detail, faults),
                None => {
                    // Nothing to take out: a complaint about the whole, told unless it may
                    // follow from something told before.
                    if faults.is_empty() {
                        tell(self.document, &rejection, detail, faults);
                    }
                    return None;
                }
            }
        }
        None
    }

    /// Takes the record at fault out and returns its section.
    fn take_out(&mut self, list: &str, rejection: &Rejection, detail: &str) -> Option<&'n Node> {
        let index = usize::try_from(rejection.action).ok()?;
        let records = &mut self.records;
        match list {
            "params" if matches!(rejection.rule, Rule::ParamsForm | Rule::ParamsCalendar) => {
                // The defaults stand in; a threshold nobody can reach stays a fault of the whole.
                let params = std::mem::take(&mut records.params);
                let given = self.document.field("params")?;
                (params != records.params).then_some(given)
            }
            "members" => {
                self.lost.insert("members");
                remove(&mut records.members, &mut self.members, index)
            }
            "offices" => {
                self.lost.insert("offices");
                remove(&mut records.offices, &mut self.offices, index)
            }
            "keys" => {
                self.lost.insert("keys");
                remove(&mut records.keys, &mut self.keys, index)
            }
            "duties" => {
                self.lost.insert("duties");
                remove(&mut records.duties, &mut self.duties, index)
            }
            "systems" => remove(&mut records.systems, &mut self.systems, index),
            "validators" => {
                let index = validator_at_fault(&records.validators, detail)?;
                remove(&mut records.validators, &mut self.validators, index)
            }
            _ => None,
        }
    }

    /// Whether a complaint may only follow from a fault told before.
    fn follows(&self, rejection: &Rejection, detail: &str) -> bool {
        match rejection.rule {
            Rule::MemberUnknown => !self.is_whole("members"),
            Rule::OfficeUnknown => !self.is_whole("offices"),
            Rule::DutyUnknown => !self.is_whole("duties"),
            Rule::ValidatorKey => !self.is_whole("keys"),
            // The threshold and the number of authorities, not the form of a parameter.
            Rule::ParamsForm
                if detail.contains("threshold is ") && detail.contains(" members hold ") =>
            {
                !self.is_whole("keys") || !self.is_whole("members")
            }
            _ => false,
        }
    }
}

fn remove<'n, T>(
    records: &mut Vec<T>,
    nodes: &mut Vec<&'n Node>,
    index: usize,
) -> Option<&'n Node> {
    if index >= records.len() || index >= nodes.len() {
        return None;
    }
    records.remove(index);
    Some(nodes.remove(index))
}

/// Which validator breaks VAL-01 or VAL-02: the one the detail names, one without power, or the
/// second of two with one key.
fn validator_at_fault(validators: &[Validator], detail: &str) -> Option<usize> {
    let named = |v: &Validator| detail.starts_with(&v.public_key.to_string());
    let mut seen = BTreeSet::new();
    validators
        .iter()
        .position(named)
        .or_else(|| validators.iter().position(|v| v.power == 0))
        .or_else(|| validators.iter().position(|v| !seen.insert(v.public_key)))
        .or_else(|| validators.len().checked_sub(1))
}

/// The list a rejection names and the rest of its detail: `offices[3]: …`.
fn split_detail(rejection: &Rejection) -> (&str, &str) {
    let (place, detail) =
        rejection.detail.split_once(": ").unwrap_or(("", rejection.detail.as_str()));
    (place.split('[').next().unwrap_or(""), detail)
}

/// Reports a broken rule at the field it is about.
fn tell(node: &Node, rejection: &Rejection, detail: &str, faults: &mut Faults<'_>) {
    let rule = rejection.rule;
    let message = format!("{}: {} ({}): {detail}", rule.id(), rule.title_en(), rule.title_zh());
    let field = field_of(rule).unwrap_or_else(|| first_word(detail));
    // A complaint about the whole document stands at the section it is about.
    let span =
        node.field(field).or_else(|| node.field("validator")).map_or(&node.span, |n| &n.span);
    let (help, help_zh) = (rule.help_en().to_owned(), rule.help_zh().to_owned());
    faults.report_text(span, message, help, help_zh);
}

/// The field a rule is about, where the detail does not begin with the field's name.
fn field_of(rule: Rule) -> Option<&'static str> {
    Some(match rule {
        Rule::MemberUsccForm | Rule::MemberUsccCheck | Rule::MemberExists => "uscc",
        Rule::MemberRoles | Rule::KeyRoles | Rule::KeyAuthorityRole => "roles",
        Rule::MemberPeerId => "nodes",
        Rule::FieldRegion => "region",
        Rule::FieldCode | Rule::OfficeExists | Rule::DutyExists | Rule::SystemExists => "code",
        Rule::MemberUnknown | Rule::MemberInactive => "member",
        Rule::OfficeUnknown | Rule::OfficeForeign | Rule::OfficeInactive => "office",
        Rule::DutyUnknown | Rule::DutyForeign => "duties",
        Rule::DutyDates => "effective_to",
        Rule::KeyExists | Rule::ValidatorKey => "public_key",
        Rule::KeyHeights => "valid_to",
        Rule::ValidatorSetForm | Rule::ValidatorPower => "power",
        _ => return None,
    })
}

/// `legal_basis.title has …` is about `legal_basis`, `table name has …` about `tables`.
fn first_word(detail: &str) -> &str {
    let word = detail.split([' ', '.', ':']).next().unwrap_or("");
    match word {
        "node" => "nodes",
        "table" => "tables",
        word => word,
    }
}

/// The parameters: the defaults, and on top of them what the document gives.
fn params(document: &Node) -> Params {
    let Some(node) = document.field("params") else { return Params::default() };
    let mut merged = serde_json::to_value(Params::default()).unwrap_or_default();
    if let Value::Object(defaults) = &mut merged {
        defaults.extend(fields(node));
    }
    serde_json::from_value(merged).unwrap_or_default()
}

/// Turns sections into records.
struct Gather<'f, 't> {
    /// Whether the reader found no fault, so that every section must become a record.
    clean: bool,
    faults: &'f mut Faults<'t>,
}

impl Gather<'_, '_> {
    fn record<T: DeserializeOwned>(&mut self, node: &Node, fields: Fields) -> Option<T> {
        match serde_json::from_value(Value::Object(fields)) {
            Ok(record) => Some(record),
            Err(error) => {
                // The reader has told what is wrong; otherwise say it here, never nothing.
                if self.clean {
                    self.faults.report(&node.span, error.to_string(), crate::reader::help::MISSING);
                }
                None
            }
        }
    }

    /// Records that belong to a member, with the codes of offices and duties made ids.
    fn owned<'n, T: DeserializeOwned>(
        &mut self,
        document: &'n Node,
        section: &str,
        records: &mut Vec<(String, T)>,
        nodes: &mut Vec<&'n Node>,
    ) {
        for node in document.list(section) {
            let mut fields = fields(node);
            let Some(Value::String(member)) = fields.remove("member") else { continue };
            for name in ["office", "duties"] {
                if let Some(value) = fields.get_mut(name) {
                    make_ids(&member, value);
                }
            }
            if let Some(record) = self.record(node, fields) {
                records.push((member, record));
                nodes.push(node);
            }
        }
    }
}

fn fields(node: &Node) -> Fields {
    match node.to_json() {
        Value::Object(fields) => fields,
        _ => Fields::new(),
    }
}

/// A code of the member's own becomes its id; what is an id already stays.
fn make_ids(member: &str, value: &mut Value) {
    match value {
        Value::String(code) if !code.contains(':') => *code = local_id(member, code),
        Value::Array(codes) => codes.iter_mut().for_each(|code| make_ids(member, code)),
        _ => {}
    }
}
