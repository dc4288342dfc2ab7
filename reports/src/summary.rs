//! The summary on the terminal: checks, what to read first, latency, components, events, verdict,
//! how to repeat it. At most 100 columns wide, as long as names are not absurd.

mod checks;
mod first;

pub(crate) use first::{bottleneck, remarks};

use std::fmt::Write as _;

use engine::RunRecord;
use engine::record::Outcomes;

use crate::compare::{Line, lines};
use crate::format::{count, percent, time};
use crate::tables::{self, OF_COMPONENTS, OF_LATENCY, listed, operations};
use crate::totals::{combined, latencies, outcomes};
use crate::{Report, VariantRuns, Verdict};

/// How the terminal wants it.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Signs beyond ASCII.
    pub unicode: bool,
    /// Colours; nothing is said by colour alone.
    pub colour: bool,
}

/// The whole summary.
pub fn summary(report: &Report, style: Style) -> String {
    let mut out = String::new();
    header(&mut out, report);
    checks::checks(&mut out, report, style);
    if let [only] = &report.variants[..] {
        first::read_first(&mut out, report, &only.runs);
        latency_table(&mut out, &only.runs);
        components(&mut out, &only.runs);
    } else {
        compared(&mut out, report);
    }
    events(&mut out, report);
    let _ = writeln!(out, "{}\n{}", verdict(report), reproduce(report));
    if style.unicode { out } else { ascii(&out) }
}

/// What a terminal without UTF-8 shows instead.
fn ascii(text: &str) -> String {
    text.replace('×', "x").replace('–', "-").replace('…', "~")
}

fn header(out: &mut String, report: &Report) {
    let first = report.runs().next().expect("at least one run");
    let seeds: Vec<u64> = report.variants[0].runs.iter().map(|run| run.seed).collect();
    let seeds = match (seeds.first(), seeds.last()) {
        (Some(first), Some(last)) if first != last => format!("seeds {first}..{last}"),
        (Some(first), _) => format!("seed {first}"),
        _ => String::new(),
    };
    let runs = match report.runs().count() {
        1 => String::new(),
        runs => format!(" × {runs} runs"),
    };
    let requests: u64 = report.runs().map(|run| run.requests.generated).sum();
    let events: u64 = report.runs().map(|run| run.events).sum();
    let _ = writeln!(
        out,
        "{}  {seeds}  {} simulated{runs}  {} requests  {} events\n",
        report.scenario,
        time(first.ended.0 as f64),
        count(requests as f64),
        count(events as f64),
    );
}

/// Seven columns of a latency table.
fn row(cells: &[String; 7]) -> String {
    let [n, rest @ ..] = cells;
    rest.iter().fold(format!("{n:>8}"), |line, cell| format!("{line} {cell:>9}"))
}

fn latency_head(out: &mut String) {
    let _ = writeln!(out, "LATENCY{:<22} {}", "", row(&OF_LATENCY.map(String::from)));
}

fn latency_table(out: &mut String, runs: &[RunRecord]) {
    latency_head(out);
    for (operation, cells) in operations(runs) {
        let _ = writeln!(out, " {operation:<28} {}", row(&cells));
    }
    let _ = writeln!(out, " {}\n", ends(&outcomes(runs)));
}

/// How requests ended, in one line.
fn ends(ends: &Outcomes) -> String {
    let share = percent(ends.errors() as f64 / ends.total().max(1) as f64);
    format!("errors {share} of requests: {}", listed(ends, |_| true))
}

/// Variants side by side: one line each, and below what does not fit there.
fn compared(out: &mut String, report: &Report) {
    let lines = lines(report);
    let widest = lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0).max(9);
    let _ = write!(out, "VARIANTS{:<w$}", "", w = widest.saturating_sub(7));
    for head in ["done/s", "errors", "mean", "p50", "p90", "p99", "p99.9"] {
        let _ = write!(out, " {head:>8}");
    }
    out.push_str("  busiest at peak\n");
    for line in &lines {
        let _ = write!(out, " {:<widest$}", line.name);
        let shares = [count(line.done.value), percent(line.errors.value)];
        let times = [line.mean].into_iter().chain(line.percentiles).map(|took| time(took.value));
        shares.into_iter().chain(times).for_each(|cell| {
            let _ = write!(out, " {cell:>8}");
        });
        let busiest = line.busiest.as_ref();
        let busiest =
            busiest.map_or("–".into(), |(name, peak)| format!("{name} {}", whole(*peak)));
        let _ = writeln!(out, "  {busiest}");
    }
    out.push('\n');
    failed(out, &lines);
    by_operation(out, &report.variants);
}

/// A share to the percent.
fn whole(share: f64) -> String {
    percent(libm::round(share * 100.0) / 100.0)
}

/// What became of the requests of variants in which some failed.
fn failed(out: &mut String, lines: &[Line<'_>]) {
    let failing: Vec<&Line<'_>> = lines.iter().filter(|line| line.ends.errors() > 0).collect();
    for line in &failing {
        let _ = writeln!(out, " {}: {}", line.name, ends(&line.ends));
    }
    if !failing.is_empty() {
        out.push('\n');
    }
}

/// Latencies by operation, where a variant has more than one: one alone is in the table above.
fn by_operation(out: &mut String, variants: &[VariantRuns]) {
    if variants.iter().all(|variant| variant.runs.iter().all(|run| run.operations.len() < 2)) {
        return;
    }
    latency_head(out);
    for variant in variants {
        let _ = writeln!(out, " {}", variant.name.as_deref().unwrap_or(""));
        for (operation, took) in latencies(&variant.runs).into_iter().skip(1) {
            let _ = writeln!(out, "   {operation:<26} {}", row(&tables::latency(&took)));
        }
    }
    out.push('\n');
}

fn components(out: &mut String, runs: &[RunRecord]) {
    let row = |cells: &[String; 6]| {
        let [replicas, busy, peak, queue, rate, away] = cells;
        format!("{replicas:>8} {busy:>9} {peak:>9} {queue:>10} {rate:>10} {away:>12}")
    };
    let _ = writeln!(out, "COMPONENTS{:<19} {}", "", row(&OF_COMPONENTS.map(String::from)));
    for (name, _, cells) in tables::components(runs) {
        let _ = writeln!(out, " {name:<28} {}", row(&cells));
    }
    out.push('\n');
}

/// What happened to the first run of each variant; variants that lived through the same share a
/// list.
fn events(out: &mut String, report: &Report) {
    let lists: Vec<String> = report.variants.iter().map(|v| actions(&v.runs[0])).collect();
    for (index, list) in lists.iter().enumerate() {
        if list.is_empty() || lists[..index].contains(list) {
            continue;
        }
        let sharing = (0..lists.len()).filter(|other| lists[*other] == *list);
        let names: Vec<&str> =
            sharing.filter_map(|other| report.variants[other].name.as_deref()).collect();
        let all = names.is_empty() || names.len() == lists.len();
        let whose = if all { String::new() } else { format!("  {}", names.join(", ")) };
        let _ = writeln!(out, "EVENTS{whose}\n{list}");
    }
}

fn actions(run: &RunRecord) -> String {
    let mut out = String::new();
    for action in &run.actions {
        let (began, until) = match (action.times, action.ended) {
            (0, _) => ("never".into(), String::new()),
            (_, None) => (time(action.began.0 as f64), "to the end".into()),
            (_, Some(end)) => (time(action.began.0 as f64), format!("to {}", time(end.0 as f64))),
        };
        let mut touched = action.touched.clone();
        let more = touched.len().saturating_sub(3);
        touched.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line =
            format!(" {began:>8} {until:<11} {:<34} {}{more}", action.told(), touched.join(", "));
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

/// What became of all checks together, in one line.
pub fn verdict(report: &Report) -> String {
    let of = |verdict| report.checks.iter().filter(|check| check.verdict == verdict).count();
    let total = report.checks.len();
    match report.verdict() {
        _ if total == 0 => "NO CHECKS".into(),
        Verdict::Pass => format!("PASS all {total} checks"),
        Verdict::Fail => format!("FAIL {} of {total} checks", of(Verdict::Fail)),
        Verdict::NoSamples => {
            format!("NOTHING TO JUDGE in {} of {total} checks", of(Verdict::NoSamples))
        }
        Verdict::Inconclusive => {
            format!("INCONCLUSIVE {} of {total} checks: add seeds", of(Verdict::Inconclusive))
        }
    }
}

/// How to play the same again, and the fingerprint that it must have then.
pub fn reproduce(report: &Report) -> String {
    let digest = combined(report.runs());
    format!("reproduce: {}  # digest {digest}", report.again(&report.file))
}
