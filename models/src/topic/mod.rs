//! A topic: a replicated log in partitions, as in Kafka.
//!
//! Producers ask `publish` of the leader of a partition, consumers `fetch`; who asks another
//! broker is redirected to the leader. Records are requests, and stand in the ledger's logs.

mod broker;
mod control;
mod copying;
mod lead;
mod leadership;
mod murmur2;
#[cfg(test)]
mod tests;

use engine::chance::Sampler;
use engine::{Discipline, GroupId, Span};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::by::By;
use crate::dist::Dist;
use crate::key::KeyOf;
use crate::stores::dist_or;
use crate::units::Dur;
use crate::wiring::{Offer, Wiring};

use broker::{Broker, Counters, Ops, Rules};
use leadership::{Leadership, MOST_REPLICAS};

pub use murmur2::partition_of;

/// More partitions than this do not fit the ledger beside other logs.
const MOST_PARTITIONS: u16 = 4096;

/// Partition `p` is led by broker `p mod brokers`, its replicas are on the next ones. When a
/// broker has been down for a session, the first replica in sync leads; when it is back and has
/// caught up, it leads again.
///
/// Source: the documentation of Kafka: replication, and the configuration of brokers, topics,
/// producers and consumers, by whose names defaults are given below.
///
/// Not modelled: idempotent producers (a retry may append twice), batches, log segments,
/// transactions, a broker that is paused or cut off and should be given up.
///
/// Example: `Topic(key: "user", partitions: 12, brokers: 3, replication: 3, acks: All,
/// min_in_sync: 2)`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    /// The draw whose value decides the partition, by Kafka's murmur2 (default `"request"`).
    #[serde(default = "request")]
    key: String,
    /// How many partitions (default 1, as num.partitions).
    #[serde(default = "one")]
    partitions: u16,
    /// How many brokers (default 1).
    #[serde(default = "one")]
    brokers: u16,
    /// How many copies of each partition (default 1, as default.replication.factor).
    #[serde(default = "one")]
    replication: u16,
    /// When a record counts as published (default `All`, as producers since 3.0).
    #[serde(default)]
    acks: Acks,
    /// With `acks: All`: with fewer replicas in sync, records are shed, as NOT_ENOUGH_REPLICAS
    /// (default 1, as min.insync.replicas).
    #[serde(default = "one")]
    min_in_sync: u16,
    /// CPU time to write a record, on the leader and again on each follower, eight at a time (as
    /// num.io.threads). Default: none; an append to the page cache takes microseconds.
    append: Option<Dist>,
    /// How long a broker is down before its partitions move (default 9s, as
    /// broker.session.timeout.ms).
    session: Option<Dur>,
    /// How many records each partition keeps, read or not (default: until all consumers have
    /// committed them).
    retain: Option<u64>,
}

/// When a record counts as published.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Acks {
    /// At once: nobody waits for the append.
    None,
    /// When the leader has it. A crash of the leader may lose it.
    Leader,
    /// When all replicas in sync have it.
    #[default]
    All,
}

fn one() -> u16 {
    1
}

fn request() -> String {
    "request".into()
}

impl TopicSpec {
    fn complain(&self, wiring: &mut Wiring<'_>) -> bool {
        let before = wiring.problems.len();
        if !(1..=MOST_PARTITIONS).contains(&self.partitions) {
            let message = format!("a topic has between 1 and {MOST_PARTITIONS} partitions");
            wiring.at_name("partitions", |w| w.problem(message));
        }
        if self.brokers == 0 {
            wiring.at_name("brokers", |w| w.problem("a topic needs at least one broker"));
        }
        if !(1..=MOST_REPLICAS.min(self.brokers.max(1))).contains(&self.replication) {
            let message = format!(
                "{} copies of each partition need as many brokers (at most {MOST_REPLICAS}); \
                 there are {}",
                self.replication, self.brokers
            );
            wiring.at_name("replication", |w| w.problem(message));
        }
        if !(1..=self.replication.max(1)).contains(&self.min_in_sync) {
            let (wanted, copies) = (self.min_in_sync, self.replication);
            let message = format!("{wanted} in sync can never be met by {copies} copies");
            wiring.at_name("min_in_sync", |w| w.problem(message));
        }
        if self.session.is_some_and(|session| session.span().is_zero()) {
            wiring.at_name("session", |w| w.problem("a session has to last for some time"));
        }
        wiring.problems.len() > before
    }

    fn rules(&self, name: &str, group: GroupId, key: KeyOf, wiring: &mut Wiring<'_>) -> Rules {
        let logs: Vec<_> = (0..self.partitions).map(|part| wiring.log(name, part)).collect();
        let builder = &mut *wiring.builder;
        let on = (self.brokers, self.replication);
        let leaders = Leadership::new(builder.ledger(), name, self.partitions, on);
        if let Some(records) = self.retain {
            logs.iter().for_each(|log| builder.ledger().retain(*log, records));
        }
        let [publish, fetch, replicate] =
            ["publish", "fetch", "replicate"].map(|op| builder.op(&format!("{name}.{op}")));
        let [appended, lost, not_enough, elections] =
            ["appended", "lost", "not_enough", "elections"]
                .map(|counter| builder.counter(group, counter));
        Rules {
            leaders,
            logs,
            group,
            key,
            acks: self.acks,
            min_in_sync: u32::from(self.min_in_sync),
            append: None,
            session: self.session.map_or(Span::secs(9), Dur::span),
            ops: Ops { publish, fetch, replicate },
            counters: Counters { appended, lost, not_enough, elections },
        }
    }
}

impl ComponentSpec for TopicSpec {
    fn members(&self) -> u16 {
        self.brokers.max(1)
    }

    fn cpu(&self) -> Option<Discipline> {
        self.append.is_some().then_some(Discipline::Fifo { servers: 8 })
    }

    fn offer(&self) -> Offer {
        let operations = ["publish", "fetch"].map(String::from).to_vec();
        let (key, partitions) = (self.key.clone(), self.partitions);
        let by = Some(By::Murmur2 { key, partitions });
        Offer { kind: "Topic", operations, partitions, by, ..Offer::default() }
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        let key = wiring.at_name("key", |w| KeyOf::named(&self.key, w));
        let append = self.append.as_ref().map(|d| dist_or(wiring, "append", Some(d), Span::ZERO));
        let (false, Some(key)) = (self.complain(wiring), key) else { return };
        let rules = self.rules(name, group, key, wiring);
        for member in 0..self.brokers {
            let owner = format!("{name}/{member}");
            let append = append.map(|dist| {
                let stream = wiring.builder.stream(&owner, "append");
                Sampler { dist, stream }
            });
            let id = wiring.builder.declared(group).member(member);
            let peers = wiring.builder.link(id, group);
            let rules = Rules { append, ..rules.clone() };
            wiring.builder.put(id, Broker::new(rules, member, peers));
        }
    }
}

/// A place in a partition, as the argument of `fetch` carries it: which partition, and the first
/// offset that the consumer has not read. 48 bits of offset.
pub fn log_word(partition: u16, offset: u64) -> i64 {
    ((u64::from(partition) << 48) | (offset & ((1 << 48) - 1))) as i64
}

fn from_log_word(word: i64) -> (u16, u64) {
    ((word as u64 >> 48) as u16, word as u64 & ((1 << 48) - 1))
}
