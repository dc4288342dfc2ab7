//! How the members of a store share its keys: what the store says of itself, and what the
//! channels of its callers go by.

use serde::Deserialize;

use crate::policy::placement::ranges::KeyRange;

/// Which member keeps which key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum By {
    /// Consistent hashing: every member has many points on a ring, a key belongs to the next one.
    /// A member that leaves takes only its own keys with it.
    /// Example: `Ring(key: "product")`
    Ring {
        /// A draw, or `"request"`.
        key: String,
        /// Points per member (default 150: shares differ by about 8 %).
        #[serde(default = "virtual_nodes")]
        virtual_nodes: u32,
        /// Multiples of that, one per member, each at least 1, as in nginx (default: all 1).
        #[serde(default)]
        weights: Vec<u32>,
    },
    /// The ring of memcached's clients: 160 points per member, MD5 digests of `node-0-0` and so
    /// on, and of the key's digits, as libmemcached places them.
    /// Example: `Ketama(key: "product")`
    Ketama {
        /// A draw, or `"request"`.
        key: String,
        /// One per member, each at least 1: a member has its share of all points (default: all 1).
        #[serde(default)]
        weights: Vec<u32>,
    },
    /// The key modulo the number of members. One more or fewer, and nearly every key has another
    /// member.
    /// Example: `Modulo(key: "product")`
    Modulo {
        /// A draw, or `"request"`.
        key: String,
    },
    /// A hash of the key modulo the number of members.
    /// Example: `Hash(key: "product")`
    Hash {
        /// A draw, or `"request"`.
        key: String,
    },
    /// Jump consistent hash: even shares, no table; only the last member can be taken away.
    /// Example: `Jump(key: "product")`
    Jump {
        /// A draw, or `"request"`.
        key: String,
    },
    /// Rendezvous hashing: the member with the highest random weight for the key. Looks at all.
    /// Example: `Rendezvous(key: "product")`
    Rendezvous {
        /// A draw, or `"request"`.
        key: String,
    },
    /// Ranges of keys. One of `each`, `below` and `ranges` says which.
    /// Example: `Range(key: "product", each: 500)`
    Range {
        /// A draw, or `"request"`.
        key: String,
        /// So many keys to each member, in order; the last one keeps the rest (default: what
        /// `below` or `ranges` says).
        each: Option<u64>,
        /// Split points, one fewer than members: each member keeps what is below its own.
        #[serde(default)]
        below: Vec<u64>,
        /// Ranges one by one, in any order, without gaps: `(from: 0, to: 999, on: 2)`.
        #[serde(default)]
        ranges: Vec<KeyRange>,
    },
    /// A directory that knows where certain keys are; all others by their hash.
    /// Example: `Directory(key: "product", homes: [(key: 17, on: 1)])`
    Directory {
        /// A draw, or `"request"`.
        key: String,
        /// Who keeps what: `(key: 17, on: 2)`.
        homes: Vec<Home>,
    },
    /// Redis Cluster's 16384 slots: CRC-16 of the key's text, in even ranges over the members.
    /// Example: `Slots(key: "product")`
    Slots {
        /// A draw, or `"request"`.
        key: String,
        /// What stands before the digits in the key's text, such as `"user:"`; with a hash tag in
        /// braces, all keys share a slot (default: nothing).
        #[serde(default)]
        prefix: String,
        /// Over so many of the members, the first ones (default: all).
        over: Option<u16>,
    },
    /// As Kafka's clients: the murmur2 hash of the key decides a partition, and partition `p` is
    /// on member `p` modulo the number of members, unless that one says otherwise.
    /// Example: `Murmur2(key: "user", partitions: 12)`
    Murmur2 {
        /// A draw, or `"request"`.
        key: String,
        /// How many partitions.
        partitions: u16,
    },
}

/// A line of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Home {
    /// Which key.
    pub key: u64,
    /// Which member keeps it, from 0.
    pub on: u16,
}

fn virtual_nodes() -> u32 {
    150
}

impl By {
    /// The name of the key that decides.
    pub fn key(&self) -> &str {
        match self {
            By::Ring { key, .. } | By::Modulo { key } | By::Murmur2 { key, .. } => key,
            By::Ketama { key, .. } | By::Hash { key } | By::Jump { key } => key,
            By::Rendezvous { key } | By::Range { key, .. } => key,
            By::Directory { key, .. } | By::Slots { key, .. } => key,
        }
    }
}
