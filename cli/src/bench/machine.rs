//! The machine, and its own limits measured in the same run: what a figure can be compared with.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use mulu_chain::digest::Digest;
use mulu_chain::signature::SigningKey;
use serde::Serialize;

use crate::bench::measure::{Spread, micros, ratio};
use crate::failure::{Failure, Outcome};
use crate::text;

/// Bytes of the message that is signed, verified and hashed.
const MESSAGE_BYTES: usize = 512;
/// Bytes appended before each fsync.
const APPEND_BYTES: usize = 4096;
/// How long each limit is measured.
const EACH: Duration = Duration::from_millis(600);
/// Operations between two looks at the clock.
const CHUNK: u32 = 64;
/// Validators of the consortium that is measured.
pub const NODES: u32 = 4;

/// The machine.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Name of the processor.
    pub processor: String,
    /// Cores this process may use.
    pub cores: usize,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// The kernel.
    pub kernel: String,
    /// Load average over a minute when the run began: what else runs on this machine.
    pub load_average: String,
    /// The program's own build.
    pub build: &'static str,
}

/// What it can do at best.
#[derive(Debug, Clone, Serialize)]
pub struct Limits {
    /// One Ed25519 signature of 512 bytes, one core, median, in µs.
    pub sign_us: f64,
    /// One `verify_strict`, likewise.
    pub verify_strict_us: f64,
    /// One SHA-256 of 512 bytes, likewise.
    pub sha256_512_us: f64,
    /// Append 4 KiB and fsync, median, in µs.
    pub fsync_us: f64,
    /// The same, 99 of 100 are faster, in µs.
    pub fsync_p99_us: f64,
    /// cores / (nodes × verify_strict): transactions per second if every node did nothing but
    /// verify each once.
    pub verify_only_per_second: f64,
}

impl Machine {
    /// Looks at this machine.
    pub fn look() -> Machine {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            let value = line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim());
            value.unwrap_or("unknown").to_owned()
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let kib: u64 = memory.split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0);
        Machine {
            processor: field(&read("/proc/cpuinfo"), "model name"),
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            memory_mib: kib / 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            load_average: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
            build: if cfg!(debug_assertions) {
                "development profile, debug assertions on"
            } else {
                "release profile"
            },
        }
    }
}

/// Measures the limits; the fsync is that of the folder the nodes will write to.
///
/// # Errors
/// Exit 2 when the folder cannot be written.
pub fn limits(machine: &Machine, folder: &Path) -> Outcome<Limits> {
    let message = [0x5a; MESSAGE_BYTES];
    let key = SigningKey::from_seed(&[7; 32]);
    let public = key.public_key();
    let signature = key.sign(&message);
    let verify_strict_us = median_us(|| {
        black_box(public.verify(black_box(&message), &signature).is_ok());
    });
    let verify_only = ratio(machine.cores as f64 * 1e6, f64::from(NODES) * verify_strict_us);
    let synced = fsyncs(folder).map_err(|error| {
        let shown = folder.display();
        Failure::usage(text!("cannot write to {shown}: {error}", "无法写入 {shown}：{error}"))
    })?;
    Ok(Limits {
        sign_us: median_us(|| {
            black_box(key.sign(black_box(&message)));
        }),
        verify_strict_us,
        sha256_512_us: median_us(|| {
            black_box(Digest::sha256(black_box(&message)));
        }),
        fsync_us: synced.p50 * 1e3,
        fsync_p99_us: synced.p99 * 1e3,
        verify_only_per_second: verify_only,
    })
}

/// Median time of one call, over chunks of calls.
fn median_us(mut operation: impl FnMut()) -> f64 {
    let begun = Instant::now();
    let mut chunks = Vec::new();
    while begun.elapsed() < EACH {
        let chunk = Instant::now();
        for _ in 0..CHUNK {
            operation();
        }
        chunks.push(micros(chunk.elapsed()) / f64::from(CHUNK));
    }
    Spread::of(&mut chunks).p50
}

fn fsyncs(folder: &Path) -> std::io::Result<Spread> {
    let path = folder.join("fsync.bench");
    let mut file = File::create(&path)?;
    let begun = Instant::now();
    let mut milliseconds = Vec::new();
    while begun.elapsed() < EACH {
        let one = Instant::now();
        file.write_all(&[0xa5; APPEND_BYTES])?;
        file.sync_data()?;
        milliseconds.push(micros(one.elapsed()) / 1e3);
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(Spread::of(&mut milliseconds))
}
