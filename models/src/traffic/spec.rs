//! Traffic as a scenario writes it, and how a source is built.

use std::collections::BTreeMap;
use std::fmt;

use engine::chance::{NumberSampler, Sampler};
use engine::{ComponentId, GroupId, Span};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

use super::profile::{Leg, Profile};
use super::source::{Arrivals, Choice, Draw, Loop, Plan, Source};
use crate::channel::Channel;
use crate::dist::{Dist, NumberSpec};
use crate::flow::compile::Compiler;
use crate::flow::machine::Machine;
use crate::flow::spec::Step;
use crate::units::{Dur, Rate};
use crate::wiring::{Wiring, did_you_mean};

/// Who asks.
#[derive(Clone, Debug, Deserialize)]
pub enum TrafficSpec {
    /// Users who arrive by the clock, whatever becomes of them.
    /// Example: `Open(rate: "100/s", to: "api.get")`
    Open(OpenSpec),
    /// So many users, each of whom waits for the answer and thinks before asking again.
    /// Example: `Closed(users: 50, think: Exp("2s"), to: "api.get")`
    Closed(ClosedSpec),
}

/// Users who arrive by the clock.
///
/// Source: Schroeder, Wierman and Harchol-Balter, "Open Versus Closed: A Cautionary Tale" (2006).
///
/// Not modelled: users who reload or come again.
///
/// Example: `Open(rate: [Hold("100/s", "60s"), Ramp("500/s", "5s"), Hold("500/s")], to: "api.get")`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenSpec {
    /// How many when: `"100/s"`, or legs.
    pub rate: RateSpec,
    /// How they are spread. Default: `Poisson`.
    #[serde(default)]
    pub arrivals: Spread,
    /// What they want: one operation. Default: what `mix` or `journey` says.
    #[serde(default)]
    pub to: Option<String>,
    /// Or: one of these, by weight.
    #[serde(default)]
    pub mix: BTreeMap<String, f64>,
    /// Or: what each of them does.
    #[serde(default)]
    pub journey: Vec<Step>,
    /// How long a user waits for an answer. Default: what the policy says.
    #[serde(default)]
    pub timeout: Option<Dur>,
    /// The zone they are near, for policies with `locality: SameZone`. Default: none.
    #[serde(default)]
    pub near: Option<String>,
}

/// Users who wait for an answer.
///
/// Source: the same; load generators with a fixed number of virtual users work like this.
///
/// Not modelled: users who give up and leave for good.
///
/// Example: `Closed(users: 50, think: Exp("2s"), mix: { "api.get": 9, "api.buy": 1 })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClosedSpec {
    /// How many.
    pub users: u32,
    /// How long each thinks between an answer and the next request. Default: not at all.
    #[serde(default)]
    pub think: Option<Dist>,
    /// Over how long they begin, evenly. Default: all at once.
    #[serde(default)]
    pub ramp: Option<Dur>,
    /// What they want: one operation. Default: what `mix` or `journey` says.
    #[serde(default)]
    pub to: Option<String>,
    /// Or: one of these, by weight.
    #[serde(default)]
    pub mix: BTreeMap<String, f64>,
    /// Or: what each of them does.
    #[serde(default)]
    pub journey: Vec<Step>,
    /// How long a user waits for an answer. Default: what the policy says.
    #[serde(default)]
    pub timeout: Option<Dur>,
    /// The zone they are near, for policies with `locality: SameZone`. Default: none.
    #[serde(default)]
    pub near: Option<String>,
}

/// How arrivals are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Spread {
    /// Independent of one another.
    #[default]
    Poisson,
    /// As even as the rate allows.
    Even,
}

/// How many when.
#[derive(Clone, Debug)]
pub struct RateSpec(pub Vec<LegSpec>);

/// One leg of a rate.
#[derive(Clone, Debug, Deserialize)]
pub enum LegSpec {
    /// So many a second, for so long; the last leg may omit how long.
    /// Example: `Hold("100/s", "60s")`
    Hold(Rate, #[serde(default)] Option<Dur>),
    /// From the rate before to this one.
    /// Example: `Ramp("200/s", "5s")`
    Ramp(Rate, Dur),
    /// So many at once.
    /// Example: `Burst(1_000)`
    Burst(u32),
    /// So many evenly over a time.
    /// Example: `Spread(1_000, "10s")`
    Spread(u32, Dur),
}

impl<'de> Deserialize<'de> for RateSpec {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Legs;
        impl<'de> Visitor<'de> for Legs {
            type Value = RateSpec;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a rate like \"100/s\", or a list like \
                     [Hold(\"100/s\", \"60s\"), Ramp(\"200/s\", \"5s\")]",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RateSpec, E> {
                let rate = Rate::parse(text).map_err(E::custom)?;
                Ok(RateSpec(vec![LegSpec::Hold(rate, None)]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<RateSpec, A::Error> {
                let mut legs = Vec::new();
                while let Some(leg) = list.next_element()? {
                    legs.push(leg);
                }
                Ok(RateSpec(legs))
            }
        }
        from.deserialize_any(Legs)
    }
}

impl RateSpec {
    /// The legs in numbers; problems are reported. `duration` is how long the run is.
    fn legs(&self, duration: Span, wiring: &mut Wiring<'_>) -> Vec<Leg> {
        let (mut legs, mut rate, mut total) = (Vec::new(), 0.0, Span::ZERO);
        let last = self.0.len().wrapping_sub(1);
        for (index, leg) in self.0.iter().enumerate() {
            let (burst, span, from, to) = match *leg {
                LegSpec::Hold(hold, span) => (0, span, hold.0, hold.0),
                LegSpec::Ramp(to, span) => (0, Some(span), rate, to.0),
                LegSpec::Burst(n) => (n, Some(Dur(Span::ZERO)), 0.0, 0.0),
                LegSpec::Spread(n, span) if span.0.is_zero() => (n, Some(span), 0.0, 0.0),
                LegSpec::Spread(n, span) => {
                    let rate = f64::from(n) / span.0.as_secs();
                    (0, Some(span), rate, rate)
                }
            };
            if span.is_none() && index != last {
                wiring.at_index(index, |w| {
                    w.problem("only the last leg may leave out how long it lasts");
                });
            }
            if !matches!(leg, LegSpec::Burst(_)) {
                rate = to;
            }
            total += span.map_or(Span::ZERO, |span| span.0);
            let seconds = span.map_or(f64::INFINITY, |span| span.0.as_secs());
            legs.push(Leg { burst, span: seconds, from, to });
        }
        if legs.is_empty() {
            wiring.problem("a rate without legs: nobody arrives");
        }
        if total > duration {
            let message = format!(
                "the rate is given for {}, longer than the run: {}",
                Dur(total),
                Dur(duration)
            );
            wiring.problem_with(message, Some("lengthen `duration`, or shorten a leg".into()));
        }
        legs
    }
}

/// Each user of a loop costs memory before anything happens.
const MOST_USERS: u32 = 10_000_000;

impl TrafficSpec {
    /// How many sources there are of it.
    pub fn members(&self) -> u16 {
        1
    }

    /// Puts the source in its place. `numbers` are the draws, in their places.
    pub fn build(
        &self,
        name: &str,
        group: GroupId,
        numbers: &[NumberSpec],
        duration: Span,
        wiring: &mut Wiring<'_>,
    ) {
        let id = wiring.builder.declared(group).first;
        let draws = numbers.iter().enumerate().map(|(place, number)| {
            let sampler = number.build().ok().flatten().map(|numbers| {
                let purpose = format!("draw {}", wiring.draws[place]);
                NumberSampler { numbers, stream: wiring.builder.stream(name, &purpose) }
            });
            sampler.map_or(Draw::Counter, Draw::Drawn)
        });
        let draws: Vec<Draw> = draws.collect();
        let (to, mix, journey, timeout) = match self {
            TrafficSpec::Open(open) => (&open.to, &open.mix, &open.journey, open.timeout),
            TrafficSpec::Closed(closed) => {
                (&closed.to, &closed.mix, &closed.journey, closed.timeout)
            }
        };
        wiring.near = self.near(wiring);
        let plan = plan(name, id, to, mix, journey, timeout, wiring);
        wiring.near = None;
        let arrivals = match self {
            TrafficSpec::Open(open) => {
                let legs = wiring.at_name("rate", |w| open.rate.legs(duration, w));
                let even = open.arrivals == Spread::Even;
                let stream = wiring.builder.stream(name, "arrivals");
                Arrivals::Open { profile: Profile::new(legs, even), even, stream }
            }
            TrafficSpec::Closed(closed) => {
                if closed.users == 0 || closed.users > MOST_USERS {
                    let message = format!("a loop has from one to {MOST_USERS} users");
                    wiring.at_name("users", |w| w.problem(message));
                    return;
                }
                let think = closed.think.as_ref().map(|dist| Sampler {
                    dist: wiring.at_name("think", |w| w.dist(dist)),
                    stream: wiring.builder.stream(name, "think"),
                });
                let ramp = closed.ramp.map_or(Span::ZERO, |ramp| ramp.0);
                Arrivals::Closed(Loop { users: closed.users, think, ramp })
            }
        };
        if let Some(plan) = plan {
            wiring.builder.put(id, Source::new(arrivals, draws, plan));
        }
    }
}

impl TrafficSpec {
    /// The zone that these users are near; a problem if there is no such zone.
    fn near(&self, wiring: &mut Wiring<'_>) -> Option<String> {
        let (TrafficSpec::Open(OpenSpec { near, .. })
        | TrafficSpec::Closed(ClosedSpec { near, .. })) = self;
        let zone = near.as_ref()?;
        if !wiring.builder.zones()[1..].contains(zone) {
            let known: Vec<&str> = wiring.builder.zones()[1..].iter().map(String::as_str).collect();
            let help = did_you_mean(zone, &known)
                .or_else(|| Some("zones are listed as zones: [\"a\", \"b\"]".to_string()));
            let message = format!("there is no zone `{zone}`");
            wiring.at_name("near", |w| w.problem_with(message, help));
        }
        Some(zone.clone())
    }
}

/// What users do: exactly one of `to`, `mix` and `journey`.
fn plan(
    name: &str,
    id: ComponentId,
    to: &Option<String>,
    mix: &BTreeMap<String, f64>,
    journey: &[Step],
    timeout: Option<Dur>,
    wiring: &mut Wiring<'_>,
) -> Option<Plan> {
    let said = [to.is_some(), !mix.is_empty(), !journey.is_empty()];
    if said.iter().filter(|said| **said).count() != 1 {
        let help = "write to: \"api.get\", or mix: { \"api.get\": 9, \"api.put\": 1 }".to_string();
        let message = "users want exactly one of `to`, `mix` and `journey`";
        wiring.problem_with(message, Some(help));
        return None;
    }
    if !journey.is_empty() {
        let operation = wiring.builder.whole_request(name);
        let mut compiler = Compiler::new(wiring, id, true);
        let entry = compiler.flow_at(&["journey"], journey);
        return Some(Plan::Journey {
            machine: Box::new(Machine::new(compiler.finish())),
            entry,
            operation,
        });
    }
    let single = to.iter().map(|target| ("to", target.clone(), 1.0));
    let weighed = mix.iter().map(|(target, weight)| ("mix", target.clone(), *weight));
    let wanted: Vec<(&str, String, f64)> = single.chain(weighed).collect();
    let mut choices = Vec::new();
    let mut channels: Vec<(String, Channel)> = Vec::new();
    let mut total = 0.0;
    for (field, target, weight) in &wanted {
        wiring.enter_name(field);
        if *field == "mix" {
            wiring.enter_name(target);
        }
        if !(weight.is_finite() && *weight > 0.0) {
            wiring.problem("a weight is a number above zero");
        }
        total += weight;
        choices.extend(choice(target, total, id, timeout, &mut channels, wiring));
        if *field == "mix" {
            wiring.leave();
        }
        wiring.leave();
    }
    let stream = wiring.builder.stream(name, "mix");
    let channels = channels.into_iter().map(|(_, channel)| channel).collect();
    Some(Plan::Mix { choices, channels, total, stream })
}

fn choice(
    target: &str,
    up_to: f64,
    id: ComponentId,
    timeout: Option<Dur>,
    channels: &mut Vec<(String, Channel)>,
    wiring: &mut Wiring<'_>,
) -> Option<Choice> {
    let (callee, operation) = target.split_once('.').unwrap_or((target, ""));
    let group = wiring.group(callee)?;
    let offered = &wiring.offers[callee].operations;
    if !offered.iter().any(|known| known == operation) {
        let known: Vec<&str> = offered.iter().map(String::as_str).collect();
        let help = did_you_mean(operation, &known)
            .or_else(|| Some(format!("`{callee}` offers: {}", known.join(", "))));
        wiring.problem_with(format!("`{callee}` has no operation `{operation}`"), help);
        return None;
    }
    let place = channels.iter().position(|(name, _)| name == callee).unwrap_or_else(|| {
        let policy = wiring.policy_without_pool(callee);
        let mut channel = Channel::build(wiring, id, group, &policy, "channel");
        if let Some(timeout) = timeout {
            channel.set_timeout(timeout.0);
        }
        channels.push((callee.into(), channel));
        channels.len() - 1
    });
    let op = wiring.builder.op(target);
    let operation = wiring.builder.whole_request(target);
    Some(Choice { up_to, op, operation, channel: place as u16 })
}
