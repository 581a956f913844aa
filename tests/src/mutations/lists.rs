//! Tampering with answers: ranges with gaps, questions that the bundle does not answer.

use mulu_chain::bundle::Frame;
use mulu_chain::types::Height;

use super::histories::hide_all;
use super::{Asked, Class, Mutant, Random, World, pick};

const QUESTION: &[&str] = &["question"];

pub const CLASSES: &[Class] = &[
    Class { name: "range: a transaction only named", checks: QUESTION, change: only_named },
    Class { name: "range: a transaction hidden", checks: QUESTION, change: hidden },
    Class { name: "range: the neighbours hidden", checks: QUESTION, change: neighbours_hidden },
    Class { name: "range: it ends after the tip", checks: QUESTION, change: beyond },
    Class { name: "range: a wider one than is told", checks: QUESTION, change: wider },
    Class { name: "question: another subject", checks: QUESTION, change: other_subject },
    Class { name: "question: another transaction", checks: QUESTION, change: other_transaction },
    Class { name: "question: none", checks: &["bundle-form"], change: none },
    Class {
        name: "question: its transaction hidden",
        checks: QUESTION,
        change: transaction_hidden,
    },
];

fn ask(mutant: &mut Mutant, question: String) -> bool {
    let Some(Frame::Head(head)) = mutant.frames.first_mut() else { return false };
    head.question = question;
    true
}

fn asked(mutant: &Mutant) -> String {
    match mutant.frames.first() {
        Some(Frame::Head(head)) => head.question.clone(),
        _ => String::new(),
    }
}

fn is_range(world: &World) -> bool {
    matches!(world.asked, Asked::Heights | Asked::Times)
}

fn told(mutant: &Mutant, leaves: bool) -> Vec<usize> {
    let is = |frame: &Frame| match frame {
        Frame::Transaction { .. } => !leaves,
        Frame::LogLeaf(_) => leaves,
        _ => false,
    };
    (0..mutant.frames.len()).filter(|at| is(&mutant.frames[*at])).collect()
}

fn only_named(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &told(mutant, false)).filter(|_| is_range(world)) else {
        return false;
    };
    let Frame::Transaction { height, index, .. } = &mutant.frames[at] else { return false };
    let (height, index): (Height, u32) = (*height, *index);
    let logged = world.log.iter().find(|l| (l.entry.height, l.entry.index) == (height, index));
    mutant.frames[at] = Frame::LogLeaf(logged.expect("it is in the log").entry.clone());
    true
}

fn hidden(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &told(mutant, false)).filter(|_| is_range(world)) else {
        return false;
    };
    hide_all(world, mutant, &[at])
}

fn neighbours_hidden(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &told(mutant, true)).filter(|_| is_range(world)) else {
        return false;
    };
    hide_all(world, mutant, &[at])
}

fn numbers(question: &str) -> Option<(String, u64, u64)> {
    let (kind, range) = question.split_once('/')?;
    let (from, to) = range.split_once('-')?;
    Some((kind.to_owned(), from.parse().ok()?, to.parse().ok()?))
}

fn beyond(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some((kind, from, _)) = numbers(&asked(mutant)).filter(|_| is_range(world)) else {
        return false;
    };
    let tip = world.tip();
    let end = if kind == "heights" { tip.height.0 } else { tip.time_ms.0 };
    ask(mutant, format!("{kind}/{from}-{}", end + 1 + random.next_u64() % 1000))
}

fn wider(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some((kind, from, to)) = numbers(&asked(mutant)).filter(|_| is_range(world)) else {
        return false;
    };
    let step = if kind == "heights" { 1 } else { 1000 };
    let (from, to) = if random.index(2) == 0 { (from - step, to) } else { (from, to + step) };
    ask(mutant, format!("{kind}/{from}-{to}"))
}

fn other_subject(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    if !matches!(world.asked, Asked::Record | Asked::Absent) {
        return false;
    }
    let question = match random.index(4) {
        0 => format!("receipts-of/{}x", asked(mutant)),
        1 => format!("member/{}", random.index(20)),
        2 => format!("no-grant/11110000MB0000010W:x/sha256:{}", "0".repeat(64)),
        _ => format!("entry/{}", random.next_u64()),
    };
    ask(mutant, question)
}

fn other_transaction(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    if world.asked != Asked::Transaction {
        return false;
    }
    let Some(other) = pick(random, &(0..world.log.len()).collect::<Vec<_>>()) else { return false };
    ask(mutant, format!("transaction/{}", world.log[other].entry.transaction))
}

fn none(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let no_question = [
        "",
        "transaction/x",
        "heights/5-2",
        "heights/1-",
        "heights/01-2",
        "times/a-b",
        "entry/\u{7}",
        "receipts-of/office/x",
        "grants-of/entry/x",
        "no-grant/x",
    ];
    let no_question = no_question[random.index(no_question.len())];
    ask(mutant, no_question.to_owned())
}

fn transaction_hidden(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &told(mutant, false)) else { return false };
    world.asked == Asked::Transaction && hide_all(world, mutant, &[at])
}
