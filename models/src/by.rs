//! How the members of a store share its keys: what the store says of itself, and what the
//! channels of its callers go by.

use serde::Deserialize;

/// Which member keeps which key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum By {
    /// Consistent hashing: every member has many points on a ring, a key belongs to the next one.
    /// A member that leaves takes only its own keys with it.
    Ring {
        /// A draw, or `"request"`.
        key: String,
        /// Points per member (default 150: shares differ by about 8 %).
        #[serde(default = "virtual_nodes")]
        virtual_nodes: u32,
    },
    /// The key modulo the number of members.
    Modulo {
        /// A draw, or `"request"`.
        key: String,
    },
    /// As Kafka's clients: the murmur2 hash of the key decides a partition, and partition `p` is
    /// on member `p` modulo the number of members, unless that one says otherwise.
    Murmur2 {
        /// A draw, or `"request"`.
        key: String,
        /// How many partitions.
        partitions: u16,
    },
}

fn virtual_nodes() -> u32 {
    150
}

impl By {
    /// The name of the key that decides.
    pub fn key(&self) -> &str {
        match self {
            By::Ring { key, .. } | By::Modulo { key } | By::Murmur2 { key, .. } => key,
        }
    }
}
