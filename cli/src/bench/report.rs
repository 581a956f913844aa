//! The report: for people as tables, for programs as JSON.

use serde::Serialize;

use super::machine::{Limits, Machine};
use super::measure::{number, ratio};
use super::scenarios::{Import, Reads, Row};
use crate::context::Context;
use crate::render;

/// Everything that was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Version of this form.
    pub format: u32,
    /// The program's version.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
    /// Its own limits, in this run.
    pub limits: Limits,
    /// Whether transactions were submitted many at once.
    pub batched_submission: bool,
    /// The scenarios.
    pub rows: Vec<Row>,
    /// Reads.
    pub reads: Option<Reads>,
    /// The import.
    pub import: Option<Import>,
    /// From SIGTERM to the end of the last node.
    pub stop_seconds: Option<f64>,
    /// From the start of the processes until all are ready.
    pub restart_seconds: Option<f64>,
    /// Largest resident memory of one node at the end, in MiB.
    pub rss_max_mib: f64,
    /// Bytes on disk.
    pub disk: Option<Disk>,
    /// How long the run took.
    pub seconds: f64,
    /// Ratios within this run.
    pub ratios: Ratios,
}

/// Bytes on disk, after a restart if there was one (then the write-ahead log is in tables).
#[derive(Debug, Serialize)]
pub struct Disk {
    /// Payload bytes committed by the load.
    pub payload_bytes: u64,
    /// What one node's data folder grew by.
    pub bytes_per_node: u64,
    /// One by the other.
    pub ratio: f64,
    /// By column, of the first node, where it tells.
    pub columns: Vec<(String, u64)>,
}

/// What is compared across machines and versions.
#[derive(Debug, Default, Serialize)]
pub struct Ratios {
    /// Single-record rate by what `verify_strict` alone would allow on these cores for all nodes.
    pub single_by_verify_only: f64,
    /// CPU per single-record transaction by that of verifying it once on every node.
    pub cpu_by_verifications: f64,
    /// Records per second in batches by the single rate.
    pub batch_by_single: f64,
    /// Rate at three times the load by the peak.
    pub overload_by_peak: f64,
    /// Single-record rate after growth by the first.
    pub grown_by_first: f64,
}

impl Report {
    /// An empty report.
    pub fn new(machine: Machine, limits: Limits, batched_submission: bool) -> Report {
        Report {
            format: 1,
            version: env!("CARGO_PKG_VERSION"),
            machine,
            limits,
            batched_submission,
            rows: Vec::new(),
            reads: None,
            import: None,
            stop_seconds: None,
            restart_seconds: None,
            rss_max_mib: 0.0,
            disk: None,
            seconds: 0.0,
            ratios: Ratios::default(),
        }
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.scenario == name)
    }

    fn ratios(&self) -> Ratios {
        let rate = |name: &str| self.row(name).map_or(0.0, |row| row.committed_per_second);
        let single = rate("single");
        let cpu = self.row("single").map_or(0.0, |row| row.cpu_us_per_transaction);
        let nodes = f64::from(super::machine::NODES);
        let records = self.row("batch").map_or(0.0, |row| row.records_per_second);
        let grown = self.rows.iter().find(|row| row.scenario.starts_with("single at"));
        Ratios {
            single_by_verify_only: ratio(single, self.limits.verify_only_per_second),
            cpu_by_verifications: ratio(cpu, nodes * self.limits.verify_strict_us),
            batch_by_single: ratio(records, single),
            overload_by_peak: ratio(rate("overload"), single),
            grown_by_first: ratio(grown.map_or(0.0, |row| row.committed_per_second), single),
        }
    }

    /// Prints it.
    pub fn print(mut self, context: &Context) {
        self.ratios = self.ratios();
        if context.is_json() {
            let value = serde_json::to_value(&self).unwrap_or_default();
            return context.print_json(&value);
        }
        context.print(&render::fields(&self.machine_fields(context)));
        context.print("");
        context.print(&self.table(context));
        for reason in self.rows.iter().flat_map(|row| row.reasons.first()) {
            context.print(&format!("  ! {}", render::cut(reason, 160)));
        }
        context.print("");
        context.print(&render::fields(&self.other_fields(context)));
    }

    fn machine_fields(&self, context: &Context) -> Vec<(String, String)> {
        let (machine, limits) = (&self.machine, &self.limits);
        let word = |en: &str, zh: &str| context.word(en, zh).to_owned();
        vec![
            (
                word("machine", "机器"),
                format!(
                    "{}, {} cores, {} MiB, Linux {}, load {}",
                    machine.processor,
                    machine.cores,
                    machine.memory_mib,
                    machine.kernel,
                    machine.load_average
                ),
            ),
            (word("build", "构建"), machine.build.to_owned()),
            (
                word("its own limits", "机器极限"),
                format!(
                    "sign {:.1} µs, verify_strict {:.1} µs, SHA-256 of 512 B {:.2} µs, fsync {:.0} µs (p99 {:.0})",
                    limits.sign_us,
                    limits.verify_strict_us,
                    limits.sha256_512_us,
                    limits.fsync_us,
                    limits.fsync_p99_us
                ),
            ),
            (
                word("verification alone", "仅验签上限"),
                format!("{:.0} transactions/s on 4 nodes", limits.verify_only_per_second),
            ),
        ]
    }

    fn table(&self, context: &Context) -> String {
        let header = [
            context.word("SCENARIO", "场景"),
            context.word("OFFERED/S", "提交/秒"),
            context.word("TX/S", "交易/秒"),
            context.word("RECORDS/S", "记录/秒"),
            "P50 MS",
            "P90",
            "P99",
            context.word("CPU µS/TX", "CPU 微秒/交易"),
            context.word("µS/RECORD", "微秒/记录"),
            context.word("FULL", "队满"),
            context.word("FAILED", "失败"),
            context.word("LOST", "丢失"),
            context.word("RSS MIB", "内存 MiB"),
        ];
        let rows: Vec<Vec<String>> = self.rows.iter().map(cells).collect();
        render::table(&header, &rows)
    }

    fn other_fields(&self, context: &Context) -> Vec<(String, String)> {
        let word = |en: &str, zh: &str| context.word(en, zh).to_owned();
        let mut fields = Vec::new();
        if let Some(reads) = &self.reads {
            let Reads { per_second, latency_ms, cpu_us_per_read, failed } = reads;
            fields.push((
                word("reads with proof", "带证明读取"),
                format!(
                    "{per_second:.0}/s, p50 {:.2} ms, p99 {:.2} ms, {cpu_us_per_read:.0} µs CPU, {failed} failed",
                    latency_ms.p50, latency_ms.p99
                ),
            ));
        }
        if let Some(import) = &self.import {
            fields.push((
                word("import", "导入"),
                format!(
                    "{} entries ({:.1} MB) in {:.1} s: {:.0}/s, {:.0} µs CPU each",
                    import.entries,
                    number(import.file_bytes) / 1e6,
                    import.seconds,
                    import.entries_per_second,
                    import.cpu_us_per_entry
                ),
            ));
        }
        if let Some(seconds) = self.restart_seconds {
            fields.push((word("restart", "重启"), format!("{seconds:.2} s until all are ready")));
        }
        fields.push((word("memory", "内存"), format!("{:.0} MiB a node", self.rss_max_mib)));
        if let Some(disk) = &self.disk {
            fields.push((
                word("disk", "磁盘"),
                format!(
                    "{:.1} MB a node for {:.1} MB of payload: {:.2}",
                    number(disk.bytes_per_node) / 1e6,
                    number(disk.payload_bytes) / 1e6,
                    disk.ratio
                ),
            ));
            for (column, bytes) in &disk.columns {
                fields.push((format!("  {column}"), format!("{:.2} MB", number(*bytes) / 1e6)));
            }
        }
        let ratios = &self.ratios;
        fields.push((
            word("ratios", "比值"),
            format!(
                "single / verification alone {:.3}; CPU / 4 verifications {:.1}; batch / single {:.1}; overload / peak {:.2}; grown / first {:.2}",
                ratios.single_by_verify_only,
                ratios.cpu_by_verifications,
                ratios.batch_by_single,
                ratios.overload_by_peak,
                ratios.grown_by_first
            ),
        ));
        fields.push((word("run", "用时"), format!("{:.0} s", self.seconds)));
        fields
    }
}

fn cells(row: &Row) -> Vec<String> {
    let latency = |value: f64| {
        if row.latency_ms.count == 0 { String::new() } else { format!("{value:.0}") }
    };
    vec![
        row.scenario.clone(),
        row.offered_per_second.map_or_else(String::new, |rate| rate.to_string()),
        format!("{:.0}", row.committed_per_second),
        format!("{:.0}", row.records_per_second),
        latency(row.latency_ms.p50),
        latency(row.latency_ms.p90),
        latency(row.latency_ms.p99),
        format!("{:.0}", row.cpu_us_per_transaction),
        format!("{:.0}", row.cpu_us_per_record),
        row.full.to_string(),
        row.failed.to_string(),
        format!("{}{}", row.lost, if row.drained { "" } else { " (!)" }),
        format!("{:.0}", row.rss_max_mib),
    ]
}
