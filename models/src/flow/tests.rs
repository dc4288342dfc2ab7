//! Flows played by hand-worked scripts, in milliseconds. There is no network, and every callee is
//! a service that does as little as the story needs.

use engine::record::RunRecord;
use engine::{Action, Deed, Outcome, Span, Target, Time};

use crate::testing::{Line, Stage, heard, problems};

use Outcome::{Denied, Done, Failed, Refused, Reset, TimedOut};

/// Callees: `pay.ok` takes 5 ms; `pay.no` and `pay.bad` say so after 2 ms. A lock takes 1 ms.
const CALLEES: &str = r#"
    "pay": Service(operations: {
        "ok": [Wait(Always("5ms"))],
        "no": [Wait(Always("2ms")), Deny("declined")],
        "bad": [Wait(Always("2ms")), Fail("broken")],
    }),
    "locks": Redis(command: Always("1ms")),
    "db": Database(statement: Always("5ms"),
                   tables: { "stock": Table(key: "product", rows: 10, value: 7),
                             "outbox": Log() }),
"#;

/// What one caller heard who asked for the operation `go`, and the books.
type Story = (Vec<(u64, usize, Outcome, i64)>, RunRecord);

fn stage(shop: &str) -> Stage {
    let components = format!("{{ {CALLEES} \"shop\": Service({shop}) }}");
    Stage::wired(&["product"], &components)
}

/// Asks for `shop.go` at each of these milliseconds, for key 1; after ten seconds no call may be
/// left in flight.
fn tell(mut stage: Stage, at: &[u64]) -> Story {
    let op = stage.builder.op("shop.go");
    let shop = stage.builder.find("shop").expect("it is there");
    let lines: Vec<Line> = at.iter().map(|at| Line::new(Span::millis(*at), op, 1, 0)).collect();
    let log = stage.script(shop, &lines);
    let mut world = stage.play(Span::secs(10));
    assert_eq!(world.calls_in_flight(), 0);
    (heard(&log), world.finish(0, &[]))
}

/// As [`tell`], for the operation `go` alone and one caller at zero: when it heard what.
fn go(steps: &str) -> (u64, Outcome, RunRecord) {
    let (heard, record) = tell(stage(&format!("operations: {{ \"go\": [{steps}] }}")), &[0]);
    assert_eq!(heard.len(), 1, "every caller is answered once");
    (heard[0].0, heard[0].2, record)
}

fn crash(stage: &mut Stage, whom: &str, from: u64, lasts: u64) {
    let group = stage.builder.find(whom).expect("it is there");
    let target = Target::Members { pool: vec![stage.member(group, 0)], pick: None };
    let (at, lasts) = (Time::ZERO + Span::millis(from), Some(Span::millis(lasts)));
    let deed = Deed::Crash { silent: false };
    stage.builder.action(Action { name: "crash".into(), at, lasts, target, deed });
}

/// 2 ms of work, 5 ms of payment, 3 ms of waiting, 5 ms of payment.
#[test]
fn steps_follow_one_another() {
    let steps = r#"Work(Always("2ms")), Call("pay.ok"), Wait(Always("3ms")), Call("pay.ok")"#;
    let (at, outcome, _) = go(steps);
    assert_eq!((at, outcome), (15, Done));
    // Two on one core: their work takes 4 ms, their waiting no longer than before.
    let two = stage(&format!("cpu: 1, operations: {{ \"go\": [{steps}] }}"));
    assert_eq!(tell(two, &[0, 0]).0, [(17, 0, Done, 0), (17, 1, Done, 0)]);
}

/// Answered at 1 ms; the thread is busy until 11 ms, and the next one is answered at 12 ms. The
/// third finds the queue full, the fourth (at 12 ms) the thread busy again: it begins at 22 ms.
#[test]
fn who_has_replied_keeps_the_thread() {
    let shop = r#"server: Threads(workers: 1, queue: 1), operations: { "go": [
        Wait(Always("1ms")), Reply, Wait(Always("10ms")), Count("after"),
    ] }"#;
    let (heard, record) = tell(stage(shop), &[0, 2, 3, 12]);
    let shed = Outcome::Shed;
    assert_eq!(heard, [(1, 0, Done, 0), (3, 2, shed, 0), (12, 1, Done, 0), (23, 3, Done, 0)]);
    assert_eq!(record.counters["after"], 3);
}

/// One thread, 10 ms each. The last to come is served first: 0, then the one of 3 ms, of 2 ms,
/// of 1 ms.
#[test]
fn last_come_first_served() {
    let shop = r#"server: Threads(workers: 1, queue: 9, order: Lifo),
                  operations: { "go": [Wait(Always("10ms"))] }"#;
    let (heard, _) = tell(stage(shop), &[0, 1, 2, 3]);
    assert_eq!(heard, [(10, 0, Done, 0), (20, 3, Done, 0), (30, 2, Done, 0), (40, 1, Done, 0)]);
}

#[test]
fn an_outcome_ends_the_flow_unless_it_is_tried() {
    let after = |call: &str, options: &str| {
        let steps = format!("Try([Call(\"pay.{call}\"), Count(\"body\")]{options}), Count(\"on\")");
        let (at, outcome, record) = go(&steps);
        let counts: Vec<String> = record.counters.keys().cloned().collect();
        let counted = |name: &&String| record.counters[*name] > 0;
        (at, outcome, counts.iter().filter(counted).cloned().collect::<Vec<_>>().join(" "))
    };
    let both = r#", (denied: [Count("denied")], else: [Count("else")])"#;
    assert_eq!(after("ok", both), (5, Done, "body on".into()));
    assert_eq!(after("no", both), (2, Done, "denied on".into()));
    assert_eq!(after("bad", both), (2, Done, "else on".into()));
    assert_eq!(after("bad", ""), (2, Done, "on".into()));
    // Without a branch of its own, a no is anything else.
    assert_eq!(after("no", r#", (else: [Count("else")])"#), (2, Done, "else on".into()));
    let (at, outcome, record) = go(r#"Call("pay.no"), Count("on")"#);
    assert_eq!((at, outcome, record.counters["on"]), (2, Denied, 0));
    // What goes wrong in a branch is not tried again.
    let (at, outcome, _) = go(r#"Try([Call("pay.bad")], (else: [Call("pay.no")]))"#);
    assert_eq!((at, outcome), (4, Denied));
}

/// The first has the lock at 1 ms and keeps it over two calls; the release is executed 1 ms after
/// the body has ended, and the next one begins, whatever the way out was.
#[test]
fn a_lock_is_released_on_every_way_out() {
    let story = |body: &str, takes: u64, outcome: Outcome| {
        let lock = r#"Lock("locks", (key: "product", wait: "1s")"#;
        let shop = format!("operations: {{ \"go\": [{lock}, [Call(\"pay.ok\"), {body}])] }}");
        let end = 1 + takes;
        let next = end + 1 + takes;
        let expected = [(end, 0, outcome, 0), (next, 1, outcome, 0)];
        assert_eq!(tell(stage(&shop), &[0, 0]).0, expected, "{body}");
    };
    story(r#"Call("pay.ok")"#, 10, Done);
    story(r#"Call("pay.no")"#, 7, Denied);
    story(r#"Call("pay.bad")"#, 7, Failed);
    story(r#"Parallel((timeout: "3ms"), [[Call("pay.ok")]])"#, 8, TimedOut);
    story(r#"Try([Call("pay.bad")]), Deny("after all")"#, 7, Denied);
}

/// It leaves at 3 ms, holding the lock and waiting for a payment; the release is executed at 4 ms,
/// and the next one pays until 9 ms.
#[test]
fn a_flow_whose_caller_has_left_lets_go() {
    let mut stage = stage(
        r#"drop_left: true, operations: { "go": [
            Lock("locks", (key: "product", wait: "1s"), [Call("pay.ok")]),
        ] }"#,
    );
    let op = stage.builder.op("shop.go");
    let shop = stage.builder.find("shop").expect("it is there");
    let leaves = Line { until: Some(Span::millis(3)), ..Line::new(Span::ZERO, op, 1, 0) };
    let log = stage.script(shop, &[leaves, Line::new(Span::millis(2), op, 1, 0)]);
    let world = stage.play(Span::secs(1));
    assert_eq!(heard(&log), [(9, 1, Done, 0)]);
    assert_eq!(world.calls_in_flight(), 0);
}

/// The lock server dies at 3 ms, in the middle of a payment: that goes on, and is not mistaken
/// for what the news is about. Who comes then gets no lock.
#[test]
fn a_lost_lock_does_not_answer_another_question() {
    let mut stage = stage(
        r#"operations: { "go": [
            Lock("locks", (key: "product", wait: "1s"), [Call("pay.ok"), Call("pay.ok")]),
        ] }"#,
    );
    crash(&mut stage, "locks", 3, 100);
    assert_eq!(tell(stage, &[0, 20]).0, [(11, 0, Done, 0), (20, 1, Refused, 0)]);
}

/// Bodies that end after 5 ms, after 9 ms, and not well after 2 ms.
#[test]
fn a_fork_waits_for_as_many_as_it_needs() {
    let story = |options: &str| {
        let (at, outcome, record) = go(&format!(
            r#"Parallel(({options}), [
                [Call("pay.ok"), Count("ended")],
                [Call("pay.ok"), Wait(Always("4ms")), Count("ended")],
                [Call("pay.bad"), Count("ended")],
            ])"#
        ));
        (at, outcome, record.counters["ended"])
    };
    assert_eq!(story("wait: Any"), (5, Done, 1));
    assert_eq!(story("wait: Quorum(2)"), (9, Done, 2));
    assert_eq!(story("wait: All"), (2, Failed, 0));
    assert_eq!(story("wait: Quorum(2), timeout: \"7ms\""), (7, TimedOut, 1));
}

/// The loser holds a lock when it is cancelled at 5 ms; the winner's caller can have it at once,
/// with a millisecond for the release and one for the lock.
#[test]
fn losers_let_go_of_what_they_hold() {
    let (at, outcome, _) = go(r#"Parallel((wait: Any), [
            [Call("pay.ok")],
            [Lock("locks", (key: "product"), [Wait(Always("1s"))])],
        ]),
        Lock("locks", (key: "product"), [])"#);
    assert_eq!((at, outcome), (7, Done));
}

/// A body that goes through a log is given up at 1 s, in the middle of a record.
#[test]
fn a_record_in_hand_is_given_up_with_its_flow() {
    let (at, outcome, record) = go(r#"Do("db", [Append("outbox")]),
        Parallel((timeout: "1s"), [[Each("db.outbox", (up_to: 10), [
            Wait(Always("2s")), Count("ended"),
        ])]])"#);
    assert_eq!((at, outcome), (1_005, TimedOut));
    assert_eq!(record.counters["ended"], 0);
}

/// Key 1 is drawn; the row's value is 7.
#[test]
fn branches_and_loops_go_by_draws_and_variables() {
    let took = |steps: &str| {
        let (at, outcome, _) = go(steps);
        assert_eq!(outcome, Done);
        at
    };
    let waits = |a: u64, b: u64| {
        let step = |ms: u64| format!("[Wait(Always(\"{ms}ms\"))]");
        format!("{}, (else: {})", step(a), step(b))
    };
    assert_eq!(took(&format!("If(\"product < 5\", {})", waits(1, 2))), 1);
    assert_eq!(took(&format!("If(\"product == 5\", {})", waits(1, 2))), 2);
    assert_eq!(took(&format!("Chance(\"100%\", {})", waits(1, 2))), 1);
    assert_eq!(took(&format!("Chance(\"0%\", {})", waits(1, 2))), 2);
    assert_eq!(took(r#"Repeat("3", [Call("pay.ok")])"#), 15);
    assert_eq!(took(r#"Repeat("product - 1", [Call("pay.ok")])"#), 0);
    assert_eq!(took(r#"Repeat("2", [Wait(Always("1ms")), Repeat("3", [Call("pay.ok")])])"#), 32);
    let read = r#"Do("db", [Get("stock", (into: "n"))])"#;
    assert_eq!(took(&format!("{read}, Repeat(\"n - 5\", [Call(\"pay.ok\")])")), 5 + 2 * 5);
}

/// Dies at 3 ms with a payment in flight, and is back at 10 ms without memory of it.
#[test]
fn a_crash_forgets_what_was_in_progress() {
    let mut stage =
        stage(r#"at_start: [Count("up")], operations: { "go": [Call("pay.ok"), Count("ended")] }"#);
    crash(&mut stage, "shop", 3, 7);
    let (heard, record) = tell(stage, &[0, 5, 20]);
    assert_eq!(heard, [(3, 0, Reset, 0), (5, 1, Refused, 0), (25, 2, Done, 0)]);
    assert_eq!((record.counters["up"], record.counters["ended"]), (2, 1));
}

/// Due every 10 ms from 10 ms on, and 15 ms long: it runs at 10, 30, 50 and 70 ms, and what is due
/// in between is skipped. By 90 ms four runs have ended.
#[test]
fn a_job_that_still_runs_is_not_run_again() {
    let stage = stage(r#"jobs: { "tick": Every("10ms", [Wait(Always("15ms")), Count("ended")]) }"#);
    let mut world = stage.play(Span::millis(89));
    assert_eq!(world.finish(0, &[]).counters["ended"], 4);
}

/// The publisher gives its call 50 ms in all; the record is worked on long after, by somebody who
/// has never heard of that.
#[test]
fn who_consumes_a_record_is_not_bound_by_the_deadline_of_its_publisher() {
    let stage = Stage::scenario(
        &["product"],
        "{}",
        r#"{ "events": (total: "50ms") }"#,
        &format!(
            r#"{{ {CALLEES}
                "shop": Service(operations: {{ "go": [Publish("events")] }}),
                "events": Topic(key: "product", append: Always("1ms")),
                "mail": Service(consumes: {{
                    "events": [Wait(Always("1s")), Call("pay.ok"), Count("sent")],
                }}) }}"#
        ),
    );
    let mut stage = stage;
    let op = stage.builder.op("shop.go");
    let shop = stage.builder.find("shop").expect("it is there");
    stage.script(shop, &[Line::new(Span::millis(1), op, 1, 0)]);
    assert_eq!(stage.play(Span::secs(5)).finish(0, &[]).counters["sent"], 1);
}

/// Each mistake: the steps, what is said about them, and where.
#[test]
fn mistakes_are_placed_and_named() {
    let mistakes = [
        (r#"Call("shop")"#, "0", "`shop` names no operation; write `shop.OPERATION`"),
        (r#"Call("pays.ok")"#, "0", "there is no component `pays`; did you mean `pay`?"),
        (r#"Call("pay.okay")"#, "0", "`pay` has no operation `okay`; did you mean `ok`?"),
        (r#"Call("pay.ok", (policy: "x"))"#, "0", "there is no policy `x`"),
        (
            r#"If("produkt < 1", [])"#,
            "0",
            "`produkt` is neither a draw nor a variable set before \
            this; did you mean `product`?",
        ),
        (
            r#"If("product", [])"#,
            "0",
            "`product` is no condition: write `a < b`, with one of == != \
            < <= > >=",
        ),
        (r#"Do("db", [])"#, "0", "a `Do` without statements does nothing"),
        (r#"Do("db", [Get("stok")])"#, "0.1.0", "`db` has no table `stok`; did you mean `stock`?"),
        (
            r#"Do("db", [Append("outbx")])"#,
            "0.1.0",
            "`db` has no log `outbx`; did you mean `outbox`?",
        ),
        (
            r#"Do("db", [Add("stock", (n: "product")), Add("stock", (n: "product + 1"))])"#,
            "0.1.1",
            "a `Do` can carry one computed number, and this is the second",
        ),
        (r#"Each("outbox", (up_to: 1), [])"#, "0", "`outbox` is no log: write `STORE.LOG`"),
        (r#"Parallel((wait: Quorum(2)), [[]])"#, "0", "waits for 2 of 1 bodies"),
        (
            r#"Lock("locks", (key: "prodct"), [])"#,
            "0.1.key",
            "there is no draw `prodct`; did you mean `product`?",
        ),
        (
            r#"Wait(Always("1ms")), Flow("chek")"#,
            "1",
            "there is no flow `chek`; did you mean `check`?",
        ),
    ];
    let expected = mistakes.map(|(_, place, said)| vec![(place.to_string(), said.to_string())]);
    assert_eq!(mistakes.map(|(steps, ..)| wrong(steps)), expected);
}

/// The problems with the operation `go`, places counted from there.
fn wrong(steps: &str) -> Vec<(String, String)> {
    let shop = format!("\"shop\": Service(operations: {{ \"go\": [{steps}] }})");
    let flows = r#"{ "check": [Call("pay.ok")], "round": [Try([Flow("round")])] }"#;
    let mut found = problems(&["product"], flows, &format!("{{ {CALLEES} {shop} }}"));
    for (place, _) in &mut found {
        *place = place.trim_start_matches("operations.go.").into();
    }
    found
}

#[test]
fn nothing_nests_without_bound() {
    let nested = |open: &str, close: &str| format!("{}{}", open.repeat(5), close.repeat(5));
    let said = |steps: &str| wrong(steps).into_iter().map(|(_, said)| said).collect::<Vec<_>>();
    let hold = nested(r#"Lock("locks", (key: "product"), ["#, "])");
    assert_eq!(said(&hold), ["a fifth thing held at once: a flow holds four at most"]);
    let repeat = nested(r#"Repeat("2", ["#, "])");
    assert_eq!(said(&repeat), ["loops nest at most four deep"]);
    let turns = r#"Repeat("1001", [Repeat("1000", [Count("x")])])"#;
    assert_eq!(said(turns), ["1001000 turns of a loop; at most 1000000 are possible"]);
    let found = wrong(r#"Flow("round")"#);
    let expected =
        ("flows.round.0.0.0".to_string(), "the flow `round` contains itself".to_string());
    assert_eq!(found, [expected]);
    let reads: Vec<String> =
        (0..5).map(|n| format!("Do(\"db\", [Get(\"stock\", (into: \"v{n}\"))])")).collect();
    let fifth = "a fifth variable `v4`: a flow has four, `v0`, `v1`, `v2`, `v3`";
    assert_eq!(wrong(&reads.join(", "))[0].1, fifth);
}

/// Two replicas of a relay, out of step: what one has taken off, the other does not go on with,
/// and nothing is done again by going back.
#[test]
fn readers_of_one_log_may_be_out_of_step() {
    let shop = r#"replicas: 2, operations: { "go": [Do("db", [Append("outbox")])] },
        jobs: { "relay": Every("900ms", [
            Each("db.outbox", (up_to: 100), [Wait(Exp("5ms")), Count("sent")]),
        ]) }"#;
    let at: Vec<u64> = (0..500).map(|i| i * 10).collect();
    let (_, record) = tell(stage(shop), &at);
    let outbox = &record.logs["db.outbox"];
    assert_eq!((outbox.appended, outbox.lag["shop"]), (500, 0));
    assert!((500..=1000).contains(&record.counters["sent"]), "{}", record.counters["sent"]);
}

/// The row holds 7.
#[test]
fn the_body_of_each_knows_the_variables_around_it() {
    let shop = r#"operations: { "go": [Do("db", [Append("outbox")])] },
        jobs: { "relay": Every("3s", [
            Do("db", [Get("stock", (into: "n"))]),
            Each("db.outbox", (up_to: 50), [If("n == 7", [Count("seven")])]),
        ]) }"#;
    let (_, record) = tell(stage(shop), &[10, 20, 30]);
    assert_eq!(record.counters["seven"], 3);
}

/// A job of 100 ms runs at 1 s. Its process is killed at 1.5 s and back at 1.501: from then on it
/// runs eight times more, and takes 1 + 2 e^(−n/2) times as long.
#[test]
fn jobs_of_a_new_process_are_slow() {
    let shop = r#"cpu: 1, warm_up: (times: 3, requests: 2), operations: { "go": [] },
        jobs: { "sweep": Every("1s", [Work(Always("100ms"))]) }"#;
    let mut stage = stage(shop);
    crash(&mut stage, "shop", 1500, 1);
    let (_, record) = tell(stage, &[]);
    let group = record.groups.iter().find(|group| group.name == "shop").expect("it is there");
    let slow: f64 = (0..8).map(|n| 1.0 + 2.0 * libm::exp(-f64::from(n) / 2.0)).sum();
    let (busy, expected) = (group.members[0].busy.as_secs(), 0.1 + 0.1 * slow);
    assert!((busy - expected).abs() < 1e-6, "{busy}, not {expected}");
}
