//! Tampering with lists that are said to be complete.

use mulu_chain::bundle::{Frame, Touch, build};
use mulu_chain::log::Outcome;
use mulu_chain::state::history_key;

use super::{Asked, Class, Mutant, Random, World, pick};

const HISTORIES: &[&str] = &["histories-complete"];

pub const CLASSES: &[Class] = &[
    Class { name: "history: an event left out", checks: HISTORIES, change: event_left_out },
    Class {
        name: "history: the transaction of an event left out",
        checks: HISTORIES,
        change: transaction_hidden,
    },
    Class { name: "history: the last events left out", checks: HISTORIES, change: last_left_out },
    Class { name: "history: an event added", checks: HISTORIES, change: event_added },
    Class { name: "history: an event twice", checks: HISTORIES, change: event_twice },
    Class {
        name: "history: the action of an event changed",
        checks: HISTORIES,
        change: other_action,
    },
    Class {
        name: "history: an event given to another history",
        checks: HISTORIES,
        change: other_history,
    },
    Class {
        name: "history: events of two transactions swapped",
        checks: HISTORIES,
        change: swapped,
    },
    Class {
        name: "history: a rejected transaction as an event",
        checks: HISTORIES,
        change: rejected,
    },
    Class { name: "history: an event of no history", checks: HISTORIES, change: no_history },
    Class {
        name: "history: another subject's name",
        checks: &["histories-complete", "question"],
        change: renamed,
    },
    Class { name: "history: left out", checks: HISTORIES, change: left_out },
    Class { name: "history: out of order, or twice", checks: HISTORIES, change: out_of_order },
    Class { name: "history: its leaf hidden", checks: HISTORIES, change: leaf_hidden },
    Class { name: "history: events for an empty one", checks: HISTORIES, change: events_for_empty },
];

fn with_events(mutant: &Mutant) -> Vec<usize> {
    let has =
        |frame: &Frame| matches!(frame, Frame::Transaction { events, .. } if !events.is_empty());
    (0..mutant.frames.len()).filter(|at| has(&mutant.frames[*at])).collect()
}

fn events(mutant: &mut Mutant, at: usize) -> &mut Vec<Touch> {
    match &mut mutant.frames[at] {
        Frame::Transaction { events, .. } => events,
        _ => unreachable!("it was picked for its events"),
    }
}

fn histories(mutant: &Mutant) -> Vec<usize> {
    let is = |frame: &Frame| matches!(frame, Frame::History { .. });
    (0..mutant.frames.len()).filter(|at| is(&mutant.frames[*at])).collect()
}

fn event_left_out(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &with_events(mutant)) else { return false };
    let events = events(mutant, at);
    let which = random.index(events.len());
    events.remove(which);
    true
}

/// All transactions but one, and for that one the hashes that prove the rest.
fn transaction_hidden(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(hide) = pick(random, &with_events(mutant)) else { return false };
    hide_all(world, mutant, &[hide])
}

fn last_left_out(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let with_events = with_events(mutant);
    if with_events.is_empty() {
        return false;
    }
    let keep = random.index(with_events.len());
    hide_all(world, mutant, &with_events[keep..])
}

/// Rebuilds the log without some transactions: its proof holds.
pub fn hide_all(world: &World, mutant: &mut Mutant, hidden: &[usize]) -> bool {
    let mut told = std::collections::BTreeMap::new();
    let mut first = mutant.frames.len();
    for (at, frame) in mutant.frames.iter().enumerate() {
        let (height, index) = match frame {
            Frame::Transaction { height, index, .. } => (*height, *index),
            Frame::LogLeaf(entry) => (entry.height, entry.index),
            Frame::LogStub { .. } => {
                first = first.min(at);
                continue;
            }
            _ => continue,
        };
        first = first.min(at);
        if hidden.contains(&at) {
            continue;
        }
        let place =
            world.log.iter().position(|l| (l.entry.height, l.entry.index) == (height, index));
        told.insert(place.expect("it is in the log") as u64, frame.clone());
    }
    let leaves: Vec<_> = world.log.iter().map(|l| l.entry.leaf_hash()).collect();
    mutant.frames.truncate(first);
    mutant.frames.extend(build::log_frames(&leaves, told));
    true
}

fn transactions(mutant: &Mutant, accepted: bool) -> Vec<usize> {
    let is = |frame: &Frame| matches!(frame, Frame::Transaction { outcome, .. } if outcome.is_accepted() == accepted);
    (0..mutant.frames.len()).filter(|at| is(&mutant.frames[*at])).collect()
}

fn event_added(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let count = histories(mutant).len();
    let Some(at) = pick(random, &transactions(mutant, true)) else { return false };
    if count == 0 {
        return false;
    }
    let touch = Touch { action: 2 + random.index(400) as u32, history: random.index(count) as u32 };
    events(mutant, at).push(touch);
    true
}

fn event_twice(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &with_events(mutant)) else { return false };
    let events = events(mutant, at);
    let which = random.index(events.len());
    events.insert(which, events[which]);
    true
}

fn other_action(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &with_events(mutant)) else { return false };
    let events = events(mutant, at);
    let which = random.index(events.len());
    events[which].action ^= 1 << random.index(32);
    true
}

fn other_history(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    if histories(mutant).len() < 2 {
        return false;
    }
    let Some(at) = pick(random, &with_events(mutant)) else { return false };
    let events = events(mutant, at);
    let which = random.index(events.len());
    events[which].history ^= 1;
    true
}

fn swapped(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let with_events = with_events(mutant);
    let (Some(a), Some(b)) = (pick(random, &with_events), pick(random, &with_events)) else {
        return false;
    };
    let (of_a, of_b) = (events(mutant, a).clone(), events(mutant, b).clone());
    let differ = of_a != of_b;
    *events(mutant, a) = of_b;
    *events(mutant, b) = of_a;
    differ
}

fn rejected(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &transactions(mutant, false)) else { return false };
    if histories(mutant).is_empty() {
        return false;
    }
    if random.index(2) == 0 {
        // And called accepted, too.
        let Frame::Transaction { outcome, .. } = &mut mutant.frames[at] else { return false };
        *outcome = Outcome::Accepted;
    }
    events(mutant, at).push(Touch { action: 0, history: 0 });
    true
}

fn no_history(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let count = histories(mutant).len();
    let Some(at) = pick(random, &transactions(mutant, true)) else { return false };
    let history = (count + random.index(1000)) as u32;
    events(mutant, at).push(Touch { action: u32::MAX, history });
    true
}

fn renamed(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let Some(at) = pick(random, &histories(mutant)) else { return false };
    let Frame::History { subject } = &mut mutant.frames[at] else { return false };
    subject.push(char::from(b'a' + random.index(26) as u8));
    true
}

fn left_out(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    if world.asked != Asked::Record {
        return false;
    }
    let Some(at) = pick(random, &histories(mutant)) else { return false };
    mutant.frames.remove(at);
    true
}

fn out_of_order(_: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    let histories = histories(mutant);
    let Some(at) = pick(random, &histories) else { return false };
    if random.index(2) == 0 {
        mutant.frames.insert(at, mutant.frames[at].clone());
        return true;
    }
    mutant.frames.swap(histories[0], at);
    at != histories[0]
}

fn leaf_hidden(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    if world.asked != Asked::Record {
        return false;
    }
    let Some(at) = pick(random, &histories(mutant)) else { return false };
    let Frame::History { subject } = &mutant.frames[at] else { return false };
    let hide = history_key(subject);
    let is_state = |frame: &Frame| {
        matches!(
            frame,
            Frame::Stub { .. }
                | Frame::Record { .. }
                | Frame::Leaf { .. }
                | Frame::Empty { .. }
                | Frame::Absent { .. }
        )
    };
    let wanted = mutant.frames.iter().filter_map(|frame| match frame {
        Frame::Record { key, .. } if *key != hide => Some(key.clone()),
        _ => None,
    });
    let state = build::state_frames(&world.states[6], &wanted.collect());
    let first = mutant.frames.iter().position(is_state).expect("it has a state");
    mutant.frames.retain(|frame| !is_state(frame));
    mutant.frames.splice(first..first, state);
    true
}

fn events_for_empty(world: &World, mutant: &mut Mutant, random: &mut Random) -> bool {
    if world.asked != Asked::Absent {
        return false;
    }
    let at = random.index(world.log.len());
    let logged = &world.log[at];
    let told = [(at as u64, logged.frame(vec![Touch { action: 0, history: 0 }]))];
    let leaves: Vec<_> = world.log.iter().map(|l| l.entry.leaf_hash()).collect();
    let first = histories(mutant).last().map_or(0, |last| last + 1);
    mutant.frames.truncate(first);
    mutant.frames.extend(build::log_frames(&leaves, told.into_iter().collect()));
    true
}
