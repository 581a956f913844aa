//! One node's disk is nearly full: it must turn read-only before anything fails, say so, leave the
//! others to go on, and come back by itself when there is room.

use std::time::Duration;

use super::full_disk::Disk;
use super::view::Views;
use crate::consortium::{Consortium, DEPARTMENTS};

/// The node whose disk is small.
const NODE: usize = 2;
/// Its floor, in MiB; the disk has twice that free at first.
const FLOOR_MIB: u64 = 6;
/// Bytes left when the disk is filled.
const LEFT_BYTES: u64 = 3 * 1024 * 1024;
/// It notices, and comes back, within this time.
const NOTICE_MAX: Duration = Duration::from_secs(20);

/// Runs the drill; `Err` says what was wrong, `Ok(Some(why))` why it could not be run.
///
/// # Errors
/// What was not as it must be.
pub fn floor_drill() -> Result<Option<String>, String> {
    let mut consortium = Consortium::new();
    consortium.configure(NODE, &format!("[storage]\nfree_mib_min = {FLOOR_MIB}\n"));
    let disk = match Disk::over(&consortium.home(NODE).join("data")) {
        Ok(disk) => disk,
        Err(why) => return Ok(Some(why)),
    };
    for node in 0..DEPARTMENTS.len() {
        consortium.start(node);
    }
    consortium.wait_ready();
    let views = Views::of(&consortium);
    disk.fill(LEFT_BYTES)?;
    let unready = || views.get(NODE, "/readyz").filter(|(status, _)| *status == 503);
    views.wait(NOTICE_MAX, || unready().is_some()).ok_or("it does not notice the full disk")?;
    let (_, problem) = unready().ok_or("ready although the disk is full")?;
    if !problem.to_string().contains("read-only: the disk has") {
        return Err(format!("the health answer does not say why: {problem}"));
    }
    let metrics = views.text(NODE, "/metrics").ok_or("no metrics")?;
    if !metrics.contains("mulu_read_only 1") {
        return Err("mulu_read_only is not 1".to_owned());
    }
    let before = views.status(NODE).ok_or("a read-only node answers no reads")?.height;
    let refused = submit_anything(&views.urls()[NODE])?;
    if refused != 503 {
        return Err(format!("a transaction got {refused}, not 503"));
    }
    // The others go on without it.
    consortium.mulu_ok(&["--profile", "market-regulation", "list", "entries"]);
    for n in 0..3 {
        establish(&consortium, n)?;
    }
    let others = views.status(0).ok_or("the others do not answer")?.height;
    let still = views.status(NODE).ok_or("it stopped answering")?.height;
    if others <= before || still != before {
        return Err(format!("heights: it {before} then {still}, the others {others}"));
    }
    disk.free()?;
    let back = || {
        let ready = views.get(NODE, "/readyz").is_none_or(|(status, _)| status != 503);
        ready && views.status(NODE).is_some_and(|s| s.height >= others)
    };
    views.wait(NOTICE_MAX, back).ok_or("it does not come back by itself")?;
    if let Some(status) = consortium.exited(NODE) {
        return Err(format!("the node ended: {status}"));
    }
    views.equal_at_common_height()?;
    consortium.kill(NODE);
    Ok(None)
}

/// Commits something through the first node.
fn establish(consortium: &Consortium, number: usize) -> Result<(), String> {
    let code = format!("floor{number}");
    let arguments = [
        "--profile",
        "market-regulation-administrator",
        "office",
        "establish",
        "--code",
        &code,
        "--name",
        "演练处",
    ];
    let output = consortium.mulu(&arguments);
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// The status of a transaction, whatever it holds.
fn submit_anything(url: &str) -> Result<u16, String> {
    let agent = super::view::agent(Duration::from_secs(10));
    let answer = agent
        .post(format!("{url}/v1/transactions"))
        .header("content-type", "application/json")
        .send("{}")
        .map_err(|error| error.to_string())?;
    Ok(answer.status().as_u16())
}
