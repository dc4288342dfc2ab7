//! Clusters by script. Each command takes 1 ms of a node's only thread, and there is no network.

use engine::{Action, Deed, GroupId, Outcome, RunRecord, Span, Target, Time, Trouble, Word as _};

use super::server::Lever;
use crate::testing::{Line, Log, Stage, heard, problems};

use Outcome::{Done, Refused, Shed};

/// A shop that reads and writes rows of a cluster of three masters; `more` says more about it.
fn stage(more: &str) -> (Stage, GroupId) {
    let text = format!(
        r#"{{
            "shop": Service(operations: {{
                "get": [Do("redis", [Get("user")])],
                "add": [Do("redis", [Add("user")])],
            }}),
            "redis": Redis(nodes: 3, by: Slots(key: "user", prefix: "user:"), {more}
                           command: Always("1ms"),
                           tables: {{ "user": Table(key: "user", rows: 2000, value: 7) }}),
        }}"#
    );
    let stage = Stage::wired(&["user"], &text);
    let redis = stage.builder.find("redis").expect("it is there");
    (stage, redis)
}

/// Says `op` of the shop for a user at these milliseconds.
fn say(stage: &mut Stage, op: &str, user: u32, at: impl IntoIterator<Item = u64>) -> Log {
    let op = stage.builder.op(&format!("shop.{op}"));
    let shop = stage.builder.find("shop").expect("it is there");
    let lines: Vec<Line> =
        at.into_iter().map(|at| Line::new(Span::millis(at), op, user, 0)).collect();
    stage.script(shop, &lines)
}

fn act(stage: &mut Stage, group: GroupId, member: u16, at: Span, deed: Deed) {
    let target = Target::Members { pool: vec![stage.member(group, member)], pick: None };
    let (name, at) = ("it".to_string(), Time::ZERO + at);
    stage.builder.action(Action { name, at, lasts: None, target, deed });
}

fn total(record: &RunRecord, counter: &str) -> u64 {
    let redis = record.groups.iter().find(|group| group.name == "redis").expect("it is there");
    redis.totals[counter]
}

/// user:1 is in slot 10778, with the second of three masters (5461 to 10922); user:1000 is in slot
/// 1649, with the first.
#[test]
fn clients_know_where_slots_are() {
    let (mut stage, _) = stage("");
    let log = say(&mut stage, "get", 1, [0, 0, 10]);
    let other = say(&mut stage, "get", 1000, [0]);
    let record = stage.play(Span::secs(5)).finish(0, &[]);
    assert_eq!(heard(&log), [(1, 0, Done, 0), (2, 1, Done, 0), (11, 2, Done, 0)]);
    assert_eq!(heard(&other), [(1, 0, Done, 0)]);
    assert_eq!((total(&record, "moved"), total(&record, "asked")), (0, 0));
}

/// The second master gives 145 slots to the first, from 10922 down to 10778: the last is the one
/// of user:1. At a million keys a second that is done after some milliseconds for each key. Then
/// the client asks the old owner (1 ms), is sent to the new one, which is asked for the map (1 ms)
/// and for the row (1 ms); from then on it knows. A user who stays is not touched.
#[test]
fn slots_move_and_clients_learn_it() {
    let (mut stage, redis) = stage("");
    let word = Lever::Give((0, 145)).pack();
    act(&mut stage, redis, 1, Span::secs(1), Deed::Lever { word, to: 1e6 });
    let log = say(&mut stage, "get", 1, [500, 5000, 6000]);
    let record = stage.play(Span::secs(10)).finish(0, &[]);
    assert_eq!(heard(&log), [(501, 0, Done, 0), (5003, 1, Done, 0), (6001, 2, Done, 0)]);
    assert_eq!((total(&record, "moved"), total(&record, "asked")), (1, 0));
    // 2000 keys in 16384 slots: 145 of them have 17.7 keys, with a deviation of 4.2.
    let keys = total(&record, "keys_moved");
    assert!((5..=31).contains(&keys), "{keys}");
}

/// Keys go at the rate that was asked for: the 145 slots at 1 key a second are not done after 3 s;
/// whoever asks for a key that is still there gets it there.
#[test]
fn moving_is_throttled() {
    let (mut stage, redis) = stage("");
    let word = Lever::Give((0, 145)).pack();
    act(&mut stage, redis, 1, Span::secs(1), Deed::Lever { word, to: 1.0 });
    let log = say(&mut stage, "get", 1, [3500]);
    let record = stage.play(Span::millis(3990)).finish(0, &[]);
    assert_eq!(heard(&log), [(3501, 0, Done, 0)]);
    assert_eq!(total(&record, "keys_moved"), 3);
}

/// A master dies with its connections at 10 s. With a timeout of 1 s its replica waits: 1 s until
/// it is suspected, at most a tick (0.1 s) and half a timeout and a bit until a second master has
/// said so too, and 0.5 to 1 s before the election: between 11.5 and 12.8 s. Meanwhile its users
/// are refused; once it counts as failed, everybody is, until somebody has its slots.
#[test]
fn a_replica_takes_over() {
    let (mut stage, redis) = stage(r#"replicas: 1, node_timeout: "1s","#);
    act(&mut stage, redis, 1, Span::secs(10), Deed::Crash { silent: false });
    let mine = say(&mut stage, "add", 1, (9_000..20_000).step_by(100));
    let other = say(&mut stage, "get", 1000, (9_050..20_000).step_by(100));
    let record = stage.play(Span::secs(25)).finish(0, &[]);
    let ends = |log: &Log, wanted| {
        let ended = heard(log).into_iter().filter(|(_, _, outcome, _)| *outcome == wanted);
        ended.map(|(at, ..)| at).collect::<Vec<_>>()
    };
    let (refused, served) = (ends(&mine, Refused), ends(&mine, Done));
    let back = *served.iter().find(|at| **at > 10_000).expect("somebody took over");
    assert!((11_500..=12_900).contains(&back), "{back}");
    assert!(refused.iter().all(|at| (10_000..back).contains(at)), "{refused:?}");
    let down = ends(&other, Shed);
    assert!(!down.is_empty() && down.iter().all(|at| (11_000..=back).contains(at)), "{down:?}");
    assert!(down.len() <= 10, "from the failure to the election: {down:?}");
    assert_eq!((total(&record, "failovers"), total(&record, "lost")), (1, 0));
}

/// From 9.45 s on no copy reaches the replica. It lacks the writes of 9.5, 9.6, 9.7, 9.8 and 9.9 s
/// when its master dies at 10 s, whether that one comes back or not; what the replica executes
/// after its election is not lost, though the old master follows it from 20 s on.
#[test]
fn what_the_replica_has_not_heard_of_is_lost() {
    for back in [None, Some(Span::secs(10))] {
        let (mut stage, redis) = stage(r#"replicas: 1, node_timeout: "1s","#);
        let [master, replica] = [1, 4].map(|member| vec![stage.member(redis, member)]);
        let (name, at) = ("cut".to_string(), Time(9_450_000_000));
        let target = Target::Links { from: master, to: replica, both: false };
        let deed = Deed::Link(Trouble::Cut);
        let lasts = Some(Span::millis(550));
        stage.builder.action(Action { name, at, lasts, target, deed });
        let target = Target::Members { pool: vec![stage.member(redis, 1)], pick: None };
        let (name, at) = ("crash".to_string(), Time(10_000_000_000));
        let deed = Deed::Crash { silent: false };
        stage.builder.action(Action { name, at, lasts: back, target, deed });
        let log = say(&mut stage, "add", 1, (9_000..10_000).step_by(100).chain([30_000, 40_000]));
        let record = stage.play(Span::secs(50)).finish(0, &[]);
        // The client learns at 30 s at the latest that its master has gone.
        assert_eq!(heard(&log).last().expect("all are answered").2, Done);
        assert_eq!((total(&record, "failovers"), total(&record, "lost")), (1, 5));
    }
}

/// Two orders to one master: 100 slots and then 45, the last of which is that of user:1 as above.
/// It goes on with the second when it is done with the first.
#[test]
fn orders_are_carried_out_one_after_the_other() {
    let (mut stage, redis) = stage("");
    for (at, slots) in [(1000, 100), (1001, 45)] {
        let word = Lever::Give((0, slots)).pack();
        act(&mut stage, redis, 1, Span::millis(at), Deed::Lever { word, to: 1e6 });
    }
    let log = say(&mut stage, "get", 1, [500, 5000]);
    let record = stage.play(Span::secs(10)).finish(0, &[]);
    assert_eq!(heard(&log), [(501, 0, Done, 0), (5003, 1, Done, 0)]);
    assert_eq!(total(&record, "moved"), 1);
}

/// Slots go to masters only: the replica of master 1 takes none, nor does a master take its own.
/// More slots than there are go as far as they do.
#[test]
fn only_masters_take_slots() {
    for (to, slots, moved) in [(4, 145, false), (1, 145, false), (0, 65_535, true)] {
        let (mut stage, redis) = stage("replicas: 1,");
        let word = Lever::Give((to, slots)).pack();
        act(&mut stage, redis, 1, Span::secs(1), Deed::Lever { word, to: 1e6 });
        let log = say(&mut stage, "get", 1, [60_000]);
        let record = stage.play(Span::secs(61)).finish(0, &[]);
        assert_eq!(heard(&log).len(), 1);
        assert_eq!(total(&record, "keys_moved") > 0, moved, "{to}");
    }
}

/// The same without full coverage: the others never notice.
#[test]
fn without_full_coverage_others_go_on() {
    let (mut stage, redis) = stage(r#"replicas: 1, node_timeout: "1s", full_coverage: false,"#);
    act(&mut stage, redis, 1, Span::secs(10), Deed::Crash { silent: false });
    let other = say(&mut stage, "get", 1000, (9_050..20_000).step_by(100));
    let record = stage.play(Span::secs(25)).finish(0, &[]);
    assert!(heard(&other).iter().all(|(_, _, outcome, _)| *outcome == Done));
    assert_eq!(total(&record, "failovers"), 1);
}

/// Two of three masters die: the third is in the minority, nobody can be elected, and it stops.
#[test]
fn a_minority_stops() {
    let (mut stage, redis) = stage(r#"replicas: 1, node_timeout: "1s", full_coverage: false,"#);
    act(&mut stage, redis, 1, Span::secs(10), Deed::Crash { silent: false });
    act(&mut stage, redis, 2, Span::secs(10), Deed::Crash { silent: false });
    let other = say(&mut stage, "get", 1000, [10_900, 11_300, 20_000]);
    let record = stage.play(Span::secs(25)).finish(0, &[]);
    let outcomes: Vec<_> = heard(&other).into_iter().map(|(_, _, outcome, _)| outcome).collect();
    assert_eq!(outcomes, [Done, Shed, Shed]);
    assert_eq!(total(&record, "failovers"), 0);
}

#[test]
fn clusters_that_make_no_sense_are_named() {
    for (more, at, says) in [
        ("nodes: 2", "", "whose slot decides"),
        (r#"nodes: 2, by: Modulo(key: "user")"#, "", "whose slot decides"),
        (r#"nodes: 2, by: Slots(key: "usr")"#, "by.key", "no draw `usr`"),
        (r#"nodes: 2, empty: 2, by: Slots(key: "user")"#, "empty", "somebody"),
        (r#"nodes: 40, replicas: 1, by: Slots(key: "user")"#, "", "at most 64"),
        (r#"nodes: 3, node_timeout: "1ms", by: Slots(key: "user")"#, "node_timeout", "10ms"),
        ("nodes: 0", "nodes", "at least one"),
        (r#"nodes: 3, by: Slots(key: "user", over: 5)"#, "by.over", "`nodes` and `empty`"),
        (r#"by: Slots(key: "user")"#, "by", "in a cluster"),
        (r#"node_timeout: "5s""#, "node_timeout", "in a cluster"),
        ("full_coverage: false", "full_coverage", "in a cluster"),
    ] {
        let found = problems(&["user"], "{}", &format!(r#"{{ "redis": Redis({more}) }}"#));
        assert_eq!(found.len(), 1, "{more}: {found:?}");
        assert!(found[0].0.ends_with(at) && found[0].1.contains(says), "{more}: {found:?}");
    }
}
