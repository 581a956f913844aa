//! A bad network in user space: one TCP proxy for each ordered pair of nodes.
//!
//! Node `a` dials node `b` through a port of this process. Either side's bytes belong to a
//! *flow*, from one node to another, whoever dialled; a flow can be delayed, narrowed, stalled,
//! refused or reset. Nodes authenticate and encrypt, so changed bytes would end a connection just
//! as a reset does; a stalled flow keeps what it holds, as TCP would, and goes on when healed.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::consortium::{Consortium, DEPARTMENTS, name};

/// Bytes read at once.
const CHUNK_BYTES: usize = 16 * 1024;
/// Chunks under way in one direction of a connection.
const CHUNKS_MAX: usize = 256;
/// Between two looks at a flow that stands still.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);
/// `reset_in` of a flow that is not reset.
const NEVER: i64 = i64::MAX;

/// What is wrong with a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// Every byte arrives this much later.
    Delay(Duration),
    /// At most so many bytes pass in a second.
    Narrow(u64),
    /// Nothing moves, and nobody is told.
    Stall,
    /// Connections are closed, and new ones too.
    Refuse,
    /// The connection that carries the byte of this number, from now, is closed in the middle.
    ResetAfter(u64),
}

/// The bytes from one node to another.
#[derive(Debug)]
struct Flow {
    delay_ms: AtomicU64,
    bytes_per_second: AtomicU64,
    stalled: AtomicBool,
    refused: AtomicBool,
    reset_in: AtomicI64,
}

impl Flow {
    fn new() -> Self {
        Flow {
            delay_ms: AtomicU64::new(0),
            bytes_per_second: AtomicU64::new(0),
            stalled: AtomicBool::new(false),
            refused: AtomicBool::new(false),
            reset_in: AtomicI64::new(NEVER),
        }
    }

    /// Ends what was wrong before, and lets something else be wrong.
    fn set(&self, trouble: Trouble) {
        let (mut delay_ms, mut width, mut reset_in) = (0, 0, NEVER);
        match trouble {
            Trouble::Delay(delay) => delay_ms = u64::try_from(delay.as_millis()).unwrap_or(0),
            Trouble::Narrow(bytes_per_second) => width = bytes_per_second,
            Trouble::ResetAfter(bytes) => reset_in = i64::try_from(bytes).unwrap_or(NEVER),
            Trouble::None | Trouble::Stall | Trouble::Refuse => {}
        }
        self.delay_ms.store(delay_ms, SeqCst);
        self.bytes_per_second.store(width, SeqCst);
        self.reset_in.store(reset_in, SeqCst);
        self.refused.store(trouble == Trouble::Refuse, SeqCst);
        self.stalled.store(trouble == Trouble::Stall, SeqCst);
    }

    /// How many of the next bytes still pass before the reset, if it falls among them.
    fn reset_within(&self, bytes: usize) -> Option<usize> {
        let count = i64::try_from(bytes).unwrap_or(NEVER);
        let left = self.reset_in.load(SeqCst);
        if left == NEVER {
            return None;
        }
        if left < count {
            // One connection is reset once; the next waits for the next order.
            self.reset_in.store(NEVER, SeqCst);
            return Some(usize::try_from(left.max(0)).unwrap_or(0));
        }
        self.reset_in.fetch_sub(count, SeqCst);
        None
    }
}

/// The network between the nodes of a consortium.
pub struct Network {
    flows: Vec<Vec<Flow>>,
    stop: AtomicBool,
}

/// Ends the network's threads when dropped.
pub struct NetworkGuard(pub Arc<Network>);

impl Drop for NetworkGuard {
    fn drop(&mut self) {
        self.0.stop.store(true, SeqCst);
    }
}

impl Network {
    /// Puts a proxy between each ordered pair of nodes and points their configurations at it. The
    /// nodes must not run yet.
    pub fn between(consortium: &Consortium) -> NetworkGuard {
        let count = DEPARTMENTS.len();
        let flows = (0..count).map(|_| (0..count).map(|_| Flow::new()).collect()).collect();
        let network = Arc::new(Network { flows, stop: AtomicBool::new(false) });
        for from in 0..count {
            let path = consortium.home(from).join("config.toml");
            let mut config = std::fs::read_to_string(&path).expect("a node's configuration");
            for to in (0..count).filter(|to| *to != from) {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
                let own = listener.local_addr().expect("a bound port").port();
                let port = consortium.p2p_port(to);
                let (dialled, through) = (format!("/tcp/{port}/p2p/"), format!("/tcp/{own}/p2p/"));
                assert!(config.contains(&dialled), "{} dials {port}", name(from));
                config = config.replace(&dialled, &through);
                let network = network.clone();
                std::thread::spawn(move || network.accept(&listener, from, to, port));
            }
            std::fs::write(&path, config).expect("a node's configuration");
        }
        NetworkGuard(network)
    }

    /// Lets something be wrong with the flow from one node to another.
    pub fn set(&self, from: usize, to: usize, trouble: Trouble) {
        self.flow(from, to).set(trouble);
    }

    fn flow(&self, from: usize, to: usize) -> &Flow {
        &self.flows[from][to]
    }

    fn accept(self: &Arc<Self>, listener: &TcpListener, from: usize, to: usize, port: u16) {
        listener.set_nonblocking(true).expect("a listener");
        while !self.stop.load(SeqCst) {
            let Ok((near, _)) = listener.accept() else {
                std::thread::sleep(LOOK_INTERVAL);
                continue;
            };
            if [self.flow(from, to), self.flow(to, from)].iter().any(|f| f.refused.load(SeqCst)) {
                continue;
            }
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)) else { continue };
            if near.set_nonblocking(false).is_err() {
                continue;
            }
            // Frames are small: do not let the proxy's own sockets add to the delay.
            drop((near.set_nodelay(true), far.set_nodelay(true)));
            self.pump(&near, &far, from, to);
            self.pump(&far, &near, to, from);
        }
    }

    /// Moves the bytes of one direction: a thread reads, another one writes when they are due.
    fn pump(self: &Arc<Self>, source: &TcpStream, sink: &TcpStream, from: usize, to: usize) {
        let (Ok(mut source), Ok(mut sink)) = (source.try_clone(), sink.try_clone()) else { return };
        let Ok(both) = source.try_clone().and_then(|s| Ok((s, sink.try_clone()?))) else { return };
        let (chunks, due) = sync_channel(CHUNKS_MAX);
        let network = self.clone();
        std::thread::spawn(move || network.read(&mut source, &chunks, from, to));
        let network = self.clone();
        std::thread::spawn(move || {
            network.write(&mut sink, &due, from, to);
            drop((both.0.shutdown(Shutdown::Both), both.1.shutdown(Shutdown::Both)));
        });
    }

    fn read(
        &self,
        source: &mut TcpStream,
        chunks: &SyncSender<(Instant, Vec<u8>)>,
        from: usize,
        to: usize,
    ) {
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            while self.flow(from, to).stalled.load(SeqCst) && !self.stop.load(SeqCst) {
                std::thread::sleep(LOOK_INTERVAL);
            }
            match source.read(&mut buffer) {
                Ok(length) if length > 0 => {
                    let chunk = (Instant::now(), buffer[..length].to_vec());
                    if chunks.send(chunk).is_err() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    fn write(
        &self,
        sink: &mut TcpStream,
        due: &Receiver<(Instant, Vec<u8>)>,
        from: usize,
        to: usize,
    ) {
        let flow = self.flow(from, to);
        let open = || !self.stop.load(SeqCst) && !flow.refused.load(SeqCst);
        while open() {
            let (read_at, chunk) = match due.recv_timeout(LOOK_INTERVAL * 5) {
                Ok(chunk) => chunk,
                Err(RecvTimeoutError::Timeout) => continue,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let late = || Duration::from_millis(flow.delay_ms.load(SeqCst));
            while open() && (flow.stalled.load(SeqCst) || read_at.elapsed() < late()) {
                std::thread::sleep(LOOK_INTERVAL);
            }
            let width = flow.bytes_per_second.load(SeqCst);
            // Width 0 is no bound.
            let millis = (chunk.len() as u64 * 1_000).checked_div(width).unwrap_or(0);
            std::thread::sleep(Duration::from_millis(millis));
            if let Some(passing) = flow.reset_within(chunk.len()) {
                drop(sink.write_all(&chunk[..passing]));
                return;
            }
            if sink.write_all(&chunk).is_err() {
                return;
            }
        }
    }
}
