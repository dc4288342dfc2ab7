//! The metrics that checks can name: what each is of, which numbers of it there are, in which unit.

use engine::Outcome;
use engine::record::{EdgeRecord, LogRecord, Outcomes, TableRecord};

use super::{Stat, Unit};

/// A metric.
#[derive(Debug)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it can be of. A lone value in braces means the first.
    pub labels: &'static [Label],
    /// The numbers of it, as words; `pNN` for quantiles, empty for the number itself.
    pub stats: &'static [&'static str],
    /// Whether it can be measured in a part of the run.
    pub windows: bool,
    /// The unit of the number itself.
    unit: Unit,
    /// The unit of its rate.
    rate: Unit,
    /// Where it is read.
    pub source: Source,
    /// What it is, in one line.
    pub meaning: &'static str,
}

/// Where a metric is read in the record of a run.
#[derive(Clone, Copy, Debug)]
pub enum Source {
    /// The times that requests took.
    Latency,
    /// The ages at the end of a flow.
    Age,
    /// Ends of requests, of some kinds.
    Ends(fn(&Outcomes) -> u64),
    /// Requests that never ended.
    InFlight,
    /// A counter of flows.
    Counter,
    /// A number of a table.
    Table(fn(&TableRecord) -> i64),
    /// Rows of a table, of one state or all.
    Rows,
    /// Keys of one table that another lacks.
    Missing,
    /// A number of a log.
    Log(fn(&LogRecord) -> u64),
    /// Records that wait: as a level, or of the slowest consumers at the end.
    Lag,
    /// What [`super::recovery`] defines.
    Recovery,
    /// What was sampled of a component.
    Level,
    /// Of a whole component, as a level or over the whole run.
    HitRatio,
    /// Of a whole component, as a level or over the whole run.
    Imbalance,
    /// What a component counts.
    Tally,
    /// Calls between components.
    Calls(fn(&EdgeRecord) -> u64),
}

/// What a metric can be of.
#[derive(Debug)]
pub struct Label {
    /// The word in the braces.
    pub name: &'static str,
    /// What its value names.
    pub kind: Kind,
    /// Whether it must be there.
    pub needed: bool,
}

/// What the value of a label names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An operation of users, or a journey.
    Operation,
    /// A component, or one member of it.
    Component,
    /// A component with all its members.
    Group,
    /// A topic, or a log of a store.
    Log,
    /// A table.
    Table,
    /// A state of rows.
    State,
    /// A counter of flows.
    Counter,
    /// What a component counts.
    Total,
    /// The end of a flow.
    Flow,
    /// An entry of the timeline.
    Action,
}

const fn may(name: &'static str, kind: Kind) -> Label {
    Label { name, kind, needed: false }
}

const fn must(name: &'static str, kind: Kind) -> Label {
    Label { name, kind, needed: true }
}

const fn metric(
    name: &'static str,
    labels: &'static [Label],
    stats: &'static [&'static str],
    windows: bool,
    (unit, rate): (Unit, Unit),
    source: Source,
    meaning: &'static str,
) -> Metric {
    Metric { name, labels, stats, windows, unit, rate, source, meaning }
}

const OP: &[Label] = &[may("op", Kind::Operation)];
const OF: &[Label] = &[must("component", Kind::Component)];
const WHOLE: &[Label] = &[must("component", Kind::Group)];
const TOTAL: &[Label] = &[must("component", Kind::Group), must("of", Kind::Total)];
const TABLE: &[Label] = &[must("table", Kind::Table)];
const ROWS: &[Label] = &[must("table", Kind::Table), may("state", Kind::State)];
const TOPIC: &[Label] = &[must("topic", Kind::Log)];
const PAIR: &[Label] = &[must("from", Kind::Table), must("in", Kind::Table)];
const TIMES: &[&str] = &["pNN", "mean", "max", "min"];
const LEVELS: &[&str] = &["max", "mean", "min"];
const TIME: (Unit, Unit) = (Unit::Time, Unit::Time);
const SHARE: (Unit, Unit) = (Unit::Share, Unit::Share);
const COUNT: (Unit, Unit) = (Unit::Count, Unit::Count);
const PART: (Unit, Unit) = (Unit::Count, Unit::Share);
const FLOW: (Unit, Unit) = (Unit::Count, Unit::PerSecond);

use Source::{
    Age, Calls, Counter, Ends, HitRatio, Imbalance, InFlight, Lag, Latency, Level, Log, Missing,
    Recovery, Rows, Table, Tally,
};

/// All metrics.
pub const METRICS: &[Metric] = &[
    metric(
        "latency",
        OP,
        TIMES,
        true,
        TIME,
        Latency,
        "time from wish to answer, failures included",
    ),
    metric(
        "errors",
        OP,
        &["rate", ""],
        true,
        PART,
        Ends(Outcomes::errors),
        "ends that are errors; never `Denied`",
    ),
    metric(
        "denied",
        OP,
        &["rate", ""],
        true,
        PART,
        Ends(|ends| ends.of(Outcome::Denied)),
        "ends where the answer was no",
    ),
    metric(
        "goodput",
        OP,
        &["rate", ""],
        true,
        FLOW,
        Ends(|ends| ends.of(Outcome::Done)),
        "ends that went well",
    ),
    metric("requests", OP, &["rate", ""], true, FLOW, Ends(Outcomes::total), "ends of any kind"),
    metric("in_flight", &[], &[""], false, COUNT, InFlight, "requests that never ended"),
    metric(
        "count",
        &[must("", Kind::Counter)],
        &[""],
        false,
        COUNT,
        Counter,
        "a `Count` of the flows",
    ),
    metric(
        "low",
        TABLE,
        &[""],
        false,
        COUNT,
        Table(|table| table.low),
        "the lowest value any row ever had",
    ),
    metric(
        "high",
        TABLE,
        &[""],
        false,
        COUNT,
        Table(|table| table.high),
        "the highest value any row ever had",
    ),
    metric(
        "sum",
        TABLE,
        &[""],
        false,
        COUNT,
        Table(|table| table.sum),
        "the sum of all values at the end",
    ),
    metric("rows", ROWS, &[""], false, COUNT, Rows, "rows at the end, of one state or all"),
    metric(
        "stale",
        TABLE,
        &[""],
        false,
        COUNT,
        Table(|table| table.stale as i64),
        "reads answered with an old version",
    ),
    metric(
        "lost",
        TABLE,
        &[""],
        false,
        COUNT,
        Table(|table| table.lost as i64),
        "writes undone by a crash",
    ),
    metric("missing", PAIR, &[""], false, COUNT, Missing, "keys of one table that another lacks"),
    metric("appended", TOPIC, &[""], false, COUNT, Log(|log| log.appended), "records appended"),
    metric(
        "lost_records",
        TOPIC,
        &[""],
        false,
        COUNT,
        Log(|log| log.lost),
        "records undone by a crash, or given up",
    ),
    metric("lag", TOPIC, &["max", "mean", "min", ""], true, COUNT, Lag, "records not yet consumed"),
    metric(
        "age",
        &[must("flow", Kind::Flow)],
        TIMES,
        true,
        TIME,
        Age,
        "birth to the end of a flow",
    ),
    metric(
        "recovery",
        &[must("action", Kind::Action)],
        &[""],
        false,
        TIME,
        Recovery,
        "from the end of an action until p99 is back within twice its median before",
    ),
    metric("utilisation", OF, LEVELS, true, SHARE, Level, "busy share of what limits it"),
    metric(
        "throttled",
        OF,
        LEVELS,
        true,
        SHARE,
        Level,
        "share of time in which there was work and nothing left of a CPU quota",
    ),
    metric("queue", OF, LEVELS, true, COUNT, Level, "how many wait"),
    metric(
        "imbalance",
        WHOLE,
        &["max", "mean", "min", ""],
        true,
        COUNT,
        Imbalance,
        "calls that came to the busiest member, as a multiple of the mean; 1 is even",
    ),
    metric(
        "hit_ratio",
        WHOLE,
        &["max", "mean", "min", ""],
        true,
        SHARE,
        HitRatio,
        "hits of all look-ups",
    ),
    metric("tally", TOTAL, &[""], false, COUNT, Tally, "what it counts: hits, stale, coalesced …"),
    metric("memory", OF, LEVELS, true, COUNT, Level, "bytes that a process holds"),
    metric("memory_share", OF, LEVELS, true, SHARE, Level, "what it holds of its `limit`"),
    metric("entries", OF, LEVELS, true, COUNT, Level, "entries of a cache"),
    metric(
        "bytes",
        OF,
        LEVELS,
        true,
        COUNT,
        Level,
        "what a cache holds, in bytes if it has `memory`",
    ),
    metric(
        "stampede",
        OF,
        LEVELS,
        true,
        COUNT,
        Level,
        "misses of one key since it was there, the most",
    ),
    metric("coalescing", OF, LEVELS, true, COUNT, Level, "how many wait for what another fetches"),
    metric(
        "unwritten",
        OF,
        LEVELS,
        true,
        COUNT,
        Level,
        "keys that a cache has yet to write to its store",
    ),
    metric(
        "work",
        WHOLE,
        &["", "rate"],
        false,
        FLOW,
        Calls(|edge| edge.asked),
        "calls made to it, attempts included",
    ),
    metric(
        "wasted",
        WHOLE,
        &["", "rate"],
        false,
        PART,
        Calls(|edge| edge.wasted),
        "answers to callers who had left",
    ),
];

impl Metric {
    /// The metric of this name.
    pub fn find(name: &str) -> Option<&'static Metric> {
        METRICS.iter().find(|metric| metric.name == name)
    }

    /// In which unit this number of it is.
    pub fn unit(&self, stat: Stat) -> Unit {
        if stat == Stat::Rate { self.rate } else { self.unit }
    }

    /// Whether there is such a number of it.
    pub fn has(&self, stat: Stat) -> bool {
        let word = match stat {
            Stat::Quantile(_) => "pNN",
            Stat::Max => "max",
            Stat::Min => "min",
            Stat::Mean => "mean",
            Stat::Rate => "rate",
            Stat::Plain => "",
        };
        self.stats.contains(&word)
    }
}
