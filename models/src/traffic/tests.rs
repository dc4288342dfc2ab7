//! Sources at work: who comes when, what they ask for, and what is said about mistakes.

use engine::{Builder, Frame, Outcome, RunRecord, Span, Time};

use super::TrafficSpec;
use crate::dist::NumberSpec;
use crate::service::ServiceSpec;
use crate::testing::parse;
use crate::wiring::Wiring;
use crate::{ComponentSpec as _, Spec};

/// The mistakes in `traffic`, or what a run of ten seconds against `api` brings.
fn run(traffic: &str, api: &str) -> Result<RunRecord, Vec<String>> {
    let duration = Span::secs(10);
    let mut builder = Builder::new(Frame::plain(1, duration));
    let zone = builder.zone("a");
    let (here, there) = (builder.node(zone, None), builder.node(zone, None));
    let users = builder.group("users", "Open", &[here]);
    let group = builder.group("api", "Service", &[there]);
    let spec = Spec::Service(parse::<ServiceSpec>(api));
    let mut wiring = Wiring::new(&mut builder, vec!["number".into()]);
    wiring.offers.insert("api".into(), spec.offer());
    let traffic: TrafficSpec = parse(traffic);
    traffic.build("users", users, &[NumberSpec::Counter], duration, &mut wiring);
    spec.build("api", group, &mut wiring);
    if !wiring.problems.is_empty() {
        return Err(wiring.problems.iter().map(|problem| problem.message.clone()).collect());
    }
    let mut world = builder.build();
    world.run(Time::ZERO + Span::secs(20), &mut ());
    let calls = world.calls_in_flight();
    assert_eq!(calls, 0, "nothing is left");
    Ok(world.finish(0, &[]))
}

const API: &str = r#"(operations: {
    "get": [Work(Always("500ms"))],
    "put": [Work(Always("1ms"))],
    "nothing": [],
})"#;

fn requests(traffic: &str) -> (u64, u64, u64) {
    let record = run(traffic, API).unwrap_or_else(|problems| panic!("{problems:?}"));
    let requests = record.requests;
    assert_eq!(requests.in_flight, 0);
    (requests.generated, requests.completed, requests.failed)
}

/// 2/s for ten seconds from 0 on: 20. 3 s of 2/s and nothing else: 6. A ramp of 0 → 10/s: 50, the
/// last of which would come at the very end, when there is no traffic any more; so it is with
/// 1000/s for the last second. 100 at once.
#[test]
fn as_many_come_as_the_rate_says() {
    for (rate, born) in [
        (r#""2/s""#, 20),
        (r#"[Hold("2/s", "3s")]"#, 6),
        (r#"[Ramp("10/s", "10s")]"#, 49),
        (r#"[Burst(100)]"#, 100),
        (r#"[Spread(40, "4s")]"#, 40),
        (r#"[Spread(40, "0s")]"#, 40),
        (r#"[Hold("0/s", "9s"), Hold("1000/s")]"#, 999),
    ] {
        let traffic = format!(r#"Open(rate: {rate}, arrivals: Even, to: "api.get")"#);
        assert_eq!(requests(&traffic), (born, born, 0), "{rate}");
    }
}

/// Two users, each asks for half a second and thinks for one: at 0, 1.5, 3 … 9.0 s, 7 times. With
/// a ramp of 1 s the second begins at 0.5 s: 0.5, 2 … 9.5 s, as often.
#[test]
fn users_of_a_loop_wait_and_think() {
    for ramp in ["0s", "1s"] {
        let traffic =
            format!(r#"Closed(users: 2, think: Always("1s"), ramp: "{ramp}", to: "api.get")"#);
        assert_eq!(requests(&traffic), (14, 14, 0), "ramp: {ramp}");
    }
    assert_eq!(requests(r#"Closed(users: 1, to: "api.get")"#), (20, 20, 0));
}

/// What takes no time at all cannot be asked for without end: 1 ms a time.
#[test]
fn a_loop_takes_time() {
    assert_eq!(requests(r#"Closed(users: 1, to: "api.nothing")"#), (10_000, 10_000, 0));
}

/// Users who wait for 100 ms have left when the answer comes after 500 ms: work for nobody.
#[test]
fn users_give_up() {
    let traffic = r#"Open(rate: "2/s", arrivals: Even, to: "api.get", timeout: "100ms")"#;
    let record = run(traffic, API).expect("it makes sense");
    assert_eq!((record.requests.failed, record.edges[0].wasted), (20, 20));
    let operation = &record.operations["api.get"];
    assert_eq!(operation.outcomes.of(Outcome::TimedOut), 20);
    assert_eq!(operation.took.max(), 100_000_000);
}

/// Three of four ask for `put`: of 10 000, 7500 with a standard deviation of 43.
#[test]
fn a_mix_goes_by_weight() {
    let traffic = r#"Open(rate: "1000/s", arrivals: Even, mix: { "api.put": 3, "api.get": 1 })"#;
    let record = run(traffic, API).expect("it makes sense");
    let puts = record.operations["api.put"].outcomes.total();
    assert_eq!(record.requests.generated, 10_000);
    assert!((puts as f64 - 7500.0).abs() < 4.0 * 43.3, "{puts}");
}

/// What the system does has no say in who comes: a slower one sees the same arrivals.
#[test]
fn open_arrivals_do_not_depend_on_answers() {
    let traffic = r#"Open(rate: "50/s", to: "api.get")"#;
    let born = |api| run(traffic, api).expect("it makes sense").requests.generated;
    let slow = r#"(operations: { "get": [Work(Always("9s"))] })"#;
    assert_eq!(born(API), born(slow));
}

#[test]
fn mistakes_are_named() {
    for (traffic, says) in [
        (
            r#"Open(rate: [Hold("1/s", "11s")], to: "api.get")"#,
            "the rate is given for 11s, longer than the run: 10s",
        ),
        (
            r#"Open(rate: [Hold("1/s"), Hold("2/s")], to: "api.get")"#,
            "only the last leg may leave out how long it lasts",
        ),
        (r#"Open(rate: [], to: "api.get")"#, "a rate without legs: nobody arrives"),
        (r#"Open(rate: "1/s")"#, "users want exactly one of `to`, `mix` and `journey`"),
        (
            r#"Open(rate: "1/s", to: "api.get", mix: { "api.put": 1 })"#,
            "users want exactly one of `to`, `mix` and `journey`",
        ),
        (r#"Open(rate: "1/s", to: "api.got")"#, "`api` has no operation `got`"),
        (r#"Open(rate: "1/s", to: "app.get")"#, "there is no component `app`"),
        (r#"Open(rate: "1/s", mix: { "api.get": 0 })"#, "a weight is a number above zero"),
        (r#"Closed(users: 0, to: "api.get")"#, "a loop has from one to 10000000 users"),
    ] {
        assert_eq!(run(traffic, API).expect_err(traffic), [says], "{traffic}");
    }
}
