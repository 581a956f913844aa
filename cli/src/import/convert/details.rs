//! The lists of an entry: formats, items, keywords, methods, related codes, systems.

use std::collections::BTreeSet;

use mulu_contracts::catalog::{FormatCategory, ItemType, ShareMethod};
use mulu_contracts::class::{class_part, levels};
use mulu_contracts::entry::content::is_resource_code;
use mulu_contracts::entry::{Binding as SystemBinding, Extension, Format, Item};
use mulu_contracts::limits::{
    ALIAS_CHARS_MAX, CONDITION_CHARS_MAX, EXTENSIONS_BYTES_MAX, EXTENSIONS_MAX,
    FORMAT_TYPE_CHARS_MAX, FORMATS_MAX, ITEM_DESCRIPTION_CHARS_MAX, ITEM_ID_CHARS_MAX, ITEMS_MAX,
    KEYWORD_CHARS_MAX, KEYWORDS_MAX, LABEL_CHARS_MAX, NAME_CHARS_MAX, RELATED_MAX,
};

use super::{Binding, Fallback, Field, Reason, Row, Used, ours, vocabulary};
use crate::text;

/// Longest part of an item cell that can be a name, in characters; a longer one is prose.
const ITEM_NAME_CHARS_PLAUSIBLE: usize = 60;

/// Splits a list at its separators, but not inside brackets.
fn split(text: &str, separators: &[char]) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0usize;
    for c in text.chars() {
        match c {
            '(' | '（' | '[' | '【' => depth = depth.saturating_add(1),
            ')' | '）' | ']' | '】' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && separators.contains(&c) {
            parts.push(String::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    parts.iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}

const ITEM_SEPARATORS: [char; 6] = ['、', ',', '，', ';', '；', '|'];
const WORD_SEPARATORS: [char; 6] = ['、', ',', '，', ';', '；', '/'];
const KEYWORD_SEPARATORS: [char; 5] = ['、', ',', '，', ';', '；'];

/// Formats and items: they depend on each other, since only files may lack items (ENT-17).
pub fn formats_and_items(row: &Row, used: &mut Used) -> Result<(Vec<Format>, Vec<Item>), Reason> {
    let items = items(row, used)?;
    let mut formats = formats(row, used)?;
    if items.is_empty() && formats.iter().any(|f| !f.category.may_lack_items()) {
        used.count(Fallback::FormatAsFile);
        for format in &mut formats {
            format.category = FormatCategory::Efile;
        }
    }
    Ok((formats, items))
}

fn formats(row: &Row, used: &mut Used) -> Result<Vec<Format>, Reason> {
    let mut formats: Vec<Format> = Vec::new();
    for word in split(row.get(Field::Formats).unwrap_or_default(), &KEYWORD_SEPARATORS) {
        // `电子表格-xlsx` names category and type; the type decides.
        let parts = word.rsplit_once(['-', '—', '：', ':']);
        let typed = parts.filter(|(category, _)| vocabulary::format_category(category).is_some());
        let kind = typed.map_or(word.as_str(), |(_, kind)| kind).trim().to_owned();
        let category = vocabulary::format_category(&kind)
            .or_else(|| typed.and_then(|(category, _)| vocabulary::format_category(category)))
            .and_then(ours::<FormatCategory>);
        let is_noise = vocabulary::is_encoding_name(&kind);
        let fits = !kind.is_empty() && kind.chars().count() <= FORMAT_TYPE_CHARS_MAX;
        if is_noise || !fits {
            used.count_word(Fallback::FormatWord, &word);
            continue;
        }
        // An unknown type is still a file of that type.
        let category = category.unwrap_or(FormatCategory::Efile);
        let known = formats.iter().any(|f| f.kind.eq_ignore_ascii_case(&kind));
        if !known {
            formats.push(Format { category, kind, note: None });
        }
    }
    if formats.len() > FORMATS_MAX {
        let found = formats.len();
        return Err((
            "FLD-02",
            Some(Field::Formats),
            text!(
                "{found} formats, at most {FORMATS_MAX}",
                "{found} 种格式，最多 {FORMATS_MAX} 种"
            ),
        ));
    }
    if formats.is_empty() {
        used.count(Fallback::Format);
        formats.push(Format {
            category: FormatCategory::Efile,
            kind: "CSV".to_owned(),
            note: None,
        });
    }
    Ok(formats)
}

fn items(row: &Row, used: &mut Used) -> Result<Vec<Item>, Reason> {
    let first = (
        row.get(Field::Items).unwrap_or_default().to_owned(),
        row.get(Field::ItemTypes).unwrap_or_default().to_owned(),
    );
    let mut items = Vec::new();
    let mut seen = BTreeSet::new();
    for (cell, types) in std::iter::once(&first).chain(&row.more_items) {
        // A list of names may end like a sentence.
        let names = split(cell.trim_end_matches('。'), &ITEM_SEPARATORS);
        let types = split(types, &ITEM_SEPARATORS);
        if names.iter().any(|name| is_prose(name)) {
            used.count_word(Fallback::ItemsProse, cell);
            continue;
        }
        for (index, name) in names.iter().enumerate() {
            // One type for several names counts for all of them.
            let kind = types.get(index).or_else(|| types.first().filter(|_| types.len() == 1));
            let item = item(name, kind.map(String::as_str), used)?;
            if seen.insert(item.item_id.clone()) {
                items.push(item);
            } else {
                used.count_word(Fallback::ItemTwice, name);
            }
        }
    }
    if items.is_empty() {
        used.count(Fallback::Items);
    }
    if items.len() > ITEMS_MAX {
        let found = items.len();
        return Err((
            "FLD-02",
            Some(Field::Items),
            text!("{found} items, at most {ITEMS_MAX}", "{found} 个信息项，最多 {ITEMS_MAX} 个"),
        ));
    }
    Ok(items)
}

fn is_prose(part: &str) -> bool {
    let name = part.split(['：', ':']).next().unwrap_or_default();
    part.contains('。') || name.chars().count() > ITEM_NAME_CHARS_PLAUSIBLE
}

/// An item of a cell part such as `名称`, `名称：说明`. Its id is its name, so that it keeps its
/// meaning when the order of the items changes.
fn item(part: &str, kind_word: Option<&str>, used: &mut Used) -> Result<Item, Reason> {
    let (name, desc) = match part.split_once(['：', ':']) {
        Some((name, desc)) if !name.trim().is_empty() => (name.trim(), desc.trim()),
        _ => (part, ""),
    };
    let kind = match kind_word {
        None => {
            used.count(Fallback::ItemType);
            ItemType::C
        }
        Some(word) => vocabulary::item_type(word).and_then(ours).ok_or_else(|| {
            let field = Some(Field::ItemTypes);
            (
                "item_type",
                field,
                text!("item type `{word}` is not known", "数据类型 `{word}` 无法识别"),
            )
        })?,
    };
    if name.chars().count() > ITEM_ID_CHARS_MAX || desc.chars().count() > ITEM_DESCRIPTION_CHARS_MAX
    {
        return Err((
            "FLD-01",
            Some(Field::Items),
            text!("the item `{name}` is too long", "信息项 `{name}` 过长"),
        ));
    }
    Ok(Item {
        item_id: name.to_owned(),
        code: None,
        name: name.to_owned(),
        desc: (!desc.is_empty()).then(|| desc.to_owned()),
        kind,
        length: kind_word.and_then(length),
        share: None,
        open: None,
        update_cycle: None,
        level: None,
        personal_info: None,
        system: None,
        table: None,
        column: None,
    })
}

/// The length in a type such as `字符型C(18)` or `decimal(10,2)`: its first number.
fn length(kind: &str) -> Option<u32> {
    let (_, rest) = kind.split_once(['(', '（'])?;
    let digits: String = rest.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|length| *length > 0)
}

/// The class of resource codes, where the classification is given in its digits: 类 one, 项 two, 目
/// three, then 细目, such as `3/06/001`.
pub fn class_code(row: &Row) -> Option<String> {
    let class: String = row.get(Field::ClassPath)?.chars().filter(|c| *c != '/').collect();
    is_resource_code(&format!("{class}/0")).then_some(class)
}

/// The names of the classes of a code that the source itself gives: 类, 项, 目 and, if the code has one,
/// 细目. Anything else is a classification of the source's own, and no path of ours.
pub fn class_path(row: &Row, code: &str) -> Vec<String> {
    let (Some(path), Some(_)) = (row.get(Field::ClassPath), row.get(Field::Code)) else {
        return Vec::new();
    };
    let names: Vec<String> = path.split('/').map(|name| name.trim().to_owned()).collect();
    let digits = names.iter().all(|name| name.bytes().all(|b| b.is_ascii_alphanumeric()));
    let fits = names.len() == levels(class_part(code)).count()
        && names.iter().all(|name| (1..=NAME_CHARS_MAX).contains(&name.chars().count()));
    if digits || !fits { Vec::new() } else { names }
}

/// Keywords of the source, then its agency and classification, by which people search.
pub fn keywords(row: &Row, used: &mut Used) -> Vec<String> {
    let mut keywords: Vec<String> = Vec::new();
    let given = split(row.get(Field::Keywords).unwrap_or_default(), &KEYWORD_SEPARATORS);
    let path = row.get(Field::ClassPath).filter(|_| class_code(row).is_none());
    let classes = split(path.unwrap_or_default(), &WORD_SEPARATORS);
    let agency = row.get(Field::Agency).map(str::to_owned);
    for word in given.into_iter().chain(agency).chain(classes) {
        if keywords.contains(&word) {
            continue;
        }
        if keywords.len() >= KEYWORDS_MAX || word.chars().count() > KEYWORD_CHARS_MAX {
            used.count_word(Fallback::Keyword, &word);
        } else {
            keywords.push(word);
        }
    }
    keywords
}

/// The alias, if it fits.
pub fn alias(row: &Row, used: &mut Used) -> Option<String> {
    let alias = row.get(Field::Alias)?;
    if alias.chars().count() > ALIAS_CHARS_MAX {
        used.count_word(Fallback::Alias, alias);
        return None;
    }
    Some(alias.to_owned())
}

/// 共享方式.
pub fn share_methods(row: &Row, used: &mut Used) -> Vec<ShareMethod> {
    let mut methods: Vec<ShareMethod> = Vec::new();
    for word in split(row.get(Field::ShareMethods).unwrap_or_default(), &WORD_SEPARATORS) {
        match vocabulary::share_method(&word).and_then(ours) {
            Some(method) if !methods.contains(&method) => methods.push(method),
            Some(_) => {}
            None => used.count_word(Fallback::ShareMethod, &word),
        }
    }
    methods
}

/// 关联资源代码.
pub fn related(row: &Row, used: &mut Used) -> Vec<String> {
    let mut related: Vec<String> = Vec::new();
    for code in split(row.get(Field::Related).unwrap_or_default(), &KEYWORD_SEPARATORS) {
        let fits = is_resource_code(&code) && related.len() < RELATED_MAX;
        if fits && !related.contains(&code) {
            related.push(code);
        } else {
            used.count_word(Fallback::Related, &code);
        }
    }
    related
}

/// 扩展元数据, as far as it fits.
pub fn extensions(row: &Row, used: &mut Used) -> Vec<Extension> {
    let mut extensions: Vec<Extension> = Vec::new();
    let mut bytes = 0usize;
    for (name, value) in &row.extensions {
        let with_this = bytes.saturating_add(name.len()).saturating_add(value.len());
        let fits = extensions.len() < EXTENSIONS_MAX
            && with_this <= EXTENSIONS_BYTES_MAX
            && name.chars().count() <= LABEL_CHARS_MAX
            && value.chars().count() <= CONDITION_CHARS_MAX;
        if fits {
            bytes = with_this;
            extensions.push(Extension { name: name.clone(), value: value.clone() });
        } else {
            used.count_word(Fallback::Extension, name);
        }
    }
    extensions
}

/// The system an import is bound to.
pub fn systems(binding: &Binding) -> Vec<SystemBinding> {
    let bind = |system: &String| SystemBinding { system: system.clone(), table: None };
    binding.system.iter().map(bind).collect()
}
