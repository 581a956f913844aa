//! Which events a reader wants. Several filters must all match; a filter left out matches all.

use super::Event;

/// Longest text of a filter, in bytes.
pub const FILTER_TEXT_BYTES_MAX: usize = 128;
/// Most alternatives of `kind`.
const KINDS_MAX: usize = 16;

/// What a reader wants.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    member: Option<String>,
    office: Option<String>,
    entry: Option<String>,
    authorization: Option<String>,
    kinds: Vec<String>,
}

/// A filter that cannot match anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FilterInvalid(pub &'static str);

impl Filter {
    /// Only events that concern a member.
    ///
    /// # Errors
    /// [`FilterInvalid`], as the other four.
    pub fn member(self, text: Option<String>) -> Result<Filter, FilterInvalid> {
        Ok(Filter { member: checked("member", text)?, ..self })
    }

    /// Only events that concern an office (`<uscc>:<code>`).
    ///
    /// # Errors
    /// [`FilterInvalid`].
    pub fn office(self, text: Option<String>) -> Result<Filter, FilterInvalid> {
        Ok(Filter { office: checked("office", text)?, ..self })
    }

    /// Only events that concern an entry (its id, or its first code).
    ///
    /// # Errors
    /// [`FilterInvalid`].
    pub fn entry(self, text: Option<String>) -> Result<Filter, FilterInvalid> {
        let text = checked("entry", text)?.map(|text| match text.strip_prefix("sha256:") {
            Some(_) => text,
            None => mulu_contracts::state::entry_id(&text).to_string(),
        });
        Ok(Filter { entry: text, ..self })
    }

    /// Only events that concern an authorization.
    ///
    /// # Errors
    /// [`FilterInvalid`].
    pub fn authorization(self, text: Option<String>) -> Result<Filter, FilterInvalid> {
        Ok(Filter { authorization: checked("authorization", text)?, ..self })
    }

    /// Only events with an action of one of these types, separated by commas: `receipt.record`, or
    /// `authorization` for all of them.
    ///
    /// # Errors
    /// [`FilterInvalid`].
    pub fn kind(self, text: Option<String>) -> Result<Filter, FilterInvalid> {
        let Some(text) = text else { return Ok(self) };
        let kinds: Vec<String> = text.split(',').map(|kind| kind.trim().to_owned()).collect();
        let plain = |kind: &String| {
            (1..=FILTER_TEXT_BYTES_MAX).contains(&kind.len())
                && kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'.' || b == b'_')
        };
        if kinds.len() > KINDS_MAX || !kinds.iter().all(plain) {
            return Err(FilterInvalid("kind"));
        }
        Ok(Filter { kinds, ..self })
    }

    /// What the payload's action types alone decide: cheap, asked first.
    pub fn wants_types<'a>(&self, mut types: impl Iterator<Item = &'a str>) -> bool {
        self.kinds.is_empty() || types.any(|name| self.kinds.iter().any(|kind| is_of(name, kind)))
    }

    /// Whether the whole event matches.
    pub fn wants(&self, event: &Event) -> bool {
        let has = |wanted: &Option<String>, set: &std::collections::BTreeSet<String>| {
            wanted.as_ref().is_none_or(|wanted| set.contains(wanted))
        };
        has(&self.member, &event.members)
            && has(&self.office, &event.offices)
            && has(&self.entry, &event.entries)
            && has(&self.authorization, &event.authorizations)
            && self.wants_types(event.actions.iter().map(|action| action.r#type.as_str()))
    }
}

/// `authorization.offer` is of the kinds `authorization.offer` and `authorization`.
fn is_of(name: &str, kind: &str) -> bool {
    name.strip_prefix(kind).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn checked(name: &'static str, text: Option<String>) -> Result<Option<String>, FilterInvalid> {
    match text {
        Some(text) if text.is_empty() || text.len() > FILTER_TEXT_BYTES_MAX => {
            Err(FilterInvalid(name))
        }
        other => Ok(other),
    }
}
