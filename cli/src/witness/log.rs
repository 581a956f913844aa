//! A log that a witness knows: its name, and the keys of which a quorum must have signed.

use std::path::Path;

use mulu_chain::checkpoint::{log_key, origin};
use mulu_chain::limits::VALIDATORS_MAX;
use mulu_chain::note::{Note, NoteInvalid, NoteKey, NoteKeyKind};
use mulu_genesis::DOCUMENT_BYTES_MAX;

use crate::failure::{Failure, Outcome};
use crate::{files, text};

/// A log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedLog {
    /// Its name.
    pub origin: String,
    keys: Vec<(NoteKey, u64)>,
}

impl TrustedLog {
    /// Reads a founding document, or a file of note keys.
    ///
    /// # Errors
    /// Exit 2.
    pub fn read(path: &Path) -> Outcome<TrustedLog> {
        let shown = path.display();
        let limit = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
        let bytes = files::read_bounded(path, limit)?;
        let source = String::from_utf8(bytes).map_err(|e| {
            Failure::usage(text!("{shown} is not UTF-8: {e}", "{shown} 不是 UTF-8：{e}"))
        })?;
        let first = source.lines().find(|line| !line.trim().is_empty());
        if first.is_some_and(|line| line.parse::<NoteKey>().is_ok()) {
            return TrustedLog::of_keys(&source, &shown.to_string());
        }
        let founding = mulu_genesis::parse(&source, &shown.to_string()).map_err(|invalid| {
            Failure::usage(text!(
                "{shown} is neither a founding document nor a list of note keys:\n{invalid}",
                "{shown} 既不是创世文件，也不是验证者公钥列表：\n{invalid}"
            ))
        })?;
        let origin = origin(founding.chain_id());
        let validators = founding.block().validators.validators();
        let keys = validators.iter().map(|v| (log_key(&origin, v.public_key), v.power)).collect();
        Ok(TrustedLog { origin, keys })
    }

    fn of_keys(source: &str, shown: &str) -> Outcome<TrustedLog> {
        let mut keys: Vec<(NoteKey, u64)> = Vec::new();
        for line in source.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let key: NoteKey = line.parse().map_err(|e: NoteInvalid| {
                Failure::usage(text!("{shown}: {line}: {e}", "{shown}：{line}：{e}"))
            })?;
            let origin = keys.first().map_or(&key.name, |(first, _)| &first.name);
            let known = keys.iter().any(|(known, _)| *known == key);
            if key.name != *origin
                || key.kind != NoteKeyKind::Ed25519
                || known
                || keys.len() >= VALIDATORS_MAX
            {
                return Err(Failure::usage(text!(
                    "{shown}: the keys of one log have one name and type 1, each occurs once, {VALIDATORS_MAX} at most",
                    "{shown}：同一日志的公钥须同名、类型为 1、互不重复，最多 {VALIDATORS_MAX} 个"
                )));
            }
            keys.push((key, 1));
        }
        let origin = keys.first().map(|(key, _)| key.name.clone()).unwrap_or_default();
        Ok(TrustedLog { origin, keys })
    }

    /// Whether keys of more than two thirds of the power signed the note.
    ///
    /// # Errors
    /// [`NoteInvalid`] if one of them claims to have and has not.
    pub fn vouches(&self, note: &Note) -> Result<bool, NoteInvalid> {
        let keys: Vec<NoteKey> = self.keys.iter().map(|(key, _)| key.clone()).collect();
        let signers = note.signers(&keys)?;
        let power = |key: &NoteKey| self.keys.iter().find(|(k, _)| k == key).map_or(0, |(_, p)| *p);
        let signed: u128 = signers.into_iter().map(|key| u128::from(power(key))).sum();
        let total: u128 = self.keys.iter().map(|(_, power)| u128::from(*power)).sum();
        Ok(signed.saturating_mul(3) > total.saturating_mul(2))
    }
}
