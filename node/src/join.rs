//! Joining: how a node made of an invitation asks for membership while it already copies the chain.
//!
//! The request is a transaction (`member.admit`) signed by the newcomer's own keys only; members add
//! their signatures each on its own machine (`lobby.rs`). It is made once and kept in
//! `join-request.json`, so that asking again asks for the same thing. The node brings it under the
//! one-time identity of its pass ("knocks"); then the members' nodes let its own identity in as a
//! guest, and as a member when the request is committed. Nothing is restarted on the way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use libp2p::Multiaddr;
use mulu_chain::signature::SigningKey;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::TimeMs;
use mulu_contracts::action::Action;
use mulu_contracts::key::{KeyRole, NewKey};
use mulu_contracts::member::{MemberAdmit, NewMember, Node};
use mulu_contracts::payload::{Payload, SCHEMA_VERSION, Submitter};
use mulu_genesis::invitation::{self, Checked, INVITATION_BYTES_MAX, InvitationInvalid};
use tokio::sync::mpsc;

use crate::disk::{self, OsDisk};
use crate::explain::Explain;
use crate::keys::{self, KeyError, KeyFile};
use crate::p2p::{self, P2pConfig, P2pEvent, P2pHandle, PeerAddress};
use crate::replica::wire::PeerMessage;

/// Name of the invitation in a home folder.
pub const INVITATION_FILE_NAME: &str = "invitation.json";
/// Name of the request in a home folder.
pub const REQUEST_FILE_NAME: &str = "join-request.json";
/// How long to wait for a connection before knocking, and between two looks.
pub const KNOCK_PAUSE: Duration = Duration::from_secs(3);
/// How long one knock may take to reach somebody.
pub const KNOCK_MAX: Duration = Duration::from_secs(10);
/// How long a knocker stays for the answer.
const KNOCK_STAY: Duration = Duration::from_millis(500);
/// Fruitless knocks before the operator is told, and between two times.
const KNOCKS_TOLD: u32 = 3;

/// Why a node cannot join.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// A file cannot be read or written.
    #[error("cannot read or write {path}: {source}; check the folder's owner and the free space")]
    File {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The invitation cannot be used.
    #[error(transparent)]
    Invitation(#[from] InvitationInvalid),
    /// An address in it is of no use.
    #[error("the invitation's address {0} is not usable; ask who sent it for a new one")]
    Address(String),
    /// A key is missing.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The kept request is not one.
    #[error("{path} is damaged: {why}; remove it and start again, the node will ask anew")]
    Request {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Explain for JoinError {
    fn chinese(&self) -> String {
        match self {
            JoinError::File { path, source } => {
                format!("无法读写 {}：{source}；请检查目录属主和剩余空间", path.display())
            }
            JoinError::Invitation(invalid) => invalid.chinese(),
            JoinError::Address(address) => {
                format!("邀请函中的地址 {address} 无法使用；请向发送方索取新的邀请函")
            }
            JoinError::Key(error) => error.chinese(),
            JoinError::Request { path, why } => {
                format!("{} 已损坏：{why}；请删除后重新启动，节点会重新申请", path.display())
            }
        }
    }
}

/// Reads an invitation file.
///
/// # Errors
/// [`JoinError::File`] or [`JoinError::Invitation`].
pub fn read(path: &Path) -> Result<Checked, JoinError> {
    let file = |source| JoinError::File { path: path.into(), source };
    let length = fs::metadata(path).map_err(file)?.len();
    if length > INVITATION_BYTES_MAX as u64 {
        return Err(InvitationInvalid::Form("the file is too long".to_owned()).into());
    }
    let text = fs::read_to_string(path).map_err(file)?;
    let checked = invitation::read(&text)?;
    addresses(&checked)?;
    Ok(checked)
}

/// The invitation of a home, if it was made of one.
///
/// # Errors
/// As [`read`].
pub fn of_home(home: &Path) -> Result<Option<Checked>, JoinError> {
    let path = home.join(INVITATION_FILE_NAME);
    match read(&path) {
        Err(JoinError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// The addresses it names.
///
/// # Errors
/// [`JoinError::Address`].
pub fn addresses(checked: &Checked) -> Result<Vec<Multiaddr>, JoinError> {
    let parse = |text: &String| {
        let address = text.parse::<Multiaddr>().ok();
        let address = address.filter(|address| PeerAddress::try_from(address).is_ok());
        address.ok_or_else(|| JoinError::Address(text.clone()))
    };
    checked.invitation.peers.iter().map(parse).collect()
}

/// The request of a home: the kept one, or a new one signed by the node's own keys.
///
/// # Errors
/// [`JoinError`].
pub fn request(home: &Path, checked: &Checked) -> Result<Envelope, JoinError> {
    let path = home.join(REQUEST_FILE_NAME);
    match fs::read(&path) {
        Ok(bytes) => {
            Envelope::from_json(&bytes).map_err(|e| JoinError::Request { path, why: e.to_string() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let envelope = make(home, checked)?;
            let text = format!("{:#}\n", envelope.to_json());
            disk::write_new(&OsDisk, &path, text.as_bytes())
                .map_err(|source| JoinError::File { path, source })?;
            Ok(envelope)
        }
        Err(source) => Err(JoinError::File { path, source }),
    }
}

fn make(home: &Path, checked: &Checked) -> Result<Envelope, JoinError> {
    let invitation = &checked.invitation;
    let identity = keys::load_identity(home)?;
    let administrator = keys::load(&KeyFile::Administrator.path(home))?;
    let validator = keys::load_validator(home)?;
    let key = |key: &SigningKey, role, label: &str| NewKey {
        public_key: key.public_key(),
        roles: vec![role],
        office: None,
        label: Some(label.to_owned()),
        valid_from: None,
        valid_to: None,
    };
    let mut first = vec![key(&administrator, KeyRole::Administrator, "administrator")];
    first.extend(validator.as_ref().map(|v| key(v, KeyRole::Validator, "validator")));
    let node = Node { peer_id: identity.public().to_peer_id().to_string(), name: None };
    let member = NewMember { nodes: vec![node], ..invitation.member.clone() };
    let payload = Payload {
        schema_version: SCHEMA_VERSION,
        chain_id: checked.founding.chain_id().clone(),
        submitter: Submitter { member: invitation.submitter.clone(), office: None },
        on_behalf_of: None,
        created_at: None,
        valid_until: invitation.valid_until,
        nonce: Some(invitation.pass.id().to_hex()),
        actions: vec![Action::MemberAdmit(MemberAdmit { member, keys: first })],
    };
    let mut signers = vec![&administrator];
    signers.extend(&validator);
    let invalid = |why: String| InvitationInvalid::Form(why);
    let bytes = serde_json::to_vec(&payload).map_err(|e| invalid(e.to_string()))?;
    Envelope::sign(bytes, &signers).map_err(|e| invalid(e.to_string()).into())
}

/// Knocks until a connection under the node's own identity stands, and again when none does.
pub async fn knock(checked: Checked, request: Envelope, network: P2pHandle) {
    let Ok(peers) = addresses(&checked) else { return };
    let frame = Bytes::from(PeerMessage::Petition(request).to_frame());
    let mut fruitless = 0u32;
    loop {
        tokio::time::sleep(KNOCK_PAUSE).await;
        if network.counters().peers_connected > 0 {
            fruitless = 0;
            continue;
        }
        if knock_once(&checked, &peers, &frame).await {
            fruitless = 0;
            continue;
        }
        fruitless = fruitless.saturating_add(1);
        if fruitless.is_multiple_of(KNOCKS_TOLD) {
            let peers = checked.invitation.peers.join(", ");
            tracing::warn!(
                peers,
                expires_ms = checked.invitation.pass.expires_ms,
                "no node of the invitation lets this one in: check that the addresses can be reached \
                 (firewall, TCP), that the nodes run, and that the invitation has not expired or \
                 been used by another node (邀请函中的节点均未接纳本节点：请检查网络与防火墙、\
                 对方节点是否运行，以及邀请函是否已过期或已被其他节点使用)"
            );
        }
    }
}

/// Brings the request under the pass's identity; whether anybody listened.
async fn knock_once(checked: &Checked, peers: &[Multiaddr], frame: &Bytes) -> bool {
    let identity = keys::identity_of(&SigningKey::from_seed(&checked.pass_key));
    let ids = peers.iter().filter_map(|p| PeerAddress::try_from(p).ok());
    let allowed = ids.map(|address| address.peer).collect();
    let Ok(listen) = "/ip4/127.0.0.1/tcp/0".parse() else { return false };
    let config = P2pConfig { identity, listen, peers: peers.to_vec() };
    let (events, mut seen) = mpsc::channel(64);
    let Ok((knocker, task)) = p2p::spawn(config, allowed, events).await else { return false };
    let mut heard = false;
    let until = tokio::time::Instant::now() + KNOCK_MAX;
    while let Ok(Some(event)) = tokio::time::timeout_at(until, seen.recv()).await {
        if let P2pEvent::Connected(peer) = event {
            knocker.send(peer, frame.clone());
            tokio::time::sleep(KNOCK_STAY).await;
            if knocker.counters().frames_sent > 0 {
                heard = true;
                break;
            }
        }
    }
    knocker.shutdown();
    drop(tokio::time::timeout(KNOCK_STAY, task).await);
    heard
}

/// Checks what depends on the clock.
///
/// # Errors
/// [`JoinError::Invitation`].
pub fn check_time(checked: &Checked, now: TimeMs) -> Result<(), JoinError> {
    checked.check_time(now).map_err(JoinError::from)
}
