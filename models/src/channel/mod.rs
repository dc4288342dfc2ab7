//! All that a caller keeps about one callee group: whom it believes ready, whose turn it is, how
//! long to wait, whether to try again. Gateways, services and traffic all hold channels, so every
//! caller instance has its own counts and its own stale view, as in life.

mod build;
mod connect;
mod connections;
mod end;
mod pick;
mod probes;
mod tries;
mod watch;

use engine::chance::StreamId;
use engine::{
    Answer, Ask, Belief, CallId, Component, Cx, GroupId, LinkId, OpId, Outcome, Port, Request,
    Span, Time,
};

pub use probes::{ASKS_FOR_LOAD, Caller};
pub use tries::{Asked, Next, Try};

use crate::database::copies::Route;
use crate::policy::balance::Balance;
use crate::policy::retry::Retry;
use crate::policy::view::View;
use crate::redis::client::Reader;
use crate::redis::cluster::ASK;
use connections::Connections;

/// One caller's way to one group.
#[derive(Clone, Debug)]
pub struct Channel {
    group: GroupId,
    link: LinkId,
    /// Of a store that spreads keys: who keeps which.
    balance: Balance,
    /// Of a Redis Cluster: the map of its slots.
    slots: Option<Reader>,
    /// Of a caller that just knows who is up: what it knows.
    belief: Belief,
    /// The same: who can be asked, in order; never empty.
    ready: Vec<u16>,
    /// Of any other caller.
    view: Option<Box<View>>,
    /// Room for a list of members while one is picked.
    others: Vec<u16>,
    /// The same rule for members of lower priorities.
    lower: Vec<Balance>,
    /// Calls in hand per member; kept only where the balance asks for it.
    in_hand: Vec<u32>,
    counts: bool,
    connections: Option<Box<Connections>>,
    timeout: Option<Span>,
    total: Option<Span>,
    cancel: bool,
    retry: Option<Retry>,
    /// A retry goes to another member than the try before it.
    elsewhere: bool,
    stream: StreamId,
    members: u16,
    /// Which of its owner's channels it is.
    place: u16,
    /// Which of its owner's pools of connections it is to use.
    pub pool: Option<u16>,
    /// Of a database with replicas: whom it goes to.
    pub route: Option<Box<Route>>,
    /// The one that it always asks: its group's only member, or the one inside the caller.
    only: Option<u16>,
    /// Nothing is learnt, counted or given back when a try ends, and there is no other try.
    plain: bool,
}

/// So many redirections of one question are followed.
const MOST_HOPS: u8 = 8;

impl Channel {
    /// How many wait for a connection; `None` if nobody ever does.
    pub fn waiting(&self) -> Option<usize> {
        self.connections.as_ref().map(|pool| pool.waiting())
    }

    /// Whether it wants to know how calls that were passed on end.
    pub fn listens(&self) -> bool {
        self.counts || self.view.as_ref().is_some_and(|view| view.listens())
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

    /// Picks a member and asks it, as soon as there is a connection: `again` brings a try back
    /// that had to wait for one. `Err` if time is up before anybody is asked, or if there is
    /// nobody to ask.
    #[inline]
    pub fn ask<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
        again: C::Timer,
    ) -> Result<(), Answer> {
        if tries.stands_in_line() {
            return self.woken(cx, asked, tries, ticket, again);
        }
        let picked = match tries.made {
            0 => self.pick(cx, |key| key.of(&asked.request)),
            _ => self.pick_again(cx, tries.member, asked),
        };
        let Some(member) = picked else { return self.nobody(cx, asked, tries, again) };
        self.try_member(cx, asked, member, tries, ticket, again)
    }

    /// Asks a certain member: a place that the caller knows.
    #[inline]
    pub fn ask_member<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        member: u16,
        tries: &mut Try,
        ticket: C::Ticket,
        again: C::Timer,
    ) -> Result<(), Answer> {
        if tries.stands_in_line() {
            return self.woken(cx, asked, tries, ticket, again);
        }
        self.try_member(cx, asked, member, tries, ticket, again)
    }

    /// A try of its own.
    #[inline]
    fn try_member<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        member: u16,
        tries: &mut Try,
        ticket: C::Ticket,
        again: C::Timer,
    ) -> Result<(), Answer> {
        if tries.made == 0 {
            self.first_try(cx, asked, tries);
        }
        if tries.deadline <= cx.now() {
            return Err(Answer::of(Outcome::TimedOut));
        }
        tries.made = tries.made.saturating_add(1);
        self.reach(cx, asked, member, tries, ticket, again)
    }

    /// When all tries of a question end, and what it pays for those to come.
    #[inline]
    fn first_try<C: Component>(&mut self, cx: &Cx<'_, C>, asked: &Asked, tries: &mut Try) {
        tries.deadline = asked.request.deadline;
        if let Some(total) = self.total {
            tries.deadline = tries.deadline.min(cx.now() + total);
        }
        if let Some(retry) = &mut self.retry {
            retry.first_try();
        }
    }

    /// Asks a member, in the same try, as soon as there is a connection.
    #[inline]
    fn reach<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        member: u16,
        tries: &mut Try,
        ticket: C::Ticket,
        again: C::Timer,
    ) -> Result<(), Answer> {
        tries.member = member;
        if self.counts {
            self.in_hand[member as usize] += 1;
            tries.since = cx.now();
            self.probe(cx, member);
        }
        if self.connections.is_some() {
            return self.acquire(cx, asked, tries, ticket, again);
        }
        self.send(cx, asked, tries, ticket);
        Ok(())
    }

    /// Makes the call of a try.
    #[inline(always)]
    fn send<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
    ) {
        let mut timeout = self.timeout;
        if tries.deadline != Time::NEVER {
            let left = tries.deadline.since(cx.now());
            timeout = Some(timeout.map_or(left, |timeout| timeout.min(left)));
        }
        let mut request = asked.request;
        request.attempt = tries.made - 1;
        request.deadline = tries.deadline;
        let ask = Ask { request, arg: asked.arg, timeout, cancel: self.cancel };
        tries.call = cx.call(Port { link: self.link, member: tries.member }, ask, ticket);
    }

    /// Whether an answer is not the end of a try: a step of a handshake, or the name of another
    /// member that is still to be asked. A question is not passed around for ever.
    #[inline]
    pub fn goes_on(&self, answer: &Answer, tries: &Try) -> bool {
        match answer.outcome {
            Outcome::Done => tries.shakes_hands(),
            Outcome::Redirected => {
                tries.hops < MOST_HOPS && (0..i64::from(self.members)).contains(&answer.value)
            }
            _ => false,
        }
    }

    /// Goes on with a handshake; or asks the member that an answer has named, and remembers it.
    pub fn go_on<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        answer: &Answer,
        tries: &mut Try,
        ticket: C::Ticket,
        again: C::Timer,
    ) -> Result<(), Answer> {
        if answer.outcome == Outcome::Done {
            self.shaken(cx, asked, tries, ticket);
            return Ok(());
        }
        let member = answer.value as u16;
        self.done(cx, tries, Outcome::Redirected);
        self.redirected(cx, &asked.request, answer);
        if tries.deadline <= cx.now() {
            return Err(Answer::of(Outcome::TimedOut));
        }
        tries.hops += 1;
        self.reach(cx, asked, member, tries, ticket, again)
    }

    /// An answer has named another member as the one to ask; unless that is for this once, it is
    /// remembered.
    fn redirected<C: Component>(&mut self, cx: &mut Cx<'_, C>, request: &Request, answer: &Answer) {
        let member = answer.value as u16;
        let Some(key) = self.balance.key().filter(|_| answer.version != ASK) else { return };
        self.balance.redirected(key.of(request), member);
        if let Some(slots) = &mut self.slots {
            slots.refresh(cx, &mut self.balance, (self.link, member));
        }
    }

    /// The key that a request goes by, if the rule asks for one; else its root.
    pub fn key_of(&self, request: &Request) -> u64 {
        self.balance.key().map_or(request.root, |key| key.of(request))
    }

    /// The member that keeps `key`, as far as this caller knows.
    pub fn home(&mut self, key: u64, now: Time) -> u16 {
        self.balance.pick(&self.ready, key, now, |_| 0, |_| 0)
    }

    /// Says something that needs no answer.
    pub fn tell<C: Component>(&mut self, cx: &mut Cx<'_, C>, request: Request, arg: i64) {
        if let Some(member) = self.pick(cx, |key| key.of(&request)) {
            cx.tell(Port { link: self.link, member }, request, arg);
        }
    }

    /// Says something to every member: nobody waits, and who is not there does not hear it.
    pub fn tell_all<C: Component>(&mut self, cx: &mut Cx<'_, C>, asked: &Asked) {
        for member in 0..self.members {
            cx.tell(Port { link: self.link, member }, asked.request, asked.arg);
        }
    }

    /// Passes a held call on to a member of its choice, as operation `op`.
    #[inline]
    pub fn forward<C: Caller>(&mut self, cx: &mut Cx<'_, C>, call: CallId, op: OpId) {
        cx.readdress(call, op);
        let key = self.balance.key().map_or(0, |key| key.of(&cx.request(call)));
        let Some(member) = self.pick(cx, |_| key) else {
            return cx.reply(call, Answer::of(Outcome::Refused));
        };
        if self.counts {
            self.in_hand[member as usize] += 1;
            self.probe(cx, member);
        }
        cx.forward(call, Port { link: self.link, member });
    }

    /// A forwarded call is over. Whether its caller has left or its callee has died cannot be
    /// told apart: neither is held against the member.
    pub fn settled<C: Component>(&mut self, cx: &mut Cx<'_, C>, port: Port, outcome: Outcome) {
        self.lay_down(port.member);
        if outcome != Outcome::Reset {
            self.learn(cx, port.member, outcome);
        }
    }

    /// Whether `port` is of this channel.
    pub fn owns(&self, port: Port) -> bool {
        port.link == self.link
    }

    /// In which level of priority a member is.
    #[inline]
    fn level_of(&self, member: u16) -> usize {
        match &self.view {
            Some(view) if !self.lower.is_empty() => view.level_of(member),
            _ => 0,
        }
    }

    /// The rule by which a member is picked.
    #[inline]
    fn balance_of(&mut self, member: u16) -> &mut Balance {
        let level = self.level_of(member);
        level.checked_sub(1).map_or(&mut self.balance, |below| &mut self.lower[below])
    }
}
