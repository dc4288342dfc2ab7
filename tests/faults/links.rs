//! Actions on what lies between.

use engine::Outcome;

use super::{FINE, LOST, disturbed, done, expect, touched};

#[test]
fn a_cut_one_way_loses_questions() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Cut("users -> s"))"#);
    // The answer to the request of 9 s comes back.
    expect(&record, [FINE, LOST, LOST, LOST, FINE]);
    let service = &record.groups.iter().find(|group| group.name == "s").unwrap().members[0];
    assert_eq!(service.arrived, 13);
    assert_eq!(touched(&record), [["users/0 -> s/0"]]);
}

/// The request of 12 s is answered at 12.11 s, after the cut.
#[test]
fn a_cut_the_other_way_loses_answers() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Cut("s -> users"))"#);
    expect(&record, [LOST, LOST, LOST, FINE, FINE]);
    let service = &record.groups.iter().find(|group| group.name == "s").unwrap().members[0];
    assert_eq!(service.arrived, 16);
}

#[test]
fn a_cut_both_ways_loses_all() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Cut("users <-> s"))"#);
    expect(&record, [LOST, LOST, LOST, LOST, FINE]);
}

#[test]
fn a_partition_is_a_cut_around_its_members() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Partition(["s"]))"#);
    expect(&record, [LOST, LOST, LOST, LOST, FINE]);
}

/// 50 ms on each hop that begins between 9.05 and 12.05: the answer of the first; both hops of the
/// next two; of the last only the question, which arrives at 12.06 and is answered at 12.16.
#[test]
fn a_delay_meets_hops_that_begin_in_it() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Delay("users <-> s", (by: "50ms")))"#);
    expect(&record, [done(170.0), done(220.0), done(220.0), done(170.0), FINE]);
}

/// Half of all questions are lost each time: sent again after 200 ms, then 400, 800 …
/// (RFC 6298, Linux): answers take 120, 320, 720, 1520 ms with shares 1/2, 1/4, 1/8, 1/16.
#[test]
fn lost_packets_are_sent_again() {
    let text = r#"(
        duration: "100s", settle: "1000s", network: (any: "10ms"),
        components: { "s": Service(operations: { "get": [Work("100ms")] }) },
        traffic: { "users": Open(rate: "40/s", arrivals: Even, to: "s.get") },
        timeline: [(at: "0s", do: Loss("users -> s", (rate: "50%")))],
    )"#;
    let record = crate::theory::measure(text, 1).remove(0);
    let took = &record.operations["s.get"].took;
    let between = |from: u64, to: u64| {
        let within = took.buckets().filter(|(low, ..)| (from..to).contains(&(low / 1_000_000)));
        within.map(|(.., count)| count).sum::<u64>() as f64
    };
    for (share, from, to) in
        [(0.5, 119, 121), (0.25, 318, 322), (0.125, 717, 723), (0.0625, 1515, 1525)]
    {
        let (all, expected) = (4000.0, 4000.0 * share);
        let deviation = libm::sqrt(all * share * (1.0 - share));
        let found = between(from, to);
        assert!((found - expected).abs() < 4.0 * deviation, "{from} ms: {found} of {expected}");
    }
}

/// A link on which nothing ever arrives: TCP gives up in the end, and nobody is told.
#[test]
fn what_is_always_lost_never_arrives() {
    let record = disturbed(r#"(at: "9.05s", for: "3s", do: Loss("users -> s", (rate: "100%")))"#);
    expect(&record, [FINE, LOST, LOST, LOST, FINE]);
    assert_eq!(record.operations["s.get"].outcomes.of(Outcome::TimedOut), 3);
}
