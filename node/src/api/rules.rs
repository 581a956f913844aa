//! The rules' words: what the chain's rule table says, for problems, outcomes and `/v1/rules`.

use axum::Json;
use serde::Serialize;

use super::language::Text;

/// Title and help of a rule.
pub struct Words {
    /// What the rule says.
    pub title: Text,
    /// What to do.
    pub help: Text,
}
pub fn words(_id: &str) -> Words { Words { title: Text::new("", ""), help: Text::new("", "") } }
pub async fn list() -> Json<u8> { Json(0) }
