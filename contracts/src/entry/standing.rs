//! What becomes of an entry without a new content: seven actions of one shape.
//!
//! | action | from | to | who |
//! |---|---|---|---|
//! | `entry.suspend` | published | suspended | provider, or authority |
//! | `entry.resume` | suspended | published | who suspended, or authority |
//! | `entry.resume` | withdrawn | published | provider; checked as if published anew |
//! | `entry.retire` | any but rejected | retired | provider |
//! | `entry.return` | published, suspended | returned | authority |
//! | `entry.reject` | any but retired | rejected | authority |
//! | `entry.freeze`, `entry.lift` | any | the same, frozen or not | authority |

use mulu_chain::digest::Digest;
use serde::{Deserialize, Serialize};

use super::submission::{self, SubmissionStatus};
use super::{Claim, Entry, EntryStatus as Status, Frozen, check_content, claim, current};
use super::{require_free, require_version, write};
use crate::call::Call;
use crate::field;
use crate::key::KeyRole;
use crate::limits::REASON_CHARS_MAX;
use crate::rejection::{Step, require, shown};
use crate::rule::Rule;

/// `entry.suspend`, `entry.resume`, `entry.retire`, `entry.return`, `entry.reject`, `entry.freeze` and
/// `entry.lift`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryStanding {
    /// Which entry.
    pub entry_id: Digest,
    /// Version hash of the record changed.
    pub prev: Digest,
    /// Why; of a freeze, what is ordered by which document.
    pub reason: String,
}

pub(crate) fn suspend(call: &mut Call<'_, '_>, action: &EntryStanding) -> Step {
    let entry = load(call, action, Who::Either)?;
    require_status(&entry, &[Status::Published])?;
    let suspended_by = Some(call.uscc().to_owned());
    change(call, action, Entry { status: Status::Suspended, suspended_by, ..entry })
}

pub(crate) fn resume(call: &mut Call<'_, '_>, action: &EntryStanding) -> Step {
    let entry = load(call, action, Who::Either)?;
    require_status(&entry, &[Status::Suspended, Status::Withdrawn])?;
    if entry.status == Status::Withdrawn {
        let own = entry.provider == call.uscc();
        require(own, Rule::EntryForeign, || format!("{} withdrew it", entry.provider))?;
        check_content(call, &entry.content, &entry.provider)?;
        claim(call, &entry.entry_id, &entry.content, Claim::Again, &entry.provider)?;
    } else if acts_as_provider(call, &entry) {
        let by = entry.suspended_by.as_deref().unwrap_or_default();
        require(by == call.uscc(), Rule::EntrySuspender, || format!("{by} suspended it"))?;
    }
    let resumed =
        Entry { status: Status::Published, suspended_by: None, withdrawal_reason: None, ..entry };
    change(call, action, resumed)
}

pub(crate) fn retire(call: &mut Call<'_, '_>, action: &EntryStanding) -> Step {
    let entry = load(call, action, Who::Provider)?;
    let from = [Status::Published, Status::Suspended, Status::Withdrawn, Status::Returned];
    require_status(&entry, &from)?;
    change(call, action, Entry { status: Status::Retired, ..entry })
}

pub(crate) fn return_(call: &mut Call<'_, '_>, action: &EntryStanding) -> Step {
    if submission::refuse(call, action, SubmissionStatus::Returned)? {
        return Ok(());
    }
    let entry = load(call, action, Who::Authority)?;
    require_status(&entry, &[Status::Published, Status::Suspended])?;
    change(call, action, Entry { status: Status::Returned, suspended_by: None, ..entry })
}

pub(crate) fn reject(call: &mut Call<'_, '_>, action: &EntryStanding) -> Step {
    if submission::refuse(call, action, SubmissionStatus::Rejected)? {
        return Ok(());
    }
    let entry = load(call, action, Who::Authority)?;
    let from = [Status::Published, Status::Suspended, Status::Withdrawn, Status::Returned];
    require_status(&entry, &from)?;
    change(call, action, Entry { status: Status::Rejected, suspended_by: None, ..entry })
}

pub(crate) fn freeze(call: &mut Call<'_, '_>, action: &EntryStanding) -> Step {
    let entry = load(call, action, Who::Authority)?;
    let frozen = Frozen {
        order: action.reason.clone(),
        by: call.uscc().to_owned(),
        at_height: call.height(),
    };
    change(call, action, Entry { frozen: Some(frozen), ..entry })
}

pub(crate) fn lift(call: &mut Call<'_, '_>, action: &EntryStanding) -> Step {
    let entry = load(call, action, Who::Order)?;
    require(entry.frozen.is_some(), Rule::EntryStatusMove, || "it is not frozen".to_owned())?;
    change(call, action, Entry { frozen: None, ..entry })
}

/// Who may do it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Who {
    Provider,
    Authority,
    /// The provider if an officer of it signed, else an authority.
    Either,
    /// An authority, on a frozen entry, too.
    Order,
}

/// The entry, by those who may, at the version named (ENT-01, signers, ENT-26, ENT-04).
fn load(call: &mut Call<'_, '_>, action: &EntryStanding, who: Who) -> Step<Entry> {
    let (entry, version) = current(call.overlay, &action.entry_id)?;
    let own = entry.provider == call.uscc();
    let as_provider = match who {
        Who::Provider => true,
        Who::Authority | Who::Order => false,
        Who::Either => acts_as_provider(call, &entry),
    };
    if as_provider {
        require(own, Rule::EntryForeign, || format!("it is provided by {}", entry.provider))?;
        call.signers.own(&[KeyRole::Officer], Some(&entry.content.office))?;
    } else {
        call.signers.authority(call.params.authority_threshold)?;
    }
    if who != Who::Order {
        require_free(&entry)?;
    }
    require_version(&version, &action.prev)?;
    field::text("reason", &action.reason, REASON_CHARS_MAX)?;
    Ok(entry)
}

/// Whether it is as provider that the submitter does what an authority may do, too.
fn acts_as_provider(call: &Call<'_, '_>, entry: &Entry) -> bool {
    let own = entry.provider == call.uscc();
    (own && call.signers.own_has(KeyRole::Officer)) || !call.signers.own_has(KeyRole::Authority)
}

fn require_status(entry: &Entry, allowed: &[Status]) -> Step {
    require(allowed.contains(&entry.status), Rule::EntryStatusMove, || {
        format!("it is {}, must be one of {}", shown(&entry.status), shown(allowed))
    })
}

fn change(call: &mut Call<'_, '_>, action: &EntryStanding, entry: Entry) -> Step {
    let changed = Entry {
        version: entry.version.saturating_add(1),
        prev: Some(action.prev),
        updated_at_height: call.height(),
        status_reason: Some(action.reason.clone()),
        ..entry
    };
    write(call, &changed)
}
