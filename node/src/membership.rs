//! Which peers are admitted: the PeerIds that the records of members in good standing name.
//!
//! A suspended member has no validator (MEM-10), so refusing its nodes costs the chain no votes but,
//! where the validator was retired in the same block, that of the next height.

use libp2p::PeerId;
use mulu_contracts::member::{Member, MemberStatus};

use crate::storage::{Ledger, StorageError};

/// Most members read from the state.
const MEMBERS_MAX: usize = 4_096;

/// The admitted peers and the member each belongs to. A PeerId that does not parse admits nobody.
///
/// # Errors
/// [`StorageError`].
pub fn admitted_peers(ledger: &Ledger) -> Result<Vec<(PeerId, String)>, StorageError> {
    let mut admitted = Vec::new();
    for (key, value) in ledger.records("member/", None, MEMBERS_MAX)? {
        let Ok(member) = serde_json::from_slice::<Member>(&value) else {
            tracing::error!(%key, "a member record does not decode; its peers are not admitted");
            continue;
        };
        if member.status == MemberStatus::Suspended {
            continue;
        }
        for node in &member.nodes {
            match node.peer_id.parse::<PeerId>() {
                Ok(peer) => admitted.push((peer, member.uscc.clone())),
                Err(error) => tracing::warn!(%key, %error, "a member's peer id does not parse"),
            }
        }
    }
    Ok(admitted)
}
