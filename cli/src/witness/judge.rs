//! What a witness answers to `POST /add-checkpoint`, as C2SP tlog-witness says. Touches nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::checkpoint::Checkpoint;
use mulu_chain::digest::Digest;
use mulu_chain::limits::{LOG_PROOF_HASHES_MAX, NOTE_BYTES_MAX};
use mulu_chain::log::ConsistencyProof;
use mulu_chain::note::Note;

use super::log::TrustedLog;

/// Most bytes of a request: the note, and hashes of 45 characters.
pub const REQUEST_BYTES_MAX: usize = NOTE_BYTES_MAX + 46 * LOG_PROOF_HASHES_MAX + 64;
/// Media type of the size in a 409.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";

/// An answer of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The media type.
    pub media_type: &'static str,
    /// The body.
    pub body: String,
}

impl Answer {
    /// An answer in words, or a cosignature.
    pub fn text(status: u16, body: impl Into<String>) -> Answer {
        Answer { status, media_type: "text/plain; charset=utf-8", body: body.into() }
    }

    /// The witness cannot remember, so it does not sign.
    pub fn broken() -> Answer {
        Answer::text(500, "the witness cannot write what it would cosign; nothing was signed\n")
    }

    fn conflict(known: u64) -> Answer {
        Answer { status: 409, media_type: SIZE_MEDIA_TYPE, body: format!("{known}\n") }
    }
}

/// A request to be cosigned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// As it came.
    pub note: Note,
}

/// Judges a request. `known` says what was cosigned last of a log.
///
/// # Errors
/// The answer that refuses it.
pub fn judge(
    body: &[u8],
    logs: &[TrustedLog],
    known: impl Fn(&str) -> Option<(u64, Digest)>,
) -> Result<Judged, Answer> {
    let bad = |why: &str| Answer::text(400, format!("{why}\n"));
    let text = std::str::from_utf8(body).map_err(|_| bad("the request is not UTF-8"))?;
    let (head, note) =
        text.split_once("\n\n").ok_or_else(|| bad("no empty line before the checkpoint"))?;
    let (old, proof) = read_head(head).ok_or_else(|| {
        bad("the request begins with `old` and a size, then base64 hashes, one a line")
    })?;
    let (checkpoint, note) = Checkpoint::from_note(note).map_err(|e| bad(&e.to_string()))?;
    let log = logs
        .iter()
        .find(|log| log.origin == checkpoint.origin)
        .ok_or_else(|| Answer::text(404, format!("unknown log {}\n", checkpoint.origin)))?;
    let forbidden = |why: String| Answer::text(403, format!("{why}\n"));
    if !log.vouches(&note).map_err(|e| forbidden(e.to_string()))? {
        return Err(forbidden(
            "no quorum of the log's validators signed the checkpoint".to_owned(),
        ));
    }
    if old > checkpoint.size {
        return Err(bad("the old size exceeds the checkpoint's"));
    }
    let known = known(&checkpoint.origin).unwrap_or((0, Digest::sha256(b"")));
    let (known_size, known_root) = known;
    if old != known_size || (old == checkpoint.size && known_root != checkpoint.root) {
        return Err(Answer::conflict(known_size));
    }
    proof.verify((old, &known_root), (checkpoint.size, &checkpoint.root)).map_err(|e| {
        Answer::text(422, format!("the log cosigned before is not a prefix of this one: {e}\n"))
    })?;
    Ok(Judged { checkpoint, note })
}

/// `old <size>`, then a hash a line.
fn read_head(head: &str) -> Option<(u64, ConsistencyProof)> {
    let mut lines = head.split('\n');
    let size = lines.next()?.strip_prefix("old ")?;
    let old: u64 = size.parse().ok()?;
    if old.to_string() != size {
        return None;
    }
    let hash = |line: &str| Some(Digest::from_bytes(STANDARD.decode(line).ok()?.try_into().ok()?));
    let hashes: Vec<Digest> = lines.map(hash).collect::<Option<_>>()?;
    (hashes.len() <= LOG_PROOF_HASHES_MAX).then_some((old, ConsistencyProof { hashes }))
}
