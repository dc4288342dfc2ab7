//! Forwarding against own calls in overload; a quorum that cancels its losers; an early reply.

use super::*;

/// A caller, a balancer in front of one server (10 ms each), hops of 1 ms; calls every 5 ms with
/// 22 ms of patience and cancellation: twice the server's capacity.
fn overload(own_calls: bool) -> (Vec<String>, u32, World) {
    let mut b = world(ms(1));
    let (_, caller) = group(&mut b, "caller", 1);
    let (lb, balancer) = group(&mut b, "lb", 1);
    let (servers, server) = group(&mut b, "server", 1);
    let to = Port { link: b.link(caller[0], lb), member: 0 };
    let impatient = |at| Line { timeout: Some(ms(22)), cancel: true, ..line(at, to) };
    let diary = Diary::default();
    b.put(caller[0], Caller::new((0..8).map(|i| impatient(5 * i)).collect(), &diary));
    let link = b.link(balancer[0], servers);
    b.put(balancer[0], Balancer::new(link, 1, own_calls));
    let callee = Server { drops: true, ..Server::new(ms(10)) };
    let served = callee.served.clone();
    b.put(server[0], callee);
    let world = run_dry(b);
    let (diary, served) = (diary.borrow().clone(), *served.borrow());
    (diary, served, world)
}

/// Call i leaves at 5i, reaches the server at 5i + 2, may wait until 5i + 22.
///
/// With forwarding the hang-up of call i reaches the server at 5i + 24 and takes it out of the
/// queue. Service: #0 2–12, #1 12–22, #2 22–32, #3 (there since 17) 32–42: its caller leaves at
/// 37, the news comes at 39 in mid-service; by then #4 (news at 44) is next 42–52, given up at 44.
/// Answers take 2 ms: #0 at 14, #1 at 24, #2 at 34 (patience until 32!) too late. So #2 is given
/// up at 32, news at 34 when it is over. Two are answered; #5, #6, #7 leave the queue at 49, 54
/// and 59: #5 goes at 49, before the server is free at 52; #6 starts at 52 and is let go at 54;
/// #7 waits for the server, which is free at 62, and is taken out at 59.
#[test]
fn a_balancer_that_forwards_lets_the_server_hear_who_left() {
    let (diary, served, _) = overload(false);
    let answered: Vec<&String> = diary.iter().filter(|line| line.contains("Done")).collect();
    assert_eq!(answered, ["14 #0 Done 0", "24 #1 Done 0"]);
    assert_eq!(diary.len(), 8);
    // Served to the end: #0, #1, #2 (answered at 32, in flight when its caller left).
    assert_eq!(served, 3);
}

/// With own calls the balancer waits for ever: the hang-up ends at the balancer, and the server
/// works through all eight, six of them for nobody.
#[test]
fn a_balancer_that_calls_hides_wasted_work_from_the_server() {
    let (diary, served, mut world) = overload(true);
    let answered = diary.iter().filter(|line| line.contains("Done")).count();
    assert_eq!((answered, served), (2, 8));
    let record = world.finish(0, &[]);
    let wasted: Vec<(&str, &str, u64)> =
        record.edges.iter().map(|e| (e.from.as_str(), e.to.as_str(), e.wasted)).collect();
    assert_eq!(wasted, [("caller", "lb", 6), ("lb", "server", 0)]);
}

#[test]
fn every_forward_is_settled_once() {
    let mut b = world(ms(1));
    let (_, caller) = group(&mut b, "caller", 1);
    let (lb, balancer) = group(&mut b, "lb", 1);
    let (servers, server) = group(&mut b, "server", 2);
    let to = Port { link: b.link(caller[0], lb), member: 0 };
    let diary = Diary::default();
    let patient = |at, arg| Line { arg, ..line(at, to) };
    b.put(caller[0], Caller::new(vec![patient(0, 7), patient(1, 8), patient(2, 9)], &diary));
    let link = b.link(balancer[0], servers);
    let forwarder = Balancer::new(link, 2, false);
    let settled = forwarder.settled.clone();
    b.put(balancer[0], forwarder);
    server.iter().for_each(|&id| b.put(id, Server::new(ms(10))));
    run_dry(b);
    // #0 on server 0: 2–12, back at 14. #1 on server 1: 3–13, back at 15. #2 on 0: 12–22, at 24.
    assert_eq!(*diary.borrow(), ["14 #0 Done 7", "15 #1 Done 8", "24 #2 Done 9"]);
    let all_done = [0, 1, 0].map(|member| (member, Outcome::Done));
    assert_eq!(*settled.borrow(), all_done);
}

/// Asks all members at once, answers when `need` have, hangs up on the others.
#[derive(Clone)]
struct Quorum {
    link: LinkId,
    members: u16,
    need: u32,
    asked: Option<CallId>,
    open: Vec<Option<CallId>>,
    answers: u32,
}

impl Component for Quorum {
    type Timer = engine::Never;
    type Ticket = u32;
    type Lever = engine::Never;

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.asked = Some(call);
        for member in 0..self.members {
            let to = Port { link: self.link, member };
            let id = cx.call(to, Ask::patient(cx.request(call)), member as u32);
            self.open.push(Some(id));
        }
    }

    fn on_return(&mut self, member: u32, _: Answer, cx: &mut Cx<'_, Self>) {
        self.open[member as usize] = None;
        self.answers += 1;
        if self.answers == self.need {
            let losers: Vec<CallId> = self.open.iter_mut().filter_map(Option::take).collect();
            losers.into_iter().for_each(|loser| assert!(cx.hang_up(loser)));
            cx.reply(self.asked.take().expect("one call"), Answer::done(self.answers as i64));
        }
    }

    fn on_timer(&mut self, timer: engine::Never, _: &mut Cx<'_, Self>) {
        match timer {}
    }
}

/// Members take 5, 10, 20, 40 ms; two are needed; hops of 1 ms. The second answer leaves its
/// server at 12 and is back at 13, so the caller hears at 14. The losers hear at 14: the third
/// and fourth are in mid-service and answer nobody.
#[test]
fn a_quorum_answers_early_and_cancels_the_losers() {
    let mut b = world(ms(1));
    let (_, caller) = group(&mut b, "caller", 1);
    let (quorum, front) = group(&mut b, "quorum", 1);
    let (servers, server) = group(&mut b, "server", 4);
    let to = Port { link: b.link(caller[0], quorum), member: 0 };
    let diary = Diary::default();
    b.put(caller[0], Caller::new(vec![line(0, to)], &diary));
    let link = b.link(front[0], servers);
    let (open, asked) = (vec![], None);
    b.put(front[0], Quorum { link, members: 4, need: 2, asked, open, answers: 0 });
    for (&id, service) in server.iter().zip([5, 10, 20, 40]) {
        b.put(id, Server { drops: true, ..Server::new(ms(service)) });
    }
    let mut world = run_dry(b);
    assert_eq!(*diary.borrow(), ["14 #0 Done 2"]);
    let edge = world.finish(0, &[]).edges.pop().expect("quorum to server");
    assert_eq!((edge.outcomes.of(Outcome::Done), edge.outcomes.of(Outcome::Reset)), (2, 2));
}

/// Answers after 2 ms of work, and goes on working for 10 more.
#[derive(Clone)]
struct Eager {
    done: Rc<RefCell<Vec<u64>>>,
}

engine::word! {
    enum EagerTimer { Reply(Key), Done }
}

impl Component for Eager {
    type Timer = EagerTimer;
    type Ticket = engine::Never;
    type Lever = engine::Never;

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        cx.work(ms(2), EagerTimer::Reply(call));
    }
    fn on_timer(&mut self, timer: EagerTimer, cx: &mut Cx<'_, Self>) {
        match timer {
            EagerTimer::Reply(call) => {
                cx.reply(call, Answer::DONE);
                cx.work(ms(10), EagerTimer::Done);
            }
            EagerTimer::Done => self.done.borrow_mut().push(cx.now().0 / 1_000_000),
        }
    }
    fn on_return(&mut self, ticket: engine::Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
    }
}

#[test]
fn an_early_reply_leaves_work_going_on() {
    let mut b = world(ms(1));
    let (_, caller) = group(&mut b, "caller", 1);
    let (eager, place) = group(&mut b, "eager", 1);
    let to = Port { link: b.link(caller[0], eager), member: 0 };
    let diary = Diary::default();
    b.put(caller[0], Caller::new(vec![line(0, to)], &diary));
    let done = Rc::default();
    b.put(place[0], Eager { done: Rc::clone(&done) });
    run_dry(b);
    assert_eq!((diary.borrow()[0].as_str(), done.borrow()[0]), ("4 #0 Done 0", 13));
}
