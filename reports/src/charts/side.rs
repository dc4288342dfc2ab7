//! `compare.svg`: all variants in one picture, a row each: percentiles, throughput and errors.
//!
//! Apart from the other charts because it has rows and three level axes instead of curves over
//! one; it grows with the number of variants, so that none is left out.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{self, Axis};
use super::canvas::{COLOURS, GREY, NAME, Paper, beside_names, short};
use crate::compare::{Line, Spread, lines};
use crate::format::{count, percent, time};
use crate::series::QUANTILES;
use crate::{Report, VariantRuns};

const ROW: i32 = 26;
const TOP: i32 = 114;
const BOTTOM: i32 = 62;
/// More errors than this, and latencies are those of failing as well.
const FAILING: f64 = 0.01;
/// How wide the three panels are, and the gaps after them, where numbers stand.
const PANELS: [i32; 3] = [430, 170, 150];
const GAPS: [i32; 3] = [40, 76, 76];
/// Of throughput and of errors: pale, so that brackets and marks can be seen on them.
const BARS: [RGBColor; 2] = [RGBColor(122, 178, 214), RGBColor(232, 165, 120)];
const LIGHT: RGBColor = RGBColor(225, 225, 225);

/// The whole drawing; `None` if there is nothing to compare.
pub fn svg(report: &Report) -> Option<String> {
    let lines: Vec<Line> = lines(report).into_iter().filter(|l| l.ends.total() > 0).collect();
    if lines.len() < 2 {
        return None;
    }
    let left = beside_names(lines.iter().map(|line| line.name));
    let width = left + PANELS.iter().chain(&GAPS).sum::<i32>();
    let height = TOP + ROW * lines.len() as i32 + BOTTOM;
    let mut out = String::new();
    {
        let size = (width as u32, height as u32);
        let root = SVGBackend::with_string(&mut out, size).into_drawing_area();
        root.fill(&WHITE).expect("memory takes everything");
        let sheet = Sheet { root: &root, lines: &lines, left, width };
        sheet.heading(report);
        sheet.rows();
        sheet.percentiles();
        let done = |line: &Line<'_>| line.done;
        sheet.bars(1, "completed, requests per second", &done, &count);
        let errors = |line: &Line<'_>| line.errors;
        sheet.bars(2, "errors, share of requests", &errors, &percent);
        root.present().expect("memory takes everything");
    }
    Some(out)
}

struct Sheet<'a, 'svg> {
    root: &'a Paper<'svg>,
    lines: &'a [Line<'a>],
    left: i32,
    width: i32,
}

impl Sheet<'_, '_> {
    fn text(&self, text: &str, at: (i32, i32), size: u32, anchor: HPos, colour: RGBColor) {
        let style = ("sans-serif", size).into_font().color(&colour);
        let style = style.pos(Pos::new(anchor, VPos::Center));
        self.root.draw(&Text::new(text.to_string(), at, style)).expect("drawn in memory");
    }

    fn bar(&self, corners: [(i32, i32); 2], style: impl Into<ShapeStyle>) {
        self.root.draw(&Rectangle::new(corners, style)).expect("drawn in memory");
    }

    /// The left and right end of a panel.
    fn panel(&self, place: usize) -> (i32, i32) {
        let before: i32 = (0..place).map(|before| PANELS[before] + GAPS[before]).sum();
        (self.left + before, self.left + before + PANELS[place])
    }

    fn end(&self) -> i32 {
        TOP + ROW * self.lines.len() as i32
    }

    fn heading(&self, report: &Report) {
        let title = format!("{}: variants side by side", report.scenario);
        self.text(&title, (16, 20), 19, HPos::Left, BLACK);
        let seeds = report.variants.iter().map(|variant| variant.runs.len()).max().unwrap_or(1);
        let mut note = "all requests born after the warm-up, failed ones included".to_string();
        if seeds > 1 {
            note += &format!("; {seeds} seeds together, brackets from the lowest to the highest");
        }
        self.text(&note, (16, 44), 14, HPos::Left, GREY);
        // Who fails fast looks fast: such latencies are not to be compared with the others.
        let note = format!("hollow: more than {} of these were errors", percent(FAILING));
        let hollow = self.lines.iter().any(|line| line.errors.value > FAILING);
        let second = hollow.then_some(note).into_iter().chain(self.happened(report));
        let second = second.collect::<Vec<_>>().join("; ");
        let most = (self.width - 32) as usize / 6;
        self.text(&short(&second, most), (16, 64), 14, HPos::Left, BLACK);
    }

    /// What went on while these were measured, if it was the same in all variants.
    fn happened(&self, report: &Report) -> Option<String> {
        let actions = |variant: &VariantRuns| -> Vec<String> {
            let at = |nanos: u64| time(nanos as f64);
            let began = variant.runs[0].actions.iter().filter(|action| action.times > 0);
            let told = began.map(|action| match action.ended {
                Some(end) => format!("{} {} to {}", action.told(), at(action.began.0), at(end.0)),
                None => format!("{} from {} on", action.name, at(action.began.0)),
            });
            told.collect()
        };
        let told: Vec<Vec<String>> = report.variants.iter().map(actions).collect();
        let same = told.iter().all(|other| *other == told[0]);
        match (same, &told[0][..]) {
            (_, []) if same => None,
            (false, _) => Some("what happened differs between variants".into()),
            (true, some) => Some(some.join(", ")),
        }
    }

    /// Names, and stripes that lead the eye from them to the numbers.
    fn rows(&self) {
        for (row, line) in self.lines.iter().enumerate() {
            let top = TOP + ROW * row as i32;
            if row % 2 == 0 {
                let corners = [(8, top), (self.width - 8, top + ROW)];
                self.bar(corners, RGBColor(245, 245, 245).filled());
            }
            let at = (self.left - 10, top + ROW / 2);
            self.text(&short(line.name, NAME), at, 15, HPos::Right, BLACK);
        }
    }

    /// Marks below a panel, lines up from them, and what they mean.
    fn axis(&self, place: usize, axis: &Axis, what: &str, label: &dyn Fn(f64) -> String) {
        let (panel, end) = (self.panel(place), self.end());
        for mark in &axis.at {
            let x = axis.map(mark, panel);
            let path = PathElement::new(vec![(x, TOP), (x, end + 4)], LIGHT);
            self.root.draw(&path).expect("drawn in memory");
            self.text(&label(*mark), (x, end + 14), 13, HPos::Center, BLACK);
        }
        let path = PathElement::new(vec![(panel.0, end), (panel.1, end)], BLACK);
        self.root.draw(&path).expect("drawn in memory");
        let middle = (panel.0 + panel.1) / 2;
        self.text(what, (middle, end + 40), 15, HPos::Center, BLACK);
    }

    fn percentiles(&self) {
        let panel = self.panel(0);
        let values = || self.lines.iter().flat_map(|line| line.percentiles);
        let lowest = values().map(|value| value.low.max(1.0)).fold(f64::INFINITY, f64::min);
        let highest = values().map(|value| value.high.max(1.0)).fold(1.0, f64::max);
        let axis = axis::logarithmic(lowest, highest.max(lowest * 1.5));
        self.axis(0, &axis, "latency, logarithmic", &time);
        let x = |nanos: f64| axis.map(&nanos.max(1.0), panel);
        for (row, line) in self.lines.iter().enumerate() {
            let y = TOP + ROW * row as i32 + ROW / 2;
            let reach = line.percentiles.map(|value| x(value.value));
            let path = PathElement::new(vec![(reach[0], y), (reach[3], y)], GREY.mix(0.5));
            self.root.draw(&path).expect("drawn in memory");
            // The higher ones are larger and lie below, so that equal ones show as rings.
            let failing = line.errors.value > FAILING;
            let dots = line.percentiles.iter().zip(COLOURS).zip([4, 5, 6, 7]);
            for ((value, colour), size) in dots.rev() {
                self.whisker(x(value.low), x(value.high), y, colour);
                let style = if failing { colour.stroke_width(2) } else { colour.filled() };
                let at = (x(value.value), y);
                if failing {
                    let inside = Circle::new(at, size, WHITE.filled());
                    self.root.draw(&inside).expect("drawn in memory");
                }
                self.root.draw(&Circle::new(at, size, style)).expect("drawn in memory");
            }
        }
        for (place, ((name, _), colour)) in QUANTILES.iter().zip(COLOURS).enumerate() {
            let at = (panel.0 + 8 + 80 * place as i32, TOP - 18);
            self.root.draw(&Circle::new(at, 5, colour.filled())).expect("drawn in memory");
            self.text(name, (at.0 + 11, at.1), 14, HPos::Left, BLACK);
        }
    }

    /// From the lowest seed to the highest.
    fn whisker(&self, low: i32, high: i32, y: i32, colour: RGBColor) {
        if high > low {
            let path = PathElement::new(vec![(low, y), (high, y)], colour.stroke_width(2));
            self.root.draw(&path).expect("drawn in memory");
            for x in [low, high] {
                let end = PathElement::new(vec![(x, y - 4), (x, y + 4)], colour);
                self.root.draw(&end).expect("drawn in memory");
            }
        }
    }

    /// A bar from zero per row, with its number.
    fn bars(
        &self,
        place: usize,
        what: &str,
        of: &dyn Fn(&Line<'_>) -> Spread,
        show: &dyn Fn(f64) -> String,
    ) {
        let panel = self.panel(place);
        let highest = self.lines.iter().map(|line| of(line).high).fold(0.0, f64::max);
        // Where nothing is, the axis still tells what there is nothing of.
        let axis = axis::linear(if highest > 0.0 { highest } else { 0.01 }, 3);
        self.axis(place, &axis, what, show);
        for (row, line) in self.lines.iter().enumerate() {
            let (value, y) = (of(line), TOP + ROW * row as i32 + ROW / 2);
            let x = |value: f64| axis.map(&value, panel);
            let corners = [(panel.0, y - 7), (x(value.value), y + 7)];
            self.bar(corners, BARS[place - 1].filled());
            self.whisker(x(value.low), x(value.high), y, GREY);
            let at = (x(value.high.max(value.value)) + 6, y);
            self.text(&show(value.value), at, 13, HPos::Left, BLACK);
        }
    }
}
