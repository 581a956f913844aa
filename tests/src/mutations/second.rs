//! The verifier in Python, as a process that is asked again and again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mulu_chain::block::BlockId;
use serde_json::{Value, json};

use super::Verdict;

/// The process.
#[derive(Debug)]
pub struct Second {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Second {
    /// Starts it; none without Python 3 and its package `cryptography`.
    pub fn start() -> Option<Second> {
        let python = std::env::var("MULU_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let usable = Command::new(&python)
            .args(["-c", "import cryptography"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !usable {
            return None;
        }
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/python-verifier/mulu_verify.py");
        let mut child = Command::new(python)
            .arg(script)
            .arg("--batch")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let (input, output) = (child.stdin.take()?, BufReader::new(child.stdout.take()?));
        Some(Second { child, input, output })
    }

    /// Asks for a verdict.
    ///
    /// # Panics
    /// If the process broke: no bytes may do that.
    pub fn verdict(&mut self, bytes: &[u8], genesis: &BlockId) -> Verdict {
        let asked = json!({ "genesis": genesis, "bundle": STANDARD.encode(bytes) });
        writeln!(self.input, "{asked}").expect("the verifier runs");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the verifier runs");
        let said: Value = serde_json::from_str(&line).expect("the verifier answers");
        let failed = said["failures"].as_object().expect("an object").keys().cloned().collect();
        let exit = said["exit"].as_u64().and_then(|exit| u8::try_from(exit).ok()).expect("an exit");
        Verdict { exit, failed }
    }
}

impl Drop for Second {
    fn drop(&mut self) {
        // It ends by itself when nobody asks any more; a test's end does not wait for that.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
