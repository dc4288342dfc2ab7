//! A gateway: a hop that routes calls to services, and balances them over their replicas.
//!
//! It either makes calls of its own, with its own timeouts and retries, as nginx and Envoy do for
//! HTTP; or passes calls on, so that the answer and the caller's hang-up go past it. Which one
//! matters in overload: with own calls a caller that has left is news only to the gateway.

use std::collections::BTreeMap;

use engine::{
    Answer, CallId, Component, ComponentId, Cx, Discipline, Gauges, GroupId, Hears, Key, OpId,
    Outcome, Port, Request, Slab, word,
};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::channel::{Asked, Caller, Channel, Next, Try};
use crate::wiring::{Offer, Wiring};

/// Routes calls to services and balances them.
///
/// Source: the proxy documentation of nginx (proxy_pass, proxy_next_upstream) and Envoy (router
/// filter, retry policy).
///
/// Connections to its targets, with TCP's or TLS's handshakes, are its policies' `connections`.
///
/// Not modelled: CPU time of the gateway itself, connections of its clients, buffering, HTTP/2
/// streams.
///
/// Example: `Gateway(replicas: 2, routes: { "/": "api" })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySpec {
    /// How many. Default: 1.
    #[serde(default = "one")]
    pub replicas: u16,
    /// Which operations go where: the longest route that `/operation` begins with decides.
    pub routes: BTreeMap<String, String>,
    /// Own calls, or passed on. Default: `Call`.
    #[serde(default)]
    pub proxy: Proxy,
    /// What others may ask: filled in from the targets before anything is built.
    #[serde(skip)]
    pub operations: BTreeMap<String, String>,
}

fn one() -> u16 {
    1
}

/// How a gateway hands calls on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Proxy {
    /// Makes a call of its own, with the timeouts and retries of its policy.
    #[default]
    Call,
    /// Passes the call on.
    Forward,
}

impl GatewaySpec {
    /// Works out which operation goes where, now that it is known what the targets offer.
    pub fn resolve(&mut self, offers: &BTreeMap<String, Offer>) {
        let mut operations = BTreeMap::new();
        for target in self.routes.values() {
            for operation in offers.get(target).map_or(&[][..], |offer| &offer.operations) {
                if let Some(target) = self.route(operation)
                    && offers.get(target).is_some_and(|it| it.operations.contains(operation))
                {
                    operations.insert(operation.clone(), target.to_string());
                }
            }
        }
        self.operations = operations;
    }

    fn route(&self, operation: &str) -> Option<&str> {
        let path = format!("/{operation}");
        let fits = self.routes.iter().filter(|(route, _)| path.starts_with(route.as_str()));
        fits.max_by_key(|(route, _)| route.len()).map(|(_, target)| target.as_str())
    }
}

impl ComponentSpec for GatewaySpec {
    fn members(&self) -> u16 {
        self.replicas
    }

    fn cpu(&self) -> Option<Discipline> {
        None
    }

    fn offer(&self) -> Offer {
        let operations = self.operations.keys().cloned().collect();
        Offer { kind: "Gateway", operations, ..Offer::default() }
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        for (route, target) in &self.routes {
            wiring.enter_name("routes");
            wiring.enter_name(route);
            if wiring.group(target).is_some() && !route.starts_with('/') {
                wiring.problem("a route begins with `/`");
            }
            wiring.leave();
            wiring.leave();
        }
        let members: Vec<ComponentId> = wiring.builder.declared(group).members().collect();
        for id in members {
            let proxy = self.one(name, id, wiring);
            wiring.builder.put(id, proxy);
        }
    }
}

impl GatewaySpec {
    fn one(&self, name: &str, id: ComponentId, wiring: &mut Wiring<'_>) -> Gateway {
        let mut gateway = Gateway {
            routes: Vec::new(),
            channels: Vec::new(),
            slots: Slab::default(),
            forwards: self.proxy == Proxy::Forward,
        };
        let mut known: Vec<String> = Vec::new();
        for (operation, target) in &self.operations {
            let from = wiring.builder.op(&format!("{name}.{operation}"));
            let to = wiring.builder.op(&format!("{target}.{operation}"));
            let place = known.iter().position(|name| name == target).unwrap_or_else(|| {
                let group = wiring.builder.find(target).expect("it offers operations");
                let policy = wiring.policy_without_pool(target);
                if self.proxy == Proxy::Forward {
                    passes_on(target, wiring);
                }
                gateway.channels.push(Channel::build(wiring, id, group, &policy, "channel"));
                known.push(target.clone());
                known.len() - 1
            });
            gateway.routes.push((from, to, place as u16));
        }
        gateway
    }
}

/// Reports what a gateway cannot do that passes calls on to `target`: the answers pass it by.
fn passes_on(target: &str, wiring: &mut Wiring<'_>) {
    let (own, policy) = (wiring.policies.get(target).cloned(), wiring.policy(target));
    let own = own.unwrap_or_default();
    let asks = [
        ("`timeout`", own.timeout.is_some()),
        ("`total`", own.total.is_some()),
        ("`retry`", own.retry.is_some()),
        ("`cancel`", own.cancel == Some(true)),
        ("`connections`", own.connections.is_some()),
        ("a balance that goes by latency", policy.balance.is_some_and(|it| it.learns())),
    ];
    let redirects = wiring.offers[target].partitions > 0;
    wiring.enter_name("proxy");
    let help = Some("proxy: Call makes calls of its own".to_string());
    for (what, _) in asks.iter().filter(|(_, said)| *said) {
        let message = format!("a gateway that passes calls on cannot heed {what} of `{target}`");
        wiring.problem_with(message, help.clone());
    }
    if redirects {
        let message =
            format!("a gateway that passes calls on cannot follow where `{target}` points");
        wiring.problem_with(message, help);
    }
    wiring.leave();
}

word! {
    /// What its timers mean.
    pub enum Timer {
        /// The pause before the next try of a call is over.
        Again(Key),
        /// A health check of a member (second) of a channel (first) is due.
        Check((u16, u32)),
    }
}

word! {
    /// What it remembers about its calls.
    pub enum Ticket {
        /// A call in hand.
        Slot(Key),
        /// A health check.
        Check((u16, u32)),
    }
}

/// A call in hand.
#[derive(Clone, Copy, Debug)]
struct Slot {
    call: CallId,
    tries: Try,
    op: OpId,
    channel: u16,
    /// The caller holds what it was granted; so does the gateway, until one of both lets go.
    granted: bool,
}

/// One gateway.
#[derive(Clone)]
pub struct Gateway {
    /// What is asked of it, what it asks, and over which channel.
    routes: Vec<(OpId, OpId, u16)>,
    channels: Vec<Channel>,
    slots: Slab<Slot>,
    forwards: bool,
}

impl Slot {
    /// What the gateway asks for it.
    #[inline]
    fn asked(&self, cx: &Cx<'_, Gateway>) -> Asked {
        let request = Request { op: self.op, ..cx.request(self.call) };
        Asked { request, arg: cx.argument(self.call) }
    }
}

impl Gateway {
    #[inline]
    fn ask(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let Some(slot) = self.slots.get_mut(key) else { return };
        let asked = slot.asked(cx);
        let channel = &mut self.channels[slot.channel as usize];
        let (ticket, again) = (Ticket::Slot(key), Timer::Again(key));
        if let Err(answer) = channel.ask(cx, &asked, &mut slot.tries, ticket, again) {
            let call = slot.call;
            self.slots.discard(key);
            cx.reply(call, answer);
        }
    }
}

impl Caller for Gateway {
    fn check(check: (u16, u32)) -> Ticket {
        Ticket::Check(check)
    }
}

impl Component for Gateway {
    type Timer = Timer;
    type Ticket = Ticket;
    type Lever = engine::Never;

    fn hears(&self) -> Hears {
        let cancels = self.channels.iter().any(Channel::cancels);
        let listens = self.channels.iter().any(Channel::listens);
        Hears { hangup: !self.forwards && cancels, settle: self.forwards && listens }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        for (index, channel) in self.channels.iter_mut().enumerate() {
            channel.start(cx, index as u16, |member| Timer::Check((index as u16, member)));
        }
    }

    #[inline]
    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let op = cx.request(call).op;
        let known = self.routes.iter().find(|(from, ..)| *from == op);
        let &(_, op, channel) = known.expect("callers ask for what is offered");
        if self.forwards {
            return self.channels[channel as usize].forward(cx, call, op);
        }
        let key = self.slots.insert(Slot { call, tries: Try::NONE, op, channel, granted: false });
        self.ask(key, cx);
    }

    #[inline]
    fn on_return(&mut self, ticket: Ticket, answer: Answer, cx: &mut Cx<'_, Self>) {
        let key = match ticket {
            Ticket::Slot(key) => key,
            Ticket::Check(check) => {
                let channel = &mut self.channels[check.0 as usize];
                return channel.checked(cx, check.1, answer, Timer::Check(check));
            }
        };
        let Some(slot) = self.slots.get_mut(key) else { return };
        if answer.more {
            slot.granted = true;
            return cx.reply(slot.call, answer);
        }
        let channel = &mut self.channels[slot.channel as usize];
        if channel.goes_on(&answer, &slot.tries) {
            let asked = slot.asked(cx);
            let (ticket, again) = (Ticket::Slot(key), Timer::Again(key));
            if let Err(answer) = channel.go_on(cx, &asked, &answer, &mut slot.tries, ticket, again)
            {
                let call = slot.call;
                self.slots.discard(key);
                cx.reply(call, answer);
            }
            return;
        }
        let next = channel.done(cx, &mut slot.tries, answer.outcome);
        // A grant that breaks is not asked for again: who held it must hear that it is gone.
        let next = if slot.granted { Next::Over } else { next };
        match next {
            Next::Again(pause) if pause.is_zero() => self.ask(key, cx),
            Next::Again(pause) => cx.after(pause, Timer::Again(key)),
            Next::Over => {
                let call = slot.call;
                self.slots.discard(key);
                cx.reply(call, answer);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Again(key) => self.ask(key, cx),
            Timer::Check((channel, member)) => {
                let check = (channel, member);
                let channel = &mut self.channels[channel as usize];
                channel.check(cx, member, Timer::Check(check), Ticket::Check(check));
            }
        }
    }

    /// The caller has left: so does the gateway, if its policy says so or it holds a grant. Rare
    /// enough to look through all it has in hand.
    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let of = |(_, slot): &(Key, &Slot)| slot.call == call;
        let found = self.slots.iter().find(of).map(|(key, _)| key);
        let Some(key) = found else { return };
        let Some(slot) = self.slots.get_mut(key) else { return };
        let channel = &mut self.channels[slot.channel as usize];
        if slot.granted || channel.cancels() {
            match slot.granted {
                true => channel.let_go(cx, &mut slot.tries),
                false => channel.abandon(cx, &mut slot.tries),
            }
            self.slots.discard(key);
            cx.let_go(call);
        }
    }

    fn on_settle(&mut self, port: Port, outcome: Outcome, cx: &mut Cx<'_, Self>) {
        if let Some(channel) = self.channels.iter_mut().find(|channel| channel.owns(port)) {
            channel.settled(cx, port, outcome);
        }
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("running", self.slots.len() as f64);
        let waiting: Vec<usize> = self.channels.iter().filter_map(Channel::waiting).collect();
        if !waiting.is_empty() {
            out.level("queue", waiting.iter().sum::<usize>() as f64);
        }
    }
}
