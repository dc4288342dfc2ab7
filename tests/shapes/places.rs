//! Where things are: replicas that come and go behind a caller whose view lags, two components on
//! one CPU, a table read as of a lagging replica.

use super::*;
use engine::{Action, Belief, Deed, Discipline, MemberState, Target, station::Curve};

/// Calls the first member it believes ready, every 10 ms; its view is 25 ms old.
#[derive(Clone)]
struct Laggard {
    group: GroupId,
    link: LinkId,
    belief: Belief,
    diary: Diary,
}

impl Component for Laggard {
    type Timer = ();
    type Ticket = u32;
    type Lever = engine::Never;

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        cx.after(ms(5), ());
    }
    fn on_timer(&mut self, (): (), cx: &mut Cx<'_, Self>) {
        cx.catch_up(self.group, &mut self.belief, ms(25));
        let ready = |member: &u16| self.belief.state(*member) == MemberState::Ready;
        let member = (0..2).find(ready).expect("somebody is always believed ready");
        let ask = Ask::patient(Request::internal(OpId(0), cx.now()));
        cx.call(Port { link: self.link, member }, ask, member as u32);
        if cx.now() < Time::ZERO + ms(80) {
            cx.after_fixed(ms(10), ());
        }
    }
    fn on_return(&mut self, member: u32, answer: Answer, _: &mut Cx<'_, Self>) {
        self.diary.borrow_mut().push(format!("{member} {:?}", answer.outcome));
    }
    fn on_call(&mut self, _: CallId, _: &mut Cx<'_, Self>) {
        unreachable!("nobody calls it")
    }
}

/// Member 0 leaves at 20 and joins again at 50; member 1 is there throughout. Calls at 5, 15 …
/// 85. The caller believes it left from 45 on, and back from 75 on: calls at 25 and 35 are
/// refused, those at 45, 55, 65 go to member 1.
#[test]
fn replicas_stop_and_start_behind_a_view_that_lags() {
    let mut b = world(Span::ZERO);
    let (_, caller) = group(&mut b, "caller", 1);
    let (servers, server) = group(&mut b, "server", 2);
    let link = b.link(caller[0], servers);
    let diary = Diary::default();
    let belief = Belief::new(2);
    b.put(caller[0], Laggard { group: servers, link, belief, diary: diary.clone() });
    server.iter().for_each(|&id| b.put(id, Server::new(ms(1))));
    for (at, present) in [(20, false), (50, true)] {
        b.action(Action {
            name: "Present".into(),
            at: Time::ZERO + ms(at),
            lasts: None,
            target: Target::Members { pool: vec![server[0]], pick: None },
            deed: Deed::Present(present),
        });
    }
    run_dry(b);
    let expected = [
        "0 Done",
        "0 Done",
        "0 Refused",
        "0 Refused",
        "1 Done",
        "1 Done",
        "1 Done",
        "0 Done",
        "0 Done",
    ];
    assert_eq!(*diary.borrow(), expected);
}

/// One core, two servers on it, each with 10 ms of work from 0 on: half speed each, 5 ms done by
/// 10. Then the node runs five times slower until 60: 50 ms × 1/5 × 1/2 = 5 ms done by 60: both
/// are done at 60 sharp. Alone and at full speed each would have been done at 10.
#[test]
fn two_components_on_one_cpu_slow_down_in_mid_work() {
    let mut b = world(Span::ZERO);
    let (_, caller) = group(&mut b, "caller", 1);
    let shared = b.node(ZoneId(0), Some(Discipline::Share { cores: 1.0, curve: Curve::None }));
    let left = b.group("left", "Test", &[shared]);
    let right = b.group("right", "Test", &[shared]);
    let diary = Diary::default();
    let ports = [left, right].map(|g| Port { link: b.link(caller[0], g), member: 0 });
    b.put(caller[0], Caller::new(ports.map(|to| line(0, to)).to_vec(), &diary));
    for g in [left, right] {
        let id = b.declared(g).first;
        b.put(id, Server::new(ms(10)));
    }
    b.action(Action {
        name: "Slow".into(),
        at: Time::ZERO + ms(10),
        lasts: Some(ms(50)),
        target: Target::Members { pool: vec![b.declared(left).first], pick: None },
        deed: Deed::Speed(0.2),
    });
    run_dry(b);
    assert_eq!(*diary.borrow(), ["60 #0 Done 0", "60 #1 Done 0"]);
}

/// A replica that applies each change 20 ms late: a write at 10 is not in a read at 25, and is in
/// one at 35.
#[test]
fn a_table_is_read_as_of_a_lagging_replica() {
    use engine::ledger::{Ledger, Statement, Store, TableSpec, Verb};
    let mut ledger = Ledger::new();
    let table = ledger.table("profile", TableSpec { rows: Some(4), value: 1 });
    let replica = ledger.follow(&[Store::Table(table)]);
    let by = Request::internal(OpId(0), Time::ZERO);
    let write = Statement::Table { table, key: 2, verb: Verb::Set { to: 7, if_version: None } };
    ledger.apply(&[write], &by, Time::ZERO + ms(10));
    let written = ledger.position();
    let as_of = |ledger: &Ledger| ledger.read_as_of(table, 2, ledger.seen(replica));
    // At 25 the replica has not applied it.
    let stale = as_of(&ledger).expect("a dense table has every row");
    assert_eq!(stale.value, 1);
    assert!(ledger.stale(table, 2, stale.version));
    // At 30 it does.
    ledger.advance(replica, written);
    let fresh = as_of(&ledger).expect("a dense table has every row");
    assert_eq!(fresh.value, 7);
    assert!(!ledger.stale(table, 2, fresh.version));
}
