//! Outlier detection as Envoy does it: members are ejected for the way calls to them end, without
//! any check, and come back by the clock.
//!
//! Follows `outlier_detection_impl.cc`: what is enforced is enforced always (Envoy's `enforcing_*`
//! at 100), what is left out never (at 0).

use engine::{Outcome, Span, Time};

/// What makes a member an outlier, and for how long.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// So many errors in a row; 0: never.
    pub consecutive_5xx: u32,
    /// So many errors of the way in a row (502, 503, 504); 0: never.
    pub consecutive_gateway: u32,
    /// How often members come back, and rates are compared.
    pub interval: Span,
    /// The first ejection lasts this long; the k-th in a row k times as long.
    pub base: Span,
    /// No ejection is longer.
    pub max: Span,
    /// A random time up to this is added.
    pub jitter: Span,
    /// No more than this part of the members, in percent.
    pub max_percent: f64,
    /// One member can be ejected whatever the percentage says.
    pub always_one: bool,
    /// Compares success rates.
    pub success_rate: Option<SuccessRate>,
    /// A fixed limit of failures.
    pub failure_percentage: Option<FailurePercentage>,
}

/// Ejects members whose success rate is below the mean by so many standard deviations.
#[derive(Clone, Copy, Debug)]
pub struct SuccessRate {
    /// At least so many members have enough requests.
    pub hosts: u32,
    /// Enough requests in an interval.
    pub volume: u32,
    /// How many standard deviations.
    pub factor: f64,
}

/// Ejects members of whose requests this part fails.
#[derive(Clone, Copy, Debug)]
pub struct FailurePercentage {
    /// In percent.
    pub threshold: f64,
    /// At least so many members have enough requests.
    pub hosts: u32,
    /// Enough requests in an interval.
    pub volume: u32,
}

/// What one caller has seen of all members.
#[derive(Clone, Debug)]
pub struct Outliers {
    rules: Rules,
    members: Vec<Member>,
    /// How many of them are part of the group.
    hosts: u32,
    ejected: u32,
    /// Ejections so far.
    ejections: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Member {
    /// It is no part of the group.
    gone: bool,
    errors_in_a_row: u32,
    gateway_in_a_row: u32,
    requests: u32,
    successes: u32,
    /// When it was ejected, and the jitter of this ejection.
    since: Option<(Time, Span)>,
    /// How many base times an ejection lasts.
    times: u32,
}

/// How a call ended, in the words of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Any answer that is not 5xx.
    Fine,
    /// 502, 503, 504, a broken connection or none, no answer in time.
    Gateway,
    /// Any other 5xx.
    Error,
}

impl Verdict {
    /// What an outcome would be. Timeouts, resets and refusals count as 504 and 503.
    pub fn of(outcome: Outcome) -> Verdict {
        match outcome {
            Outcome::Done | Outcome::Denied | Outcome::Redirected => Verdict::Fine,
            Outcome::Failed => Verdict::Error,
            Outcome::Shed | Outcome::Refused | Outcome::Reset | Outcome::TimedOut => {
                Verdict::Gateway
            }
        }
    }
}

impl Outliers {
    /// Nothing seen yet.
    pub fn new(members: u16, rules: Rules) -> Outliers {
        let (hosts, members) = (members.into(), vec![Member::default(); members as usize]);
        Outliers { rules, members, hosts, ejected: 0, ejections: 0 }
    }

    /// How often [`Outliers::tick`] is due.
    pub fn interval(&self) -> Span {
        self.rules.interval
    }

    /// Whether a member is ejected.
    pub fn is_out(&self, member: u16) -> bool {
        self.members[member as usize].since.is_some()
    }

    /// Ejections so far.
    pub fn ejections(&self) -> u64 {
        self.ejections
    }

    /// Whether a member is part of the group. Who leaves is forgotten, ejection and all: a member
    /// that joins is a new one.
    pub fn is_there(&mut self, member: u16, there: bool) {
        let it = &mut self.members[member as usize];
        if it.gone != there {
            return;
        }
        self.ejected -= u32::from(it.since.is_some());
        *it = Member { gone: !there, ..Member::default() };
        self.hosts = if there { self.hosts + 1 } else { self.hosts - 1 };
    }

    /// A call has ended. `unit` draws from [0, 1). Returns whether the member was ejected for it.
    pub fn heard(
        &mut self,
        member: u16,
        verdict: Verdict,
        now: Time,
        unit: &mut dyn FnMut() -> f64,
    ) -> bool {
        let rules = self.rules;
        let it = &mut self.members[member as usize];
        if it.gone {
            return false;
        }
        it.requests = it.requests.saturating_add(1);
        match verdict {
            Verdict::Fine => {
                it.successes = it.successes.saturating_add(1);
                (it.errors_in_a_row, it.gateway_in_a_row) = (0, 0);
                return false;
            }
            Verdict::Gateway => it.gateway_in_a_row += 1,
            Verdict::Error => it.gateway_in_a_row = 0,
        }
        it.errors_in_a_row += 1;
        let mut ejected = false;
        // A counter that fires begins anew, whether or not the member can be ejected.
        if it.gateway_in_a_row == rules.consecutive_gateway && verdict == Verdict::Gateway {
            it.gateway_in_a_row = 0;
            ejected |= self.eject(member, now, unit);
        }
        let it = &mut self.members[member as usize];
        if it.errors_in_a_row == rules.consecutive_5xx {
            it.errors_in_a_row = 0;
            ejected |= self.eject(member, now, unit);
        }
        ejected
    }

    /// The clock of the detector: members come back, then success rates are compared. Returns
    /// whether that changed who is out.
    pub fn tick(&mut self, now: Time, unit: &mut dyn FnMut() -> f64) -> bool {
        let mut changed = false;
        for member in 0..self.members.len() as u16 {
            changed |= self.may_return(member, now);
        }
        let rates: Vec<(u16, u32, f64)> = self.rates().collect();
        for it in &mut self.members {
            (it.requests, it.successes) = (0, 0);
        }
        changed |= self.compare(&rates, now, unit);
        changed
    }

    /// An active check has found the member well: it is back at once.
    pub fn passed(&mut self, member: u16) -> bool {
        let was = self.is_out(member);
        if was {
            self.uneject(member);
        }
        was
    }

    fn eject(&mut self, member: u16, now: Time, unit: &mut dyn FnMut() -> f64) -> bool {
        let Rules { base, max, jitter, max_percent, always_one, .. } = self.rules;
        let percent = 100.0 * f64::from(self.ejected + 1) / f64::from(self.hosts);
        let may = percent <= max_percent || (always_one && self.ejected == 0);
        let it = &mut self.members[member as usize];
        if it.since.is_some() || !may {
            return false;
        }
        let jitter =
            if jitter.is_zero() { jitter } else { Span::from_f64(jitter.0 as f64 * unit()) };
        it.since = Some((now, jitter));
        if base * u64::from(it.times) < max + base {
            it.times += 1;
        }
        self.ejected += 1;
        self.ejections += 1;
        true
    }

    /// An ejected member whose time is over comes back; one that has been well for an interval
    /// has its next ejection shortened.
    fn may_return(&mut self, member: u16, now: Time) -> bool {
        let Rules { base, max, .. } = self.rules;
        let it = &mut self.members[member as usize];
        let Some((since, jitter)) = it.since else {
            it.times = it.times.saturating_sub(1);
            return false;
        };
        let lasts = (base * u64::from(it.times)).min(max) + jitter;
        if now.since(since) < lasts {
            return false;
        }
        self.uneject(member);
        true
    }

    fn uneject(&mut self, member: u16) {
        let it = &mut self.members[member as usize];
        (it.since, it.errors_in_a_row, it.gateway_in_a_row) = (None, 0, 0);
        self.ejected -= 1;
    }

    /// The members in rotation that were asked in this interval: how often, and the percentage of
    /// successes.
    fn rates(&self) -> impl Iterator<Item = (u16, u32, f64)> {
        let asked = |(_, it): &(usize, &Member)| it.since.is_none() && it.requests > 0;
        self.members.iter().enumerate().filter(asked).map(|(member, it)| {
            let rate = 100.0 * f64::from(it.successes) / f64::from(it.requests);
            (member as u16, it.requests, rate)
        })
    }

    fn compare(
        &mut self,
        rates: &[(u16, u32, f64)],
        now: Time,
        unit: &mut dyn FnMut() -> f64,
    ) -> bool {
        let mut changed = false;
        if let Some(SuccessRate { hosts, volume, factor }) = self.rules.success_rate {
            let valid = || rates.iter().filter(|(_, requests, _)| *requests >= volume);
            let count = valid().count();
            if count > 0 && count >= hosts as usize {
                let limit = threshold(valid().map(|(_, _, rate)| *rate), factor);
                for (member, ..) in valid().filter(|(_, _, rate)| *rate < limit) {
                    changed |= self.eject(*member, now, unit);
                }
            }
        }
        if let Some(FailurePercentage { threshold, hosts, volume }) = self.rules.failure_percentage
        {
            let valid = || rates.iter().filter(|(_, requests, _)| *requests >= volume);
            if valid().count() >= hosts.max(1) as usize {
                for (member, ..) in valid().filter(|(_, _, rate)| 100.0 - rate >= threshold) {
                    changed |= self.eject(*member, now, unit);
                }
            }
        }
        changed
    }
}

/// The mean less so many (population) standard deviations.
fn threshold(rates: impl Iterator<Item = f64> + Clone, factor: f64) -> f64 {
    let count = rates.clone().count() as f64;
    let mean = rates.clone().sum::<f64>() / count;
    let variance = rates.map(|rate| (rate - mean) * (rate - mean)).sum::<f64>() / count;
    mean - factor * libm::sqrt(variance)
}

#[cfg(test)]
#[path = "outliers_tests.rs"]
mod tests;
