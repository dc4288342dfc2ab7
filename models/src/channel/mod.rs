//! All that a caller keeps about one callee group: whom it believes ready, whose turn it is, how
//! long to wait, whether to try again. Gateways, services and traffic all hold channels, so every
//! caller instance has its own counts and its own stale view, as in life.

mod connect;
mod connections;
mod pick;
mod probes;
mod watch;

use engine::chance::StreamId;
use engine::{
    Answer, Ask, Belief, CallId, Component, ComponentId, Cx, GroupId, Key, LinkId, OpId, Outcome,
    Port, Request, Span, Time,
};

pub use probes::{ASKS_FOR_LOAD, Caller};

use crate::database::copies::Route;
use crate::policy::balance::Balance;
use crate::policy::retry::Retry;
use crate::policy::spec::{BalanceSpec, LocalitySpec, Policy, ViewSpec};
use crate::policy::view::View;
use crate::wiring::Wiring;
use connections::Connections;

/// One caller's way to one group.
#[derive(Clone, Debug)]
pub struct Channel {
    group: GroupId,
    link: LinkId,
    /// Of a store that spreads keys: who keeps which.
    balance: Balance,
    /// Of a caller that just knows who is up: what it knows.
    belief: Belief,
    /// The same: who can be asked, in order; never empty.
    ready: Vec<u16>,
    /// Of any other caller.
    view: Option<Box<View>>,
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
    stream: StreamId,
    members: u16,
    /// Which of its owner's channels it is.
    place: u16,
    /// Which of its owner's pools of connections it is to use.
    pub pool: Option<u16>,
    /// Of a database with replicas: whom it goes to.
    pub route: Option<Box<Route>>,
}

/// So many tries of one question follow redirections.
const MOST_HOPS: u8 = 8;

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
    /// Where it waits for a connection, from 1 on; 0: nowhere.
    place: u16,
    /// Tries made.
    pub made: u8,
    /// It has a connection of a pool.
    pub lent: bool,
    /// How far it is with its connection: see [`connect`].
    stage: u8,
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
        place: 0,
        made: 0,
        lent: false,
        stage: 0,
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
        let probe = match policy.view.as_ref().and_then(ViewSpec::asks) {
            Some(operation) => wiring.builder.op(&format!("{name}.{operation}")),
            None => OpId::PROBE,
        };
        let levels = levels(wiring, from, to, policy);
        let crowd = !wiring.offers.contains_key(&wiring.builder.group_name(from));
        let view = View::new(policy, probe, levels, crowd).map(Box::new);
        let lower = view.as_ref().map_or(0, |view| view.levels() - 1);
        let counts = balance.counts();
        Channel {
            group: to,
            link,
            belief: Belief::new(members),
            ready: (0..members).collect(),
            lower: vec![balance.clone(); lower],
            balance,
            view,
            in_hand: vec![0; if counts { members as usize } else { 0 }],
            counts,
            connections: policy
                .connections
                .as_ref()
                .map(|spec| Box::new(Connections::new(spec, members))),
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
            return self.woken(cx, asked, tries, ticket);
        }
        let Some(member) = self.pick(cx, |key| key.of(&asked.request)) else {
            return Err(Answer::of(Outcome::Refused));
        };
        self.ask_member(cx, asked, member, tries, ticket, again)
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
        again: C::Timer,
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
        if tries.deadline <= cx.now() {
            return Err(Answer::of(Outcome::TimedOut));
        }
        tries.made = tries.made.saturating_add(1);
        tries.member = member;
        if self.counts {
            self.in_hand[member as usize] += 1;
            tries.since = cx.now();
            self.probe(cx);
        }
        if self.connections.is_some() {
            return self.acquire(cx, asked, tries, ticket, again);
        }
        self.send(cx, asked, tries, ticket);
        Ok(())
    }

    /// Makes the call of a try.
    #[inline]
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
                tries.made < MOST_HOPS && (0..i64::from(self.members)).contains(&answer.value)
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
        if let Some(key) = self.balance.key() {
            self.balance.redirected(key.of(&asked.request), member);
        }
        self.ask_member(cx, asked, member, tries, ticket, again)
    }

    /// Says something that needs no answer.
    pub fn tell<C: Component>(&mut self, cx: &mut Cx<'_, C>, request: Request, arg: i64) {
        if let Some(member) = self.pick(cx, |key| key.of(&request)) {
            cx.tell(Port { link: self.link, member }, request, arg);
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
            self.probe(cx);
        }
        cx.forward(call, Port { link: self.link, member });
    }

    /// A forwarded call is over. Whether its caller has left or its callee has died cannot be
    /// told apart: neither is held against the member.
    pub fn settled<C: Component>(&mut self, cx: &mut Cx<'_, C>, port: Port, outcome: Outcome) {
        if self.counts {
            self.in_hand[port.member as usize] -= 1;
        }
        if outcome != Outcome::Reset {
            self.learn(cx, port.member, outcome);
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
        self.release(cx, tries, connect::is_sound(outcome));
        if self.counts {
            self.in_hand[tries.member as usize] -= 1;
            let (took, now) = (cx.now().since(tries.since), cx.now());
            self.balance_of(tries.member).heard(tries.member, took, now);
        }
        if self.view.is_some() {
            self.learn(cx, tries.member, outcome);
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
        if tries.stands_in_line() {
            return self.step_out(cx, tries);
        }
        if cx.hang_up(tries.call) && self.counts {
            self.in_hand[tries.member as usize] -= 1;
        }
        self.release(cx, tries, false);
        tries.call = Key::NONE;
    }

    /// A grant in hand was broken by a crash of whoever gave it.
    pub fn broken<C: Component>(&mut self, cx: &mut Cx<'_, C>, tries: &mut Try) {
        self.release(cx, tries, false);
        if self.counts {
            self.in_hand[tries.member as usize] -= 1;
        }
        tries.call = Key::NONE;
    }

    /// The rule by which a member is picked.
    #[inline]
    fn balance_of(&mut self, member: u16) -> &mut Balance {
        let level = match &self.view {
            Some(view) if !self.lower.is_empty() => view.level_of(member),
            _ => 0,
        };
        level.checked_sub(1).map_or(&mut self.balance, |below| &mut self.lower[below])
    }
}

/// In which level of priority each member is, as seen by a caller.
fn levels(wiring: &mut Wiring<'_>, from: ComponentId, to: GroupId, policy: &Policy) -> Vec<u8> {
    let builder = &wiring.builder;
    let zones: Vec<&str> = builder.declared(to).members().map(|it| builder.zone_of(it)).collect();
    match &policy.locality {
        None => vec![0; zones.len()],
        Some(LocalitySpec::Order(order)) => {
            let place = |zone: &&str| order.iter().position(|it| it == zone);
            zones.iter().map(|zone| place(zone).unwrap_or(order.len()) as u8).collect()
        }
        Some(LocalitySpec::SameZone) => {
            let near = wiring.near.clone().unwrap_or_else(|| builder.zone_of(from).to_string());
            let levels = zones.iter().map(|zone| u8::from(*zone != near)).collect();
            if near.is_empty() && builder.zones().len() > 1 {
                let help = Some("say where they are: near: \"a\"".to_string());
                wiring.problem_with("these users are in no zone, and prefer their own", help);
            }
            levels
        }
    }
}
