//! Redis: one thread that executes commands, with locks that have leases, and tables in memory.
//!
//! `acquire` takes a lock (a grant, kept until the caller hangs up or the lease ends); everything
//! else it is asked are procedures, which flows bring. With several nodes it is a Redis Cluster:
//! masters share 16384 slots, replicas stand in for masters that fail, and slots can be moved.

pub(crate) mod client;
pub(crate) mod cluster;
mod server;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_cluster;

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::chance::{Dist as Draw, Sampler};
use engine::{Discipline, GroupId, Span, Word as _};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::by::By;
use crate::database::program::{Programs, Stored};
use crate::database::tables::{self, TableSpec};
use crate::dist::Dist;
use crate::key::KeyOf;
use crate::stores::dist_or;
use crate::units::Dur;
use crate::wiring::{Offer, Wiring};

use cluster::{Cluster, Written};
use server::{Counters, Lever, Rules, Server};

pub use server::lock_word;

/// Nodes suspect each other in words of 64 bits.
const MOST_MEMBERS: u16 = 64;

/// One thread that executes commands, and forgets everything in a crash unless it is durable. With
/// several nodes a cluster: they share slots, watch each other, and replicas stand in for masters.
///
/// Source: the documentation of Redis (one thread, SET with NX and PX as a lock, appendfsync) and
/// the specification of Redis Cluster; `cluster-node-timeout` is 15 s there.
///
/// Not modelled: eviction, the time that writing to disk takes; of a cluster TRYAGAIN and
/// CROSSSLOT, reads from replicas, manual failover, replica migration, full resynchronisation, and
/// the values that a failover loses: they are counted, and stay in the table; how old a replica may
/// be to be elected (`cluster-replica-validity-factor`). Keys that move are those of `rows`: a slot
/// without any moves at once, and a new key of a slot that moves is made where the others are.
///
/// Example: `Redis(command: Exp("0.5ms"), tables: { "likes": Table(key: "product") })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSpec {
    /// How many masters there are (default 1). More are a cluster: they share the slots.
    #[serde(default = "one")]
    nodes: u16,
    /// How many replicas each master has; they take over when it fails (default 0). Of `nodes`
    /// masters, replica `j` of master `i` is member `nodes × (j + 1) + i`.
    #[serde(default)]
    replicas: u16,
    /// In a cluster: whose slot decides, `Slots(key: "post", prefix: "post:")` (no default).
    by: Option<By>,
    /// So many of the masters, the last ones, begin without slots (default 0).
    #[serde(default)]
    empty: u16,
    /// `cluster-node-timeout`: who has not answered a ping for so long is suspected (default 15s).
    node_timeout: Option<Dur>,
    /// `cluster-require-full-coverage`: while a master has failed and nobody has taken over, no
    /// node executes anything (default true).
    #[serde(default = "yes")]
    full_coverage: bool,
    /// CPU time of one command (default 10us: about 100 000 commands a second).
    command: Option<Dist>,
    /// Tables outlive a crash: every write is on disk, as with `appendfsync always` (default: no,
    /// a crash empties them; in a cluster what a node had is not taken away, but counted as lost).
    /// What is on disk costs no time yet. Locks never outlive it.
    #[serde(default)]
    durable: bool,
    /// Tables and logs by name.
    #[serde(default)]
    tables: BTreeMap<String, TableSpec>,
}

fn one() -> u16 {
    1
}

fn yes() -> bool {
    true
}

impl RedisSpec {
    fn is_cluster(&self) -> bool {
        self.nodes > 1 || self.replicas > 0
    }

    /// How many masters begin with slots.
    fn serving(&self) -> u16 {
        self.nodes.saturating_sub(self.empty).max(1)
    }

    /// Which draw decides, and what stands before its digits.
    fn slots(&self) -> Option<(&str, &str)> {
        match &self.by {
            Some(By::Slots { key, prefix, .. }) => Some((key, prefix)),
            _ => None,
        }
    }

    fn complain(&self, wiring: &mut Wiring<'_>) {
        if self.nodes == 0 {
            wiring.at_name("nodes", |w| w.problem("a cluster needs at least one master"));
        }
        if self.is_too_large() {
            let message = format!("a cluster has at most {MOST_MEMBERS} nodes, replicas included");
            wiring.problem(message);
        }
        if self.empty >= self.nodes.max(1) {
            wiring.at_name("empty", |w| w.problem("somebody must have the slots"));
        }
        if self.node_timeout.is_some_and(|timeout| timeout.span() < Span::millis(10)) {
            wiring.at_name("node_timeout", |w| w.problem("nobody answers in less than 10ms"));
        }
        match self.is_cluster() {
            true => self.complain_of_slots(wiring),
            false => self.complain_alone(wiring),
        }
    }

    /// What means something in a cluster only.
    fn complain_alone(&self, wiring: &mut Wiring<'_>) {
        let given = [
            ("by", self.by.is_some()),
            ("node_timeout", self.node_timeout.is_some()),
            ("full_coverage", !self.full_coverage),
        ];
        for (name, _) in given.into_iter().filter(|(_, given)| *given) {
            let message = format!("`{name}` means something in a cluster: this is one node");
            let help = Some("write nodes: 3, or leave it out".to_string());
            wiring.at_name(name, |w| w.problem_with(message, help));
        }
    }

    fn complain_of_slots(&self, wiring: &mut Wiring<'_>) {
        if let Some(By::Slots { over: Some(_), .. }) = &self.by {
            let message = "how many masters begin with slots is said by `nodes` and `empty`";
            let help = Some("empty: 1".to_string());
            wiring.at_name("by", |w| w.at_name("over", |w| w.problem_with(message, help)));
        }
        match self.slots() {
            Some((key, _)) => {
                wiring.at_name("by", |w| w.at_name("key", |w| _ = KeyOf::named(key, w)));
            }
            None => {
                let help = "by: Slots(key: \"product\")".to_string();
                let message = "a cluster shares slots: whose slot decides is not said";
                wiring.problem_with(message, Some(help));
            }
        }
    }

    /// Whether there are more nodes than a cluster can have.
    fn is_too_large(&self) -> bool {
        u64::from(self.nodes.max(1)) * (1 + u64::from(self.replicas)) > MOST_MEMBERS.into()
    }

    /// How many of the members begin as masters: the first ones.
    pub fn masters(&self) -> u16 {
        self.nodes.max(1)
    }

    /// What the nodes of the cluster share, if it is one: how many keys each slot has, and what
    /// they have written.
    fn shared(&self) -> Option<(Rc<[u32]>, Written)> {
        let (_, prefix) = self.slots().filter(|_| self.is_cluster() && !self.is_too_large())?;
        let rows = |spec: &TableSpec| match spec {
            TableSpec::Table { rows, .. } => rows.unwrap_or(0),
            TableSpec::Log { .. } => 0,
        };
        let rows = self.tables.values().map(rows).max().unwrap_or(0);
        Some((cluster::keys_per_slot(prefix, rows), Written::new(self.members())))
    }

    /// A node's part in the cluster, if there is one.
    fn part(
        &self,
        name: &str,
        member: u16,
        shared: Option<&(Rc<[u32]>, Written)>,
        wiring: &mut Wiring<'_>,
    ) -> Option<Cluster> {
        let ((key, prefix), (keys, written)) = (self.slots()?, shared?);
        let known = wiring.problems.len();
        let key_of = KeyOf::named(key, wiring);
        wiring.problems.truncate(known);
        let group = wiring.builder.find(name)?;
        let me = wiring.builder.declared(group).member(member);
        let rules = cluster::Rules {
            me: member,
            link: wiring.builder.link(me, group),
            key: key_of?,
            prefix: prefix.into(),
            timeout: self.node_timeout.map_or(Span::secs(15), Dur::span),
            full_coverage: self.full_coverage,
            keys: keys.clone(),
            written: written.clone(),
            ops: cluster::Ops::named(|op| wiring.builder.op(&format!("{name}.{op}"))),
            stream: wiring.builder.stream(&format!("{name}/{member}"), "cluster"),
            counters: cluster::Counters::named(|counter| wiring.builder.counter(group, counter)),
        };
        let log = cluster::map::log_of(name, wiring);
        Some(Cluster::new(rules, (self.masters(), self.replicas, self.serving()), log))
    }

    fn rules(
        &self,
        name: &str,
        member: u16,
        command: Draw,
        programs: &Programs,
        wiring: &mut Wiring<'_>,
    ) -> Rules {
        let group = wiring.builder.find(name).expect("all groups are declared");
        let [granted, expired] =
            ["granted", "expired"].map(|counter| wiring.builder.counter(group, counter));
        let stream = wiring.builder.stream(&format!("{name}/{member}"), "command");
        Rules {
            command: Sampler { dist: command, stream },
            acquire: wiring.builder.op(&format!("{name}.acquire")),
            programs: programs.clone(),
            volatile: Vec::new(),
            counters: Counters { granted, expired },
        }
    }
}

impl ComponentSpec for RedisSpec {
    fn members(&self) -> u16 {
        (self.nodes.max(1)).saturating_mul(self.replicas.saturating_add(1))
    }

    fn cpu(&self) -> Option<Discipline> {
        Some(Discipline::Fifo { servers: 1 })
    }

    fn offer(&self) -> Offer {
        let by = self.slots().filter(|_| self.is_cluster()).map(|(key, prefix)| By::Slots {
            key: key.into(),
            prefix: prefix.into(),
            over: Some(self.serving()),
        });
        Offer { operations: vec!["acquire".into()], by, ..tables::offer("Redis", &self.tables) }
    }

    fn lever(&self, action: &str) -> Option<u64> {
        (action == "Reshard" && self.is_cluster()).then(|| Lever::Give((0, 0)).pack())
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        self.complain(wiring);
        let command = dist_or(wiring, "command", self.command.as_ref(), Span::micros(10));
        let stored = tables::declare(name, &self.tables, wiring);
        let in_memory = |it: &Stored| match it {
            Stored::Table(table, _) if !self.durable && !self.is_cluster() => Some(*table),
            _ => None,
        };
        let volatile: Vec<_> = stored.values().filter_map(in_memory).collect();
        let programs = Programs::of(name, &stored, wiring);
        let shared = self.shared();
        for member in 0..self.members() {
            let mut rules = self.rules(name, member, command, &programs, wiring);
            rules.volatile = volatile.clone();
            let part = self.part(name, member, shared.as_ref(), wiring);
            let id = wiring.builder.declared(group).member(member);
            wiring.builder.put(id, Server::new(rules, part));
        }
    }
}
