//! A process that ends itself, and actions that touch it meanwhile.

use engine::Outcome::{self, Refused, Reset};

use super::{ends, played};

/// How the request of each second ended, in a service that keeps each for so long.
fn outcomes(timeline: &str, memory: &str, keeps: &str) -> Vec<Outcome> {
    let service = format!(
        r#""s": Service(
            memory: (base: "100MB", request: "100MB", {memory}),
            operations: {{ "get": [Wait("{keeps}")] }},
            jobs: {{ "tidy": Every("5s", [Wait("10ms")]) }},
        )"#
    );
    let record = played(&format!("timeline: [{timeline}],"), &service, r#"timeout: "60s""#);
    ends(&record).into_iter().map(|(outcome, _)| outcome).collect()
}

/// The third that comes is too much: at 2.01 s, and at 5.01 s. From then on it is down of itself
/// until 7.91 s, and of the action from 6 s to 10.5 s. Of the three from 11.01 s on it dies again.
#[test]
fn who_is_down_of_itself_and_by_an_action_waits_for_both() {
    let memory = r#"limit: "350MB", back_off: (first: "2900ms")"#;
    let crash = r#"(at: "6s", for: "4500ms", do: Crash("s"))"#;
    let outcomes = outcomes(crash, memory, "2500ms");
    assert_eq!(outcomes[..6], [Reset; 6]);
    assert_eq!(outcomes[6..11], [Refused; 5]);
    assert_eq!(outcomes[11..14], [Reset; 3]);
    assert_eq!(outcomes[14..], [Refused; 2]);
}

/// Out of its group since 4.5 s, it finishes what it has; at 5 s a job is too much. It does not
/// come back by that.
#[test]
fn who_has_left_and_ends_does_not_join() {
    let outcomes = outcomes(r#"(at: "4500ms", do: Leave("s"))"#, r#"limit: "650MB""#, "10s");
    assert_eq!(outcomes[..5], [Reset; 5]);
    assert_eq!(outcomes[5..], [Refused; 11]);
}
