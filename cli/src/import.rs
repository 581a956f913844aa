//! Importing catalogs of other systems: read, clean, map, identify, convert, check against the
//! rules, compare with the chain, pack, send, report. Only the comparison and the sending need a
//! node; everything before them is a function of the file and the options.

pub mod bind;
pub mod ckan_url;
pub mod clean;
pub mod columns;
pub mod convert;
pub mod csv_source;
pub mod defaults;
pub mod encoding;
pub mod han;
pub mod identify;
pub mod json_source;
pub mod jsonld_source;
pub mod mapping;
pub mod names;
pub mod notes;
pub mod pack;
pub mod plan;
pub mod prepare;
pub mod progress;
pub mod related;
pub mod report;
pub mod row;
pub mod rules;
pub mod send;
pub mod vocabulary;
pub mod xlsx_source;

#[cfg(test)]
pub mod testing;
