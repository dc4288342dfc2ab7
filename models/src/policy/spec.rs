//! Policies as a scenario writes them: all that a caller decides about one callee.

use serde::Deserialize;

pub use super::connections::ConnectionsSpec;
pub use super::health::spec::{LocalitySpec, PassiveSpec, SlowStartSpec, ViewSpec};
pub use super::pool::PoolSpec;
use crate::units::{Dur, Share};

/// How calls to one component are made. Everything may be left out.
///
/// Example: `(timeout: "500ms", retry: (attempts: 3, on: [Refused, TimedOut], budget: "10%"),
/// balance: LeastRequest(choices: 2), view: Checked(every: "2s"))`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// How long one try may take. Default: no limit, as in most HTTP clients.
    pub timeout: Option<Dur>,
    /// How long all tries may take together, pauses included. Default: no limit.
    pub total: Option<Dur>,
    /// Tell the callee when the caller stops waiting. Default: false, as plain HTTP/1 clients.
    pub cancel: Option<bool>,
    /// Whether and when to try again. Default: one try.
    pub retry: Option<RetrySpec>,
    /// Which member to ask; of a store that has `by`, that decides. Default: `RoundRobin`.
    pub balance: Option<BalanceSpec>,
    /// How the caller learns which members can be asked. Default: `Instant`.
    pub view: Option<ViewSpec>,
    /// What the caller concludes about members from how its calls end. Default: nothing.
    pub passive: Option<PassiveSpec>,
    /// With fewer of the members believed well, all are asked (Envoy: 50%); 0%: never, callers
    /// are refused. Default: all are asked when none is left; under `MaxFails`, nobody.
    pub panic: Option<Share>,
    /// How the share of a member grows that has come into rotation: it gives the rest of its turns
    /// away. Rules that compare members then choose without it. Default: at once.
    pub slow_start: Option<SlowStartSpec>,
    /// Which members are asked first, by where they are. Default: all alike.
    pub locality: Option<LocalitySpec>,
    /// Connections to each member that are kept and limited. Default: none are reckoned with.
    pub connections: Option<ConnectionsSpec>,
    /// Connections that every caller keeps open, and lends to its requests one at a time, as
    /// HikariCP does. For callers that run flows. Default: no limit.
    pub pool: Option<PoolSpec>,
}

impl Policy {
    /// This policy where it says something, `other` where it does not.
    pub fn over(self, other: Option<&Policy>) -> Policy {
        let Some(other) = other.cloned() else { return self };
        Policy {
            timeout: self.timeout.or(other.timeout),
            total: self.total.or(other.total),
            cancel: self.cancel.or(other.cancel),
            retry: self.retry.or(other.retry),
            balance: self.balance.or(other.balance),
            view: self.view.or(other.view),
            passive: self.passive.or(other.passive),
            panic: self.panic.or(other.panic),
            slow_start: self.slow_start.or(other.slow_start),
            locality: self.locality.or(other.locality),
            connections: self.connections.or(other.connections),
            pool: self.pool.or(other.pool),
        }
    }
}

/// When to try again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetrySpec {
    /// Tries altogether, the first included (as resilience4j and gRPC count). One that finds nobody
    /// to ask counts; following a redirection does not.
    pub attempts: u8,
    /// After which ends. Default: every error (`Refused`, `Reset`, `TimedOut`, `Failed`, `Shed`).
    #[serde(default = "every_cause")]
    pub on: Vec<Cause>,
    /// How long to wait before the next try. Default: not at all.
    #[serde(default)]
    pub backoff: BackoffSpec,
    /// At most this many retries per first try, over time. Default: no limit.
    #[serde(default)]
    pub budget: Option<Share>,
    /// A retry goes to another member than the try before it, if there is one: the rule chooses
    /// without that member, as nginx does and Envoy with `previous_hosts` (both pass over all that
    /// were tried, which is the same up to two tries). Not where each key has its own member, as
    /// in a sharded store. Default: false; by chance one retry in N meets the same member of N
    /// again, by hash all do.
    #[serde(default)]
    pub elsewhere: bool,
}

fn every_cause() -> Vec<Cause> {
    vec![Cause::Refused, Cause::Reset, Cause::TimedOut, Cause::Failed, Cause::Shed]
}

/// How a try ended, as far as a retry may care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Cause {
    /// Nobody listened: certainly not executed.
    Refused,
    /// Broken off: may have been executed.
    Reset,
    /// The caller stopped waiting: may have been executed.
    TimedOut,
    /// Executed, and went wrong.
    Failed,
    /// Refused on purpose: 429, 503.
    Shed,
}

/// The pause before a retry.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum BackoffSpec {
    /// At once.
    #[default]
    None,
    /// Always the same.
    /// Example: `Fixed("100ms")`
    Fixed(Dur),
    /// Doubling from `base` up to `cap`.
    /// Example: `Exponential(base: "50ms", cap: "1s", jitter: Full)`
    Exponential {
        /// Before the first retry.
        base: Dur,
        /// At most.
        cap: Dur,
        /// How chance spreads it. Default: `None`.
        #[serde(default)]
        jitter: Jitter,
    },
}

/// How chance spreads a pause v (AWS Architecture Blog, "Exponential Backoff and Jitter").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Jitter {
    /// v itself.
    #[default]
    None,
    /// Anything up to v.
    Full,
    /// Half of v, and anything up to the other half.
    Equal,
    /// Anything between the base and three times the last pause.
    Decorrelated,
}

/// Which member to ask.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum BalanceSpec {
    /// Any, equally likely.
    Random,
    /// In turn. Every caller begins at the first member, as nginx's workers do; Envoy's begin
    /// anywhere.
    RoundRobin,
    /// Of `choices` members drawn at random the one with the fewest calls in hand.
    /// Example: `LeastRequest(choices: 3)`
    LeastRequest {
        /// How many are drawn, with replacement as Envoy draws them. Default: 2.
        #[serde(default = "two")]
        choices: u32,
        /// Draw different ones, as Finagle and nginx do. Default: false.
        #[serde(default)]
        distinct: bool,
    },
    /// Of all members the one with the fewest calls in hand.
    LeastOfAll,
    /// In turn by weight, as nginx spreads them: 5, 1, 1 gives a a b a c a a. With
    /// `passive: MaxFails` a failure lowers a member's weight by its part of the failures, and it
    /// grows again by 1 each time that the member could be asked. Not modelled: that a retry passes
    /// over those asked already.
    /// Example: `Weighted(weights: [5, 1, 1])`
    Weighted {
        /// One per member, each at least 1.
        weights: Vec<u32>,
    },
    /// Any, as likely as its weight says, as nginx's `random`.
    /// Example: `WeightedRandom(weights: [5, 1, 1])`
    WeightedRandom {
        /// One per member, each at least 1.
        weights: Vec<u32>,
    },
    /// In turn by weight, as Envoy's scheduler does: the earliest deadline first. Who comes back
    /// goes on with the present turn. All callers begin alike; Envoy's begin anywhere.
    /// Example: `EarliestDeadline(weights: [3, 2, 1], active_request_bias: 1.0)`
    EarliestDeadline {
        /// One per member, each at least 1.
        weights: Vec<u32>,
        /// Weights are divided by (calls in hand + 1) to this power: 1 is Envoy's weighted least
        /// request. Default: 0, weighted round robin.
        #[serde(default)]
        active_request_bias: f64,
    },
    /// The fewest connections for its weight, of all members.
    /// Example: `LeastConnections(weights: [2, 1, 1], like: Nginx)`
    LeastConnections {
        /// One per member, each at least 1. Default: all 1.
        #[serde(default)]
        weights: Vec<u32>,
        /// Whose reckoning. Default: `Haproxy`.
        #[serde(default)]
        like: LeastLike,
    },
    /// Of two members the one with the lower product of latency and calls in hand, where latency
    /// is an average that jumps up at once and comes down slowly (Finagle's peak EWMA). Needs a
    /// caller that makes calls of its own.
    /// Example: `PeakEwma(decay: "10s")`
    PeakEwma {
        /// How fast the average comes down. Default: 10s, as Finagle.
        #[serde(default = "ten_seconds")]
        decay: Dur,
    },
    /// The lowest product of average latency and calls in hand, of all members. Latency is what the
    /// caller sees: the wait for a connection and its handshake count.
    LeastTime,
    /// nginx's `ip_hash`: a draw taken as an IPv4 address, of which three octets count. Who has a
    /// member that is out is hashed again, the others stay.
    /// Example: `IpHash(key: "user")`
    IpHash {
        /// A draw.
        key: String,
    },
    /// Jump consistent hash.
    /// Example: `Jump(key: "user")`
    Jump {
        /// A draw.
        key: String,
    },
    /// Rendezvous hashing: the highest random weight.
    /// Example: `Rendezvous(key: "user")`
    Rendezvous {
        /// A draw.
        key: String,
        /// One per member, each at least 1. Default: all equal.
        #[serde(default)]
        weights: Vec<u32>,
    },
    /// Maglev's table.
    /// Example: `Maglev(key: "user", table: 65537)`
    Maglev {
        /// A draw.
        key: String,
        /// Places of the table: a prime, at most 5000011. Default: 65537, as Envoy.
        #[serde(default = "maglev_table")]
        table: u32,
    },
    /// A ring whose members take no more than their share and some; the rest goes on around it, as
    /// Mirrokni and others have it (Envoy goes on in an order of the key's own).
    /// Example: `BoundedRing(key: "user", percent: 125)`
    BoundedRing {
        /// A draw.
        key: String,
        /// Points of each member on the ring. Default: 150.
        #[serde(default = "virtual_nodes")]
        virtual_nodes: u32,
        /// The bound, in percent of the average: at least 101. Default: 125.
        #[serde(default = "bound")]
        percent: u32,
    },
    /// A key stays with the member that first served it.
    /// Example: `Sticky(key: "user", first: LeastOfAll)`
    Sticky {
        /// A draw.
        key: String,
        /// Who serves a new key. Default: in turn.
        #[serde(default = "in_turn")]
        first: Box<BalanceSpec>,
        /// How many keys a caller remembers; the one unused for longest is forgotten. Default:
        /// 1000000.
        #[serde(default = "million")]
        size: u32,
        /// A key unused for longer is forgotten. Default: none is.
        #[serde(default)]
        expire: Option<Dur>,
    },
    /// At layer 4: connections are balanced, not requests. A connection stays where it was opened,
    /// and requests use all connections in turn.
    /// Example: `PerConnection(connections: 300)`
    PerConnection {
        /// How many connections a caller has; each client of an L4 balancer is one or a few.
        connections: u32,
        /// How long a connection lives; the first ones end spread over this time. Default: as long
        /// as its member can be asked.
        #[serde(default)]
        lifetime: Option<Dur>,
        /// Who a connection is opened to. A rule by key goes by the key of the request that a
        /// connection is opened for. Default: in turn.
        #[serde(default = "in_turn")]
        first: Box<BalanceSpec>,
    },
    /// Two choices within a part of the members, wider under load (Finagle). Callers begin at
    /// different members.
    /// Example: `Aperture(least: 12)`
    Aperture {
        /// How many members at least; with fewer in the group, all. Default: 12.
        #[serde(default = "twelve")]
        least: u32,
    },
    /// Prequal (NSDI 2024): members are probed for their requests in flight and the latency that
    /// these make; of those that are not hot the fastest is asked. Only services answer probes
    /// with their load; a probe takes a round trip on the network, and no work.
    /// Example: `Prequal(pool: 16, cold: "84%")`
    Prequal {
        /// Probes sent per request, to different members; a fraction by chance. Default: 3.
        #[serde(default = "three_probes")]
        probes: f64,
        /// Most answers kept: 2 to 1000. Default: 16.
        #[serde(default = "sixteen")]
        pool: u32,
        /// How long an answer is used. Default: 1s.
        #[serde(default = "one_second")]
        age: Dur,
        /// Which share of members is cold, by requests in flight. Default: 84% (2^−0.25).
        #[serde(default = "cold")]
        cold: Share,
    },
    /// Shuffle sharding: each key has a few members of its own, and shares all of them with hardly
    /// anybody. If all of them are out, nobody else is asked.
    /// Example: `Shuffle(key: "user", shard: 2)`
    Shuffle {
        /// A draw, such as the customer.
        key: String,
        /// How many members a key has.
        shard: u32,
    },
    /// The same key goes to the same member.
    /// Example: `Ring(key: "user")`
    Ring {
        /// A draw.
        key: String,
        /// Points of each member on the ring. Default: 150.
        #[serde(default = "virtual_nodes")]
        virtual_nodes: u32,
    },
}

/// Whose least connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum LeastLike {
    /// An idle member first, whatever its weight; any of several.
    #[default]
    Haproxy,
    /// By weight; several take turns by weight.
    Nginx,
}

fn three_probes() -> f64 {
    3.0
}

fn sixteen() -> u32 {
    16
}

fn cold() -> Share {
    Share(0.84)
}

fn one_second() -> Dur {
    Dur(engine::Span::secs(1))
}

fn ten_seconds() -> Dur {
    Dur(engine::Span::secs(10))
}

fn maglev_table() -> u32 {
    65_537
}

fn bound() -> u32 {
    125
}

fn million() -> u32 {
    1_000_000
}

fn twelve() -> u32 {
    12
}

fn in_turn() -> Box<BalanceSpec> {
    Box::new(BalanceSpec::RoundRobin)
}

fn two() -> u32 {
    2
}

/// 150 points a member keep shares within about a tenth of one another.
fn virtual_nodes() -> u32 {
    150
}
