//! What every action does to a system, by scripts worked out by hand: one user a second, work that
//! always takes 100 ms, hops that always take 10 ms. Undisturbed, an answer takes 10 + 100 + 10 ms.

mod exits;
mod health;
mod leaving;
mod links;
mod nodes;
mod overlaps;
mod renewal;

use engine::{Outcome, RunRecord};

use crate::theory::measure;

/// How a request ended: outcome, and milliseconds since it was wanted.
pub type End = (Outcome, f64);

const FINE: End = (Outcome::Done, 120.0);
/// Turned away at the door.
const REFUSED: End = (Outcome::Refused, 20.0);
/// Never answered: users wait for half a second.
const LOST: End = (Outcome::TimedOut, 500.0);

/// A service `s`, a user each second from 0 s to 15 s, and this timeline.
fn disturbed(timeline: &str) -> RunRecord {
    played(
        &format!("timeline: [{timeline}],"),
        r#""s": Service(operations: { "get": [Work("100ms")] })"#,
        r#"timeout: "500ms""#,
    )
}

/// As [`disturbed`], with users who wait for ever.
fn patient(timeline: &str) -> RunRecord {
    let s = r#""s": Service(operations: { "get": [Work("100ms")] })"#;
    played(&format!("timeline: [{timeline}],"), s, r#"timeout: "60s""#)
}

pub fn played(more: &str, components: &str, users: &str) -> RunRecord {
    let text = format!(
        r#"(
        duration: "15500ms", settle: "10s", sample: "1ms", network: (any: "10ms"), {more}
        components: {{ {components} }},
        traffic: {{ "users": Open(rate: "1/s", arrivals: Even, to: "s.get", {users}) }},
    )"#
    );
    measure(&text, 1).remove(0)
}

/// How the request of each second ended. Intervals are so short that mostly one request ends in
/// each, and its time is known exactly. Where several end together their times are known to 0.4 %,
/// and are whole multiples of 10 ms.
pub fn ends(record: &RunRecord) -> Vec<End> {
    let operation = &record.operations["s.get"];
    let mut ends = vec![(Outcome::Done, f64::NAN); record.requests.generated as usize];
    for (at, interval) in record.series.times.iter().zip(&operation.intervals) {
        let outcome = Outcome::ALL.into_iter().find(|it| interval.outcomes.of(*it) > 0);
        let alone = interval.took.count() == 1;
        for (nanos, _) in interval.took.values() {
            let known = nanos as f64 / 1e6;
            let took = if alone { known } else { (known / 10.0).round() * 10.0 };
            let wanted = (at.as_secs() - took / 1e3).round() as usize;
            ends[wanted] = (outcome.expect("it ended somehow"), took);
        }
    }
    ends
}

/// Requests 9 to 13 ended like this, all others undisturbed. Times may be off by a nanosecond,
/// because speeds such as a third are rounded.
#[track_caller]
fn expect(record: &RunRecord, nine_to_thirteen: [End; 5]) {
    let mut expected = vec![FINE; 16];
    expected[9..14].copy_from_slice(&nine_to_thirteen);
    let ends = ends(record);
    let same = |(a, b): (&End, &End)| a.0 == b.0 && (a.1 - b.1).abs() <= 2e-6;
    assert!(
        ends.len() == 16 && ends.iter().zip(&expected).all(same),
        "expected {expected:?}\n     got {ends:?}"
    );
}

/// What the report says that each action touched.
fn touched(record: &RunRecord) -> Vec<Vec<&str>> {
    record.actions.iter().map(|it| it.touched.iter().map(String::as_str).collect()).collect()
}

const fn done(millis: f64) -> End {
    (Outcome::Done, millis)
}
