//! Health at work: a gateway and members that fail by a script. Times are in milliseconds and
//! worked out by hand.

use engine::{Answer, Outcome};

use super::played::{Play, say};
use super::spec::Policy;
use crate::testing::{Stage, parse, problems_under};
use crate::wiring::Wiring;

use Outcome::{Done, Failed, Redirected, Refused};

/// Member 1 fails at once whatever it is asked: in turn it is asked at 10, 30, 50, 70 and 90, and
/// ejected by the fifth error. The first tick after a second is at 2 s: of two calls after it one
/// fails again.
#[test]
fn an_outlier_is_left_out_until_a_tick() {
    let policy = r#"(passive: Outliers(interval: "1s", base_ejection: "1s",
        max_ejection_percent: "50%"))"#;
    for proxy in ["Call", "Forward"] {
        let mut at: Vec<u64> = (0..20).map(|call| call * 10).collect();
        at.extend([1980, 1990, 2010, 2020]);
        let mut play = Play::new(2, &[say(1, Done)], policy, &at);
        (play.proxy, play.errors) = (proxy, vec![(1, 0, 9000)]);
        let answers = play.run().answers;
        let failed: Vec<u64> = answers.iter().filter(|it| it.2 == Failed).map(|it| it.0).collect();
        assert_eq!(failed[..5], [10, 30, 50, 70, 90], "{proxy}");
        assert!(matches!(failed[5..], [2010] | [2020]), "{proxy} {failed:?}");
    }
}

/// Member 1 is down, and nobody says so. In second 0 it refuses one call; from second 2 on one
/// request tries it, and then again none.
#[test]
fn nginx_tries_a_member_with_one_request() {
    let policy = r#"(view: Static, passive: MaxFails(timeout: "1s"))"#;
    let at = [0, 10, 20, 30, 1980, 1990, 2010, 2020, 2030, 2040];
    let mut play = Play::new(2, &[say(1, Done)], policy, &at);
    play.crashes = vec![(Some(1), 0, 9000)];
    let refused = |it: &&(u64, usize, Outcome)| it.2 == Refused;
    let refused: Vec<u64> = play.run().answers.iter().filter(refused).map(|it| it.0).collect();
    assert!(refused == [10, 2010] || refused == [10, 2020], "{refused:?}");
}

/// Member 0, of weight 3 to 1, refuses the first call, one of three that nginx takes: it gains 2
/// instead of 3 for the second call, which goes to member 1 (-1 + 2 to 1 + 1). Without
/// `MaxFails` member 0 would have that as well, and member 1 the third.
#[test]
fn nginx_lowers_a_weight_after_a_failure() {
    let plain = "(view: Static, balance: Weighted(weights: [3, 1]))";
    let lowered = "(view: Static, balance: Weighted(weights: [3, 1]), passive: MaxFails(fails: 3))";
    for (policy, then) in [(plain, [0, 1, 0, 0]), (lowered, [1, 0, 0, 0])] {
        let mut play = Play::new(2, &[say(1, Done)], policy, &[0, 10, 20, 30, 40]);
        play.crashes = vec![(Some(0), 0, 5)];
        let told = play.run();
        assert_eq!(told.answers[0], (0, 0, Refused));
        let members: Vec<u16> = told.asked.iter().map(|(_, member, _)| *member).collect();
        assert_eq!(members, then, "{policy}");
    }
}

/// Both refuse one call each; then nginx asks nobody. With a panic threshold it asks all.
#[test]
fn if_all_have_failed_nginx_asks_nobody() {
    let plain = "(view: Static, passive: MaxFails())";
    for (policy, asked) in [(plain, 0), (r#"(view: Static, passive: MaxFails(), panic: "50%")"#, 2)]
    {
        let mut play = Play::new(2, &[say(1, Done)], policy, &[0, 10, 500, 510]);
        play.crashes = vec![(Some(0), 0, 400), (Some(1), 0, 400)];
        let told = play.run();
        assert_eq!(told.asked.len(), asked);
        assert_eq!(told.answers[..2], [(0, 0, Refused), (10, 1, Refused)]);
    }
}

/// Two of four are known to be down: that is half. Below a threshold of 60 % all are asked, of 50 %
/// only those that are up.
#[test]
fn panic_ignores_what_is_known() {
    for (policy, refused) in [(r#"(panic: "60%")"#, 2), (r#"(panic: "50%")"#, 0)] {
        let mut play = Play::new(4, &[say(1, Done)], policy, &[10, 20, 30, 40]);
        play.crashes = vec![(Some(1), 0, 9000), (Some(2), 0, 9000)];
        let answers = play.run().answers;
        assert_eq!(answers.iter().filter(|it| it.2 == Refused).count(), refused, "{policy}");
    }
}

/// Nobody is left, and a threshold of 0 says never to panic: refused without being asked.
#[test]
fn without_panic_nobody_is_asked() {
    for (proxy, policy) in [("Call", r#"(panic: "0%")"#), ("Forward", r#"(panic: "0%")"#)] {
        let mut play = Play::new(2, &[say(1, Done)], policy, &[10, 20]);
        play.proxy = proxy;
        play.crashes = vec![(Some(0), 0, 9000), (Some(1), 0, 9000)];
        assert_eq!(play.run().answers, [(10, 0, Refused), (20, 1, Refused)]);
    }
}

fn last_refused(policy: &'static str) -> u64 {
    let at: Vec<u64> = (0..200).map(|call| 1000 + call * 10).collect();
    let mut play = Play::new(2, &[say(1, Done)], policy, &at);
    play.crashes = vec![(Some(1), 1000, 9000)];
    let answers = play.run().answers;
    let refused: Vec<u64> = answers.iter().filter(|it| it.2 == Refused).map(|it| it.0).collect();
    let last = *refused.last().expect("stale knowledge");
    // Until then every second call.
    assert_eq!(refused.len() as u64, (last - 1000) / 20 + 1, "{refused:?}");
    last
}

/// Member 1 dies at 1 s, having renewed its lease less than 100 ms before: it runs out between
/// 1.2 s and 1.3 s. The list is read every 200 ms: it is known between 1.2 s and 1.5 s.
#[test]
fn a_registry_lists_the_dead() {
    let last = last_refused(r#"(view: Registry(renew: "100ms", expire: "300ms", poll: "200ms"))"#);
    assert!((1180..=1500).contains(&last), "{last}");
}

/// Who leaves the list when it says so, and the group 300 ms later, has been forgotten by all who
/// read every 200 ms; who is gone 10 ms later is asked for up to 200 ms more, in vain.
#[test]
fn who_drains_long_enough_is_not_missed() {
    let policy = r#"(view: Registry(renew: "100ms", expire: "300ms", poll: "200ms"))"#;
    let refused = |gone| {
        let at: Vec<u64> = (0..100).map(|call| 1000 + call * 10).collect();
        let mut play = Play::new(2, &[say(1, Done)], policy, &at);
        play.leaves = vec![(1, 1000, gone)];
        play.run().answers.iter().filter(|it| it.2 == Refused).count()
    };
    assert_eq!(refused(1300), 0);
    assert!((1..=10).contains(&refused(1001)), "{}", refused(1001));
}

/// The name servers notice after 100 ms; the gateway keeps their answer for 400 ms.
#[test]
fn a_name_is_kept() {
    let last = last_refused(r#"(view: Names(ttl: "400ms", notice: "100ms"))"#);
    assert!((1080..=1500).contains(&last), "{last}");
}

/// Member 0 names member 1, whom the gateway asks at once, in the same try.
#[test]
fn a_gateway_follows_redirections() {
    let elsewhere = Answer { value: 1, ..Answer::of(Redirected) };
    let told = Play::new(2, &[(2, elsewhere), (3, Answer::of(Done))], "()", &[0]).run();
    assert_eq!(told.asked, [(0, 0, 0), (2, 1, 0)]);
    assert_eq!(told.answers, [(5, 0, Done)]);
}

/// There is no member 7: the answer stands. And nobody is sent around for ever: after the first
/// question eight redirections are followed.
#[test]
fn redirections_end() {
    let to = |value| (1, Answer { value, ..Answer::of(Redirected) });
    let told = Play::new(2, &[to(7)], "()", &[0]).run();
    assert_eq!((told.asked.len(), told.answers), (1, vec![(1, 0, Redirected)]));
    let told = Play::new(1, &[to(0)], "()", &[0]).run();
    assert_eq!((told.asked.len(), told.answers), (9, vec![(9, 0, Redirected)]));
}

/// Two attempts are two, however often the first one is sent on: the member named fails at 5 ms,
/// and the second attempt is made.
#[test]
fn redirections_are_no_attempts() {
    let elsewhere = Answer { value: 1, ..Answer::of(Redirected) };
    let script = [(2, elsewhere), say(3, Failed), say(1, Done)];
    let told = Play::new(2, &script, "(retry: (attempts: 2))", &[0]).run();
    assert_eq!(told.asked, [(0, 0, 0), (2, 1, 0), (5, 1, 1)]);
    assert_eq!(told.answers, [(6, 0, Done)]);
}

/// Nobody can be asked until 150 ms: tries at 10 and 110 ms find nobody, the third at 210 ms
/// somebody. Of two tries none does.
#[test]
fn nobody_to_ask_is_a_refused_try() {
    for (policy, answer) in [
        (r#"(panic: "0%", retry: (attempts: 3, on: [Refused], backoff: Fixed("100ms")))"#, Done),
        (r#"(panic: "0%", retry: (attempts: 2, on: [Refused], backoff: Fixed("100ms")))"#, Refused),
        (r#"(panic: "0%", retry: (attempts: 3, on: [Failed], backoff: Fixed("100ms")))"#, Refused),
    ] {
        let mut play = Play::new(1, &[say(1, Done)], policy, &[10]);
        play.crashes = vec![(Some(0), 0, 150)];
        let told = play.run();
        let (ends, asked) = match answer {
            Done => (211, vec![(210, 0, 2)]),
            _ if policy.contains("Failed") => (10, vec![]),
            _ => (110, vec![]),
        };
        assert_eq!((told.answers, told.asked), (vec![(ends, 0, answer)], asked), "{policy}");
    }
}

/// A try that found nobody was at nobody: the next one may go to any member, the first included.
#[test]
fn a_try_at_nobody_leaves_nobody_out() {
    let policy = r#"(panic: "0%",
        retry: (attempts: 2, on: [Refused], backoff: Fixed("100ms"), elsewhere: true))"#;
    let mut play = Play::new(2, &[say(1, Done)], policy, &[100]);
    play.crashes = vec![(Some(0), 0, 150), (Some(1), 0, 150)];
    assert_eq!(play.run().asked, [(200, 0, 1)]);
}

#[test]
fn health_that_makes_no_sense_is_named() {
    for (policy, says) in [
        (
            r#"(view: Checked(every: "1s", every_down: "0s"))"#,
            "`every_down` is some time, not none",
        ),
        (
            r#"(view: Checked(every: "1s", ask: "health"))"#,
            "`it` is no component: whose `health` is asked?",
        ),
        (
            r#"(view: Registry(renew: "30s", expire: "30s"))"#,
            "leases run out after 30s, before 30s are over",
        ),
        (
            r#"(view: Names(ttl: "60s", stubborn: "1%", keep: "5s"))"#,
            "who keeps an answer for 5s keeps it no longer",
        ),
        (r#"(view: Registry(renew: "0s", expire: "0s"))"#, "`renew` is some time, not none"),
        (r#"(view: Checked(every: "999us"))"#, "`every` is at least 1ms"),
        (r#"(view: Checked(every: "1s", rise: 0))"#, "`rise` is at least 1"),
        (r#"(passive: Outliers(interval: "1ns"))"#, "`interval` is at least 1ms"),
        ("(locality: Order([]))", "without a zone all members are alike"),
        (r#"(locality: Order(["b"]))"#, "there is no zone `b`"),
        (r#"(locality: Order(["a", "a"]))"#, "`a` is there already"),
        (
            "(balance: PerConnection(connections: 0))",
            "a caller has from one to 1000000 connections",
        ),
        ("(connections: (total: 0))", "without a connection nothing can be asked: at least 1"),
        ("(connections: (total: 5, per_member: 9))", "9 to each member, and yet 5 altogether"),
        ("(connections: (per_member: 0))", "without a connection nothing can be asked: at least 1"),
        (r#"(passive: Outliers(interval: "0s"))"#, "`interval` is some time, not none"),
        ("(passive: Outliers(success_rate: (stdev_factor: -1)))", "`stdev_factor` is not below 0"),
        ("(passive: MaxFails(fails: 0))", "at least one failure"),
        (r#"(passive: MaxFails(timeout: "1ms"))"#, "nginx counts whole seconds"),
        ("(passive: MaxFails(on: []))", "nothing would be a failure"),
        (r#"(slow_start: Envoy(window: "0s"))"#, "`window` is some time, not none"),
        (r#"(slow_start: Envoy(window: "9s", aggression: 0))"#, "`aggression` is above 0"),
        (r#"(slow_start: Haproxy("1ms"))"#, "HAProxy counts whole seconds"),
        (
            r#"(slow_start: Nginx("9s"), balance: Ring(key: "request"))"#,
            "a member's share is fixed where keys decide: nothing can start slowly",
        ),
    ] {
        let (mut stage, _) = Stage::new(2, None);
        let mut wiring = Wiring::new(&mut stage.builder, Vec::new());
        let policy_read: Policy = parse(policy);
        policy_read.check("it", Some(2), &mut wiring);
        let messages: Vec<&str> = wiring.problems.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages, [says], "{policy}");
    }
}

/// What a gateway cannot do that passes calls on: what the target's own policy says is refused;
/// what stands under `default` is meant for others.
#[test]
fn a_gateway_that_passes_calls_on_cannot_heed_everything() {
    let found = |policies: &str, proxy: &str| -> Vec<String> {
        let components = format!(
            r#"{{ "shop": Service(operations: {{ "buy": [] }}),
                "edge": Gateway(routes: {{ "/": "shop" }}, proxy: {proxy}) }}"#
        );
        let found = problems_under(policies, &[], "{}", &components);
        assert!(found.iter().all(|(place, _)| place == "proxy"), "{found:?}");
        found.into_iter().map(|(_, message)| message).collect()
    };
    let policies = r#"{ "shop": (timeout: "1s", retry: (attempts: 2), balance: LeastTime) }"#;
    let says = |what: &str| {
        format!(
            "a gateway that passes calls on cannot heed {what} of `shop`; proxy: Call makes calls \
             of its own"
        )
    };
    let all = ["`timeout`", "`retry`", "a balance that goes by latency"].map(says);
    assert_eq!(found(policies, "Forward"), all);
    assert!(found(policies, "Call").is_empty());
    assert!(found(r#"{ "default": (timeout: "1s") }"#, "Forward").is_empty());
}

/// A store that spreads its keys is asked where the key is: whoever says otherwise is told, at the
/// field. What `default` says is meant for others.
#[test]
fn who_spreads_keys_heeds_no_balance() {
    let found = |policies: &str, by: &str| {
        let components = format!(r#"{{ "c": Cache({by}) }}"#);
        problems_under(policies, &["user"], "{}", &components)
    };
    let by = r#"nodes: 2, by: Ring(key: "user")"#;
    let fields: Vec<(&str, String)> =
        [("balance", "LeastOfAll"), ("locality", "SameZone"), ("slow_start", "Haproxy(\"9s\")")]
            .map(|(field, what)| (field, format!("({field}: {what})")))
            .to_vec();
    for (field, policy) in fields {
        let says = format!("`c` spreads its keys: who has the key is asked; leave `{field}` out");
        let own = format!(r#"{{ "c": {policy} }}"#);
        assert_eq!(found(&own, by), [(format!("policies.c.{field}"), says)]);
        assert_eq!(found(&format!(r#"{{ "default": {policy} }}"#), by), [], "{field}");
    }
    let prequal = found(r#"{ "c": (balance: Prequal()) }"#, r#"key: "user""#);
    let says = "`c` is no Service, and only those say what load they have".to_string();
    assert_eq!(prequal, [("policies.c.balance".to_string(), says)]);
}
