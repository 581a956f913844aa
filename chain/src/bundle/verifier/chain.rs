//! What is trusted: from the genesis digest over every validator set to the tip.

use super::super::frame::{Head, SetChange};
use super::super::question::Question;
use super::{Item, Verifier};
use crate::block::{CertifiedHeader, HEADER_VERSION, Header};
use crate::types::Height;

impl Verifier {
    pub(super) fn head(&mut self, head: Head, question: Question) -> Item {
        let result = self.genesis(&head);
        self.checks.genesis.note(result);
        self.chain_id = Some(head.chain_id.clone());
        self.question = Some(question);
        self.set = Some(head.genesis_validators);
        Item::Head { chain_id: head.chain_id, question: head.question }
    }

    pub(super) fn genesis(&self, head: &Head) -> Result<(), String> {
        let found = head.genesis.id();
        let trusted = self.trusted;
        if found != trusted && !crate::planted!("planted-auditor-any-genesis") {
            return Err(format!("the bundle's genesis is {found}, the auditor trusts {trusted}"));
        }
        if head.genesis.height != Height::GENESIS || head.genesis.chain_id != head.chain_id {
            return Err("the genesis header is not block 0 of this chain".to_owned());
        }
        head.genesis_validators.check().map_err(|e| e.to_string())?;
        if head.genesis_validators.hash() != head.genesis.next_validator_set_hash {
            return Err("the validators given are not those the genesis commits to".to_owned());
        }
        Ok(())
    }

    /// Verifies a certified header against the set in force.
    pub(super) fn certified(&self, certified: &CertifiedHeader) -> Result<(), String> {
        let CertifiedHeader { header, certificate } = certified;
        let at = header.height;
        let (Some(chain_id), Some(set)) = (&self.chain_id, &self.set) else {
            return Err("there is no set in force".to_owned());
        };
        if header.version != HEADER_VERSION || header.chain_id != *chain_id {
            return Err(format!("header {at} is of another version or chain"));
        }
        if certificate.height != at || certificate.block != header.id() {
            return Err(format!("the certificate at {at} is for another block"));
        }
        if header.validator_set_hash != set.hash() {
            return Err(format!("header {at} names another validator set than the one in force"));
        }
        certificate.verify(chain_id, set).map_err(|e| format!("certificate at {at}: {e}"))
    }

    pub(super) fn set_change(&mut self, change: SetChange) -> Result<(), String> {
        let header = &change.announced_by.header;
        let height = header.height;
        let ordered = height > self.set_height;
        let certified = self.certified(&change.announced_by);
        let announced = change.next.hash() == header.next_validator_set_hash;
        let changes = header.next_validator_set_hash != header.validator_set_hash;
        let form = change.next.check();
        self.set_height = height;
        self.set = Some(change.next);
        if !ordered {
            return Err(format!("set change at {height} is out of order"));
        }
        certified?;
        form.map_err(|e| e.to_string())?;
        if !announced {
            return Err(format!("header {height} announces another set"));
        }
        if !changes {
            return Err(format!("header {height} announces no change"));
        }
        Ok(())
    }

    pub(super) fn tip_fits(&mut self, tip: &Header) -> Result<(), String> {
        if tip.height == Height::GENESIS {
            return Err("the tip must be a decided block".to_owned());
        }
        if self.set_height >= tip.height {
            self.checks.sets.fail(format!("set change at {} is after the tip", self.set_height));
        }
        Ok(())
    }
}
