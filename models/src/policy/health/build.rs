//! From what a scenario says about health to what keeps it, and what makes no sense in it.

use engine::{Outcome, Span};

use super::max_fails::MaxFails;
use super::outliers::{FailurePercentage, Outliers, Rules, SuccessRate};
use super::slow_start::SlowStart;
use super::spec::{LocalitySpec, PassiveSpec, SlowStartSpec, ViewSpec};
use crate::policy::check::positive;
use crate::policy::retry::outcome;
use crate::policy::view::Passive;
use crate::units::Dur;
use crate::wiring::{Wiring, did_you_mean};

impl PassiveSpec {
    /// What one caller keeps about so many members.
    pub fn build(&self, members: u16) -> Passive {
        match self {
            PassiveSpec::MaxFails { fails, timeout, on } => {
                let mut failures = [false; Outcome::COUNT];
                on.iter().for_each(|cause| failures[outcome(*cause) as usize] = true);
                Passive::MaxFails(MaxFails::new(members, *fails, timeout.0), failures)
            }
            PassiveSpec::Outliers { .. } => {
                Passive::Outliers(Box::new(Outliers::new(members, self.rules())))
            }
        }
    }

    fn rules(&self) -> Rules {
        let PassiveSpec::Outliers {
            consecutive_5xx,
            consecutive_gateway,
            interval,
            base_ejection,
            max_ejection,
            jitter,
            max_ejection_percent,
            always_eject_one,
            success_rate,
            failure_percentage,
        } = self
        else {
            unreachable!("only outlier detection has such rules")
        };
        Rules {
            consecutive_5xx: *consecutive_5xx,
            consecutive_gateway: *consecutive_gateway,
            interval: interval.0,
            base: base_ejection.0,
            max: max_ejection.0.max(base_ejection.0),
            jitter: jitter.0,
            max_percent: max_ejection_percent.0 * 100.0,
            always_one: *always_eject_one,
            success_rate: success_rate.map(|it| SuccessRate {
                hosts: it.hosts,
                volume: it.volume,
                factor: it.stdev_factor,
            }),
            failure_percentage: failure_percentage.map(|it| FailurePercentage {
                threshold: it.threshold.0 * 100.0,
                hosts: it.hosts,
                volume: it.volume,
            }),
        }
    }

    /// Reports mistakes at the present place.
    pub fn check(&self, wiring: &mut Wiring<'_>) {
        match self {
            PassiveSpec::MaxFails { fails, timeout, on } => {
                if *fails == 0 {
                    let help = Some("leave `passive` out to never skip anybody".to_string());
                    wiring.at_name("fails", |w| w.problem_with("at least one failure", help));
                }
                if timeout.0 < Span::secs(1) {
                    wiring.at_name("timeout", |w| w.problem("nginx counts whole seconds"));
                }
                if on.is_empty() {
                    wiring.at_name("on", |w| w.problem("nothing would be a failure"));
                }
            }
            PassiveSpec::Outliers { interval, base_ejection, success_rate, .. } => {
                now_and_then("interval", Some(*interval), wiring);
                positive("base_ejection", Some(*base_ejection), wiring);
                let factor = success_rate.map_or(0.0, |it| it.stdev_factor);
                if !(factor.is_finite() && factor >= 0.0) {
                    let problem = |w: &mut Wiring<'_>| w.problem("`stdev_factor` is not below 0");
                    wiring.at_name("success_rate", |w| w.at_name("stdev_factor", problem));
                }
            }
        }
    }
}

impl ViewSpec {
    /// The operation that its checks ask for, if they ask for any.
    pub fn asks(&self) -> Option<&str> {
        match self {
            ViewSpec::Checked { ask, .. } => ask.as_deref(),
            _ => None,
        }
    }

    /// Reports mistakes at the present place, in the policy for `callee`.
    pub fn check(&self, callee: &str, wiring: &mut Wiring<'_>) {
        if let Some(operation) = self.asks() {
            wiring.at_name("ask", |w| asks(callee, operation, w));
        }
        match self {
            ViewSpec::Checked { every, timeout, fall, rise, every_down, every_unsure, .. } => {
                now_and_then("every", Some(*every), wiring);
                positive("timeout", Some(*timeout), wiring);
                now_and_then("every_down", *every_down, wiring);
                now_and_then("every_unsure", *every_unsure, wiring);
                for (field, _) in [("fall", fall), ("rise", rise)].iter().filter(|it| *it.1 == 0) {
                    wiring.at_name(field, |w| w.problem(format!("`{field}` is at least 1")));
                }
            }
            ViewSpec::Registry { renew, expire, poll } => {
                positive("renew", Some(*renew), wiring);
                positive("poll", Some(*poll), wiring);
                if expire <= renew && !renew.0.is_zero() {
                    let message = format!("leases run out after {expire}, before {renew} are over");
                    let help = Some("expire: \"30s\" with renew: \"10s\"".to_string());
                    wiring.at_name("expire", |w| w.problem_with(message, help));
                }
            }
            ViewSpec::Names { ttl, stubborn, keep, .. } => {
                positive("ttl", Some(*ttl), wiring);
                if stubborn.0 > 0.0 && keep < ttl {
                    let message = format!("who keeps an answer for {keep} keeps it no longer");
                    wiring.at_name("keep", |w| w.problem_with(message, None));
                }
            }
            ViewSpec::Instant | ViewSpec::Static => {}
        }
    }
}

/// More often a run would hardly do anything else.
const OFTEN: Span = Span::millis(1);

/// Reports what would be done all the time.
fn now_and_then(field: &str, every: Option<Dur>, wiring: &mut Wiring<'_>) {
    positive(field, every, wiring);
    if every.is_some_and(|every| !every.0.is_zero() && every.0 < OFTEN) {
        wiring.at_name(field, |w| w.problem(format!("`{field}` is at least 1ms")));
    }
}

/// Checks can only ask for what the callee offers.
fn asks(callee: &str, operation: &str, wiring: &mut Wiring<'_>) {
    if !wiring.offers.contains_key(callee) {
        let help = Some("say it in the policy of the component that is checked".to_string());
        let message = format!("`{callee}` is no component: whose `{operation}` is asked?");
        return wiring.problem_with(message, help);
    }
    wiring.knows_operation(callee, operation);
}

impl LocalitySpec {
    /// Reports mistakes at the present place.
    pub fn check(&self, wiring: &mut Wiring<'_>) {
        let LocalitySpec::Order(order) = self else { return };
        if order.is_empty() {
            let help = Some("leave `locality` out, or name zones: Order([\"a\"])".to_string());
            wiring.problem_with("without a zone all members are alike", help);
        }
        for (place, zone) in order.iter().enumerate() {
            let known: Vec<String> = wiring.builder.zones()[1..].to_vec();
            if order[..place].contains(zone) {
                wiring.at_index(place, |w| w.problem(format!("`{zone}` is there already")));
            } else if !known.contains(zone) {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let help = did_you_mean(zone, &known)
                    .or_else(|| Some("zones are listed as zones: [\"a\", \"b\"]".to_string()));
                let message = format!("there is no zone `{zone}`");
                wiring.at_index(place, |w| w.problem_with(message, help));
            }
        }
    }
}

impl SlowStartSpec {
    /// How a share grows.
    pub fn build(&self) -> SlowStart {
        match self {
            SlowStartSpec::Envoy { window, aggression, least } => {
                SlowStart::Envoy { window: window.0, aggression: *aggression, least: least.0 }
            }
            SlowStartSpec::Haproxy(window) => SlowStart::Haproxy(window.0),
            SlowStartSpec::Nginx(window) => {
                SlowStart::Envoy { window: window.0, aggression: 1.0, least: 0.0 }
            }
        }
    }

    /// Reports mistakes at the present place.
    pub fn check(&self, wiring: &mut Wiring<'_>) {
        match self {
            SlowStartSpec::Envoy { window, aggression, .. } => {
                positive("window", Some(*window), wiring);
                if !(aggression.is_finite() && *aggression > 0.0) {
                    wiring.at_name("aggression", |w| w.problem("`aggression` is above 0"));
                }
            }
            SlowStartSpec::Haproxy(window) if window.0 < Span::secs(1) => {
                wiring.problem("HAProxy counts whole seconds");
            }
            SlowStartSpec::Nginx(window) if window.0.is_zero() => {
                wiring.problem("a slow start takes some time, not none");
            }
            _ => {}
        }
    }
}
