//! The task that serves the lobby: peers and the API ask, the ledger is read off the runtime's
//! threads, what changed is told to the other nodes, and what is complete goes to the replica.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use libp2p::PeerId;
use mulu_chain::pass::Pass;
use mulu_chain::transaction::Envelope;
use mulu_chain::types::TimeMs;
use tokio::sync::{mpsc, oneshot};

use super::petition::Taken;
use super::{Lobby, PassRefused, PetitionRefused, PetitionView, Role};
use crate::p2p::P2pHandle;
use crate::replica::handle::{ReplicaHandle, SubmitVerdict};
use crate::replica::wire::PeerMessage;
use crate::storage::{Ledger, StorageError};

/// Most requests waiting.
pub const REQUESTS_MAX: usize = 256;

/// The answer to a petition: whether it is complete and on its way into a block.
pub type PetitionAnswer = Result<bool, PetitionRefused>;

/// What the lobby is asked.
pub enum Request {
    /// A member's node connected: it is told everything.
    Connected(PeerId),
    /// A peer brought a petition.
    Petition(PeerId, Envelope),
    /// A peer brought a pass.
    Pass(PeerId, Pass),
    /// This node's operator brought a petition or a signature.
    OwnPetition(Envelope, oneshot::Sender<PetitionAnswer>),
    /// This node's operator brought a pass.
    OwnPass(Pass, oneshot::Sender<Result<(), PassRefused>>),
}

/// A cloneable handle.
#[derive(Clone)]
pub struct LobbyHandle {
    lobby: Arc<Lobby>,
    requests: mpsc::Sender<Request>,
}

/// The task.
pub struct LobbyTask {
    lobby: Arc<Lobby>,
    ledger: Ledger,
    p2p: P2pHandle,
    replica: ReplicaHandle,
    requests: mpsc::Receiver<Request>,
}

fn now() -> TimeMs {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    TimeMs(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

impl LobbyHandle {
    /// A handle and the requests it leads to.
    pub fn new(lobby: Arc<Lobby>) -> (Self, mpsc::Receiver<Request>) {
        let (requests, seen) = mpsc::channel(REQUESTS_MAX);
        (LobbyHandle { lobby, requests }, seen)
    }

    /// What a peer is.
    pub fn role(&self, peer: &PeerId) -> Role {
        self.lobby.role(peer)
    }

    /// Hands over what a peer said; when too much waits it is dropped, and said again later.
    pub fn give(&self, request: Request) {
        if self.requests.try_send(request).is_err() {
            tracing::debug!("the lobby is busy; a message is dropped");
        }
    }

    /// Brings a petition, or a signature to one. `None` when the node is stopping.
    pub async fn petition(&self, envelope: Envelope) -> Option<PetitionAnswer> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::OwnPetition(envelope, reply)).await.ok()?;
        answer.await.ok()
    }

    /// Brings a pass. `None` when the node is stopping.
    pub async fn pass(&self, pass: Pass) -> Option<Result<(), PassRefused>> {
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request::OwnPass(pass, reply)).await.ok()?;
        answer.await.ok()
    }

    /// What waits.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn petitions(&self, ledger: &Ledger) -> Result<Vec<PetitionView>, StorageError> {
        self.lobby.petitions(ledger, now())
    }
}

impl LobbyTask {
    /// A task over the lobby.
    pub fn new(
        lobby: Arc<Lobby>,
        ledger: Ledger,
        p2p: P2pHandle,
        replica: ReplicaHandle,
        requests: mpsc::Receiver<Request>,
    ) -> Self {
        LobbyTask { lobby, ledger, p2p, replica, requests }
    }

    /// Runs until nobody can ask any more.
    pub async fn run(mut self) {
        while let Some(request) = self.requests.recv().await {
            if let Err(error) = self.serve(request).await {
                // The replica reads the same ledger and stops the node for it.
                tracing::error!(%error, "the lobby cannot read the ledger");
            }
        }
    }

    async fn serve(&self, request: Request) -> Result<(), StorageError> {
        match request {
            Request::Connected(peer) => {
                let (passes, petitions) = self.lobby.everything();
                for pass in passes {
                    self.send(peer, &PeerMessage::Pass(pass));
                }
                for petition in petitions {
                    self.send(peer, &PeerMessage::Petition(petition));
                }
            }
            Request::Petition(peer, envelope) => {
                let from = Some((peer, self.lobby.role(&peer)));
                if let Err(refused) = self.petition(envelope, from).await? {
                    match refused {
                        PetitionRefused::Committed => {}
                        refused => tracing::info!(%peer, %refused, "a petition is not taken"),
                    }
                }
            }
            Request::Pass(peer, pass) => {
                if let Err(refused) = self.pass(pass).await? {
                    tracing::debug!(%peer, %refused, "a pass is not taken");
                }
            }
            Request::OwnPetition(envelope, reply) => {
                // The caller may have gone away; what it brought stays.
                drop(reply.send(self.petition(envelope, None).await?));
            }
            Request::OwnPass(pass, reply) => drop(reply.send(self.pass(pass).await?)),
        }
        Ok(())
    }

    async fn petition(
        &self,
        envelope: Envelope,
        from: Option<(PeerId, Role)>,
    ) -> Result<PetitionAnswer, StorageError> {
        let (lobby, ledger) = (self.lobby.clone(), self.ledger.clone());
        let taken = blocking(move || {
            let taken = lobby.take_petition(envelope, from, &ledger, now())?;
            Ok(match taken {
                Err(refused) => Err(refused),
                Ok(Taken::Known) => Ok(None),
                Ok(Taken::Changed(envelope)) => {
                    let complete = lobby.judge_envelope(&envelope, &ledger, now())?.is_ok();
                    Ok(Some((complete, envelope)))
                }
            })
        })
        .await?;
        let (complete, envelope) = match taken {
            Err(refused) => return Ok(Err(refused)),
            Ok(None) => return Ok(Ok(false)),
            Ok(Some(changed)) => changed,
        };
        // A newcomer's node may be let in now.
        self.refresh().await?;
        self.p2p.broadcast(Bytes::from(PeerMessage::Petition(envelope.clone()).to_frame()));
        let transaction = if complete { self.lobby.parse(&envelope) } else { None };
        if let Some(transaction) = transaction {
            return Ok(match self.replica.submit(transaction).await {
                SubmitVerdict::Rejected(rejection) => Err(PetitionRefused::Rejected(rejection)),
                verdict => {
                    tracing::info!(id = %envelope.id(), ?verdict, "a petition is complete");
                    Ok(true)
                }
            });
        }
        Ok(Ok(false))
    }

    async fn pass(&self, pass: Pass) -> Result<Result<(), PassRefused>, StorageError> {
        let (lobby, ledger, asked) = (self.lobby.clone(), self.ledger.clone(), pass.clone());
        match blocking(move || lobby.take_pass(&asked, &ledger, now())).await? {
            Err(refused) => return Ok(Err(refused)),
            Ok(false) => {}
            Ok(true) => {
                tracing::info!(member = %pass.member, guest = %pass.guest, "a newcomer has a pass");
                self.refresh().await?;
                self.p2p.broadcast(Bytes::from(PeerMessage::Pass(pass).to_frame()));
            }
        }
        Ok(Ok(()))
    }

    async fn refresh(&self) -> Result<(), StorageError> {
        let (lobby, ledger, p2p) = (self.lobby.clone(), self.ledger.clone(), self.p2p.clone());
        blocking(move || lobby.refresh(&ledger, &p2p, now())).await
    }

    fn send(&self, peer: PeerId, message: &PeerMessage) {
        self.p2p.send(peer, Bytes::from(message.to_frame()));
    }
}

/// Reads the ledger on a blocking thread.
async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, StorageError> + Send + 'static,
) -> Result<T, StorageError> {
    let done = tokio::task::spawn_blocking(job).await;
    // The panic hook aborts the process; a cancelled job means that the runtime stops.
    done.unwrap_or_else(|_| std::process::abort())
}
