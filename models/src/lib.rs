//! The models: one file or folder per component, one file per decision, the flow language.
//!
//! Models know the kernel and nothing above it: no scenario file, no report, no fault.

pub mod channel;
pub mod flow;
pub mod key;
pub mod policy;
pub mod procedure;
pub mod service;
pub mod wiring;

pub mod gateway;
pub mod traffic;

pub mod cache;
pub mod database;
pub mod quorum;
pub mod redis;
pub mod topic;
pub mod waiting_room;

pub mod by;
pub mod cpu;
pub mod dist;
mod stores;
pub mod units;

#[cfg(test)]
mod testing;

use engine::{Discipline, GroupId};

use wiring::{Offer, Wiring};

/// What the scenario says about one component, and how that becomes a group of the kernel.
pub trait ComponentSpec {
    /// How many members the group has: replicas, nodes, shards, brokers.
    fn members(&self) -> u16;
    /// The CPU of each member's node; `None`: unlimited.
    fn cpu(&self) -> Option<Discipline>;
    /// What others may ask of it.
    fn offer(&self) -> Offer;
    /// The word of one of its own levers, by the name of the action that pulls it: `Flush`.
    fn lever(&self, _action: &str) -> Option<u64> {
        None
    }
    /// Puts every member in its place. Mistakes are reported to `wiring`, never panicked over.
    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>);
}

/// The one list of kinds: adding a component is one file or folder, and one line here.
macro_rules! kinds {
    ($($(#[doc = $doc:literal])* $group:literal $kind:ident($spec:ty)),* $(,)?) => {
        /// A component as a scenario writes it: `Service(replicas: 3, …)`.
        #[derive(Clone, Debug, serde::Deserialize)]
        pub enum Spec {
            $($(#[doc = $doc])* $kind($spec)),*
        }

        /// The names of all kinds, each with what it is for and what it is.
        pub const KINDS: &[(&str, &str, &str)] =
            &[$((stringify!($kind), $group, concat!($($doc),*))),*];

        impl ComponentSpec for Spec {
            fn members(&self) -> u16 {
                match self { $(Spec::$kind(spec) => spec.members()),* }
            }
            fn cpu(&self) -> Option<Discipline> {
                match self { $(Spec::$kind(spec) => spec.cpu()),* }
            }
            fn offer(&self) -> Offer {
                match self { $(Spec::$kind(spec) => spec.offer()),* }
            }
            fn lever(&self, action: &str) -> Option<u64> {
                match self { $(Spec::$kind(spec) => spec.lever(action)),* }
            }
            fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
                match self { $(Spec::$kind(spec) => spec.build(name, group, wiring)),* }
            }
        }
    };
}

kinds! {
    /// Routes calls to services and balances them over their replicas.
    "Serving" Gateway(gateway::GatewaySpec),
    /// Replicas that run flows for callers, by the clock, or for records of a topic.
    "Serving" Service(service::ServiceSpec),
    /// Nodes that keep real keys for a while, each a single-threaded event loop.
    "Storage" Cache(cache::CacheSpec),
    /// Shards with connections, tables and logs, and a commit that may wait for a disk.
    "Storage" Database(Box<database::DatabaseSpec>),
    /// A single-threaded server with locks and tables in memory.
    "Storage" Redis(redis::RedisSpec),
    /// Nodes without a primary: rows on several of them, and so many must answer.
    "Storage" Store(Box<quorum::StoreSpec>),
    /// A line in order of arrival, and a limited number of places inside.
    "Serving" WaitingRoom(waiting_room::WaitingRoomSpec),
    /// A replicated log in partitions, as in Kafka.
    "Messaging" Topic(topic::TopicSpec),
}

impl Spec {
    /// Whether it runs flows: those are built before the stores that execute their procedures.
    pub fn runs_flows(&self) -> bool {
        matches!(self, Spec::Gateway(_) | Spec::Service(_) | Spec::Cache(_))
    }
}
