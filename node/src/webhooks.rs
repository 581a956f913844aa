//! Webhooks: the node tells a department's own program of events, by POST, until it has them.
//!
//! Invariants: events are read from the ledger from a durable place on and sent in order; the place
//! moves only after the receiver answered 2xx. So a receiver that was away, or a node that was
//! restarted, loses nothing; a receiver may get an event twice (the node stopped between the answer
//! and the note of it) and knows it by its `id`. One delivery is under way per webhook, of at most
//! `DELIVERY_EVENTS_MAX` events; a receiver that refuses is asked again after a pause that doubles
//! from `PAUSE_FIRST` to `PAUSE_LONGEST`, for ever.
//!
//! ```text
//! POST <url>
//! content-type: application/json
//! mulu-webhook: <name>
//! mulu-delivery: <id of the last event>
//! mulu-key: ed25519:<hex>            the key behind the node's PeerId
//! mulu-signature: <base64>           Ed25519 over "mulu-webhook-v1\n<name>\n<delivery>\n" and the body
//!
//! {"chain_id", "webhook", "node", "events": [...], "after": "height/index"}
//! ```
//!
//! The place is a small file replaced by rename. A crash or power loss leaves the old one or the
//! new one; either only repeats a delivery. A damaged one is reported, and reading starts where the
//! configuration says.

mod cursor;
mod post;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libp2p::identity::Keypair;
use mulu_chain::types::{ChainId, Height};
use serde::Serialize;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::events::{self, Batch, Event, EventId, Filter, Place};
use crate::metrics::{Metrics, WebhookLabels};
use crate::replica::handle::Status;
use crate::storage::Ledger;

/// Most webhooks of a node.
pub const WEBHOOKS_MAX: usize = 16;
/// Most events of one delivery.
pub const DELIVERY_EVENTS_MAX: usize = 32;
/// Longest a receiver may take for its answer.
pub const DELIVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after the first refusal.
pub const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// Longest pause.
pub const PAUSE_LONGEST: Duration = Duration::from_secs(60);
/// What is signed begins with this.
pub const SIGNATURE_CONTEXT: &str = "mulu-webhook-v1";

/// One webhook of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Its name: the name of its file and a header.
    pub name: String,
    /// Where to.
    pub url: Uri,
    /// Where a webhook without a place begins; none: with the first event after its first start.
    pub from_height: Option<Height>,
    /// Which events.
    pub filter: Filter,
}

/// What all webhooks share.
#[derive(Clone)]
pub struct Sender {
    /// The ledger to read.
    pub ledger: Ledger,
    /// Wakes on every commit.
    pub status: watch::Receiver<Status>,
    /// Turns true, or loses its sender, when the node stops.
    pub stopping: watch::Receiver<bool>,
    /// The key behind the node's PeerId.
    pub identity: Keypair,
    /// The chain.
    pub chain_id: ChainId,
    /// Where the places lie.
    pub folder: PathBuf,
    /// What the node counts.
    pub metrics: Arc<Metrics>,
}

#[derive(Serialize)]
struct Delivery<'a> {
    chain_id: &'a ChainId,
    webhook: &'a str,
    node: String,
    events: &'a [Event],
    after: EventId,
}

/// Starts one task per webhook; each ends when the node stops.
pub fn spawn(webhooks: Vec<Webhook>, sender: &Sender) -> Vec<JoinHandle<()>> {
    let tasks = webhooks.into_iter().map(|webhook| {
        let mut stopping = sender.stopping.clone();
        let sender = sender.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = deliver(webhook, sender) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        })
    });
    tasks.collect()
}

/// Delivers until the node stops.
async fn deliver(webhook: Webhook, mut sender: Sender) {
    let name = webhook.name.clone();
    let path = sender.folder.join(format!("{name}.place"));
    let Some(mut place) = begin(&webhook, &sender, &path).await else { return };
    tracing::info!(%name, url = %webhook.url, height = place.height.0, "a webhook is active");
    loop {
        let height = sender.status.borrow_and_update().height;
        let Some(batch) = read(&webhook, &sender, place).await else { return };
        if !batch.events.is_empty() {
            let delivery = signed(&webhook, &sender, &batch);
            until_taken(&webhook, &sender, &delivery, batch.events.len()).await;
        }
        if batch.next > place {
            place = batch.next;
            // Only repeats are at stake: the next note, or the next start, makes it good.
            if let Err(error) = cursor::write(&path, place) {
                tracing::warn!(%name, %error, "cannot note a webhook's place");
            }
        }
        if !batch.more && sender.status.wait_for(|status| status.height != height).await.is_err() {
            return;
        }
    }
}

/// Where to begin: the noted place, or what the configuration says, noted at once.
async fn begin(webhook: &Webhook, sender: &Sender, path: &std::path::Path) -> Option<Place> {
    let name = &webhook.name;
    match cursor::read(path) {
        Ok(Some(place)) => return Some(place),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(%name, %error, "a webhook's place cannot be read; it begins anew");
        }
    }
    let height = match webhook.from_height {
        Some(height) => height,
        None => sender.ledger.height().ok()?.next(),
    };
    if let Err(error) = cursor::write(path, Place::at(height)) {
        tracing::warn!(%name, %error, "cannot note a webhook's place");
    }
    Some(Place::at(height))
}

/// Reads the next events on a blocking thread; none ends the webhook, and the log says why.
async fn read(webhook: &Webhook, sender: &Sender, from: Place) -> Option<Batch> {
    let (ledger, filter) = (sender.ledger.clone(), webhook.filter.clone());
    let read = tokio::task::spawn_blocking(move || {
        events::read(&ledger, &filter, from, DELIVERY_EVENTS_MAX)
    });
    match read.await {
        Ok(Ok(batch)) => Some(batch),
        Ok(Err(error)) => {
            tracing::error!(name = %webhook.name, %error, "a webhook cannot read the ledger");
            None
        }
        // The runtime is going away.
        Err(_) => None,
    }
}

/// Posts until the receiver takes the delivery.
async fn until_taken(
    webhook: &Webhook,
    sender: &Sender,
    delivery: &post::SignedDelivery,
    events: usize,
) {
    let name = &webhook.name;
    let mut pause = PAUSE_FIRST;
    let count = |result: &'static str| {
        let labels = WebhookLabels { webhook: name.clone(), result };
        sender.metrics.webhook_deliveries.get_or_create(&labels).inc();
    };
    loop {
        match post::post(&webhook.url, delivery, DELIVERY_TIMEOUT).await {
            Ok(()) => {
                count("taken");
                return;
            }
            Err(error) => {
                count("refused");
                tracing::warn!(
                    %name, %error, events, delivery = delivery.delivery, pause_s = pause.as_secs(),
                    "a webhook's receiver did not take a delivery; it is sent again"
                );
                tokio::time::sleep(pause).await;
                pause = pause.saturating_mul(2).min(PAUSE_LONGEST);
            }
        }
    }
}

/// The body, its name and its signature.
fn signed(webhook: &Webhook, sender: &Sender, batch: &Batch) -> post::SignedDelivery {
    let last = batch.events.last().expect("only called with events");
    let delivery = last.id.to_string();
    let identity = sender.identity.public();
    let body = serde_json::to_vec(&Delivery {
        chain_id: &sender.chain_id,
        webhook: &webhook.name,
        node: identity.to_peer_id().to_string(),
        events: &batch.events,
        after: last.id,
    })
    .expect("strings and numbers always serialize");
    let message = signed_bytes(&webhook.name, &delivery, &body);
    let signature = sender.identity.sign(&message).map(|bytes| STANDARD.encode(bytes));
    let key =
        identity.try_into_ed25519().map(|key| format!("ed25519:{}", hex::encode(key.to_bytes())));
    post::SignedDelivery {
        name: webhook.name.clone(),
        delivery,
        // The identity is always Ed25519: `keys` loads no other.
        key: key.unwrap_or_default(),
        signature: signature.unwrap_or_default(),
        body,
    }
}

/// What the signature is over.
pub fn signed_bytes(name: &str, delivery: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{SIGNATURE_CONTEXT}\n{name}\n{delivery}\n").into_bytes();
    message.extend_from_slice(body);
    message
}
