//! What breaks: a hang-up that meets a cut link, callers and callees that crash, a forwarder that
//! dies between them, a pause.

use super::*;
use engine::{Action, Deed, Target, Trouble};

fn on(id: ComponentId, at: u64, lasts: Option<u64>, deed: Deed) -> Action {
    let target = Target::Members { pool: vec![id], pick: None };
    Action { name: "test".into(), at: Time::ZERO + ms(at), lasts: lasts.map(ms), target, deed }
}

/// One caller, one server (10 ms), hops of 1 ms.
struct Pair {
    b: Builder,
    caller: ComponentId,
    server: ComponentId,
    to: Port,
    diary: Diary,
}

fn pair() -> Pair {
    let mut b = world(ms(1));
    let (_, caller) = group(&mut b, "caller", 1);
    let (servers, server) = group(&mut b, "server", 1);
    let to = Port { link: b.link(caller[0], servers), member: 0 };
    Pair { b, caller: caller[0], server: server[0], to, diary: Diary::default() }
}

/// #0 is served 1–11; #1 waits from 3 on. Its caller gives up at 7, but the link is cut from 6 to
/// 9: the news is lost, and the server serves #1 from 11 to 21 for nobody. #2 (given up at 15,
/// link whole again) is taken out of the queue at 16.
#[test]
fn a_hang_up_that_meets_a_cut_link_never_arrives() {
    let Pair { mut b, caller, server, to, diary } = pair();
    let impatient =
        |at, patience| Line { timeout: Some(ms(patience)), cancel: true, ..line(at, to) };
    let lines = vec![line(0, to), impatient(2, 5), impatient(5, 10)];
    b.put(caller, Caller::new(lines, &diary));
    let callee = Server { drops: true, ..Server::new(ms(10)) };
    let served = callee.served.clone();
    b.put(server, callee);
    b.action(Action {
        name: "Cut".into(),
        at: Time::ZERO + ms(6),
        lasts: Some(ms(3)),
        target: Target::Links { from: vec![caller], to: vec![server], both: false },
        deed: Deed::Link(Trouble::Cut),
    });
    let mut world = run_dry(b);
    assert_eq!(*diary.borrow(), ["7 #1 TimedOut 0", "12 #0 Done 0", "15 #2 TimedOut 0"]);
    assert_eq!((*served.borrow(), world.finish(0, &[]).edges[0].wasted), (2, 1));
}

/// The server dies at 5 and is back at 30. #0 (in service) and #1 (queued) are reset, the news
/// arrives at 6. #2 arrives at 11 and is refused. #3 arrives at 31 and is served by a server that
/// has forgotten everything.
#[test]
fn a_crash_resets_what_is_held_and_refuses_what_arrives() {
    let Pair { mut b, caller, server, to, diary } = pair();
    let lines = [0, 2, 10, 30].map(|at| line(at, to)).to_vec();
    b.put(caller, Caller::new(lines, &diary));
    b.put(server, Server::new(ms(10)));
    b.action(on(server, 5, Some(25), Deed::Crash { silent: false }));
    run_dry(b);
    let expected = ["6 #0 Reset 0", "6 #1 Reset 0", "12 #2 Refused 0", "42 #3 Done 0"];
    assert_eq!(*diary.borrow(), expected);
}

/// The loss of a whole machine is silence: only patience ends it.
#[test]
fn a_silent_crash_tells_nobody() {
    let Pair { mut b, caller, server, to, diary } = pair();
    let patient = |at| Line { timeout: Some(ms(50)), ..line(at, to) };
    b.put(caller, Caller::new(vec![patient(0), patient(10)], &diary));
    b.put(server, Server::new(ms(10)));
    b.action(on(server, 5, Some(10), Deed::Crash { silent: true }));
    run_dry(b);
    assert_eq!(*diary.borrow(), ["50 #0 TimedOut 0", "60 #1 TimedOut 0"]);
}

/// A forwarder dies at 5 with #0 behind it: its caller hears of a reset at 6, the server of a
/// hang-up at 6, in mid-service.
#[test]
fn a_forwarder_that_dies_breaks_both_sides() {
    let mut b = world(ms(1));
    let (_, caller) = group(&mut b, "caller", 1);
    let (lb, balancer) = group(&mut b, "lb", 1);
    let (servers, server) = group(&mut b, "server", 1);
    let to = Port { link: b.link(caller[0], lb), member: 0 };
    let diary = Diary::default();
    b.put(caller[0], Caller::new(vec![line(0, to)], &diary));
    let link = b.link(balancer[0], servers);
    b.put(balancer[0], Balancer::new(link, 1, false));
    let callee = Server { drops: true, ..Server::new(ms(10)) };
    let served = callee.served.clone();
    b.put(server[0], callee);
    b.action(on(balancer[0], 5, None, Deed::Crash { silent: false }));
    run_dry(b);
    assert_eq!((diary.borrow()[0].as_str(), *served.borrow()), ("6 #0 Reset 0", 0));
}

/// The server stands still from 5 to 25 with 6 ms of work left on #0: that ends at 31. #1 arrived
/// at 11, was received at 25 and is served 31–41.
#[test]
fn a_pause_delivers_everything_late_and_in_order() {
    let Pair { mut b, caller, server, to, diary } = pair();
    b.put(caller, Caller::new(vec![line(0, to), line(10, to)], &diary));
    b.put(server, Server::new(ms(10)));
    b.action(on(server, 5, Some(20), Deed::Pause));
    run_dry(b);
    assert_eq!(*diary.borrow(), ["32 #0 Done 0", "42 #1 Done 0"]);
}

/// Two slow-downs overlap: ×1/2 from 0 to 30, ×1/5 from 10 to 40. #0 arrives at 1 with 10 ms of
/// work: 4.5 done by 10, then a tenth of the speed: 2 more by 30, then a fifth: 2 more by 40, the
/// last 1.5 at full speed: 41.5, so the answer is there at 42.5.
#[test]
fn overlapping_slow_downs_multiply_and_each_ends_alone() {
    let Pair { mut b, caller, server, to, diary } = pair();
    b.put(caller, Caller::new(vec![line(0, to)], &diary));
    b.put(server, Server::new(ms(10)));
    b.action(on(server, 0, Some(30), Deed::Speed(0.5)));
    b.action(on(server, 10, Some(30), Deed::Speed(0.2)));
    run_dry(b);
    assert_eq!(*diary.borrow(), ["42 #0 Done 0"]);
}
