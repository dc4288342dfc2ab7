//! Lines of a chart: their names, their colours, and how those are drawn that lie on each other.

use plotters::prelude::*;

use super::axis::Axis;
use super::canvas::{COLOURS, Paper, Plot, RIGHT, TOP, short};
use super::curves::Point;

/// Lines that are nowhere further apart than this, in pixels, cannot be told apart.
const NEAR: i32 = 2;
/// How long a dash and its gap are together, in pixels.
const DASH: f64 = 16.0;

/// A named line.
#[derive(Clone, Debug)]
pub struct Curve {
    pub name: String,
    pub points: Vec<Point>,
    look: Look,
    /// Drawn and named even if it is never above zero: that it is zero is what it tells.
    kept: bool,
}

/// How a line is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Look {
    /// In the colour of its place among the lines.
    Plain,
    /// In one of the colours, whatever the place.
    Coloured(usize),
    /// In one of the colours, dashed.
    Dashed(usize),
    /// Thin and grey, behind the others.
    Faint,
}

impl Curve {
    pub fn new(name: &str, points: Vec<Point>) -> Curve {
        Curve { name: name.into(), points, look: Look::Plain, kept: false }
    }

    /// The same line in one of the colours.
    pub fn coloured(self, colour: usize) -> Curve {
        Curve { look: Look::Coloured(colour), ..self }
    }

    /// The same line, dashed, in one of the colours.
    pub fn dashed(self, colour: usize) -> Curve {
        Curve { look: Look::Dashed(colour), ..self }
    }

    /// The same line, thin and grey.
    pub fn faint(self) -> Curve {
        Curve { look: Look::Faint, ..self }
    }

    /// The same line, drawn even if it is always zero.
    pub fn kept(self) -> Curve {
        Curve { kept: true, ..self }
    }

    /// Whether there is something to draw.
    pub fn is_drawn(&self) -> bool {
        self.is_something() || (self.kept && !self.points.is_empty())
    }

    /// Whether it is ever above zero.
    pub fn is_something(&self) -> bool {
        self.points.iter().any(|point| point.high > 0.0)
    }

    pub fn highest(&self) -> f64 {
        self.points.iter().map(|point| point.high).fold(0.0, f64::max)
    }
}

/// Draws lines and their legend: in order, the faint ones behind all others.
pub fn draw(chart: &mut Plot<'_>, root: &Paper<'_>, curves: &[Curve], upright: &Axis) {
    let faint = |curve: &&Curve| curve.look == Look::Faint;
    for curve in curves.iter().filter(faint) {
        pieces(chart, curve, &COLOURS[0].mix(0.35).stroke_width(1), 1.0);
    }
    for (index, curve) in curves.iter().enumerate().filter(|(_, curve)| !faint(curve)) {
        let covered = curves[..index].iter().filter(|other| !faint(other));
        let covered = covered.filter(|other| cover(other, curve, upright)).count();
        let colour = COLOURS[colour(curve, index) % COLOURS.len()];
        band(chart, curve, colour);
        // What lies below shows through the gaps, and more of it the more there are.
        let shown = match curve.look {
            Look::Dashed(_) => 0.5,
            _ => 1.0 / (covered + 1) as f64,
        };
        pieces(chart, curve, &colour.stroke_width(2), shown);
    }
    curves.iter().enumerate().for_each(|(index, curve)| legend(root, index, curve));
}

fn colour(curve: &Curve, index: usize) -> usize {
    match curve.look {
        Look::Coloured(colour) | Look::Dashed(colour) => colour,
        Look::Plain | Look::Faint => index,
    }
}

/// Whether two lines lie on each other nearly everywhere where both are.
fn cover(one: &Curve, other: &Curve, upright: &Axis) -> bool {
    let pixel = |point: &Point| upright.pixel(point.y);
    let mut both = one.points.iter().peekable();
    let (mut shared, mut near) = (0, 0);
    for point in &other.points {
        while both.next_if(|its| its.x < point.x).is_some() {}
        if let Some(its) = both.next_if(|its| its.x == point.x) {
            shared += 1;
            near += usize::from((pixel(its) - pixel(point)).abs() <= NEAR);
        }
    }
    2 * shared > other.points.len() && 10 * near >= 9 * shared
}

/// The band of the seeds.
fn band(chart: &mut Plot<'_>, curve: &Curve, colour: RGBColor) {
    for piece in curve.points.chunk_by(|_, next| !next.first) {
        if piece.iter().any(|point| point.high > point.low) {
            let there = piece.iter().map(|point| (point.x, point.high));
            let back = piece.iter().rev().map(|point| (point.x, point.low));
            let area =
                Polygon::new(there.chain(back).collect::<Vec<_>>(), colour.mix(0.18).filled());
            chart.draw_series([area]).expect("drawn in memory");
        }
    }
}

/// The line, in pieces where there are gaps; of its length only a share is drawn.
fn pieces(chart: &mut Plot<'_>, curve: &Curve, style: &ShapeStyle, shown: f64) {
    for piece in curve.points.chunk_by(|_, next| !next.first) {
        if let [alone] = piece {
            let dot = Circle::new((alone.x, alone.y), 3, style.color.filled());
            chart.draw_series([dot]).expect("drawn in memory");
            continue;
        }
        let line = piece.iter().map(|point| (point.x, point.y));
        if shown >= 1.0 {
            chart.draw_series(LineSeries::new(line, *style)).expect("drawn in memory");
        } else {
            let dash = (DASH * shown) as i32;
            let dashes = DashedLineSeries::new(line, dash, DASH as i32 - dash, *style);
            chart.draw_series(dashes).expect("drawn in memory");
        }
    }
}

fn legend(root: &Paper<'_>, index: usize, curve: &Curve) {
    let (x, y) = ((RIGHT + 14) as i32, TOP as i32 + 20 * index as i32 + 6);
    let bar = |from: i32, to: i32, style: ShapeStyle| {
        let path = PathElement::new(vec![(x + from, y), (x + to, y)], style);
        root.draw(&path).expect("drawn in memory");
    };
    let solid = COLOURS[colour(curve, index) % COLOURS.len()];
    match curve.look {
        Look::Faint => bar(0, 20, COLOURS[0].mix(0.35).stroke_width(1)),
        Look::Dashed(_) => {
            [(0, 8), (12, 20)].iter().for_each(|(a, b)| bar(*a, *b, solid.stroke_width(3)));
        }
        Look::Plain | Look::Coloured(_) => bar(0, 20, solid.stroke_width(3)),
    }
    let name = short(&curve.name, 22);
    let text = Text::new(name, (x + 26, y - 6), ("sans-serif", 15).into_font());
    root.draw(&text).expect("drawn in memory");
}
