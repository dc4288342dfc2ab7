//! The checks of the summary: a line each, or two if the check is long.

use std::fmt::Write as _;

use super::Style;
use crate::{CheckRow, Report, Verdict};

/// A longer check has a line of its own.
const WIDEST: usize = 58;

fn sign(style: Style, verdict: Verdict) -> String {
    let (fancy, plain, colour) = match verdict {
        Verdict::Pass => ("✓", "ok", "32"),
        Verdict::Fail => ("✗", "FAIL", "31"),
        Verdict::Inconclusive => ("?", "?", "33"),
        Verdict::NoSamples => ("∅", "none", "31"),
    };
    let sign = if style.unicode { fancy.into() } else { format!("{plain:<4}") };
    if style.colour { format!("\x1b[{colour}m{sign}\x1b[0m") } else { sign }
}

/// Whether two checks are told in one line: the same in two variants that both passed it.
fn together(one: &CheckRow, next: &CheckRow) -> bool {
    let passed = |check: &CheckRow| check.verdict == Verdict::Pass && check.variant.is_some();
    passed(one) && passed(next) && one.text == next.text
}

/// The check, and its variants where the check does not say them itself.
fn name(checks: &[CheckRow]) -> String {
    match checks {
        [CheckRow { text, variant: Some(variant), .. }]
            if !text.ends_with(&format!(" in {variant}")) =>
        {
            format!("{text} [{variant}]")
        }
        [first, _, ..] if !first.text.contains(" in ") => {
            format!("{} [{} variants]", first.text, checks.len())
        }
        _ => checks[0].text.clone(),
    }
}

/// What was observed: from the lowest to the highest, of several variants.
fn observed(checks: &[CheckRow]) -> String {
    let value = |check: &&CheckRow| check.value.unwrap_or(f64::INFINITY);
    let mut sorted: Vec<&CheckRow> = checks.iter().collect();
    sorted.sort_by(|a, b| value(a).total_cmp(&value(b)));
    let ends = [sorted[0], sorted[sorted.len() - 1]].map(|check| check.observed.as_str());
    if ends[0] == ends[1] { ends[0].into() } else { ends.join("..") }
}

/// All of them, in the scenario's order.
pub(super) fn checks(out: &mut String, report: &Report, style: Style) {
    if report.checks.is_empty() {
        let _ = writeln!(out, "CHECKS  none: add checks: [\"latency p99 < 250ms\"]\n");
        return;
    }
    let rows: Vec<&[CheckRow]> = report.checks.chunk_by(together).collect();
    let long = |checks: &&[CheckRow]| name(checks).chars().count();
    let fitting = rows.iter().map(long).filter(|width| *width <= WIDEST);
    let width = fitting.max().unwrap_or(WIDEST).max(20);
    let spread = report.checks.iter().any(|check| check.interval.is_some());
    let over = if spread { "  95 % over seeds" } else { "" };
    let margin = if style.unicode { 3 } else { 6 };
    let _ = writeln!(out, "{:<w$} {:>10}{over}", "CHECKS", "observed", w = width + margin);
    for checks in rows {
        let (name, first) = (name(checks), &checks[0]);
        let mut line = format!(" {} {name:<width$}", sign(style, first.verdict));
        if name.chars().count() > width {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(width + margin);
        }
        let _ = write!(line, " {:>10}", observed(checks));
        let alone = first.interval.iter().filter(|_| checks.len() == 1);
        alone.for_each(|interval| line += &format!("  {interval}"));
        let _ = writeln!(out, "{line}");
        if !first.note.is_empty() {
            let _ = writeln!(out, "{}{}", " ".repeat(margin + 2), first.note);
        }
    }
    out.push('\n');
}
