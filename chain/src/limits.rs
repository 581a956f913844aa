//! Every bound of the chain, named, with its unit last.

/// Largest signed payload, in bytes (rule TX-02). The whole envelope must also fit a
/// tlog-tiles entry bundle (65,535 bytes per entry), hence the margin for signatures.
pub const PAYLOAD_BYTES_MAX: usize = 60 * 1024;
/// Largest DSSE envelope in JSON form accepted from a client, in bytes.
pub const ENVELOPE_JSON_BYTES_MAX: usize = 96 * 1024;
/// Most signatures one envelope may carry: a quorum of 46 members can co-sign one payload.
pub const SIGNATURES_MAX: usize = 32;
/// Deepest nesting of arrays and objects in a payload.
pub const JSON_DEPTH_MAX: usize = 16;
/// Largest integer a payload may carry: 2^53 - 1, the I-JSON interoperable range (RFC 7493).
pub const JSON_INTEGER_MAX: u64 = 9_007_199_254_740_991;
/// Longest single JSON string, in bytes.
pub const JSON_STRING_BYTES_MAX: usize = 16 * 1024;
/// Most transactions submitted together, and so named in one receipt of a submission.
pub const ACKNOWLEDGED_MAX: usize = 256;
/// Largest body of several envelopes submitted together, in bytes.
pub const SUBMISSION_BYTES_MAX: usize = 1024 * 1024;
/// Most transactions in one block.
pub const BLOCK_TRANSACTIONS_MAX: usize = 4096;
/// Largest encoded block, in bytes.
pub const BLOCK_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest encoded header and the lengths around a block's parts, in bytes.
pub const HEADER_BYTES_MAX: usize = 1024;
/// Longest chain id, in bytes.
pub const CHAIN_ID_BYTES_MAX: usize = 64;
/// Most validators in a set.
pub const VALIDATORS_MAX: usize = 128;
/// Most hashes in an RFC 6962 proof: a tree of 2^63 leaves.
pub const LOG_PROOF_HASHES_MAX: usize = 128;
/// Most siblings in a state proof: the bits of a key hash.
pub const STATE_PROOF_SIBLINGS_MAX: usize = 256;
/// Largest value under a state key, in bytes.
pub const STATE_VALUE_BYTES_MAX: usize = 64 * 1024;
/// Longest state key, in bytes.
pub const STATE_KEY_BYTES_MAX: usize = 512;
/// Longest rule identifier, in bytes.
pub const RULE_ID_BYTES_MAX: usize = 16;
/// Largest signed note, in bytes: a checkpoint and 256 lines of at most 250.
pub const NOTE_BYTES_MAX: usize = 64 * 1024;
/// Most signature lines of a note: every validator's and as many witnesses'.
pub const NOTE_SIGNATURES_MAX: usize = 2 * VALIDATORS_MAX;
/// Longest name of a note key, in bytes.
pub const NOTE_NAME_BYTES_MAX: usize = 128;
/// Largest audit bundle read as a whole, in bytes; larger ones are read frame by frame.
pub const BUNDLE_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Largest frame of an audit bundle, in bytes: an envelope with the events of its 500 actions.
pub const BUNDLE_FRAME_BYTES_MAX: usize = 256 * 1024;
/// Most subjects whose histories one audit bundle tells.
pub const BUNDLE_HISTORIES_MAX: usize = 262_144;
/// Largest encoded commit certificate, in bytes: 128 signatures and what they sign.
pub const CERTIFICATE_BYTES_MAX: usize = 64 * 1024;
/// Most blocks in one archive file.
pub const ARCHIVE_BLOCKS_MAX: usize = 65_536;
/// Most bytes of blocks in one archive file: it is read as a whole.
pub const ARCHIVE_BYTES_MAX: usize = 64 * 1024 * 1024;

// How the bounds relate.
const _: () = assert!(PAYLOAD_BYTES_MAX + SIGNATURES_MAX * 98 + 64 < 65_535);
const _: () =
    assert!(ENVELOPE_JSON_BYTES_MAX > PAYLOAD_BYTES_MAX.div_ceil(3) * 4 + SIGNATURES_MAX * 256);
const _: () = assert!(ARCHIVE_BYTES_MAX > 8 * (BLOCK_BYTES_MAX + CERTIFICATE_BYTES_MAX));
const _: () = assert!(BLOCK_BYTES_MAX > 16 * (PAYLOAD_BYTES_MAX + 4096));
