//! Pools whose database is away, by script: one statement takes 5 ms, there is no network, and a
//! connection is there as soon as it is made. Times are in milliseconds and worked out by hand.

use engine::{Action, Deed, Outcome, RunRecord, Span, Target, Time, Trouble};

use super::tests_pooled::{ASK, ask, play, stage};
use crate::testing::{Line, Stage};

use Outcome::{Done, Refused, Reset, TimedOut};

/// Something happens to the database from one time to another.
fn strike(stage: &mut Stage, deed: Deed, from: u64, to: u64) {
    let [shop, db] = ["shop", "db"].map(|name| {
        let group = stage.builder.find(name).expect("the scenario has both");
        vec![stage.member(group, 0)]
    });
    let target = match deed {
        Deed::Link(_) => Target::Links { from: shop, to: db, both: true },
        _ => Target::Members { pool: db, pick: None },
    };
    let (at, lasts) = (Time::ZERO + Span::millis(from), Some(Span::millis(to - from)));
    stage.builder.action(Action { name: "it".into(), at, lasts, target, deed });
}

const CRASH: Deed = Deed::Crash { silent: false };

fn total(record: &RunRecord, counter: &str) -> u64 {
    record.groups.iter().find(|group| group.name == "shop").expect("it is there").totals[counter]
}

/// The database crashes at 200 ms. Who asks at 250 is lent a connection that was idle for 150 ms,
/// which is not tested, and is refused; both connections are gone. One is made after that: at 250
/// in vain, and at 260, 280 and 320, when the database is back (at 300): 50 ms later it is there,
/// and the other one at 420. Of two questions at 310 one has the first connection at 370, and the
/// other one has it after that.
#[test]
fn connections_end_with_the_process_they_lead_to() {
    let mut stage = stage(r#"pool: (maximum: 2, create: Always("50ms"))"#, ASK);
    strike(&mut stage, CRASH, 200, 300);
    let (heard, record) = ask(stage, &[250, 310, 310]);
    assert_eq!(heard, [(250, 0, Refused, 0), (375, 1, Done, 0), (380, 2, Done, 0)]);
    assert_eq!(total(&record, "pool_failures"), 3);
}

/// The database crashes at 200 ms. At 800 the only connection has been idle for 695 ms: it is
/// tested, and closed. One is tried to be made then, and after pauses of 10, 20, 40 … 2560, 5000
/// and 5000 ms: at 810, 830, 870, 950, 1110, 1430, 2070, 3350, 5910, 10910 and 15910. The first
/// attempt after the database is back finds it, and the question is answered 5 ms later.
#[test]
fn a_database_that_is_back_is_found_at_the_end_of_a_pause() {
    let attempts =
        [800, 810, 830, 870, 950, 1110, 1430, 2070, 3350, 5910, 10_910, 15_910].windows(2).zip(1..);
    for (pair, failed) in attempts {
        let &[last, next] = pair else { unreachable!("they are pairs") };
        for back in [last + 1, next - 1] {
            let mut stage = stage("pool: (maximum: 1)", ASK);
            strike(&mut stage, CRASH, 200, back);
            let (heard, record) = ask(stage, &[100, 800]);
            assert_eq!(heard, [(105, 0, Done, 0), (next + 5, 1, Done, 0)], "back at {back}");
            assert_eq!(total(&record, "pool_failures"), failed, "back at {back}");
        }
    }
}

/// While the database is away, who asks waits for as long as the pool lets them. The attempts are
/// at 800 ms and at 810, 830, 870, 950, 1110, 1430 and 2070; at 1500 the database is back.
#[test]
fn who_waits_in_vain_has_timed_out() {
    let mut stage = stage(r#"pool: (maximum: 1, timeout: "300ms")"#, ASK);
    strike(&mut stage, CRASH, 200, 1500);
    let (heard, record) = ask(stage, &[100, 800, 1000, 1700, 1771]);
    let answers = [
        (105, 0, Done, 0),
        (1100, 1, TimedOut, 0),
        (1300, 2, TimedOut, 0),
        (2000, 3, TimedOut, 0),
        (2075, 4, Done, 0),
    ];
    assert_eq!(heard, answers);
    assert_eq!((total(&record, "pool_failures"), total(&record, "pool_timeouts")), (7, 3));
}

/// No connection is kept idle. Nobody waits any longer at 900 ms, so that after 800, 810, 830 and
/// 870 the attempt due at 950 is not made. Who asks at 1000 begins anew: 1000, 1010, 1030 and, with
/// the database back at 1060, 1070.
#[test]
fn nobody_wants_a_connection_any_longer() {
    let pool = r#"pool: (maximum: 1, minimum_idle: 0, timeout: "100ms")"#;
    let mut stage = stage(pool, ASK);
    strike(&mut stage, CRASH, 200, 1060);
    let (heard, record) = ask(stage, &[100, 800, 1000]);
    assert_eq!(heard, [(105, 0, Done, 0), (900, 1, TimedOut, 0), (1075, 2, Done, 0)]);
    assert_eq!(total(&record, "pool_failures"), 4 + 3);
}

/// The process ends while both connections are in use: both questions are reset at 103 ms. Attempts
/// follow at 103, 113, 133 and 173; back at 150, the first connection is there at 173, and the
/// second one after it.
#[test]
fn connections_in_use_break_with_the_process() {
    let mut stage = stage("pool: (maximum: 2)", ASK);
    strike(&mut stage, CRASH, 103, 150);
    let (heard, record) = ask(stage, &[100, 100, 120, 121, 122]);
    let reset = [(103, 0, Reset, 0), (103, 1, Reset, 0)];
    assert_eq!(heard[..2], reset);
    assert_eq!(heard[2..], [(178, 2, Done, 0), (178, 3, Done, 0), (183, 4, Done, 0)]);
    assert_eq!(total(&record, "pool_failures"), 3);
}

/// The link is cut from 50 to 1000 ms. Two connections, whose questions are given up after 20 ms:
/// one at 120, the other at 130 ms. Attempts have 200 ms each: 120 to 320, 330 to 530, 550 to 750,
/// 790 to 990 and, after a pause of 80 ms, 1070, when there is nobody in the way. Who asked at 200
/// has waited until then.
#[test]
fn a_cut_link_is_noticed_by_time() {
    let policy = r#"timeout: "20ms", pool: (maximum: 2, connect: "200ms")"#;
    let mut stage = stage(policy, ASK);
    strike(&mut stage, Deed::Link(Trouble::Cut), 50, 1000);
    let op = stage.builder.op("shop.ask");
    let line = |at| Line::new(Span::millis(at), op, 1, 0);
    let (heard, record) = play(stage, &[line(100), line(110), line(200)]);
    let timed_out = [(120, 0, TimedOut, 0), (130, 1, TimedOut, 0)];
    assert_eq!(heard[..2], timed_out);
    assert_eq!(heard[2..], [(1075, 2, Done, 0)]);
    assert_eq!(total(&record, "pool_failures"), 4);
}

/// The first connection cannot be made before there is a database: it is up at 100 ms, the
/// attempts are at 0, 10, 30, 70 and 150.
#[test]
fn a_pool_waits_for_its_database_to_start() {
    let mut stage = stage("pool: (maximum: 1)", ASK);
    strike(&mut stage, CRASH, 0, 100);
    let (heard, record) = ask(stage, &[1]);
    assert_eq!(heard, [(155, 0, Done, 0)]);
    assert_eq!(total(&record, "pool_failures"), 4);
}
