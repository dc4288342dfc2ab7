//! The rules that remember more than a turn: apart from [`super::Balance`], so that the simple
//! rules of the hot path stay small.

use engine::{Span, Time};

use super::aperture::Aperture;
use super::bounded::Bounded;
use super::hash::{IpHash, jump, rendezvous};
use super::latency::{LeastTime, PeakEwma};
use super::least::{Distinct, LeastConnections};
use super::maglev::Maglev;
use super::pinned::Pinned;
use super::prequal::Prequal;
use super::random::ByWeight;
use super::shuffle::Shuffle;
use super::sticky::Sticky;
use super::weighted::{Edf, Smooth};
use crate::key::KeyOf;

/// What a rule may know when it picks.
pub struct Scene<'a> {
    /// Who can be asked, in order; never empty.
    pub ready: &'a [u16],
    /// The key of the request, if the rule asked for one.
    pub key: u64,
    /// The present.
    pub now: Time,
    /// How many of this caller's calls a member has in hand.
    pub in_hand: &'a dyn Fn(u16) -> u32,
    /// Draws a whole number below another.
    pub below: &'a mut dyn FnMut(u32) -> u32,
}

/// A rule, and what it remembers.
#[derive(Clone, Debug)]
pub enum Rule {
    /// nginx's smooth weighted round robin.
    Smooth(Smooth),
    /// Earliest deadline first, as Envoy's weighted round robin and weighted least request.
    Edf(Edf),
    /// Chance by weight.
    ByWeight(ByWeight),
    /// Each key has a few of the members for itself.
    Shuffle(KeyOf, Shuffle),
    /// The least connections by weight, as HAProxy or nginx reckon them.
    LeastConnections(LeastConnections),
    /// The one with the fewest calls in hand of so many *different* ones.
    Distinct(Distinct),
    /// Power of two choices over peak-sensitive averages of latency.
    PeakEwma(PeakEwma),
    /// The least average latency times calls in hand.
    LeastTime(LeastTime),
    /// nginx's `ip_hash`: the key is an IPv4 address.
    IpHash(KeyOf, IpHash),
    /// Jump consistent hash over those that are ready.
    Jump(KeyOf),
    /// Highest random weight.
    Rendezvous(KeyOf, Vec<f64>),
    /// Maglev's look-up table.
    Maglev(KeyOf, Maglev),
    /// A ring whose members take no more than their share and some.
    Bounded(KeyOf, Bounded),
    /// A key stays with its first member.
    Sticky(KeyOf, Sticky),
    /// Two choices within a part of the members.
    Aperture(Aperture),
    /// What members say of themselves when they are probed.
    Prequal(Prequal),
    /// Connections stay where they are.
    Pinned(Pinned),
}

impl Rule {
    /// What the rule wants to know of a request.
    pub fn key(&self) -> Option<KeyOf> {
        match self {
            Rule::IpHash(key, _) | Rule::Jump(key) | Rule::Shuffle(key, _) => Some(*key),
            Rule::Rendezvous(key, _) | Rule::Maglev(key, _) => Some(*key),
            Rule::Bounded(key, _) | Rule::Sticky(key, _) => Some(*key),
            Rule::Pinned(pinned) => pinned.first.key(),
            _ => None,
        }
    }

    /// Itself, if it wants probes.
    pub fn prequal(&mut self) -> Option<&mut Prequal> {
        match self {
            Rule::Prequal(prequal) => Some(prequal),
            Rule::Sticky(_, sticky) => sticky.first.prequal(),
            Rule::Pinned(pinned) => pinned.first.prequal(),
            _ => None,
        }
    }

    /// Whether it goes by calls in hand or by how they end, or asks members for their load.
    pub fn counts(&self) -> bool {
        match self {
            Rule::Smooth(_) | Rule::ByWeight(_) | Rule::Shuffle(..) => false,
            Rule::IpHash(..) | Rule::Jump(_) | Rule::Rendezvous(..) | Rule::Maglev(..) => false,
            Rule::LeastConnections(_) | Rule::Distinct(_) | Rule::Aperture(_) => true,
            Rule::PeakEwma(_) | Rule::LeastTime(_) | Rule::Bounded(..) | Rule::Prequal(_) => true,
            Rule::Edf(edf) => edf.counts(),
            Rule::Sticky(_, sticky) => sticky.first.counts(),
            Rule::Pinned(pinned) => pinned.first.counts(),
        }
    }

    /// Members have joined or left: these are there now, in order.
    pub fn members_are(&mut self, present: &[u16]) {
        match self {
            Rule::Shuffle(_, shuffle) => shuffle.members_are(present),
            Rule::IpHash(_, hash) => hash.members_are(present),
            Rule::Sticky(_, sticky) => sticky.first.members_are(present),
            Rule::Pinned(pinned) => pinned.first.members_are(present),
            _ => {}
        }
    }

    /// Picks one of those that are ready.
    pub fn pick(&mut self, scene: &mut Scene<'_>) -> u16 {
        match self {
            Rule::Smooth(smooth) => smooth.pick(scene.ready),
            Rule::Edf(edf) => edf.pick(scene.ready, scene.in_hand),
            Rule::ByWeight(by_weight) => by_weight.pick(scene),
            Rule::Shuffle(_, shuffle) => shuffle.pick(scene),
            Rule::LeastConnections(least) => least.pick(scene),
            Rule::Distinct(distinct) => distinct.pick(scene),
            Rule::PeakEwma(ewma) => ewma.pick(scene),
            Rule::LeastTime(least) => least.pick(scene),
            Rule::IpHash(_, hash) => hash.member(scene.key as u32, scene.ready),
            Rule::Jump(_) => scene.ready[jump(scene.key, scene.ready.len() as u32) as usize],
            Rule::Rendezvous(_, weights) => rendezvous(scene.key, scene.ready, weights),
            Rule::Maglev(_, maglev) => maglev.member(scene.key, scene.ready),
            Rule::Bounded(_, bounded) => bounded.pick(scene),
            Rule::Sticky(_, sticky) => sticky.pick(scene),
            Rule::Aperture(aperture) => aperture.pick(scene),
            Rule::Prequal(prequal) => prequal.pick(scene),
            Rule::Pinned(pinned) => pinned.pick(scene),
        }
    }

    /// A call to `member` that took `took` has ended.
    pub fn heard(&mut self, member: u16, took: Span, now: Time) {
        match self {
            Rule::PeakEwma(ewma) => ewma.observe(member, took.0 as f64, now),
            Rule::LeastTime(least) => least.observe(member, took),
            Rule::Aperture(aperture) => aperture.finished(now),
            Rule::Sticky(_, sticky) => sticky.first.heard(member, took, now),
            Rule::Pinned(pinned) => pinned.first.heard(member, took, now),
            _ => {}
        }
    }

    /// A call to `member` has failed, of which nginx takes so many: its share may be lowered.
    pub fn failed(&mut self, member: u16, max_fails: u32) {
        match self {
            Rule::Smooth(smooth) => smooth.failed(member, max_fails),
            Rule::LeastConnections(LeastConnections::Nginx(_, smooth, _)) => {
                smooth.failed(member, max_fails);
            }
            Rule::Sticky(_, sticky) => sticky.first.failed(member, max_fails),
            Rule::Pinned(pinned) => pinned.first.failed(member, max_fails),
            _ => {}
        }
    }
}
