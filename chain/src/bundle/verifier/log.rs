//! Transactions in their places, and the events they are of histories.

use super::super::frame::Touch;
use super::super::question::Question;
use super::super::state_cover::CoverInvalid;
use super::{Item, Told, Verifier};
use crate::log::LogEntry;
use crate::state::HistoryEvent;
use crate::transaction::Envelope;

impl Verifier {
    pub(super) fn logged(&mut self, covered: Result<(), CoverInvalid>) {
        if let Err(invalid) = covered
            && !crate::planted!("planted-auditor-inclusion")
        {
            self.checks.inclusion.fail(format!("LOG-01: {invalid}"));
        }
    }

    /// Checks an entry's form and place.
    pub(super) fn entry(&mut self, entry: &LogEntry) {
        let id = entry.transaction;
        let mut result = Ok(());
        let place = (entry.height, entry.index);
        if !entry.is_well_formed() {
            result = Err(format!("{id}: malformed log entry"));
        } else if self.tip.as_ref().is_none_or(|tip| entry.height > tip.height) {
            result = Err(format!("{id}: committed after the tip"));
        } else if self.last_place.is_some_and(|last| last >= place) {
            result = Err(format!("{id}: transactions are not in log order"));
        }
        self.last_place = Some(place);
        self.checks.entries.note(result);
    }

    pub(super) fn transaction(
        &mut self,
        entry: LogEntry,
        envelope: Envelope,
        events: Vec<Touch>,
    ) -> Item {
        self.range(&entry, true);
        self.entry(&entry);
        let id = entry.transaction;
        self.answered.transaction |= self.question == Some(Question::Transaction(id));
        let log_index = self.log.size();
        let covered = self.log.leaf(entry.leaf_hash());
        self.logged(covered);
        self.checks.inclusion.note(Ok(()));
        let verified = envelope.verify().map_err(|e| format!("{id}: {e}"));
        self.checks.signatures.note(verified.as_ref().map(|_| ()).map_err(Clone::clone));
        self.events(&entry, &events);
        Item::Transaction(Box::new(Told { log_index, entry, envelope: verified.ok(), events }))
    }

    pub(super) fn events(&mut self, entry: &LogEntry, events: &[Touch]) {
        let id = entry.transaction;
        if !events.is_empty() && !entry.outcome.is_accepted() {
            self.checks.histories.fail(format!("{id}: a rejected transaction is no event"));
        }
        if !events.is_sorted_by(|a, b| a < b) {
            self.checks.histories.fail(format!("{id}: its events are not in order"));
        }
        for Touch { action, history } in events {
            let at = usize::try_from(*history).unwrap_or(usize::MAX);
            let Some(history) = self.histories.get_mut(at) else {
                self.checks.histories.fail(format!("{id}: an event of no history"));
                continue;
            };
            let event = HistoryEvent {
                height: entry.height,
                index: entry.index,
                action: *action,
                transaction: id,
            };
            history.told = history.told.append(&event);
        }
    }
}
