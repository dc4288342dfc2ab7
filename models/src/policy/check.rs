//! What makes no sense in a policy: said once, where the policy is written, whoever uses it.

use engine::Span;

use super::pool::PoolSpec;
use super::spec::{BackoffSpec, BalanceSpec, Policy, RetrySpec};
use crate::units::Dur;
use crate::wiring::Wiring;

impl Policy {
    /// Reports mistakes at the present place, in the policy for `callee`. `members` is how many
    /// that has, if it is known.
    pub fn check(&self, callee: &str, members: Option<u16>, wiring: &mut Wiring<'_>) {
        in_vain(self, callee, wiring);
        positive("timeout", self.timeout, wiring);
        positive("total", self.total, wiring);
        if let Some(retry) = &self.retry {
            wiring.at_name("retry", |w| retry.check(w));
        }
        if let Some(pool) = &self.pool {
            wiring.at_name("pool", |w| pool.check(w));
        }
        if let Some(balance) = &self.balance {
            wiring.at_name("balance", |w| balance.check(members, w));
        }
        if let Some(view) = &self.view {
            wiring.at_name("view", |w| view.check(callee, w));
        }
        if let Some(passive) = &self.passive {
            wiring.at_name("passive", |w| passive.check(w));
        }
        if let Some(connections) = &self.connections {
            wiring.at_name("connections", |w| connections.check(w));
        }
        if let Some(locality) = &self.locality {
            wiring.at_name("locality", |w| locality.check(w));
        }
        if let Some(slow_start) = &self.slow_start {
            wiring.at_name("slow_start", |w| {
                slow_start.check(w);
                if let Some(why) = self.balance.as_ref().and_then(BalanceSpec::never_slow) {
                    w.problem(why);
                }
            });
        }
    }
}

/// Reports what a policy says that `callee` has no use for.
fn in_vain(policy: &Policy, callee: &str, wiring: &mut Wiring<'_>) {
    let Some(offer) = wiring.offers.get(callee) else { return };
    let (kind, spreads) = (offer.kind, offer.by.is_some());
    let said = [
        ("balance", policy.balance.is_some()),
        ("locality", policy.locality.is_some()),
        ("slow_start", policy.slow_start.is_some()),
    ];
    for (field, _) in said.iter().filter(|(_, said)| spreads && *said) {
        let message = format!("`{callee}` spreads its keys: who has the key is asked");
        let help = Some(format!("leave `{field}` out"));
        wiring.at_name(field, |w| w.problem_with(message, help));
    }
    let probes = policy.balance.as_ref().is_some_and(BalanceSpec::probes);
    if probes && !spreads && kind != "Service" {
        let message = format!("`{callee}` is no Service, and only those say what load they have");
        wiring.at_name("balance", |w| w.problem(message));
    }
}

impl RetrySpec {
    fn check(&self, wiring: &mut Wiring<'_>) {
        if self.attempts == 0 {
            let help = Some("the first try counts: attempts: 3 is two retries".to_string());
            wiring.at_name("attempts", |w| w.problem_with("at least one try is needed", help));
        }
        if let BackoffSpec::Exponential { base, cap, .. } = &self.backoff {
            wiring.at_name("backoff", |w| {
                positive("base", Some(*base), w);
                if cap.0 < base.0 {
                    w.problem(format!("it begins at {base} and yet never exceeds {cap}"));
                }
            });
        }
    }
}

/// More than any server takes from one caller.
const MOST_CONNECTIONS: u32 = 65_535;

impl PoolSpec {
    fn check(&self, wiring: &mut Wiring<'_>) {
        if self.maximum == 0 {
            wiring.at_name("maximum", |w| w.problem("a pool without connections lends none"));
        }
        if self.maximum > MOST_CONNECTIONS {
            let message = format!("{MOST_CONNECTIONS} connections at most");
            wiring.at_name("maximum", |w| w.problem(message));
        }
        if self.minimum_idle.is_some_and(|least| least > self.maximum) {
            let message = format!("there are never more than {}", self.maximum);
            wiring.at_name("minimum_idle", |w| w.problem(message));
        }
        positive("timeout", Some(self.timeout), wiring);
        positive("lifetime", Some(self.lifetime), wiring);
        positive("connect", self.connect, wiring);
        if let Some(create) = &self.create {
            wiring.at_name("create", |w| create.build(w));
        }
    }
}

/// Reports weights that are not 1 to `most`, or not one per member, at the present place.
pub(super) fn check_weights(
    weights: &[u32],
    most: u32,
    members: Option<u16>,
    wiring: &mut Wiring<'_>,
) {
    for (place, weight) in weights.iter().enumerate() {
        if !(1..=most).contains(weight) {
            wiring.at_index(place, |w| w.problem(format!("a weight is 1 to {most}")));
        }
    }
    if let Some(members) = members.filter(|members| weights.len() != usize::from(*members)) {
        wiring.problem(format!("{} weights for {members} members", weights.len()));
    }
}

/// Reports a time of nothing in a field.
pub(super) fn positive(field: &str, span: Option<Dur>, wiring: &mut Wiring<'_>) {
    if span.is_some_and(|span| span.0 == Span::ZERO) {
        wiring.at_name(field, |w| w.problem(format!("`{field}` is some time, not none")));
    }
}
