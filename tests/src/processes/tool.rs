//! Programs of the system that campaigns need.

use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program to its end; its output, or what it said when it failed.
///
/// # Errors
/// The program with its arguments and its words.
pub fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(format!("{program} {}: {said}", arguments.join(" ")))
        }
    }
}

/// Copies what is in a folder into another one, which is made if need be.
///
/// # Errors
/// As [`run`].
pub fn copy_into(from: &Path, to: &Path) -> Result<(), String> {
    std::fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    run("cp", &["-a", &format!("{}/.", from.display()), &to.to_string_lossy()]).map(drop)
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
