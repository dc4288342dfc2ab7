//! A database: shards with a bounded number of connections, tables and logs, and a commit that may
//! have to wait for a disk.
//!
//! It is asked to run procedures, which flows bring; all shards share the tables, and whose turn
//! a key is, callers know from `shards`.

pub mod copies;
pub mod costs;
mod failover;
mod member;
pub mod program;
mod replica;
mod session;
mod shard;
pub mod tables;
#[cfg(test)]
mod tests;
mod waits;

use std::collections::BTreeMap;

use engine::chance::{Dist as Draw, Sampler};
use engine::ledger::TableId;
use engine::{Discipline, GroupId, Span};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::by::By;
use crate::cpu::{self, Scaling};
use crate::dist::Dist;
use crate::key::KeyOf;
use crate::procedure::VerbTemplate;
use crate::stores::dist_or;
use crate::units::Dur;
use crate::wiring::{Offer, Wiring};

use copies::ReplicasSpec;
use costs::{BufferSpec, Costs, PAGE_READ};
use program::{Programs, Stored};
use shard::{Counters, Rules, Shard};
use tables::TableSpec;

/// Shards that execute transactions of statements, all or none, over a bounded number of
/// connections.
///
/// Source: the documentation of HikariCP (maximumPoolSize), PostgreSQL (commit_delay: one flush
/// makes many transactions durable; lock_timeout, deadlock_timeout, synchronous_commit), InnoDB
/// (row locks) and Patroni (ttl).
///
/// Not modelled: isolation levels (reads see what is committed, and nothing is locked but rows
/// that are written), query plans, checkpoints, disks beyond the flush of a commit. A transaction
/// whose client dies silently or is cut off, however briefly, keeps its connection and its rows
/// until `idle_timeout`: no packet is sent again, and no connection is reset. Who closes a circle
/// of waits is rolled back; InnoDB chooses who has written least. Where rows are locked, shards
/// lock for themselves. Numbers in a transaction are of 48 bits. Replicas: one primary decides;
/// quorums of reads and writes are those of `Store`. Shards stay as they are; slots that move are
/// those of `Redis`.
///
/// Example: `Database(shards: (count: 4, by: Ring(key: "product")), connections: 8,
/// statement: Exp("2ms"), tables: { "stock": Table(key: "product", rows: 100_000, value: 50) })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSpec {
    /// How many shards there are, and which keeps which key (default: one keeps all).
    shards: Option<Shards>,
    /// Copies of it beside its primary (default: none). Not together with shards.
    replicas: Option<ReplicasSpec>,
    /// Connections of each shard: so many calls at once (default 10, as in HikariCP).
    #[serde(default = "connections")]
    connections: u32,
    /// How many calls may wait for a connection of each shard; more are shed (default 1000). Who
    /// stops waiting before its turn is not served: the wait is that of the caller's pool.
    #[serde(default = "queue")]
    queue: u32,
    /// Cores of each shard, shared by the statements that run (default: no limit).
    cpu: Option<f64>,
    /// What many busy cores cost one another: `(contention: 0.03, coherency: 0.0001)` (default:
    /// nothing).
    scaling: Option<Scaling>,
    /// CPU time of one statement (default 1ms).
    statement: Option<Dist>,
    /// CPU time for each row that a `Page` or a `Scan` looks at (default 0s).
    row: Option<Dur>,
    /// Memory for pages of tables, and a disk for the others (default: all is in memory).
    buffer: Option<BufferSpec>,
    /// What a transaction that writes waits for: `Group(fsync: …)` (default: nothing).
    commit: Option<Commit>,
    /// Whether a `Do` locks the rows that it writes until its commit, so that others wait for
    /// them (default: if any flow has a `Transaction` here, for then somebody could notice).
    #[serde(default)]
    row_locks: bool,
    /// How long a statement waits for a row that another transaction has locked; then that
    /// transaction is rolled back and has failed (default: for ever, as `lock_timeout` of
    /// PostgreSQL; InnoDB: 50s).
    lock_timeout: Option<Dur>,
    /// How long a statement has waited for a row when it looks whether those who wait form a
    /// circle; if so, its transaction is rolled back and has failed (default: 0s, at once, as in
    /// InnoDB; PostgreSQL: 1s).
    deadlock_after: Option<Dur>,
    /// How long a `Transaction` may wait for its client's next call; then it is rolled back, and
    /// its connection closed. Without, clients that die silently or are cut off keep their
    /// connections and rows for ever (default: for ever, as `idle_in_transaction_session_timeout`
    /// of PostgreSQL; MySQL: 8h).
    idle_timeout: Option<Dur>,
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
    /// What statements of a shard take beyond their own time.
    fn costs(&self, group: GroupId, owner: &str, wiring: &mut Wiring<'_>) -> Costs {
        let row = self.row.map_or(Span::ZERO, |row| row.0);
        let Some(buffer) = &self.buffer else { return Costs::new(row, None) };
        let read = buffer
            .read
            .as_ref()
            .and_then(|dist| wiring.at_name("buffer", |w| w.at_name("read", |w| dist.build(w))));
        let stream = wiring.builder.stream(owner, "read");
        let read = Sampler { dist: read.unwrap_or(PAGE_READ), stream };
        let counters = ["hits", "misses"].map(|name| wiring.builder.counter(group, name));
        Costs::new(row, Some((buffer, read, counters)))
    }

    fn complain(&self, wiring: &mut Wiring<'_>) {
        if let Some(Shards { count, by }) = &self.shards {
            wiring.at_name("shards", |wiring| {
                if *count == 0 {
                    wiring.at_name("count", |w| w.problem("a database needs at least one shard"));
                }
                if *count > 0 {
                    wiring.at_name("by", |w| by.build(*count, w));
                }
            });
        }
        if let Some(replicas) = &self.replicas {
            wiring.at_name("replicas", |wiring| {
                if self.shards.is_some() {
                    wiring.problem("a database has shards or replicas, not both");
                }
                replicas.complain(wiring);
            });
        }
        if let Some(buffer) = &self.buffer {
            wiring.at_name("buffer", |w| buffer.complain(w));
        }
        if self.connections == 0 {
            wiring.at_name("connections", |w| w.problem("nothing can run without a connection"));
        }
        if self.connections > u32::from(u16::MAX) {
            wiring.at_name("connections", |w| w.problem("65535 connections at most"));
        }
        if self.lock_timeout.is_some_and(|span| span.0.is_zero()) {
            let message = "nobody could ever wait for a row; leave it out to wait for ever";
            wiring.at_name("lock_timeout", |w| w.problem(message));
        }
        if self.idle_timeout.is_some_and(|span| span.0.is_zero()) {
            let message = "no transaction could ever go on; leave it out to wait for ever";
            wiring.at_name("idle_timeout", |w| w.problem(message));
        }
        cpu::check(self.cpu, self.scaling, wiring);
    }
}

/// Reports tables whose rows are locked by another key than that of the shards: each shard that a
/// request may go to would lock the row for itself, and two could write it at once. What belongs
/// to one request, or is only made, is no matter.
fn locked_apart(by: &By, stored: &BTreeMap<String, Stored>, of: &Programs, w: &mut Wiring<'_>) {
    let Some(home) = w.quietly(|w| KeyOf::named(by.key(), w)) else { return };
    let together = |key: KeyOf| match (key, home) {
        (KeyOf::Root, _) => true,
        (KeyOf::Pair(a, b), KeyOf::Draw(draw)) => a == draw || b == draw,
        _ => key == home,
    };
    let apart: Vec<TableId> = of
        .locking()
        .filter(|(_, key, verb)| !together(*key) && !matches!(verb, VerbTemplate::Insert(_)))
        .map(|(table, ..)| table)
        .collect();
    for (name, it) in stored {
        if matches!(it, Stored::Table(table, _) if apart.contains(table)) {
            let message = format!("a row of `{name}` would be locked in several shards at once");
            let help = format!("shards go by `{}`: give its rows that key too", by.key());
            w.at_name("shards", |w| w.problem_with(message, Some(help)));
        }
    }
}

impl ComponentSpec for DatabaseSpec {
    fn members(&self) -> u16 {
        match (&self.shards, &self.replicas) {
            (Some(shards), _) => shards.count.max(1),
            (None, Some(replicas)) => replicas.members(),
            (None, None) => 1,
        }
    }

    fn cpu(&self) -> Option<Discipline> {
        cpu::shared(self.cpu, self.scaling)
    }

    fn offer(&self) -> Offer {
        let by = self.shards.as_ref().map(|shards| shards.by.clone());
        let copies = self.replicas.clone().filter(|_| by.is_none());
        Offer { by, copies, transactions: true, ..tables::offer("Database", &self.tables) }
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
        let row_locks = self.row_locks || programs.has_transactions();
        if let Some(shards) = self.shards.as_ref().filter(|shards| row_locks && shards.count > 1) {
            locked_apart(&shards.by, &stored, &programs, wiring);
        }
        let counters = Counters::of(group, wiring);
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
                row_locks,
                lock_timeout: self.lock_timeout.map(|span| span.0),
                deadlock_after: self.deadlock_after.map_or(Span::ZERO, |span| span.0),
                idle_timeout: self.idle_timeout.map(|span| span.0),
                counters,
            };
            let id = wiring.builder.declared(group).member(member);
            let mut shard = Shard::new(rules).with(self.costs(group, &owner, wiring));
            if let Some(replicas) = self.replicas.as_ref().filter(|_| self.shards.is_none()) {
                shard = shard.copied(replicas.rules(name, (group, member), &stored, wiring));
            }
            wiring.builder.put(id, shard);
        }
    }
}
