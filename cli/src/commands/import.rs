//! `mulu import`: a catalog of another system, onto the chain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::import::bind::{self, BindArgs, From};
use crate::import::defaults::Fallback;
use crate::import::mapping::Mapping;
use crate::import::plan::{self, Planned};
use crate::import::prepare::{self, SourceFormat};
use crate::import::progress::Progress;
use crate::import::report::{self, Counts, NotTaken};
use crate::import::rules;
use crate::import::send::{self, Sender};
use crate::submit::{self, ChainView};
use crate::{files, text};

/// Largest source read, in bytes.
const SOURCE_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// Options of `mulu import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu import national.csv --source-system data.gov.tw --dry-run
  mulu import national.csv --source-system data.gov.tw --profile market
  mulu import data.json --mapping ours.toml --class 306002 --duty registration
  mulu import dump.jsonl --format ckan-jsonl --source-system ckan.example

Importing again sends only what changed: an entry is found again by its source system and
identifier, and compared by a hash of what the source says. Nothing is ever withdrawn.

Codes: the source's resource code, else <class>/<12 hex digits of SHA-256(source system, identifier)>.
Identifiers: the source's, else its code, else agency/name (with date and number where that repeats).
Names: one member publishes all rows, so a name that repeats, in the source or among the member's
other entries, gets its agency appended, 名称（机关）, and a number if it still repeats.
Share types are read by name only; a row with a bare number is rejected, since systems number them
differently: say what the numbers mean in a mapping file. A row marked as secret is rejected, and one
whose provider's code is not that of the member that imports.
Text is cleaned (NFC, hidden characters removed, blanks trimmed) and counted. Where the source is
silent, defaults apply, and the report says how often: shared unconditionally and open, irregular
updates, general-1, no personal information, format efile CSV, summary = name, no items, today's date.
CSV: UTF-8 or GBK; headers of the 2017 guide (信息资源名称, 共享类型, …; in one line or two, in simplified
or traditional characters), of the open-data lists of Taiwan, and English are recognised; `mulu import
FILE --dry-run` shows which column is read as what.

A mapping file (TOML):
  [columns]                     field = \"header\"
  name = \"資料名稱\"
  [values.share]                \"their word\" = \"ours\"
  \"1\" = \"unconditional\"
  [constants]                   for records in which the field is empty
  update_cycle = \"monthly\"

Rows that are not taken do not stop the import; they are written to --rejected FILE with the column and
the reason. Words of a row that is taken for which there is no place, such as an unknown update cycle, are
written to --notes FILE, each with its line, its column and what was done instead.")]
pub struct ImportArgs {
    /// The source, `-` for standard input 来源文件
    pub file: PathBuf,
    /// Its format 格式
    #[arg(long, value_enum, default_value = "auto")]
    pub format: SourceFormat,
    /// Name of the system it comes from [default: the file's name] 来源系统名称
    #[arg(long, value_name = "NAME")]
    pub source_system: Option<String>,
    /// Mapping file 映射文件
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// Read, check and compare, but send nothing 只检查，不提交
    #[arg(long)]
    pub dry_run: bool,
    /// Where rejected rows go [default: FILE.rejected.csv] 未接受的行写入
    #[arg(long, value_name = "FILE")]
    pub rejected: Option<PathBuf>,
    /// Where cells go that were not taken over [default: FILE.notes.csv] 未采用的单元格写入
    #[arg(long, value_name = "FILE")]
    pub notes: Option<PathBuf>,
    /// Transactions in flight at once 同时在途的交易数
    #[arg(long, default_value_t = 16, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=i64::from(send::IN_FLIGHT_MAX)))]
    pub in_flight: u16,
    /// Binding.
    #[command(flatten)]
    pub bind: BindArgs,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 for an unusable source, 4 when the node cannot be reached, 5 when the chain refuses all,
/// 6 for keys.
pub fn run(context: &Context, args: &ImportArgs) -> Outcome<()> {
    let mapping = args.mapping.as_deref().map(Mapping::read).transpose()?.unwrap_or_default();
    let bytes = files::read_bounded(&args.file, SOURCE_BYTES_MAX)?;
    let source = prepare::read(bytes, args.format, &mapping)?;
    let source_system = source_system(args)?;
    let node = context.node()?;
    let view = match ChainView::ask(&node) {
        Ok(view) => Some(view),
        Err(failure) if args.dry_run && failure.exit == Exit::Unreachable => {
            context.say(&text!(
                "no node is reachable: everything is taken for new and bound to placeholders",
                "无法连接节点：全部视为新建，并以占位信息绑定"
            ));
            None
        }
        Err(failure) => return Err(failure),
    };
    let now_ms = view.as_ref().map_or_else(clock_ms, |view| view.time_ms);
    let from = if view.is_some() { From::Chain(&node) } else { From::Rehearsal };
    let (binding, explicit) =
        bind::resolve(context, &args.bind, source_system.clone(), now_ms, &from)?;
    let mut batch = prepare::prepare(&source.rows, &binding);
    rules::check(&mut batch, &binding, now_ms);
    let existing = match &view {
        Some(_) => {
            let member = mulu_contracts::state::member_of_id(&binding.office);
            plan::existing(&node, member, &source_system)?
        }
        None => BTreeMap::new(),
    };
    let plan = plan::plan(batch.prepared, &existing, explicit);
    let mut rejected = batch.rejected;
    rejected.extend(plan.rejected);
    let to_create = plan.planned.iter().filter(|p| p.is_new()).count();
    let mut counts = Counts {
        records: source.rows.len(),
        created: as_u64(to_create),
        revised: as_u64(plan.planned.len().saturating_sub(to_create)),
        unchanged: plan.unchanged,
        dry_run: args.dry_run,
        ..Counts::default()
    };
    let mut used = batch.used;
    let mut stopped = None;
    if let Some(view) = view.filter(|_| !args.dry_run) {
        let begun = Instant::now();
        let sent = deliver(context, args, &node, &view, plan.planned)?;
        counts.created = sent.created;
        counts.revised = sent.revised;
        counts.transactions = sent.transactions;
        counts.took = begun.elapsed();
        for _ in 0..sent.renamed {
            used.count(Fallback::NameRepeated);
        }
        rejected.extend(sent.rejected);
        stopped = sent.stopped;
    }
    rejected.sort_by_key(|row| row.line);
    let file = args.rejected.clone().unwrap_or_else(|| beside(&args.file, "rejected"));
    let notes = args.notes.clone().unwrap_or_else(|| beside(&args.file, "notes"));
    let files = NotTaken { rejected: &file, notes: &notes };
    report::print(context, &source, &counts, &used, &rejected, &files)?;
    match stopped {
        Some(failure) => {
            context.say(&text!(
                "the import stopped before its end; running it again goes on where it stopped",
                "导入提前停止；重新执行即可从中断处继续"
            ));
            Err(failure)
        }
        None => Ok(()),
    }
}

fn deliver(
    context: &Context,
    args: &ImportArgs,
    node: &crate::client::Node,
    view: &ChainView,
    planned: Vec<Planned>,
) -> Outcome<send::Sent> {
    if planned.is_empty() {
        return Ok(send::Sent::default());
    }
    let key = context.key()?;
    let submitter = submit::submitter(context)?;
    let progress = Progress::begin(context, planned.len());
    let sender = Sender { node, view, submitter: &submitter, key: &key, in_flight: args.in_flight };
    let sent = send::send(&sender, planned, &progress);
    progress.end();
    Ok(sent)
}

fn source_system(args: &ImportArgs) -> Outcome<String> {
    let named = args.source_system.clone().or_else(|| {
        let stem = args.file.file_stem()?.to_str()?;
        (stem != "-").then(|| stem.to_owned())
    });
    let named = named.ok_or_else(|| {
        Failure::usage(text!("pass --source-system NAME", "请用 --source-system 指定来源系统名称"))
    })?;
    match mulu_chain::json::text_rule(&named) {
        None => Ok(named),
        Some(rule) => {
            Err(Failure::usage(text!("the source system's name: {rule}", "来源系统名称：{rule}")))
        }
    }
}

/// `FILE.rejected.csv` or `FILE.notes.csv`, or in the current folder for standard input.
fn beside(file: &Path, what: &str) -> PathBuf {
    let name = file.file_name().and_then(|n| n.to_str()).filter(|n| *n != "-").unwrap_or("import");
    file.with_file_name(format!("{name}.{what}.csv"))
}

fn clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

fn as_u64(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
