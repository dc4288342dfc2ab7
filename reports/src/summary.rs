//! The summary on the terminal: checks, what to read first, latency, components, events, verdict,
//! how to repeat it. At most 100 columns wide, as long as names are not absurd.

mod checks;
mod first;

use std::fmt::Write as _;

use engine::{Histogram, Outcome, RunRecord};

use crate::format::{count, percent, time};
use crate::totals::{combined, latencies, latency, loads, outcomes};
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
        latency_table(&mut out, &report.variants);
        components(&mut out, &only.runs);
    } else {
        compared(&mut out, report);
        latency_table(&mut out, &report.variants);
    }
    events(&mut out, report);
    verdict(&mut out, report);
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
fn row(took: &Histogram) -> String {
    let [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map(|q| time(took.quantile(q) as f64));
    let (n, mean, max) = (count(took.count() as f64), time(took.mean()), time(took.max() as f64));
    format!("{n:>8} {mean:>9} {p50:>9} {p90:>9} {p99:>9} {p999:>9} {max:>9}")
}

fn latency_table(out: &mut String, variants: &[VariantRuns]) {
    let _ = writeln!(
        out,
        "LATENCY{:<22} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "", "count", "mean", "p50", "p90", "p99", "p99.9", "max"
    );
    for variant in variants {
        if let Some(name) = &variant.name {
            let _ = writeln!(out, " {name}");
        }
        let indent = if variant.name.is_some() { "   " } else { " " };
        let rows = latencies(&variant.runs);
        let skip = usize::from(rows.len() == 2);
        for (operation, took) in rows.into_iter().skip(skip) {
            let _ = writeln!(out, "{:<29} {}", format!("{indent}{operation}"), row(&took));
        }
        let _ = writeln!(out, "{indent}{}", ends(&variant.runs));
    }
    out.push('\n');
}

/// How requests ended, in one line.
fn ends(runs: &[RunRecord]) -> String {
    let ends = outcomes(runs);
    let share = percent(ends.errors() as f64 / ends.total().max(1) as f64);
    let there = Outcome::ALL.into_iter().filter(|outcome| ends.of(*outcome) > 0);
    let there =
        there.map(|outcome| format!("{} {}", outcome.name(), count(ends.of(outcome) as f64)));
    format!("errors {share} of requests: {}", there.collect::<Vec<_>>().join(", "))
}

/// Variants side by side: one line each.
fn compared(out: &mut String, report: &Report) {
    let _ = writeln!(
        out,
        "VARIANTS{:<17} {:>9} {:>9} {:>9} {:>9} {:>9}  busiest, at its peak",
        "", "done/s", "errors", "mean", "p50", "p99"
    );
    for variant in &report.variants {
        let (took, ends) = (latency(&variant.runs), outcomes(&variant.runs));
        let traffic = |run: &RunRecord| (run.duration.0 - run.warmup.0) as f64 / 1e9;
        let seconds: f64 = variant.runs.iter().map(traffic).sum();
        let loads = loads(&variant.runs);
        let busiest = first::bottleneck(report, &loads).map_or("–".into(), |load| {
            format!("{} {}", load.name, percent(load.peak.unwrap_or(0.0)))
        });
        let _ = writeln!(
            out,
            " {:<24} {:>9} {:>9} {:>9} {:>9} {:>9}  {busiest}",
            variant.name.as_deref().unwrap_or(""),
            count(ends.of(Outcome::Done) as f64 / seconds),
            percent(ends.errors() as f64 / ends.total().max(1) as f64),
            time(took.mean()),
            time(took.quantile(0.5) as f64),
            time(took.quantile(0.99) as f64),
        );
    }
    out.push('\n');
}

fn components(out: &mut String, runs: &[RunRecord]) {
    let seconds: f64 = runs.iter().map(|run| run.ended.as_secs()).sum();
    let _ = writeln!(
        out,
        "COMPONENTS{:<19} {:>8} {:>9} {:>9} {:>10} {:>10} {:>12}",
        "", "replicas", "busy", "at peak", "queue max", "calls/s", "turned away"
    );
    for load in loads(runs).iter().filter(|load| load.kind != "Traffic") {
        let share = |busy: Option<f64>| busy.map_or("–".into(), percent);
        let _ = writeln!(
            out,
            " {:<28} {:>8} {:>9} {:>9} {:>10} {:>10} {:>12}",
            load.name,
            load.replicas,
            share(load.busy),
            share(load.peak),
            count(load.queue),
            count(load.arrived / seconds),
            count(load.turned_away),
        );
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
        let until =
            action.ended.map_or("to the end".into(), |end| format!("to {}", time(end.0 as f64)));
        let mut touched = action.touched.clone();
        let more = touched.len().saturating_sub(3);
        touched.truncate(3);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let line = format!(
            " {:>8} {until:<11} {:<34} {}{more}",
            time(action.began.0 as f64),
            action.name,
            touched.join(", ")
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn verdict(out: &mut String, report: &Report) {
    let of = |verdict| report.checks.iter().filter(|check| check.verdict == verdict).count();
    let total = report.checks.len();
    let line = match report.verdict() {
        _ if total == 0 => "NO CHECKS".into(),
        Verdict::Pass => format!("PASS all {total} checks"),
        Verdict::Fail => format!("FAIL {} of {total} checks", of(Verdict::Fail)),
        Verdict::NoSamples => {
            format!("NOTHING TO JUDGE in {} of {total} checks", of(Verdict::NoSamples))
        }
        Verdict::Inconclusive => {
            format!("INCONCLUSIVE {} of {total} checks: add seeds", of(Verdict::Inconclusive))
        }
    };
    let digest = combined(report.runs());
    let _ = writeln!(out, "{line}\nreproduce: {}  # digest {digest}", report.reproduce);
}
