//! Four departments as four real processes, for scenarios.
//!
//! Everything listens on loopback, on ports of its own; whatever was started is stopped when the
//! value is dropped, by the handle that started it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The departments of the development consortium, in the order of their ports.
pub const DEPARTMENTS: [&str; 4] =
    ["market-regulation", "health-commission", "transport-bureau", "data-bureau"];

/// A department's name.
pub fn name(node: usize) -> &'static str {
    DEPARTMENTS[node]
}

/// How long anything may take before a scenario fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A running consortium.
pub struct Consortium {
    /// Its folder.
    pub dir: PathBuf,
    ports: Ports,
    hosts: [String; DEPARTMENTS.len()],
    wrappers: [Vec<String>; DEPARTMENTS.len()],
    nodes: Vec<Option<Child>>,
    // Kept for its `Drop`: it removes the folder.
    _folder: tempfile::TempDir,
}

/// The folder that holds the programs under test.
pub fn programs() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows its own path");
    let own = test.parent().expect("a program lies in a folder");
    // Tests run from target/…/deps, programs from target/….
    let folders = [Some(own), own.parent()];
    let both = |folder: &&Path| folder.join("mulud").exists() && folder.join("mulu").exists();
    let folder = folders.into_iter().flatten().find(both);
    folder.expect("the programs are built: cargo build --workspace --bins").to_path_buf()
}

/// Ports of one consortium: two blocks of four after each of two base ports. The lock keeps other
/// consortia off, of this and of other processes, also while a node is down and its ports free.
pub struct Ports {
    /// Peers are on the four ports after this one.
    pub p2p: u16,
    /// APIs are on the four ports after this one.
    pub api: u16,
    _lock: File,
}

impl Ports {
    /// Takes ports that are free.
    pub fn take() -> Ports {
        // Apart for each test process, below the range of ports for outgoing connections.
        let start = 10_000 + u16::try_from(std::process::id() % 1_360).unwrap_or(0) * 16;
        let mut candidates = (start..32_000).step_by(16).chain((10_000..start).step_by(16));
        candidates.find_map(Ports::claim).expect("there are free ports")
    }

    fn claim(first: u16) -> Option<Ports> {
        let path = std::env::temp_dir().join(format!("mulu-tests-ports-{first}.lock"));
        let lock = File::options().create(true).truncate(false).write(true).open(path).ok()?;
        lock.try_lock().ok()?;
        let free = |base: u16| {
            (1..=4).all(|n| std::net::TcpListener::bind(("127.0.0.1", base + n)).is_ok())
        };
        let (p2p, api) = (first, first + 8);
        (free(p2p) && free(api)).then_some(Ports { p2p, api, _lock: lock })
    }
}

impl Consortium {
    /// Makes a consortium in a temporary folder; nothing runs yet.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let dir = folder.path().join("consortium");
        let ports = Ports::take();
        let (p2p, api) = (ports.p2p.to_string(), ports.api.to_string());
        let consortium = Consortium {
            dir: dir.clone(),
            ports,
            hosts: DEPARTMENTS.map(|_| "127.0.0.1".to_owned()),
            wrappers: Default::default(),
            nodes: DEPARTMENTS.iter().map(|_| None).collect(),
            _folder: folder,
        };
        let dir = dir.to_string_lossy().into_owned();
        consortium.mulu_ok(&[
            "devnet",
            "init",
            "--dir",
            &dir,
            "--p2p-port",
            &p2p,
            "--api-port",
            &api,
        ]);
        consortium
    }

    /// Makes one and starts all four.
    pub fn started() -> Self {
        let mut consortium = Consortium::new();
        for node in 0..DEPARTMENTS.len() {
            consortium.start(node);
        }
        consortium.wait_ready();
        consortium
    }

    /// A department's home folder.
    pub fn home(&self, node: usize) -> PathBuf {
        self.dir.join(DEPARTMENTS[node])
    }

    /// Adds to a department's configuration.
    pub fn configure(&self, node: usize, text: &str) {
        let path = self.home(node).join("config.toml");
        let before = std::fs::read_to_string(&path).expect("a configuration");
        std::fs::write(&path, format!("{before}\n{text}")).expect("a configuration is written");
    }

    /// Where a department listens for its peers.
    pub fn p2p_port(&self, node: usize) -> u16 {
        self.ports.p2p + 1 + u16::try_from(node).unwrap_or(0)
    }

    /// Lets a node live at another address, started by another program: the wrapper and its
    /// arguments, which must become the node.
    pub fn place(&mut self, node: usize, host: String, wrapper: Vec<String>) {
        self.hosts[node] = host;
        self.wrappers[node] = wrapper;
    }

    /// A department's API.
    pub fn url(&self, node: usize) -> String {
        format!(
            "http://{}:{}",
            self.hosts[node],
            self.ports.api + 1 + u16::try_from(node).unwrap_or(0)
        )
    }

    /// The genesis digest, as the profiles name it.
    pub fn genesis(&self) -> String {
        self.get(0, "/v1/status")["genesis"].as_str().expect("the genesis digest").to_owned()
    }

    /// Starts a department's node.
    pub fn start(&mut self, node: usize) {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path(node))
            .expect("a log file");
        let mulud = programs().join("mulud");
        let mut command = match self.wrappers[node].split_first() {
            None => Command::new(mulud),
            Some((wrapper, arguments)) => {
                let mut command = Command::new(wrapper);
                command.args(arguments).arg(mulud);
                command
            }
        };
        let child = command
            .args(["start", "--home"])
            .arg(self.home(node))
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn()
            .expect("mulud starts");
        self.nodes[node] = Some(child);
    }

    /// Kills a node at once, as a power cut would.
    pub fn kill(&mut self, node: usize) {
        let mut child = self.nodes[node].take().expect("the node runs");
        child.kill().expect("SIGKILL is delivered");
        child.wait().expect("the node ends");
    }

    /// Asks a node to stop and returns how it ended.
    pub fn stop(&mut self, node: usize) -> std::process::ExitStatus {
        self.signal(node, "TERM");
        let mut child = self.nodes[node].take().expect("the node runs");
        child.wait().expect("the node ends")
    }

    /// How a node ended on its own, if it did since it was started.
    pub fn exited(&mut self, node: usize) -> Option<std::process::ExitStatus> {
        let status = self.nodes[node].as_mut()?.try_wait().expect("the state of a child");
        if status.is_some() {
            self.nodes[node] = None;
        }
        status
    }

    /// Whether a node was started and neither killed, stopped nor seen to exit since.
    pub fn is_started(&self, node: usize) -> bool {
        self.nodes[node].is_some()
    }

    /// Sends a signal (`STOP`, `CONT`, `TERM`) to a running node.
    pub fn signal(&self, node: usize, name: &str) {
        let pid = self.nodes[node].as_ref().expect("the node runs").id().to_string();
        let sent = Command::new("kill").args([&format!("-{name}"), &pid]).status();
        assert!(sent.expect("kill runs").success(), "SIG{name} to {}", DEPARTMENTS[node]);
    }

    /// Where a node's output goes, over all its starts.
    pub fn log_path(&self, node: usize) -> PathBuf {
        self.dir.join(format!("{}.log", DEPARTMENTS[node]))
    }

    /// What a node wrote so far.
    pub fn log(&self, node: usize) -> String {
        let bytes = std::fs::read(self.log_path(node)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until every running node is ready.
    pub fn wait_ready(&self) {
        for node in (0..DEPARTMENTS.len()).filter(|n| self.nodes[*n].is_some()) {
            self.wait(node, "ready", |c| {
                ureq::get(format!("{}/readyz", c.url(node))).call().is_ok()
            });
        }
    }

    /// Waits until a condition holds; fails with the node's log when it does not.
    pub fn wait(&self, node: usize, what: &str, condition: impl Fn(&Self) -> bool) {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if condition(self) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = self.log(node);
        let tail: Vec<&str> = log.lines().rev().take(40).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        panic!(
            "{}: not {what} after {PATIENCE:?}; its log ends:\n{}",
            DEPARTMENTS[node],
            tail.join("\n")
        );
    }

    /// A 2xx JSON answer, if that is what comes.
    pub fn try_get(&self, node: usize, path: &str) -> Option<Value> {
        let mut answer = ureq::get(format!("{}{path}", self.url(node))).call().ok()?;
        answer.body_mut().read_json().ok()
    }

    /// A JSON answer.
    pub fn get(&self, node: usize, path: &str) -> Value {
        self.try_get(node, path).unwrap_or_else(|| panic!("GET {path} on {}", DEPARTMENTS[node]))
    }

    /// A node's height.
    pub fn height(&self, node: usize) -> u64 {
        self.get(node, "/v1/status")["height"].as_u64().expect("a height")
    }

    /// Waits until these nodes stand at one height with one state root, and returns both.
    pub fn wait_equal(&self, nodes: &[usize]) -> (u64, String) {
        let status = |node: usize| -> Option<(u64, String)> {
            let status = self.try_get(node, "/v1/status")?;
            Some((status["height"].as_u64()?, status["state_root"].as_str()?.to_owned()))
        };
        let equal = || {
            let first = status(nodes[0])?;
            nodes.iter().all(|n| status(*n).as_ref() == Some(&first)).then_some(first)
        };
        self.wait(nodes[0], "equal to the others", |_| equal().is_some());
        equal().unwrap_or_else(|| self.wait_equal(nodes))
    }

    /// Runs `mulu` with this consortium's profiles.
    pub fn mulu(&self, arguments: &[&str]) -> Output {
        Command::new(programs().join("mulu"))
            .args(arguments)
            .env("MULU_PROFILES", self.dir.join("profiles.toml"))
            .env("MULU_LANG", "en")
            .stdin(Stdio::null())
            .output()
            .expect("mulu runs")
    }

    /// Runs `mulu` and expects success; returns standard output.
    pub fn mulu_ok(&self, arguments: &[&str]) -> String {
        let output = self.mulu(arguments);
        assert!(
            output.status.success(),
            "mulu {arguments:?} ended with {:?}\n{}{}",
            output.status.code(),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `mulu --output json` and returns what it printed.
    pub fn mulu_json(&self, arguments: &[&str]) -> Value {
        let mut all = vec!["--output", "json"];
        all.extend_from_slice(arguments);
        let text = self.mulu_ok(&all);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("mulu {arguments:?}: {e}\n{text}"))
    }
}

impl Default for Consortium {
    fn default() -> Self {
        Consortium::new()
    }
}

impl Drop for Consortium {
    fn drop(&mut self) {
        for child in self.nodes.iter_mut().flatten() {
            // It may have ended already.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
