//! Ten shapes that real models need, each proved by a small world whose timeline is worked out by
//! hand: what freezes the kernel's traits.
//!
//! The cast: a [`Caller`] follows a script and writes down what comes back, a [`Server`] serves in
//! order, a [`Balancer`] stands between. All times in milliseconds.

mod calls;
mod crashes;
mod grants;
mod places;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use engine::{
    Answer, Ask, Builder, CallId, Component, ComponentId, Cx, Delays, Frame, GroupId, Hears, Key,
    LinkId, NodeId, OpId, Outcome, Port, Request, Span, Time, World, ZoneId, chance::Dist,
};

/// What callers saw, in order: `"15 #0 Done 7"`.
type Diary = Rc<RefCell<Vec<String>>>;

fn ms(n: u64) -> Span {
    Span::millis(n)
}

/// A world with a fixed delay on every link.
fn world(hop: Span) -> Builder {
    let dist = Dist::Fixed(hop);
    let delays = Delays { same_zone: dist, cross_zone: dist, internet: dist };
    Builder::new(Frame { delays, ..Frame::plain(1, Span::secs(10)) })
}

fn group(b: &mut Builder, name: &str, members: usize) -> (GroupId, Vec<ComponentId>) {
    let nodes: Vec<NodeId> = (0..members).map(|_| b.node(ZoneId(0), None)).collect();
    let id = b.group(name, "Test", &nodes);
    (id, b.declared(id).members().collect())
}

/// Runs until the world is dry; the law that every test ends with.
fn run_dry(b: Builder) -> World {
    let mut world = b.build();
    world.run(Time::ZERO + Span::secs(10), &mut ());
    assert_eq!(world.calls_in_flight(), 0, "a call without an end");
    world
}

/// One line of a caller's script.
#[derive(Clone, Copy)]
struct Line {
    at: Span,
    to: Port,
    arg: i64,
    timeout: Option<Span>,
    cancel: bool,
    /// Hang up this long after the first answer (a grant), or after the call if there is none.
    hang_up_after: Option<Span>,
}

fn line(at: u64, to: Port) -> Line {
    Line { at: ms(at), to, arg: 0, timeout: None, cancel: false, hang_up_after: None }
}

/// Follows a script.
#[derive(Clone)]
struct Caller {
    lines: Vec<Line>,
    calls: Vec<CallId>,
    diary: Diary,
}

engine::word! {
    enum CallerTimer { Call(u32), HangUp(u32) }
}

impl Caller {
    fn new(lines: Vec<Line>, diary: &Diary) -> Caller {
        Caller { calls: vec![Key::NONE; lines.len()], lines, diary: diary.clone() }
    }
}

impl Component for Caller {
    type Timer = CallerTimer;
    type Ticket = u32;
    type Lever = engine::Never;

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        for (index, line) in self.lines.iter().enumerate() {
            if Time::ZERO + line.at >= cx.now() {
                let wait = (Time::ZERO + line.at) - cx.now();
                cx.after(wait, CallerTimer::Call(index as u32));
            }
        }
    }

    fn on_call(&mut self, _: CallId, _: &mut Cx<'_, Self>) {
        unreachable!("nobody calls a caller")
    }

    fn on_return(&mut self, ticket: u32, answer: Answer, cx: &mut Cx<'_, Self>) {
        let at = cx.now().0 / 1_000_000;
        let Answer { value, outcome, .. } = answer;
        self.diary.borrow_mut().push(format!("{at} #{ticket} {outcome:?} {value}"));
        if answer.more
            && let Some(after) = self.lines[ticket as usize].hang_up_after
        {
            cx.after(after, CallerTimer::HangUp(ticket));
        }
    }

    fn on_timer(&mut self, timer: CallerTimer, cx: &mut Cx<'_, Self>) {
        match timer {
            CallerTimer::Call(index) => {
                let Line { to, arg, timeout, cancel, .. } = self.lines[index as usize];
                let request =
                    Request { root: index as u64 + 1, ..Request::internal(OpId(0), cx.now()) };
                let ask = Ask { request, arg, timeout, cancel };
                self.calls[index as usize] = cx.call(to, ask, index);
            }
            CallerTimer::HangUp(index) => {
                cx.hang_up(self.calls[index as usize]);
            }
        }
    }
}

/// Serves one call at a time, in order, `service` each; answers with the argument.
#[derive(Clone)]
struct Server {
    service: Span,
    queue: VecDeque<CallId>,
    busy: bool,
    /// Drops queued calls whose callers have left.
    drops: bool,
    served: Rc<RefCell<u32>>,
}

impl Server {
    fn new(service: Span) -> Server {
        Server { service, queue: VecDeque::new(), busy: false, drops: false, served: Rc::default() }
    }

    fn next(&mut self, cx: &mut Cx<'_, Self>) {
        self.busy = !self.queue.is_empty();
        if let Some(call) = self.queue.pop_front() {
            cx.work(self.service, call);
        }
    }
}

impl Component for Server {
    type Timer = Key;
    type Ticket = engine::Never;
    type Lever = engine::Never;

    fn hears(&self) -> Hears {
        Hears { hangup: self.drops, settle: false }
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.queue.push_back(call);
        if !self.busy {
            self.next(cx);
        }
    }

    fn on_timer(&mut self, call: Key, cx: &mut Cx<'_, Self>) {
        if cx.holds(call) {
            *self.served.borrow_mut() += 1;
            let value = cx.argument(call);
            cx.reply(call, Answer::done(value));
        }
        self.next(cx);
    }

    fn on_return(&mut self, ticket: engine::Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.queue.retain(|&queued| queued != call);
        cx.let_go(call);
    }
}

/// Stands between callers and one server: passes calls on, or makes calls of its own.
#[derive(Clone)]
struct Balancer {
    link: LinkId,
    members: u16,
    next: u16,
    own_calls: bool,
    waiting: engine::Slab<CallId>,
    settled: Rc<RefCell<Vec<(u16, Outcome)>>>,
}

impl Balancer {
    fn new(link: LinkId, members: u16, own_calls: bool) -> Balancer {
        let (waiting, settled) = (engine::Slab::default(), Rc::default());
        Balancer { link, members, next: 0, own_calls, waiting, settled }
    }
}

impl Component for Balancer {
    type Timer = engine::Never;
    type Ticket = Key;
    type Lever = engine::Never;

    fn hears(&self) -> Hears {
        Hears { hangup: false, settle: true }
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let to = Port { link: self.link, member: self.next };
        self.next = (self.next + 1) % self.members;
        if !self.own_calls {
            return cx.forward(call, to);
        }
        let ask = Ask { arg: cx.argument(call), ..Ask::patient(cx.request(call)) };
        let ticket = self.waiting.insert(call);
        cx.call(to, ask, ticket);
    }

    fn on_return(&mut self, ticket: Key, answer: Answer, cx: &mut Cx<'_, Self>) {
        if let Some(call) = self.waiting.remove(ticket) {
            cx.reply(call, answer);
        }
    }

    fn on_settle(&mut self, port: Port, outcome: Outcome, _: &mut Cx<'_, Self>) {
        self.settled.borrow_mut().push((port.member, outcome));
    }

    fn on_timer(&mut self, timer: engine::Never, _: &mut Cx<'_, Self>) {
        match timer {}
    }
}
