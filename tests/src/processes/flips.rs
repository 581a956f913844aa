//! Damage to a stopped node's files, then a start: the node refuses in one sentence, or repairs
//! itself from its peers, or the damage did not matter. It never serves or signs wrong data.
//!
//! Everything served is compared with an undamaged node: every block with its transactions, the
//! lists of records, and an audit bundle, which the offline auditor verifies.

mod report;
mod served;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::ledger_of_acknowledged::Acknowledged;
use super::load::{Load, LoadPlan};
use super::seeded::Seeded;
use super::tool::{copy_into, tail};
use super::view::{BlockView, Views};
use crate::consortium::Consortium;

pub use report::{Counts, FlipReport};

/// The node whose files are damaged.
const NODE: usize = 2;
/// The undamaged node it is compared with.
const WITNESS: usize = 0;
/// A damaged node has refused or caught up within this time.
const VERDICT_MAX: Duration = Duration::from_secs(20);
/// A node whose ledger was moved aside stands with the others and votes within this time.
const WAY_OUT_MAX: Duration = Duration::from_secs(60);
/// Heights of the ledger that is damaged, at least.
const HEIGHTS: u64 = 60;
/// Longest run of bytes that one damage changes.
const BURST_BYTES_MAX: u64 = 512;
/// Last lines shown of a log.
const LOG_LINES_SHOWN: usize = 25;
/// The entry whose bundle is verified.
const ENTRY_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/demo/entry.json");

/// How much to damage.
#[derive(Debug, Clone, Copy)]
pub struct FlipPlan {
    /// Damages to the ledger's files, taken in turn by kind.
    pub ledger: u64,
    /// Damages to the vote log and its guard.
    pub votes: u64,
    /// What is damaged, where, how.
    pub seed: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Refused,
    Detected,
    Repaired,
    Harmless,
    Silent,
}

struct Campaign {
    consortium: Consortium,
    views: Views,
    random: Seeded,
    data: PathBuf,
    /// The undamaged data, as the node left it when it was last asked to stop.
    good: PathBuf,
    /// The witness's blocks.
    blocks: Vec<BlockView>,
    report: FlipReport,
}

/// Damages files until the plan is fulfilled.
pub fn flip_campaign(plan: FlipPlan) -> FlipReport {
    let mut campaign = Campaign::prepare(plan.seed);
    for number in 0..plan.ledger {
        if campaign.report.failures.is_empty() {
            campaign.damage_ledger(number);
        }
    }
    for number in 0..plan.votes {
        if campaign.report.failures.is_empty() {
            campaign.damage_votes(number);
        }
    }
    for votes_too in [false, true] {
        if campaign.report.failures.is_empty() {
            campaign.way_out(votes_too);
        }
    }
    campaign.report.equivocations = campaign.views.equivocations(&campaign.consortium);
    campaign.report
}

/// A change to a file; what it was, in words.
fn damage(path: &Path, random: &mut Seeded) -> String {
    let mut bytes = std::fs::read(path).expect("a file of the node");
    let at = random.index(bytes.len().max(1));
    let words = match random.below(4) {
        0 | 1 if !bytes.is_empty() => {
            let bit = random.below(8);
            bytes[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
        2 if !bytes.is_empty() => {
            let length = usize::try_from(1 + random.below(BURST_BYTES_MAX)).unwrap_or(1);
            let end = (at + length).min(bytes.len());
            for byte in &mut bytes[at..end] {
                *byte = random.number().to_le_bytes()[0];
            }
            format!("bytes {at} to {end} replaced")
        }
        _ => {
            bytes.truncate(at);
            format!("cut to {at} bytes")
        }
    };
    std::fs::write(path, bytes).expect("a file of the node");
    words
}

/// The kind of a file of the ledger by its name, if it is data.
fn ledger_kind(name: &str) -> Option<&'static str> {
    match name {
        "CURRENT" => Some("CURRENT"),
        _ if name.ends_with(".sst") => Some("SST"),
        _ if name.starts_with("MANIFEST") => Some("MANIFEST"),
        _ if name.ends_with(".log") => Some("WAL"),
        _ => None,
    }
}

impl Campaign {
    /// A consortium with some history, one node of which was restarted now and then, so that its
    /// ledger has table files as well as a log.
    fn prepare(seed: u64) -> Campaign {
        let mut consortium = Consortium::started();
        let views = Views::of(&consortium);
        consortium.mulu_ok(&["--profile", "market-regulation", "entry", "publish", ENTRY_FILE]);
        let acknowledged = Arc::new(Acknowledged::default());
        let plan = LoadPlan { per_second: 60, workers: 8, offices: 4, seed };
        let load = Load::start(&consortium, plan, &acknowledged);
        for part in 1..=3 {
            let high = || views.status(NODE).is_some_and(|s| s.height >= HEIGHTS * part / 3);
            views.wait(VERDICT_MAX, high).expect("the chain grows");
            consortium.kill(NODE);
            consortium.start(NODE);
        }
        let more = || views.status(NODE).is_some_and(|s| s.height >= HEIGHTS + 20);
        views.wait(VERDICT_MAX, more).expect("the chain grows");
        drop(load.finish());
        let (height, _) = consortium.wait_equal(&[0, 1, 2, 3]);
        let blocks = (1..=height).map(|h| views.block(WITNESS, h).expect("the witness's block"));
        let blocks = blocks.collect();
        assert!(consortium.stop(NODE).success(), "the node stops when asked");
        let data = consortium.home(NODE).join("data");
        let good = consortium.dir.join("good");
        copy_into(&data, &good).expect("a copy of the data");
        let report = FlipReport { seed, ..FlipReport::default() };
        Campaign { consortium, views, random: Seeded::new(seed), data, good, blocks, report }
    }

    fn restore(&self) {
        std::fs::remove_dir_all(&self.data).expect("the damaged data goes");
        copy_into(&self.good, &self.data).expect("the good data comes");
    }

    fn end_trial(&mut self, kind: &'static str, end: Result<End, String>, what: &str) {
        if self.consortium.is_started(NODE) {
            self.consortium.kill(NODE);
        }
        let counts = self.report.kinds.entry(kind).or_default();
        counts.tried += 1;
        match end {
            Ok(End::Refused) => counts.refused += 1,
            Ok(End::Detected) => counts.detected += 1,
            Ok(End::Repaired) => counts.repaired += 1,
            Ok(End::Harmless) => counts.harmless += 1,
            Ok(End::Silent) => {
                counts.silent += 1;
                self.report.failures.push(format!("{kind}: {what}: wrong data, silently"));
            }
            Err(words) => self.report.failures.push(format!("{kind}: {what}: {words}")),
        }
        if self.report.failures.is_empty() {
            self.restore();
        }
    }

    fn damage_ledger(&mut self, number: u64) {
        const KINDS: [&str; 4] = ["SST", "WAL", "MANIFEST", "CURRENT"];
        let kind = KINDS[usize::try_from(number % 10).map_or(0, |n| match n {
            0..5 => 0,
            5..8 => 1,
            8 => 2,
            _ => 3,
        })];
        let mut files: Vec<PathBuf> = std::fs::read_dir(self.data.join("ledger"))
            .expect("the ledger's folder")
            .map(|entry| entry.expect("a file").path())
            .filter(|path| ledger_kind(&file_name(path)) == Some(kind))
            .collect();
        files.sort();
        assert!(!files.is_empty(), "the ledger has a {kind} file");
        let file = files[self.random.index(files.len())].clone();
        let what = format!("{}: {}", file_name(&file), damage(&file, &mut self.random));
        let said_from = self.consortium.log(NODE).len();
        self.consortium.start(NODE);
        let end = self.judge(said_from);
        self.end_trial(kind, end, &what);
    }

    fn said(&self, from: usize) -> String {
        self.consortium.log(NODE).get(from..).unwrap_or_default().to_owned()
    }

    /// Waits until the node refuses or stands with the witness, and compares all it serves.
    fn judge(&mut self, said_from: usize) -> Result<End, String> {
        let mut ended = None;
        let (views, consortium) = (&self.views, &mut self.consortium);
        let goal = views.status(WITNESS).ok_or("the witness does not answer")?.height;
        let up = views.wait(VERDICT_MAX, || {
            ended = consortium.exited(NODE);
            ended.is_some() || views.status(NODE).is_some_and(|s| s.height >= goal && !s.syncing)
        });
        let said = self.said(said_from);
        if let Some(status) = ended {
            return self.refusal(status.code(), &said);
        }
        if up.is_none() {
            let answer = self.views.get(NODE, "/v1/status");
            if answer.as_ref().is_some_and(|(status, _)| *status >= 500) {
                return Ok(End::Detected);
            }
            return Err(format!(
                "neither refused nor with the others: {answer:?}\n{}",
                tail(&said, LOG_LINES_SHOWN)
            ));
        }
        let served = self.compare();
        if let Some(status) = self.consortium.exited(NODE) {
            let said = self.said(said_from);
            return self.refusal(status.code(), &said);
        }
        let doubted = self.said(said_from).contains("in doubt");
        match served {
            Ok(true) if doubted => Ok(End::Repaired),
            Ok(true) => Ok(End::Harmless),
            Ok(false) => Ok(End::Detected),
            Err(words) => {
                println!("silent: {words}");
                Ok(End::Silent)
            }
        }
    }

    /// A refusal is a plain failure with one sentence that names the folder.
    fn refusal(&self, code: Option<i32>, said: &str) -> Result<End, String> {
        let sentences: Vec<&str> = said.lines().filter(|l| l.starts_with("error: ")).collect();
        let folder = self.data.to_string_lossy().into_owned();
        match sentences.as_slice() {
            [one] if code == Some(1) && one.contains(&folder) => Ok(End::Refused),
            _ => Err(format!("ended with {code:?} unclearly:\n{}", tail(said, LOG_LINES_SHOWN))),
        }
    }

    fn damage_votes(&mut self, number: u64) {
        let (name, kind) = match number % 3 {
            0 | 1 => ("log", "vote log"),
            _ => ("guard", "vote guard"),
        };
        let file = self.data.join("votes").join(name);
        let before = std::fs::read(&file).expect("a file of the vote log");
        let what = match self.random.percent(10) {
            true => {
                std::fs::remove_file(&file).expect("a file of the vote log");
                "removed".to_owned()
            }
            false => damage(&file, &mut self.random),
        };
        let changed = std::fs::read(&file).ok() != Some(before);
        let said_from = self.consortium.log(NODE).len();
        self.consortium.start(NODE);
        let end = self.judge(said_from);
        // The whole log was guarded when the node stopped, so every change to it is damage; of the
        // guard one slot may go, because the other one still covers the log.
        let end = match end {
            Ok(End::Harmless) if name == "log" && changed => Ok(End::Silent),
            other => other,
        };
        self.end_trial(kind, end, &what);
    }

    /// What the refusal's sentence tells the operator to do: move the folder aside and start.
    fn way_out(&mut self, votes_too: bool) {
        self.report.ways_out.0 += 1;
        let folder = if votes_too { self.data.clone() } else { self.data.join("ledger") };
        let aside = folder.with_extension("aside");
        std::fs::rename(&folder, &aside).expect("the folder moves aside");
        let started = std::time::Instant::now();
        let said_from = self.consortium.log(NODE).len();
        self.consortium.start(NODE);
        let goal = self.views.status(WITNESS).map_or(0, |s| s.height);
        // Doubt ends only as the chain grows.
        let plan = LoadPlan {
            per_second: 20,
            workers: 2,
            offices: 1,
            seed: self.report.seed ^ (0xa51d + u64::from(votes_too)),
        };
        let load = Load::start(&self.consortium, plan, &Arc::new(Acknowledged::default()));
        let mut abstained = false;
        let back = self.views.wait(WAY_OUT_MAX, || {
            let Some(status) = self.views.status(NODE) else { return false };
            abstained |= status.abstaining.is_some();
            // The status tells of the height to come; the log's line, of a height that began.
            let voting =
                status.abstaining.is_none() && self.said(said_from).contains("voting resumes");
            abstained && status.height > goal && voting && !status.syncing
        });
        let load = load.finish();
        let said = self.said(said_from);
        let equal = self.consortium.wait_equal(&[0, 1, 2, 3]);
        let served = self.compare();
        match (back, served) {
            (Some(took), Ok(true)) => {
                self.report.ways_out.1 += 1;
                let millis = took.as_millis().max(started.elapsed().as_millis());
                self.report.max_way_out_ms = self.report.max_way_out_ms.max(millis);
            }
            (back, served) => self.report.failures.push(format!(
                "moved {} aside: back {back:?}, abstained {abstained}, served {served:?}, equal \
                 {equal:?}, load {load:?}\n{}",
                folder.display(),
                tail(&said, LOG_LINES_SHOWN)
            )),
        }
        assert!(self.consortium.stop(NODE).success(), "the node stops when asked");
        std::fs::remove_dir_all(&aside).expect("the old folder goes");
        // The old copy must not come back: the node has voted since.
        std::fs::remove_dir_all(&self.good).expect("the old copy goes");
        copy_into(&self.data, &self.good).expect("a copy of the data");
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
