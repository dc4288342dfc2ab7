//! Charts of what was sampled: one of each metric, a line of each component that has it, and beside
//! it the member that stands out, whom a mean over many would hide.

use engine::RunRecord;
use engine::record::Column;

use super::canvas::{Chart, Scale};
use super::curves::{Grid, Sampled, sampled};
use super::lines::Curve;
use super::{MOST_LINES, MOST_POINTS};

/// A metric that has a chart.
#[derive(Debug)]
pub struct Level {
    /// As in checks and in `series.csv`.
    pub metric: &'static str,
    /// What the chart is called.
    pub what: &'static str,
    pub unit: &'static str,
    pub scale: Scale,
    /// Whether a line that is always zero says something.
    kept: bool,
    /// What a whole component has, in terms of its members.
    whole: Whole,
}

/// How members make up the whole.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Whole {
    Mean,
    Sum,
    /// There are no values of members, or none that say more.
    Alone,
}

const fn level(
    metric: &'static str,
    what: &'static str,
    unit: &'static str,
    scale: Scale,
    whole: Whole,
) -> Level {
    Level { metric, what, unit, scale, kept: matches!(scale, Scale::Percent), whole }
}

/// All of them, in the order of the page.
pub const LEVELS: [Level; 12] = [
    level("queue", "queue depth", "calls waiting", Scale::Count, Whole::Sum),
    level("utilisation", "utilisation", "share of time busy", Scale::Percent, Whole::Mean),
    level("memory", "memory", "bytes", Scale::Count, Whole::Sum),
    level("memory_share", "memory of its limit", "share of the limit", Scale::Percent, Whole::Mean),
    level("throttled", "CPU quota used up", "share of time held back", Scale::Percent, Whole::Mean),
    level("imbalance", "calls of the busiest member", "times the mean", Scale::Count, Whole::Alone),
    level("lag", "consumer lag", "records not yet consumed", Scale::Count, Whole::Alone),
    level("hit_ratio", "cache hits", "share of look-ups", Scale::Percent, Whole::Alone),
    level("entries", "entries of caches", "entries", Scale::Count, Whole::Sum),
    level("bytes", "what caches hold", "bytes, or entries without them", Scale::Count, Whole::Sum),
    level("stampede", "who fetches one key at once", "callers", Scale::Count, Whole::Sum),
    level("unwritten", "keys not yet written", "keys", Scale::Count, Whole::Sum),
];

/// A share of few look-ups is all or nothing: it is taken over longer times.
const POINTS_OF_HITS: usize = 60;
/// A member stands out that reaches so many times what members reach in the mean.
const OUTSTANDING: f64 = 1.25;
/// … and this share of the highest of all.
const TO_BE_SEEN: f64 = 0.1;

impl Level {
    /// The intervals of its points, of which there are at most so many.
    pub fn grid(&self, runs: &[RunRecord], most: usize) -> Grid {
        let few = self.metric == "hit_ratio";
        Grid::whole(runs, if few { POINTS_OF_HITS } else { most })
    }
}

/// One metric of every component that has it; of more than eight, those that reached highest.
pub fn svg(runs: &[RunRecord], title: &str, level: &Level) -> Option<String> {
    let grid = level.grid(runs, MOST_POINTS);
    let columns = runs[0].series.columns.iter();
    let with = columns.filter(|c| c.metric == level.metric && c.member.is_empty());
    let mut found: Vec<(&str, Curve)> = with
        .map(|column| {
            let what = Sampled { component: &column.component, member: "", metric: level.metric };
            let curve = Curve::new(&column.component, sampled(runs, grid, what));
            (&*column.component, if level.kept { curve.kept() } else { curve })
        })
        .filter(|(_, curve)| curve.is_drawn())
        .collect();
    found.sort_by(|(_, a), (_, b)| b.highest().total_cmp(&a.highest()));
    let more = match found.len() {
        ..=MOST_LINES => String::new(),
        n => format!(" (the highest {MOST_LINES} of {n})"),
    };
    found.truncate(MOST_LINES);
    let seen = TO_BE_SEEN * found.first().map_or(0.0, |(_, curve)| curve.highest());
    let mut curves = Vec::new();
    for (colour, (component, whole)) in found.into_iter().enumerate() {
        let member = outstanding(runs, grid, level, component, &whole);
        let member = member.filter(|member| member.highest() >= seen);
        curves.push(whole.coloured(colour));
        curves.extend(member.map(|member| member.dashed(colour)));
    }
    let title = format!("{title}: {}{more}", level.what);
    Chart::over_time(runs, &title, level.unit, level.scale).draw(curves)
}

/// The member of a component that reaches highest, if it stands out.
fn outstanding(
    runs: &[RunRecord],
    grid: Grid,
    level: &Level,
    component: &str,
    whole: &Curve,
) -> Option<Curve> {
    let metric = level.metric;
    let of_it = |c: &&Column| c.component == component && c.metric == metric;
    let members = runs[0].series.columns.iter().filter(of_it).filter(|c| !c.member.is_empty());
    let curves = members.map(|column| {
        let what = Sampled { component, member: &column.member, metric };
        Curve::new(&column.member, sampled(runs, grid, what))
    });
    let curves: Vec<Curve> = curves.collect();
    let mean = match level.whole {
        Whole::Mean => whole.highest(),
        Whole::Sum => whole.highest() / curves.len().max(1) as f64,
        Whole::Alone => return None,
    };
    let highest = curves.into_iter().max_by(|a, b| a.highest().total_cmp(&b.highest()))?;
    (highest.highest() > OUTSTANDING * mean).then_some(highest)
}
