//! The metrics that checks can name: what each is of, which numbers of it there are, in which unit.

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
    /// What it is, in one line.
    pub meaning: &'static str,
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
    meaning: &'static str,
) -> Metric {
    Metric { name, labels, stats, windows, unit, rate, meaning }
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

/// All metrics.
pub const METRICS: &[Metric] = &[
    metric("latency", OP, TIMES, true, TIME, "time from wish to answer, failures included"),
    metric("errors", OP, &["rate", ""], true, PART, "ends that are errors; never `Denied`"),
    metric("denied", OP, &["rate", ""], true, PART, "ends where the answer was no"),
    metric("goodput", OP, &["rate", ""], true, FLOW, "ends that went well"),
    metric("requests", OP, &["rate", ""], true, FLOW, "ends of any kind"),
    metric("in_flight", &[], &[""], false, COUNT, "requests that never ended"),
    metric("count", &[must("", Kind::Counter)], &[""], false, COUNT, "a `Count` of the flows"),
    metric("low", TABLE, &[""], false, COUNT, "the lowest value any row ever had"),
    metric("high", TABLE, &[""], false, COUNT, "the highest value any row ever had"),
    metric("sum", TABLE, &[""], false, COUNT, "the sum of all values at the end"),
    metric("rows", ROWS, &[""], false, COUNT, "rows at the end, of one state or all"),
    metric("stale", TABLE, &[""], false, COUNT, "reads answered with an old version"),
    metric("lost", TABLE, &[""], false, COUNT, "writes undone by a crash"),
    metric("missing", PAIR, &[""], false, COUNT, "keys of one table that another lacks"),
    metric("appended", TOPIC, &[""], false, COUNT, "records appended"),
    metric("lost_records", TOPIC, &[""], false, COUNT, "records undone by a crash"),
    metric("lag", TOPIC, &["max", "mean", "min", ""], true, COUNT, "records not yet consumed"),
    metric("age", &[must("flow", Kind::Flow)], TIMES, true, TIME, "birth to the end of a flow"),
    metric(
        "recovery",
        &[must("action", Kind::Action)],
        &[""],
        false,
        TIME,
        "from the end of an action until p99 is back within twice its median before",
    ),
    metric("utilisation", OF, LEVELS, true, SHARE, "busy share of what limits it"),
    metric("queue", OF, LEVELS, true, COUNT, "how many wait"),
    metric(
        "imbalance",
        WHOLE,
        &["max", "mean", "min", ""],
        true,
        COUNT,
        "calls that came to the busiest member, as a multiple of the mean; 1 is even",
    ),
    metric("hit_ratio", OF, &["max", "mean", "min", ""], true, SHARE, "hits of all look-ups"),
    metric("tally", TOTAL, &[""], false, COUNT, "what it counts: hits, stale, coalesced …"),
    metric("entries", OF, LEVELS, true, COUNT, "entries of a cache"),
    metric("bytes", OF, LEVELS, true, COUNT, "what a cache holds, in bytes if it has `memory`"),
    metric("stampede", OF, LEVELS, true, COUNT, "callers who fetch the value of one key at once"),
    metric("unwritten", OF, LEVELS, true, COUNT, "keys that a cache has yet to write to its store"),
    metric("work", WHOLE, &["", "rate"], false, FLOW, "calls made to it, attempts included"),
    metric("wasted", WHOLE, &["", "rate"], false, PART, "answers to callers who had left"),
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
