//! Redis: one thread that executes commands, with locks that have leases, and tables in memory.
//!
//! `acquire` takes a lock (a grant, kept until the caller hangs up or the lease ends); everything
//! else it is asked are procedures, which flows bring. One server, without replicas or slots yet.

mod server;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use engine::chance::Sampler;
use engine::{Discipline, GroupId, Span};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::database::program::{Programs, Stored};
use crate::database::tables::{self, TableSpec};
use crate::dist::Dist;
use crate::stores::dist_or;
use crate::wiring::{Offer, Wiring};

use server::{Counters, Rules, Server};

pub use server::lock_word;

/// One thread that executes commands, and forgets everything in a crash unless it is durable.
///
/// Source: the documentation of Redis (one thread, SET with NX and PX as a lock, appendfsync).
///
/// Not modelled: replicas, slots of a cluster, eviction, the time that writing to disk takes.
///
/// Example: `Redis(command: Exp("0.5ms"), tables: { "likes": Table(key: "product") })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSpec {
    /// CPU time of one command (default 10us: about 100 000 commands a second).
    command: Option<Dist>,
    /// Tables outlive a crash: every write is on disk, as with `appendfsync always` (default: no,
    /// a crash empties them). What is on disk costs no time yet. Locks never outlive it.
    #[serde(default)]
    durable: bool,
    /// Tables and logs by name.
    #[serde(default)]
    tables: BTreeMap<String, TableSpec>,
}

impl ComponentSpec for RedisSpec {
    fn members(&self) -> u16 {
        1
    }

    fn cpu(&self) -> Option<Discipline> {
        Some(Discipline::Fifo { servers: 1 })
    }

    fn offer(&self) -> Offer {
        Offer { operations: vec!["acquire".into()], ..tables::offer("Redis", &self.tables) }
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        let command = dist_or(wiring, "command", self.command.as_ref(), Span::micros(10));
        let stored = tables::declare(name, &self.tables, wiring);
        let in_memory = |it: &Stored| match it {
            Stored::Table(table, _) if !self.durable => Some(*table),
            _ => None,
        };
        let programs = Programs::of(name, &stored, wiring);
        let [granted, expired] =
            ["granted", "expired"].map(|counter| wiring.builder.counter(group, counter));
        let stream = wiring.builder.stream(&format!("{name}/0"), "command");
        let rules = Rules {
            command: Sampler { dist: command, stream },
            acquire: wiring.builder.op(&format!("{name}.acquire")),
            programs,
            volatile: stored.values().filter_map(in_memory).collect(),
            counters: Counters { granted, expired },
        };
        let id = wiring.builder.declared(group).member(0);
        wiring.builder.put(id, Server::new(rules));
    }
}
