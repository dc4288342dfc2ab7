//! What a crowd of users goes by: scripts worked out by hand. Records live for 10 s.

use super::*;
use crate::testing::parse;

fn crowd(passive: &str, members: usize) -> View {
    let policy: Policy = parse(&format!("(view: Names(ttl: \"10s\"), passive: {passive})"));
    View::new(&policy, OpId::PROBE, vec![0; members], true).expect("it looks for itself")
}

fn at(seconds: u64) -> Time {
    Time::ZERO + Span::secs(seconds)
}

fn change(seconds: u64, member: u16, state: MemberState) -> Change {
    Change { at: at(seconds), member, state }
}

/// Whom a user can ask at `now` who has a copy of what was so at `as_of`.
fn ready(it: &mut View, history: &[Change], now: u64, as_of: u64) -> Vec<u16> {
    it.recall(history, at(now), at(as_of), Span::secs(10));
    it.look(at(now));
    let level = it.level(at(now), || 0).expect("somebody");
    it.ready(level).to_vec()
}

const DOWN: MemberState = MemberState::Down;
const OUTLIERS: &str = "Outliers(consecutive_5xx: 2, max_ejection_percent: \"50%\")";

/// Member 3 goes down at 100 s: who has resolved its name before asks it still. Member 0 fails
/// twice at 105 s and is out for 30 s, whichever copy a user has; the tick at 135 s lets it back.
#[test]
fn a_crowd_ejects_whatever_copy_it_has() {
    let mut it = crowd(OUTLIERS, 4);
    let history = [change(100, 3, DOWN)];
    assert_eq!(ready(&mut it, &history, 105, 99), [0, 1, 2, 3]);
    assert_eq!(ready(&mut it, &history, 105, 101), [0, 1, 2]);
    (0..2).for_each(|_| it.heard(0, Outcome::Failed, at(105), &mut || 0.0));
    assert_eq!(ready(&mut it, &history, 106, 99), [1, 2, 3]);
    assert_eq!(ready(&mut it, &history, 106, 101), [1, 2]);
    it.tick(at(135), &mut || 0.0);
    assert_eq!(ready(&mut it, &history, 136, 130), [0, 1, 2]);
}

/// Member 0 is ejected when member 3 goes down, and back before that is known to everybody.
#[test]
fn a_copy_is_of_the_group_and_not_of_conclusions() {
    let mut it = crowd(
        "Outliers(consecutive_5xx: 1, base_ejection: \"1s\",
        max_ejection_percent: \"50%\")",
        4,
    );
    it.heard(0, Outcome::Failed, at(99), &mut || 0.0);
    let history = [change(100, 3, DOWN)];
    assert_eq!(ready(&mut it, &history, 100, 100), [1, 2]);
    it.tick(at(101), &mut || 0.0);
    assert_eq!(ready(&mut it, &history, 102, 101), [0, 1, 2]);
    assert_eq!(ready(&mut it, &history, 102, 99), [0, 1, 2, 3]);
}

/// nginx's rule skips member 0; of the others each user asks those its own copy names.
#[test]
fn who_skips_one_knows_no_more_of_the_others() {
    let mut it = crowd("MaxFails()", 4);
    let history = [change(100, 3, DOWN)];
    ready(&mut it, &history, 100, 100);
    it.heard(0, Outcome::Refused, at(101), &mut || 0.0);
    assert_eq!(ready(&mut it, &history, 102, 99), [1, 2, 3]);
    assert_eq!(ready(&mut it, &history, 102, 101), [1, 2]);
}

/// A change every second for a hundred: nobody has a copy from before 89 s at 99 s, so that those
/// of 89 s to 99 s are kept.
#[test]
fn what_nobody_goes_by_is_forgotten() {
    let mut it = crowd(OUTLIERS, 2);
    let flips = [DOWN, MemberState::Ready];
    let history: Vec<Change> = (0..100).map(|n| change(n, 1, flips[n as usize % 2])).collect();
    assert_eq!(ready(&mut it, &history, 99, 99), [0, 1]);
    assert_eq!(it.copies.len(), 11);
    assert_eq!(ready(&mut it, &history, 99, 90), [0]);
}

/// Whoever looks up something by the list hears whenever it may be another one.
#[test]
fn changes_of_copies_are_told() {
    let mut it = crowd(OUTLIERS, 2);
    let history = [change(100, 1, DOWN)];
    let mut told = |now: u64, as_of: u64| {
        it.recall(&history, at(now), at(as_of), Span::secs(10));
        it.look(at(now))
    };
    assert_eq!(
        [told(99, 95), told(99, 96), told(101, 99), told(101, 100)],
        [true, false, false, true]
    );
    assert_eq!([told(101, 99), told(120, 115), told(120, 116)], [true, true, false]);
}
