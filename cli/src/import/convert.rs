//! From a source record to the content of an entry. What a record does not say is filled from the
//! documented defaults and counted; what it says wrongly makes it a rejected row, with the reason.

mod details;

use mulu_chain::digest::Digest;
use mulu_contracts::catalog::{Level, PersonalInfo, ShareType, UpdateCycle};
use mulu_contracts::date::is_date;
use mulu_contracts::entry::content::is_resource_code;
use mulu_contracts::entry::{EntryContent, Open, Share, Source};
use mulu_contracts::state::member_of_id;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::defaults::{Fallback, Used};
use super::row::{Field, Row};
use super::vocabulary;
use crate::lang::Text;
use crate::text;

/// What the operator and the chain say of every entry of an import.
#[derive(Debug, Clone)]
pub struct Binding {
    /// Name of the source system.
    pub source_system: String,
    /// Class of derived codes.
    pub class: String,
    /// Office id.
    pub office: String,
    /// Six digits.
    pub region: String,
    /// Duty id.
    pub duty: String,
    /// System id, if the data lies in one.
    pub system: Option<String>,
    /// Why no system is named.
    pub no_system: String,
    /// Date of entries whose source gives none.
    pub today: String,
    /// The time of this import: a claim.
    pub fetched_at: String,
}

/// A record ready to be published or revised.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Where it stands in the source.
    pub line: u64,
    /// Identifier in the source.
    pub identifier: String,
    /// Its name in the source; the entry's may have an agency or a number appended.
    pub source_name: String,
    /// Its agency in the source, empty if none.
    pub agency: String,
    /// The entry.
    pub content: EntryContent,
    /// Whether the source gave no date, so that an existing entry keeps its own.
    pub dateless: bool,
    /// Whether the source names related codes.
    pub relates: bool,
}

/// A record that is not imported, and why.
#[derive(Debug, Clone)]
pub struct Rejected {
    /// Where it stands in the source.
    pub line: u64,
    /// Identifier in the source, if it has one.
    pub identifier: String,
    /// Its name.
    pub name: String,
    /// Rule id, or a stable word.
    pub code: String,
    /// The cell at fault, if it is one.
    pub field: Option<Field>,
    /// Why.
    pub reason: Text,
}

/// A reason, before the row is known: rule id or stable word, the cell at fault, and why.
pub type Reason = (&'static str, Option<Field>, Text);

/// The deterministic resource code of a record: `<class>/<12 hexadecimal digits>` of
/// `SHA-256(source system ‖ "\n" ‖ identifier)`, so that importing again finds the same entry.
pub fn derived_code(class: &str, source_system: &str, identifier: &str) -> String {
    let digest = Digest::sha256(format!("{source_system}\n{identifier}").as_bytes());
    let digits: String = digest.to_hex().chars().take(12).collect();
    format!("{class}/{digits}")
}

/// Converts a record under its unique name and identifier.
///
/// # Errors
/// The reason for which the record cannot be imported.
pub fn convert(
    row: &Row,
    identifier: &str,
    name: &str,
    binding: &Binding,
    used: &mut Used,
) -> Result<Prepared, Reason> {
    used.line = row.line;
    refuse_secret(row)?;
    refuse_foreign(row, binding)?;
    let code = match row.get(Field::Code) {
        Some(code) if is_resource_code(code) => code.to_owned(),
        Some(code) => {
            return Err((
                "ENT-05",
                Some(Field::Code),
                text!("`{code}` is not a resource code", "`{code}` 不是信息资源代码"),
            ));
        }
        None => {
            used.count(Fallback::Code);
            let class = details::class_code(row).unwrap_or_else(|| binding.class.clone());
            derived_code(&class, &binding.source_system, identifier)
        }
    };
    let (share, share_defaulted) = share(row, used)?;
    let open = open(row, share.kind, share_defaulted, used)?;
    let (formats, items) = details::formats_and_items(row, used)?;
    let summary = row.get(Field::Summary).map(str::to_owned).unwrap_or_else(|| {
        used.count(Fallback::Summary);
        name.to_owned()
    });
    let level = word(row, Field::Level, vocabulary::level, "level")?.unwrap_or_else(|| {
        used.count(Fallback::Level);
        Level::General1
    });
    let personal_info = word(row, Field::PersonalInfo, vocabulary::personal_info, "personal_info")?
        .unwrap_or_else(|| {
            used.count(Fallback::PersonalInfo);
            PersonalInfo::None
        });
    let date = published_at(row)?;
    if date.is_none() {
        used.count(Fallback::PublishedAt);
    }
    let mut content = EntryContent {
        class_path: details::class_path(row, &code),
        codes: vec![code],
        name: name.to_owned(),
        alias: details::alias(row, used),
        keywords: details::keywords(row, used),
        office: binding.office.clone(),
        region: binding.region.clone(),
        summary,
        formats,
        items,
        share,
        open,
        update_cycle: update_cycle(row, used),
        published_at: date.clone().unwrap_or_default(),
        related: details::related(row, used),
        level,
        personal_info,
        secret: false,
        responsibilities: vec![binding.duty.clone()],
        systems: details::systems(binding),
        no_system: binding.system.is_none().then(|| binding.no_system.clone()),
        authoritative_for: Vec::new(),
        source: None,
        registration: None,
        extensions: details::extensions(row, used),
    };
    let source_name = row.get(Field::Name).unwrap_or(name).to_owned();
    let content_hash = content_hash(&content, &source_name);
    if date.is_none() {
        content.published_at.clone_from(&binding.today);
    }
    content.source = Some(Source {
        system: binding.source_system.clone(),
        identifier: identifier.to_owned(),
        fetched_at: Some(binding.fetched_at.clone()),
        content_hash,
    });
    Ok(Prepared {
        line: row.line,
        identifier: identifier.to_owned(),
        source_name,
        agency: row.get(Field::Agency).unwrap_or_default().to_owned(),
        content,
        dateless: date.is_none(),
        relates: row.get(Field::Related).is_some(),
    })
}

/// State secrets and work secrets do not come onto the chain, nor does what may be one (ENT-15).
fn refuse_secret(row: &Row) -> Result<(), Reason> {
    let Some(found) = row.get(Field::Secret) else { return Ok(()) };
    let why = match vocabulary::secret(found) {
        Some(false) => return Ok(()),
        Some(true) => text!("marked as secret: `{found}`", "标为涉密：`{found}`"),
        None => text!("`{found}` does not say whether it is secret", "`{found}` 未说明是否涉密"),
    };
    Err(("ENT-15", Some(Field::Secret), why))
}

/// A row that names another organisation than the member that imports is not that member's to publish.
/// Codes are those of GB 32100 or, within them, of GB 11714.
fn refuse_foreign(row: &Row, binding: &Binding) -> Result<(), Reason> {
    let Some(found) = row.get(Field::ProviderCode) else { return Ok(()) };
    let member = member_of_id(&binding.office);
    let code: String = found.chars().filter(|c| *c != '-' && !c.is_whitespace()).collect();
    let code = code.to_ascii_uppercase();
    if code == member || member.get(8..17) == Some(code.as_str()) {
        return Ok(());
    }
    Err((
        "provider",
        Some(Field::ProviderCode),
        text!(
            "the provider is `{found}`, the member that imports is {member}",
            "提供方为 `{found}`，导入成员为 {member}"
        ),
    ))
}

/// What decides whether a record changed: SHA-256 over the compact JSON of the entry under the name
/// it has in the source, without its source, without a date the source did not give, and without
/// what it is bound to (office, region, duties, systems), which is the operator's choice and not
/// the source's.
fn content_hash(content: &EntryContent, source_name: &str) -> Digest {
    let bare = EntryContent {
        name: source_name.to_owned(),
        office: String::new(),
        region: String::new(),
        responsibilities: Vec::new(),
        systems: Vec::new(),
        no_system: None,
        source: None,
        ..content.clone()
    };
    Digest::sha256(&mulu_contracts::state::encode(&bare))
}

/// One of our words by the name a vocabulary gave it.
fn ours<T: DeserializeOwned>(name: &str) -> Option<T> {
    serde_json::from_value(Value::String(name.to_owned())).ok()
}

/// A field whose word must be in a vocabulary, if it is there at all.
fn word<T: DeserializeOwned>(
    row: &Row,
    field: Field,
    vocabulary: fn(&str) -> Option<&'static str>,
    code: &'static str,
) -> Result<Option<T>, Reason> {
    let Some(found) = row.get(field) else { return Ok(None) };
    match vocabulary(found).and_then(ours) {
        Some(value) => Ok(Some(value)),
        None => {
            let name = field.name();
            let why = text!("{name}: `{found}` is not known", "{name}：无法识别 `{found}`");
            Err((code, Some(field), why))
        }
    }
}

/// The share attributes, and whether the type is our default.
fn share(row: &Row, used: &mut Used) -> Result<(Share, bool), Reason> {
    let (kind, defaulted) = match row.get(Field::Share) {
        None => {
            used.count(Fallback::Share);
            (ShareType::Unconditional, true)
        }
        Some(found) if vocabulary::is_bare_number(found) => {
            return Err((
                "share",
                Some(Field::Share),
                text!(
                    "the share type is a bare number ({found}); systems number them differently, so say in a mapping file what it means",
                    "共享类型为纯数字（{found}）；各系统编号含义不同，请在映射文件中说明"
                ),
            ));
        }
        Some(found) => match vocabulary::share_type(found).and_then(ours) {
            Some(kind) => (kind, false),
            None => {
                return Err((
                    "share",
                    Some(Field::Share),
                    text!("`{found}` is not a share type", "`{found}` 不是共享类型"),
                ));
            }
        },
    };
    let methods = details::share_methods(row, used);
    let condition = row.get(Field::ShareCondition).map(str::to_owned);
    let basis = row.get(Field::NoShareBasis).map(str::to_owned);
    let share = match kind {
        ShareType::Unconditional => Share { kind, condition: None, no_share_basis: None, methods },
        ShareType::Conditional => {
            if condition.is_none() {
                return Err((
                    "ENT-09",
                    Some(Field::ShareCondition),
                    text!(
                        "shared on condition, but no condition is given",
                        "有条件共享但未填写共享条件"
                    ),
                ));
            }
            Share { kind, condition, no_share_basis: None, methods }
        }
        ShareType::None => {
            // Some sources write the basis into the column of the condition.
            let basis = basis.or(condition);
            if basis.is_none() {
                return Err((
                    "ENT-10",
                    Some(Field::NoShareBasis),
                    text!("not shared, but no basis in law is given", "不予共享但未填写依据"),
                ));
            }
            Share { kind, condition: None, no_share_basis: basis, methods }
        }
    };
    Ok((share, defaulted))
}

fn open(
    row: &Row,
    kind: ShareType,
    share_defaulted: bool,
    used: &mut Used,
) -> Result<Open, Reason> {
    let condition = row.get(Field::OpenCondition).map(str::to_owned);
    let is_open = match row.get(Field::Open) {
        Some(found) => match vocabulary::yes_no(found) {
            Some(is_open) => is_open,
            None => {
                return Err((
                    "open",
                    Some(Field::Open),
                    text!("open: `{found}` is neither yes nor no", "是否开放：`{found}` 无法识别"),
                ));
            }
        },
        None => {
            used.count(Fallback::Open);
            share_defaulted && kind == ShareType::Unconditional
        }
    };
    Ok(Open { is_open, condition })
}

fn update_cycle(row: &Row, used: &mut Used) -> UpdateCycle {
    let found = row.get(Field::UpdateCycle);
    if let Some(cycle) = found.and_then(vocabulary::update_cycle).and_then(ours) {
        return cycle;
    }
    match found {
        Some(word) => used.count_word(Fallback::UpdateCycle, word),
        None => used.count(Fallback::UpdateCycle),
    }
    UpdateCycle::Irregular
}

/// The date of a record: `2013-03-18`, `2013/3/18`, `20130318`, with or without a time after it.
fn published_at(row: &Row) -> Result<Option<String>, Reason> {
    let Some(found) = row.get(Field::PublishedAt) else { return Ok(None) };
    let day = found.split([' ', 'T']).next().unwrap_or_default();
    let parts: Vec<&str> =
        day.split(['/', '-', '.', '年', '月', '日']).filter(|p| !p.is_empty()).collect();
    let date = match parts.as_slice() {
        [year, month, day] => format!("{year:0>4}-{month:0>2}-{day:0>2}"),
        [run] if run.len() == 8 && run.is_ascii() => {
            let (year, rest) = run.split_at(4);
            let (month, day) = rest.split_at(2);
            format!("{year}-{month}-{day}")
        }
        _ => found.to_owned(),
    };
    if is_date(&date) {
        return Ok(Some(date));
    }
    Err((
        "FLD-03",
        Some(Field::PublishedAt),
        text!("`{found}` is not a date", "`{found}` 不是日期"),
    ))
}

#[cfg(test)]
mod tests;
