//! Which encoding a file is in: UTF-8 (with or without a byte order mark), UTF-16 with one, or GBK
//! (read as its superset GB 18030), the encoding of spreadsheets on Chinese Windows. A file that is
//! none of these is refused, not guessed at.

use encoding_rs::{Encoding, GB18030, UTF_8};

use crate::failure::{Failure, Outcome};
use crate::text;

/// A decoded file.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Its text without a byte order mark.
    pub text: String,
    /// The encoding's name.
    pub encoding: &'static str,
}

/// Decodes a file.
///
/// # Errors
/// Exit 2 when no encoding fits.
pub fn decode(bytes: Vec<u8>) -> Outcome<Decoded> {
    if let Some((encoding, mark)) = Encoding::for_bom(&bytes) {
        let body = bytes.get(mark..).unwrap_or_default();
        let name = encoding.name();
        let text = encoding.decode_without_bom_handling_and_without_replacement(body);
        return text
            .map(|text| Decoded { text: text.into_owned(), encoding: name })
            .ok_or_else(|| refused(name));
    }
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return Ok(Decoded { text, encoding: UTF_8.name() }),
        Err(error) => error.into_bytes(),
    };
    GB18030
        .decode_without_bom_handling_and_without_replacement(&bytes)
        .map(|text| Decoded { text: text.into_owned(), encoding: "GBK" })
        .ok_or_else(|| refused("UTF-8 / GBK"))
}

fn refused(name: &str) -> Failure {
    Failure::usage(text!("the file is not valid {name} text", "该文件不是有效的 {name} 文本",))
        .help(text!(
            "save it as UTF-8 (in a spreadsheet: \"CSV UTF-8\") and try again",
            "请另存为 UTF-8（电子表格中选择“CSV UTF-8”）后重试",
        ))
}

#[cfg(test)]
mod tests;
