//! From what a scenario says to a rule, and what makes no sense in it.

use super::Balance;
use super::aperture::Aperture;
use super::bounded::Bounded;
use super::hash::IpHash;
use super::latency::{LeastTime, PeakEwma};
use super::least::{Distinct, LeastConnections};
use super::maglev::{LARGEST, Maglev, is_prime};
use super::pinned::Pinned;
use super::prequal::{Prequal, Tuning};
use super::random::ByWeight;
use super::rule::Rule;
use super::shuffle::Shuffle;
use super::sticky::Sticky;
use super::weighted::{Edf, Smooth};
use crate::by::By;
use crate::key::KeyOf;
use crate::policy::check::{check_weights, positive};
use crate::policy::partition::ring;
use crate::policy::spec::{BalanceSpec, LeastLike};
use crate::wiring::Wiring;

use BalanceSpec as S;

/// Connections of one caller, each of which costs memory before anything happens.
const MOST_CONNECTIONS: u32 = 1_000_000;

/// Members that one call draws to choose among: more are as good as `LeastOfAll`, and slow.
const MOST_CHOICES: u32 = 1000;

impl BalanceSpec {
    /// The rule of one caller for so many members; `None` if the specification makes no sense,
    /// which [`BalanceSpec::check`] reports. `caller` tells callers apart.
    pub fn build(&self, members: u16, caller: u32, wiring: &mut Wiring<'_>) -> Option<Balance> {
        let rule = match self {
            S::Random => return Some(Balance::Random),
            S::RoundRobin => return Some(Balance::RoundRobin { next: 0 }),
            S::LeastOfAll => return Some(Balance::LeastOfAll { next: 0 }),
            S::LeastRequest { choices, distinct: false } => {
                return Some(Balance::LeastRequest { choices: (*choices).max(1) });
            }
            S::Ring { key, virtual_nodes } => {
                let (key, weights) = (key.clone(), Vec::new());
                let by = By::Ring { key, virtual_nodes: *virtual_nodes, weights };
                return by.build(members, wiring);
            }
            S::LeastRequest { choices, distinct: true } => {
                Rule::Distinct(Distinct::new((*choices).max(1)))
            }
            S::PeakEwma { decay } => Rule::PeakEwma(PeakEwma::new(members, decay.0)),
            S::LeastTime => Rule::LeastTime(LeastTime::new(members)),
            S::PerConnection { connections, lifetime, first } => {
                let first = first.build(members, caller, wiring)?;
                let lifetime = lifetime.map(|lifetime| lifetime.0);
                Rule::Pinned(Pinned::new(
                    (*connections).clamp(1, MOST_CONNECTIONS),
                    lifetime,
                    first,
                ))
            }
            S::Aperture { least } => Rule::Aperture(Aperture::new(
                caller.wrapping_mul(*least) % u32::from(members),
                (*least).clamp(1, u32::from(members)),
            )),
            S::Prequal { probes, pool, age, cold } => {
                let (pool, age, cold) = ((*pool).clamp(2, 1000) as usize, age.0, cold.0);
                Rule::Prequal(Prequal::new(Tuning { probes: *probes, pool, age, cold }, members))
            }
            S::Weighted { .. } | S::EarliestDeadline { .. } => self.by_weight(members)?,
            S::WeightedRandom { .. } | S::LeastConnections { .. } => self.by_weight(members)?,
            _ => self.by_key(members, caller, wiring)?,
        };
        Some(Balance::Rule(Box::new(rule)))
    }

    fn by_weight(&self, members: u16) -> Option<Rule> {
        Some(match self {
            S::Weighted { weights } => Rule::Smooth(Smooth::new(&sound(weights, members)?)),
            S::WeightedRandom { weights } => {
                Rule::ByWeight(ByWeight::new(&sound(weights, members)?))
            }
            S::EarliestDeadline { weights, active_request_bias } => {
                Rule::Edf(Edf::new(&sound(weights, members)?, *active_request_bias))
            }
            S::LeastConnections { weights, like } => {
                let weights = or_equal(weights, members)?;
                Rule::LeastConnections(match like {
                    LeastLike::Haproxy => LeastConnections::Haproxy(weights),
                    LeastLike::Nginx => {
                        let smooth = Smooth::new(&weights);
                        LeastConnections::Nginx(weights, smooth, Vec::new())
                    }
                })
            }
            _ => return None,
        })
    }

    fn by_key(&self, members: u16, caller: u32, wiring: &mut Wiring<'_>) -> Option<Rule> {
        let key = KeyOf::named(self.key()?, wiring)?;
        Some(match self {
            S::IpHash { .. } => Rule::IpHash(key, IpHash::new(members)),
            S::Jump { .. } => Rule::Jump(key),
            S::Rendezvous { weights, .. } if weights.is_empty() => Rule::Rendezvous(key, vec![]),
            S::Rendezvous { weights, .. } => {
                let weights = sound(weights, members)?;
                Rule::Rendezvous(key, weights.into_iter().map(f64::from).collect())
            }
            S::Maglev { table, .. } if is_table(*table, Some(members)) => {
                Rule::Maglev(key, Maglev::new(*table))
            }
            S::BoundedRing { virtual_nodes, percent, .. } => {
                let ring = ring(vec![1; members.into()], *virtual_nodes, wiring)?;
                Rule::Bounded(key, Bounded::new(ring, (*percent).max(100)))
            }
            S::Shuffle { shard, .. } => {
                let shard = (*shard).clamp(1, u32::from(members));
                Rule::Shuffle(key, Shuffle::new(shard, members))
            }
            S::Sticky { first, size, expire, .. } => {
                let first = first.build(members, caller, wiring)?;
                Rule::Sticky(key, Sticky::new((*size).max(1), expire.map(|it| it.0), first))
            }
            _ => return None,
        })
    }

    /// The draw that it goes by.
    pub fn key(&self) -> Option<&str> {
        match self {
            S::IpHash { key } | S::Jump { key } | S::Rendezvous { key, .. } => Some(key),
            S::Maglev { key, .. } | S::BoundedRing { key, .. } => Some(key),
            S::Sticky { key, .. } | S::Ring { key, .. } | S::Shuffle { key, .. } => Some(key),
            _ => None,
        }
    }

    /// Why a member cannot come in slowly, if that is so.
    pub fn never_slow(&self) -> Option<&'static str> {
        match self {
            S::Prequal { .. } => Some("`Prequal` goes by what members say: nothing starts slowly"),
            S::PerConnection { first, .. } => first.never_slow(),
            _ => self
                .key()
                .map(|_| "a member's share is fixed where keys decide: nothing can start slowly"),
        }
    }

    /// Whether it asks members for their load.
    pub fn probes(&self) -> bool {
        match self {
            S::Prequal { .. } => true,
            S::Sticky { first, .. } | S::PerConnection { first, .. } => first.probes(),
            _ => false,
        }
    }

    /// Whether it goes by how long calls take, as their caller sees it.
    pub fn learns(&self) -> bool {
        match self {
            S::PeakEwma { .. } | S::LeastTime => true,
            S::Sticky { first, .. } | S::PerConnection { first, .. } => first.learns(),
            _ => false,
        }
    }

    /// The weights that it names, and the largest that it takes.
    fn weights(&self) -> Option<(&[u32], u32)> {
        let (weights, most) = match self {
            S::Weighted { weights } | S::WeightedRandom { weights } => (weights, 65_535),
            S::EarliestDeadline { weights, .. } => (weights, 65_535),
            S::LeastConnections { weights, .. } | S::Rendezvous { weights, .. }
                if weights.is_empty() =>
            {
                return None;
            }
            S::LeastConnections { weights, like: LeastLike::Haproxy } => (weights, 256),
            S::LeastConnections { weights, .. } | S::Rendezvous { weights, .. } => {
                (weights, 65_535)
            }
            _ => return None,
        };
        Some((weights, most))
    }

    /// Reports mistakes at the present place. `members` is how many there are to choose from, if
    /// that is known.
    pub fn check(&self, members: Option<u16>, wiring: &mut Wiring<'_>) {
        if let Some(key) = self.key() {
            wiring.at_name("key", |w| _ = KeyOf::named(key, w));
        }
        if let Some((weights, most)) = self.weights() {
            wiring.at_name("weights", |w| check_weights(weights, most, members, w));
        }
        match self {
            S::LeastRequest { choices: 0, .. } => {
                wiring.at_name("choices", |w| {
                    w.problem("somebody must be drawn: `choices` is at least 1");
                });
            }
            S::LeastRequest { choices, .. } if *choices > MOST_CHOICES => {
                wiring.at_name("choices", |w| {
                    let help = Some("`LeastOfAll` asks everyone".to_string());
                    w.problem_with(format!("`choices` is at most {MOST_CHOICES}"), help);
                });
            }
            // Two is the default: a service scaled down to one replica is no mistake.
            S::LeastRequest { choices, .. }
                if members.is_some_and(|n| *choices > u32::from(n).max(2)) =>
            {
                let members = members.unwrap_or(0);
                wiring.at_name("choices", |w| {
                    w.problem(format!("{choices} choices of {members} members"));
                });
            }
            S::BoundedRing { percent, .. } if *percent <= 100 => {
                wiring.at_name("percent", |w| {
                    w.problem("the bound is above the average: at least 101");
                });
            }
            S::Ring { virtual_nodes, .. } | S::BoundedRing { virtual_nodes, .. } => {
                let members = members.unwrap_or_else(|| wiring.most_members());
                ring(vec![1; members.into()], *virtual_nodes, wiring);
            }
            S::Maglev { table, .. } if !is_table(*table, members) => {
                wiring.at_name("table", |w| {
                    let help = Some(format!("65537 is one; {LARGEST} is the largest"));
                    w.problem_with("the table's size is a prime above the members'", help);
                });
            }
            _ => self.check_memory(members, wiring),
        }
    }

    /// The same of rules that remember something.
    fn check_memory(&self, members: Option<u16>, wiring: &mut Wiring<'_>) {
        match self {
            S::EarliestDeadline { active_request_bias: bias, .. }
                if !(bias.is_finite() && *bias >= 0.0) =>
            {
                wiring.at_name("active_request_bias", |w| {
                    w.problem("`active_request_bias` is a number, and not below 0");
                });
            }
            S::PeakEwma { decay } => positive("decay", Some(*decay), wiring),
            S::Aperture { least: 0 } => {
                wiring.at_name("least", |w| w.problem("at least one member is in use"));
            }
            S::Sticky { first, size, expire, .. } => {
                if *size == 0 {
                    wiring.at_name("size", |w| w.problem("a table without room remembers nothing"));
                }
                positive("expire", *expire, wiring);
                wiring.at_name("first", |w| first.check(members, w));
            }
            S::Shuffle { shard, .. }
                if *shard == 0 || members.is_some_and(|n| *shard > u32::from(n)) =>
            {
                let all = members.map_or("all".into(), |members| members.to_string());
                wiring.at_name("shard", |w| w.problem(format!("a shard is 1 to {all} members")));
            }
            S::Prequal { probes, pool, age, .. } => {
                check_prequal(*probes, *pool, wiring);
                positive("age", Some(*age), wiring);
            }
            S::PerConnection { connections, lifetime, first } => {
                if !(1..=MOST_CONNECTIONS).contains(connections) {
                    let message =
                        format!("a caller has from one to {MOST_CONNECTIONS} connections");
                    wiring.at_name("connections", |w| w.problem(message));
                }
                positive("lifetime", *lifetime, wiring);
                wiring.at_name("first", |w| first.check(members, w));
            }
            _ => {}
        }
    }
}

fn check_prequal(probes: f64, pool: u32, wiring: &mut Wiring<'_>) {
    if !(probes > 0.0 && probes <= 100.0) {
        wiring.at_name("probes", |w| w.problem("some are sent, and at most 100 per request"));
    }
    if !(2..=1000).contains(&pool) {
        wiring.at_name("pool", |w| w.problem("a choice needs 2 probes, and 1000 are plenty"));
    }
}

/// Whether a table of Maglev may have so many places.
fn is_table(places: u32, members: Option<u16>) -> bool {
    places <= LARGEST && is_prime(places) && members.is_none_or(|n| places > n.into())
}

/// Weights that make sense.
fn sound(weights: &[u32], members: u16) -> Option<Vec<u32>> {
    let sound = weights.len() == usize::from(members) && !weights.contains(&0);
    sound.then(|| weights.to_vec())
}

fn or_equal(weights: &[u32], members: u16) -> Option<Vec<u32>> {
    if weights.is_empty() { Some(vec![1; members as usize]) } else { sound(weights, members) }
}
