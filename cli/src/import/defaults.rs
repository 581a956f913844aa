//! The defaults an import applies where a source is silent, and how often each was used.

use std::collections::BTreeMap;

use super::notes::Notes;
use super::row::Field;
use crate::lang::Lang;

/// Most distinct source words kept per default, so that a report stays readable.
const WORDS_MAX: usize = 20;

/// Widest list of words shown, in columns of a terminal.
const WORDS_COLUMNS_MAX: usize = 44;
/// Longest such word kept, in characters.
const WORD_CHARS_MAX: usize = 24;

/// A default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fallback {
    /// No identifier: made of agency, name and, if that repeats, date and number.
    Identifier,
    /// No code: derived from source system and identifier.
    Code,
    /// No summary: the name.
    Summary,
    /// No share type: unconditional, for the list is published open data.
    Share,
    /// No statement on openness: open exactly if shared unconditionally by default.
    Open,
    /// No cycle, or a word that is none of ours: irregular.
    UpdateCycle,
    /// No format: efile CSV.
    Format,
    /// A word that is no file type was left out of the formats.
    FormatWord,
    /// No items named: every format counts as an electronic file.
    FormatAsFile,
    /// No items named.
    Items,
    /// The cell of the items is prose: no items.
    ItemsProse,
    /// An item's type is not said: character.
    ItemType,
    /// An item named twice: kept once.
    ItemTwice,
    /// No level: general-1.
    Level,
    /// No statement on personal information: none.
    PersonalInfo,
    /// No date: the day of the import.
    PublishedAt,
    /// A share method that is none of ours was left out.
    ShareMethod,
    /// A keyword too long or too many was left out.
    Keyword,
    /// An alias too long was left out.
    Alias,
    /// A related code that is no resource code was left out.
    Related,
    /// A related code that no entry has, here or on the chain, was left out.
    RelatedUnknown,
    /// Extended metadata too long or too many was left out.
    Extension,
    /// The name repeats: agency or number appended.
    NameRepeated,
}

impl Fallback {
    /// The field whose cell it stands in for, where a note can name it.
    pub const fn field(self) -> Option<Field> {
        Some(match self {
            Fallback::UpdateCycle => Field::UpdateCycle,
            Fallback::FormatWord => Field::Formats,
            Fallback::ItemsProse | Fallback::ItemTwice => Field::Items,
            Fallback::ShareMethod => Field::ShareMethods,
            Fallback::Keyword => Field::Keywords,
            Fallback::Alias => Field::Alias,
            Fallback::Related | Fallback::RelatedUnknown => Field::Related,
            _ => return None,
        })
    }

    /// Stable name and what it does, in English and Chinese.
    pub const fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Fallback::Identifier => {
                ("identifier", "no identifier: agency/name", "无标识符：以机关与名称组成")
            }
            Fallback::Code => (
                "code",
                "no resource code: derived from source and identifier",
                "无资源代码：由来源与标识符推导",
            ),
            Fallback::Summary => ("summary", "no summary: the name", "无摘要：用名称"),
            Fallback::RelatedUnknown => {
                ("related.unknown", "no entry has the code: left out", "无此代码的条目：略去")
            }
            Fallback::Share => ("share", "no share type: unconditional", "无共享类型：无条件共享"),
            Fallback::Open => (
                "open",
                "no statement: open if share type is defaulted",
                "未说明是否开放：共享类型取默认时为开放",
            ),
            Fallback::UpdateCycle => {
                ("update_cycle", "none or unknown: irregular", "无更新周期或无法识别：不定期")
            }
            Fallback::Format => ("formats", "none: efile CSV", "无格式：电子文件 CSV"),
            Fallback::FormatWord => {
                ("formats.word", "not a file type: left out", "不是文件类型：略去")
            }
            Fallback::FormatAsFile => (
                "formats.efile",
                "no items named: counted as electronic file",
                "未列信息项：按电子文件登记",
            ),
            Fallback::Items => ("items", "none named", "未列信息项"),
            Fallback::ItemsProse => (
                "items.prose",
                "prose instead of names: no items",
                "为叙述文字而非名称：不取信息项",
            ),
            Fallback::ItemType => ("items.type", "no type: C (character)", "无数据类型：字符型 C"),
            Fallback::ItemTwice => {
                ("items.twice", "named twice: kept once", "重复的信息项：保留一个")
            }
            Fallback::Level => ("level", "none: general-1", "无数据级别：一般数据1级"),
            Fallback::PersonalInfo => ("personal_info", "no statement: none", "未说明个人信息：无"),
            Fallback::PublishedAt => {
                ("published_at", "no date: day of the import", "无发布日期：导入当日")
            }
            Fallback::ShareMethod => {
                ("share_methods", "unknown word: left out", "共享方式无法识别：略去")
            }
            Fallback::Keyword => {
                ("keywords", "too long or too many: left out", "关键词过长或过多：略去")
            }
            Fallback::Alias => ("alias", "too long: left out", "别名过长：略去"),
            Fallback::Related => {
                ("related", "not a resource code: left out", "不是信息资源代码：略去")
            }
            Fallback::Extension => {
                ("extensions", "too long or too many: left out", "扩展元数据过长或过多：略去")
            }
            Fallback::NameRepeated => (
                "name",
                "repeats: agency, then number appended",
                "名称重复：附加机关名，仍重复再加序号",
            ),
        }
    }
}

/// How often defaults were used, and on which words of the source.
#[derive(Debug, Default)]
pub struct Used {
    /// Where the row stands that is being converted.
    pub line: u64,
    /// What was not taken over, cell by cell.
    pub notes: Notes,
    counts: BTreeMap<Fallback, u64>,
    words: BTreeMap<Fallback, BTreeMap<String, u64>>,
}

impl Used {
    /// Counts a default.
    pub fn count(&mut self, default: Fallback) {
        let count = self.counts.entry(default).or_default();
        *count = count.saturating_add(1);
    }

    /// Counts a default together with the word of the source it replaced, and notes it.
    pub fn count_word(&mut self, default: Fallback, word: &str) {
        self.count(default);
        self.notes.add(self.line, default, word);
        let words = self.words.entry(default).or_default();
        let word = crate::render::cut(word, WORD_CHARS_MAX);
        if words.contains_key(&word) || words.len() < WORDS_MAX {
            let count = words.entry(word).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// How often a default was used.
    #[cfg(test)]
    pub fn of(&self, default: Fallback) -> u64 {
        self.counts.get(&default).copied().unwrap_or(0)
    }

    /// Rows of the report: name, how often, what it means, the words it replaced.
    pub fn rows(&self, lang: Lang) -> Vec<Vec<String>> {
        let row = |(default, count): (&Fallback, &u64)| {
            let (name, en, zh) = default.words();
            let mut words: Vec<(&String, &u64)> =
                self.words.get(default).into_iter().flatten().collect();
            words.sort_by_key(|(word, count)| (std::cmp::Reverse(**count), (*word).clone()));
            let words: Vec<String> =
                words.iter().map(|(word, count)| format!("{word}×{count}")).collect();
            let words = crate::render::cut_columns(&words.join(" "), WORDS_COLUMNS_MAX);
            vec![name.to_owned(), count.to_string(), lang.pick(en, zh).to_owned(), words]
        };
        self.counts.iter().map(row).collect()
    }

    /// The counts by name.
    pub fn to_json(&self) -> serde_json::Value {
        let counts = self.counts.iter().map(|(default, count)| {
            (default.words().0.to_owned(), serde_json::Value::from(*count))
        });
        serde_json::Value::Object(counts.collect())
    }
}
