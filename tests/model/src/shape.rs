//! Shapes of 11.3: whether a value has one (TX-06), and whether it keeps the bounds (FLD).

use mulu_chain::digest::Digest;
use mulu_chain::signature::{PublicKey, Signature};
use serde_json::{Map, Value};

use crate::spec::{Field, Kind, SPEC};
use crate::{Verdict, need, text};

/// The value with defaults filled in and without `null`; TX-06 if it has another shape.
pub fn read(kind: &Kind, name: &str, value: &Value) -> Verdict<Value> {
    if let Some(fields) = SPEC.object(kind, name) {
        return read_fields(fields, value);
    }
    let fits = match kind {
        Kind::Text(_) => value.is_string(),
        Kind::Int(most) => value.as_u64().is_some_and(|number| number <= *most),
        Kind::List { of, .. } => {
            let list = value.as_array().ok_or("TX-06")?;
            return list.iter().map(|each| read(of, name, each)).collect();
        }
        Kind::Named(kind) => match kind.as_str() {
            "bool" => value.is_boolean(),
            "digest" => value.as_str().is_some_and(|text| text.parse::<Digest>().is_ok()),
            "key" => value.as_str().is_some_and(|text| text.parse::<PublicKey>().is_ok()),
            "standard base64 of 64 bytes" => {
                serde_json::from_value::<Signature>(value.clone()).is_ok()
            }
            "1 to 4" => value.as_u64().is_some_and(|number| number <= 255),
            kind => match SPEC.enumerations.get(kind) {
                Some(values) => value.as_str().is_some_and(|v| values.iter().any(|each| each == v)),
                None => value.is_string(),
            },
        },
        Kind::Object(_) | Kind::AsIn(_) => false,
    };
    need(fits, "TX-06").map(|()| value.clone())
}

/// As [`read`], of an object.
pub fn read_fields(fields: &[Field], value: &Value) -> Verdict<Value> {
    let given = value.as_object().ok_or("TX-06")?;
    need(given.keys().all(|name| fields.iter().any(|field| field.name == *name)), "TX-06")?;
    let mut object = Map::new();
    for field in fields {
        let value = match (given.get(&field.name), &field.default) {
            (None, Some(default)) => default,
            (None | Some(Value::Null), _) if field.optional => continue,
            (None, None) => return Err("TX-06"),
            (Some(value), _) => value,
        };
        object.insert(field.name.clone(), read(&field.kind, &field.name, value)?);
    }
    Ok(Value::Object(object))
}

/// The bounds of a value, part by part in the order of the shape.
pub fn bounds(kind: &Kind, name: &str, value: &Value) -> Verdict {
    if let Some(fields) = SPEC.object(kind, name) {
        return fields.iter().try_for_each(|field| match &value[&field.name] {
            Value::Null => Ok(()),
            part => bounds(&field.kind, &field.name, part),
        });
    }
    match kind {
        Kind::Text(most) => {
            need((1..=*most).contains(&(text(value).chars().count() as u64)), "FLD-01")
        }
        Kind::List { of, bounds: range, distinct } => {
            let list = value.as_array().map_or(&[][..], Vec::as_slice);
            let count = list.len() as u64;
            need(range.is_none_or(|(least, most)| (least..=most).contains(&count)), "FLD-02")?;
            list.iter().try_for_each(|each| bounds(of, name, each))?;
            let by = |each: &Value| match distinct.as_deref() {
                Some("") | None => each.to_string(),
                Some(field) => each[field].to_string(),
            };
            need(distinct.is_none() || is_distinct(list.iter().map(by)), "FLD-05")
        }
        Kind::Named(kind) => match kind.as_str() {
            "code" => need(is_code(text(value)), "FLD-04"),
            "date" => need(is_date(text(value)), "FLD-03"),
            "region" => need(is_region(text(value)), "FLD-07"),
            "resource code" => need(is_resource_code(text(value)), "ENT-05"),
            "peer_id" => need(is_peer_id(text(value)), "MEM-07"),
            "1 to 4" => need((1..=4).contains(&value.as_u64().unwrap_or(0)), "SYS-06"),
            _ => Ok(()),
        },
        Kind::Int(_) | Kind::Object(_) | Kind::AsIn(_) => Ok(()),
    }
}

/// Whether no two are equal.
pub fn is_distinct<T: Ord>(values: impl Iterator<Item = T>) -> bool {
    let mut all: Vec<T> = values.collect();
    let count = all.len();
    all.sort();
    all.dedup();
    all.len() == count
}

fn is_code(text: &str) -> bool {
    let of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=SPEC.bound("CODE_BYTES_MAX")).contains(&(text.len() as u64)) && text.chars().all(of)
}

fn is_region(text: &str) -> bool {
    text.len() == 6 && text.chars().all(|c| c.is_ascii_digit()) && !text.starts_with('0')
}

fn is_resource_code(code: &str) -> bool {
    let alnum = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric());
    let Some((front, back)) = code.split_once('/') else { return false };
    let (Some(region), Some(rest)) = (front.get(..6), front.get(6..)) else { return false };
    code.len() as u64 <= SPEC.bound("RESOURCE_CODE_BYTES_MAX")
        && is_region(region)
        && alnum(rest)
        && !back.is_empty()
        && alnum(back)
}

fn is_peer_id(id: &str) -> bool {
    let base58 = |c: char| c.is_ascii_alphanumeric() && !"0OIl".contains(c);
    (46..=SPEC.bound("PEER_ID_BYTES_MAX")).contains(&(id.len() as u64))
        && id.chars().all(base58)
        && (id.starts_with("12D3KooW") || id.starts_with("Qm"))
}

fn is_date(text: &str) -> bool {
    let shape = text.len() == 10
        && text
            .char_indices()
            .all(|(at, c)| if at == 4 || at == 7 { c == '-' } else { c.is_ascii_digit() });
    let part = |range| text.get(range).and_then(|part: &str| part.parse::<u64>().ok()).unwrap_or(0);
    let (year, month, day) = (part(0..4), part(5..7), part(8..10));
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    shape && (1..=days).contains(&day)
}

/// 11.2: MEM-03, and MEM-04 unless waived.
pub fn uscc(text: &str, waived: bool) -> Verdict {
    const SYMBOLS: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
    let values: Option<Vec<usize>> = text.chars().map(|c| SYMBOLS.find(c)).collect();
    let values = values.filter(|values| values.len() == 18).ok_or("MEM-03")?;
    need(values[2..8].iter().all(|value| *value < 10), "MEM-03")?;
    let mut weight = 1;
    let mut sum = 0;
    for value in &values[..17] {
        sum += value * weight;
        weight = weight * 3 % 31;
    }
    need(waived || values[17] == (31 - sum % 31) % 31, "MEM-04")
}

const DAY_MS: u64 = 86_400_000;
/// Beijing is so far ahead of UTC.
const BEIJING_MS: u64 = 8 * 3_600_000;

/// The date in Beijing at a time, `YYYY-MM-DD`.
pub fn today(time_ms: u64) -> String {
    date((time_ms + BEIJING_MS) / DAY_MS)
}

/// The end of a deadline of so many working days from a time (11.4).
pub fn deadline_ms(since_ms: u64, working_days: u64, calendar: &Value) -> u64 {
    let mut day = (since_ms + BEIJING_MS) / DAY_MS;
    let mut left = working_days;
    while left > 0 {
        day += 1;
        let named = |list: &str| {
            calendar[list]
                .as_array()
                .is_some_and(|dates| dates.iter().any(|each| *each == date(day)))
        };
        // Day 0 was a Thursday.
        let weekend = (day + 3) % 7 >= 5;
        left -= u64::from(if weekend { named("workdays") } else { !named("holidays") });
    }
    (day + 1) * DAY_MS - BEIJING_MS - 1
}

/// The date of a day since 1970. Source: Howard Hinnant, chrono-compatible dates.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (era, of_era) = (days / 146_097, days % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
