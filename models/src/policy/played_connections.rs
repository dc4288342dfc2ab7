//! Connections at work: a gateway with a pool, and members that answer by a script. Times are in
//! milliseconds and worked out by hand.

use engine::Outcome;

use super::played::{Play, say};

use Outcome::{Done, Refused, TimedOut};

/// One connection, which each request holds for 10 ms: they follow one another. Who waits at most
/// 5 ms is refused then, and the connection is free for whoever comes next.
#[test]
fn requests_wait_for_a_connection() {
    let members = |told: &super::played::Told| told.asked.iter().map(|it| it.0).collect::<Vec<_>>();
    let one = "(connections: (total: 1, per_member: 1, handshake: Free))";
    let told = Play::new(1, &[say(10, Done)], one, &[0, 1, 2]).run();
    assert_eq!(members(&told), [0, 10, 20]);
    assert_eq!(told.answers, [(10, 0, Done), (20, 1, Done), (30, 2, Done)]);
    let hasty = r#"(connections: (total: 1, per_member: 1, wait: "5ms"))"#;
    let told = Play::new(1, &[say(10, Done)], hasty, &[0, 1, 2, 7]).run();
    assert_eq!(members(&told), [0, 10]);
    assert_eq!(told.answers, [(6, 1, Refused), (7, 2, Refused), (10, 0, Done), (20, 3, Done)]);
}

/// The time for all tries counts in line too: 8 ms are over before there is a connection.
#[test]
fn a_deadline_ends_waiting() {
    let policy = r#"(total: "8ms", connections: (total: 1, per_member: 1))"#;
    let told = Play::new(1, &[say(7, Done), say(1, Done)], policy, &[0, 1, 2]).run();
    // The first ends at 7; the second is asked then, with 2 ms left; the third at 8, with 2 left.
    assert_eq!(told.answers, [(7, 0, Done), (8, 1, Done), (9, 2, Done)]);
    let told = Play::new(1, &[say(100, Done)], policy, &[0, 1]).run();
    assert_eq!(told.answers, [(8, 0, TimedOut), (9, 1, TimedOut)]);
}

/// Three at once, 8 ms for all tries, one connection: the two in line have run out of time, which
/// is not the same as having been refused.
#[test]
fn who_runs_out_of_time_in_line_is_not_refused() {
    let policy = r#"(total: "8ms", connections: (total: 1), retry: (attempts: 3, on: [Refused]))"#;
    let mut answers = Play::new(1, &[say(100, Done)], policy, &[0, 0, 0]).run().answers;
    answers.sort_by_key(|answer| answer.1);
    assert_eq!(answers, [(8, 0, TimedOut), (8, 1, TimedOut), (8, 2, TimedOut)]);
}

/// The second waits from 1 to 6 ms, is refused, pauses for 10 ms, and finds the connection free
/// that the first had until 12 ms: its second try.
#[test]
fn who_waited_in_vain_tries_again() {
    let policy = r#"(connections: (total: 1, wait: "5ms"),
        retry: (attempts: 2, on: [Refused], backoff: Fixed("10ms")))"#;
    let told = Play::new(1, &[say(12, Done)], policy, &[0, 1]).run();
    assert_eq!(told.asked, [(0, 0, 0), (16, 0, 1)]);
    assert_eq!(told.answers, [(12, 0, Done), (28, 1, Done)]);
}

/// A connection whose request got no answer in time is broken: the next one is new, and the line
/// moves on. The first is given up at 5, the second is asked then, and given up at 10.
#[test]
fn a_timeout_frees_its_connection() {
    let policy = r#"(timeout: "5ms", connections: (total: 1, per_member: 1))"#;
    let told = Play::new(1, &[say(100, Done), say(100, Done), say(1, Done)], policy, &[0, 1, 2]);
    assert_eq!(told.run().answers, [(5, 0, TimedOut), (10, 1, TimedOut), (11, 2, Done)]);
}

/// Who leaves while in line leaves the line: the third is next.
#[test]
fn who_leaves_leaves_the_line() {
    let policy = "(cancel: true, connections: (total: 1, per_member: 1))";
    let mut play = Play::new(1, &[say(10, Done)], policy, &[0, 1, 2]);
    play.lines[1].timeout = Some(engine::Span::millis(4));
    let told = play.run();
    let asked: Vec<u64> = told.asked.iter().map(|it| it.0).collect();
    assert_eq!(asked, [0, 10]);
    assert_eq!(told.answers, [(5, 1, TimedOut), (10, 0, Done), (20, 2, Done)]);
}

/// Nobody listens: the handshake is refused, and tried again with whom the policy says.
#[test]
fn a_refused_handshake_is_a_refused_try() {
    let policy = "(view: Static, connections: (), retry: (attempts: 2, on: [Refused]))";
    let mut play = Play::new(2, &[say(1, Done)], policy, &[10, 20]);
    play.crashes = vec![(Some(0), 0, 9000)];
    let told = play.run();
    assert_eq!(told.asked, [(10, 1, 1), (20, 1, 1)]);
    assert_eq!(told.answers, [(11, 0, Done), (21, 1, Done)]);
}
