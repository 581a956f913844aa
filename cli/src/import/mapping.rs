//! The mapping file: what the operator says about a source, instead of the importer guessing.
//!
//! ```toml
//! [columns]                       # CSV only: field = header
//! name = "資料名稱"
//! identifier = "資料連結網址"
//!
//! [extensions]                    # CSV only: name of extended metadata = header
//! "服务对象" = "服務對象"
//!
//! [values.share]                  # the source's word = ours, for any field
//! "内部共享" = "conditional"
//!
//! [constants]                     # for records in which the field is empty
//! share = "conditional"
//! share_condition = "经数据提供方同意"
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::row::{Field, Row};
use crate::failure::{Failure, Outcome};
use crate::{files, text};

/// Largest mapping file read, in bytes.
const MAPPING_BYTES_MAX: u64 = 1024 * 1024;

/// A mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Header by field.
    #[serde(default)]
    pub columns: BTreeMap<Field, String>,
    /// Header by the name of extended metadata.
    #[serde(default)]
    pub extensions: BTreeMap<String, String>,
    /// Our word by the source's word, by field.
    #[serde(default)]
    pub values: BTreeMap<Field, BTreeMap<String, String>>,
    /// Text of fields the source leaves empty.
    #[serde(default)]
    pub constants: BTreeMap<Field, String>,
}

impl Mapping {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// Exit 2.
    pub fn read(path: &Path) -> Outcome<Mapping> {
        let shown = path.display();
        let refused = |e: &dyn std::fmt::Display| {
            let known: Vec<&str> = Field::ALL.iter().map(|f| f.name()).collect();
            let known = known.join(", ");
            Failure::usage(text!("{shown}: not a mapping: {e}", "{shown}：不是有效的映射文件：{e}"))
                .help(text!("fields: {known}", "可用字段：{known}"))
        };
        let bytes = files::read_bounded(path, MAPPING_BYTES_MAX)?;
        let source = std::str::from_utf8(&bytes).map_err(|e| refused(&e))?;
        toml::from_str(source).map_err(|e| refused(&e))
    }

    /// Applies values and constants to a record.
    pub fn apply(&self, row: &mut Row) {
        for (field, words) in &self.values {
            if let Some(ours) = row.get(*field).and_then(|theirs| words.get(theirs)) {
                row.fields.insert(*field, ours.clone());
            }
        }
        for (field, constant) in &self.constants {
            row.fields.entry(*field).or_insert_with(|| constant.clone());
        }
    }
}

#[cfg(test)]
mod tests;
