//! What a replay goes on from another day: the auditor's own file.
//!
//! `MULURPL1`, the genesis digest (32 bytes), SHA-256 of the rest (32), and the bincode of
//! [`Standing`]'s fields. It is written beside and renamed, so a crash leaves the older one. Loading it checks
//! that records, log and validators lead to the roots of its header; that the header is the chain's is
//! the replay's word of the day before, so keep the file as you keep the genesis digest.

use std::path::Path;

use mulu_chain::block::{BlockId, Header};
use mulu_chain::codec;
use mulu_chain::digest::Digest;
use mulu_chain::log::LogFrontier;
use mulu_chain::transaction::TransactionId;
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::replay::Standing;

use crate::failure::{Failure, Outcome};
use crate::{files, text};

const MAGIC: &[u8; 8] = b"MULURPL1";
/// Largest file, in bytes: the records of three million entries.
const KEPT_BYTES_MAX: usize = 32 * 1024 * 1024 * 1024;

type Fields = (Header, LogFrontier, ValidatorSet, Vec<(String, Vec<u8>)>, Vec<TransactionId>);

/// Writes where a replay stands.
///
/// # Errors
/// Exit 2 when the file cannot be written.
pub fn save(path: &Path, genesis: &BlockId, standing: Standing) -> Outcome<()> {
    let Standing { header, frontier, validators, records, transactions } = standing;
    let body = codec::encode(&(header, frontier, validators, records, transactions));
    let digest = Digest::sha256(&body);
    let parts = [MAGIC.as_slice(), genesis.as_bytes(), digest.as_bytes(), body.as_slice()];
    let beside = path.with_extension("tmp");
    files::write_output(&beside, &parts.concat())?;
    std::fs::rename(&beside, path).map_err(|e| {
        let shown = path.display();
        Failure::usage(text!("cannot write {shown}: {e}", "无法写入 {shown}：{e}"))
    })
}

/// Reads where a replay stood; none if there is no such file.
///
/// # Errors
/// Exit 2 when it is damaged or of another chain.
pub fn load(path: &Path, genesis: &BlockId) -> Outcome<Option<Standing>> {
    if !path.exists() {
        return Ok(None);
    }
    let bytes = files::read_bounded(path, u64::try_from(KEPT_BYTES_MAX).unwrap_or(u64::MAX))?;
    let shown = path.display();
    let damaged = || {
        Failure::usage(text!(
            "{shown} is damaged, or of another chain",
            "{shown} 已损坏，或属于其他链"
        ))
        .help(text!("delete it to begin again from block 0", "请删除该文件并从区块 0 重新开始"))
    };
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(damaged)?;
    let (chain, rest) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
    let (digest, body) = rest.split_first_chunk::<32>().ok_or_else(damaged)?;
    if chain != genesis.as_bytes() || Digest::sha256(body).as_bytes() != digest {
        return Err(damaged());
    }
    let (header, frontier, validators, records, transactions) =
        codec::decode::<Fields, KEPT_BYTES_MAX>(body).map_err(|_| damaged())?;
    Ok(Some(Standing { header, frontier, validators, records, transactions }))
}
