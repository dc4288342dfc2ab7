//! Actions that happen again and again, at times worked out by hand.

use engine::{Outcome, RunRecord, Time};

use super::{End, FINE, REFUSED, disturbed, ends, played};
use crate::theory::problems;

const RESET: End = (Outcome::Reset, 60.0);

fn seconds(at: Time) -> f64 {
    at.as_secs()
}

fn ends_but(record: &RunRecord, odd: &[(usize, End)]) {
    let mut wanted = vec![FINE; 16];
    odd.iter().for_each(|(second, end)| wanted[*second] = *end);
    let rounded = |(outcome, took): End| (outcome, (took * 1e3).round() / 1e3);
    assert_eq!(ends(record).into_iter().map(rounded).collect::<Vec<_>>(), wanted);
}

/// Three seconds after 2.05 s, and after each end: down from 5.05 to 6.05, from 9.05 to 10.05 and
/// from 13.05 to 14.05. Work in hand breaks off 40 ms after it began; users end before 17.05.
#[test]
fn it_happens_again_so_long_after_each_end() {
    let record = disturbed(r#"(at: "2.05s", every: "3s", for: "1s", do: Crash("s"))"#);
    let down = [5, 9, 13].into_iter().flat_map(|at| [(at, RESET), (at + 1, REFUSED)]);
    ends_but(&record, &down.collect::<Vec<_>>());
    let [action] = &record.actions[..] else { panic!("one record for all times") };
    assert_eq!((action.times, action.touched.join(" ").as_str()), (3, "s/0"));
    assert_eq!((seconds(action.began), action.ended.map(seconds)), (5.05, Some(14.05)));
    assert_eq!(action.told(), "Crash(s), 3 times");
}

/// A restart is over at once: at 5.05, 8.05, 11.05 and 14.05 s, and some nanoseconds.
#[test]
fn what_takes_no_time_happens_again_too() {
    let record = disturbed(r#"(at: "2.05s", every: "3s", do: Restart("s"))"#);
    ends_but(&record, &[5, 8, 11, 14].map(|at| (at, RESET)));
}

/// Between 2.5 and 3.4 s from 9.05 s on: the requests of 10 and 11 s are refused, that of 12 s
/// if it is not up again before it.
#[test]
fn how_long_it_lasts_may_be_drawn() {
    let record = disturbed(r#"(at: "9.05s", for: Uniform("2.5s", "2.9s"), do: Crash("s"))"#);
    ends_but(&record, &[(9, RESET), (10, REFUSED), (11, REFUSED)]);
    let ended = seconds(record.actions[0].ended.expect("it ends"));
    assert!((11.55..11.95).contains(&ended) && ended != 11.55, "{ended}");
}

/// Each member has times of its own, which the other one and a third do not change.
#[test]
fn members_fail_each_at_its_own_time() {
    let records = [2, 3].map(|replicas| {
        let service = format!(
            r#""s": Service(replicas: {replicas}, operations: {{ "get": [Work("100ms")] }})"#
        );
        let line = r#"(at: "0s", every: Exp("4s"), for: "1ms", do: Crash("each of s"), as: "it")"#;
        played(&format!("timeline: [{line}],"), &service, "")
    });
    for record in &records {
        let [first, second, ..] = &record.actions[..] else { panic!("an action for each") };
        assert_eq!([&first.name, &second.name], ["it s/0", "it s/1"]);
        assert_eq!([&first.touched, &second.touched], [&["s/0"], &["s/1"]]);
        assert!(first.began != second.began && first.times > 0 && second.times > 0);
    }
    let began = records.map(|record| [record.actions[0].began, record.actions[1].began]);
    assert_eq!(began[0], began[1]);
}

#[test]
fn what_cannot_happen_again_is_a_mistake() {
    let text = |line: &str| {
        format!(
            r#"(components: {{ "s": Service(operations: {{ "get": [] }}) }},
                traffic: {{ "users": Open(rate: "1/s", to: "s.get") }}, timeline: [{line}])"#
        )
    };
    let often = text(r#"(at: "0s", every: "1us", for: "1s", do: Crash("s"))"#);
    assert_eq!(problems(&often), ["more often than once a millisecond"]);
    let odd = text(r#"(at: "0s", for: Uniform("2s", "1s"), do: Crash("s"))"#);
    assert_eq!(problems(&odd), ["the lower bound is above the upper one"]);
}
