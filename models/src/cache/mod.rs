//! A cache: nodes that keep recent values by key, in memory only.
//!
//! Callers ask `get` (done: a hit, with value and version; denied: a miss), `put` and `forget`;
//! which node to ask is theirs to know, from `by`.

pub mod eviction;
mod fills;
mod index;
mod kept;
mod node;
#[cfg(test)]
mod tests;

use engine::chance::Sampler;
use engine::{Discipline, GroupId, Span, Word as _};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::by::By;
use crate::dist::Dist;
use crate::key::KeyOf;
use crate::stores::dist_or;
use crate::units::{Dur, Share};
use crate::wiring::{Offer, Wiring};

use eviction::Evict;
use node::{CacheNode, Counters, Lever, Node, Ops};

pub use node::fill_word;

/// More entries than this do not fit the numbers that link them.
const MOST_ENTRIES: u64 = 1 << 31;

/// Each node is one thread that executes one command at a time.
///
/// Source: the documentation of Redis (one thread, key eviction, expiry) and memcached (LRU); of
/// eviction, the paper that each policy comes from.
///
/// Not modelled: sizes in bytes (entries are counted), replicas, writing to disk.
///
/// Example: `Cache(nodes: 3, by: Ring(key: "product"), capacity: 20_000, ttl: "10m")`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSpec {
    /// How many nodes there are (default 1).
    #[serde(default = "one")]
    nodes: u16,
    /// Which node keeps which key (default: there is one node, and `key` says the key).
    by: Option<By>,
    /// The draw that is the key, if there is but one node (default: that of `by`).
    key: Option<String>,
    /// How many entries each node holds (default 10 000).
    #[serde(default = "capacity")]
    capacity: u64,
    /// What goes when it is full (default `Lru`).
    #[serde(default)]
    evict: Evict,
    /// How long an entry lives after it was put in (default: until it is evicted).
    ttl: Option<Dur>,
    /// How far times to live are spread around `ttl`, as a share of it (default 0).
    jitter: Option<Share>,
    /// For how long after its time an entry is still served while one caller refreshes it
    /// (default: not at all).
    stale: Option<Dur>,
    /// Refreshes by chance before the time: about so long before it, if many ask. This is β·δ of
    /// XFetch, where δ is what fetching takes (default: never).
    early: Option<Dur>,
    /// Of all who miss a key, one fetches it and the others wait for that (default: no).
    #[serde(default)]
    coalesce: bool,
    /// With `coalesce` or `stale`: how long whoever fetches may take before the next one tries
    /// (default 1 s).
    fill: Option<Dur>,
    /// CPU time of one command (default 10us: Redis executes about 100 000 commands a second).
    access: Option<Dist>,
    /// The table whose rows are cached, to count stale hits (default: the table named as the key).
    of: Option<String>,
}

fn one() -> u16 {
    1
}

fn capacity() -> u64 {
    10_000
}

impl CacheSpec {
    /// Which draw is the key.
    fn key_name(&self) -> Option<&str> {
        self.by.as_ref().map(By::key).or(self.key.as_deref())
    }

    fn complain(&self, wiring: &mut Wiring<'_>) {
        if self.nodes == 0 {
            wiring.at_name("nodes", |w| w.problem("a cache needs at least one node"));
        }
        if self.nodes > 1 && self.by.is_none() && self.key.is_some() {
            let help = "say it: by: Ring(key: \"product\")".to_owned();
            wiring.problem_with("which of the nodes keeps which key is not said", Some(help));
        }
        if self.by.is_some() && self.key.is_some() {
            wiring.at_name("key", |w| w.problem("`by` names the key already"));
        }
        if !(1..=MOST_ENTRIES).contains(&self.capacity) {
            let message = format!("a node holds between 1 and {MOST_ENTRIES} entries");
            wiring.at_name("capacity", |w| w.problem(message));
        }
        if self.ttl.is_some_and(|ttl| ttl.span().is_zero()) {
            wiring.at_name("ttl", |w| w.problem("an entry that lives for no time is never hit"));
        }
        if self.ttl.is_none() {
            self.complain_without_ttl(wiring);
        }
        if self.fill.is_some_and(|fill| fill.span().is_zero()) {
            wiring.at_name("fill", |w| w.problem("nobody can fetch a value in no time"));
        }
        if self.fill.is_some() && !self.coalesce && self.stale.is_none() {
            wiring.at_name("fill", |w| {
                w.problem("`fill` means something with `coalesce: true` or `stale`")
            });
        }
    }

    fn complain_without_ttl(&self, wiring: &mut Wiring<'_>) {
        let given = [
            ("jitter", self.jitter.is_some()),
            ("stale", self.stale.is_some()),
            ("early", self.early.is_some()),
        ];
        for (name, _) in given.into_iter().filter(|(_, given)| *given) {
            let message = format!("`{name}` means something with a `ttl`");
            wiring.at_name(name, |w| w.problem(message));
        }
    }

    fn key_of(&self, wiring: &mut Wiring<'_>) -> Option<KeyOf> {
        if let Some(by) = &self.by {
            let sound = wiring.at_name("by", |w| by.build(self.members(), w)).is_some();
            return sound.then(|| KeyOf::named(by.key(), wiring)).flatten();
        }
        match &self.key {
            Some(name) => wiring.at_name("key", |w| KeyOf::named(name, w)),
            None => {
                let help = "say it: key: \"product\"".to_owned();
                wiring.problem_with("which draw is the key is not said", Some(help));
                None
            }
        }
    }
}

impl ComponentSpec for CacheSpec {
    fn members(&self) -> u16 {
        self.nodes.max(1)
    }

    fn cpu(&self) -> Option<Discipline> {
        Some(Discipline::Fifo { servers: 1 })
    }

    fn offer(&self) -> Offer {
        let operations = ["get", "put", "forget"].map(String::from).to_vec();
        Offer { kind: "Cache", operations, by: self.by.clone(), ..Offer::default() }
    }

    fn lever(&self, action: &str) -> Option<u64> {
        (action == "Flush").then(|| Lever::Flush.pack())
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        self.complain(wiring);
        let key = self.key_of(wiring).unwrap_or(KeyOf::Root);
        let access = dist_or(wiring, "access", self.access.as_ref(), Span::micros(10));
        let [get, put, forget] =
            ["get", "put", "forget"].map(|op| wiring.builder.op(&format!("{name}.{op}")));
        let counters = Counters::new(|name| wiring.builder.counter(group, name));
        let patience = self.fill.map_or(Span::secs(1), Dur::span);
        for member in 0..self.members() {
            let stream = wiring.builder.stream(&format!("{name}/{member}"), "access");
            let node = Node {
                key,
                access: Sampler { dist: access, stream },
                ttl: self.ttl.map(Dur::span),
                jitter: self.jitter.map_or(0.0, |share| share.0),
                stale: self.stale.map_or(Span::ZERO, Dur::span),
                early: self.early.map_or(Span::ZERO, Dur::span),
                coalesce: self.coalesce,
                fill: patience,
                stream: wiring.builder.stream(&format!("{name}/{member}"), "expiry"),
                table: self.of.clone().or(self.key_name().map(String::from)),
                ops: Ops { get, put, forget },
                counters,
            };
            let capacity = self.capacity.clamp(1, MOST_ENTRIES);
            let id = wiring.builder.declared(group).member(member);
            let cache = CacheNode::new(node, self.evict, capacity, u64::from(member));
            wiring.builder.put(id, cache);
        }
    }
}
