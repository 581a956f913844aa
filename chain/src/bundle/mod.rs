//! An audit bundle: everything an auditor needs to check one question offline.
//!
//! File layout: the 8 bytes `MULUBND2`, then frames ([`Frame`]), each `u32` length (little-endian)
//! and the bincode of the frame. Their order lets a reader verify in one pass with memory bounded by
//! the number of histories, not of events: genesis, certified set changes, the certified tip, then
//! the state as one proof with every shared node once ([`state_cover`]), then the subjects whose
//! histories are complete, then the log as one proof ([`log_cover`]) with every transaction in its
//! place and the histories it is an event of. Nothing in a bundle is believed; [`Verifier`] derives
//! trust step by step and names every step with the rule or RFC it rests on. Source: SPEC section 10.

pub mod build;
pub mod frame;
pub mod log_cover;
pub mod question;
pub mod state_cover;
mod verifier;

use serde::Serialize;

pub use self::frame::{Frame, FrameReader, FrameWriter, Head, SetChange, Touch};
pub use self::question::{Question, QuestionInvalid};
pub use self::verifier::{Item, Told, Verifier};
use crate::block::{BlockId, Header};
use crate::limits::BUNDLE_BYTES_MAX;

/// First bytes of a bundle file.
pub const BUNDLE_MAGIC: &[u8; 8] = b"MULUBND2";
/// Layout version of bundles.
pub const BUNDLE_VERSION: u16 = 2;

/// One step of a verification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable name of the check.
    pub name: &'static str,
    /// The rule or RFC it rests on.
    pub basis: &'static str,
    /// How many things were checked.
    pub count: usize,
    /// What is wrong first; nothing if the check passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl Check {
    /// A check that nothing was said of yet.
    pub const fn new(name: &'static str, basis: &'static str) -> Self {
        Check { name, basis, count: 0, failure: None }
    }

    /// Whether it passed.
    pub fn passed(&self) -> bool {
        self.failure.is_none()
    }

    /// Counts one more thing, good or bad; the first bad one is kept.
    pub fn note(&mut self, result: Result<(), String>) {
        self.count = self.count.saturating_add(1);
        if let Err(failure) = result {
            self.fail(failure);
        }
    }

    /// Notes that something is wrong.
    pub fn fail(&mut self, failure: impl Into<String>) {
        if self.failure.is_none() {
            self.failure = Some(failure.into());
        }
    }
}

/// Why a file is not a bundle.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleInvalid {
    /// BND-01
    #[error("BND-01: not a Mulu audit bundle: the file does not begin with MULUBND2")]
    Magic,
    /// BND-02
    #[error("BND-02: the bundle is damaged or of another version: frame {frame}: {reason}")]
    Malformed {
        /// 0-based number of the frame.
        frame: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// BND-03
    #[error("BND-03: the bundle is cut, padded or out of order: frame {frame}: {reason}")]
    Order {
        /// 0-based number of the frame.
        frame: u64,
        /// What is out of order.
        reason: &'static str,
    },
    /// The file could not be read.
    #[error("the bundle cannot be read: {0}")]
    Read(String),
}

/// A bundle as a whole in memory, of at most [`BUNDLE_BYTES_MAX`] bytes. Larger ones are read frame
/// by frame ([`FrameReader`]).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// All frames but the last, which [`Bundle::to_bytes`] writes.
    pub frames: Vec<Frame>,
}

impl Bundle {
    /// Writes the file form.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = FrameWriter::default();
        let mut bytes = BUNDLE_MAGIC.to_vec();
        for frame in &self.frames {
            writer.frame(frame, &mut bytes);
        }
        writer.end(&mut bytes);
        bytes
    }

    /// Reads the file form: bounded and canonical; nothing is verified yet.
    ///
    /// # Errors
    /// BND-01, BND-02 or BND-03.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleInvalid> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(BundleInvalid::Read(format!("it exceeds {BUNDLE_BYTES_MAX} bytes")));
        }
        let mut reader = FrameReader::new(bytes)?;
        let mut frames = Vec::new();
        while let Some(frame) = reader.next_frame()? {
            frames.push(frame);
        }
        Ok(Bundle { frames })
    }

    /// What the first frame says.
    pub fn head(&self) -> Option<&Head> {
        match self.frames.first() {
            Some(Frame::Head(head)) => Some(head),
            _ => None,
        }
    }

    /// The header that everything is proved under.
    pub fn tip(&self) -> Option<&Header> {
        self.frames.iter().find_map(|frame| match frame {
            Frame::Tip(tip) => Some(&tip.header),
            _ => None,
        })
    }

    /// What the bundle says of a state key: a value, or that there is none.
    pub fn record(&self, key: &str) -> Option<Option<&[u8]>> {
        self.frames.iter().find_map(|frame| match frame {
            Frame::Record { key: found, value, .. } if found == key => Some(Some(value.as_slice())),
            Frame::Absent { key: found } if found == key => Some(None),
            _ => None,
        })
    }
}

/// Verifies a bundle against the genesis digest the auditor trusts. Every check is made even if
/// an earlier one failed, so that a report shows all that is wrong. The result depends on nothing
/// but the arguments.
pub fn verify(bundle: &Bundle, trusted_genesis: &BlockId) -> Vec<Check> {
    let mut verifier = Verifier::new(*trusted_genesis);
    for frame in &bundle.frames {
        if let Err(invalid) = verifier.push(frame.clone()) {
            return form_failure(verifier, &invalid);
        }
    }
    verifier.finish()
}

/// The checks made so far, and what made it impossible to go on.
pub fn form_failure(verifier: Verifier, invalid: &BundleInvalid) -> Vec<Check> {
    let mut checks = verifier.finish();
    let mut form = Check::new("bundle-form", "BND-02, BND-03");
    form.fail(invalid.to_string());
    checks.retain(|check| check.name != "bundle-form");
    checks.insert(0, form);
    checks
}

#[cfg(test)]
mod tests;
