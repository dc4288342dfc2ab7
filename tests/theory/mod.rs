//! Simulations against closed forms: whole scenarios, from text to record, and one table a case.
//!
//! Each case is written as a scenario, played with a dozen seeds, and compared with a formula that
//! the test computes itself. The unit of time of the formulas is a mean service time: 1 ms here.
//! A quantity agrees if it is off by no more than the case's tolerance, or three standard errors
//! over the seeds. `SIM_LONG_TESTS=1` plays four times as long, so that the errors shrink.

mod availability;
mod balancing;
mod caches;
mod closed;
mod fan_out;
mod formulas;
mod general;
mod loss;
mod networks;
mod omission;
mod open;
mod pools;
mod priorities;
mod queues;
mod sharing;
mod spread;

use std::fmt::Write;

use engine::record::{Column, OperationRecord};
use engine::{Histogram, Outcome, RunRecord, Span, Time};
use models::wiring::Problem;
use sim::findings::Findings;
use sim::sweep::sweep;
use sim::text::{Document, Sources};
use sim::topology::{Topology, topology};

/// Independent runs per scenario.
const SEEDS: u64 = 12;
/// Student's t for a 95 % interval with 11 degrees of freedom.
const STUDENT: f64 = 2.201;

/// A scenario from its text, with names resolved. Panics with all that is wrong with it.
pub fn resolved(text: &str) -> Topology {
    let mut sources = Sources::default();
    let document = Document::from_text(text, &mut sources)
        .unwrap_or_else(|error| panic!("{}\n{text}", error.message));
    let typed = document.typed().unwrap_or_else(|error| panic!("{}\n{text}", error.message));
    let mut findings = Findings::default();
    let topology = topology(typed, &mut findings);
    let messages: Vec<&String> = findings.errors.iter().map(|it: &Problem| &it.message).collect();
    assert!(messages.is_empty(), "{messages:?}\n{text}");
    topology
}

/// Plays a scenario with so many seeds; the records come back in the order of seeds.
pub fn measure(text: &str, seeds: u64) -> Vec<RunRecord> {
    let seeds: Vec<u64> = (1..=seeds).collect();
    let variants = [(String::new(), resolved(text))];
    let runs = sweep(&variants, &seeds, &[], 2, &|_, _| {});
    let mut runs = runs.unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
    runs.remove(0).records
}

/// What is wrong with a scenario whose names are all right.
pub fn problems(text: &str) -> Vec<String> {
    let variants = [(String::new(), resolved(text))];
    match sweep(&variants, &[1], &[], 1, &|_, _| {}) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.into_iter().map(|problem| problem.message).collect(),
    }
}

/// Whether the long versions of tests are wanted.
pub fn is_long() -> bool {
    std::env::var_os("SIM_LONG_TESTS").is_some_and(|value| value == "1")
}

/// How many times as long as in a short run.
fn length() -> f64 {
    if is_long() { 4.0 } else { 1.0 }
}

/// A world in which users ask by chance: so many a unit of time, `customers` of them after a
/// warm-up. Requests still in progress then may end; nothing is cut off.
struct Plan<'a> {
    components: &'a str,
    /// Policies and flows, if any.
    more: &'a str,
    /// What users want: `to: "s.get"`.
    want: &'a str,
    /// Users per unit of time.
    rate: f64,
    /// Units of time.
    warmup: f64,
    /// In a short run.
    customers: f64,
    /// How many samples of the gauges.
    samples: f64,
}

impl Plan<'_> {
    fn text(&self) -> String {
        let Plan { components, more, want, rate, warmup, customers, samples } = self;
        let span = (customers * length() / rate).ceil();
        let (every, whole) = ((span / samples * 1e6).ceil(), span + warmup);
        let rate = rate * 1000.0;
        format!(
            "(duration: \"{whole}ms\", warmup: \"{warmup}ms\", settle: \"{whole}ms\",
              sample: \"{every}ns\", components: {{ {components} }}, {more}
              traffic: {{ \"users\": Open(rate: \"{rate}/s\", {want}) }})"
        )
    }

    fn play(&self) -> Vec<RunRecord> {
        measure(&self.text(), SEEDS)
    }
}

/// A world in which so many users ask, wait for the answer and think, in milliseconds. Those who
/// still wait in the end may go on until they are answered.
struct Crowd<'a> {
    components: &'a str,
    users: u32,
    /// A distribution; empty: they ask again at once.
    think: &'a str,
    /// What users want: `to: "s.get"`.
    want: &'a str,
    /// How long until what is measured begins.
    warmup: f64,
    /// How long is measured, in a short run.
    lasts: f64,
    /// How many samples of the gauges.
    samples: f64,
}

impl Crowd<'_> {
    fn play(&self) -> Vec<RunRecord> {
        let Crowd { components, users, think, want, warmup, lasts, samples } = self;
        let span = lasts * length();
        let (every, whole) = ((span / samples * 1e6).ceil(), span + warmup);
        let think = if think.is_empty() { String::new() } else { format!("think: {think},") };
        let text = format!(
            "(duration: \"{whole}ms\", warmup: \"{warmup}ms\", settle: \"{whole}ms\",
              sample: \"{every}ns\", components: {{ {components} }},
              traffic: {{ \"users\": Closed(users: {users}, {think} {want}) }})"
        );
        measure(&text, SEEDS)
    }
}

/// A first come, first served station with exponential service times.
fn station(name: &str, workers: u32, mean: f64) -> String {
    let mean = mean * 1e6;
    format!(
        "\"{name}\": Service(server: Threads(workers: {workers}, queue: 1000000),
          operations: {{ \"get\": [Work(Exp(\"{mean}ns\"))] }})"
    )
}

/// How many are at a station, waiting and served.
fn inside(record: &RunRecord, component: &str) -> f64 {
    let both = ["queue", "running"].map(|metric| average(&gauge(record, component, metric)));
    both[0] + both[1]
}

/// How many requests of an operation or journey there were a millisecond, after the warm-up.
fn throughput(record: &RunRecord, name: &str) -> f64 {
    let span = record.duration.0 - record.warmup.0;
    operation(record, name).outcomes.total() as f64 / (span as f64 / 1e6)
}

/// What users lived through with an operation or journey.
fn operation<'a>(record: &'a RunRecord, name: &str) -> &'a OperationRecord {
    record.operations.get(name).unwrap_or_else(|| panic!("no operation `{name}`"))
}

/// Time since birth at the end of a flow.
fn age<'a>(record: &'a RunRecord, name: &str) -> &'a Histogram {
    &record.ages.get(name).unwrap_or_else(|| panic!("no flow `{name}`")).took
}

/// The mean, in units of time.
fn mean(took: &Histogram) -> f64 {
    took.mean() / 1e6
}

/// A quantile, in units of time.
fn quantile(took: &Histogram, q: f64) -> f64 {
    took.quantile(q) as f64 / 1e6
}

/// The part of all values above a limit in units of time.
fn above(took: &Histogram, limit: f64) -> f64 {
    took.count_above(Span::from_f64(limit * 1e6)) as f64 / took.count() as f64
}

/// The part of all ends that had this outcome.
fn share(record: &OperationRecord, outcome: Outcome) -> f64 {
    record.outcomes.of(outcome) as f64 / record.outcomes.total() as f64
}

/// What a gauge of a whole component showed while users came, after the warm-up.
fn gauge(record: &RunRecord, component: &str, metric: &str) -> Vec<f64> {
    let wanted = |column: &&Column| {
        column.component == component && column.member.is_empty() && column.metric == metric
    };
    let column = record.series.columns.iter().find(wanted);
    let column = column.unwrap_or_else(|| panic!("no gauge `{metric}` of `{component}`"));
    let (from, to) = (Time::ZERO + record.warmup, Time::ZERO + record.duration);
    let timed = record.series.times.iter().zip(&column.values);
    timed.filter(|(at, _)| (from..=to).contains(*at)).map(|(_, value)| *value).collect()
}

fn average(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The part of all samples for which something holds.
fn part(values: &[f64], holds: impl Fn(f64) -> bool) -> f64 {
    values.iter().filter(|value| holds(**value)).count() as f64 / values.len() as f64
}

/// What is allowed between simulation and theory.
#[derive(Clone, Copy)]
enum Within {
    /// So many percent of the truth.
    Percent(f64),
    /// So much.
    Absolute(f64),
}

use Within::{Absolute, Percent};

/// What a case measured, beside the truth.
struct Table {
    case: &'static str,
    lines: String,
    wrong: u32,
}

impl Table {
    fn new(case: &'static str) -> Table {
        let lines = format!(
            "{:<44} {:>11} {:>11} {:>10} {:>10}\n",
            "quantity", "truth", "measured", "± 95 %", "allowed"
        );
        Table { case, lines, wrong: 0 }
    }

    /// One quantity: what theory says, what a run gives, and how far apart they may be.
    fn row(
        &mut self,
        what: &str,
        truth: f64,
        within: Within,
        records: &[RunRecord],
        value: impl Fn(&RunRecord) -> f64,
    ) {
        let values: Vec<f64> = records.iter().map(value).collect();
        self.values(what, truth, within, &values);
    }

    /// As [`Table::row`], for one number a seed.
    fn values(&mut self, what: &str, truth: f64, within: Within, values: &[f64]) {
        let (n, measured) = (values.len() as f64, average(values));
        let squares: f64 = values.iter().map(|it| (it - measured) * (it - measured)).sum();
        let error = libm::sqrt(squares / (n - 1.0) / n);
        let stated = match within {
            Percent(percent) => truth * percent / 100.0,
            Absolute(amount) => amount,
        };
        let allowed = stated.max(3.0 * error);
        // Something that cannot be told from its double measures nothing.
        let blunt = allowed > 0.5 * truth.abs() && allowed > stated;
        let right = (measured - truth).abs() <= allowed && !blunt;
        self.wrong += u32::from(!right);
        let verdict = if right { "" } else { "  <-- WRONG" };
        let half = STUDENT * error;
        let line =
            format!("{what:<44} {truth:>11.6} {measured:>11.6} {half:>10.6} {allowed:>10.6}");
        writeln!(self.lines, "{line}{verdict}").expect("a string takes everything");
    }

    /// Every quantity agrees; or all of them are shown. The table is kept beside the build.
    #[track_caller]
    fn close(self) {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("theory");
        std::fs::create_dir_all(&folder).expect("a folder for the tables");
        let file = folder.join(format!("{}.txt", self.case.replace(['/', ' '], "-")));
        std::fs::write(file, &self.lines).expect("a table");
        assert!(self.wrong == 0, "{}: {} wrong\n{}", self.case, self.wrong, self.lines);
    }
}

/// The formulas give what the literature prints.
#[track_caller]
fn printed(computed: f64, literature: f64) {
    let off = (computed - literature).abs();
    assert!(off <= 2e-6 * literature.abs(), "computed {computed}, printed {literature}");
}
