//! What a peer's message and a timer set in motion.

use arc_malachitebft_core_consensus as consensus;
use libp2p::PeerId;

use super::convert;
use super::core::{Phase, Replica, ReplicaError, STATUS_INTERVAL};
use super::evidence;
use super::io::{PeerInput, Timer};
use super::wire::PeerMessage;

impl Replica {
    pub(super) fn on_peer(&mut self, from: PeerId, message: PeerInput) -> Result<(), ReplicaError> {
        let working = self.inner.tip.header.height.next();
        // Only what a validator really signed begins a height: an idle chain stays idle whatever
        // else is sent.
        let (height, begins, input) = match message {
            PeerInput::Vote(vote) => {
                if !self.inner.observe(evidence::of_vote(&vote)) {
                    return Ok(());
                }
                let begins = vote.height == working && self.inner.phase == Phase::Waiting;
                (vote.height, begins, consensus::Input::Vote(convert::vote_to_core(&vote)))
            }
            PeerInput::Proposal(proposal) => return self.on_proposal(&proposal),
            PeerInput::Polka(polka) => {
                let input = consensus::Input::PolkaCertificate(convert::polka_to_core(&polka));
                (polka.height, false, input)
            }
            PeerInput::RoundCertificate(certificate) => {
                let input = convert::round_to_core(&certificate);
                (certificate.height, false, consensus::Input::RoundCertificate(input))
            }
            PeerInput::Block(block) => return self.on_block(from, *block),
            PeerInput::Transactions(list) => return self.inner.on_transactions(list),
            PeerInput::Status(height) => return self.on_status(from, height),
            PeerInput::BlocksRequest { from: first, count } => {
                return self.inner.serve_blocks(from, first, count);
            }
            PeerInput::Blocks(blocks) => return self.on_sync_blocks(from, blocks),
            PeerInput::Identity(identity) => return self.on_identity(from, &identity),
            PeerInput::Checkpoint(line) => {
                self.inner.on_checkpoint(&line);
                return Ok(());
            }
        };
        if height < working {
            return Ok(());
        }
        if begins {
            self.begin_height()?;
        }
        // The core keeps votes of a height that has not begun, and nothing else of it: what it were
        // told early would not be in the log in the order in which it took effect. Certificates
        // come again.
        let kept = matches!(input, consensus::Input::Vote(_)) || height > working;
        if !kept && self.inner.phase != Phase::Working {
            return Ok(());
        }
        self.run_core(input)
    }

    pub(super) fn on_timer(&mut self, timer: Timer) -> Result<(), ReplicaError> {
        match timer {
            Timer::Consensus(height, timeout) => {
                let current = self.inner.tip.header.height.next() == height;
                if current && self.inner.phase == Phase::Working {
                    self.run_core(consensus::Input::TimeoutElapsed(timeout))?;
                }
                Ok(())
            }
            Timer::BeginHeight => self.begin_height(),
            Timer::PushTransactions => {
                self.inner.push_transactions();
                Ok(())
            }
            Timer::Status => {
                self.inner.schedule(Timer::Status, STATUS_INTERVAL);
                let height = self.inner.tip.header.height;
                self.inner.broadcast(PeerMessage::Status(height));
                self.inner.repeat_identity();
                self.inner.checkpoint_timer();
                self.inner.serve_waiting()?;
                self.inner.request_blocks();
                self.inner.report_equivocations()?;
                if self.inner.listening {
                    self.may_speak()?;
                }
                self.feed_sync()
            }
        }
    }
}
