//! Rules of choice at work, with members that come and go: a gateway and members that answer by a
//! script.

use engine::Outcome::{Done, Failed, Refused};

use super::played::{Play, say};

/// Member 1 is up from 1 s on, and for 0.8 s has a tenth of a share (Envoy's least part, under a
/// window of 8 s). 400 calls, one at a time. Where members take turns it gets 0.1 / 1.1 of them:
/// 36.4, with a standard deviation of 5.7. HAProxy draws among equals: it is drawn every other time
/// and takes a tenth of that: 20, with a deviation of 4.4. Four deviations are allowed.
#[test]
fn newcomers_have_a_part_of_a_share_under_every_rule() {
    // The first call learns that it is down.
    let at: Vec<u64> = [500].into_iter().chain((0..400).map(|call| 1002 + call * 2)).collect();
    for (balance, from, to) in [
        ("RoundRobin", 14, 59),
        ("LeastOfAll", 14, 59),
        ("EarliestDeadline(weights: [1, 1])", 14, 59),
        ("EarliestDeadline(weights: [1, 1], active_request_bias: 1.0)", 14, 59),
        ("LeastConnections()", 3, 37),
    ] {
        let policy = format!(r#"(balance: {balance}, slow_start: Envoy(window: "8s"))"#);
        let mut play = Play::new(2, &[say(1, Done)], policy.leak(), &at);
        play.crashes = vec![(Some(1), 0, 1000)];
        let asked = play.run().asked.iter().filter(|(_, member, _)| *member == 1).count();
        assert!((from..=to).contains(&asked), "{balance}: {asked}");
    }
}

/// Members 2 and 3 leave: keys that had one of them, or both, have others from then on. Who merely
/// crashes takes its keys with it: both are down, and one in six keys has no other.
#[test]
fn shards_follow_who_is_in_the_group() {
    let policy = r#"(balance: Shuffle(key: "request", shard: 2))"#;
    let at: Vec<u64> = (0..200).map(|call| 1000 + call * 10).collect();
    let refused = |away: &dyn Fn(&mut Play)| {
        let mut play = Play::new(4, &[say(1, Done)], policy, &at);
        away(&mut play);
        play.run().answers.iter().filter(|it| it.2 == Refused).count()
    };
    assert_eq!(refused(&|play| play.leaves = vec![(2, 100, 110), (3, 100, 110)]), 0);
    // 200 / 6 = 33.3, with a standard deviation of 5.3.
    let down = refused(&|play| play.crashes = vec![(Some(2), 100, 9900), (Some(3), 100, 9900)]);
    assert!((13..=54).contains(&down), "{down}");
}

/// Member 1 fails whatever it is asked. By hash a retry asks it again, and by chance every other
/// one does; those that go elsewhere meet the other one, and all is well.
#[test]
fn a_retry_goes_elsewhere() {
    let at: Vec<u64> = (0..200).map(|call| 1000 + call * 10).collect();
    let failed = |balance: &str, retry: &str, view: &str| {
        let policy = format!("(balance: {balance}, retry: (attempts: 2{retry}){view})");
        let mut play = Play::new(2, &[say(1, Done)], policy.leak(), &at);
        play.errors = vec![(1, 0, 9999)];
        play.run().answers.iter().filter(|answer| answer.2 == Failed).count()
    };
    for view in ["", ", view: Static"] {
        for balance in ["Ring(key: \"request\")", "Random", "RoundRobin", "LeastOfAll"] {
            assert_eq!(failed(balance, ", elsewhere: true", view), 0, "{balance}{view}");
        }
        // One in two keys, with a standard deviation of 7.1; one in four, of 6.1.
        let (hash, chance) =
            (failed("Ring(key: \"request\")", "", view), failed("Random", "", view));
        assert!((71..=129).contains(&hash), "{hash}");
        assert!((25..=75).contains(&chance), "{chance}");
    }
}
