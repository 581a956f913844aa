//! Writes a planned bundle, frame by frame, comparing what it reads with the roots of the header.

use mulu_chain::block::Header;
use mulu_chain::bundle::log_cover::LogCover;
use mulu_chain::bundle::state_cover::StateCover;
use mulu_chain::bundle::{BUNDLE_VERSION, Frame, Head, Touch};
use mulu_chain::log::{LogEntry, range_nodes};
use mulu_chain::state::{StateLeaf, key_hash, value_hash};
use mulu_chain::types::Height;

use super::super::error::StorageError;
use super::super::keys::{self, corrupt};
use super::super::kv::Column;
use super::super::log_tree::LogProver;
use super::super::tree;
use super::{BundlePlan, Wanted};

impl BundlePlan {
    /// How many transactions it tells.
    pub fn transactions(&self) -> usize {
        self.log.len()
    }

    /// Hands out every frame but the last, in order.
    ///
    /// # Errors
    /// Read errors and damage; errors of `emit`.
    pub fn write<E: From<StorageError>>(
        self,
        emit: &mut dyn FnMut(Frame) -> Result<(), E>,
    ) -> Result<(), E> {
        let ledger = &self.ledger;
        let kv = &*ledger.kv;
        let missing = |column| corrupt(kv, column, &keys::height(Height::GENESIS), "it is missing");
        let genesis = ledger.header(Height::GENESIS)?.ok_or_else(|| missing(Column::Headers))?;
        let genesis_validators =
            ledger.validator_set(Height::GENESIS)?.ok_or_else(|| missing(Column::Validators))?;
        let header = self.tip.header.clone();
        emit(Frame::Head(Head {
            version: BUNDLE_VERSION,
            chain_id: header.chain_id.clone(),
            question: self.question.to_string(),
            genesis,
            genesis_validators,
        }))?;
        for change in &self.set_changes {
            emit(Frame::SetChange(change.clone()))?;
        }
        emit(Frame::Tip(self.tip.clone()))?;
        self.write_state(&header, emit)?;
        for subject in &self.histories {
            emit(Frame::History { subject: subject.clone() })?;
        }
        self.write_log(&header, emit)
    }

    fn write_state<E: From<StorageError>>(
        &self,
        header: &Header,
        emit: &mut dyn FnMut(Frame) -> Result<(), E>,
    ) -> Result<(), E> {
        let kv = &*self.ledger.kv;
        let mut cover = StateCover::default();
        let damaged = |error: &dyn std::fmt::Display| {
            let root = header.state_root.to_string();
            corrupt(kv, Column::StateNodes, root.as_bytes(), error)
        };
        let value = |key: &str| self.ledger.record_at(key, header.height);
        tree::cover(kv, header.height, &self.keys, &value, &mut |frame| {
            let covered = match &frame {
                Frame::Stub { depth, hash } => cover.stub(*depth, *hash),
                Frame::Record { depth, key, value } => {
                    let leaf = StateLeaf { key_hash: key_hash(key), value_hash: value_hash(value) };
                    cover.leaf(*depth, &leaf)
                }
                Frame::Leaf { depth, leaf } => cover.leaf(*depth, leaf),
                Frame::Empty { depth } => cover.empty(*depth),
                Frame::Absent { key } => cover.absent(key),
                _ => Ok(()),
            };
            covered.map_err(|invalid| damaged(&invalid))?;
            emit(frame)
        })?;
        if cover.root() != Some(header.state_root) {
            return Err(damaged(&"the records do not lead to the state root").into());
        }
        Ok(())
    }

    fn write_log<E: From<StorageError>>(
        &self,
        header: &Header,
        emit: &mut dyn FnMut(Frame) -> Result<(), E>,
    ) -> Result<(), E> {
        let kv = &*self.ledger.kv;
        let prover = LogProver::new(kv, header.log_size);
        let mut cover = LogCover::default();
        let damaged = |error: &dyn std::fmt::Display| {
            let root = header.log_root.to_string();
            corrupt(kv, Column::LogNodes, root.as_bytes(), error)
        };
        let ends = self.log.keys().copied().chain([header.log_size]);
        let told = self.log.iter().map(Some).chain([None]);
        for (end, told) in ends.zip(told) {
            for node in range_nodes(cover.size(), end) {
                let hash = prover.node(node)?;
                cover.stub(node.level, hash).map_err(|invalid| damaged(&invalid))?;
                emit(Frame::LogStub { level: node.level, hash })?;
            }
            let Some((index, wanted)) = told else { break };
            let entry = self.ledger.log_entry(*index)?;
            cover.leaf(entry.leaf_hash()).map_err(|invalid| damaged(&invalid))?;
            emit(match wanted {
                Wanted::Leaf => Frame::LogLeaf(entry),
                Wanted::Transaction(events) => self.transaction(entry, events)?,
            })?;
        }
        if cover.root() != header.log_root {
            return Err(damaged(&"the entries do not lead to the log root").into());
        }
        Ok(())
    }

    fn transaction(&self, entry: LogEntry, events: &[(u32, u32)]) -> Result<Frame, StorageError> {
        let envelope = self.ledger.envelope(entry.height, entry.index)?;
        let envelope = envelope.filter(|envelope| envelope.digest() == entry.envelope);
        let envelope = envelope.ok_or_else(|| {
            let key = keys::body(entry.height, entry.index);
            corrupt(
                &*self.ledger.kv,
                Column::Bodies,
                &key,
                "the envelope is not the one in the log",
            )
        })?;
        let events =
            events.iter().map(|(action, history)| Touch { action: *action, history: *history });
        Ok(Frame::Transaction {
            height: entry.height,
            index: entry.index,
            time_ms: entry.time_ms,
            outcome: entry.outcome,
            envelope,
            events: events.collect(),
        })
    }
}
