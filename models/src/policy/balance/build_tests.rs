//! Rules of choice that make no sense, and rings that are shared: with a world around them, and so
//! apart from the rules' own tests.

use std::rc::Rc;

use super::Balance;
use crate::policy::spec::Policy;
use crate::testing::{Stage, parse};
use crate::wiring::{Segment, Wiring};

/// Rules of choice that cannot work for the members there are: two, here.
#[test]
fn balances_that_make_no_sense_are_named() {
    for (balance, says) in [
        ("Weighted(weights: [5, 0])", "a weight is 1 to 65535"),
        ("Weighted(weights: [5, 1, 1])", "3 weights for 2 members"),
        ("LeastRequest(choices: 3)", "3 choices of 2 members"),
        (
            r#"BoundedRing(key: "request", percent: 100)"#,
            "the bound is above the average: at least 101",
        ),
        (
            r#"BoundedRing(key: "request", virtual_nodes: 500001)"#,
            "500001 virtual nodes per member; at most 500000",
        ),
        (r#"Maglev(key: "request", table: 100)"#, "the table's size is a prime above the members'"),
        (r#"Sticky(key: "user")"#, "there is no draw `user`"),
        ("WeightedRandom(weights: [1])", "1 weights for 2 members"),
        (r#"Shuffle(key: "request", shard: 3)"#, "a shard is 1 to 2 members"),
        ("Prequal(probes: 0)", "some are sent, and at most 100 per request"),
        (
            r#"Maglev(key: "request", table: 4294967291)"#,
            "the table's size is a prime above the members'",
        ),
        (
            r#"Ring(key: "request", virtual_nodes: 0)"#,
            "a ring needs at least one virtual node per member",
        ),
        (r#"PeakEwma(decay: "0s")"#, "`decay` is some time, not none"),
        (r#"Prequal(age: "0s")"#, "`age` is some time, not none"),
        (
            "EarliestDeadline(weights: [1, 1], active_request_bias: inf)",
            "`active_request_bias` is a number, and not below 0",
        ),
        (
            "EarliestDeadline(weights: [1, 1], active_request_bias: NaN)",
            "`active_request_bias` is a number, and not below 0",
        ),
        (
            "EarliestDeadline(weights: [1, 1], active_request_bias: -1)",
            "`active_request_bias` is a number, and not below 0",
        ),
        ("LeastConnections(weights: [256, 257])", "a weight is 1 to 256"),
        ("LeastConnections(weights: [256, 65536], like: Nginx)", "a weight is 1 to 65535"),
        ("Aperture(least: 0)", "at least one member is in use"),
        (r#"Sticky(key: "request", size: 0)"#, "a table without room remembers nothing"),
        (r#"Sticky(key: "request", expire: "0s")"#, "`expire` is some time, not none"),
        ("Prequal(pool: 1)", "a choice needs 2 probes, and 1000 are plenty"),
    ] {
        let (mut stage, _) = Stage::new(1, None);
        let mut wiring = Wiring::new(&mut stage.builder, Vec::new());
        let policy: Policy = parse(&format!("(balance: {balance})"));
        policy.check("it", Some(2), &mut wiring);
        let messages: Vec<&str> = wiring.problems.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages, [says], "{balance}");
    }
}

/// Placements that cannot be built, and where the mistake is.
#[test]
fn rings_that_cannot_be_built_are_named() {
    for (by, members, says, at) in [
        (
            r#"Ring(key: "request", virtual_nodes: 100000, weights: [1000, 1000])"#,
            2,
            "100000 virtual nodes per member; at most 500",
            "virtual_nodes",
        ),
        (
            r#"Ketama(key: "request", weights: [1, 1000])"#,
            2,
            "of this weight no point is left: it is below 1/40 of the average",
            "weights",
        ),
        (r#"Ring(key: "request", weights: [1, 1001])"#, 2, "a weight is 1 to 1000", "weights"),
    ] {
        let (mut stage, _) = Stage::new(1, None);
        let mut wiring = Wiring::new(&mut stage.builder, Vec::new());
        let spec: crate::by::By = parse(by);
        assert!(spec.build(members, &mut wiring).is_none());
        let found = wiring.problems.iter().map(|it| (it.message.as_str(), it.path[0].clone()));
        assert_eq!(found.collect::<Vec<_>>(), [(says, Segment::Name(at.into()))], "{by}");
    }
}

/// All callers of a store go by one and the same ring.
#[test]
fn a_ring_is_built_once() {
    let (mut stage, _) = Stage::new(1, None);
    let mut wiring = Wiring::new(&mut stage.builder, Vec::new());
    for by in [
        r#"Ketama(key: "request")"#,
        r#"Ring(key: "request", weights: [1, 2])"#,
        r#"Ring(key: "request")"#,
    ] {
        let spec: crate::by::By = parse(by);
        let rings = [0; 2].map(|_| spec.build(2, &mut wiring));
        let [Some(Balance::Ring(_, one)), Some(Balance::Ring(_, other))] = rings else {
            panic!("{by} is a ring")
        };
        assert!(Rc::ptr_eq(&one, &other), "{by}");
    }
    assert_eq!(wiring.rings.len(), 3);
}
