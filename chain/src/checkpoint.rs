//! Checkpoints (C2SP tlog-checkpoint): what a header says of the log, as a note that any
//! transparency-log tool reads.
//!
//! ```text
//! mulu/<chain id>
//! <log size, decimal>
//! <base64 of the log root>
//! ```
//!
//! There are no extension lines. The origin is the name every validator's key signs under, with
//! type `0x01`: the signature depends on nothing but the text, so a validator needs no clock, and
//! signing again after a crash gives the same bytes. A validator signs only what a committed header
//! says, and a certificate vouches for that header: no line says more than a quorum has decided.
//! No vote, proposal, identity or transaction begins as a checkpoint does (their first bytes are a
//! tag's length below 32, or `DSSEv1`), so a line is never a signature of another kind. A
//! validator's lines over two roots of one size are evidence against it. Source: SPEC section 7.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::block::Header;
use crate::digest::Digest;
use crate::log::{InclusionProof, LOG_ENTRY_VERSION, LogProofInvalid};
use crate::note::{Note, NoteInvalid, NoteKey, NoteKeyKind};
use crate::signature::PublicKey;
use crate::types::ChainId;
use crate::validator::ValidatorSet;

const ORIGIN_PREFIX: &str = "mulu/";
/// First line of an exported proof.
pub const TLOG_PROOF_HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Most bytes of an exported proof: the note, and hashes of 45 characters.
pub const TLOG_PROOF_BYTES_MAX: usize =
    crate::limits::NOTE_BYTES_MAX + 46 * crate::limits::LOG_PROOF_HASHES_MAX + 128;

/// The text of a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which log.
    pub origin: String,
    /// Its leaves.
    pub size: u64,
    /// Its root.
    pub root: Digest,
}

/// Why a text is not a checkpoint, or one is not vouched for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointInvalid {
    /// The note.
    #[error(transparent)]
    Note(#[from] NoteInvalid),
    /// Not the three lines.
    #[error("not a checkpoint (C2SP tlog-checkpoint): {0}")]
    Form(&'static str),
    /// Of another log.
    #[error("the checkpoint is of the log `{found}`, not `{expected}`")]
    Origin {
        /// The log asked about.
        expected: String,
        /// The log it is of.
        found: String,
    },
    /// Too few lines.
    #[error("validators of power {power} signed the checkpoint; a quorum of {total} is needed")]
    Quorum {
        /// Power of those who signed.
        power: u64,
        /// Power of all.
        total: u64,
    },
    /// The leaf is not in the log.
    #[error(transparent)]
    Proof(#[from] LogProofInvalid),
}

/// The name of a chain's log.
pub fn origin(chain_id: &ChainId) -> String {
    format!("{ORIGIN_PREFIX}{chain_id}")
}

/// A validator's key as it signs the checkpoints of a log.
pub fn log_key(origin: &str, key: PublicKey) -> NoteKey {
    NoteKey { name: origin.to_owned(), kind: NoteKeyKind::Ed25519, key }
}

impl Checkpoint {
    /// What a header says of the log.
    pub fn of(header: &Header) -> Checkpoint {
        let origin = origin(&header.chain_id);
        Checkpoint { origin, size: header.log_size, root: header.log_root }
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, STANDARD.encode(self.root.as_bytes()))
    }

    /// Reads the text of a note.
    ///
    /// # Errors
    /// [`CheckpointInvalid::Form`].
    pub fn parse(text: &str) -> Result<Checkpoint, CheckpointInvalid> {
        let form = CheckpointInvalid::Form;
        let text = text.strip_suffix('\n').ok_or(form("the last line has no line break"))?;
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next())
        else {
            return Err(form("it has three lines: origin, size, root"));
        };
        if lines.next().is_some() {
            return Err(form("extension lines are not used by this log"));
        }
        if !crate::note::is_name(origin) {
            return Err(form("the origin is no name"));
        }
        let number: u64 = size.parse().map_err(|_| form("the size is no number"))?;
        if number.to_string() != size {
            return Err(form("the size is not written plainly"));
        }
        Ok(Checkpoint { origin: origin.to_owned(), size: number, root: hash(root)? })
    }

    /// Reads a note and the checkpoint in it; no line is verified.
    ///
    /// # Errors
    /// [`CheckpointInvalid`].
    pub fn from_note(note: &str) -> Result<(Checkpoint, Note), CheckpointInvalid> {
        let note: Note = note.parse()?;
        Ok((Checkpoint::parse(&note.text)?, note))
    }
}

/// Base64 of 32 bytes.
fn hash(line: &str) -> Result<Digest, CheckpointInvalid> {
    let bytes = STANDARD.decode(line).map_err(|_| CheckpointInvalid::Form("a hash is base64"))?;
    let bytes: [u8; 32] =
        bytes.try_into().map_err(|_| CheckpointInvalid::Form("a hash has 32 bytes"))?;
    Ok(Digest::from_bytes(bytes))
}

/// Reads a note of a chain's log and checks that a quorum of the set signed it.
///
/// # Errors
/// [`CheckpointInvalid`].
pub fn verify(
    note: &str,
    chain_id: &ChainId,
    set: &ValidatorSet,
) -> Result<Checkpoint, CheckpointInvalid> {
    let (checkpoint, note) = Checkpoint::from_note(note)?;
    let expected = origin(chain_id);
    if checkpoint.origin != expected {
        return Err(CheckpointInvalid::Origin { expected, found: checkpoint.origin });
    }
    let validators = set.validators();
    let keys: Vec<NoteKey> = validators.iter().map(|v| log_key(&expected, v.public_key)).collect();
    let signers = note.signers(&keys)?;
    let powers = signers.iter().filter_map(|key| set.get(&key.key)).map(|v| v.power);
    let power = powers.fold(0u64, u64::saturating_add);
    if set.is_quorum(power) {
        Ok(checkpoint)
    } else {
        Err(CheckpointInvalid::Quorum { power, total: set.total_power() })
    }
}

/// A transaction's place in the log as a file that other tools read (C2SP tlog-proof): the leaf in
/// an `extra` line, its index, the hashes from leaf to root, the checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The leaf: a log entry's bytes.
    pub leaf: Vec<u8>,
    /// Where it stands.
    pub inclusion: InclusionProof,
    /// The signed checkpoint.
    pub note: Note,
}

impl TlogProof {
    /// Writes the file.
    pub fn to_text(&self) -> String {
        let mut text = format!("{TLOG_PROOF_HEADER}\nextra {}\n", STANDARD.encode(&self.leaf));
        text.push_str(&format!("index {}\n", self.inclusion.index));
        for hash in &self.inclusion.hashes {
            text.push_str(&STANDARD.encode(hash.as_bytes()));
            text.push('\n');
        }
        text.push('\n');
        text.push_str(&self.note.to_string());
        text
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CheckpointInvalid`] if it is none, or holds no leaf.
    pub fn parse(text: &str) -> Result<TlogProof, CheckpointInvalid> {
        let form = CheckpointInvalid::Form;
        if text.len() > TLOG_PROOF_BYTES_MAX {
            return Err(form("the file is too long"));
        }
        let (head, note) =
            text.split_once("\n\n").ok_or(form("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        if lines.next() != Some(TLOG_PROOF_HEADER) {
            return Err(form("the first line is not c2sp.org/tlog-proof@v1"));
        }
        let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
        let leaf = extra.and_then(|encoded| STANDARD.decode(encoded).ok());
        let leaf = leaf.ok_or(form("the second line is not `extra` and the leaf"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index "));
        let index = index.ok_or(form("the third line is not `index` and a number"))?;
        let number: u64 = index.parse().map_err(|_| form("the index is no number"))?;
        if number.to_string() != index {
            return Err(form("the index is not written plainly"));
        }
        let hashes = lines.map(hash).collect::<Result<_, _>>()?;
        let inclusion = InclusionProof { index: number, hashes };
        Ok(TlogProof { leaf, inclusion, note: note.parse()? })
    }

    /// Verifies everything: a quorum vouches for the checkpoint, the leaf is in that log.
    ///
    /// # Errors
    /// [`CheckpointInvalid`].
    pub fn verify(
        &self,
        chain_id: &ChainId,
        set: &ValidatorSet,
    ) -> Result<Checkpoint, CheckpointInvalid> {
        let checkpoint = verify(&self.note.to_string(), chain_id, set)?;
        if self.leaf.first_chunk() != Some(&LOG_ENTRY_VERSION.to_le_bytes()) {
            return Err(CheckpointInvalid::Form("the leaf is no log entry of a known version"));
        }
        self.inclusion.verify(&self.leaf, checkpoint.size, &checkpoint.root)?;
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests;
