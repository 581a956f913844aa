//! One node's disk runs full under load, and is freed: it must stop with one clear sentence, start
//! again when there is room, and catch up.
//!
//! The disk is a tmpfs, either one for the whole data folder or one each for ledger and vote log.
//! Little is left free, so that RocksDB cannot reserve space in advance and meets the full disk in
//! the middle of its writes. Mounting takes privileges; without them nothing was tested.

use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use super::ledger_of_acknowledged::{Acknowledged, Verdict};
use super::load::{Load, LoadPlan};
use super::seeded::Seeded;
use super::tool::{copy_into, run, tail};
use super::view::Views;
use crate::consortium::{Consortium, DEPARTMENTS};

/// The node whose disk runs full.
const NODE: usize = 2;
/// Room left on each disk after it was freed, in bytes.
const ROOM_BYTES: u64 = 12 * 1024 * 1024;
/// A node whose disk is full notices within this time.
const NOTICE_MAX: Duration = Duration::from_secs(20);
/// A node with room again stands where the others stand within this time.
const CATCH_UP_MAX: Duration = Duration::from_secs(40);
/// Last lines shown of a log.
const LOG_LINES_SHOWN: usize = 25;
/// Name of the file that fills a disk.
const FILLER: &str = "filler";

/// Disks of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// One disk holds everything.
    Together,
    /// Ledger and vote log have a disk each; one of them runs full.
    Apart,
}

/// What happened.
#[derive(Debug, Clone, Default)]
pub struct FullDiskReport {
    /// The campaign's seed.
    pub seed: u64,
    /// Disks that ran full.
    pub rounds: u64,
    /// Rounds asked for that could not be run, with the reason; never counted as passed.
    pub not_run: Option<(u64, String)>,
    /// Rounds in which the running node stopped with a sentence.
    pub stopped: u64,
    /// Rounds in which the running node found room that was reserved before, and went on.
    pub went_on: u64,
    /// Starts on a full disk.
    pub starts_on_full: u64,
    /// Of them, refused with a sentence; the others found room enough.
    pub refused: u64,
    /// Ends without one clear sentence that names the folder.
    pub unclear: u64,
    /// Rounds after which the node did not come back by a mere start.
    pub not_recovered: u64,
    /// Longest time from a start with room until the node stood with the others.
    pub max_catch_up_ms: u128,
    /// What clients were promised, and what is left of it.
    pub verdict: Verdict,
    /// The different sentences.
    pub sentences: Vec<String>,
    /// What went wrong, in words.
    pub failures: Vec<String>,
}

impl FullDiskReport {
    /// Whether every promise was kept, as far as anything was run.
    pub fn is_clean(&self) -> bool {
        self.unclear == 0
            && self.not_recovered == 0
            && self.verdict.lost == 0
            && self.verdict.contradictions == 0
            && self.failures.is_empty()
    }
}

impl fmt::Display for FullDiskReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((rounds, why)) = &self.not_run {
            writeln!(f, "full disk: NOT RUN {rounds} rounds: {why}")?;
        }
        write!(
            f,
            "full disk: {} rounds: {} stopped, {} went on in reserved room; starts on a full disk \
             refused {} of {}; unclear {}; not recovered {} of {}; longest catch-up {} ms; \
             acknowledged lost {} of {}, contradictions {}; seed {}",
            self.rounds,
            self.stopped,
            self.went_on,
            self.refused,
            self.starts_on_full,
            self.unclear,
            self.not_recovered,
            self.rounds,
            self.max_catch_up_ms,
            self.verdict.lost,
            self.verdict.acknowledged,
            self.verdict.contradictions,
            self.seed,
        )?;
        for line in self.sentences.iter().chain(&self.failures).chain(&self.verdict.shown) {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

/// A tmpfs over a folder; unmounted when dropped, even while a process still uses it.
pub(super) struct Disk(pub(super) PathBuf);

impl Disk {
    /// Mounts over a folder and copies what was in it.
    pub(super) fn over(folder: &Path) -> Result<Disk, String> {
        let kept = tempfile::tempdir().map_err(|e| e.to_string())?;
        std::fs::create_dir_all(folder).map_err(|e| e.to_string())?;
        copy_into(folder, kept.path())?;
        let size = format!("size={ROOM_BYTES},mode=700");
        run("mount", &["-t", "tmpfs", "-o", &size, "tmpfs", &folder.to_string_lossy()])?;
        let disk = Disk(folder.to_owned());
        copy_into(kept.path(), folder)?;
        Ok(disk)
    }

    /// Takes every free byte but about so many.
    pub(super) fn fill(&self, slack_bytes: u64) -> Result<(), String> {
        let mut file = std::fs::File::create(self.0.join(FILLER)).map_err(|e| e.to_string())?;
        let (large, small) = ([0u8; 64 * 1024], [0u8; 4096]);
        while file.write_all(&large).is_ok() {}
        while file.write_all(&small).is_ok() {}
        let length = file.metadata().map_err(|e| e.to_string())?.len();
        if slack_bytes > 0 {
            file.set_len(length.saturating_sub(slack_bytes)).map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    /// Makes room again: as much as at the beginning beyond what is used.
    pub(super) fn free(&self) -> Result<(), String> {
        std::fs::remove_file(self.0.join(FILLER)).map_err(|e| e.to_string())?;
        let used = run("du", &["-s", "-B1", &self.0.to_string_lossy()])?;
        let used: u64 =
            used.split_whitespace().next().and_then(|n| n.parse().ok()).ok_or("du says nothing")?;
        let size = format!("remount,size={}", used + ROOM_BYTES);
        run("mount", &["-o", &size, &self.0.to_string_lossy()]).map(drop)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(run("umount", &["-l", &self.0.to_string_lossy()]));
    }
}

/// Fills disks for so many rounds, half of them with each layout.
pub fn full_disk_campaign(rounds: u64, seed: u64) -> FullDiskReport {
    let mut report = FullDiskReport { seed, ..FullDiskReport::default() };
    let mut random = Seeded::new(seed);
    for (layout, share) in
        [(Layout::Together, rounds.div_ceil(2)), (Layout::Apart, rounds - rounds.div_ceil(2))]
    {
        if share > 0 && report.failures.is_empty() {
            with_layout(layout, share, &mut random, &mut report);
        }
    }
    report
}

fn with_layout(layout: Layout, rounds: u64, random: &mut Seeded, report: &mut FullDiskReport) {
    let mut consortium = Consortium::new();
    // No floor: here the disk shall run full.
    consortium.configure(NODE, "[storage]\nfree_mib_min = 0\n");
    let data = consortium.home(NODE).join("data");
    let folders = match layout {
        Layout::Together => vec![data],
        Layout::Apart => vec![data.join("ledger"), data.join("votes")],
    };
    // Declared after the consortium: unmounted before its folder is removed.
    let disks: Result<Vec<Disk>, String> = folders.iter().map(|f| Disk::over(f)).collect();
    let disks = match disks {
        Ok(disks) => disks,
        Err(why) => {
            let before = report.not_run.take().map_or(0, |(rounds, _)| rounds);
            report.not_run = Some((before + rounds, why));
            return;
        }
    };
    for node in 0..DEPARTMENTS.len() {
        consortium.start(node);
    }
    consortium.wait_ready();
    let views = Views::of(&consortium);
    let acknowledged = Arc::new(Acknowledged::default());
    let plan = LoadPlan { per_second: 40, workers: 8, offices: 8, seed: random.number() };
    let load = Load::start(&consortium, plan, &acknowledged);
    for _ in 0..rounds {
        let disk = &disks[random.index(disks.len())];
        report.rounds += 1;
        if let Err(words) = round(&mut consortium, &views, disk, random, report) {
            report.failures.push(words);
            break;
        }
    }
    let load = load.finish();
    report.failures.extend(load.refused);
    let verdict = acknowledged.judge(&views);
    report.verdict.acknowledged += verdict.acknowledged;
    report.verdict.lost += verdict.lost;
    report.verdict.contradictions += verdict.contradictions;
    report.verdict.shown.extend(verdict.shown);
    if let Err(words) = views.equal_at_common_height() {
        report.failures.push(words);
    }
    // The node must not hold its files any more when the disks are taken away.
    if consortium.is_started(NODE) {
        consortium.kill(NODE);
    }
}

fn round(
    consortium: &mut Consortium,
    views: &Views,
    disk: &Disk,
    random: &mut Seeded,
    report: &mut FullDiskReport,
) -> Result<(), String> {
    std::thread::sleep(random.millis(100, 1_000));
    let slack = random.pick(&[0, 0, 4_096, 16_384, 65_536]);
    let mut said_from = consortium.log(NODE).len();
    let under_load = random.percent(60);
    if !under_load {
        // The moment of filling lies somewhere in the node's start.
        consortium.kill(NODE);
        said_from = consortium.log(NODE).len();
        consortium.start(NODE);
        std::thread::sleep(random.millis(0, 400));
    }
    disk.fill(slack)?;
    let mut ended = None;
    views.wait(NOTICE_MAX, || {
        ended = consortium.exited(NODE);
        ended.is_some()
    });
    match ended {
        Some(status) => {
            report.stopped += 1;
            judge_end(consortium, disk, said_from, status, report);
        }
        None => {
            report.went_on += 1;
            let heights = [views.status(NODE), views.status(0)].map(|s| s.map(|s| s.height));
            if heights[0].is_none() {
                return Err(format!(
                    "on a full disk the node neither stops nor answers {heights:?}"
                ));
            }
            consortium.kill(NODE);
        }
    }
    if random.percent(50) {
        start_on_full(consortium, views, disk, report);
    }
    disk.free()?;
    consortium.start(NODE);
    catch_up(consortium, views, report)
}

/// A start on the full disk is refused with a sentence, or the room suffices.
fn start_on_full(
    consortium: &mut Consortium,
    views: &Views,
    disk: &Disk,
    report: &mut FullDiskReport,
) {
    const START_MAX: Duration = Duration::from_secs(4);
    report.starts_on_full += 1;
    let said_from = consortium.log(NODE).len();
    consortium.start(NODE);
    let mut ended = None;
    views.wait(START_MAX, || {
        ended = consortium.exited(NODE);
        ended.is_some()
    });
    match ended {
        Some(status) => {
            report.refused += 1;
            judge_end(consortium, disk, said_from, status, report);
        }
        // It may meet the full disk at any moment, also while room is made.
        None => consortium.kill(NODE),
    }
}

/// With room, the node needs nothing but a start.
fn catch_up(
    consortium: &mut Consortium,
    views: &Views,
    report: &mut FullDiskReport,
) -> Result<(), String> {
    let mut ended = None;
    let goal = (0..DEPARTMENTS.len()).filter_map(|n| Some(views.status(n)?.height)).max();
    let goal = goal.unwrap_or_default() + 1;
    let back = views.wait(CATCH_UP_MAX, || {
        ended = ended.or_else(|| consortium.exited(NODE));
        let status = views.status(NODE);
        ended.is_some() || status.is_some_and(|s| s.height >= goal && s.abstaining.is_none())
    });
    if let (None, Some(took)) = (ended, back) {
        report.max_catch_up_ms = report.max_catch_up_ms.max(took.as_millis());
        return views.equal_at_common_height().map(drop);
    }
    report.not_recovered += 1;
    let tail = tail(&consortium.log(NODE), LOG_LINES_SHOWN);
    Err(format!("not back with room: ended {ended:?}, {:?}:\n{tail}", views.status(NODE)))
}

/// The end is a plain failure, told in one sentence that names the folder.
fn judge_end(
    consortium: &Consortium,
    disk: &Disk,
    said_from: usize,
    status: ExitStatus,
    report: &mut FullDiskReport,
) {
    let log = consortium.log(NODE);
    let said = log.get(said_from..).unwrap_or_default();
    let sentences: Vec<&str> = said.lines().filter(|line| line.starts_with("error: ")).collect();
    let folder = disk.0.to_string_lossy().into_owned();
    let clear = status.code() == Some(1)
        && sentences.len() == 1
        && sentences[0].contains(&folder)
        && sentences[0].contains("No space left")
        && !said.contains("this is a bug");
    if !clear {
        report.unclear += 1;
        let tail = tail(said, LOG_LINES_SHOWN);
        report.failures.push(format!("an unclear end ({status}), folder {folder}:\n{tail}"));
    }
    const SENTENCES_MAX: usize = 12;
    for sentence in sentences {
        // File numbers differ from round to round.
        let known = |s: &String| s.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let sentence = sentence.replace(&consortium.dir.to_string_lossy().into_owned(), "…");
        if report.sentences.len() < SENTENCES_MAX
            && !report.sentences.iter().any(|s| known(s) == known(&sentence))
        {
            report.sentences.push(sentence);
        }
    }
}
