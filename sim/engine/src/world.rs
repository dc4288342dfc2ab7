//! The main loop.

use crate::action::{Action, Rhythm};
use crate::build::Frame;
use crate::call::{Answer, CallId, OpId, Outcome, Request};
use crate::calls::{Call, Caller, NONE, Phase, Settled};
use crate::chance::Coin;
use crate::component::AnyComponent;
use crate::event::{Event, NodeId, Packed};
use crate::group::ComponentId;
use crate::histogram::bump;
use crate::kernel::{Kernel, Link, Status};
use crate::mark::Mark;
use crate::probe::Probe;
use crate::series::Sampling;
use crate::time::Time;

/// A runnable system: the components, and the kernel that drives them.
///
/// Two fields, so that a component can be lent the kernel without a `RefCell`.
pub struct World {
    pub(crate) components: Vec<Box<dyn AnyComponent>>,
    pub(crate) kernel: Kernel,
    pub(crate) actions: Vec<PlannedAction>,
    pub(crate) started: bool,
    pub(crate) events: u64,
    pub(crate) sampling: Sampling,
    /// Scratch for reading gauges.
    pub(crate) gauge_rows: Vec<(&'static str, f64)>,
    pub(crate) frame: Frame,
    /// Where what counts begins, and where it ends.
    pub(crate) marks: Vec<Mark>,
}

/// Of how many times of an action it is remembered when they were.
const SPELLS: usize = 100;

/// An action, and what it has done so far.
pub(crate) struct PlannedAction {
    pub action: Action,
    pub rhythm: Rhythm,
    /// The first time.
    pub began: Option<Time>,
    /// The last time, unless it goes on.
    pub ended: Option<Time>,
    pub times: u32,
    pub spells: Vec<(Time, Option<Time>)>,
    pub touched: Vec<String>,
}

impl PlannedAction {
    pub fn new((action, rhythm): (Action, Rhythm)) -> PlannedAction {
        let (began, ended, times) = (None, None, 0);
        let (spells, touched) = (Vec::new(), Vec::new());
        PlannedAction { action, rhythm, began, ended, times, spells, touched }
    }

    pub fn begins(&mut self, now: Time) {
        self.began.get_or_insert(now);
        self.ended = None;
        self.times += 1;
        if self.spells.len() < SPELLS {
            self.spells.push((now, None));
        }
    }

    pub fn ends(&mut self, now: Time) {
        self.ended = Some(now);
        if self.times as usize == self.spells.len()
            && let Some((_, ended)) = self.spells.last_mut()
        {
            *ended = Some(now);
        }
    }
}

impl World {
    /// Takes the earliest event, moves the clock, lets the right component react; again, until
    /// nothing is due by `until`. Returns how many events that were.
    pub fn run(&mut self, until: Time, probe: &mut impl Probe) -> u64 {
        self.start();
        let mut events = 0;
        while probe.wants_more()
            && let Some((at, packed)) = self.next(until)
        {
            debug_assert!(at >= self.kernel.now, "time runs backwards");
            self.kernel.now = at;
            bump(&mut events);
            probe.saw(at, packed);
            let event = packed.event();
            if self.kernel.paused > 0 && self.hold_back(&event) {
                continue;
            }
            match event {
                Event::Arrive(call) => self.arrive(call),
                Event::Return(call) => self.come_back(call),
                Event::Expire(call) => self.expire(call),
                Event::HangUp(at, call) => self.hang_up(at, call),
                Event::Timer { epoch, owner, word } => self.timer(epoch, owner, word),
                Event::Station { node, turn } => self.station(node, turn),
                Event::Action(index) => self.act(index),
                Event::Sample => self.sample(),
            }
            if !self.kernel.settled.is_empty() {
                self.tell_forwarders();
            }
        }
        self.events += events;
        events
    }

    fn start(&mut self) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        for index in 0..self.components.len() {
            if self.kernel.seats[index].status == Status::Up {
                self.components[index].start(ComponentId(index as u32), &mut self.kernel);
            }
        }
    }

    /// Timeouts of calls that are over are dropped when they reach the front.
    #[inline]
    fn next(&mut self, until: Time) -> Option<(Time, Packed)> {
        let calls = &self.kernel.calls;
        let waits = |call: &Call| call.caller == Caller::Waiting && call.phase != Phase::Open;
        let live = |event: &Packed| match event.expired() {
            Some(id) => calls.get(id).is_some_and(waits),
            None => true,
        };
        self.kernel.queue.pop(until, live)
    }

    /// What is meant for a node that stands still waits there.
    #[cold]
    fn hold_back(&mut self, event: &Event) -> bool {
        let Some(id) = self.kernel.addressee(event) else { return false };
        if self.kernel.seat(id).status != Status::Paused {
            return false;
        }
        let node = self.kernel.node_of(id);
        self.kernel.nodes[node.0 as usize].backlog.push(*event);
        true
    }

    #[inline]
    fn arrive(&mut self, id: CallId) {
        let Some(call) = self.kernel.calls.get_mut(id) else { return };
        if call.phase == Phase::Lost {
            return self.kernel.forget(id);
        }
        call.phase = Phase::Held;
        let (at, op) = (call.at, call.request.op);
        let seat = &mut self.kernel.seats[at.0 as usize];
        if seat.status != Status::Up {
            return self.turn_away(id, at);
        }
        if op == OpId::PROBE {
            let answer = self.components[at.0 as usize].probe(at, id, &mut self.kernel);
            return self.kernel.reply(id, answer);
        }
        bump(&mut seat.arrived);
        if seat.errors > 0.0 {
            let coin = Coin { probability: seat.errors, stream: self.kernel.fate };
            if self.kernel.chance.toss(coin) {
                return self.kernel.reply(id, Answer::of(Outcome::Failed));
            }
        }
        self.components[at.0 as usize].call(at, id, &mut self.kernel);
    }

    #[cold]
    fn turn_away(&mut self, id: CallId, at: ComponentId) {
        let seat = self.kernel.seat(at);
        seat.turned_away += 1;
        match seat.status {
            Status::Down { silent: true } => self.kernel.lose(id),
            _ => self.kernel.reply(id, Answer::of(Outcome::Refused)),
        }
    }

    /// An answer comes back, one leg at a time; legs without delay within this event.
    #[inline]
    fn come_back(&mut self, id: CallId) {
        loop {
            let Some(call) = self.kernel.calls.get(id) else { return };
            let &Call { phase, caller, below, outcome, .. } = call;
            if matches!(phase, Phase::Granted | Phase::Open) {
                return self.deliver_grant(id);
            }
            if matches!(caller, Caller::Left | Caller::Died) {
                let edge = self.kernel.links[call.link.0 as usize].edge;
                self.kernel.meter.wasted(edge);
            }
            if below == NONE {
                return self.deliver(id);
            }
            self.kernel.settle_leg(id, outcome);
            if !self.kernel.next_leg_is_instant(id) {
                return;
            }
        }
    }

    #[inline]
    fn deliver(&mut self, id: CallId) {
        let Some(call) = self.kernel.calls.get(id) else { return };
        let &Call { ticket, sent, granted, .. } = call;
        let (waiting, answer) = (call.caller == Caller::Waiting, call.answer());
        let &Link { from, edge, .. } = &self.kernel.links[call.link.0 as usize];
        self.kernel.calls.discard(id);
        if !waiting {
            return;
        }
        if !granted {
            self.kernel.meter.settle(edge, answer.outcome, self.kernel.now - sent);
        }
        self.components[from.0 as usize].back(from, ticket, answer, &mut self.kernel);
    }

    /// A grant goes straight to the caller; the call stays open.
    fn deliver_grant(&mut self, id: CallId) {
        let Some(call) = self.kernel.calls.get_mut(id) else { return };
        if call.caller != Caller::Waiting {
            return;
        }
        let (ticket, answer) = (call.ticket, call.answer());
        let first = !std::mem::replace(&mut call.granted, true);
        call.phase = Phase::Open;
        let (link, since) = self.kernel.first_leg(id);
        if first {
            self.kernel.meter.settle(link.edge, answer.outcome, self.kernel.now - since);
        }
        let from = link.from;
        self.components[from.0 as usize].back(from, ticket, answer, &mut self.kernel);
    }

    #[cold]
    fn expire(&mut self, id: CallId) {
        let Some(call) = self.kernel.calls.get(id) else { return };
        let cancel = call.cancel;
        let from = self.kernel.first_leg(id).0.from;
        let Some(ticket) = self.kernel.leave(id, Outcome::TimedOut, cancel) else { return };
        let answer = Answer::of(Outcome::TimedOut);
        self.components[from.0 as usize].back(from, ticket, answer, &mut self.kernel);
    }

    /// The news that the caller has left reaches the callee.
    #[inline(never)]
    fn hang_up(&mut self, at: ComponentId, id: CallId) {
        let Some(call) = self.kernel.calls.get_mut(id) else { return };
        if call.at != at {
            // It was forwarded meanwhile: the news follows it.
            let onward = call.at;
            return self.kernel.send_hang_up(id, onward);
        }
        match call.phase {
            // The news has overtaken the call.
            Phase::Travelling => call.phase = Phase::Lost,
            Phase::Held if !self.kernel.seats[at.0 as usize].hears.hangup => {}
            Phase::Held | Phase::Granted | Phase::Open => {
                self.components[at.0 as usize].hangup(at, id, &mut self.kernel)
            }
            Phase::Answered | Phase::Lost => {}
        }
    }

    #[inline]
    fn timer(&mut self, epoch: u16, owner: ComponentId, word: u64) {
        if self.kernel.seats[owner.0 as usize].epoch == epoch {
            self.components[owner.0 as usize].timer(owner, word, &mut self.kernel);
        }
    }

    #[inline(never)]
    fn station(&mut self, id: NodeId, turn: u32) {
        let node = &mut self.kernel.nodes[id.0 as usize];
        if node.turn != turn {
            return;
        }
        node.planned = None;
        let now = self.kernel.now;
        while let Some(job) =
            self.kernel.nodes[id.0 as usize].station.as_mut().and_then(|s| s.complete(now))
        {
            self.timer(job.epoch, job.owner, job.word);
        }
        self.kernel.replan(id);
    }

    #[inline(never)]
    fn tell_forwarders(&mut self) {
        let mut told = 0;
        while let Some(&Settled { forwarder, port, outcome }) = self.kernel.settled.get(told) {
            told += 1;
            // Bookkeeping, not work: one that is paused or on its way out must not miss it.
            if !matches!(self.kernel.seat(forwarder).status, Status::Down { .. }) {
                let component = &mut self.components[forwarder.0 as usize];
                component.settle(forwarder, port, outcome, &mut self.kernel);
            }
        }
        self.kernel.settled.clear();
    }

    /// How many calls have not ended. Zero when a world without cuts has run dry.
    pub fn calls_in_flight(&self) -> usize {
        self.kernel.calls.len()
    }

    /// Whether nothing is left to happen: no call has not ended, and nothing is planned but the
    /// next sample. A timeout that is of no use any more counts until its time has come.
    pub fn is_still(&self) -> bool {
        self.calls_in_flight() == 0 && self.kernel.queue.len() <= 1
    }

    /// The requests behind all calls that have not ended.
    pub fn requests_in_flight(&self) -> impl Iterator<Item = Request> {
        self.kernel.calls.iter().map(|(_, call)| call.request)
    }

    /// The simulated time.
    pub fn now(&self) -> Time {
        self.kernel.now
    }
}
