//! One node's part in a Redis Cluster: which commands are its own to execute, and where it sends
//! the others. How nodes talk to each other is in [`bus`], how slots move in [`give`].

mod bus;
mod give;
pub(crate) mod map;
mod moving;
mod vote;
mod watch;
mod written;

use std::collections::VecDeque;
use std::rc::Rc;

use engine::chance::StreamId;
use engine::ledger::Ledger;
use engine::{Answer, CounterId, LinkId, OpId, Outcome, Span, Time};

use crate::key::KeyOf;
use crate::policy::placement::slots::{Change, slot_of};
use map::Map;
use moving::{Giving, Part};
use vote::Votes;
use watch::{Belief, Watch};

pub(super) use moving::keys_per_slot;
pub(super) use written::Written;

/// The version of a redirection that holds for this one command: ASK. Any other is MOVED.
pub(crate) const ASK: u32 = 1;

/// What a node's part is, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Rules {
    pub me: u16,
    /// To the other nodes.
    pub link: LinkId,
    /// Whose slot decides, and what stands before its digits.
    pub key: KeyOf,
    pub prefix: String,
    /// `cluster-node-timeout`.
    pub timeout: Span,
    /// `cluster-require-full-coverage`.
    pub full_coverage: bool,
    /// How many keys each slot has.
    pub keys: Rc<[u32]>,
    pub written: Written,
    pub ops: Ops,
    pub stream: StreamId,
    pub counters: Counters,
}

/// What nodes ask each other, and clients of any node.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    /// A connection, kept open: it breaks when the process at the other end does.
    pub link: OpId,
    /// A ping, with whom the sender suspects.
    pub ping: OpId,
    /// Word that a node has failed.
    pub fail: OpId,
    /// A replica asks for a vote.
    pub vote: OpId,
    /// A master sends a write to its replica.
    pub copy: OpId,
    /// Keys of a slot that moves.
    pub take: OpId,
    /// A client asks for the map.
    pub slots: OpId,
}

impl Ops {
    pub(super) fn named(mut op: impl FnMut(&str) -> OpId) -> Ops {
        Ops {
            link: op("link"),
            ping: op("ping"),
            fail: op("fail"),
            vote: op("vote"),
            copy: op("copy"),
            take: op("take"),
            slots: op("slots"),
        }
    }

    fn all(self) -> [OpId; 7] {
        [self.link, self.ping, self.fail, self.vote, self.copy, self.take, self.slots]
    }
}

/// What it counts.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    /// Commands sent elsewhere for good.
    pub moved: CounterId,
    /// Commands sent elsewhere this once.
    pub asked: CounterId,
    /// Commands refused because the cluster is down.
    pub down: CounterId,
    /// Keys given away.
    pub keys: CounterId,
    /// Replicas that stood in for their masters.
    pub failovers: CounterId,
    /// Writes that a master executed and its replacement has not.
    pub lost: CounterId,
}

impl Counters {
    pub(super) fn named(mut counter: impl FnMut(&str) -> CounterId) -> Counters {
        Counters {
            moved: counter("moved"),
            asked: counter("asked"),
            down: counter("down"),
            keys: counter("keys_moved"),
            failovers: counter("failovers"),
            lost: counter("lost"),
        }
    }
}

/// A node's part, at work.
#[derive(Clone)]
pub(super) struct Cluster {
    rules: Rules,
    map: Map,
    watch: Watch,
    votes: Votes,
    /// What is kept about each other node.
    peers: Vec<Peer>,
    giving: Option<Giving>,
    /// What it gives after that.
    orders: VecDeque<Giving>,
    taking: Vec<Part>,
    /// Writes executed, or copied from the master.
    writes: u32,
    /// Commands are executed.
    up: bool,
    /// When it last could not reach a majority of masters.
    alone: Option<Time>,
    ticks: u32,
}

/// What is kept about another node.
#[derive(Clone, Copy, Default)]
struct Peer {
    /// The connection to it is open.
    linked: bool,
    /// A ping is on its way.
    pinged: bool,
    /// How many writes it said that it has.
    writes: u32,
}

/// What is to become of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    Execute,
    Moved(u16),
    Ask(u16),
    Down,
}

impl Cluster {
    pub(super) fn new(rules: Rules, shape: (u16, u16, u16), log: engine::ledger::LogId) -> Cluster {
        let (masters, replicas, serving) = shape;
        let map = Map::new(log, masters, replicas, serving);
        let members = map.members();
        let watch = Watch::new(rules.me, members, rules.timeout, Time::ZERO);
        Cluster {
            rules,
            map,
            watch,
            votes: Votes::default(),
            peers: vec![Peer::default(); members.into()],
            giving: None,
            orders: VecDeque::new(),
            taking: Vec::new(),
            writes: 0,
            up: true,
            alone: None,
            ticks: 0,
        }
    }

    /// Whether an operation is of the cluster's own.
    pub(super) fn is_bus(&self, op: OpId) -> bool {
        self.rules.ops.all().contains(&op)
    }

    fn route(&self, key: u64) -> Route {
        if !self.up {
            return Route::Down;
        }
        let slot = slot_of(&self.rules.prefix, key);
        let has = |part: &Part| part.slot == slot && part.has_moved(key);
        match self.map.owner(slot) {
            owner if owner == self.rules.me => match &self.giving {
                Some(giving) if has(&giving.part) => Route::Ask(giving.to),
                _ => Route::Execute,
            },
            _ if self.taking.iter().any(has) => Route::Execute,
            owner => Route::Moved(owner),
        }
    }

    /// The answer to a command that is not this node's to execute, and what to count.
    pub(super) fn turn_away(&self, request: &engine::Request) -> Option<(Answer, CounterId)> {
        let counters = self.rules.counters;
        let elsewhere =
            |member: u16| Answer { value: i64::from(member), ..Answer::of(Outcome::Redirected) };
        Some(match self.route(self.rules.key.of(request)) {
            Route::Execute => return None,
            Route::Moved(member) => (elsewhere(member), counters.moved),
            Route::Ask(member) => (Answer { version: ASK, ..elsewhere(member) }, counters.asked),
            Route::Down => (Answer::of(Outcome::Shed), counters.down),
        })
    }

    /// What has been decided by anybody. Returns how many writes are lost because this node
    /// executed them when another already stood in for it.
    fn catch_up(&mut self, ledger: &Ledger) -> u64 {
        let mut lost = 0;
        while let Some(change) = self.map.learn(ledger) {
            let me = self.rules.me;
            if let Change::TookOver { from, writes, .. } = change
                && from == me
            {
                lost += self.rules.written.too_late(me);
                self.writes = writes;
                self.giving = None;
                self.orders.clear();
            }
            self.taking.retain(|part| self.map.owner(part.slot) != me);
        }
        lost
    }

    /// Whether commands are executed: not by those who cannot reach a majority of masters, nor,
    /// with full coverage, while anybody's slots are gone. A master that was alone waits a moment
    /// before it serves again, so that it can learn what was decided without it.
    fn look_around(&mut self, now: Time) {
        let serving = |member: &u16| self.map.serves(*member);
        let belief = |member: u16| match member == self.rules.me {
            true => Belief::Fine,
            false => self.watch.belief(member),
        };
        let members = (0..self.map.members()).filter(serving);
        let fine = members.clone().filter(|member| belief(*member) == Belief::Fine).count();
        let failed = members.clone().any(|member| matches!(belief(member), Belief::Failed(_)));
        let alone = fine <= members.count() / 2;
        if alone {
            self.alone = Some(now);
        }
        let rejoin = self.rules.timeout.clamp(Span::millis(500), Span::secs(5));
        let waits = self.alone.is_some_and(|at| now.since(at) < rejoin);
        let broken = alone || (failed && self.rules.full_coverage);
        self.up = !broken && (self.up || !waits || self.map.follows(self.rules.me).is_some());
    }

    /// After a crash: what is in `nodes.conf` is still there; what was believed is not.
    pub(super) fn reborn(&mut self, fresh: &Cluster) {
        let (peers, watch) = (fresh.peers.clone(), fresh.watch.clone());
        (self.up, self.peers, self.watch, self.alone) = (true, peers, watch, None);
    }

    /// For charts: whether it serves.
    pub(super) fn is_up(&self) -> bool {
        self.up
    }
}
