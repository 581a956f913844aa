//! The folder `init` writes, and how processes are told apart.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mulu_genesis::devnet::DEPARTMENTS;
use mulu_genesis::peer_id::{peer_id_key, peer_id_of};

use super::layout::{Devnet, multiaddr, socket_addr};
use super::probe::{BlockView, HeaderView};
use super::status::{Agreement, agreement};
use super::*;
use crate::keyfile;
use crate::profile::Profiles;

fn args(dir: PathBuf) -> InitArgs {
    InitArgs {
        dir,
        chain_id: "mulu-devnet".to_owned(),
        host: [127, 0, 0, 1].into(),
        p2p_port: 26600,
        api_port: 26700,
    }
}

fn public_key(path: &Path) -> mulu_chain::signature::PublicKey {
    let loaded = keyfile::load(path, || panic!("{} is not encrypted", path.display()));
    loaded.expect("a key file").key.public_key()
}

fn mode(path: &Path) -> u32 {
    path.metadata().expect("a file").permissions().mode() & 0o777
}

#[test]
fn init_writes_four_homes_that_fit_together() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path().join("consortium");
    init::init(&args(dir.clone())).expect("written");

    let text = std::fs::read_to_string(dir.join("genesis.toml")).expect("a document");
    let founding = mulu_genesis::parse(&text, "genesis.toml").expect("accepted");
    assert_eq!(founding.summary().validators, 4);

    for (department, port) in DEPARTMENTS.iter().zip(26601u16..) {
        let home = dir.join(department.slug);
        assert_eq!(std::fs::read_to_string(home.join("genesis.toml")).expect("a copy"), text);
        assert!(home.join("data").is_dir());
        let config = std::fs::read_to_string(home.join("config.toml")).expect("a configuration");
        let config: toml::Value = toml::from_str(&config).expect("TOML");
        assert_eq!(config["moniker"].as_str(), Some(department.slug));
        assert_eq!(config["member"].as_str(), Some(department.uscc));
        let listen = format!("/ip4/127.0.0.1/tcp/{port}");
        assert_eq!(config["p2p"]["listen"].as_str(), Some(listen.as_str()));
        let api = format!("127.0.0.1:{}", port + 100);
        assert_eq!(config["api"]["listen"].as_str(), Some(api.as_str()));
        // It dials the three others under the identities in their key files.
        let others: BTreeSet<String> = DEPARTMENTS
            .iter()
            .zip(26601u16..)
            .filter(|(other, _)| other.slug != department.slug)
            .map(|(other, port)| {
                let key = public_key(&dir.join(other.slug).join("keys/node.pem"));
                format!("/ip4/127.0.0.1/tcp/{port}/p2p/{}", peer_id_of(&key))
            })
            .collect();
        let peers = config["p2p"]["peers"].as_array().expect("a list");
        let peers: BTreeSet<String> =
            peers.iter().filter_map(|peer| peer.as_str().map(str::to_owned)).collect();
        assert_eq!(peers, others);
        assert!(peers.iter().all(|p| peer_id_key(p.rsplit('/').next().unwrap_or("")).is_ok()));
        // Its identity and its vote are in the founding document.
        let node = peer_id_of(&public_key(&home.join("keys/node.pem")));
        assert!(text.contains(&node));
        let validator = public_key(&home.join("keys/validator.pem"));
        let listed = founding.block().validators.get(&validator).expect("a validator");
        assert_eq!(listed.member, department.uscc);
    }
}

#[test]
fn keys_are_private_distinct_and_in_the_profiles() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path().join("consortium");
    init::init(&args(dir.clone())).expect("written");
    let text = std::fs::read_to_string(dir.join("genesis.toml")).expect("a document");
    let founding = mulu_genesis::parse(&text, "genesis.toml").expect("accepted");

    let profiles = Profiles::read(&dir.join("profiles.toml")).expect("profiles");
    assert_eq!(profiles.profile.len(), 4 * 3 + 2);
    let mut keys = BTreeSet::new();
    for (name, profile) in profiles.profile {
        let profile = profile.anchored(&dir);
        let path = profile.key.expect("a key");
        assert_eq!(mode(&path), 0o600);
        let key = public_key(&path);
        assert!(text.contains(&key.to_string()), "{name}");
        assert!(keys.insert(key), "{name}");
        assert_eq!(profile.genesis, Some(founding.digest().to_string()));
        assert!(profile.node.is_some_and(|node| node.starts_with("http://127.0.0.1:2670")));
        let member = profile.member.expect("a member");
        if let Some(office) = profile.office {
            let office = format!("office/{member}:{office}");
            assert!(founding.block().state.contains_key(&office), "{office}");
        }
    }
    for department in DEPARTMENTS {
        let home = dir.join(department.slug);
        assert_eq!(mode(&home), 0o700);
        for name in ["keys/node.pem", "keys/validator.pem"] {
            assert_eq!(mode(&home.join(name)), 0o600);
            assert!(keys.insert(public_key(&home.join(name))));
        }
    }
    assert_eq!(keys.len(), 14 + 8);
}

#[test]
fn init_refuses_in_one_sentence() {
    let temp = tempfile::tempdir().expect("a folder");
    let dir = temp.path().to_owned();
    let shown = dir.display().to_string();
    let refusal = |args: InitArgs| init::init(&args).expect_err("refused").to_string();
    let exists = refusal(args(dir.clone()));
    assert!(exists.contains(&shown) && exists.contains("already exists"), "{exists}");
    assert_eq!(dir.read_dir().expect("a folder").count(), 0, "nothing was written");
    let new = dir.join("new");
    let host = refusal(InitArgs { host: [0, 0, 0, 0].into(), ..args(new.clone()) });
    assert!(host.contains("--host 0.0.0.0"), "{host}");
    let ports = refusal(InitArgs { api_port: 26603, ..args(new.clone()) });
    assert!(ports.contains("overlap"), "{ports}");
    let chain = refusal(InitArgs { chain_id: "My Chain".to_owned(), ..args(new.clone()) });
    assert!(chain.contains("not a chain id"), "{chain}");
    assert!(!new.exists(), "nothing was written");
}

#[test]
fn other_folders_are_no_consortium() {
    let temp = tempfile::tempdir().expect("a folder");
    let refused = |dir: &Path| Devnet::open(dir).err().expect("refused").to_string();
    assert!(refused(&temp.path().join("nowhere")).contains("mulu devnet init"));
    assert!(refused(temp.path()).contains("market-regulation/config.toml"));
    let dir = temp.path().join("consortium");
    init::init(&args(dir.clone())).expect("written");
    let devnet = Devnet::open(&dir).expect("a consortium");
    assert_eq!(devnet.node("data-bureau").expect("a department").api.port(), 26704);
    let unknown = devnet.node("tax-bureau").err().expect("refused").to_string();
    assert!(unknown.contains("transport-bureau"), "{unknown}");
    std::fs::write(dir.join("data-bureau/config.toml"), "moniker = 1").expect("written");
    assert!(refused(&dir).contains("data-bureau/config.toml"));
}

#[test]
fn addresses_are_written_as_they_are_read() {
    for text in ["127.0.0.1:26601", "[::1]:26601"] {
        let address: std::net::SocketAddr = text.parse().expect("an address");
        assert_eq!(socket_addr(&multiaddr(address)), Some(address));
    }
    for text in ["", "/ip4/127.0.0.1", "/ip4/x/tcp/1", "/dns/host/tcp/1", "127.0.0.1:1"] {
        assert_eq!(socket_addr(text), None, "{text:?}");
    }
}

#[test]
fn only_the_nodes_own_process_counts() {
    let temp = tempfile::tempdir().expect("a folder");
    let own = std::process::id();
    assert!(!process::is_node_process(own, temp.path()), "a pid used again by another program");
    assert!(!process::is_node_process(u32::MAX, temp.path()));
    let mut child = std::process::Command::new("sh")
        .args(["-c", "read line", "mulud", "start", "--home"])
        .arg(temp.path())
        .stdin(std::process::Stdio::piped())
        .spawn()
        .expect("a process");
    // The kernel fills the command line in shortly after the process is there.
    let seen = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        process::is_node_process(child.id(), temp.path())
    });
    assert!(seen);
    assert!(!process::is_node_process(child.id(), &temp.path().join("other")));
    drop(child.stdin.take());
    child.wait().expect("ended");
    assert!(!process::is_node_process(child.id(), temp.path()));
}

#[test]
fn a_log_shows_its_end() {
    let temp = tempfile::tempdir().expect("a folder");
    let path = temp.path().join("mulud.log");
    assert_eq!(up::log_tail(&path), "");
    let lines: String = (0..10_000).map(|number| format!("line {number}\n")).collect();
    std::fs::write(&path, lines).expect("written");
    let tail = up::log_tail(&path);
    assert_eq!(tail.lines().count(), 15);
    assert!(tail.ends_with("line 9999"), "{tail}");
}

#[test]
fn nodes_agree_or_not() {
    let view = |height, block: &str, root: &str| BlockView {
        header: HeaderView { height, state_root: root.to_owned() },
        block: block.to_owned(),
    };
    assert_eq!(agreement(&[]), Agreement::Unknown);
    assert_eq!(agreement(&[view(7, "a", "r")]), Agreement::Unknown);
    assert_eq!(agreement(&[view(7, "a", "r"), view(7, "a", "r")]), Agreement::Same(7));
    assert_eq!(agreement(&[view(7, "a", "r"), view(7, "b", "r")]), Agreement::Different(7));
    assert_eq!(agreement(&[view(7, "a", "r"), view(7, "a", "s")]), Agreement::Different(7));
}
