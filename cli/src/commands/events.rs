//! `mulu events`: what transactions did, from any height on, once or for ever.
//!
//! Read page by page from the ledger, so nothing is missing and nothing comes twice; a node that
//! goes away is asked again. One line per event; with `--output json` one JSON document per line.

use std::time::Duration;

use serde_json::Value;

use crate::context::Context;
use crate::failure::{Exit, Outcome};
use crate::{render, text};

/// Pause between two looks while nothing happens.
const IDLE_PAUSE: Duration = Duration::from_millis(500);
/// Pause before a node that cannot be reached is asked again.
const LOST_PAUSE: Duration = Duration::from_secs(2);
/// Actions of a transaction shown in its line; `--output json` has them all.
const ACTIONS_SHOWN: usize = 3;
/// Events per page.
const PAGE_EVENTS: &str = "200";

/// Options of `mulu events`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples 示例:
  mulu events --from-height 0 --entry 307017/demo0001      everything about an entry 条目的全部事件
  mulu events --follow --member 11110000MULU00021K         from now on, until Ctrl-C 持续跟踪
  mulu events --follow --kind receipt.record --after 812/3 --output json
The id of each event is its place; --after goes on behind it, on any node.")]
pub struct EventsArgs {
    /// Begin at this height 起始高度
    #[arg(long, value_name = "N", conflicts_with = "after")]
    pub from_height: Option<u64>,
    /// Begin after this event (height/index) 从该事件之后开始
    #[arg(long, value_name = "ID")]
    pub after: Option<String>,
    /// Go on for ever; begins with new events unless told otherwise 持续跟踪
    #[arg(long, short)]
    pub follow: bool,
    /// Only what concerns this member; the profile's own with --mine 相关成员
    #[arg(long = "of-member", value_name = "USCC")]
    pub of_member: Option<String>,
    /// Only what concerns the member of the profile 仅与本成员相关
    #[arg(long, conflicts_with = "of_member")]
    pub mine: bool,
    /// Only what concerns this office (USCC:CODE) 相关处室
    #[arg(long = "of-office", value_name = "OFFICE")]
    pub of_office: Option<String>,
    /// Only what concerns this entry: id or first code 相关条目
    #[arg(long)]
    pub entry: Option<String>,
    /// Only what concerns this authorization 相关授权
    #[arg(long)]
    pub authorization: Option<String>,
    /// Only these action types, separated by commas 操作类型
    #[arg(long)]
    pub kind: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// Exit 2 and 4.
pub fn run(context: &Context, args: &EventsArgs) -> Outcome<()> {
    let node = context.node()?;
    let mine = if args.mine { Some(context.member()?.to_owned()) } else { None };
    let member = args.of_member.clone().or(mine);
    let filters = [
        ("member", member.as_deref()),
        ("office", args.of_office.as_deref()),
        ("entry", args.entry.as_deref()),
        ("authorization", args.authorization.as_deref()),
        ("kind", args.kind.as_deref()),
    ];
    let mut after = args.after.clone();
    let mut from = args.from_height;
    if args.follow && after.is_none() && from.is_none() {
        let status = node.get("/v1/status", &[])?;
        from = status.get("height").and_then(Value::as_u64).map(|height| height.saturating_add(1));
    }
    loop {
        let from_text = from.map(|height| height.to_string());
        let mut query = vec![("format", "json"), ("limit", PAGE_EVENTS)];
        query.extend(filters.iter().filter_map(|(name, value)| Some((*name, (*value)?))));
        match (&after, &from_text) {
            (Some(after), _) => query.push(("after", after)),
            (None, Some(from)) => query.push(("from_height", from)),
            (None, None) => {}
        }
        let page = match node.get("/v1/events", &query) {
            Ok(page) => page,
            Err(lost) if args.follow && lost.exit == Exit::Unreachable => {
                let url = node.url();
                context.say(&text!("{url} is away; asking again …", "{url} 无法访问，正在重试 …"));
                std::thread::sleep(LOST_PAUSE);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        for event in page.get("items").and_then(Value::as_array).into_iter().flatten() {
            print(context, event);
        }
        // A page above the tip says nothing new: the place stays where it was asked for.
        let place = page.get("after").and_then(Value::as_str).map(str::to_owned);
        after = place.or(after);
        if page.get("more").and_then(Value::as_bool) == Some(true) {
            continue;
        }
        if !args.follow {
            return Ok(());
        }
        std::thread::sleep(IDLE_PAUSE);
    }
}

fn print(context: &Context, event: &Value) {
    if context.is_json() {
        context.print(&event.to_string());
        return;
    }
    let at = |pointer: &str| render::text_at(event, pointer);
    let time = event.get("time_ms").and_then(Value::as_u64).map(render::time_ms);
    let good = at("/outcome/result") == "accepted";
    let all: Vec<&Value> =
        event.get("actions").and_then(Value::as_array).into_iter().flatten().collect();
    let mut actions: Vec<String> = all
        .iter()
        .take(ACTIONS_SHOWN)
        .map(|action| {
            let subject = render::text_at(action, "/subject");
            let kind = subject.split_once('/').map_or("", |(kind, _)| kind);
            let id = subject.split_once('/').map_or(subject.as_str(), |(_, id)| id);
            format!("{} {kind}/{}", render::text_at(action, "/type"), render::short(id))
        })
        .collect();
    if let Some(more) = all.len().checked_sub(ACTIONS_SHOWN).filter(|more| *more > 0) {
        actions.push(format!("… +{more}"));
    }
    let office = at("/submitter/office");
    let who = if office.is_empty() { at("/submitter/member") } else { office };
    let line = format!(
        "{:<10} {} {} {who}  {}  {}",
        at("/id"),
        time.unwrap_or_default(),
        context.mark(good),
        actions.join("; "),
        at("/outcome/rule"),
    );
    context.print(&render::safe(line.trim_end()));
}
