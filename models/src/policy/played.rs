//! Policies at work: a gateway asks members that answer by a script, without any network. All
//! times are in milliseconds and worked out by hand.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use engine::{Action, Answer, CallId, Component, Cx, Deed, Hears, Outcome, Span, Target, Time};

use crate::ComponentSpec as _;
use crate::gateway::GatewaySpec;
use crate::testing::{Line, Stage, heard, parse};
use crate::wiring::{Offer, Wiring};

use Outcome::{Done, Failed, Refused, Reset, TimedOut};

/// When, at which member, and which try (0: the first).
type Asked = Rc<RefCell<Vec<(u64, u16, u8)>>>;
/// When a caller left, and which member heard of it.
type Left = Rc<RefCell<Vec<(u64, u16)>>>;

/// Answers the n-th call that reaches its group after so many milliseconds; the last line of the
/// script holds for all that follow.
#[derive(Clone)]
struct Puppet {
    script: Vec<(u64, Answer)>,
    asked: Asked,
    left: Left,
    calls: BTreeMap<u32, CallId>,
}

impl Component for Puppet {
    type Timer = u32;
    type Ticket = engine::Never;
    type Lever = engine::Never;

    fn hears(&self) -> Hears {
        Hears { hangup: true, settle: false }
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let number = self.asked.borrow().len();
        let attempt = cx.request(call).attempt;
        self.asked.borrow_mut().push((cx.now().0 / 1_000_000, cx.member(), attempt));
        self.calls.insert(number as u32, call);
        let (after, _) = self.script[number.min(self.script.len() - 1)];
        cx.after(Span::millis(after), number as u32);
    }

    fn on_return(&mut self, _: engine::Never, _: Answer, _: &mut Cx<'_, Self>) {
        unreachable!("it asks nobody")
    }

    fn on_timer(&mut self, number: u32, cx: &mut Cx<'_, Self>) {
        let Some(&call) = self.calls.get(&number) else { return };
        let (_, answer) = self.script[(number as usize).min(self.script.len() - 1)];
        if !answer.more {
            self.calls.remove(&number);
        }
        cx.reply(call, answer);
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.left.borrow_mut().push((cx.now().0 / 1_000_000, cx.member()));
        self.calls.retain(|_, held| *held != call);
        cx.let_go(call);
    }
}

/// One play: who answers how, under which policy, and what happens to whom.
pub(super) struct Play {
    members: u16,
    script: Vec<(u64, Answer)>,
    policy: &'static str,
    pub(super) proxy: &'static str,
    pub(super) lines: Vec<Line>,
    /// Crashes of one of `it` (or of the gateway: `None`): which one, from when to when.
    pub(super) crashes: Vec<(Option<u16>, u64, u64)>,
    /// Whichever calls one of `it` answers with errors, and for how long.
    pub(super) errors: Vec<(u16, u64, u64)>,
    /// One of `it` leaves: says so, and is gone.
    pub(super) leaves: Vec<(u16, u64, u64)>,
}

/// What became of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) asked: Vec<(u64, u16, u8)>,
    left: Vec<(u64, u16)>,
    pub(super) answers: Vec<(u64, usize, Outcome)>,
}

pub(super) fn lines(at: &[u64]) -> Vec<Line> {
    at.iter().map(|at| Line::new(Span::millis(*at), engine::OpId(0), 0, 7)).collect()
}

pub(super) fn say(after: u64, outcome: Outcome) -> (u64, Answer) {
    (after, Answer::of(outcome))
}

impl Play {
    pub(super) fn new(
        members: u16,
        script: &[(u64, Answer)],
        policy: &'static str,
        at: &[u64],
    ) -> Play {
        let (script, lines) = (script.to_vec(), lines(at));
        let (crashes, errors, leaves) = (Vec::new(), Vec::new(), Vec::new());
        Play { members, script, policy, proxy: "Call", lines, crashes, errors, leaves }
    }

    pub(super) fn run(mut self) -> Told {
        let (mut stage, it) = Stage::new(self.members, None);
        let zone = stage.builder.zone("a");
        let node = stage.builder.node(zone, None);
        let edge = stage.builder.group("edge", "Gateway", &[node]);
        let (asked, left) = (Asked::default(), Left::default());
        for member in 0..self.members {
            let (asked, left) = (asked.clone(), left.clone());
            let puppet =
                Puppet { script: self.script.clone(), asked, left, calls: BTreeMap::new() };
            stage.builder.put(stage.member(it, member), puppet);
        }
        let mut wiring = Wiring::new(&mut stage.builder, Vec::new());
        let offer = Offer { operations: vec!["get".into()], ..Offer::default() };
        wiring.offers.insert("it".into(), offer);
        wiring.offers.insert("edge".into(), Offer::default());
        wiring.policies.insert("it".into(), parse(self.policy));
        wiring.check_policies();
        let text = format!("(routes: {{ \"/\": \"it\" }}, proxy: {})", self.proxy);
        let mut gateway: GatewaySpec = parse(&text);
        gateway.resolve(&wiring.offers);
        gateway.build("edge", edge, &mut wiring);
        assert_eq!(wiring.problems, []);
        let crash = Deed::Crash { silent: false };
        let crashes = self.crashes.iter().map(|&(member, from, to)| {
            let id = member.map_or(stage.member(edge, 0), |member| stage.member(it, member));
            (id, from, to, crash.clone())
        });
        let errors = self
            .errors
            .iter()
            .map(|&(member, from, to)| (stage.member(it, member), from, to, Deed::Errors(1.0)));
        let leaves = self
            .leaves
            .iter()
            .map(|&(member, says, gone)| (stage.member(it, member), says, gone, Deed::Drain));
        for (id, from, to, deed) in crashes.chain(errors).chain(leaves).collect::<Vec<_>>() {
            stage.builder.action(Action {
                name: "it".into(),
                at: Time::ZERO + Span::millis(from),
                lasts: Some(Span::millis(to - from)),
                target: Target::Members { pool: vec![id], pick: None },
                deed,
            });
        }
        let op = stage.builder.op("edge.get");
        self.lines.iter_mut().for_each(|line| line.op = op);
        let log = stage.script(edge, &self.lines);
        let world = stage.play(Span::secs(10));
        assert!(self.policy.contains("Checked") || world.calls_in_flight() == 0);
        let answers = heard(&log).into_iter().map(|(at, line, outcome, _)| (at, line, outcome));
        Told {
            answers: answers.collect(),
            asked: asked.borrow().clone(),
            left: left.borrow().clone(),
        }
    }
}

const SLOW: &str = r#"(timeout: "5ms", retry: (attempts: 3,
    backoff: Exponential(base: "10ms", cap: "1s")))"#;

/// Asked at 0, given up at 5; after a pause of 10 asked at 15, given up at 20; after 20 at 40,
/// given up at 45. Members take turns; nobody tells them.
#[test]
fn tries_and_pauses() {
    let told = Play::new(2, &[say(100, Done)], SLOW, &[0]).run();
    assert_eq!(told.asked, [(0, 0, 0), (15, 1, 1), (40, 0, 2)]);
    assert_eq!((told.answers, told.left), (vec![(45, 0, TimedOut)], vec![]));
}

/// The second try succeeds, 3 ms after it is made at 15.
#[test]
fn the_second_try_may_succeed() {
    let told = Play::new(1, &[say(100, Done), say(3, Done)], SLOW, &[0]).run();
    assert_eq!((told.asked.len(), told.answers), (2, vec![(18, 0, Done)]));
}

/// All tries have 30 ms: the third would begin at 40, so that the second's end at 20 stands. Of
/// 18 ms the second try, made at 15, has only 3 left.
#[test]
fn all_tries_together_have_an_end() {
    for (total, ends) in [("30ms", 20), ("18ms", 18)] {
        let policy = format!(
            r#"(timeout: "5ms", total: "{total}",
                retry: (attempts: 3, backoff: Exponential(base: "10ms", cap: "1s")))"#
        );
        let told = Play::new(1, &[say(100, Done)], policy.leak(), &[0]).run();
        assert_eq!((told.asked.len(), told.answers), (2, vec![(ends, 0, TimedOut)]), "{total}");
    }
}

/// Only what is named is tried again, and at once without a backoff.
#[test]
fn causes_decide() {
    let policy = "(retry: (attempts: 3, on: [Reset]))";
    let script = [say(4, Reset), say(4, Failed)];
    let told = Play::new(1, &script, policy, &[0]).run();
    assert_eq!(told.asked, [(0, 0, 0), (4, 0, 1)]);
    assert_eq!(told.answers, [(8, 0, Failed)]);
}

/// 10 tokens at first, and one more for each first try: 12 calls that all fail bring 12 and cost
/// 1 each, so that 10 are left for calls that have two retries. With no deposit, 10 retries and
/// no more.
#[test]
fn a_budget_ends_retries() {
    let at: Vec<u64> = (0..12).collect();
    for (budget, asked) in [("100%", 12 + 12 + 10), ("0%", 12 + 10)] {
        let policy = format!("(retry: (attempts: 3, budget: \"{budget}\"))");
        let told = Play::new(1, &[say(0, Failed)], policy.leak(), &at).run();
        assert_eq!(told.asked.len(), asked, "{budget}");
    }
}

/// The callee hears that its caller has stopped waiting, if the policy says so.
#[test]
fn cancelling_tells_the_callee() {
    let policy = r#"(timeout: "5ms", cancel: true)"#;
    let told = Play::new(1, &[say(100, Done)], policy, &[0]).run();
    assert_eq!((told.answers, told.left), (vec![(5, 0, TimedOut)], vec![(5, 0)]));
}

/// The caller leaves after 8 ms. A gateway that forwards lets the news pass by; one that calls
/// passes it on only if its policy says so.
#[test]
fn the_callers_hang_up() {
    let plain = "()";
    for (proxy, policy, left) in [
        ("Call", plain, vec![]),
        ("Call", "(cancel: true)", vec![(8, 0)]),
        ("Forward", plain, vec![(8, 0)]),
    ] {
        let mut play = Play::new(1, &[say(100, Done)], policy, &[0]);
        play.proxy = proxy;
        play.lines[0].timeout = Some(Span::millis(8));
        assert_eq!(play.run().left, left, "{proxy} {policy}");
    }
}

/// Member 0 has one call in hand for 100 ms, so that all others go to member 1, which needs 10 ms
/// for each. In turn they would go to 0, 1, 0, 1.
#[test]
fn the_least_busy_is_asked_whoever_counts() {
    for proxy in ["Call", "Forward"] {
        let script = [say(100, Done), say(10, Done)];
        let mut play = Play::new(2, &script, "(balance: LeastOfAll)", &[0, 1, 20, 40]);
        play.proxy = proxy;
        let members: Vec<u16> = play.run().asked.iter().map(|(_, member, _)| *member).collect();
        assert_eq!(members, [0, 1, 1, 1], "{proxy}");
    }
}

/// A gateway crashes while it has forwarded a call: the caller hears so, the callee too, and the
/// counts of the gateway begin anew.
#[test]
fn a_gateway_that_crashes_forgets_its_counts() {
    for proxy in ["Call", "Forward"] {
        let mut play = Play::new(2, &[say(100, Done)], "(balance: LeastOfAll)", &[0, 60]);
        play.proxy = proxy;
        play.crashes = vec![(None, 50, 55)];
        let told = play.run();
        assert_eq!(told.answers, [(50, 0, Reset), (160, 1, Done)], "{proxy}");
        assert_eq!(told.asked, [(0, 0, 0), (60, 0, 0)], "{proxy}");
    }
}

/// Member 1 is down from 1 s to 3 s. Who knows at once asks only member 0 meanwhile.
#[test]
fn an_instant_view_knows_of_crashes() {
    let mut play = Play::new(2, &[say(1, Done)], "(view: Instant)", &[1001, 1002, 3001, 3002]);
    play.crashes = vec![(Some(1), 1000, 3000)];
    let told = play.run();
    let members: Vec<u16> = told.asked.iter().map(|(_, member, _)| *member).collect();
    assert_eq!(members[..2], [0, 0]);
    assert_eq!((members[2] + members[3], told.answers.len()), (1, 4));
}

/// Checks every 100 ms, two failures out, one success in. At 1.05 s at most one has failed: of two
/// calls one is refused. By 1.2 s member 1 is out; by 3.1 s it is in again.
#[test]
fn a_checked_view_lags() {
    let policy = r#"(view: Checked(every: "100ms", timeout: "50ms", fall: 2, rise: 1))"#;
    let at = [1050, 1051, 1200, 1201, 3101, 3102];
    let mut play = Play::new(2, &[say(1, Done)], policy, &at);
    play.crashes = vec![(Some(1), 1000, 3000)];
    let told = play.run();
    let refused = |answer: &&(u64, usize, Outcome)| answer.2 == Refused;
    let refused: Vec<usize> = told.answers.iter().filter(refused).map(|it| it.1).collect();
    assert!(refused == [0] || refused == [1], "{refused:?}");
    let members: Vec<u16> = told.asked.iter().map(|(_, member, _)| *member).collect();
    assert_eq!(members[..3], [0, 0, 0]);
    assert_eq!(members[3] + members[4], 1);
}

/// When all are out, all are asked: whoever is back serves before a check has seen it.
#[test]
fn if_nobody_seems_healthy_everybody_is_asked() {
    let policy = r#"(view: Checked(every: "1s", timeout: "1s", fall: 1, rise: 5))"#;
    let mut play = Play::new(2, &[say(1, Done)], policy, &[3500, 5500, 5501]);
    play.crashes = vec![(Some(0), 2000, 5000), (Some(1), 2000, 5000)];
    let answers: Vec<Outcome> = play.run().answers.iter().map(|it| it.2).collect();
    assert_eq!(answers, [Refused, Done, Done]);
}

/// A grant passes a gateway that makes calls of its own, and so does its end.
#[test]
fn a_grant_is_passed_on_and_given_back() {
    let mut play = Play::new(1, &[(5, Answer::grant(3))], "()", &[0]);
    play.lines[0].until = Some(Span::millis(20));
    let told = play.run();
    assert_eq!((told.answers, told.left), (vec![(5, 0, Done)], vec![(20, 0)]));
}

/// Mistakes are named once, where the policy is written.
#[test]
fn policies_that_make_no_sense_are_named() {
    for (policy, says) in [
        (r#"(timeout: "0s")"#, "`timeout` is some time, not none"),
        ("(retry: (attempts: 0))", "at least one try is needed"),
        (
            r#"(retry: (attempts: 2, backoff: Exponential(base: "1s", cap: "1ms")))"#,
            "it begins at 1s and yet never exceeds 1ms",
        ),
        ("(balance: LeastRequest(choices: 0))", "somebody must be drawn: `choices` is at least 1"),
        ("(balance: LeastRequest(choices: 1001))", "`choices` is at most 1000"),
        (r#"(balance: Ring(key: "product"))"#, "there is no draw `product`"),
        (r#"(view: Checked(every: "0s"))"#, "`every` is some time, not none"),
        (r#"(view: Checked(every: "1s", fall: 0))"#, "`fall` is at least 1"),
    ] {
        let (mut stage, _) = Stage::new(1, None);
        let mut wiring = Wiring::new(&mut stage.builder, Vec::new());
        wiring.policies.insert("it".into(), parse(policy));
        wiring.check_policies();
        let messages: Vec<&str> = wiring.problems.iter().map(|it| it.message.as_str()).collect();
        assert_eq!(messages, [says], "{policy}");
    }
}
