//! 统一社会信用代码: the identity of a member (GB 32100-2015).
//!
//! 18 characters over a 31-symbol alphabet without I, O, S, V, Z; characters 3 to 8 are digits
//! (division code); the last is a check symbol. Upper case only: nothing is folded.

/// The 31 symbols; a symbol's value is its position.
const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRTUWXY";
/// `3^i mod 31` for the first 17 characters.
const WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
/// Number of characters.
const LENGTH: usize = 18;

fn value(symbol: char) -> Option<u32> {
    ALPHABET.find(symbol).and_then(|position| u32::try_from(position).ok())
}

/// Whether a text has the form of a code: length, alphabet, and digits at 3 to 8.
pub fn has_form(text: &str) -> bool {
    let in_place = |(index, symbol): (usize, char)| match index {
        2..=7 => symbol.is_ascii_digit(),
        _ => value(symbol).is_some(),
    };
    text.len() == LENGTH && text.chars().enumerate().all(in_place)
}

/// Whether a text has the form and the right check symbol. Codes that fail the check have been
/// issued; admission may waive it (`uscc_check_waived`).
pub fn has_check_symbol(text: &str) -> bool {
    if !has_form(text) {
        return false;
    }
    let sum = text.chars().zip(WEIGHTS).fold(0u32, |sum, (symbol, weight)| {
        sum.saturating_add(value(symbol).unwrap_or(0).saturating_mul(weight))
    });
    // The outer remainder turns 31 into 0.
    let expected = 31u32.saturating_sub(sum % 31) % 31;
    text.chars().last().and_then(value) == Some(expected)
}

#[cfg(test)]
mod tests;
