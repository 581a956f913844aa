//! An invitation 邀请函: everything a newcomer needs to make a node and ask for membership.
//!
//! An administrator of a member writes it (`mulu member invite`), hands it over by a way that both
//! trust, and the newcomer makes a node of it (`mulud init --invite`). It holds no key of a member:
//! its only secret is the seed of a one-time transport identity that the [`Pass`] names. It is JSON:
//!
//! | field | is |
//! |---|---|
//! | `format` | [`FORMAT`] |
//! | `genesis`, `genesis_digest` | the founding document and the id of block 0 |
//! | `protocol_version` | version of the rules in force |
//! | `checkpoint` | a recent [`CertifiedHead`], hex of its bytes; none at height 0 |
//! | `peers` | addresses, each with its PeerId |
//! | `submitter` | the member, with an authority key, under whose name the request is made |
//! | `member` | the newcomer as it is to be recorded; its node is added by the node itself |
//! | `valid_until` | last height at which the request can be committed |
//! | `pass`, `pass_seed` | the pass, and 32 bytes in hex |
//!
//! Source: SPEC section 13.

use mulu_chain::block::BlockId;
use mulu_chain::head::CertifiedHead;
use mulu_chain::pass::Pass;
use mulu_chain::signature::SigningKey;
use mulu_chain::types::TimeMs;
use mulu_contracts::member::NewMember;
use mulu_contracts::protocol::RuleBook;
use serde::{Deserialize, Serialize};

use crate::peer_id::peer_id_of;
use crate::{DOCUMENT_BYTES_MAX, Founding, FoundingInvalid, parse};

/// The format's name.
pub const FORMAT: &str = "mulu-invitation-1";
/// Largest invitation, in bytes: a founding document, escaped, and the rest.
pub const INVITATION_BYTES_MAX: usize = 2 * DOCUMENT_BYTES_MAX;
/// Most addresses.
pub const INVITATION_PEERS_MAX: usize = 64;

/// An invitation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    /// [`FORMAT`].
    pub format: String,
    /// The id of block 0.
    pub genesis_digest: BlockId,
    /// Version of the rules in force.
    pub protocol_version: u32,
    /// A recent certified head, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// Addresses with PeerIds.
    pub peers: Vec<String>,
    /// Under whose name the request is made.
    pub submitter: String,
    /// The newcomer.
    pub member: NewMember,
    /// Last height of the request.
    pub valid_until: u64,
    /// Lets the newcomer's node in.
    pub pass: Pass,
    /// Seed of the transport identity that the pass names.
    pub pass_seed: String,
    /// The founding document.
    pub genesis: String,
}

/// An invitation all of whose parts fit.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The invitation.
    pub invitation: Invitation,
    /// The chain's beginning.
    pub founding: Founding,
    /// The recent head.
    pub checkpoint: Option<CertifiedHead>,
    /// The one-time transport key.
    pub pass_key: [u8; 32],
}

/// Why an invitation cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvitationInvalid {
    /// Not an invitation.
    #[error("this is not an invitation of this version: {0}; ask who sent it for a new one")]
    Form(String),
    /// The document makes another block 0 than the invitation says.
    #[error(
        "the invitation contradicts itself: its founding document makes block 0 {found}, it says {expected}; somebody changed it on the way, ask for it again"
    )]
    Genesis {
        /// Of the document.
        found: BlockId,
        /// What the invitation says.
        expected: BlockId,
    },
    /// The founding document has faults.
    #[error("the invitation's founding document is not usable\n{0}")]
    Founding(FoundingInvalid),
    /// The rules in force are newer than this program.
    #[error(
        "the chain runs protocol version {found}, this program knows versions up to {known}; install a newer mulud first"
    )]
    Version {
        /// Of the chain.
        found: u32,
        /// Of this program.
        known: u32,
    },
    /// The checkpoint or the pass does not verify.
    #[error("the invitation's {what} does not verify: {why}; ask who sent it for a new one")]
    Proof {
        /// Checkpoint or pass.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The clock is behind the chain.
    #[error(
        "this machine's clock is {behind_s} seconds behind the block that the invitation names; set the clock (chrony, ntpd) and repeat"
    )]
    Clock {
        /// By how much.
        behind_s: u64,
    },
    /// The pass expired.
    #[error(
        "the invitation expired {ago_s} seconds ago by this machine's clock; ask who sent it for a new one, or set the clock if it is wrong"
    )]
    Expired {
        /// How long ago.
        ago_s: u64,
    },
}

impl InvitationInvalid {
    /// The sentence in Chinese.
    pub fn chinese(&self) -> String {
        match self {
            InvitationInvalid::Form(why) => {
                format!("这不是本版本的邀请函：{why}；请向发送方索取新的邀请函")
            }
            InvitationInvalid::Genesis { found, expected } => format!(
                "邀请函自相矛盾：其创始文件生成的创始区块为 {found}，而邀请函写明 {expected}；文件在途中被改动，请重新索取"
            ),
            InvitationInvalid::Founding(_) => "邀请函中的创始文件无法使用".to_owned(),
            InvitationInvalid::Version { found, known } => format!(
                "该链运行协议版本 {found}，本程序最高支持版本 {known}；请先安装较新的 mulud"
            ),
            InvitationInvalid::Proof { what, why } => {
                format!("邀请函的 {what} 未通过验证：{why}；请向发送方索取新的邀请函")
            }
            InvitationInvalid::Clock { behind_s } => format!(
                "本机时钟比邀请函所载区块慢 {behind_s} 秒；请校准时钟（chrony、ntpd）后重试"
            ),
            InvitationInvalid::Expired { ago_s } => format!(
                "按本机时钟，邀请函已于 {ago_s} 秒前过期；请向发送方索取新的邀请函，若时钟有误请先校准"
            ),
        }
    }
}

/// Reads an invitation and checks everything that needs no clock.
///
/// # Errors
/// [`InvitationInvalid`], all but `Clock` and `Expired`.
pub fn read(text: &str) -> Result<Checked, InvitationInvalid> {
    let form = |why: &dyn std::fmt::Display| InvitationInvalid::Form(why.to_string());
    if text.len() > INVITATION_BYTES_MAX {
        return Err(form(&"it is too long"));
    }
    let invitation: Invitation = serde_json::from_str(text).map_err(|e| form(&e))?;
    if invitation.format != FORMAT {
        return Err(form(&format!("its format is {:?}", invitation.format)));
    }
    if invitation.peers.is_empty() || invitation.peers.len() > INVITATION_PEERS_MAX {
        return Err(form(&format!("it has {} addresses", invitation.peers.len())));
    }
    let founding =
        parse(&invitation.genesis, "genesis.toml").map_err(InvitationInvalid::Founding)?;
    let (found, expected) = (founding.digest(), invitation.genesis_digest);
    if found != expected {
        return Err(InvitationInvalid::Genesis { found, expected });
    }
    if RuleBook::THIS.rules(invitation.protocol_version).is_none() {
        let found = invitation.protocol_version;
        return Err(InvitationInvalid::Version { found, known: RuleBook::THIS.newest() });
    }
    let proof = |what, why: &dyn std::fmt::Display| {
        let why = why.to_string();
        InvitationInvalid::Proof { what, why }
    };
    let checkpoint = invitation.checkpoint.as_deref().map(|text| {
        let bytes = hex::decode(text).map_err(|e| proof("checkpoint", &e))?;
        let head = CertifiedHead::from_bytes(&bytes).map_err(|e| proof("checkpoint", &e))?;
        head.check(founding.chain_id()).map_err(|e| proof("checkpoint", &e))?;
        Ok(head)
    });
    let checkpoint = checkpoint.transpose()?;
    let pass = &invitation.pass;
    pass.check(founding.chain_id()).map_err(|e| proof("pass", &e))?;
    let mut pass_key = [0u8; 32];
    hex::decode_to_slice(&invitation.pass_seed, &mut pass_key).map_err(|e| proof("pass", &e))?;
    let guest = peer_id_of(&SigningKey::from_seed(&pass_key).public_key());
    if guest != pass.guest || pass.member != invitation.member.uscc {
        return Err(proof("pass", &"it is for somebody else"));
    }
    Ok(Checked { founding, checkpoint, pass_key, invitation })
}

impl Checked {
    /// Checks what depends on the time.
    ///
    /// # Errors
    /// [`InvitationInvalid::Clock`] or [`InvitationInvalid::Expired`].
    pub fn check_time(&self, now: TimeMs) -> Result<(), InvitationInvalid> {
        let params = mulu_contracts::params::Params::default();
        let seen = self.checkpoint.as_ref().map_or(0, |head| head.header.time_ms.0);
        let behind = seen.saturating_sub(now.0);
        if behind > params.block_time_drift_ms {
            return Err(InvitationInvalid::Clock { behind_s: behind.div_ceil(1000) });
        }
        let ago = now.0.saturating_sub(self.invitation.pass.expires_ms);
        if ago > 0 {
            return Err(InvitationInvalid::Expired { ago_s: ago.div_ceil(1000) });
        }
        Ok(())
    }
}
