//! How long recoveries take, from a line of p99s, one a second.

use engine::Outcome::Done;
use engine::RunRecord;
use engine::Time;
use engine::record::ActionRecord;

use super::{MILLI, SECOND, number, operation, quiet};

fn answered(p99s: &[u64]) -> RunRecord {
    let mut record: RunRecord = quiet(p99s.len() as u64);
    let ends: Vec<_> = p99s.iter().map(|&millis| [(Done, millis)]).collect();
    let ends: Vec<_> = ends.iter().map(|end| &end[..usize::from(end[0].1 > 0)]).collect();
    record.operations.insert("s.get".into(), operation(&ends));
    record
}

/// From `began` to `ended` milliseconds.
fn action(name: &str, member: &str, began: u64, ended: Option<u64>) -> ActionRecord {
    let (began, ended) = (Time(began * MILLI), ended.map(|millis| Time(millis * MILLI)));
    let (times, spells) = (1, vec![(began, ended)]);
    let (name, touched) = (name.into(), vec![member.into()]);
    ActionRecord { name, began, ended, times, spells, touched }
}

/// One request ends in each interval, after so many milliseconds; with 0, none. The action lasts
/// from 5 s to `ended` milliseconds.
fn recovery(p99s: &[u64], ended: Option<u64>) -> Option<f64> {
    let mut record = answered(p99s);
    record.actions.push(action("Crash(s)", "s/0", 5_000, ended));
    number(&record, "recovery{action=Crash(s)} < 20s").map(|nanos| nanos / SECOND as f64)
}

/// Before: 900 and 900 belong to the warm-up; of 10, 12 and 30 the median is 12, so that 24 is good
/// and 25 is not. During: three bad ones.
const UNTIL_8: [u64; 8] = [900, 900, 10, 12, 30, 500, 500, 500];

fn after(ended: u64, then: &[u64]) -> Option<f64> {
    recovery(&[&UNTIL_8[..], then].concat(), Some(ended))
}

#[test]
fn three_good_intervals_in_a_row_are_a_recovery() {
    // Good from the interval that ends at 12 s: four seconds after 8 s.
    assert_eq!(after(8_000, &[100, 24, 25, 24, 20, 10]), Some(4.0));
    // Good at once.
    assert_eq!(after(8_000, &[24, 24, 24]), Some(0.0));
    // What comes later is another story.
    assert_eq!(after(8_000, &[24, 24, 24, 500]), Some(0.0));
    // The interval in which the action ended is the first one after it.
    assert_eq!(after(8_500, &[24, 24, 24]), Some(0.0));
    assert_eq!(after(8_500, &[100, 24, 24, 24]), Some(1.5));
}

#[test]
fn some_never_recover() {
    assert_eq!(after(8_000, &[25, 25, 25, 25]), Some(f64::INFINITY));
    // Two in a row are not enough, nor is an interval in which nothing ended a good one.
    assert_eq!(after(8_000, &[24, 24, 500, 24, 24]), Some(f64::INFINITY));
    assert_eq!(after(8_000, &[24, 24, 0, 24, 24]), Some(f64::INFINITY));
}

#[test]
fn some_recoveries_cannot_be_told() {
    // It lasts for good.
    assert_eq!(recovery(&UNTIL_8, None), None);
    // Nothing ended between the warm-up and the action.
    assert_eq!(recovery(&[10, 10, 0, 0, 0, 10, 10, 10], Some(5_000)), None);
    assert_eq!(number(&quiet(8), "recovery{action=Slow(s)} < 20s"), None);
}

/// Of three members one went down at 5 s and is back at 7, one from 6 s to 8, and one never did:
/// all of it lasts from 5 s to 8. If one is down to the end there is no end of it. Another action
/// of which the name begins alike makes no difference.
#[test]
fn each_of_an_action_is_one_action() {
    let told = |last: Option<u64>| {
        let mut record = answered(&[&UNTIL_8[..], &[100, 24, 25, 24, 20, 10]].concat());
        let mut never = action("one s/0", "s/0", 0, None);
        (never.began, never.times, never.touched) = (Time::NEVER, 0, Vec::new());
        let down = [("one s/1", "s/1", 6_000, last), ("one s/2", "s/2", 5_000, Some(7_000))];
        let other = action("one more", "s/2", 1_000, Some(13_000));
        record.actions.extend([never, other]);
        record.actions.extend(down.map(|(name, who, from, to)| action(name, who, from, to)));
        number(&record, "recovery{action=one} < 20s").map(|nanos| nanos / SECOND as f64)
    };
    assert_eq!(told(Some(8_000)), Some(4.0));
    assert_eq!(told(None), None);
}
