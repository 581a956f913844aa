//! The whole chain once more, from an archive folder or a node: in parallel, at the speed of signatures.
//!
//! A batch of blocks is verified on all cores (signatures, payloads, certificates) while the batch before
//! it is executed in order ([`mulu_contracts::replay`]). Nothing the source says is believed: block 0
//! comes from the founding document the auditor brings along. The first difference ends it.

// A difference ends an audit: it is made once, and its size costs nothing.
#![allow(clippy::result_large_err)]

mod kept;
mod source;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mulu_chain::archive::ArchiveInvalid;
use mulu_chain::block::CertifiedBlock;
use mulu_chain::signature::SigningKey;
use mulu_chain::types::Height;
use mulu_chain::validator::ValidatorSet;
use mulu_contracts::replay::{Difference, Replay, Standing};
use mulu_contracts::transaction::Transaction;

pub use self::kept::{load, save};
pub use self::source::{Folder, NodeBlocks, Source};
use crate::failure::Outcome;

/// Transactions that one thread verifies at a time.
const CHUNK_TRANSACTIONS: usize = 16;

/// How far a replay has come.
#[derive(Debug, Clone, Default)]
pub struct Progress {
    /// Blocks replayed in this run.
    pub blocks: u64,
    /// Transactions of them.
    pub transactions: u64,
    /// Signatures verified, of transactions and certificates.
    pub signatures: u64,
    /// Time it took.
    pub took: Duration,
}

/// The standing at block 0.
pub fn founding(genesis: &mulu_genesis::Founding) -> Standing {
    let block = genesis.block();
    Standing {
        header: block.header.clone(),
        frontier: Default::default(),
        validators: block.validators.clone(),
        records: block.state.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        transactions: Vec::new(),
    }
}

/// A block whose signatures were looked at.
struct Looked {
    block: CertifiedBlock,
    transactions: Result<Vec<Transaction>, (usize, String)>,
    certified: bool,
}

/// Replays everything the source has; `each` hears of every batch and says whether to go on.
///
/// # Errors
/// Those of the source; the inner result is the verdict.
pub fn run(
    replay: &mut Replay,
    source: &mut dyn Source,
    workers: usize,
    each: &mut dyn FnMut(&Replay, &Progress) -> Outcome<()>,
) -> Outcome<Result<Progress, Difference>> {
    let started = Instant::now();
    let mut progress = Progress::default();
    let mut waiting: Option<(Vec<Looked>, ValidatorSet)> = None;
    let mut next = replay.header().height.next();
    loop {
        let blocks = match source.next(next)? {
            Ok(blocks) => blocks,
            Err(invalid) => {
                // What came before is executed first: the first difference counts.
                if let Some((batch, set)) = waiting.take()
                    && let Err(difference) = execute(replay, batch, &set, &mut progress)
                {
                    return Ok(Err(difference));
                }
                return Ok(Err(malformed(next, &invalid)));
            }
        };
        let ended = blocks.is_empty();
        next = Height(next.0.saturating_add(u64::try_from(blocks.len()).unwrap_or(0)));
        let set = replay.validators().clone();
        let (looked, executed) = std::thread::scope(|scope| {
            let looking = scope.spawn(|| look(blocks, &set, workers));
            let executed = match waiting.take() {
                Some((batch, set)) => execute(replay, batch, &set, &mut progress),
                None => Ok(()),
            };
            (looking.join(), executed)
        });
        progress.took = started.elapsed();
        if let Err(difference) = executed {
            return Ok(Err(difference));
        }
        each(replay, &progress)?;
        match looked {
            Ok(looked) if !ended => waiting = Some((looked, set)),
            Ok(_) => return Ok(Ok(progress)),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

fn malformed(height: Height, invalid: &ArchiveInvalid) -> Difference {
    let height = match invalid {
        ArchiveInvalid::Block { height, .. } => *height,
        _ => height,
    };
    Difference {
        height,
        record: "block".to_owned(),
        field: "form",
        rule: "ARC-01..06, BLK-01, BLK-08",
        expected: "a well-formed block that follows".to_owned(),
        found: invalid.to_string(),
        changed: Vec::new(),
    }
}

/// Verifies everything in a batch that needs no state, on all cores.
fn look(blocks: Vec<CertifiedBlock>, set: &ValidatorSet, workers: usize) -> Vec<Looked> {
    // (block, first transaction); transaction usize::MAX: the certificate.
    let mut tasks = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        tasks.push((at, usize::MAX));
        let count = block.block.transactions.len();
        tasks.extend((0..count).step_by(CHUNK_TRANSACTIONS).map(|from| (at, from)));
    }
    let next = AtomicUsize::new(0);
    let work = || {
        let (mut parsed, mut certified) = (Vec::new(), Vec::new());
        loop {
            let task = tasks.get(next.fetch_add(1, Ordering::Relaxed));
            let Some((at, from)) = task.copied() else { return (parsed, certified) };
            let Some(CertifiedBlock { block, certificate }) = blocks.get(at) else { continue };
            let chain_id = &block.header.chain_id;
            if from == usize::MAX {
                if certificate.verify(chain_id, set).is_ok() {
                    certified.push(at);
                }
                continue;
            }
            let to = from.saturating_add(CHUNK_TRANSACTIONS).min(block.transactions.len());
            for (index, envelope) in block.transactions.iter().enumerate().take(to).skip(from) {
                let verified = envelope.clone().verify().map_err(|e| e.to_string());
                let transaction = verified.and_then(|verified| {
                    Transaction::parse(verified, chain_id).map_err(|e| e.to_string())
                });
                parsed.push((at, index, transaction));
            }
        }
    };
    let done: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
    });
    let mut looked: Vec<Looked> = blocks
        .into_iter()
        .map(|block| Looked { block, transactions: Ok(Vec::new()), certified: false })
        .collect();
    let mut all = Vec::new();
    for (parsed, certified) in done {
        all.extend(parsed);
        for at in certified {
            if let Some(looked) = looked.get_mut(at) {
                looked.certified = true;
            }
        }
    }
    all.sort_by_key(|(at, index, _)| (*at, *index));
    for (at, index, transaction) in all {
        let Some(looked) = looked.get_mut(at) else { continue };
        match (&mut looked.transactions, transaction) {
            (Ok(transactions), Ok(transaction)) => transactions.push(transaction),
            (Ok(_), Err(why)) => looked.transactions = Err((index, why)),
            (Err(_), _) => {}
        }
    }
    looked
}

fn execute(
    replay: &mut Replay,
    batch: Vec<Looked>,
    set: &ValidatorSet,
    progress: &mut Progress,
) -> Result<(), Difference> {
    for Looked { block, transactions, certified } in batch {
        let transactions = transactions.map_err(|(index, why)| Difference {
            height: block.block.header.height,
            record: format!("transaction {index}"),
            field: "envelope",
            rule: "TX-05, TX-06..09",
            expected: "a signed transaction of this chain".to_owned(),
            found: why,
            changed: Vec::new(),
        })?;
        replay.next(&block, &transactions, certified.then_some(set))?;
        progress.blocks = progress.blocks.saturating_add(1);
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        progress.transactions = progress.transactions.saturating_add(count(transactions.len()));
        let signers = block.block.transactions.iter().map(|e| e.signatures().len());
        let signatures = signers.sum::<usize>().saturating_add(block.certificate.signatures.len());
        progress.signatures = progress.signatures.saturating_add(count(signatures));
    }
    Ok(())
}

/// Signatures a second that this machine verifies on all cores: what a replay is measured by.
pub fn signature_rate(workers: usize, time: Duration) -> f64 {
    let key = SigningKey::from_seed(&[7; 32]);
    let message = [7u8; 1024];
    let (public, signature) = (key.public_key(), key.sign(&message));
    let started = Instant::now();
    let work = || {
        let mut verified = 0u64;
        while started.elapsed() < time {
            for _ in 0..64 {
                verified = verified.saturating_add(u64::from(
                    public.verify(std::hint::black_box(&message), &signature).is_ok(),
                ));
            }
        }
        verified
    };
    let total: u64 = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.max(1)).map(|_| scope.spawn(work)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).sum()
    });
    per_second(total, started.elapsed())
}

/// A rate, for people to read.
#[allow(clippy::cast_precision_loss, clippy::as_conversions)]
pub fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(1e-9)
}

#[cfg(test)]
mod tests;
