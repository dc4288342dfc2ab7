//! The line of a place with carets under it, as compilers show it.

use std::fmt::Write as _;

use super::diagnostic::{Sources, Spot};

/// How many columns a tab is shown as.
const TAB: usize = 4;
/// How much of a long line is shown, in characters.
const WINDOW: usize = 140;

/// Appends `--> file:line:column`, the line and the carets. Control characters never reach a
/// terminal; a line longer than the window is shown around the place.
pub(super) fn excerpt(out: &mut String, sources: &Sources, spot: Spot) {
    let (file, number, column) = sources.position(spot);
    let (start, line) = sources.line(spot);
    let first = column - 1;
    let end = start + line.len();
    let (from, to) = ((spot.start as usize).min(end), (spot.end as usize).min(end));
    let marked = sources.text(spot.file).get(from..to).map_or(1, |text| text.chars().count());
    let skipped = if line.chars().count() > WINDOW { first.saturating_sub(WINDOW / 2) } else { 0 };
    let shown: Vec<char> = line.chars().skip(skipped).take(WINDOW).collect();
    let (lead, rest) = shown.split_at((first - skipped).min(shown.len()));
    let carets = "^".repeat(width(&rest[..marked.min(rest.len())]).max(1));
    let margin = " ".repeat(number.to_string().len());
    let dots = if skipped > 0 { "…" } else { "" };
    let pad = " ".repeat(width(lead) + dots.chars().count());
    let text: String = shown.iter().map(visible).collect();
    let _ = writeln!(out, "{margin}--> {file}:{number}:{column}");
    let _ = writeln!(out, "{number} | {dots}{text}");
    let _ = writeln!(out, "{margin} | {pad}{carets}");
}

fn width(chars: &[char]) -> usize {
    chars.iter().map(|&c| if c == '\t' { TAB } else { 1 }).sum()
}

/// A character as it is shown.
fn visible(c: &char) -> String {
    match c {
        '\t' => " ".repeat(TAB),
        c if c.is_control() => '\u{fffd}'.into(),
        c => c.to_string(),
    }
}
