//! A database: shards with a bounded number of connections, tables and logs, and a commit that may
//! have to wait for a disk.
//!
//! It is asked to run procedures, which flows bring; all shards share the tables, and whose turn
//! a key is, callers know from `shards`.

pub mod program;
mod shard;
pub mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use engine::chance::{Dist as Draw, Sampler};
use engine::station::Curve;
use engine::{Discipline, GroupId, Span};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::by::By;
use crate::dist::Dist;
use crate::stores::dist_or;
use crate::wiring::{Offer, Wiring};

use program::Programs;
use shard::{Rules, Shard};
use tables::TableSpec;

/// Shards that execute transactions of statements, all or none, over a bounded number of
/// connections.
///
/// Source: the documentation of HikariCP (maximumPoolSize) and PostgreSQL (commit_delay: one flush
/// makes many transactions durable).
///
/// Not modelled: row locks and isolation levels, replicas, query plans, checkpoints, disks beyond
/// the flush of a commit.
///
/// Example: `Database(shards: (count: 4, by: Ring(key: "product")), connections: 8,
/// statement: Exp("2ms"), tables: { "stock": Table(key: "product", rows: 100_000, value: 50) })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSpec {
    /// How many shards there are, and which keeps which key (default: one keeps all).
    shards: Option<Shards>,
    /// Connections of each shard: so many calls at once (default 10, as in HikariCP).
    #[serde(default = "connections")]
    connections: u32,
    /// How many calls may wait for a connection of each shard; more are shed (default 1000). Who
    /// stops waiting before its turn is not served: the wait is that of the caller's pool.
    #[serde(default = "queue")]
    queue: u32,
    /// Cores of each shard, shared by the statements that run (default: no limit).
    cpu: Option<f64>,
    /// CPU time of one statement (default 1ms).
    statement: Option<Dist>,
    /// What a transaction that writes waits for: `Group(fsync: …)` (default: nothing).
    commit: Option<Commit>,
    /// Tables and logs by name.
    #[serde(default)]
    tables: BTreeMap<String, TableSpec>,
}

/// How many shards there are, and which keeps which key.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Shards {
    /// How many.
    count: u16,
    /// Which shard keeps which key.
    by: By,
}

/// What makes a transaction durable.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
enum Commit {
    /// All transactions that wait when a flush starts share it.
    /// Example: `Group(fsync: Exp("1ms"))`
    Group {
        /// The time of one flush.
        fsync: Dist,
    },
}

fn connections() -> u32 {
    10
}

fn queue() -> u32 {
    1000
}

impl DatabaseSpec {
    fn complain(&self, wiring: &mut Wiring<'_>) {
        if let Some(Shards { count, by }) = &self.shards {
            wiring.at_name("shards", |wiring| {
                if *count == 0 {
                    wiring.at_name("count", |w| w.problem("a database needs at least one shard"));
                }
                wiring.at_name("by", |w| by.build((*count).max(1), w));
            });
        }
        if self.connections == 0 {
            wiring.at_name("connections", |w| w.problem("nothing can run without a connection"));
        }
        if self.cpu.is_some_and(|cores| !(cores.is_finite() && cores > 0.0)) {
            wiring.at_name("cpu", |w| w.problem("cores are a number above zero"));
        }
    }
}

impl ComponentSpec for DatabaseSpec {
    fn members(&self) -> u16 {
        self.shards.as_ref().map_or(1, |shards| shards.count.max(1))
    }

    fn cpu(&self) -> Option<Discipline> {
        let cores = self.cpu.filter(|cores| cores.is_finite() && *cores > 0.0)?;
        Some(Discipline::Share { cores, curve: Curve::None })
    }

    fn offer(&self) -> Offer {
        let by = self.shards.as_ref().map(|shards| shards.by.clone());
        Offer { by, ..tables::offer("Database", &self.tables) }
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        self.complain(wiring);
        let statement = dist_or(wiring, "statement", self.statement.as_ref(), Span::millis(1));
        let fsync: Option<Draw> = self.commit.as_ref().and_then(|commit| {
            let Commit::Group { fsync } = commit;
            wiring.at_name("commit", |w| w.at_name("fsync", |w| fsync.build(w)))
        });
        let stored = tables::declare(name, &self.tables, wiring);
        let programs = Programs::of(name, &stored, wiring);
        for member in 0..self.members() {
            let owner = format!("{name}/{member}");
            let sampler = |dist, purpose, wiring: &mut Wiring<'_>| Sampler {
                dist,
                stream: wiring.builder.stream(&owner, purpose),
            };
            let rules = Rules {
                connections: self.connections,
                queue: self.queue,
                statement: sampler(statement, "statement", wiring),
                fsync: fsync.map(|dist| sampler(dist, "fsync", wiring)),
                programs: programs.clone(),
            };
            let id = wiring.builder.declared(group).member(member);
            wiring.builder.put(id, Shard::new(rules));
        }
    }
}
