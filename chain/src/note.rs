//! Signed notes (C2SP signed-note): a text and the lines of those who signed it.
//!
//! ```text
//! text, one or more lines
//! <empty line>
//! — <name> <base64(key id (4 bytes) ‖ signature)>
//! ```
//!
//! The key id is the first four bytes of `SHA-256(name ‖ 0x0A ‖ type ‖ public key)`: a hint which
//! key to try, never a proof. Two types are known here: `0x01`, Ed25519 over the text, and `0x04`,
//! a *cosignature* (C2SP tlog-cosignature): Ed25519 over `cosignature/v1\ntime <seconds>\n` and the
//! text, the seconds in front of the signature as a big-endian `u64`. A line of a key we do not
//! know says nothing; a line of a key we know that does not verify spoils the whole note.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use crate::limits::{NOTE_BYTES_MAX, NOTE_NAME_BYTES_MAX, NOTE_SIGNATURES_MAX};
use crate::signature::{PublicKey, Signature, SigningKey};

const SIGNATURE_PREFIX: &str = "— ";

/// How a key signs notes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKeyKind {
    /// `0x01`: Ed25519 over the text; how a log's own keys sign.
    Ed25519 = 0x01,
    /// `0x04`: Ed25519 over the text with a time; how witnesses sign.
    Cosignature = 0x04,
}

/// A key under the name it signs notes with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoteKey {
    /// The name in its lines.
    pub name: String,
    /// How it signs.
    pub kind: NoteKeyKind,
    /// The key.
    pub key: PublicKey,
}

/// One line of a note.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    /// Whose line it says it is.
    pub name: String,
    /// Which of the name's keys.
    pub id: [u8; 4],
    /// What the key's kind wants.
    pub bytes: Vec<u8>,
}

/// A note: nothing of it is believed before a line verifies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The text, with its last line break.
    pub text: String,
    /// The lines, in the order given.
    pub signatures: Vec<NoteSignature>,
}

/// Why bytes are not a note, or a note is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoteInvalid {
    /// Longer than the bound.
    #[error(
        "the note is longer than {NOTE_BYTES_MAX} bytes or has more than {NOTE_SIGNATURES_MAX} signature lines"
    )]
    Bound,
    /// Not the form.
    #[error("not a signed note (C2SP signed-note): {0}")]
    Form(&'static str),
    /// A name no key may have.
    #[error("not the name of a note key: 1 to {NOTE_NAME_BYTES_MAX} bytes without blank or `+`")]
    Name,
    /// A key's text of another form.
    #[error("not a note key: expected `name+hash+base64` of an Ed25519 key of type 1 or 4")]
    Key,
    /// A line of a key we know does not verify.
    #[error("the line of {0} does not verify")]
    Signature(String),
}

/// Whether a key may be called so.
pub fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= NOTE_NAME_BYTES_MAX
        && !name.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

impl NoteKey {
    /// The first bytes of `SHA-256(name ‖ 0x0A ‖ type ‖ public key)`.
    pub fn id(&self) -> [u8; 4] {
        let mut hasher = Sha256::new();
        hasher.update(self.name.as_bytes());
        hasher.update([0x0a, self.kind as u8]);
        hasher.update(self.key.as_bytes());
        let hash: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = hash;
        [a, b, c, d]
    }

    /// A line of kind `0x01` from a signature made elsewhere.
    pub fn line(&self, signature: &Signature) -> NoteSignature {
        let bytes = signature.as_bytes().to_vec();
        NoteSignature { name: self.name.clone(), id: self.id(), bytes }
    }

    /// Signs a text at a time, in seconds since 1970; kind `0x01` does not say when.
    pub fn sign(&self, key: &SigningKey, text: &str, time_s: u64) -> NoteSignature {
        match self.kind {
            NoteKeyKind::Ed25519 => self.line(&key.sign(text.as_bytes())),
            NoteKeyKind::Cosignature => {
                let signature = key.sign(cosigned(text, time_s).as_bytes());
                let bytes = [time_s.to_be_bytes().as_slice(), signature.as_bytes()].concat();
                NoteSignature { name: self.name.clone(), id: self.id(), bytes }
            }
        }
    }

    /// Whether the line says that this key made it.
    pub fn claims(&self, line: &NoteSignature) -> bool {
        line.name == self.name && line.id == self.id()
    }

    /// Whether this key made the line over this text.
    pub fn verifies(&self, text: &str, line: &NoteSignature) -> bool {
        if !self.claims(line) {
            return false;
        }
        let (bytes, message) = match self.kind {
            NoteKeyKind::Ed25519 => (line.bytes.as_slice(), text.to_owned()),
            NoteKeyKind::Cosignature => {
                let Some((time, bytes)) = line.bytes.split_first_chunk::<8>() else { return false };
                (bytes, cosigned(text, u64::from_be_bytes(*time)))
            }
        };
        let Ok(bytes) = <[u8; 64]>::try_from(bytes) else { return false };
        self.key.verify(message.as_bytes(), &Signature::from_bytes(bytes)).is_ok()
    }
}

/// What a cosignature covers.
fn cosigned(text: &str, time_s: u64) -> String {
    format!("cosignature/v1\ntime {time_s}\n{text}")
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [[self.kind as u8].as_slice(), self.key.as_bytes()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(typed))
    }
}

impl FromStr for NoteKey {
    type Err = NoteInvalid;

    fn from_str(text: &str) -> Result<Self, NoteInvalid> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(typed)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteInvalid::Key);
        };
        if !is_name(name) {
            return Err(NoteInvalid::Name);
        }
        let typed = STANDARD.decode(typed).map_err(|_| NoteInvalid::Key)?;
        let (kind, bytes) = typed.split_first().ok_or(NoteInvalid::Key)?;
        let kind = match kind {
            0x01 => NoteKeyKind::Ed25519,
            0x04 => NoteKeyKind::Cosignature,
            _ => return Err(NoteInvalid::Key),
        };
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| NoteInvalid::Key)?;
        let key = PublicKey::from_bytes(bytes).map_err(|_| NoteInvalid::Key)?;
        let key = NoteKey { name: name.to_owned(), kind, key };
        if hex::encode(key.id()) != id { Err(NoteInvalid::Key) } else { Ok(key) }
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_slice(), &self.bytes].concat();
        write!(f, "{SIGNATURE_PREFIX}{} {}", self.name, STANDARD.encode(bytes))
    }
}

impl FromStr for NoteSignature {
    type Err = NoteInvalid;

    fn from_str(line: &str) -> Result<Self, NoteInvalid> {
        let form = NoteInvalid::Form("a signature line is `— name base64`");
        let rest = line.strip_prefix(SIGNATURE_PREFIX).ok_or_else(|| form.clone())?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(|| form.clone())?;
        if !is_name(name) {
            return Err(NoteInvalid::Name);
        }
        let bytes = STANDARD.decode(encoded).map_err(|_| form.clone())?;
        let (id, bytes) = bytes.split_first_chunk::<4>().ok_or_else(|| form.clone())?;
        if bytes.is_empty() {
            return Err(form);
        }
        Ok(NoteSignature { name: name.to_owned(), id: *id, bytes: bytes.to_vec() })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl FromStr for Note {
    type Err = NoteInvalid;

    fn from_str(note: &str) -> Result<Self, NoteInvalid> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteInvalid::Bound);
        }
        if note.chars().any(|c| c != '\n' && c.is_control()) {
            return Err(NoteInvalid::Form("it holds a control character"));
        }
        let (text, lines) = note
            .rsplit_once("\n\n")
            .ok_or(NoteInvalid::Form("no empty line parts text and signatures"))?;
        let lines = lines
            .strip_suffix('\n')
            .ok_or(NoteInvalid::Form("the last line does not end in a line break"))?;
        let lines: Vec<&str> =
            lines.split('\n').take(NOTE_SIGNATURES_MAX.saturating_add(1)).collect();
        if lines.len() > NOTE_SIGNATURES_MAX {
            return Err(NoteInvalid::Bound);
        }
        let signatures = lines.into_iter().map(str::parse).collect::<Result<_, _>>()?;
        Ok(Note { text: format!("{text}\n"), signatures })
    }
}

impl Note {
    /// Which of `keys` signed, each once, in their order.
    ///
    /// # Errors
    /// [`NoteInvalid::Signature`] if a line claims to be of one of them and is not.
    pub fn signers<'k>(&self, keys: &'k [NoteKey]) -> Result<Vec<&'k NoteKey>, NoteInvalid> {
        let mut signed = vec![false; keys.len()];
        for line in &self.signatures {
            // Key ids are short: two keys of one name may share one, so all that fit are tried.
            let mut claimed = false;
            let mut verified = false;
            for (key, signed) in keys.iter().zip(&mut signed) {
                if key.claims(line) {
                    claimed = true;
                    if key.verifies(&self.text, line) {
                        *signed = true;
                        verified = true;
                    }
                }
            }
            if claimed && !verified {
                return Err(NoteInvalid::Signature(line.name.clone()));
            }
        }
        Ok(keys.iter().zip(signed).filter(|(_, signed)| *signed).map(|(key, _)| key).collect())
    }
}

#[cfg(test)]
mod tests;
