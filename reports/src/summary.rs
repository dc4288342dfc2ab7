//! The summary on the terminal: checks, latency, components, events, verdict, how to repeat it.

use std::fmt::Write as _;

use engine::record::MemberRecord;
use engine::{Outcome, RunRecord};

use crate::format::{count, percent, time};
use crate::result::{combined, latencies, outcomes, utilisation};
use crate::{CheckRow, Report, VariantRuns, Verdict};

/// How the terminal wants it.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    /// Signs beyond ASCII.
    pub unicode: bool,
    /// Colours; nothing is said by colour alone.
    pub colour: bool,
}

impl Style {
    fn sign(self, verdict: Verdict) -> String {
        let (fancy, plain, colour) = match verdict {
            Verdict::Pass => ("✓", "ok", "32"),
            Verdict::Fail => ("✗", "FAIL", "31"),
            Verdict::Inconclusive => ("?", "?", "33"),
            Verdict::NoSamples => ("∅", "none", "31"),
        };
        let sign = if self.unicode { fancy } else { plain };
        if self.colour { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign.into() }
    }
}

/// The whole summary.
pub fn summary(report: &Report, style: Style) -> String {
    let mut out = String::new();
    header(&mut out, report);
    checks(&mut out, report, style);
    for variant in &report.variants {
        latency(&mut out, variant);
    }
    if let [only] = &report.variants[..] {
        components(&mut out, &only.runs);
        events(&mut out, &only.runs[0]);
    }
    verdict(&mut out, report);
    out
}

fn header(out: &mut String, report: &Report) {
    let first = report.runs().next().expect("at least one run");
    let runs = report.runs().count();
    let seeds: Vec<u64> = report.variants[0].runs.iter().map(|run| run.seed).collect();
    let seeds = match (seeds.first(), seeds.last()) {
        (Some(first), Some(last)) if first != last => format!("seeds {first}..{last}"),
        (Some(first), _) => format!("seed {first}"),
        _ => String::new(),
    };
    let requests: u64 = report.runs().map(|run| run.requests.generated).sum();
    let events: u64 = report.runs().map(|run| run.events).sum();
    let digest = combined(report.runs());
    let _ = writeln!(
        out,
        "{}  {seeds}  {} simulated ×{runs}  {} requests  {} events  digest {digest}\n",
        report.scenario,
        time(first.ended.0 as f64),
        count(requests as f64),
        count(events as f64),
    );
}

fn checks(out: &mut String, report: &Report, style: Style) {
    if report.checks.is_empty() {
        let _ = writeln!(out, "CHECKS     none: add checks: [\"latency p99 < 250ms\"]\n");
        return;
    }
    let name = |check: &CheckRow| match &check.variant {
        Some(variant) => format!("{} [{variant}]", check.text),
        None => check.text.clone(),
    };
    let width = report.checks.iter().map(|check| name(check).chars().count()).max().unwrap_or(0);
    let width = width.clamp(20, 76);
    let _ = writeln!(
        out,
        "CHECKS{:w$}  {:>14}  {:<22}",
        "",
        "observed",
        "95 % over seeds",
        w = width - 3
    );
    for check in &report.checks {
        let (name, observed) = (name(check), &check.observed);
        let interval = check.interval.as_deref().unwrap_or("");
        let line = format!(
            " {} {name:<width$}  {observed:>14}  {interval:<22}  {}",
            style.sign(check.verdict),
            check.note
        );
        let _ = writeln!(out, "{}", line.trim_end());
    }
    out.push('\n');
}

fn latency(out: &mut String, variant: &VariantRuns) {
    let title = variant.name.as_deref().unwrap_or("");
    let _ = writeln!(
        out,
        "LATENCY  {title:<22} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "count", "mean", "p50", "p90", "p99", "p99.9", "max"
    );
    let rows = latencies(&variant.runs);
    let skip = usize::from(rows.len() == 2);
    for (operation, took) in rows.into_iter().skip(skip) {
        let quantiles = [0.5, 0.9, 0.99, 0.999].map(|q| time(took.quantile(q) as f64));
        let [p50, p90, p99, p999] = quantiles;
        let (n, mean, max) =
            (count(took.count() as f64), time(took.mean()), time(took.max() as f64));
        let _ = writeln!(
            out,
            " {operation:<30} {n:>8} {mean:>9} {p50:>9} {p90:>9} {p99:>9} {p999:>9} {max:>9}"
        );
    }
    let ends = outcomes(&variant.runs);
    let bad = Outcome::ALL.into_iter().filter(|o| *o != Outcome::Done && ends.of(*o) > 0);
    let bad: Vec<String> =
        bad.map(|o| format!("{} {}", o.name(), count(ends.of(o) as f64))).collect();
    let errors = percent(ends.errors() as f64 / ends.total().max(1) as f64);
    let causes = if bad.is_empty() { "no request ended badly".into() } else { bad.join(", ") };
    let _ = writeln!(out, " errors {errors}: {causes}\n");
}

/// Means and maxima over the seeds of one component.
struct Load {
    name: String,
    kind: String,
    replicas: usize,
    utilisation: Option<f64>,
    queue: f64,
    arrived: f64,
    turned_away: f64,
}

fn loads(runs: &[RunRecord]) -> Vec<Load> {
    let groups = runs[0].groups.iter().enumerate();
    let load = |(place, group): (usize, &engine::record::GroupRecord)| {
        let members: Vec<(&MemberRecord, &RunRecord)> = runs
            .iter()
            .flat_map(|run| run.groups[place].members.iter().map(move |member| (member, run)))
            .collect();
        let busy: Vec<f64> = members
            .iter()
            .filter_map(|(member, run)| utilisation(member.busy, member.servers, run))
            .collect();
        let sum = |of: fn(&MemberRecord) -> u64| members.iter().map(|(m, _)| of(m)).sum::<u64>();
        Load {
            name: group.name.clone(),
            kind: group.kind.clone(),
            replicas: group.members.len(),
            utilisation: (!busy.is_empty()).then(|| busy.iter().sum::<f64>() / busy.len() as f64),
            queue: members.iter().map(|(member, _)| member.queue_max).fold(0.0, f64::max),
            arrived: sum(|member| member.arrived) as f64,
            turned_away: sum(|member| member.turned_away) as f64,
        }
    };
    groups.map(load).collect()
}

fn components(out: &mut String, runs: &[RunRecord]) {
    let loads: Vec<Load> = loads(runs).into_iter().filter(|load| load.kind != "Traffic").collect();
    let busiest = loads.iter().filter_map(|load| load.utilisation).fold(0.0, f64::max);
    let seconds: f64 = runs.iter().map(|run| run.ended.as_secs()).sum();
    let _ = writeln!(
        out,
        "COMPONENTS {:<20} {:>8} {:>9} {:>10} {:>10} {:>11}",
        "", "replicas", "busy", "queue max", "calls/s", "turned away"
    );
    for load in &loads {
        let busy = load.utilisation.map_or("–".into(), percent);
        let bottleneck = load.utilisation == Some(busiest) && (busiest >= 0.9 || load.queue > 0.0);
        let _ = writeln!(
            out,
            " {:<30} {:>8} {busy:>9} {:>10} {:>10} {:>11}{}",
            load.name,
            load.replicas,
            count(load.queue),
            count(load.arrived / seconds),
            count(load.turned_away),
            if bottleneck { "  < the busiest" } else { "" },
        );
    }
    out.push('\n');
}

fn events(out: &mut String, run: &RunRecord) {
    if run.actions.is_empty() {
        return;
    }
    let _ = writeln!(out, "EVENTS");
    for action in &run.actions {
        let until =
            action.ended.map_or("to the end".into(), |end| format!("to {}", time(end.0 as f64)));
        let mut touched = action.touched.clone();
        let more = touched.len().saturating_sub(4);
        touched.truncate(4);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let _ = writeln!(
            out,
            " {:>8} {until:<11} {:<34} {}{more}",
            time(action.began.0 as f64),
            action.name,
            touched.join(", ")
        );
    }
    out.push('\n');
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
    let _ = writeln!(out, "{line}\nreproduce: {}", report.reproduce);
}
