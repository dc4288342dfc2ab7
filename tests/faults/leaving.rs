//! Members that leave or join, and faults that meet them meanwhile: a fault takes nobody out of
//! its group, and brings nobody into it.

use engine::Outcome::{self, Done, Refused, TimedOut};

use super::{disturbed, ends, played};

/// How the request of each second ended.
fn outcomes(timeline: &str) -> Vec<Outcome> {
    ends(&disturbed(timeline)).into_iter().map(|(outcome, _)| outcome).collect()
}

/// So many of the sixteen are done, then so many refused, then those left done.
fn done_refused_done(done: usize, refused: usize) -> Vec<Outcome> {
    let place = |second| (done..done + refused).contains(&second);
    (0..16).map(|second| if place(second) { Refused } else { Done }).collect()
}

/// It left at 4.5 s. A crash or a restart after that touches a process that nobody asks.
#[test]
fn who_has_left_does_not_come_back_by_a_fault() {
    for fault in [r#"for: "2s", do: Crash("s")"#, r#"do: Restart("s")"#] {
        let line = format!(r#"(at: "4500ms", do: Leave("s")), (at: "6500ms", {fault})"#);
        assert_eq!(outcomes(&line), done_refused_done(5, 11), "{fault}");
    }
}

/// It is not there before 8.5 s, whatever happens to its machine.
#[test]
fn who_has_not_joined_does_not_come_by_a_fault() {
    let line = r#"(at: "2500ms", for: "2s", do: Crash("s")), (at: "8500ms", do: Join("s"))"#;
    assert_eq!(outcomes(line), done_refused_done(0, 9));
}

/// Down from 4.5 s to 7.5, it leaves at 5.5 s: the end of the crash starts nobody who is asked.
#[test]
fn who_is_down_can_leave() {
    let line = r#"(at: "4500ms", for: "3s", do: Crash("s")), (at: "5500ms", do: Leave("s"))"#;
    assert_eq!(outcomes(line), done_refused_done(5, 11));
}

/// Standing still from 4.5 s to 7.5, it leaves at 5.5 s: who came at 5 s waits in vain, and whoever
/// comes later is refused.
#[test]
fn who_stands_still_can_leave() {
    let line = r#"(at: "4500ms", for: "3s", do: Pause("s")), (at: "5500ms", do: Leave("s"))"#;
    let mut wanted = done_refused_done(5, 11);
    wanted[5] = TimedOut;
    assert_eq!(outcomes(line), wanted);
}

/// It left at 3.5 s and joins at 6.5 s, while its machine is down from 4.5 s to 8.5.
#[test]
fn who_joins_while_it_is_down_starts_with_its_machine() {
    let lines = [
        r#"(at: "3500ms", do: Leave("s"))"#,
        r#"(at: "4500ms", for: "4s", do: Crash("s"))"#,
        r#"(at: "6500ms", do: Join("s"))"#,
    ];
    assert_eq!(outcomes(&lines.join(", ")), done_refused_done(4, 5));
}

/// The first of two is to leave at 12.5 s, and has not been asked since 4.5 s, whether it crashes
/// and is back at 5.6 s or not.
#[test]
fn who_is_about_to_leave_is_not_asked_after_a_crash() {
    let asked = |fault: &str| -> Vec<u64> {
        let lines = format!(r#"(at: "4500ms", do: Leave("s/0", (drain: "8s"))), {fault}"#);
        let two = r#""s": Service(replicas: 2, operations: { "get": [Work("100ms")] })"#;
        let record = played(&format!("timeline: [{lines}],"), two, r#"timeout: "60s""#);
        let group = record.groups.iter().find(|group| group.name == "s").expect("it is there");
        group.members.iter().map(|member| member.arrived).collect()
    };
    let calm = asked("");
    assert!(calm[1] >= 11 && calm[0] + calm[1] == 16, "{calm:?}");
    for fault in
        [r#"(at: "4600ms", for: "1s", do: Crash("s/0"))"#, r#"(at: "5500ms", do: Restart("s/0"))"#]
    {
        assert_eq!(asked(fault), calm, "{fault}");
    }
}
