use super::*;

use crossbeam_channel::{Sender, unbounded};
use libp2p::PeerId;

struct Feeds {
    agenda: Agenda,
    inputs: Sender<Queued>,
    _submissions: Sender<Submission>,
    stop: Sender<()>,
}

fn feeds() -> Feeds {
    let (inputs, inputs_seen) = unbounded();
    let (submissions, submissions_seen) = unbounded();
    let (stop, stop_seen) = unbounded();
    let agenda = Agenda::new(inputs_seen, submissions_seen, stop_seen);
    Feeds { agenda, inputs, _submissions: submissions, stop }
}

fn input(feeds: &Feeds) {
    let input = Input::Connected(PeerId::random());
    assert!(feeds.inputs.send(Queued::small(input)).is_ok());
}

/// A slow disk: votes wait, and the timeout for them is due.
#[test]
fn what_came_goes_before_a_timer_that_is_due() {
    let mut feeds = feeds();
    let now = Instant::now();
    feeds.agenda.timers.schedule(Timer::Status, now);
    for _ in 0..3 {
        input(&feeds);
    }
    for _ in 0..3 {
        assert!(matches!(feeds.agenda.next(now), Next::Do(Input::Connected(_))));
    }
    assert!(matches!(feeds.agenda.next(now), Next::Do(Input::Fired(Timer::Status))));
    assert!(matches!(feeds.agenda.next(now), Next::Wait(IDLE_WAIT)));
}

/// What an input does to a timer counts, though the timer was due before.
#[test]
fn a_timer_that_an_input_cancels_does_not_fire() {
    let mut feeds = feeds();
    let now = Instant::now();
    feeds.agenda.timers.schedule(Timer::BeginHeight, now);
    input(&feeds);
    assert!(matches!(feeds.agenda.next(now), Next::Do(Input::Connected(_))));
    feeds.agenda.timers.cancel(Timer::BeginHeight);
    assert!(matches!(feeds.agenda.next(now), Next::Wait(_)));
}

#[test]
fn a_flood_does_not_hold_a_timer_up() {
    let mut feeds = feeds();
    let now = Instant::now();
    feeds.agenda.timers.schedule(Timer::Status, now);
    for _ in 0..2 * INPUTS_BEFORE_TIMER_MAX {
        input(&feeds);
    }
    let mut before = 0;
    while matches!(feeds.agenda.next(now), Next::Do(Input::Connected(_))) {
        before += 1;
    }
    assert_eq!(before, INPUTS_BEFORE_TIMER_MAX);
}

#[test]
fn a_stop_goes_before_everything() {
    let mut feeds = feeds();
    input(&feeds);
    drop(feeds.stop);
    assert!(matches!(feeds.agenda.next(Instant::now()), Next::Stop));
}
