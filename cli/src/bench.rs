//! `mulu bench`: a load generator and a report that anyone can run.
//!
//! It founds a consortium of four nodes on this machine (or takes one that runs), measures the
//! machine's own limits in the same run, offers load by the clock, and reports rates, latencies, CPU
//! time per committed transaction over all nodes, and bytes on disk, with the ratios to the limits.
//! The load is signed before the clock starts. Figures of a busy machine compare only as ratios
//! within one run and as CPU time per transaction.

mod content;
mod http;
mod load;
mod machine;
mod measure;
mod nodes;
mod receipts;
mod report;
mod scenarios;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use content::Size;
use load::Plan;
use machine::Machine;
use measure::{number, ratio};
use nodes::Nodes;
use report::{Disk, Report};
use scenarios::{BATCH_RECORDS, Bench, IMPORT_RECORDS, Row};

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::text;

/// Grants whose receipts are recorded side by side.
const GRANTS: usize = 16;
/// Records of a growth step's transactions and how much time the figures between them may take.
const GROWTH_DEFAULT: u64 = 0;

/// Measure a consortium on this machine 性能测量
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu bench --quick                         all scenarios, within five minutes
  mulu bench --seconds 30 --grow 1000000     also the rate at a million records
  mulu bench --only single,overload --output json > after.json
  mulu bench --dir devnet                    a development consortium that runs already
Scenarios: single (one record a transaction, as many as the nodes take), latency (half of that rate),
overload (three times), batch, large (records of realistic size), receipts, reads (with proofs),
mixed, import (`mulu import` of a generated catalog), restart.
The consortium is written to a temporary folder and removed at the end; --keep leaves it there.")]
pub struct BenchArgs {
    /// Short scenarios: all within five minutes 快速
    #[arg(long)]
    pub quick: bool,
    /// Seconds for each scenario [default: 20, quick: 8] 每个场景的秒数
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: Option<u64>,
    /// Only these scenarios (comma-separated) 只测这些场景
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub only: Vec<String>,
    /// Entries imported [default: 20000, quick: 3000] 导入条目数
    #[arg(long, value_name = "N")]
    pub entries: Option<u64>,
    /// Grow to so many records, then measure `single` again 增长到的记录数
    #[arg(long, value_name = "N", default_value_t = GROWTH_DEFAULT)]
    pub grow: u64,
    /// A development consortium that runs already, by its folder 已运行的开发联盟链目录
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The node program [default: mulud next to this program] 节点程序
    #[arg(long, value_name = "PATH")]
    pub mulud: Option<PathBuf>,
    /// Four ports after this one for peers, four after it and 100 for the API 端口
    #[arg(long, value_name = "PORT", default_value_t = 27600,
          value_parser = clap::value_parser!(u16).range(1..=65_400))]
    pub port: u16,
    /// Where the consortium is written [default: a folder below the system's temporary one]
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    /// Leave the consortium's folder 保留目录
    #[arg(long)]
    pub keep: bool,
    /// Submit one transaction a request, not batches 每个请求只提交一笔交易
    #[arg(long)]
    pub one_by_one: bool,
}

/// Every scenario there is.
const SCENARIOS: [&str; 10] = [
    "single", "latency", "overload", "batch", "large", "receipts", "reads", "mixed", "import",
    "restart",
];

/// Runs the command.
///
/// # Errors
/// Exit 2 for wrong usage, exit 4 when the nodes do not run.
pub fn run(context: &Context, args: &BenchArgs) -> Outcome<()> {
    if let Some(other) = args.only.iter().find(|name| !SCENARIOS.contains(&name.as_str())) {
        let known = SCENARIOS.join(", ");
        return Err(Failure::usage(text!(
            "there is no scenario {other}; the scenarios are {known}",
            "没有场景 {other}；可用场景：{known}"
        )));
    }
    let begun = Instant::now();
    let machine = Machine::look();
    let folder = work_dir(args);
    std::fs::create_dir_all(&folder).map_err(|error| {
        let shown = folder.display();
        Failure::usage(text!("cannot create {shown}: {error}", "无法创建 {shown}：{error}"))
    })?;
    let limits = machine::limits(&machine, &folder)?;
    let nodes = match &args.dir {
        Some(dir) => Nodes::attach(dir)?,
        None => Nodes::found(&folder.join("consortium"), args.port, args.mulud.as_deref())?,
    };
    let seconds = args.seconds.unwrap_or(if args.quick { 8 } else { 20 });
    let salt = u64::from(std::process::id()) ^ machine_salt();
    let mut bench = Bench::new(&nodes, seconds, salt)?;
    bench.batched &= !args.one_by_one;
    let mut report = Report::new(machine, limits, bench.batched);
    measure_all(context, args, &mut bench, &mut report)?;
    report.seconds = begun.elapsed().as_secs_f64();
    drop(nodes);
    if !args.keep && args.dir.is_none() {
        // It holds nothing anybody needs; what cannot be removed is only disk space.
        drop(std::fs::remove_dir_all(&folder));
    }
    report.print(context);
    Ok(())
}

fn work_dir(args: &BenchArgs) -> PathBuf {
    let base = args.work_dir.clone().unwrap_or_else(std::env::temp_dir);
    base.join(format!("mulu-bench-{}", std::process::id()))
}

fn machine_salt() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

fn measure_all(
    context: &Context,
    args: &BenchArgs,
    bench: &mut Bench<'_>,
    report: &mut Report,
) -> Outcome<()> {
    let wants = |name: &str| args.only.is_empty() || args.only.iter().any(|only| only == name);
    let told = |context: &Context, row: &Row| {
        let (name, rate) = (&row.scenario, row.committed_per_second);
        let cpu = row.cpu_us_per_transaction;
        context.say(&text!(
            "{name}: {rate:.0} transactions/s, {cpu:.0} µs CPU each",
            "{name}：每秒 {rate:.0} 笔交易，每笔 CPU {cpu:.0} 微秒"
        ));
    };
    let base = allocated_before(bench);
    if ["single", "latency", "overload"].into_iter().any(wants) {
        let peak = bench.saturate("single", 1, Size::Small)?;
        told(context, &peak);
        let rate = Duration::from_secs_f64(peak.committed_per_second.clamp(2.0, 1e6)).as_secs();
        report.rows.push(peak);
        for (name, offered) in [("latency", rate / 2), ("overload", rate * 3)] {
            if wants(name) {
                let row = bench.at_rate(name, offered)?;
                told(context, &row);
                report.rows.push(row);
            }
        }
    }
    for (name, records, size) in
        [("batch", BATCH_RECORDS, Size::Small), ("large", IMPORT_RECORDS, Size::Realistic)]
    {
        if wants(name) {
            let row = bench.saturate(name, records, size)?;
            told(context, &row);
            report.rows.push(row);
        }
    }
    if wants("receipts") || wants("mixed") {
        let mut grants = receipts::grants(bench, GRANTS)?;
        let plan = Plan { per_second: None, probe_every: None, batched: bench.batched };
        let items = receipts::receipts(bench, &mut grants, 500)?;
        let rough = bench.measure("receipts", &items, plan).committed_per_second;
        let count = |rate: f64| {
            let wanted = (rate * number(bench.seconds)).clamp(100.0, 1e5);
            usize::try_from(Duration::from_secs_f64(wanted).as_secs()).unwrap_or(0)
        };
        let many = count(rough);
        if wants("receipts") {
            let items = receipts::receipts(bench, &mut grants, many)?;
            let row = bench.measure("receipts", &items, plan);
            told(context, &row);
            report.rows.push(row);
        }
        if wants("mixed") {
            // A city's day at half the load: of ten transactions six receipts, three single
            // entries, one catalog of several.
            let mut items = Vec::new();
            for receipt in receipts::receipts(bench, &mut grants, many / 2)? {
                items.push(receipt);
                if items.len() % 10 == 6 {
                    items.extend(bench.entries(3, 1, Size::Realistic)?);
                    items.extend(bench.entries(1, 10, Size::Realistic)?);
                }
            }
            let half = Duration::from_secs_f64((rough / 2.0).clamp(1.0, 1e6)).as_secs();
            let plan = Plan { per_second: Some(half), probe_every: Some(20), ..plan };
            let row = bench.measure("mixed", &items, plan);
            told(context, &row);
            report.rows.push(row);
        }
    }
    if wants("reads") && !bench.entry_keys.is_empty() {
        report.reads = Some(bench.reads());
    }
    if args.grow > 0 {
        grow(context, bench, report, args.grow)?;
    }
    let payload = bench.payload_bytes;
    if wants("import") {
        let entries = args.entries.unwrap_or(if args.quick { 3_000 } else { 20_000 });
        let import = bench.import(entries)?;
        let (rate, took) = (import.entries_per_second, import.seconds);
        context.say(&text!(
            "import: {entries} entries in {took:.1} s, {rate:.0}/s",
            "导入：{entries} 个条目用时 {took:.1} 秒，每秒 {rate:.0} 个"
        ));
        report.import = Some(import);
    }
    if wants("restart") && args.dir.is_none() {
        let begun = Instant::now();
        bench.nodes.down()?;
        report.stop_seconds = Some(begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        bench.nodes.up()?;
        report.restart_seconds = Some(begun.elapsed().as_secs_f64());
    }
    let usage = bench.nodes.usage();
    report.rss_max_mib = number(usage.rss_max_kib) / 1024.0;
    let nodes = u64::from(machine::NODES);
    if report.import.is_none() {
        let per_node = usage.disk_bytes.saturating_sub(base) / nodes;
        report.disk = Some(Disk {
            payload_bytes: payload,
            bytes_per_node: per_node,
            ratio: ratio(number(per_node), number(payload)),
            columns: bench.nodes.columns(),
        });
    }
    Ok(())
}

fn allocated_before(bench: &Bench<'_>) -> u64 {
    bench.nodes.usage().disk_bytes
}

/// Fills the ledger with records in batches and measures `single` again.
fn grow(context: &Context, bench: &mut Bench<'_>, report: &mut Report, to: u64) -> Outcome<()> {
    const STEP: u64 = 30_000;
    let plan = Plan { per_second: None, probe_every: None, batched: bench.batched };
    let mut records = 0;
    while records < to {
        let items = bench.entries(STEP / BATCH_RECORDS, BATCH_RECORDS, Size::Small)?;
        let row = bench.measure("grow", &items, plan);
        records += row.committed * BATCH_RECORDS;
        let rate = row.records_per_second;
        context.say(&text!("grown by {records}, {rate:.0}/s", "已增长 {records}，每秒 {rate:.0}"));
        if row.committed == 0 {
            break;
        }
    }
    let mut row = bench.saturate("single", 1, Size::Small)?;
    row.scenario = format!("single at +{records}");
    report.rows.push(row);
    Ok(())
}
