//! A store without a primary: rows are kept by several nodes each, and as many of them must answer
//! as the scenario says, as in Dynamo and Cassandra.
//!
//! Any node coordinates what it is asked: a write goes to all replicas of its row, a read to as
//! many as must answer, the nearest first. What was acknowledged is known apart from what each node
//! knows itself, so that stale reads and lost writes are seen, not guessed.

mod cell;
mod check;
mod hints;
pub mod level;
mod node;
pub mod patience;
mod peers;
mod place;
mod question;
mod reading;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_hints;
mod writing;

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::chance::{Dist as Draw, Sampler};
use engine::ledger::TableSpec as Begin;
use engine::{Discipline, GroupId, Span};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::by::By;
use crate::cpu;
use crate::database::program::{Programs, Stored};
use crate::database::tables::{self, TableSpec};
use crate::dist::Dist;
use crate::policy::partition::ring;
use crate::stores::dist_or;
use crate::units::{Dur, Rate};
use crate::wiring::{Offer, Wiring};

use level::Level;
use node::{Counters, HintRules, Kept, Node, Ops, Rules};
use patience::HurrySpec;
use place::{MOST_NODES, Places};

/// Nodes without a primary: each row is kept by several of them, and a question is answered when
/// so many have. Flows `Get`, `Set` and `Insert` (which is `Set` here, as in CQL) one row at a
/// time; nothing there can be decided by what a row holds.
///
/// Source: DeCandia and others, "Dynamo" (2007), and Cassandra 4: its consistency levels, its
/// placement by racks, its hints (max_hint_window, hinted_handoff_throttle, hints_flush_period),
/// blocking read repair, phi_convict_threshold, and the defaults of its cassandra.yaml.
///
/// Not modelled: anti-entropy repair (what no hint, read or write repairs stays as it is), nodes
/// that join or leave the ring, lightweight transactions, counters, batches, deletes and their
/// tombstones, compaction and disks (what was taken is there after a crash), timestamps given by
/// clients, a choice of replicas by their latency, levels by data centre, limits to what a node
/// takes in hand. Gossip is a heartbeat to everybody: who is cut off from a node is down for that
/// node, whatever others know. Values are of 48 bits.
///
/// Example: `Store(nodes: 6, replicas: 3, reads: Quorum, writes: Quorum,
/// tables: { "profile": Table(key: "user") })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSpec {
    /// How many nodes there are: 1 to 64 (default: as many as replicas).
    nodes: Option<u16>,
    /// How many nodes keep each row: 1 to 8, those next on the ring, of different zones while
    /// there are any (default 3, as nearly everybody has it).
    #[serde(default = "three")]
    replicas: u16,
    /// How many replicas must have answered a read (default One, as Cassandra's drivers).
    #[serde(default)]
    reads: Level,
    /// How many replicas must have taken a write, which goes to all of them (default One).
    #[serde(default)]
    writes: Level,
    /// Points of each node on the ring (default 16: `num_tokens`).
    #[serde(default = "sixteen")]
    virtual_nodes: u32,
    /// Callers ask a replica of the row that this draw is the key of, as drivers do that know the
    /// ring (default: any node, by the policy for calls).
    token_aware: Option<String>,
    /// Cores of each node (default: no limit).
    cpu: Option<f64>,
    /// CPU time of the node that is asked, for each question (default 50us). This and the next two
    /// are guesses: a core does some thousands a second.
    coordinate: Option<Dist>,
    /// CPU time of a replica that reads a row (default 200us).
    read: Option<Dist>,
    /// CPU time of a replica that takes a write (default 100us).
    write: Option<Dist>,
    /// When a read has failed (default 5s: `read_request_timeout`).
    read_timeout: Option<Dur>,
    /// When a write has failed, and hints are kept for those who have not taken it (default 2s:
    /// `write_request_timeout`).
    write_timeout: Option<Dur>,
    /// When one more replica is asked to read, because those that were asked take long (default
    /// P99: `speculative_retry = '99p'`).
    #[serde(default)]
    speculate: HurrySpec,
    /// Replicas that were found to differ are all made new before a read is answered (default
    /// true: `read_repair = 'BLOCKING'`). If not, the newest of what they have is the answer.
    #[serde(default = "yes")]
    read_repair: bool,
    /// How often each node tells all others that it is there (default 1s, as gossip).
    heartbeat: Option<Dur>,
    /// Who was silent for longer is believed down, and not asked (default 18.4s: 18.42 heartbeats
    /// of 1s, where phi is 8).
    down_after: Option<Dur>,
    /// Writes that are kept for replicas which do not take them (default: Cassandra's, as told
    /// there).
    #[serde(default)]
    hints: HintsSpec,
    /// The clock of each node is wrong by up to so much, either way (default 0s). Of two writes
    /// the one with the later timestamp stays, whichever was later.
    clock_skew: Option<Dur>,
    /// Tables by name. There are no logs here.
    #[serde(default)]
    tables: BTreeMap<String, TableSpec>,
}

/// Writes that a coordinator keeps for replicas which do not take them: hinted hand-off.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct HintsSpec {
    /// Nothing is kept for who has been silent for longer (default 3h: `max_hint_window`; 0s: no
    /// hints).
    window: Option<Dur>,
    /// How many a second a node replays to another (default: hinted_handoff_throttle of 1024 KiB
    /// a second, by the number of other nodes, with 1 KiB each).
    rate: Option<Rate>,
    /// How often they are flushed to disk, where a crash does not take them, and looked through
    /// for somebody who is back (default 10s: `hints_flush_period`).
    every: Option<Dur>,
    /// How many a node keeps at most (default 1000000; Cassandra has no such limit).
    most: Option<u64>,
}

fn three() -> u16 {
    3
}

fn sixteen() -> u32 {
    16
}

fn yes() -> bool {
    true
}

fn span(said: Option<Dur>, otherwise: Span) -> Span {
    said.map_or(otherwise, Dur::span)
}

impl HintsSpec {
    fn rules(&self, nodes: u16) -> HintRules {
        let others = f64::from(nodes.saturating_sub(1).max(1));
        let rate = self.rate.map_or(1024.0 / others, |rate| rate.0);
        HintRules {
            window: span(self.window, Span::secs(3 * 3600)),
            most: match self.window {
                Some(window) if window.0.is_zero() => 0,
                _ => self.most.unwrap_or(1_000_000),
            },
            every: span(self.every, Span::secs(10)),
            gap: Span::from_f64(1e9 / rate.max(1e-9)),
        }
    }
}

impl StoreSpec {
    fn nodes(&self) -> u16 {
        self.nodes.unwrap_or(self.replicas)
    }

    /// The tables, each with a hidden one for the times of what is in it.
    fn kept(
        &self,
        name: &str,
        stored: &BTreeMap<String, Stored>,
        wiring: &mut Wiring<'_>,
    ) -> Rc<[Kept]> {
        let mut kept = Vec::new();
        for (table, it) in stored {
            let (Stored::Table(rows, _), TableSpec::Table { rows: from_start, value, .. }) =
                (it, &self.tables[table])
            else {
                continue;
            };
            let (rows, from_start, value) = (*rows, *from_start, *value);
            let begin = Begin { rows: from_start, value: 0 };
            let stamps = wiring.builder.ledger().table(&format!("__{name}.{table}"), begin);
            kept.push(Kept { rows, stamps, from_start, value });
        }
        kept.into()
    }

    /// Where rows are, if there can be such a ring.
    fn places(&self, group: GroupId, wiring: &mut Wiring<'_>) -> Option<Places> {
        let ring = ring(vec![1; self.nodes().into()], self.virtual_nodes, wiring)?;
        let mut names: Vec<String> = Vec::new();
        let members: Vec<_> = wiring.builder.declared(group).members().collect();
        let zones = members.into_iter().map(|id| {
            let zone = wiring.builder.zone_of(id).to_string();
            let known = names.iter().position(|name| *name == zone).unwrap_or_else(|| {
                names.push(zone);
                names.len() - 1
            });
            known as u16
        });
        let zones = zones.collect();
        Some(Places::new(ring, zones, self.replicas as u8))
    }
}

/// Cassandra's phi of 8 at an interval of 1 s: 8 / log10 e = 18.42.
const DOWN_AFTER: Span = Span::millis(18_400);

impl ComponentSpec for StoreSpec {
    fn members(&self) -> u16 {
        self.nodes().clamp(1, MOST_NODES)
    }

    fn cpu(&self) -> Option<Discipline> {
        cpu::shared(self.cpu.filter(|cores| cores.is_finite() && *cores > 0.0), None)
    }

    fn offer(&self) -> Offer {
        let by = self.token_aware.as_ref().map(|key| By::Ring {
            key: key.clone(),
            virtual_nodes: self.virtual_nodes,
            weights: Vec::new(),
        });
        Offer { by, ..tables::offer("Store", &self.tables) }
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        let sound = self.complain(wiring);
        let stored = tables::declare(name, &self.tables, wiring);
        let [coordinate, read, write] = [
            ("coordinate", &self.coordinate, 50),
            ("read", &self.read, 200),
            ("write", &self.write, 100),
        ]
        .map(|(field, said, micros)| dist_or(wiring, field, said.as_ref(), Span::micros(micros)));
        let known = wiring.problems.len();
        let programs = Programs::of(name, &stored, wiring);
        if wiring.problems.len() == known {
            let asked = wiring.procedures.get(name).into_iter().flatten();
            let asked: Vec<_> = asked.map(|(op, _)| *op).collect();
            check::asked(&programs, &asked, wiring);
        }
        let Some(places) = sound.then(|| self.places(group, wiring)).flatten() else { return };
        let tables = self.kept(name, &stored, wiring);
        for member in 0..self.members() {
            let times = [coordinate, read, write];
            let shared = (places.clone(), tables.clone(), programs.clone());
            let rules = self.rules(name, (group, member), times, shared, wiring);
            let id = wiring.builder.declared(group).member(member);
            wiring.builder.put(id, Node::new(rules));
        }
    }
}

impl StoreSpec {
    fn rules(
        &self,
        name: &str,
        (group, me): (GroupId, u16),
        times: [Draw; 3],
        (places, tables, programs): (Places, Rc<[Kept]>, Programs),
        wiring: &mut Wiring<'_>,
    ) -> Rules {
        let owner = format!("{name}/{me}");
        let purposes = ["coordinate", "read", "write"];
        let mut samplers = times.iter().zip(purposes).map(|(dist, purpose)| Sampler {
            dist: *dist,
            stream: wiring.builder.stream(&owner, purpose),
        });
        let [coordinate, read, write] =
            std::array::from_fn(|_| samplers.next().expect("there are three"));
        let id = wiring.builder.declared(group).member(me);
        Rules {
            me,
            members: self.members(),
            link: wiring.builder.link(id, group),
            places,
            tables,
            programs,
            reads: self.reads.of(self.replicas) as u8,
            writes: self.writes.of(self.replicas) as u8,
            any: self.writes == Level::Any,
            coordinate,
            read,
            write,
            read_timeout: span(self.read_timeout, Span::secs(5)),
            write_timeout: span(self.write_timeout, Span::secs(2)),
            speculate: self.speculate,
            repair: self.read_repair,
            heartbeat: span(self.heartbeat, Span::secs(1)),
            down_after: span(self.down_after, DOWN_AFTER),
            hints: self.hints.rules(self.members()),
            skew: span(self.clock_skew, Span::ZERO),
            ops: Ops::named(|op| wiring.builder.op(&format!("{name}.__{op}"))),
            counters: Counters::named(|counter| wiring.builder.counter(group, counter)),
            stream: wiring.builder.stream(&owner, "store"),
        }
    }
}
