//! The life of a call. It has two ends, and its record lives until both have let go.
//!
//! The callee can always read the request. Whoever answers a call whose caller has left has done
//! *wasted work*, and the kernel counts it without anyone's help. Cancellation is a message: it
//! takes a hop, a cut link stops it, a component may ignore it. An answer with `more` leaves the
//! call open: that one mechanism is locks, permits, transactions and subscriptions.

use crate::call::{Answer, CallId, Outcome, Request};
use crate::event::Event;
use crate::group::ComponentId;
use crate::kernel::{Kernel, Link, LinkId, Port};
use crate::time::{Span, Time};

/// Where a call stands, seen from the component it was made to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// On its way.
    Travelling,
    /// With the callee, which owes an answer.
    Held,
    /// Answered with `more`; that answer is on its way.
    Granted,
    /// The caller has the grant; both ends hold on.
    Open,
    /// Answered for good; the answer is on its way.
    Answered,
    /// The message, either way, was lost, or the callee is gone.
    Lost,
}

/// Where it stands, seen from the component that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Waiting,
    Left,
    /// Its process died: it has left without meaning to.
    Died,
    /// A one-way call: nobody ever waited.
    Nobody,
}

/// Both ends of a call, in 96 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub request: Request,
    /// On the way out the argument, on the way back the answer's value.
    pub value: i64,
    pub ticket: u64,
    pub sent: Time,
    pub link: LinkId,
    pub at: ComponentId,
    /// The legs beneath this one, if the call was forwarded.
    pub below: u32,
    pub version: u32,
    pub phase: Phase,
    pub caller: Caller,
    pub outcome: Outcome,
    /// The callee is told when the caller stops waiting.
    pub cancel: bool,
    /// The first answer was a grant: its time is already in the books.
    pub granted: bool,
}

impl Call {
    pub(crate) fn answer(&self) -> Answer {
        let more = matches!(self.phase, Phase::Granted | Phase::Open);
        Answer { value: self.value, version: self.version, outcome: self.outcome, more }
    }
}

/// One earlier leg of a forwarded call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    pub link: LinkId,
    pub at: ComponentId,
    pub below: u32,
    pub sent: Time,
}

/// No leg beneath.
pub(crate) const NONE: u32 = u32::MAX;

/// The terms of a call.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// What is asked.
    pub request: Request,
    /// One word of argument, which the callee reads with [`crate::Cx::argument`].
    pub arg: i64,
    /// How long the caller waits for the first answer; `None`: for ever.
    pub timeout: Option<Span>,
    /// Tell the callee when the caller stops waiting.
    pub cancel: bool,
}

impl Ask {
    /// Waits for ever.
    pub fn patient(request: Request) -> Ask {
        Ask { request, arg: 0, timeout: None, cancel: false }
    }
}

impl Kernel {
    #[inline(always)]
    pub(crate) fn call(&mut self, to: Port, ask: Ask, ticket: u64, caller: Caller) -> CallId {
        let link = &self.links[to.link.0 as usize];
        let at = ComponentId(link.first.0 + to.member as u32);
        let edge = link.edge;
        let id = self.calls.insert(Call {
            request: ask.request,
            value: ask.arg,
            ticket,
            sent: self.now,
            link: to.link,
            at,
            below: NONE,
            version: 0,
            phase: Phase::Travelling,
            caller,
            outcome: Outcome::TimedOut,
            cancel: ask.cancel,
            granted: false,
        });
        self.meter.asked(edge);
        if !self.travel(to.link, at, false, Event::Arrive(id)) {
            self.lose(id);
        }
        if let Some(timeout) = ask.timeout {
            self.queue.after(self.now, timeout, Event::Expire(id));
        }
        id
    }

    /// The message or the callee is gone: only the caller's end is left.
    pub(crate) fn lose(&mut self, id: CallId) {
        let Some(call) = self.calls.get_mut(id) else { return };
        call.phase = Phase::Lost;
        if call.caller != Caller::Waiting {
            self.forget(id);
        }
    }

    /// Passes a held call on: the answer and the hang-up pass the forwarder by.
    #[inline]
    pub(crate) fn forward(&mut self, id: CallId, to: Port) {
        let link = &self.links[to.link.0 as usize];
        let (at, edge) = (ComponentId(link.first.0 + to.member as u32), link.edge);
        let now = self.now;
        let Some(call) = self.calls.get_mut(id) else { return };
        assert_eq!(call.phase, Phase::Held, "only a held call can be forwarded");
        let leg = Leg { link: call.link, at: call.at, below: call.below, sent: call.sent };
        let below = match self.free_legs.pop() {
            Some(index) => {
                self.legs[index as usize] = leg;
                index
            }
            None => {
                self.legs.push(leg);
                self.legs.len() as u32 - 1
            }
        };
        (call.link, call.at, call.below, call.sent) = (to.link, at, below, now);
        call.phase = Phase::Travelling;
        self.meter.asked(edge);
        if !self.travel(to.link, at, false, Event::Arrive(id)) {
            self.lose(id);
        }
    }

    /// Answers a held or open call. A stale key is a call that a crash has ended: nothing happens.
    #[inline]
    pub(crate) fn reply(&mut self, id: CallId, answer: Answer) {
        let Some(call) = self.calls.get_mut(id) else { return };
        match call.phase {
            Phase::Held | Phase::Granted | Phase::Open => {}
            phase => unreachable!("answered a call that is {phase:?}"),
        }
        (call.value, call.version, call.outcome) = (answer.value, answer.version, answer.outcome);
        call.phase = if answer.more { Phase::Granted } else { Phase::Answered };
        let (link, at, below, caller, sent) =
            (call.link, call.at, call.below, call.caller, call.sent);
        if caller != Caller::Waiting && below == NONE {
            if !answer.more {
                self.answer_nobody(caller, link, answer.outcome, sent);
                self.forget(id);
            }
            return;
        }
        let delivered = match answer.more && below != NONE {
            false => self.travel(link, at, true, Event::Return(id)),
            true => self.grant_through(id),
        };
        if !delivered && !answer.more {
            self.lose(id);
        }
    }

    fn answer_nobody(&mut self, caller: Caller, link: LinkId, outcome: Outcome, sent: Time) {
        let edge = self.links[link.0 as usize].edge;
        match caller {
            Caller::Nobody => self.meter.settle(edge, outcome, self.now - sent),
            _ => self.meter.wasted(edge),
        }
    }

    /// A grant of a forwarded call: it passes all legs at once, and leaves them in place.
    fn grant_through(&mut self, id: CallId) -> bool {
        let mut span = Span::ZERO;
        for (link, at) in self.legs_of(id) {
            match self.hop(link, at, true) {
                Some(hop) => span += hop,
                None => return false,
            }
        }
        self.queue.at(self.now + span, Event::Return(id));
        true
    }

    /// The callee ends its end without an answer: it heard that the caller has left.
    pub(crate) fn let_go(&mut self, id: CallId) {
        let Some(call) = self.calls.get(id) else { return };
        assert!(call.caller != Caller::Waiting, "somebody waits for an answer");
        self.forget(id);
    }

    /// The caller stops waiting. With `tell`, the news follows the call, if the links allow it.
    /// Returns what the caller had noted about the call.
    pub(crate) fn leave(&mut self, id: CallId, outcome: Outcome, tell: bool) -> Option<u64> {
        let &Call { below, ticket, phase, caller, at, .. } = self.calls.get(id)?;
        if caller != Caller::Waiting {
            return None;
        }
        let (root, since) = self.first_leg(id);
        let edge = root.edge;
        if phase != Phase::Open {
            self.meter.settle(edge, outcome, self.now - since);
        }
        if matches!(phase, Phase::Answered) {
            self.meter.wasted(edge);
        }
        if matches!(phase, Phase::Answered | Phase::Lost) && below == NONE {
            self.forget(id);
            return Some(ticket);
        }
        if let Some(call) = self.calls.get_mut(id) {
            call.caller = Caller::Left;
        }
        if phase == Phase::Lost {
            self.forget(id);
        } else if tell {
            self.send_hang_up(id, at);
        }
        Some(ticket)
    }

    /// The link a call was first made on, and when.
    pub(crate) fn first_leg(&self, id: CallId) -> (Link, Time) {
        let call = self.calls.get(id).expect("whoever asks holds the call");
        let (mut link, mut below, mut sent) = (call.link, call.below, call.sent);
        while below != NONE {
            let leg = &self.legs[below as usize];
            (link, below, sent) = (leg.link, leg.below, leg.sent);
        }
        (self.links[link.0 as usize], sent)
    }

    /// Sends the answer over the leg that is last now; true if it is there at once.
    #[inline]
    pub(crate) fn next_leg_is_instant(&mut self, id: CallId) -> bool {
        let Some(call) = self.calls.get(id) else { return false };
        let (link, at) = (call.link, call.at);
        if self.is_instant(link, at) {
            return true;
        }
        if !self.travel(link, at, true, Event::Return(id)) {
            self.lose(id);
        }
        false
    }

    pub(crate) fn send_hang_up(&mut self, id: CallId, at: ComponentId) {
        let mut span = Span::ZERO;
        for (link, member) in self.legs_of(id) {
            match self.hop(link, member, false) {
                Some(hop) => span += hop,
                None => return,
            }
        }
        self.queue.at(self.now + span, Event::HangUp(at, id));
    }

    /// The links a call has passed, the last one first, each with the member it led to.
    pub(crate) fn legs_of(&self, id: CallId) -> Vec<(LinkId, ComponentId)> {
        let mut passed = Vec::new();
        let Some(call) = self.calls.get(id) else { return passed };
        passed.push((call.link, call.at));
        let mut next = call.below;
        while next != NONE {
            let leg = &self.legs[next as usize];
            passed.push((leg.link, leg.at));
            next = leg.below;
        }
        passed
    }

    /// Both ends have let go. Forwarders on the way are done with it too.
    pub(crate) fn forget(&mut self, id: CallId) {
        while self.calls.get(id).is_some_and(|call| call.below != NONE) {
            self.settle_leg(id, Outcome::Reset);
        }
        self.calls.discard(id);
    }

    /// Takes the last leg of a forwarded call off: its forwarder is done with the call.
    pub(crate) fn settle_leg(&mut self, id: CallId, outcome: Outcome) {
        let now = self.now;
        let Some(call) = self.calls.get_mut(id) else { return };
        let leg = self.legs[call.below as usize];
        self.free_legs.push(call.below);
        let link = &self.links[call.link.0 as usize];
        let member = (call.at.0 - link.first.0) as u16;
        let took = now - call.sent;
        let port = Port { link: call.link, member };
        (call.link, call.at, call.below, call.sent) = (leg.link, leg.at, leg.below, leg.sent);
        let (forwarder, edge) = (link.from, link.edge);
        self.meter.settle(edge, outcome, took);
        if self.seats[forwarder.0 as usize].hears.settle {
            self.settled.push(Settled { forwarder, port, outcome });
        }
    }

    /// A forwarder died: the connections on both of its sides break.
    pub(crate) fn sever(&mut self, id: CallId, tell: bool) {
        let Some(&far) = self.calls.get(id) else { return };
        let mut near = far;
        if let Some(call) = self.calls.get_mut(id) {
            (call.below, call.caller) = (NONE, Caller::Left);
        }
        if tell && !matches!(far.phase, Phase::Answered | Phase::Lost) {
            self.send_hang_up(id, far.at);
        }
        (near.phase, near.outcome) = (Phase::Answered, Outcome::Reset);
        let near = self.calls.insert(near);
        while self.calls.get(near).is_some_and(|call| call.below != NONE) {
            self.settle_leg(near, Outcome::Reset);
        }
        let Some(&Call { link, at, caller, .. }) = self.calls.get(near) else { return };
        if caller != Caller::Waiting {
            self.forget(near);
        } else if !tell || !self.travel(link, at, true, Event::Return(near)) {
            self.lose(near);
        }
    }
}

/// A call that was passed on is over: what its forwarder is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settled {
    pub forwarder: ComponentId,
    pub port: Port,
    pub outcome: Outcome,
}
