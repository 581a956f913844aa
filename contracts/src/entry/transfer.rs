//! Transfer of an entry 移交: it passes to another department, which says of it what holds there. Code
//! and id stay for life. Its grants follow it: who provides the entry answers for them.

use mulu_chain::digest::Digest;
use mulu_chain::types::Height;
use serde::{Deserialize, Serialize};

use super::checks::{Claim, check_content, claim};
use super::{Entry, EntryContent, EntryStatus as Status, current, require_free, require_primary};
use super::{require_version, touch_bound, write};
use crate::call::Call;
use crate::field;
use crate::key::KeyRole;
use crate::limits::REASON_CHARS_MAX;
use crate::member::{self, MemberRole};
use crate::rejection::{Step, require, shown};
use crate::rule::Rule;
use crate::state::member_key;

/// `entry.transfer`: officers of both departments and the authority sign this one envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryTransfer {
    /// Which entry.
    pub entry_id: Digest,
    /// Version hash of the record transferred.
    pub prev: Digest,
    /// The member it passes to.
    pub to: String,
    /// The entry as that member has it: its office, duties and systems.
    pub entry: EntryContent,
    /// The decision that says so.
    pub basis: String,
}

/// The last transfer of an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// The member that provided it before.
    pub from: String,
    /// When.
    pub at_height: Height,
    /// On what ground.
    pub basis: String,
}

pub(crate) fn transfer(call: &mut Call<'_, '_>, action: &EntryTransfer) -> Step {
    let (content, to) = (&action.entry, &action.to);
    let (old, version) = current(call.overlay, &action.entry_id)?;
    require_free(&old)?;
    let stands = !matches!(old.status, Status::Rejected | Status::Retired);
    require(stands, Rule::EntryStatusMove, || format!("it is {}", shown(&old.status)))?;
    require_version(&version, &action.prev)?;
    require(old.provider != *to, Rule::EntryTransferSelf, || to.clone())?;
    call.signers.authorities(call.params.authority_threshold)?;
    let provides = member::in_force(call.overlay, to)?.roles.contains(&MemberRole::Provider);
    require(provides, Rule::EntryProviderRole, || to.clone())?;
    for (member, office) in [(&old.provider, &old.content.office), (to, &content.office)] {
        let signed = call.signers.party(member, KeyRole::Officer, office);
        require(signed, Rule::EntryParties, || format!("no officer of {member} signed"))?;
    }
    require_primary(&old, content)?;
    check_content(call, content, to)?;
    claim(call, &action.entry_id, content, Claim::Again, to)?;
    field::text("basis", &action.basis, REASON_CHARS_MAX)?;
    touch_bound(call, &old.content);
    call.touch(member_key(&old.provider));
    call.touch(member_key(to));
    let stricter = old.is_stricter(content).then_some(call.height());
    // What its provider suspended, its provider resumes.
    let by_provider = old.suspended_by.as_ref() == Some(&old.provider);
    let entry = Entry {
        provider: to.clone(),
        version: old.version.saturating_add(1),
        prev: Some(action.prev),
        updated_at_height: call.height(),
        suspended_by: if by_provider { Some(to.clone()) } else { old.suspended_by },
        stricter_since_height: stricter.or(old.stricter_since_height),
        transferred: Some(Transferred {
            from: old.provider,
            at_height: call.height(),
            basis: action.basis.clone(),
        }),
        content: content.clone(),
        ..old
    };
    write(call, &entry)
}
