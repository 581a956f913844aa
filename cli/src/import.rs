//! Importing catalogs of other systems.

pub mod clean;
pub mod columns;
pub mod csv_source;
pub mod encoding;
pub mod json_source;
pub mod mapping;
pub mod names;
pub mod row;
pub mod vocabulary;
