//! `mulu import`: a catalog of another system, onto the chain.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use mulu_chain::types::Height;
use mulu_contracts::action::Action;
use mulu_contracts::params::ParamsRecord;
use mulu_contracts::state::PARAMS_KEY;

use crate::client::Node;
use crate::context::Context;
use crate::failure::{Exit, Failure, Outcome};
use crate::import::bind::{self, BindArgs, From};
use crate::import::ckan_url;
use crate::import::convert::Prepared;
use crate::import::defaults::Fallback;
use crate::import::mapping::Mapping;
use crate::import::pack::pack;
use crate::import::plan::{self, Explicit, Planned, Way};
use crate::import::prepare::{self, SourceFormat};
use crate::import::progress::Progress;
use crate::import::related::{self, Related};
use crate::import::report::{self, Counts, NotTaken};
use crate::import::rules;
use crate::import::send::{self, Sender};
use crate::submit::{self, ChainView, SubmitArgs};
use crate::{files, records, text};

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
  mulu import http://ckan.example --source-system ckan.example --delete-missing
  mulu import 目录.xlsx --dry-run            workbooks; DCAT-AP as .jsonld, DCAT-US as data.json

Importing again sends only what changed: an entry is found again by its source system and
identifier, and compared by a hash of what the source says. Nothing is withdrawn unless --delete-missing
asks for it: then entries of this source system whose records are gone are.

Related codes: an entry can name only codes that some entry has, so records that name each other are sent
first without, and revised once with them; a code that nobody has is left out and noted.
Where the consortium registers entries before they are published (parameter entry_registration), records
are submitted; the end of the report says what waits for whom.

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
    /// The source: a file, `-` for standard input, or the http:// URL of a CKAN portal 来源文件或 CKAN 地址
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
    /// Withdraw entries of this source whose records are gone from it 下架来源中已不存在的条目
    #[arg(long)]
    pub delete_missing: bool,
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
    let source = read(args, &mapping)?;
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
    let member = mulu_contracts::state::member_of_id(&binding.office).to_owned();
    let (existing, way) = match &view {
        Some(view) => {
            let existing = plan::existing(&node, &member, &source_system)?;
            (existing, way(&node, view, &member, &source_system)?)
        }
        None => (BTreeMap::new(), Way::default()),
    };
    let known = existing.values().flat_map(|entry| entry.codes.iter().cloned());
    let on_chain = related::on_chain(&batch.prepared, known, view.as_ref().map(|_| &node))?;
    let related = related::part(&mut batch.prepared, &on_chain, &mut batch.used);
    let linked: Vec<Prepared> = batch
        .prepared
        .iter()
        .filter(|record| related.later.contains_key(&record.identifier))
        .cloned()
        .collect();
    // A record that is refused is there all the same.
    let present: BTreeSet<&String> = batch
        .prepared
        .iter()
        .map(|record| &record.identifier)
        .chain(batch.rejected.iter().map(|record| &record.identifier))
        .collect();
    let missing = match args.delete_missing {
        true => plan::missing(&existing, &present, &source_system),
        false => Vec::new(),
    };
    let plan = plan::plan(batch.prepared, &existing, explicit, &way);
    let mut rejected = batch.rejected;
    rejected.extend(plan.rejected);
    let to_create = plan.planned.iter().filter(|p| p.is_new()).count();
    let mut counts = Counts {
        records: source.rows.len(),
        created: as_u64(to_create),
        revised: as_u64(plan.planned.len().saturating_sub(to_create)),
        unchanged: plan.unchanged,
        awaiting: plan.awaiting,
        registration: matches!(way, Way::Submit(_)),
        unlinked: as_u64(related.later.len()),
        withdrawn: as_u64(missing.len()),
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
        // What an authority has still to release has no code yet.
        if stopped.is_none() && !counts.registration && !linked.is_empty() {
            let second = Second { linked, related, explicit };
            let sent = link(context, args, &node, second, (&member, &source_system))?;
            counts.linked = sent.revised;
            counts.unlinked = counts.unlinked.saturating_sub(sent.revised);
            counts.transactions = counts.transactions.saturating_add(sent.transactions);
            rejected.extend(sent.rejected);
            stopped = sent.stopped;
        }
    }
    if !args.dry_run && stopped.is_none() {
        counts.withdrawn = withdraw(context, missing)?;
    }
    rejected.sort_by_key(|row| row.line);
    let file = args.rejected.clone().unwrap_or_else(|| beside(&args.file, "rejected"));
    let notes = args.notes.clone().unwrap_or_else(|| beside(&args.file, "notes"));
    let files = NotTaken { rejected: &file, notes: &notes };
    report::print(context, &source, &counts, &used, &rejected, &files)?;
    if counts.registration && !args.dry_run {
        say_who_is_next(context, &counts, &member);
    }
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

/// The source: a file, or a portal at a URL.
fn read(args: &ImportArgs, mapping: &Mapping) -> Outcome<prepare::Read> {
    match args.file.to_str().filter(|file| ckan_url::is_url(file)) {
        Some(portal) => {
            let lines = ckan_url::fetch(portal)?;
            prepare::read(lines.into_bytes(), SourceFormat::CkanJsonl, mapping)
        }
        None => {
            let bytes = files::read_bounded(&args.file, SOURCE_BYTES_MAX)?;
            prepare::read(bytes, args.format, mapping)
        }
    }
}

/// Withdraws what came from the source and is not in it any more; how many entries.
fn withdraw(context: &Context, missing: Vec<Action>) -> Outcome<u64> {
    let count = missing.len();
    if count == 0 {
        return Ok(0);
    }
    context.confirm(&text!(
        "Withdraw {count} entries whose records are not in the source any more?",
        "来源中已无相应记录，确定下架这 {count} 条目录？"
    ))?;
    let sizes: Vec<usize> =
        missing.iter().map(|a| serde_json::to_vec(a).map_or(0, |json| json.len())).collect();
    let mut left = missing.into_iter();
    for run in pack(&sizes).into_iter().flatten() {
        let run = left.by_ref().take(run.len()).collect();
        submit::actions(context, &SubmitArgs::default(), run)?;
    }
    Ok(as_u64(count))
}

/// Whether versions are published or submitted, by the parameters in force at the next height.
fn way(node: &Node, view: &ChainView, member: &str, source_system: &str) -> Outcome<Way> {
    let stored = records::read::<ParamsRecord>(node, PARAMS_KEY)?;
    let params = stored.value.at(Height(view.height.saturating_add(1)));
    match params.entry_registration {
        true => Ok(Way::Submit(plan::submitted(node, member, source_system)?)),
        false => Ok(Way::Publish),
    }
}

/// Records to be revised once more, when the codes they name are entries.
struct Second {
    linked: Vec<Prepared>,
    related: Related,
    explicit: Explicit,
}

/// The second pass: records name each other.
fn link(
    context: &Context,
    args: &ImportArgs,
    node: &Node,
    second: Second,
    (member, source_system): (&str, &str),
) -> Outcome<send::Sent> {
    let Second { mut linked, related, explicit } = second;
    let existing = plan::existing(node, member, source_system)?;
    // What was refused in the first pass has no code, and names nothing.
    let codes: BTreeSet<&String> = existing.values().flat_map(|entry| &entry.codes).collect();
    linked.retain(|record| existing.contains_key(&record.identifier));
    for record in &mut linked {
        let all = related.later.get(&record.identifier).into_iter().flatten();
        let now = |code: &&String| record.content.related.contains(code) || codes.contains(code);
        record.content.related = all.filter(now).cloned().collect();
    }
    let plan = plan::plan(linked, &existing, explicit, &Way::Publish);
    deliver(context, args, node, &ChainView::ask(node)?, plan.planned)
}

/// Who is to do what before the entries are in the catalog.
fn say_who_is_next(context: &Context, counts: &Counts, member: &str) {
    let open = counts.created.saturating_add(counts.revised).saturating_add(counts.awaiting);
    if open == 0 {
        return;
    }
    context.say(&text!(
        "{open} submissions wait for an authority, which examines, registers and releases them:\n  mulu list submissions --provider {member} --status submitted\n  mulu entry register --all --provider {member}\n  mulu entry release --all --provider {member}",
        "{open} 条报送等待主管部门审核、登记并发布：\n  mulu list submissions --provider {member} --status submitted\n  mulu entry register --all --provider {member}\n  mulu entry release --all --provider {member}"
    ));
    if counts.unlinked > 0 {
        let later = counts.unlinked;
        context.say(&text!(
            "{later} of them relate to entries that are not released yet: import again after that",
            "其中 {later} 条关联的条目尚未发布：发布后请再次导入"
        ));
    }
}

fn deliver(
    context: &Context,
    args: &ImportArgs,
    node: &Node,
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
        if let Some(portal) = args.file.to_str().filter(|file| ckan_url::is_url(file)) {
            return portal.split('/').nth(2).map(str::to_owned);
        }
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
    if file.to_str().is_some_and(ckan_url::is_url) {
        return PathBuf::from(format!("import.{what}.csv"));
    }
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
