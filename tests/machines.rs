//! What a machine and its process add to the work: company on the cores, one thing at a time,
//! standing still, starting, warming up. By scripts worked out by hand, and by Gunther's law.

use engine::Outcome;

use crate::faults::{End, ends, played};
use crate::theory::{measure, problems};

use Outcome::{Done, Refused, Reset};

/// A user a second from 0 s on asks `s`, which works for 100 ms; hops take 10 ms, so that an answer
/// takes 120 ms. Users wait for a minute.
fn ends_of(process: &str, timeline: &str) -> Vec<End> {
    let service = format!(r#""s": Service({process} operations: {{ "get": [Work("100ms")] }})"#);
    ends(&played(&format!("timeline: [{timeline}],"), &service, r#"timeout: "60s""#))
}

/// How the named requests ended; all others took 120 ms. Times may be off by a nanosecond.
#[track_caller]
fn expect(ends: &[End], others: &[(usize, Outcome, f64)]) {
    for (number, end) in ends.iter().enumerate() {
        let other = others.iter().find(|(of, ..)| *of == number);
        let (outcome, took) = other.map_or((Done, 120.0), |&(_, o, took)| (o, took));
        assert!(end.0 == outcome && (end.1 - took).abs() < 2e-6, "{number}: {end:?}, not {took}");
    }
}

/// It stands still from 2.95 s to 3.25 s: request 3, there at 3.01 s, begins at 3.25 s. Then again
/// from 6.2 s, 9.45 s and 12.7 s, when nobody is there.
#[test]
fn who_comes_during_a_pause_waits_for_its_end() {
    let pauses = r#"pauses: Every(gap: "2950ms", lasts: "300ms"),"#;
    expect(&ends_of(pauses, ""), &[(3, Done, 360.0)]);
}

/// It stands still from 5.03 s to 5.23 s, when 80 ms of request 5 are left; then from 10.26 s.
#[test]
fn work_begun_waits_too() {
    let pauses = r#"pauses: Every(gap: "5030ms", lasts: "200ms"),"#;
    expect(&ends_of(pauses, ""), &[(5, Done, 320.0)]);
}

/// Killed at 3.2 s in the middle of a pause from 2.95 s to 3.95 s, and back at once: request 3 is
/// broken off (the news takes 10 ms), and nothing is left of the pause. The new process stands
/// still from 6.15 s to 7.15 s: request 7, there at 7.01 s, begins at 7.15 s. Then from 10.1 s to
/// 11.1 s, when request 10, there at 10.01 s, has 10 ms left, and request 11 begins; then from
/// 14.05 s to 15.05 s, when request 14, there at 14.01 s, has 60 ms left, and request 15 begins.
#[test]
fn a_crash_ends_a_pause() {
    let pauses = r#"pauses: Every(gap: "2950ms", lasts: "1s"),"#;
    let ends = ends_of(pauses, r#"(at: "3200ms", do: Restart("s"))"#);
    let reset = (3, Reset, 210.0);
    let begun = [(10, Done, 1120.0), (14, Done, 1120.0)];
    let waited = [(7, Done, 260.0), (11, Done, 210.0), (15, Done, 160.0)];
    expect(&ends, &[&[reset], &begun[..], &waited].concat());
}

/// Every third request fills the young generation and waits 50 ms for its collection.
#[test]
fn collections_come_with_allocations() {
    let pauses = r#"pauses: Allocation(per_request: "1MB", young: "3MB", lasts: "50ms"),"#;
    let third = [2, 5, 8, 11, 14].map(|number| (number, Done, 170.0));
    expect(&ends_of(pauses, ""), &third);
}

/// Started again at 2.5 s, work takes 1 + 2 e^(−n/2) times as long: for request 3 three times, for
/// request 4 1 + 2 e^(−1/2), and so on.
#[test]
fn a_new_process_is_slow() {
    let warm_up = "warm_up: (times: 3, requests: 2),";
    let ends = ends_of(warm_up, r#"(at: "2500ms", do: Restart("s"))"#);
    let slow = |n: usize| 20.0 + 100.0 * (1.0 + 2.0 * libm::exp(-(n as f64) / 2.0));
    let expected: Vec<_> = (3..16).map(|number| (number, Done, slow(number - 3))).collect();
    assert!((slow(1) - 241.306).abs() < 1e-3);
    expect(&ends, &expected);
}

/// Dead from 2.5 s to 3.5 s, then starting until 4.7 s: requests 3 and 4 are refused.
#[test]
fn starting_takes_time() {
    let ends = ends_of(r#"start_up: "1200ms","#, r#"(at: "2500ms", for: "1s", do: Crash("s"))"#);
    expect(&ends, &[(3, Refused, 20.0), (4, Refused, 20.0)]);
}

/// Of two replicas one is starting from 3.5 s to 4.7 s. Callers who know who is ready ask the
/// other: nobody is refused.
#[test]
fn who_is_starting_is_not_asked() {
    let ends = ends_of(
        r#"replicas: 2, start_up: "1200ms","#,
        r#"(at: "2500ms", for: "1s", do: Crash("s/0"))"#,
    );
    expect(&ends, &[]);
}

/// One loop, a job of 1 ms every 2 ms, and one of 50 ms at 1001.5 ms: the job of 1002 ms begins at
/// 1051.5 ms and takes 50.5 ms, the next one 49.5 ms, and so on: fifty are late.
#[test]
fn a_long_job_keeps_a_loop_from_all_others() {
    let text = r#"(
        duration: "2s",
        components: { "s": Service(server: Loops(1), operations: {
            "small": [Work("1ms")], "large": [Work("50ms")],
        }) },
        traffic: {
            "many": Open(rate: "500/s", arrivals: Even, to: "s.small"),
            "one": Open(rate: [Hold("0/s", "1001500us"), Burst(1), Hold("0/s")], to: "s.large"),
        },
    )"#;
    let record = measure(text, 1).remove(0);
    let took = &record.operations["s.small"].took;
    assert_eq!(took.max(), 50_500_000);
    let late: u64 =
        took.buckets().filter(|&(low, ..)| low > 1_250_000).map(|(_, _, count)| count).sum();
    assert_eq!(late, 50);
}

/// So many users who never think, on so many cores: the mean time is N / (C(N) · X(1)), with
/// C(N) = N / (1 + σ (N − 1) + κ N (N − 1)). Values of C as published for these parameters.
#[test]
fn throughput_follows_the_universal_scalability_law() {
    let cases = [
        (8, 64, 0.03, 0.0001, 6.581),
        (32, 64, 0.03, 0.0001, 15.770),
        (64, 64, 0.03, 0.0001, 19.434),
        (128, 128, 0.02, 0.0005, 10.970),
    ];
    for (users, cores, contention, coherency, capacity) in cases {
        let text = format!(
            r#"(
            duration: "20s",
            components: {{ "s": Service(
                cpu: {cores}, scaling: (contention: {contention}, coherency: {coherency}),
                operations: {{ "get": [Work("10ms")] }},
            ) }},
            traffic: {{ "users": Closed(users: {users}, to: "s.get") }},
        )"#
        );
        let record = measure(&text, 1).remove(0);
        let mean = record.operations["s.get"].took.mean() / 1e6;
        let truth = f64::from(users) * 10.0 / capacity;
        assert!((mean / truth - 1.0).abs() < 1e-3, "{users} users: {mean} ms, not {truth}");
    }
}

/// Twenty requests do 100 ms of work each on half a core, and then wait for something else: in
/// 20 s that is 2 s of 10. Nothing but the CPU limits it, however many wait.
#[test]
fn who_waits_for_others_is_not_busy() {
    let text = r#"(
        duration: "20s",
        components: { "s": Service(cpu: 0.5, operations: {
            "get": [Work("100ms"), Wait("3s")],
        }) },
        traffic: { "users": Open(rate: "1/s", arrivals: Even, to: "s.get") },
    )"#;
    let record = measure(text, 1).remove(0);
    let group = record.groups.iter().find(|group| group.name == "s").expect("it is there");
    let share = reports::totals::utilisation(&group.members[0], &record);
    assert_eq!(share, Some(0.2));
}

#[test]
fn what_makes_no_sense_is_named() {
    for (process, says) in [
        ("scaling: (contention: 0.1),", "an unlimited CPU has no company to suffer from"),
        ("cpu: 2, scaling: (coherency: 2),", "`coherency` is a part: 0 to 1"),
        ("server: Loops(0),", "a server without loops serves nobody"),
        ("server: Loops(1), cpu: 2,", "each loop is a core"),
        ("quota: (cores: 1),", "a quota needs cores to be a part of"),
        ("cpu: 2, quota: (cores: 2),", "a quota of 2 on 2 cores limits nothing"),
        (
            "cpu: 2, quota: (cores: 0),",
            "a quota is of 1 ms of work in a period at least, and of a million cores",
        ),
        (
            "cpu: 2, quota: (cores: 1, period: \"2s\"),",
            "a period lasts from 1ms to 1s, as in Linux",
        ),
        ("server: Loops(1), quota: (cores: 1),", "a quota of 1 on 1 cores limits nothing"),
        ("cpu: 1.5, preempt: [\"get\"],", "`preempt` needs a whole number of cores"),
        ("preempt: [\"get\"],", "`preempt` needs a whole number of cores"),
        (
            "server: Loops(1), preempt: [\"get\"],",
            "a loop is not interrupted: each ends what it does",
        ),
        (
            "cpu: 2, scaling: (contention: 0.1), preempt: [\"get\"],",
            "`scaling` is for cores that all work shares",
        ),
        ("cpu: 2, preempt: [\"gett\"],", "there is no operation `gett` here"),
        (
            "server: Threads(workers: 1, order: Priority([\"get\", \"get\"])),",
            "`get` is named twice",
        ),
        (
            "server: Threads(workers: 1, order: Priority([])),",
            "an order by importance that names nobody",
        ),
        ("server: Threads(workers: 1, order: PriorityBy(\"tier\")),", "there is no draw `tier`"),
        ("warm_up: (times: 0.5, requests: 9),", "a new process is 1 to 1000 times as slow"),
        ("warm_up: (times: 2, requests: 0),", "it warms up over at least one request"),
        (
            r#"pauses: Allocation(per_request: "2MB", young: "1MB", lasts: "1ms"),"#,
            "a request allocates something, and the young generation holds it",
        ),
        (
            r#"pauses: Every(gap: "0s", lasts: "1s"),"#,
            "it works for at least 1us between two pauses",
        ),
    ] {
        let text = format!(
            r#"(
            duration: "1s",
            components: {{ "s": Service({process} operations: {{ "get": [Work("1ms")] }}) }},
            traffic: {{ "users": Open(rate: "1/s", to: "s.get") }},
        )"#
        );
        assert_eq!(problems(&text), [says], "{process}");
    }
}
