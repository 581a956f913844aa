//! The payload's shape, once more: what was parsed must be written the way it is specified.
//!
//! The JSON library reads a structure from the array of its values too, and a name from
//! `{"name": null}`. Another implementation would not, and a block that one node accepts and
//! another refuses splits the chain. So the parsed payload is written again and compared: an
//! object must have been an object, a name a text (TX-06). Fields may be left out or `null`.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error};
use serde_json::{Map, Value};

/// A structure written as an object; for a field that is not written again when it is empty, where
/// [`difference`] has nothing to compare.
pub(crate) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<T, D::Error> {
    let object = Map::deserialize(from)?;
    serde_json::from_value(Value::Object(object)).map_err(D::Error::custom)
}

/// The first place where `sent` is written as another kind of value than `read` is, as a path.
pub(crate) fn difference(sent: &Value, read: &Value) -> Option<String> {
    match (sent, read) {
        (Value::Object(sent), Value::Object(read)) => sent.iter().find_map(|(key, value)| {
            // What is not written again was left out, null or empty, which says the same.
            let again = read.get(key)?;
            difference(value, again).map(|path| format!(".{key}{path}"))
        }),
        (Value::Array(sent), Value::Array(read)) => (0usize..)
            .zip(sent.iter().zip(read))
            .find_map(|(at, (a, b))| difference(a, b).map(|path| format!("[{at}]{path}"))),
        (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_))
        | (Value::Null, _) => None,
        _ => Some(String::new()),
    }
}
