//! A bad network made by the kernel: every node in a network namespace of its own.
//!
//! The namespaces hang on one bridge; this process reaches the APIs through the bridge's own
//! address. A flow is stopped by a route of the sender that drops packets to the receiver:
//! connections stay open and lose every packet, as in a network that is cut.

use std::sync::Mutex;

use super::tool::run;
use crate::consortium::{Consortium, DEPARTMENTS};

/// Namespaces and bridge; removed when dropped.
pub struct Namespaces {
    /// Part of all names and addresses; differs between consortia that run at once.
    number: u16,
    /// Whether the flow from one node to another is stopped.
    stopped: Mutex<[[bool; DEPARTMENTS.len()]; DEPARTMENTS.len()]>,
}

impl Namespaces {
    /// Makes the namespaces and moves the nodes, which must not run yet, into them.
    ///
    /// # Errors
    /// What the system refused: there are no privileges, or no `ip`.
    pub fn around(consortium: &mut Consortium) -> Result<Namespaces, String> {
        let number = consortium.p2p_port(0);
        // Made first, so that what is there is removed if something else is refused.
        let namespaces = Namespaces { number, stopped: Mutex::default() };
        let bridge = format!("mulu{number}");
        ip(&["link", "add", &bridge, "type", "bridge"])?;
        ip(&["addr", "add", &format!("{}/24", namespaces.address(254)), "dev", &bridge])?;
        ip(&["link", "set", &bridge, "up"])?;
        for node in 0..DEPARTMENTS.len() {
            let name = namespaces.name(node);
            let (outer, inner) = (format!("mo{number}{node}"), format!("mi{number}{node}"));
            let own = format!("{}/24", namespaces.host(node));
            ip(&["netns", "add", &name])?;
            ip(&["link", "add", &outer, "type", "veth", "peer", "name", &inner, "netns", &name])?;
            ip(&["link", "set", &outer, "master", &bridge, "up"])?;
            ip(&["-n", &name, "addr", "add", &own, "dev", &inner])?;
            ip(&["-n", &name, "link", "set", &inner, "up"])?;
            ip(&["-n", &name, "link", "set", "lo", "up"])?;
        }
        for node in 0..DEPARTMENTS.len() {
            namespaces.configure(consortium, node);
            let wrapper = ["ip", "netns", "exec", &namespaces.name(node)].map(str::to_owned);
            consortium.place(node, namespaces.host(node), wrapper.to_vec());
        }
        Ok(namespaces)
    }

    /// Stops the flow from one node to another, or lets it go.
    pub fn set(&self, from: usize, to: usize, stop: bool) {
        let mut stopped = self.stopped.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if stopped[from][to] != stop {
            let verb = if stop { "add" } else { "del" };
            let (name, host) = (self.name(from), format!("{}/32", self.host(to)));
            ip(&["-n", &name, "route", verb, "blackhole", &host]).expect("a route changes");
            stopped[from][to] = stop;
        }
    }

    /// Every address of the nodes becomes the one in the node's namespace.
    fn configure(&self, consortium: &Consortium, node: usize) {
        let path = consortium.home(node).join("config.toml");
        let mut config = std::fs::read_to_string(&path).expect("a node's configuration");
        for to in 0..DEPARTMENTS.len() {
            let port = consortium.p2p_port(to);
            let old = format!("/ip4/127.0.0.1/tcp/{port}");
            config = config.replace(&old, &format!("/ip4/{}/tcp/{port}", self.host(to)));
        }
        config = config.replace("127.0.0.1:", &format!("{}:", self.host(node)));
        config = config.replace("[api]\n", "[api]\nplain_http = true\n");
        std::fs::write(&path, config).expect("a node's configuration");
    }

    fn name(&self, node: usize) -> String {
        format!("mulu{}-{node}", self.number)
    }

    fn host(&self, node: usize) -> String {
        self.address(node + 1)
    }

    fn address(&self, last: usize) -> String {
        let number = self.number / 16;
        format!("10.{}.{}.{last}", 200 + number / 256, number % 256)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for node in 0..DEPARTMENTS.len() {
            drop(ip(&["netns", "del", &self.name(node)]));
        }
        drop(ip(&["link", "del", &format!("mulu{}", self.number)]));
    }
}

fn ip(arguments: &[&str]) -> Result<String, String> {
    run("ip", arguments)
}
