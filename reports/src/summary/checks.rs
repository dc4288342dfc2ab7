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

/// The check, and its variant where the check does not say it itself.
fn name(check: &CheckRow) -> String {
    match &check.variant {
        Some(variant) if !check.text.ends_with(&format!(" in {variant}")) => {
            format!("{} [{variant}]", check.text)
        }
        _ => check.text.clone(),
    }
}

/// All of them, in the scenario's order.
pub(super) fn checks(out: &mut String, report: &Report, style: Style) {
    if report.checks.is_empty() {
        let _ = writeln!(out, "CHECKS  none: add checks: [\"latency p99 < 250ms\"]\n");
        return;
    }
    let long = |check: &CheckRow| name(check).chars().count();
    let fitting = report.checks.iter().map(long).filter(|width| *width <= WIDEST);
    let width = fitting.max().unwrap_or(WIDEST).max(20);
    let spread = report.checks.iter().any(|check| check.interval.is_some());
    let over = if spread { "  95 % over seeds" } else { "" };
    let margin = if style.unicode { 3 } else { 6 };
    let _ = writeln!(out, "{:<w$} {:>10}{over}", "CHECKS", "observed", w = width + margin);
    for check in &report.checks {
        let name = name(check);
        let mut line = format!(" {} {name:<width$}", sign(style, check.verdict));
        if name.chars().count() > width {
            let _ = writeln!(out, "{line}");
            line = " ".repeat(width + margin);
        }
        let _ = write!(line, " {:>10}", check.observed);
        check.interval.iter().for_each(|interval| line += &format!("  {interval}"));
        let _ = writeln!(out, "{line}");
        if !check.note.is_empty() {
            let _ = writeln!(out, "{}{}", " ".repeat(margin + 2), check.note);
        }
    }
    out.push('\n');
}
