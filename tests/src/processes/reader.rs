//! Readers: what the nodes hold is compared all the time, not only at the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use super::ledger_of_acknowledged::{Acknowledged, Walk};
use super::view::{LOOK_INTERVAL, Views};
use crate::consortium::DEPARTMENTS;

/// Reads the blocks of all nodes while the campaign goes on.
pub struct Reader {
    stop: Arc<AtomicBool>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Reader {
    /// Starts to read.
    pub fn start(views: &Views, acknowledged: &Arc<Acknowledged>) -> Reader {
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..DEPARTMENTS.len()).map(|node| {
            let (views, acknowledged, stop) = (views.clone(), acknowledged.clone(), stop.clone());
            std::thread::spawn(move || {
                let mut walk = Walk::default();
                while !stop.load(SeqCst) {
                    if !acknowledged.follow(&views, node, &mut walk) {
                        std::thread::sleep(LOOK_INTERVAL * 4);
                    }
                }
            })
        });
        Reader { threads: threads.collect(), stop }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.stop.store(true, SeqCst);
        for thread in self.threads.drain(..) {
            // A reader that panicked has said so on standard error.
            drop(thread.join());
        }
    }
}
