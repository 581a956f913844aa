//! Watching what validators sign: equivocations of others, and our own key where we did not use it.

use super::core::{Inner, Replica, ReplicaError};
use mulu_contracts::evidence::Statement;
use mulu_contracts::state::EVIDENCE_SUBJECT;

use super::evidence::{Place, Seen, WATCH_HEIGHTS_AHEAD_MAX, WATCH_HEIGHTS_BACK_MAX};
use super::guard::LogRecord;
use super::proposals::ROUNDS_AHEAD_MAX;
use super::standing::Standing;

impl Inner {
    /// Looks at a verified statement. Returns whether the core should hear it: a validator made it,
    /// of a height that is not decided, and of heights to come it is the first for its step.
    pub(super) fn observe(&mut self, said: (Place, Statement)) -> bool {
        match self.try_observe(said) {
            Ok(worth_telling) => worth_telling,
            Err(error) => {
                self.fatal.get_or_insert(error);
                false
            }
        }
    }

    fn try_observe(
        &mut self,
        (place, statement): (Place, Statement),
    ) -> Result<bool, ReplicaError> {
        let working = self.tip.header.height.next();
        let oldest = working.0.saturating_sub(WATCH_HEIGHTS_BACK_MAX);
        let height = place.height;
        let watched = (oldest..=working.0 + WATCH_HEIGHTS_AHEAD_MAX).contains(&height.0);
        if !watched || !self.is_validator_at(&place)? {
            return Ok(false);
        }
        if Some(place.validator) == self.own_key() {
            self.compare_with_guard(&place, &statement);
            return Ok(height >= working);
        }
        let round = if height == working { self.round.unwrap_or(0) } else { 0 };
        let too_far =
            height >= working && i64::from(place.round) > i64::from(round) + ROUNDS_AHEAD_MAX;
        // The core judges that by its own bound; what nobody can remember says nothing here.
        let seen = if too_far {
            Seen::Full
        } else {
            self.watch.observe(place, statement, working, self.elapsed)
        };
        Ok(height == working || (height > working && seen == Seen::New))
    }

    fn is_validator_at(&self, place: &Place) -> Result<bool, ReplicaError> {
        let working = self.tip.header.height.next();
        let key = &place.validator;
        let in_force = self.validators.chain_set();
        Ok(if place.height < working {
            let set = self.ledger.validator_set(place.height)?;
            set.is_some_and(|set| set.get(key).is_some())
        } else if place.height == working {
            in_force.get(key).is_some()
        } else {
            in_force.get(key).is_some() || self.upcoming.get(key).is_some()
        })
    }

    /// What our key signed for a height not decided yet, this node signed, or somebody else has the
    /// key. While we do not stand sure it may be what we forgot; what is decided we forget.
    fn compare_with_guard(&mut self, place: &Place, statement: &Statement) {
        let sure = self.guard.standing == Standing::Sure && !self.listening && !self.replaying;
        let working = self.tip.header.height.next();
        if sure && place.height >= working && !self.guard.signed(place, statement, working) {
            self.alarm.get_or_insert_with(|| {
                format!(
                    "a {:?} of height {}, round {}, is signed with this validator's key, but not by \
                     this node: the key is used elsewhere, or this folder is an old copy",
                    place.step, place.height, place.round
                )
            });
        }
    }

    /// Looks whether the block about to be committed holds evidence against our key.
    fn look_for_own_evidence(&mut self) {
        let (Some(own), Some(decided)) = (self.own_key(), &self.decided) else { return };
        if decided.0.changes(&format!("{EVIDENCE_SUBJECT}/{own}/")) {
            self.alarm.get_or_insert_with(|| {
                "the chain records that this validator's key signed two things for one step"
                    .to_owned()
            });
        }
    }
}

impl Replica {
    /// Stops signing for ever if there is reason to; an operator may clear it.
    pub(super) fn raise_alarm(&mut self) {
        let inner = &mut self.inner;
        inner.look_for_own_evidence();
        let Some(reason) = inner.alarm.take() else { return };
        if matches!(inner.guard.standing, Standing::Alarm(_)) {
            return;
        }
        tracing::error!(
            %reason,
            "ALARM: this validator stops signing until an operator runs `mulud votes resume`"
        );
        let record = LogRecord::alarm(&reason);
        if let LogRecord::Alarm(reason) = &record {
            inner.guard.standing = Standing::Alarm(reason.clone());
        }
        inner.log(&record);
        inner.persist();
        self.core.params.enabled = false;
    }
}
