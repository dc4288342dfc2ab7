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

pub mod cache;
pub mod database;
pub mod redis;
pub mod topic;
pub mod waiting_room;

pub mod by;
pub mod dist;
mod stores;
pub mod units;

#[cfg(test)]
pub mod testing;

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
    /// Puts every member in its place. Mistakes are reported to `wiring`, never panicked over.
    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>);
}
