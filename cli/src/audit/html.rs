//! The report as one HTML file: printable, self-contained, without a script or a reference elsewhere.
//!
//! It shows what `audit verify` says (verdicts, checks), the provenance as a graph (who did what to which
//! record) and a timeline. Everything that comes from a bundle is escaped.

mod graph;

use std::fmt::Write as _;

use mulu_chain::block::BlockId;
use mulu_chain::log::Outcome;
use mulu_contracts::member::Member;
use mulu_contracts::office::Office;
use mulu_contracts::payload::Payload;
use mulu_contracts::state::{member_key, office_key};

use super::verdict::Verdict;
use super::{Audited, Story};
use crate::lang::Lang;
use crate::render;

/// Most transactions in the timeline; what is beyond is counted.
const TIMELINE_MAX: usize = 500;
/// Most verdicts shown.
const VERDICTS_MAX: usize = 200;

const STYLE: &str = "\
:root{--ink:#1d2430;--soft:#5b6675;--line:#d9dee6;--good:#1b7f4b;--bad:#b3261e;--blue:#1f5fa8;--paper:#fff}
*{box-sizing:border-box}
body{margin:0;background:#eef1f5;color:var(--ink);font:14px/1.55 'Noto Sans CJK SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',system-ui,sans-serif}
main{max-width:1040px;margin:24px auto;background:var(--paper);padding:36px 44px;border:1px solid var(--line)}
h1{font-size:24px;margin:0 0 4px}h2{font-size:16px;margin:32px 0 8px;padding-bottom:4px;border-bottom:2px solid var(--ink)}
.sub{color:var(--soft);margin:0 0 18px;word-break:break-all}
.banner{padding:14px 18px;color:#fff;font-size:18px;font-weight:600;border-radius:4px}
.good{background:var(--good)}.bad{background:var(--bad)}
dl{display:grid;grid-template-columns:150px 1fr;gap:3px 14px;margin:16px 0 0}
dt{color:var(--soft)}dd{margin:0;word-break:break-all}
code,.mono{font-family:'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px}
table{border-collapse:collapse;width:100%}th{text-align:left;color:var(--soft);font-weight:600;font-size:12px}
th,td{padding:5px 8px 5px 0;border-bottom:1px solid var(--line);vertical-align:top}
td.num{text-align:right;padding-right:18px}tr{break-inside:avoid}
.tick{color:var(--good);font-weight:700}.cross{color:var(--bad);font-weight:700}
.tag{display:inline-block;padding:1px 8px;border-radius:10px;font-size:12px;font-weight:600;color:#fff;background:var(--blue);white-space:nowrap}
.tag.good{background:var(--good)}.tag.bad{background:var(--bad)}
.key{color:var(--soft);font-size:12px;word-break:break-all}
td.key{white-space:nowrap;word-break:normal}
svg{width:100%;height:auto;display:block}svg text{font-family:inherit}
.note{color:var(--soft);font-size:12px;margin-top:28px;border-top:1px solid var(--line);padding-top:10px}
@media print{body{background:#fff}main{border:0;margin:0;max-width:none;padding:0}.banner,.tag{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
";

/// Writes the report. `meaning` tells what a check shows.
pub fn report(
    audited: &Audited,
    trusted: &BlockId,
    lang: Lang,
    meaning: fn(&str) -> (&'static str, &'static str),
) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut page, audited, trusted, lang, meaning);
    page
}

fn write(
    page: &mut String,
    audited: &Audited,
    trusted: &BlockId,
    lang: Lang,
    meaning: fn(&str) -> (&'static str, &'static str),
) -> std::fmt::Result {
    let pick = |en, zh| lang.pick(en, zh);
    let Audited { checks, story, digest, bytes, verdicts } = audited;
    let failed = audited.failed();
    let title = pick("Audit report", "审计报告");
    let (html_lang, question) = (pick("en", "zh-CN"), escape(&story.question));
    write!(
        page,
        "<!doctype html>\n<html lang=\"{html_lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{title} · {question}</title><style>{STYLE}</style></head><body><main>\n\
         <h1>{title}</h1><p class=\"sub mono\">{question}</p>\n"
    )?;
    if failed.is_empty() {
        let text = pick("✓ VERIFIED — every check passed", "✓ 验证通过 VERIFIED — 全部检查通过");
        writeln!(page, "<div class=\"banner good\">{text}</div>")?;
    } else {
        let text = pick("✗ FAILED", "✗ 验证未通过 FAILED");
        writeln!(page, "<div class=\"banner bad\">{text}: {}</div>", escape(&failed.join(", ")))?;
    }
    page.push_str("<dl>");
    let mut fact = |name: &str, value: &str| {
        write!(page, "<dt>{name}</dt><dd class=\"mono\">{}</dd>", escape(value))
    };
    if let Some(tip) = story.tip.as_ref().map(|tip| &tip.header) {
        fact(pick("Chain", "链"), tip.chain_id.as_str())?;
        let time = render::time_ms(tip.time_ms.0);
        fact(pick("Up to height", "截至高度"), &format!("{} · {time}", tip.height))?;
        fact(pick("Block", "区块"), &tip.id().to_string())?;
    }
    fact(pick("Trusted genesis", "信任的创世摘要"), &trusted.to_string())?;
    fact(pick("Bundle SHA-256", "证据包摘要"), &format!("{} · {bytes} B", digest.to_hex()))?;
    let tool = concat!("mulu ", env!("CARGO_PKG_VERSION"));
    fact(pick("Tool", "工具"), tool)?;
    page.push_str("</dl>\n");
    verdict_table(page, verdicts, lang)?;
    let heading = pick("Provenance", "溯源图");
    let svg = graph::svg(story, lang);
    if !svg.is_empty() {
        writeln!(page, "<h2>{heading}</h2>{svg}")?;
    }
    timeline(page, story, lang)?;
    let (heading, check, count, basis) = (
        pick("Checks", "检查项"),
        pick("What was checked", "检查内容"),
        pick("Count", "数量"),
        pick("Basis", "依据"),
    );
    writeln!(
        page,
        "<h2>{heading}</h2><table><tr><th></th><th>{check}</th><th>{count}</th><th>{basis}</th></tr>"
    )?;
    for check in checks {
        let (class, mark) = if check.passed() { ("tick", "✓") } else { ("cross", "✗") };
        let (en, zh) = meaning(check.name);
        let failure = check.failure.as_deref().map(escape).unwrap_or_default();
        writeln!(
            page,
            "<tr><td class=\"{class}\">{mark}</td><td>{}<div class=\"key\">{} {failure}</div></td>\
             <td class=\"num\">{}</td><td class=\"key\">{}</td></tr>",
            pick(en, zh),
            check.name,
            check.count,
            check.basis
        )?;
    }
    let note = pick(
        "This report is a function of the bundle, the trusted genesis and the tool's version: anyone who \
         repeats it gets the same bytes. It proves what was recorded, when, by whom and under which \
         rules; not that what a department signed is true of its databases, nor that a use happened which \
         nobody recorded.",
        "本报告由证据包、所信任的创世摘要与工具版本唯一确定，任何人重复验证均得到相同结果。\
         它证明何时、由谁、依据何种规则记录了什么；不证明部门所签内容与其数据库相符，也不证明无人记录的使用。",
    );
    writeln!(page, "</table><p class=\"note\">{note}</p></main></body></html>")
}

fn verdict_table(page: &mut String, verdicts: &[Verdict], lang: Lang) -> std::fmt::Result {
    let heading = lang.pick("Verdicts", "结论");
    writeln!(page, "<h2>{heading}</h2><table>")?;
    for v in verdicts.iter().take(VERDICTS_MAX) {
        let class = match v.verdict {
            "AUTHORIZED" | "COMPLETE" | "ACCEPTED" | "NO GRANT" => " good",
            "NOT AUTHORIZED" | "REJECTED" | "REVOKED" | "GRANT EXISTS" => " bad",
            _ => "",
        };
        let because = escape(lang.pick(&v.because, &v.because_zh));
        let (subject, basis) = (escape(&v.subject), escape(&v.basis));
        writeln!(
            page,
            "<tr><td><span class=\"tag{class}\">{}</span></td>\
             <td>{because}<div class=\"key mono\">{subject}</div></td><td class=\"key\">{basis}</td></tr>",
            word(v.verdict, lang)
        )?;
    }
    page.push_str("</table>");
    let more = verdicts.len().saturating_sub(VERDICTS_MAX);
    if more > 0 {
        let text = lang.pick("more, in the JSON report", "项见 JSON 报告");
        write!(page, "<p class=\"key\">{more} {text}</p>")?;
    }
    Ok(())
}

/// A verdict's word, in Chinese with the English one.
fn word(verdict: &'static str, lang: Lang) -> String {
    if lang == Lang::En {
        return verdict.to_owned();
    }
    let zh = match verdict {
        "AUTHORIZED" => "已授权",
        "NOT AUTHORIZED" => "未授权",
        "COMPLETE" => "完整",
        "CURRENT" => "现状",
        "ACCEPTED" => "已接受",
        "REJECTED" => "已拒绝",
        "NO GRANT" => "无授权",
        "GRANT EXISTS" => "存在授权",
        "REVOKED" => "已吊销",
        "EXPIRED" => "已过期",
        "EXHAUSTED" => "额度用尽",
        "ABSENT" => "不存在",
        _ => return verdict.to_owned(),
    };
    format!("{zh} {verdict}")
}

fn timeline(page: &mut String, story: &Story, lang: Lang) -> std::fmt::Result {
    let heading = lang.pick("Timeline", "时间线");
    let columns = match lang {
        Lang::En => ["Height", "Block time", "Who", "What", "Outcome"],
        Lang::Zh => ["高度", "出块时间", "提交方", "操作", "结果"],
    };
    writeln!(page, "<h2>{heading}</h2><table><tr>")?;
    for column in columns {
        write!(page, "<th>{column}</th>")?;
    }
    page.push_str("</tr>");
    for told in story.transactions().take(TIMELINE_MAX) {
        let payload = told.transaction.payload();
        let outcome = match &told.entry.outcome {
            Outcome::Accepted => "<span class=\"tick\">✓</span>".to_owned(),
            Outcome::Rejected { rule, .. } => {
                format!("<span class=\"cross\">✗ {}</span>", escape(rule))
            }
        };
        writeln!(
            page,
            "<tr><td class=\"num\">{}</td><td class=\"mono\">{}</td><td>{}</td>\
             <td>{}<div class=\"key mono\">{}</div></td><td>{outcome}</td></tr>",
            told.entry.height,
            render::time_ms(told.entry.time_ms.0),
            escape(&who(story, payload)),
            escape(&actions(payload)),
            told.entry.transaction.to_hex().get(..16).unwrap_or_default()
        )?;
    }
    page.push_str("</table>");
    let more = story.transactions.len().saturating_sub(TIMELINE_MAX);
    if more > 0 {
        let text = lang.pick("more transactions", "笔交易未列出");
        write!(page, "<p class=\"key\">{more} {text}</p>")?;
    }
    Ok(())
}

/// The member and office that submitted, by name where the bundle has their records.
pub(super) fn who(story: &Story, payload: &Payload) -> String {
    let submitter = &payload.submitter;
    let member = story.record::<Member>(&member_key(&submitter.member)).ok().flatten();
    let member = member.map_or_else(|| submitter.member.clone(), |member| member.name);
    let Some(id) = &submitter.office else { return member };
    let office = story.record::<Office>(&office_key(id)).ok().flatten();
    let office = office.map_or_else(|| id.clone(), |office| office.name);
    format!("{member} {office}")
}

/// The kinds of actions with how many of each.
pub(super) fn actions(payload: &Payload) -> String {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for action in &payload.actions {
        match kinds.iter_mut().find(|(name, _)| *name == action.name()) {
            Some((_, count)) => *count = count.saturating_add(1),
            None => kinds.push((action.name(), 1)),
        }
    }
    let word = |(name, count): (&str, usize)| match count {
        1 => name.to_owned(),
        _ => format!("{name} ×{count}"),
    };
    kinds.into_iter().map(word).collect::<Vec<_>>().join(", ")
}

/// Text as HTML text: nothing in it is markup, a control or a direction.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in render::safe(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
