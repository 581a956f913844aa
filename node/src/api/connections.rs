//! The open connections, bounded, and who has to leave when there are too many.
//!
//! A client that opens thousands of connections and sends nothing (slowloris) fills every slot
//! until the header timeout. So when the slots are full, the connection that has been idle for the
//! longest is closed in favour of the newcomer: idle means that no complete request of its is
//! being worked on. Connections that just arrived have `EVICT_IDLE_MS_MIN` to send their request.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

/// Most connections open at once.
pub const CONNECTIONS_MAX: usize = 512;
/// A connection idle for less than this is never closed for another, in milliseconds.
const EVICT_IDLE_MS_MIN: u64 = 250;
/// How often a full table is looked at again, in milliseconds.
const EVICT_RETRY_MS: u64 = 50;

/// `idle_since_ms` of a connection whose request is being worked on.
const BUSY: u64 = u64::MAX;

/// What one connection is doing.
pub struct Activity {
    epoch: Instant,
    idle_since_ms: AtomicU64,
    /// Answers that go on after their handler returned: 0 or 1 on HTTP/1.
    streams: AtomicU64,
    evicted: Notify,
}

/// While it lives, the connection is busy.
pub struct Busy<'a>(&'a Activity);

impl Activity {
    fn new(epoch: Instant) -> Self {
        let activity = Activity {
            epoch,
            idle_since_ms: AtomicU64::new(0),
            streams: AtomicU64::new(0),
            evicted: Notify::new(),
        };
        activity.set_idle();
        activity
    }

    /// Marks the connection busy until the answer is dropped.
    pub fn busy(&self) -> Busy<'_> {
        self.idle_since_ms.store(BUSY, Ordering::Relaxed);
        Busy(self)
    }

    /// Marks the connection busy until the streamed answer is dropped.
    pub fn busy_stream(activity: &Arc<Activity>) -> BusyStream {
        activity.streams.fetch_add(1, Ordering::Relaxed);
        activity.idle_since_ms.store(BUSY, Ordering::Relaxed);
        BusyStream(activity.clone())
    }

    /// Resolves when the connection has to leave.
    pub async fn evicted(&self) {
        self.evicted.notified().await;
    }

    fn set_idle(&self) {
        if self.streams.load(Ordering::Relaxed) > 0 {
            return;
        }
        self.idle_since_ms.store(elapsed_ms(self.epoch), Ordering::Relaxed);
    }
}

/// As [`Busy`], for an answer that goes on after its handler returned.
pub struct BusyStream(Arc<Activity>);

impl Drop for BusyStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
        self.0.set_idle();
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.set_idle();
    }
}

fn elapsed_ms(epoch: Instant) -> u64 {
    u64::try_from(epoch.elapsed().as_millis()).unwrap_or(BUSY - 1)
}

/// The table of open connections.
pub struct Connections {
    epoch: Instant,
    slots: Arc<Semaphore>,
    open: Mutex<BTreeMap<u64, Arc<Activity>>>,
}

/// A slot in the table; dropping it frees the slot.
pub struct Slot {
    /// What the connection is doing.
    pub activity: Arc<Activity>,
    number: u64,
    table: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.table.lock().remove(&self.number);
    }
}

impl Connections {
    /// An empty table.
    pub fn new() -> Arc<Self> {
        Arc::new(Connections {
            epoch: Instant::now(),
            slots: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            open: Mutex::default(),
        })
    }

    /// Takes a slot for connection `number`, closing an idle one if need be.
    pub async fn enter(self: &Arc<Self>, number: u64) -> Slot {
        let permit = self.permit().await;
        let activity = Arc::new(Activity::new(self.epoch));
        self.lock().insert(number, activity.clone());
        Slot { activity, number, table: self.clone(), _permit: permit }
    }

    async fn permit(&self) -> OwnedSemaphorePermit {
        loop {
            if let Ok(permit) = self.slots.clone().try_acquire_owned() {
                return permit;
            }
            self.evict_one();
            let retry = Duration::from_millis(EVICT_RETRY_MS);
            let freed = tokio::time::timeout(retry, self.slots.clone().acquire_owned()).await;
            if let Ok(Ok(permit)) = freed {
                return permit;
            }
        }
    }

    /// Tells the longest idle connection to leave, if one is idle for long enough.
    fn evict_one(&self) {
        let latest = elapsed_ms(self.epoch).saturating_sub(EVICT_IDLE_MS_MIN);
        let mut open = self.lock();
        let longest_idle = open
            .iter()
            .map(|(number, activity)| (activity.idle_since_ms.load(Ordering::Relaxed), *number))
            .min()
            .filter(|(idle_since_ms, _)| *idle_since_ms <= latest);
        // Out of the table, so that it is not chosen twice.
        if let Some(activity) = longest_idle.and_then(|(_, number)| open.remove(&number)) {
            activity.evicted.notify_one();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Arc<Activity>>> {
        // The table is never left half changed, so a panic elsewhere does not spoil it.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
