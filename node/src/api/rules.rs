//! The rules' words: what the chain's rule table says, for problems, outcomes and `/v1/rules`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use mulu_contracts::rule::Rule;
use serde::Serialize;

use super::language::Text;

/// Title and help of a rule.
pub struct Words {
    /// What is wrong when the rule is broken.
    pub title: Text,
    /// How to mend it.
    pub help: Text,
}

/// The words of a rule.
pub fn words(rule: Rule) -> Words {
    Words {
        title: Text::new(rule.title_en(), rule.title_zh()),
        help: Text::new(rule.help_en(), rule.help_zh()),
    }
}

/// The words of a rule id found in the log. A later program's rule is not in this one's table.
pub fn words_of_id(id: &str) -> Words {
    Rule::from_id(id).map_or_else(
        || Words {
            title: Text::with(format!("Rule {id}"), format!("规则 {id}")),
            help: Text::new(
                "this node's program is older than the rule: update it to read the rule's words",
                "本节点程序早于该规则：请升级后查看规则说明",
            ),
        },
        words,
    )
}

#[derive(Serialize)]
struct RuleView {
    id: &'static str,
    subject: &'static str,
    title: Bilingual,
    help: Bilingual,
}

#[derive(Serialize)]
struct Bilingual {
    en: &'static str,
    zh: &'static str,
}

#[derive(Serialize)]
struct RulesView {
    rules: Vec<RuleView>,
}

/// Every rule, in both languages.
pub async fn list() -> Response {
    let rules = Rule::ALL.iter().map(|rule| RuleView {
        id: rule.id(),
        subject: rule.subject(),
        title: Bilingual { en: rule.title_en(), zh: rule.title_zh() },
        help: Bilingual { en: rule.help_en(), zh: rule.help_zh() },
    });
    Json(RulesView { rules: rules.collect() }).into_response()
}
