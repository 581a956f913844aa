//! One action being executed: what its rules may look at and write.

use std::collections::BTreeSet;

use mulu_chain::digest::Digest;
use mulu_chain::state::HistoryEvent;
use mulu_chain::types::Height;

use crate::execution::BlockContext;
use crate::member::Member;
use crate::overlay::Overlay;
use crate::params::Params;
use crate::rejection::{Step, require};
use crate::rule::Rule;
use crate::signers::Signers;
use crate::state::record_id;
use crate::transaction::Transaction;

pub(crate) struct Call<'c, 's> {
    pub(crate) block: &'c BlockContext,
    pub(crate) params: &'c Params,
    pub(crate) transaction: &'c Transaction,
    pub(crate) submitter: &'c Member,
    pub(crate) signers: &'c mut Signers,
    pub(crate) overlay: &'c mut Overlay<'s>,
    /// 0-based position of the transaction in the block.
    pub(crate) index: u32,
    /// 0-based position of the action in the transaction.
    pub(crate) action: u32,
    /// Subjects whose history gets this action; a set, so each gets it once.
    pub(crate) touched: BTreeSet<String>,
}

impl Call<'_, '_> {
    /// The block's height.
    pub(crate) fn height(&self) -> Height {
        self.block.height
    }

    /// Block time, if a deadline runs from it: what is not counted is not stored.
    pub(crate) fn noted(&self, days: u32) -> Option<u64> {
        (days > 0).then_some(self.block.time_ms.0)
    }

    /// The member that signs for the submitter by a delegation.
    pub(crate) fn delegate(&self) -> Option<&str> {
        let payload = self.transaction.payload();
        payload.on_behalf_of.is_some().then_some(payload.submitter.member.as_str())
    }

    /// The 统一社会信用代码 of the submitter, or of the member it acts for.
    pub(crate) fn uscc(&self) -> &str {
        &self.submitter.uscc
    }

    /// The submitter's office, if it named one.
    pub(crate) fn office(&self) -> Option<&str> {
        self.transaction.payload().submitter.office.as_deref()
    }

    /// Notes that this action belongs into a subject's history.
    pub(crate) fn touch(&mut self, subject: String) {
        self.touched.insert(subject);
    }

    /// The id of the record this action creates; TX-14 if there is one already, which only a
    /// replayed transaction can bring about.
    pub(crate) fn new_record_id(&self, key: fn(&Digest) -> String) -> Step<Digest> {
        let id = record_id(&self.transaction.id(), self.action);
        let replayed = self.overlay.has(&key(&id))?;
        require(!replayed, Rule::RecordExists, || key(&id))?;
        Ok(id)
    }

    /// Appends this action to the histories of all it touched.
    pub(crate) fn append_histories(self) -> Step {
        let event = HistoryEvent {
            height: self.block.height,
            index: self.index,
            action: self.action,
            transaction: self.transaction.id(),
        };
        for subject in &self.touched {
            self.overlay.append(subject, &event)?;
        }
        Ok(())
    }
}
