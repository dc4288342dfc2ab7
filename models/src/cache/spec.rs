//! A cache: nodes that keep recent values by key, in memory only.
//!
//! Callers read through it (`Read`), write to it (`Put`) and have it forget (`Forget`); which node
//! to ask is theirs to know, from `by`. A node can also fetch and write by itself: `load`, `store`.

use engine::Discipline;
use serde::Deserialize;

use super::eviction::Evict;
use super::moving::MovingSpec;
use super::sizes::SizeSpec;
use crate::by::By;
use crate::dist::Dist;
use crate::flow::spec::Step;
use crate::units::{Bytes, Dur, Share};
use crate::wiring::Offer;

/// Each node is one thread that executes one command at a time.
///
/// Source: the documentation of Redis (one thread, key eviction, expiry, `maxclients`, `KEYS`),
/// memcached (LRU, leases), Caffeine (refresh, expiry after access) and RFC 5861 (stale while
/// revalidating, and on errors); of eviction, the paper that each policy comes from.
///
/// Not modelled: replicas, writing to disk, asking a key's old node for it while entries move (it
/// is a miss), memory that is fragmented, expiry in the background (with `Never`, what has expired
/// takes room until it is asked for), the hill climber of W-TinyLFU (its window is 1 %), the age
/// that HTTP passes on from one cache to the next. Values of more than 32 bits are not put in by
/// callers; `load` and `store` pass them whole. The depth of a stampede is how often one key was
/// missed since it was there, within `fill`: nobody tells a cache that fetching has failed.
///
/// Misses are counted by their cause: `cold` (never put in; what became of them is remembered of 4
/// million keys, others are cold), `capacity`, `expired`, `forgotten`, `lost` (by a crash or a
/// flush, wherever the key is looked for since), `moved` (another node kept it, and its place has
/// changed).
///
/// Example: `Cache(nodes: 3, by: Ring(key: "product"), capacity: 20_000, ttl: "10m")`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheSpec {
    /// How many nodes there are (default 1).
    #[serde(default = "one")]
    pub nodes: u16,
    /// The component that it is inside of: one node in each of its members, asked by that one
    /// only, without a network between, on the same CPU; it dies with it (default: none).
    pub inside: Option<String>,
    /// Which node keeps which key (default: there is one node, and `key` says the key).
    pub by: Option<By>,
    /// The draw that is the key (default: the one of `by`); or two: `"user,item"`. With `by`, nodes
    /// are chosen by one draw and keep entries under another, as the edges of a CDN do.
    pub key: Option<String>,
    /// How many entries each node holds (default 10 000; without a limit if there is `memory`).
    pub capacity: Option<u64>,
    /// How many bytes each node holds (default: no limit).
    pub memory: Option<Bytes>,
    /// How large values are, with `memory`: the same for a key whenever it comes (default 1KiB).
    pub size: Option<SizeSpec>,
    /// What an entry takes besides its value, with `memory` (default 72B: Redis takes 50 to 90
    /// for a small key).
    pub overhead: Option<Bytes>,
    /// What goes when it is full (default `Lru`).
    #[serde(default)]
    pub evict: Evict,
    /// How long an entry lives after it was put in (default: until it is evicted).
    pub ttl: Option<Dur>,
    /// Every hit lets an entry live for another `ttl` (default: it lives from when it was put in).
    #[serde(default)]
    pub sliding: bool,
    /// How long it is remembered that there is no such row: of a `Read` whose `miss` ends denied,
    /// or a `load` that does (default: not at all).
    pub ttl_denied: Option<Dur>,
    /// How far times to live are spread around `ttl`, as a share of it (default 0).
    pub jitter: Option<Share>,
    /// For how long after its time an entry is still served while one caller refreshes it
    /// (default: not at all).
    pub stale: Option<Dur>,
    /// For how long after its time an entry is served if fetching fails (default: not at all).
    pub stale_if_error: Option<Dur>,
    /// Refreshes by chance before the time: about so long before it, if many ask. This is β·δ of
    /// XFetch, where δ is what fetching takes (default: never).
    pub early: Option<Dur>,
    /// An entry of this age is refreshed when it is next asked for, by one caller or by `load`
    /// (default: never).
    pub refresh: Option<Dur>,
    /// Of all who miss a key, one fetches it and the others wait for that (default: no). It has a
    /// lease, and only its value is put in. The lease is void if the key is forgotten (by key, tag,
    /// prefix or flush) or written meanwhile, so that nothing old gets in; those who wait go on
    /// waiting until it comes back, or until `fill`. What coalesced is neither hit nor miss.
    #[serde(default)]
    pub coalesce: bool,
    /// With `coalesce`, `stale` or `refresh`: how long whoever fetches may take before the next
    /// one tries (default 1 s). With `coalesce`, what a caller brings after that is refused, as
    /// memcached does with an old token; what a `load` brings is kept if nobody wrote meanwhile.
    pub fill: Option<Dur>,
    /// A value of an older version than the one that is there is refused (default: no).
    #[serde(default)]
    pub versioned: bool,
    /// The draw that entries are tagged with, for `Forget(…, (by: Tag))` (default: none).
    pub tag: Option<String>,
    /// CPU time of one command (default 10us: Redis executes about 100 000 commands a second;
    /// 1us inside a component).
    pub access: Option<Dist>,
    /// How many commands may wait to be executed; more are refused (default: no limit;
    /// `maxclients` of Redis is 10 000). Who waits for another's fetch or for a `load` counts no
    /// more.
    pub connections: Option<u32>,
    /// The table whose rows are cached, to count stale hits (default: the table named as the key).
    pub of: Option<String>,
    /// How a node fetches what it does not have, in the place of its callers: read-through
    /// (default: callers fetch and fill).
    #[serde(default)]
    pub load: Vec<Step>,
    /// How a node writes to the store what a `Put` brings. It can use the variables `value`, and
    /// `writes`: for how many writes this one stands (default: it does not).
    #[serde(default)]
    pub store: Vec<Step>,
    /// With `store`: when (default `Through`).
    pub writes: Option<WritesSpec>,
    /// What is loaded when a node starts, and after each crash (default: nothing).
    pub warm: Option<WarmSpec>,
    /// With `by`: entries go to the nodes that their keys belong to once somebody has joined, left
    /// or come back (default: they stay where nobody asks for them, and nodes begin cold).
    pub moving: Option<Box<MovingSpec>>,
    /// How it adjusts itself (default: not at all).
    pub tune: Option<TuneSpec>,
}

/// When a cache writes to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum WritesSpec {
    /// At once; the caller waits for the store.
    Through,
    /// Later; the caller waits for the cache only. Writes to one key become one. What a node has
    /// not written when it crashes is lost, and counted there and then, but for what was on its way
    /// and gets there all the same: `lost_records{topic=CACHE.behind}`. So is what the store
    /// denies, and what had to go for lack of room.
    /// Example: `Behind(every: "5s", batch: 50)`
    Behind {
        /// How often what was written goes to the store.
        every: Dur,
        /// How many keys are written at a time; as many waiting do not wait for `every` (default
        /// 100).
        #[serde(default = "batch")]
        batch: u32,
        /// How many keys may wait or be on their way (default 1000).
        #[serde(default = "queue")]
        queue: u32,
        /// What happens to more (default `Refuse`).
        #[serde(default)]
        full: Full,
    },
}

/// What happens to a write that finds no room in the buffer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Full {
    /// It is shed.
    #[default]
    Refuse,
    /// It takes the place of the oldest that is not on its way, which is lost.
    Drop,
}

/// Longest list that a cache is warmed up from: each node keeps its part of it.
pub(super) const MOST_WARM: u32 = 10_000_000;

/// What is loaded when a node starts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmSpec {
    /// The keys below this: the most popular of a Zipf draw. At most 10 million.
    pub top: u32,
    /// So many at a time (default 50).
    #[serde(default = "fifty")]
    pub batch: u32,
}

/// How a cache adjusts itself.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TuneSpec {
    /// How often it looks at itself.
    pub every: Dur,
    /// The most that a node may hold, in entries, or in bytes with `memory`.
    pub most: u64,
    /// It grows while it hits less often than this … (default 80%).
    pub below: Option<Share>,
    /// … and holds less than this share of `most` (default 70%) …
    pub room: Option<Share>,
    /// … by this factor (default 1.5).
    pub times: Option<f64>,
    /// The policy to change to once it hits more than 95 % and holds more than 80 % of `most`
    /// (default: none).
    pub then: Option<Evict>,
}

fn one() -> u16 {
    1
}

fn batch() -> u32 {
    100
}

fn queue() -> u32 {
    1000
}

fn fifty() -> u32 {
    50
}

impl CacheSpec {
    /// The draw that is the key.
    pub fn key_name(&self) -> Option<&str> {
        self.key.as_deref().or(self.by.as_ref().map(By::key))
    }

    /// How many nodes there are; a cache inside a component has one in each of its members, which
    /// `inside` tells.
    pub fn nodes(&self) -> u16 {
        self.nodes.max(1)
    }

    /// What can be asked of it.
    pub(super) fn offers(&self) -> Offer {
        let operations = ["get", "put", "forget", "set"].map(String::from).to_vec();
        Offer {
            kind: "Cache",
            operations,
            by: self.by.clone(),
            inside: self.inside.clone(),
            key: self.key_name().map(String::from),
            tag: self.tag.clone(),
            loads: !self.load.is_empty(),
            stores: !self.store.is_empty(),
            negative: self.ttl_denied.is_some() && self.load.is_empty(),
            rescues: self.stale_if_error.is_some() && self.load.is_empty(),
            ..Offer::default()
        }
    }

    /// The CPU of a node of its own; inside another component it uses the CPU there.
    pub(super) fn cpu_of_its_own(&self) -> Option<Discipline> {
        self.inside.is_none().then_some(Discipline::Fifo { servers: 1 })
    }
}
