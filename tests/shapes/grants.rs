//! Calls that stay open: a lock held across several calls of one flow, its release by the
//! holder's crash, a log whose consumers pull.

use super::*;
use engine::{Action, Deed, Target};

/// Grants its callers a lock, one at a time, in order; a hang-up releases it or leaves the queue.
#[derive(Clone, Default)]
struct Lock {
    holder: Option<CallId>,
    waiters: VecDeque<CallId>,
    token: i64,
}

impl Lock {
    fn grant_next(&mut self, cx: &mut Cx<'_, Self>) {
        self.holder = self.waiters.pop_front();
        if let Some(call) = self.holder {
            self.token += 1;
            cx.reply(call, Answer::grant(self.token));
        }
    }
}

impl Component for Lock {
    type Timer = engine::Never;
    type Ticket = engine::Never;
    type Lever = engine::Never;

    fn hears(&self) -> Hears {
        Hears { hangup: true, settle: false }
    }
    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.waiters.push_back(call);
        if self.holder.is_none() {
            self.grant_next(cx);
        }
    }
    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        cx.let_go(call);
        if self.holder == Some(call) {
            self.grant_next(cx);
        }
        self.waiters.retain(|&waiter| waiter != call);
    }
    fn on_timer(&mut self, timer: engine::Never, _: &mut Cx<'_, Self>) {
        match timer {}
    }
    fn on_return(&mut self, ticket: engine::Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
    }
}

/// A flow by hand: take the lock, call the server twice under it, release, write down when.
#[derive(Clone)]
struct Buyer {
    start: Span,
    lock: Port,
    server: Port,
    grant: CallId,
    diary: Diary,
}

engine::word! {
    enum BuyerTicket { Lock, First, Second }
}

impl Component for Buyer {
    type Timer = ();
    type Ticket = BuyerTicket;
    type Lever = engine::Never;

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        if cx.now() == Time::ZERO {
            cx.after(self.start, ());
        }
    }
    fn on_timer(&mut self, (): (), cx: &mut Cx<'_, Self>) {
        let ask = Ask::patient(Request::internal(OpId(0), cx.now()));
        self.grant = cx.call(self.lock, ask, BuyerTicket::Lock);
    }
    fn on_return(&mut self, ticket: BuyerTicket, answer: Answer, cx: &mut Cx<'_, Self>) {
        let ask = Ask::patient(Request::internal(OpId(0), cx.now()));
        let at = cx.now().0 / 1_000_000;
        match ticket {
            BuyerTicket::Lock => {
                let line = format!("{at} {} holds {}", cx.member(), answer.value);
                self.diary.borrow_mut().push(line);
                cx.call(self.server, ask, BuyerTicket::First);
            }
            BuyerTicket::First => {
                cx.call(self.server, ask, BuyerTicket::Second);
            }
            BuyerTicket::Second => {
                self.diary.borrow_mut().push(format!("{at} {} done", cx.member()));
                cx.hang_up(self.grant);
            }
        }
    }
    fn on_call(&mut self, _: CallId, _: &mut Cx<'_, Self>) {
        unreachable!("nobody calls a buyer")
    }
}

/// Two buyers, one lock, hops of 1 ms, a server that takes 5 ms.
fn buyers(action: Option<fn(ComponentId) -> Action>) -> Vec<String> {
    let mut b = world(ms(1));
    let (_, buyer) = group(&mut b, "buyer", 2);
    let (locks, lock) = group(&mut b, "lock", 1);
    let (servers, server) = group(&mut b, "server", 1);
    let diary = Diary::default();
    for (index, &id) in buyer.iter().enumerate() {
        let lock = Port { link: b.link(id, locks), member: 0 };
        let server = Port { link: b.link(id, servers), member: 0 };
        let (start, grant, diary) = (ms(index as u64), Key::NONE, diary.clone());
        b.put(id, Buyer { start, lock, server, grant, diary });
    }
    b.put(lock[0], Lock::default());
    b.put(server[0], Server::new(ms(5)));
    if let Some(action) = action {
        b.action(action(buyer[0]));
    }
    run_dry(b);
    diary.borrow().clone()
}

/// Buyer 0 asks at 0, has it at 2; two calls of 7 ms end at 16, the release arrives at 17.
/// Buyer 1 asks at 1, has it at 18, is done at 32.
#[test]
fn a_lock_is_held_across_several_calls_of_one_flow() {
    assert_eq!(buyers(None), ["2 0 holds 1", "16 0 done", "18 1 holds 2", "32 1 done"]);
}

/// Buyer 0 crashes at 5: its connections break, the lock hears at 6, buyer 1 has it at 7. The
/// server works on buyer 0's first call from 3 to 8 and answers nobody; buyer 1's calls arrive at
/// 8 and 15 and end at 14 and 21.
#[test]
fn a_grant_is_released_by_its_holders_crash() {
    let crash = |id| Action {
        name: "Crash".into(),
        at: Time::ZERO + ms(5),
        lasts: None,
        target: Target::Members { pool: vec![id], pick: None },
        deed: Deed::Crash { silent: false },
    };
    assert_eq!(buyers(Some(crash)), ["2 0 holds 1", "7 1 holds 2", "21 1 done"]);
}

/// A log: `arg >= 0` asks for what is at that offset and beyond, and is held until there is
/// something; `arg < 0` appends a record.
#[derive(Clone)]
struct Broker {
    log: engine::ledger::LogId,
    polls: Vec<(CallId, i64)>,
}

impl Component for Broker {
    type Timer = engine::Never;
    type Ticket = engine::Never;
    type Lever = engine::Never;

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (arg, record) = (cx.argument(call), cx.request(call));
        if arg < 0 {
            let offset = cx.ledger().append(self.log, record);
            cx.reply(call, Answer::done(offset as i64));
        } else {
            self.polls.push((call, arg));
        }
        let end = cx.ledger().end(self.log) as i64;
        for (poll, _) in self.polls.extract_if(.., |(_, from)| *from < end) {
            cx.reply(poll, Answer::done(end));
        }
    }
    fn on_timer(&mut self, timer: engine::Never, _: &mut Cx<'_, Self>) {
        match timer {}
    }
    fn on_return(&mut self, ticket: engine::Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
    }
}

/// Hops of 1 ms. The consumer polls for offset 0 at time 0 and is held. Records arrive at 11 and
/// 21; the poll is answered at 12. It polls for offset 1 at 15: held at 16, answered at 22. It
/// polls again for offset 0 at 30: both are there, answered at once with the end of the log.
#[test]
fn consumers_pull_from_a_log_and_wait_there() {
    let mut b = world(ms(1));
    let (_, caller) = group(&mut b, "caller", 1);
    let (brokers, broker) = group(&mut b, "broker", 1);
    let to = Port { link: b.link(caller[0], brokers), member: 0 };
    let with = |at, arg| Line { arg, ..line(at, to) };
    let diary = Diary::default();
    let lines = vec![with(0, 0), with(10, -1), with(15, 1), with(20, -1), with(30, 0)];
    b.put(caller[0], Caller::new(lines, &diary));
    let log = b.ledger().log("log");
    b.put(broker[0], Broker { log, polls: vec![] });
    run_dry(b);
    let expected = ["12 #1 Done 0", "12 #0 Done 1", "22 #3 Done 1", "22 #2 Done 2", "32 #4 Done 2"];
    assert_eq!(*diary.borrow(), expected);
}
