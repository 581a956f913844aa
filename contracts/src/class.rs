//! Class 信息资源分类: the table of 类, 项, 目 and 细目 that resource codes begin with.
//!
//! | code | is |
//! |---|---|
//! | `3` | 类 |
//! | `306` | 项 of 类 `3` |
//! | `306001` | 目 of 项 `306` |
//! | `306001A2` | 细目 of 目 `306001` |
//!
//! The table is the authority's to keep, on the chain, as division codes are. While it has set none,
//! only the form of a code is judged (ENT-05). A class is never taken away: codes are for life.

use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::entry::EntryContent;
use crate::field;
use crate::limits::{CLASS_CODE_BYTES_MAX, CLASSES_MAX, NAME_CHARS_MAX};
use crate::overlay::Overlay;
use crate::rejection::{Step, refuse, require, shown};
use crate::rule::Rule;
use crate::state::{CLASSES_KEY, class_key};

/// A class as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Class {
    /// Its code.
    pub code: String,
    /// 名称.
    pub name: String,
    /// When this record was written.
    pub set_at_height: Height,
}

/// A class to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewClass {
    /// 1, 3 or 6 digits, or 6 digits and what tells the 细目 apart.
    pub code: String,
    /// 名称.
    pub name: String,
}

/// How many classes there are; if any, every resource code must begin with one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Classes {
    /// Classes ever set.
    pub count: u64,
}

/// `class.set`: an authority sets classes, or gives them other names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassSet {
    /// The classes, each after the one above it.
    pub classes: Vec<NewClass>,
}

/// What comes before the `/` of a resource code.
pub fn class_part(resource_code: &str) -> &str {
    resource_code.split('/').next().unwrap_or(resource_code)
}

/// The codes of 类, 项, 目 and, if there is one, 细目 of the class part of a resource code.
pub fn levels(class: &str) -> impl Iterator<Item = &str> {
    let heads = [1, 3, 6].into_iter().filter_map(|length| class.get(..length));
    heads.chain((class.len() > 6).then_some(class))
}

/// Whether a text has the form of a class code (CLS-01).
fn is_class_code(code: &str) -> bool {
    let digits = code.bytes().take(6).all(|b| b.is_ascii_digit());
    let rest = code.bytes().skip(6).all(|b| b.is_ascii_alphanumeric());
    let length = matches!(code.len(), 1 | 3 | 6..=CLASS_CODE_BYTES_MAX);
    length && digits && rest && !code.starts_with('0')
}

pub(crate) fn set(call: &mut Call<'_, '_>, action: &ClassSet) -> Step {
    call.signers.authority(call.params.authority_threshold)?;
    field::count("classes", action.classes.len(), 1, CLASSES_MAX)?;
    let codes = action.classes.iter().map(|class| &class.code);
    field::distinct("classes", Rule::FieldDuplicate, codes)?;
    let mut classes: Classes = call.overlay.get(CLASSES_KEY)?.unwrap_or_default();
    for NewClass { code, name } in &action.classes {
        require(is_class_code(code), Rule::ClassForm, || format!("{code:?}"))?;
        field::text("class name", name, NAME_CHARS_MAX)?;
        if let Some(above) = levels(code).filter(|above| above.len() < code.len()).last() {
            let there = call.overlay.has(&class_key(above))?;
            require(there, Rule::ClassAbove, || format!("{code} is of {above}"))?;
        }
        let at = class_key(code);
        if !call.overlay.has(&at)? {
            classes.count = classes.count.saturating_add(1);
        }
        let (code, name) = (code.clone(), name.clone());
        call.overlay.put(at, &Class { code, name, set_at_height: call.height() })?;
    }
    call.touch(CLASSES_KEY.to_owned());
    call.overlay.put(CLASSES_KEY.to_owned(), &classes)
}

/// Every code is of a class on the table, and the path names the classes of the first one, if the
/// authority keeps the table (ENT-34, ENT-35).
pub(crate) fn check_codes(overlay: &Overlay<'_>, content: &EntryContent) -> Step {
    if !overlay.has(CLASSES_KEY)? {
        return Ok(());
    }
    for code in &content.codes {
        let there = overlay.has(&class_key(class_part(code)))?;
        require(there, Rule::EntryClass, || format!("{code}: no class {}", class_part(code)))?;
    }
    for (class, named) in levels(class_part(content.first_code())).zip(&content.class_path) {
        let Some(Class { name, .. }) = overlay.get(&class_key(class))? else {
            return refuse(Rule::EntryClassPath, format!("{class} is not on the table"));
        };
        require(name == *named, Rule::EntryClassPath, || {
            format!("class {class} is {}, not {}", shown(&name), shown(named))
        })?;
    }
    Ok(())
}

/// A path names as many classes as the first code has levels (ENT-35).
pub(crate) fn check_path(content: &EntryContent) -> Step {
    let (named, levels) =
        (content.class_path.len(), levels(class_part(content.first_code())).count());
    require(named == 0 || named == levels, Rule::EntryClassPath, || {
        format!("{named} names, {} has {levels} levels", content.first_code())
    })
}
