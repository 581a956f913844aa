//! Generated catalogs: vocabulary, combination, file forms.

pub mod departments;
pub mod generate;
pub mod words;
pub mod write;
