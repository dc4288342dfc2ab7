//! All that a caller keeps about one callee group: whom it believes ready, whose turn it is, how
//! long to wait, whether to try again. Gateways, services and traffic all hold channels, so every
//! caller instance has its own counts and its own stale view, as in life.

mod checks;
mod probes;

use engine::chance::StreamId;
use engine::{
    Answer, Ask, Belief, CallId, Component, ComponentId, Cx, GroupId, Key, LinkId, MemberState,
    OpId, Outcome, Port, Request, Span, Time,
};

use checks::Checks;
pub use probes::{ASKS_FOR_LOAD, Caller};

use crate::database::copies::Route;
use crate::key::KeyOf;
use crate::policy::balance::Balance;
use crate::policy::retry::Retry;
use crate::policy::spec::{BalanceSpec, Policy};
use crate::wiring::Wiring;

/// One caller's way to one group.
#[derive(Clone, Debug)]
pub struct Channel {
    group: GroupId,
    link: LinkId,
    /// Of a store that spreads keys: who keeps which.
    balance: Balance,
    belief: Belief,
    checks: Option<Checks>,
    /// Who can be asked, in order; never empty.
    ready: Vec<u16>,
    /// Calls in hand per member; kept only where the balance asks for it.
    in_hand: Vec<u32>,
    counts: bool,
    timeout: Option<Span>,
    total: Option<Span>,
    cancel: bool,
    retry: Option<Retry>,
    stream: StreamId,
    members: u16,
    /// Which of its owner's channels it is.
    place: u16,
    /// Which of its owner's pools of connections it is to use.
    pub pool: Option<u16>,
    /// Of a database with replicas: whom it goes to.
    pub route: Option<Box<Route>>,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The request, with the operation of the callee.
    pub request: Request,
    /// One word of argument.
    pub arg: i64,
}

/// The tries made for one question: kept by whoever asks.
#[derive(Clone, Copy, Debug)]
pub struct Try {
    /// The call in flight.
    pub call: CallId,
    /// All tries together end here.
    pub deadline: Time,
    /// When the present try was made; kept only where the balance asks for it.
    since: Time,
    pause: Span,
    /// Over which of its owner's channels a grant is held.
    pub channel: u16,
    /// What was granted, if the callee tells one from the other by a number.
    pub grant: u16,
    /// The member asked last.
    pub member: u16,
    /// Tries made.
    pub made: u8,
    /// It has a connection of a pool.
    pub lent: bool,
}

impl Try {
    /// Nothing asked yet.
    pub const NONE: Try = Try {
        call: Key::NONE,
        deadline: Time::NEVER,
        since: Time::ZERO,
        pause: Span::ZERO,
        channel: 0,
        grant: 0,
        member: 0,
        made: 0,
        lent: false,
    };
}

/// What comes after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// That was the last one: its outcome stands.
    Over,
    /// Ask again after this pause.
    Again(Span),
}

impl Channel {
    /// The channel of `from` to `to` under a policy.
    pub fn build(
        wiring: &mut Wiring<'_>,
        from: ComponentId,
        to: GroupId,
        policy: &Policy,
        purpose: &str,
    ) -> Channel {
        let group = wiring.builder.declared(to);
        let (name, members) = (group.name.clone(), group.size);
        let link = wiring.builder.link(from, to);
        let owner = format!("{} to {name}", wiring.builder.name(from));
        let stream = wiring.builder.stream(&owner, purpose);
        let by = wiring.offers.get(&name).and_then(|offer| offer.by.clone());
        // What is wrong with a rule is reported once: by the store, or where policies are checked.
        let known = wiring.problems.len();
        let spread = by.and_then(|by| by.build(members, wiring));
        let balance = match spread {
            Some(spread) => Balance::of(spread),
            None => {
                let rule = policy.balance.clone().unwrap_or(BalanceSpec::RoundRobin);
                rule.build(members, from.0, wiring).unwrap_or(Balance::Random)
            }
        };
        wiring.problems.truncate(known);
        let checks = policy.view.as_ref().and_then(|view| Checks::new(view, members));
        let counts = balance.counts();
        Channel {
            group: to,
            link,
            balance,
            belief: Belief::new(members),
            checks,
            ready: (0..members).collect(),
            in_hand: vec![0; if counts { members as usize } else { 0 }],
            counts,
            timeout: policy.timeout.map(|span| span.0),
            total: policy.total.map(|span| span.0),
            cancel: policy.cancel.unwrap_or(false),
            retry: policy.retry.as_ref().map(Retry::new),
            stream,
            members,
            place: 0,
            pool: None,
            route: None,
        }
    }

    /// Whether a question may take more than one call, or be given up.
    pub fn is_plain(&self) -> bool {
        self.timeout.is_none() && self.total.is_none() && self.retry.is_none()
    }

    /// Whether it counts the calls that each member has in hand.
    pub fn counts(&self) -> bool {
        self.counts
    }

    /// Overrides how long one try may take.
    pub fn set_timeout(&mut self, timeout: Span) {
        self.timeout = Some(timeout);
    }

    /// The callee is told when the caller stops waiting: what is asked for is to be held.
    pub fn tell_when_leaving(&mut self) {
        self.cancel = true;
    }

    /// Whether the callee is told.
    pub fn cancels(&self) -> bool {
        self.cancel
    }

    /// Which members answer this channel's calls.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Picks a member and asks it. `Err` if time is up before anybody is asked.
    #[inline]
    pub fn ask<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
    ) -> Result<(), Answer> {
        let member = self.pick(cx, |key| key.of(&asked.request));
        self.ask_member(cx, asked, member, tries, ticket)
    }

    /// Asks a certain member: the answer to a redirection, or a place that the caller knows.
    #[inline]
    pub fn ask_member<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        member: u16,
        tries: &mut Try,
        ticket: C::Ticket,
    ) -> Result<(), Answer> {
        if tries.made == 0 {
            tries.deadline = asked.request.deadline;
            if let Some(total) = self.total {
                tries.deadline = tries.deadline.min(cx.now() + total);
            }
            if let Some(retry) = &mut self.retry {
                retry.first_try();
            }
        }
        let mut timeout = self.timeout;
        if tries.deadline != Time::NEVER {
            let left = tries.deadline.since(cx.now());
            if left.is_zero() {
                return Err(Answer::of(Outcome::TimedOut));
            }
            timeout = Some(timeout.map_or(left, |timeout| timeout.min(left)));
        }
        let mut request = asked.request;
        request.attempt = tries.made;
        request.deadline = tries.deadline;
        tries.made = tries.made.saturating_add(1);
        tries.member = member;
        if self.counts {
            self.in_hand[member as usize] += 1;
            tries.since = cx.now();
            self.probe(cx);
        }
        let ask = Ask { request, arg: asked.arg, timeout, cancel: self.cancel };
        tries.call = cx.call(Port { link: self.link, member }, ask, ticket);
        Ok(())
    }

    /// An answer has named another member as the one to ask.
    pub fn redirected(&mut self, request: &Request, member: u16) {
        if let Some(key) = self.balance.key() {
            self.balance.redirected(key.of(request), member);
        }
    }

    /// Says something that needs no answer.
    pub fn tell<C: Component>(&mut self, cx: &mut Cx<'_, C>, request: Request, arg: i64) {
        let member = self.pick(cx, |key| key.of(&request));
        cx.tell(Port { link: self.link, member }, request, arg);
    }

    /// Passes a held call on to a member of its choice, as operation `op`.
    #[inline]
    pub fn forward<C: Caller>(&mut self, cx: &mut Cx<'_, C>, call: CallId, op: OpId) {
        cx.readdress(call, op);
        let key = self.balance.key().map_or(0, |key| key.of(&cx.request(call)));
        let member = self.pick(cx, |_| key);
        if self.counts {
            self.in_hand[member as usize] += 1;
            self.probe(cx);
        }
        cx.forward(call, Port { link: self.link, member });
    }

    /// A forwarded call is over.
    pub fn settled(&mut self, port: Port) {
        if self.counts {
            self.in_hand[port.member as usize] -= 1;
        }
    }

    /// Whether `port` is of this channel.
    pub fn owns(&self, port: Port) -> bool {
        port.link == self.link
    }

    /// A try has ended. Says whether there is another, and after which pause.
    #[inline]
    pub fn done<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        tries: &mut Try,
        outcome: Outcome,
    ) -> Next {
        tries.call = Key::NONE;
        if self.counts {
            self.in_hand[tries.member as usize] -= 1;
            self.balance.heard(tries.member, cx.now().since(tries.since), cx.now());
        }
        let Some(retry) = &mut self.retry else { return Next::Over };
        if !retry.may(tries.made, outcome) {
            return Next::Over;
        }
        let stream = self.stream;
        let pause = retry.backoff.pause(u32::from(tries.made), tries.pause, || cx.unit(stream));
        tries.pause = pause;
        if cx.now() + pause >= tries.deadline {
            return Next::Over;
        }
        retry.pay();
        Next::Again(pause)
    }

    /// The caller gives up a try in flight, or lets go of a grant.
    pub fn abandon<C: Component>(&mut self, cx: &mut Cx<'_, C>, tries: &mut Try) {
        if cx.hang_up(tries.call) && self.counts {
            self.in_hand[tries.member as usize] -= 1;
        }
        tries.call = Key::NONE;
    }

    /// A grant in hand was broken by a crash of whoever gave it.
    pub fn broken(&mut self, tries: &mut Try) {
        if self.counts {
            self.in_hand[tries.member as usize] -= 1;
        }
        tries.call = Key::NONE;
    }

    #[inline]
    fn pick<C: Component>(&mut self, cx: &mut Cx<'_, C>, key: impl Fn(KeyOf) -> u64) -> u16 {
        if self.members == 1 {
            return 0;
        }
        if cx.catch_up(self.group, &mut self.belief, Span::ZERO) {
            self.believe();
        }
        if let Some(route) = &mut self.route {
            let now = cx.now();
            return route.pick(cx.ledger(), now, &self.ready, key);
        }
        let key = self.balance.key().map_or(0, key);
        let (in_hand, stream) = (&self.in_hand, self.stream);
        let count = |member: u16| in_hand[member as usize];
        self.balance.pick(&self.ready, key, cx.now(), count, |n| cx.below(stream, n))
    }

    /// What it has learnt changes who can be asked. If nobody can, everybody is: as nginx and
    /// Envoy (its panic mode) do, because the checks may be what is wrong.
    #[cold]
    fn believe(&mut self) {
        let present = |member: &u16| self.belief.state(*member) != MemberState::Gone;
        let present: Vec<u16> = (0..self.members).filter(present).collect();
        if !present.is_empty() {
            self.balance.members_are(&present);
        }
        let ready = |member: &u16| {
            let state = self.belief.state(*member);
            match &self.checks {
                // Somebody who checks for itself does not hear of crashes.
                Some(checks) => {
                    checks.health[*member as usize].healthy
                        && matches!(state, MemberState::Ready | MemberState::Down)
                }
                None => state == MemberState::Ready,
            }
        };
        self.ready = (0..self.members).filter(ready).collect();
        if self.ready.is_empty() {
            self.ready = present;
        }
        if self.ready.is_empty() {
            self.ready = (0..self.members).collect();
        }
    }
}
