//! The waiting room by script.

use engine::{Action, Deed, GroupId, OpId, Outcome, Span, Target, Time};

use super::room::{Counters, Room, Rules};
use crate::testing::{Line, Stage, heard};

use Outcome::{Done, Reset, Shed, TimedOut};

fn secs(n: u64) -> Span {
    Span::secs(n)
}

/// A room for two that lets in at most two a second.
fn stage(stay: Option<Span>, queue: Option<u32>) -> (Stage, GroupId, OpId) {
    let (mut stage, group) = Stage::new(1, None);
    let [admitted, overstayed] =
        ["admitted", "overstayed"].map(|name| stage.builder.counter(group, name));
    let counters = Counters { admitted, overstayed };
    let (every, up_to, active) = (secs(1), 2, 2);
    let room = Room::new(Rules { active, every, up_to, stay, queue, counters });
    let (me, op) = (stage.member(group, 0), stage.builder.op("it.acquire"));
    stage.builder.put(me, room);
    (stage, group, op)
}

fn totals(world: &mut engine::World) -> [u64; 2] {
    let record = world.finish(0, &[]);
    let group = record.groups.iter().find(|group| group.name == "it").expect("it is there");
    ["admitted", "overstayed"].map(|name| group.totals[name])
}

/// Five come at 0.5 s. At 1 s two are let in; one leaves at 2.5 s: at 3 s the third comes in.
/// The fourth gives up at 3.5 s, so when the second leaves at 4.2 s, the fifth is let in at 5 s.
#[test]
fn the_line_moves_at_the_ticks_as_places_come_free() {
    let (mut stage, group, op) = stage(None, None);
    let come = |until, timeout| Line { until, timeout, ..Line::new(Span::millis(500), op, 0, 0) };
    let lines = [
        come(Some(Span::millis(2_500)), None),
        come(Some(Span::millis(4_200)), None),
        come(None, None),
        come(None, Some(secs(3))),
        come(None, None),
    ];
    let log = stage.script(group, &lines);
    let mut world = stage.play(secs(20));
    let expected = [
        (1_000, 0, Done, 0),
        (1_000, 1, Done, 0),
        (3_000, 2, Done, 0),
        (3_500, 3, TimedOut, 0),
        (5_000, 4, Done, 0),
    ];
    assert_eq!(heard(&log), expected);
    assert!(log.borrow().iter().all(|(_, _, a)| a.more == (a.outcome == Done)));
    assert_eq!(totals(&mut world), [4, 0]);
    assert_eq!(world.calls_in_flight(), 2, "two are still inside");
}

/// Nobody leaves, but a place lasts three seconds: in at 1 s, over at 4 s, and the timers of that
/// moment fire in the order in which they were set, so the tick of 4 s (set at 3 s) comes after.
#[test]
fn a_stay_that_is_over_makes_room_and_the_holder_hears_nothing() {
    let (mut stage, group, op) = stage(Some(secs(3)), None);
    let lines = [Line::new(Span::millis(500), op, 0, 0); 3];
    let log = stage.script(group, &lines);
    let mut world = stage.play(secs(20));
    let expected = [(1_000, 0, Done, 0), (1_000, 1, Done, 0), (4_000, 2, Done, 0)];
    assert_eq!(heard(&log), expected);
    assert_eq!(totals(&mut world), [3, 3]);
}

/// A line of one: of three at once the second and third find it full.
#[test]
fn a_full_line_turns_away() {
    let (mut stage, group, op) = stage(None, Some(1));
    let lines = [Line::new(Span::millis(500), op, 0, 0); 3];
    let log = stage.script(group, &lines);
    stage.play(secs(20));
    assert_eq!(heard(&log), [(500, 1, Shed, 0), (500, 2, Shed, 0), (1_000, 0, Done, 0)]);
}

/// One inside and one in line when it crashes at 1.5 s: both calls break. It is back at 2.5 s and
/// knows nobody; who comes at 2.6 s is let in at 3 s.
#[test]
fn a_crash_ends_all_places_and_the_line() {
    let (mut stage, group, op) = stage(None, None);
    let target = Target::Members { pool: vec![stage.member(group, 0)], pick: None };
    let (at, lasts) = (Time::ZERO + Span::millis(1_500), Some(secs(1)));
    let deed = Deed::Crash { silent: false };
    stage.builder.action(Action { name: "crash".into(), at, lasts, target, deed });
    let lines = [500, 1_200, 2_600].map(|ms| Line::new(Span::millis(ms), op, 0, 0));
    let log = stage.script(group, &lines);
    let world = stage.play(secs(20));
    let expected =
        [(1_000, 0, Done, 0), (1_500, 0, Reset, 0), (1_500, 1, Reset, 0), (3_000, 2, Done, 0)];
    assert_eq!(heard(&log), expected);
    assert_eq!(world.calls_in_flight(), 1);
}
