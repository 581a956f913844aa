//! What a target says of one input.

/// Longest class name, in characters.
const CLASS_CHARS_MAX: usize = 72;

/// How a decoder answered, as a class: its words without anything that comes from the input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// A value came out and every property held.
    Accepted(String),
    /// A reason came out.
    Refused(String),
}

impl Outcome {
    /// Decoded, and `what` may say how far it got.
    pub fn accepted(what: &str) -> Self {
        Outcome::Accepted(class(what))
    }

    /// Refused for this reason.
    pub fn refused(reason: &dyn std::fmt::Display) -> Self {
        Outcome::Refused(class(&reason.to_string()))
    }

    /// The class alone.
    pub fn class(&self) -> &str {
        match self {
            Outcome::Accepted(class) | Outcome::Refused(class) => class,
        }
    }
}

/// Keeps the words of a message: what stands between its first and its last quote, and words with
/// a digit or a character that is not ASCII, come from the input. A rule id is ours and stays.
fn class(message: &str) -> String {
    let plain = match message.find(['`', '"']).and_then(|at| message.split_at_checked(at)) {
        None => message.to_owned(),
        Some((before, quoted)) => {
            let after = quoted.rsplit(['`', '"']).next().unwrap_or_default();
            format!("{before} {after}")
        }
    };
    let ours = |word: &&str| {
        let word = word.trim_matches(|c: char| c.is_ascii_punctuation());
        let rule = word.len() == 6 && word.as_bytes().get(3) == Some(&b'-')
            || word.len() == 5 && word.as_bytes().get(2) == Some(&b'-');
        rule || word.bytes().all(|b| b.is_ascii() && !b.is_ascii_digit())
    };
    let words: Vec<&str> = plain.split_whitespace().filter(ours).collect();
    words.join(" ").chars().take(CLASS_CHARS_MAX).collect()
}
