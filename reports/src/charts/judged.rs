//! `compare-checks.svg`: what the checks measured, by variant. A scenario says with its checks what
//! it is about, so this shows the numbers in which its variants differ.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis;
use super::canvas::{COLOURS, GREY, NAME, Paper, beside_names, short};
use crate::{CheckRow, Report, Verdict};

const WIDTH: i32 = 960;
const TOP: i32 = 64;
/// A line of a block, and the space after the block.
const ROW: i32 = 20;
const SPACE: i32 = 14;
/// How wide the longest bar is, and where numbers and limits have room right of it.
const BAR: i32 = 360;
const NUMBER: i32 = 90;

/// The same measure in several variants.
struct Block<'a> {
    what: String,
    rows: Vec<&'a CheckRow>,
}

/// The whole drawing; `None` if no measure differs between variants.
pub fn svg(report: &Report) -> Option<String> {
    let blocks = blocks(report);
    if blocks.is_empty() {
        return None;
    }
    let lines: usize = blocks.iter().map(|block| block.rows.len() + 1).sum();
    let height = TOP + ROW * lines as i32 + SPACE * blocks.len() as i32;
    let mut out = String::new();
    {
        let size = (WIDTH as u32, height as u32);
        let root = SVGBackend::with_string(&mut out, size).into_drawing_area();
        root.fill(&WHITE).expect("memory takes everything");
        let title = format!("{}, by variant: what is checked", report.scenario);
        text(&root, &title, (16, 20), 19, HPos::Left, BLACK);
        let note = "bars from zero; right of them the number, and what it must be";
        text(&root, note, (16, 44), 14, HPos::Left, GREY);
        let names = report.variants.iter().filter_map(|variant| variant.name.as_deref());
        let left = beside_names(names);
        let mut top = TOP;
        for block in &blocks {
            text(&root, &short(&block.what, 110), (16, top + ROW / 2), 15, HPos::Left, BLACK);
            block.draw(&root, report, (left, top + ROW));
            top += ROW * (block.rows.len() as i32 + 1) + SPACE;
        }
        root.present().expect("memory takes everything");
    }
    Some(out)
}

impl Block<'_> {
    fn draw(&self, root: &Paper<'_>, report: &Report, (left, top): (i32, i32)) {
        let values = || self.rows.iter().filter_map(|row| row.value);
        let axis = axis::linear(values().fold(0.0, f64::max), 4);
        for (row, y) in self.rows.iter().zip((top + ROW / 2..).step_by(ROW as usize)) {
            let value = row.value.unwrap_or(0.0).max(0.0);
            let name = row.variant.as_deref().unwrap_or("");
            let place = report.variants.iter().position(|v| v.name.as_deref() == Some(name));
            let colour = COLOURS[place.unwrap_or(0) % COLOURS.len()];
            text(root, &short(name, NAME), (left - 10, y), 14, HPos::Right, BLACK);
            let share = value / axis.reach.end;
            let end = left + libm::round(share * f64::from(BAR)) as i32;
            let bar = Rectangle::new([(left, y - 6), (end, y + 6)], colour.mix(0.7).filled());
            root.draw(&bar).expect("drawn in memory");
            text(root, &row.observed, (end + 6, y), 13, HPos::Left, BLACK);
            let (said, colour) = match row.verdict {
                Verdict::Pass => (row.limit.clone(), GREY),
                _ => (format!("{}: not so", row.limit), COLOURS[2]),
            };
            text(root, &said, (left + BAR + NUMBER, y), 13, HPos::Left, colour);
        }
        let base =
            PathElement::new(vec![(left, top), (left, top + ROW * self.rows.len() as i32)], GREY);
        root.draw(&base).expect("drawn in memory");
    }
}

fn text(root: &Paper<'_>, text: &str, at: (i32, i32), size: u32, anchor: HPos, colour: RGBColor) {
    let style = ("sans-serif", size).into_font().color(&colour);
    let style = style.pos(Pos::new(anchor, VPos::Center));
    root.draw(&Text::new(text.to_string(), at, style)).expect("drawn in memory");
}

/// What was measured in two variants at least and is not the same in all; each variant once.
fn blocks(report: &Report) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    // A limit that is a multiple of another variant's number is of a ratio, not of the measure.
    let absolute = |row: &&CheckRow| row.value.is_some() && !row.limit.contains('×');
    for row in report.checks.iter().filter(absolute) {
        let what = subject(&row.text);
        match blocks.iter_mut().find(|block| block.what == what) {
            Some(block) if block.rows.iter().all(|other| other.variant != row.variant) => {
                block.rows.push(row);
            }
            Some(_) => {}
            None => blocks.push(Block { what, rows: vec![row] }),
        }
    }
    blocks.retain(|block| block.rows.iter().any(|row| row.value != block.rows[0].value));
    for block in &mut blocks {
        let place = |row: &&CheckRow| report.variants.iter().position(|v| v.name == row.variant);
        block.rows.sort_by_key(place);
    }
    blocks
}

/// What a check measures and when, without its limit and its variants; over all seeds or each is
/// the same measure.
fn subject(text: &str) -> String {
    let text = text.strip_prefix("mean ").unwrap_or(text);
    let (measure, rest) = text.split_at(comparison(text));
    let mut said: Vec<&str> = Vec::new();
    let mut words = measure.split_whitespace().chain(["|"]).chain(rest.split_whitespace());
    let mut before = true;
    while let Some(word) = words.next() {
        match word {
            "|" => before = false,
            "during" | "after" | "before" | "at" => {
                said.push(word);
                said.extend(words.next().filter(|word| *word != "|"));
            }
            // The rest of a measure after this word are names of variants.
            "in" if before => {
                words.by_ref().find(|word| *word == "|");
                before = false;
            }
            _ if before => said.push(word),
            _ => {}
        }
    }
    said.join(" ")
}

/// Where the comparison begins: outside of braces, in which `=` belongs to labels.
fn comparison(text: &str) -> usize {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            '<' | '>' | '=' | '!' if depth == 0 => return at,
            _ if depth == 0 && text[at..].starts_with(" within ") => return at,
            _ => {}
        }
    }
    text.len()
}

/// The metric of a check, and what it is of.
pub fn of(text: &str) -> Option<(&str, &str)> {
    let (measure, labels) = text[..comparison(text)].split_once('{')?;
    let label = labels.split_once('}')?.0.split(',').next()?.trim();
    let of = label.split_once('=').map_or(label, |(_, of)| of).trim();
    Some((measure.split_whitespace().last()?, of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_told_from_its_limit_and_its_variants() {
        for (text, what) in [
            ("latency p99 < 1s during 60s..180s in a, b", "latency p99 during 60s..180s"),
            ("errors in a, b within 4500..5500", "errors"),
            (
                "mean utilisation{component=db/0} max before 3s in a <= 5%",
                "utilisation{component=db/0} max before 3s",
            ),
            ("finally lag{topic=orders} = 0 at end", "finally lag{topic=orders} at end"),
            ("missing{from=a, in=b}=0", "missing{from=a, in=b}"),
        ] {
            assert_eq!(subject(text), what, "{text}");
        }
    }

    #[test]
    fn a_check_names_what_it_is_of() {
        assert_eq!(of("mean queue{db/7} max < 3"), Some(("queue", "db/7")));
        assert_eq!(of("tally{component=c, of=hits} = 3"), Some(("tally", "c")));
        assert_eq!(of("latency p99 < 1s"), None);
    }
}
