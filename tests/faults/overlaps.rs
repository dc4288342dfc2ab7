//! Actions that overlap: each takes away only its own.

use engine::Outcome;

use super::{FINE, LOST, REFUSED, disturbed, done, ends, expect, patient};

/// Twice and three times as slow is six times as slow. From 9.5 to 12.5 ×2, from 10.5 to 11.5 ×3.
#[test]
fn slowness_multiplies() {
    let record = patient(
        r#"(at: "9.5s", for: "3s", do: Slow("s", (times: 2))),
           (at: "10.5s", for: "1s", do: Slow("s", (times: 3)))"#,
    );
    // At work from 11.01: 490 ms at a sixth of the speed, the rest at half.
    let both = 10.0 + 490.0 + 2.0 * (100.0 - 490.0 / 6.0) + 10.0;
    expect(&record, [FINE, done(220.0), done(both), done(220.0), FINE]);
}

#[test]
fn the_same_slowness_twice_counts_twice() {
    let record = patient(
        r#"(at: "9.5s", for: "3s", do: Slow("s", (times: 2)), as: "one"),
           (at: "9.5s", for: "2s", do: Slow("s", (times: 2)), as: "two")"#,
    );
    expect(&record, [FINE, done(420.0), done(420.0), done(220.0), FINE]);
}

#[test]
fn a_cut_holds_until_the_last_is_over() {
    let record = disturbed(
        r#"(at: "9.5s", for: "2s", do: Cut("users <-> s")),
           (at: "10.5s", for: "2s", do: Cut("users -> s"))"#,
    );
    expect(&record, [FINE, LOST, LOST, LOST, FINE]);
}

#[test]
fn delays_add_up() {
    let record = disturbed(
        r#"(at: "9.5s", for: "3s", do: Delay("users -> s", (by: "30ms"))),
           (at: "10.5s", for: "1s", do: Delay("users -> s", (by: "50ms")))"#,
    );
    expect(&record, [FINE, done(150.0), done(200.0), done(150.0), FINE]);
}

/// Down for two reasons, it is up when both are gone.
#[test]
fn who_is_down_twice_comes_back_once() {
    let record = disturbed(
        r#"(at: "9.5s", for: "2s", do: Crash("s"), as: "one"),
           (at: "10.5s", for: "2s", do: Crash("s"), as: "two")"#,
    );
    expect(&record, [FINE, REFUSED, REFUSED, REFUSED, FINE]);
}

/// A process that stands still and is killed: what it had is gone, and when it runs again it
/// serves what comes. Paused from 9.05 to 12.05, dead from 10.5 to 11.5.
#[test]
fn a_crash_in_a_pause_ends_what_waits() {
    let record = patient(
        r#"(at: "9.05s", for: "3s", do: Pause("s")),
           (at: "10.5s", for: "1s", do: Crash("s"))"#,
    );
    let ends = ends(&record);
    // Requests 9 and 10 were with it: reset at 10.5, a hop later the users know.
    assert_eq!(ends[9], (Outcome::Reset, 1510.0));
    assert_eq!(ends[10], (Outcome::Reset, 510.0));
    // Nobody listened at 11.01.
    assert_eq!(ends[11], REFUSED);
    // It began again at 11.5, but stands still until 12.05: 12.05 + 0.1 + 0.01.
    assert_eq!(ends[12], done(160.0));
    assert_eq!(ends[13], FINE);
}

/// 50 % of what 50 % leave: a quarter passes. 1000 calls: 250 ± 4 × √(1000 · 0.25 · 0.75) = 13.7.
#[test]
fn errors_combine() {
    let text = r#"(
        duration: "10s",
        components: { "s": Service(operations: { "get": [Wait("1ms")] }) },
        traffic: { "users": Open(rate: "100/s", arrivals: Even, to: "s.get") },
        timeline: [
            (at: "0s", do: Errors("s", (rate: "50%")), as: "one"),
            (at: "0s", do: Errors("s", (rate: "50%")), as: "two"),
        ],
    )"#;
    let record = crate::theory::measure(text, 1).remove(0);
    let passed = record.operations["s.get"].outcomes.of(Outcome::Done) as f64;
    assert!((passed - 250.0).abs() < 4.0 * 13.7, "{passed}");
}
