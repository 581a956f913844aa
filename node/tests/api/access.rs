//! Reads from elsewhere: tokens, and TLS over a real socket.

use axum::body::Body;
use mulu_chain::digest::Digest;
use mulu_node::api::{self, Access, TlsFiles, acceptor};
use mulu_node::config::{Config, ConfigError};

use crate::fixture::{World, envelope, request};

const MEMBER: &str = "11330100MB0123456X";

#[tokio::test]
async fn reads_want_a_token_and_writes_do_not() {
    let token = "a long random text";
    let access = Access::new(vec![Digest::sha256(token.as_bytes())], false);
    let world = World::with_access(access);
    let read = |authorization: Option<&str>, path: &str| {
        let mut request = request("GET", path);
        if let Some(authorization) = authorization {
            request = request.header("authorization", authorization);
        }
        request.body(Body::empty()).expect("a request")
    };
    world.send(read(Some("Bearer a long random text"), "/v1/status")).await.ok();
    for wrong in [None, Some("Bearer "), Some("Bearer other"), Some("Basic a long random text")] {
        for path in ["/v1/status", "/v1/events", "/metrics", "/docs"] {
            world.send(read(wrong, path)).await.problem(401, "unauthorized");
        }
    }
    assert_eq!(world.get("/livez").await.status.as_u16(), 200);
    world.submit("?wait=committed", &envelope("1")).await.ok();
}

#[test]
fn the_api_is_not_exposed_by_mistake() {
    let config = |api: &str| {
        let text = format!("member = \"{MEMBER}\"\n[api]\n{api}");
        Config::parse(&text, "config.toml", |_| None).expect("usable").api.check_exposure()
    };
    let tls = "[api.tls]\ncertificate = \"a\"\nkey = \"b\"\n";
    let elsewhere = "listen = \"0.0.0.0:1\"\n";
    let token = format!("tokens = [\"{}\"]\n", Digest::sha256(b"x"));
    assert!(config("").is_ok() && config("listen = \"[::1]:1\"").is_ok());
    assert!(matches!(config(elsewhere), Err(ConfigError::Clear { .. })));
    assert!(matches!(config(&format!("{elsewhere}{token}")), Err(ConfigError::Clear { .. })));
    assert!(matches!(config(&format!("{elsewhere}{tls}")), Err(ConfigError::Open { .. })));
    assert!(config(&format!("{elsewhere}{token}{tls}")).is_ok());
    assert!(config(&format!("{elsewhere}{tls}client_ca = \"c\"")).is_ok());
    assert!(config(&format!("{elsewhere}plain_http = true")).is_ok());
}

/// Certificates by openssl, and a client by curl: others' tools on both sides.
#[tokio::test(flavor = "multi_thread")]
async fn tls_and_client_certificates_work_with_ordinary_tools() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = "set -e
      openssl req -x509 -newkey ed25519 -nodes -days 2 -subj /CN=test-ca -keyout ca.key -out ca.pem
      for name in node client; do
        openssl req -newkey ed25519 -nodes -subj /CN=$name -keyout $name.key -out $name.csr
        printf 'subjectAltName=IP:127.0.0.1\\nbasicConstraints=CA:FALSE' > $name.ext
        openssl x509 -req -in $name.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile $name.ext -out $name.pem
      done";
    let made = std::process::Command::new("bash")
        .args(["-c", script])
        .current_dir(folder.path())
        .output()
        .expect("bash runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let path = |name: &str| folder.path().join(name);
    let files = TlsFiles {
        certificate: path("node.pem"),
        key: path("node.key"),
        client_ca: Some(path("ca.pem")),
    };
    let tls = acceptor(&files).expect("usable files");
    let world = World::with_access(Access::new(Vec::new(), true));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}/v1/status", listener.local_addr().expect("an address"));
    let served = tokio::spawn(api::serve_tls(
        listener,
        Some(tls),
        world.router.clone(),
        std::future::pending(),
    ));
    let curl = |arguments: &[&str]| {
        let output = std::process::Command::new("curl")
            .args([
                "-sS",
                "--max-time",
                "20",
                "--cacert",
                "ca.pem",
                "-o",
                "/dev/null",
                "-w",
                "%{http_code}",
            ])
            .args(arguments)
            .arg(&url)
            .current_dir(folder.path())
            .output()
            .expect("curl runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    tokio::task::block_in_place(|| {
        assert_eq!(curl(&[]), "401", "no certificate, no token");
        assert_eq!(curl(&["--cert", "client.pem", "--key", "client.key"]), "200");
        let plain = std::process::Command::new("curl")
            .args(["-sS", "--max-time", "20", &url.replace("https", "http")])
            .output()
            .expect("curl runs");
        assert!(!plain.status.success(), "plain HTTP is not answered");
    });
    served.abort();
    let wrong = TlsFiles { key: path("ca.pem"), ..files };
    assert!(acceptor(&wrong).is_err_and(|error| error.path == path("ca.pem")));
}
