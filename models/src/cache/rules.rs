//! What a cache node does, as known once the scenario is read; and what it counts.

use std::rc::Rc;

use engine::ledger::LogId;
use engine::{CounterId, OpId, Span, chance};

use super::moving::Moving;
use super::tune::Tune;
use crate::flow::program::Place;
use crate::key::KeyOf;

/// All that is said about a node.
#[derive(Clone)]
pub(super) struct Rules {
    pub key: KeyOf,
    /// The place of the draw that entries are tagged with.
    pub tag: Option<u8>,
    pub access: chance::Sampler,
    pub life: Life,
    /// Whether those who miss a key that somebody fills wait for it.
    pub coalesce: bool,
    /// How long whoever fills a key alone has to do it.
    pub fill: Span,
    /// A put of an older version than the one that is there is refused.
    pub versioned: bool,
    /// More commands at a time are refused; 0: no limit.
    pub connections: u32,
    /// For jitter and early expiration.
    pub stream: chance::StreamId,
    /// The name of the table whose rows are cached: to count hits that are stale.
    pub table: Option<String>,
    pub ops: Ops,
    pub counters: Counters,
    /// Where the flow begins that fetches a value.
    pub load: Option<Place>,
    pub writes: Writes,
    pub warm: Option<Warm>,
    pub tune: Option<Tune>,
    pub moving: Option<Moving>,
}

/// How long entries live.
#[derive(Clone, Copy)]
pub(super) struct Life {
    pub ttl: Option<Span>,
    /// A hit begins it anew.
    pub sliding: bool,
    /// Of what says that there is nothing.
    pub denied: Option<Span>,
    /// Times to live are drawn between 1 − this and 1 + this of `ttl`.
    pub jitter: f64,
    /// β·δ of probabilistic early expiration (Vattani, Chierichetti and Lowenstein, 2015).
    pub early: Span,
    /// An entry older than this is refreshed when it is next asked for.
    pub refresh: Option<Span>,
}

/// What becomes of a `set`.
#[derive(Clone, Copy)]
pub(super) enum Writes {
    /// The cache is all there is.
    Here,
    /// It is put in when this flow has written it to the store.
    Through(Place),
    /// It is put in at once, and written to the store later.
    Behind(Behind),
}

/// How a buffer of writes is emptied.
#[derive(Clone, Copy)]
pub(super) struct Behind {
    pub place: Place,
    pub every: Span,
    /// So many keys at a time; as many waiting begin a flush.
    pub batch: usize,
    /// More keys do not wait.
    pub queue: usize,
    /// When they would: the oldest goes, or the new one is refused.
    pub drops: bool,
    pub log: LogId,
    pub group: u16,
}

/// What is loaded when the node starts.
#[derive(Clone)]
pub(super) struct Warm {
    /// The draw that is the key.
    pub draw: u8,
    /// Those of the list that this node keeps.
    pub keys: Rc<[u32]>,
    /// So many at a time.
    pub batch: usize,
}

/// What can be asked of a node.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    pub get: OpId,
    pub put: OpId,
    pub forget: OpId,
    /// A write of the application: a value and a version.
    pub set: OpId,
    /// The same of a value alone, of any size.
    pub write: OpId,
    /// There is no such row: remembered for a while.
    pub absent: OpId,
    /// The entry although it has expired, because fetching has failed.
    pub rescue: OpId,
    pub forget_tag: OpId,
    pub forget_block: OpId,
    /// An entry that another node gives away.
    pub take: OpId,
}

impl Ops {
    /// The operations of the cache `name`.
    pub(super) fn new(mut op: impl FnMut(&str) -> OpId) -> Ops {
        Ops {
            get: op("get"),
            put: op("put"),
            forget: op("forget"),
            set: op("set"),
            write: op("write"),
            absent: op("absent"),
            rescue: op("rescue"),
            forget_tag: op("forget_tag"),
            forget_block: op("forget_block"),
            take: op("take"),
        }
    }
}

/// What a cache counts, over all its nodes.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub hits: CounterId,
    pub misses: CounterId,
    pub evicted: CounterId,
    pub expired: CounterId,
    pub coalesced: CounterId,
    /// Why the key was not there.
    pub cold: CounterId,
    pub capacity: CounterId,
    pub forgotten: CounterId,
    pub lost: CounterId,
    /// Another node kept it, and its place has changed since.
    pub moved: CounterId,
    /// Hits on an older version than the table has.
    pub stale: CounterId,
    /// Entries that were fetched again while they were still there.
    pub refreshed: CounterId,
    /// Entries that were not let in.
    pub refused: CounterId,
    /// Old entries served because fetching had failed.
    pub rescued: CounterId,
    /// Entries that came from other nodes.
    pub taken: CounterId,
    /// Values loaded when it started.
    pub warmed: CounterId,
    /// Writes of the application.
    pub writes: CounterId,
    /// What they became for the store.
    pub written: CounterId,
    /// Writes that were acknowledged and given up: no room in the buffer, or the store denied them.
    pub dropped: CounterId,
}

impl Counters {
    /// All of them, each made under its name.
    pub(super) fn new(mut make: impl FnMut(&'static str) -> CounterId) -> Counters {
        Counters {
            hits: make("hits"),
            misses: make("misses"),
            evicted: make("evicted"),
            expired: make("expired"),
            coalesced: make("coalesced"),
            cold: make("cold"),
            capacity: make("capacity"),
            forgotten: make("forgotten"),
            lost: make("lost"),
            moved: make("moved"),
            stale: make("stale"),
            refreshed: make("refreshed"),
            refused: make("refused"),
            rescued: make("rescued"),
            taken: make("taken"),
            warmed: make("warmed"),
            writes: make("writes"),
            written: make("written"),
            dropped: make("dropped"),
        }
    }
}
