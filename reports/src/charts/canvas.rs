//! The paper: axes, grid, shaded actions, lines and a legend, as plotters draws them.

use engine::RunRecord;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;

use super::curves::Point;

/// Okabe and Ito's colours, which the colour-blind can tell apart; black first.
const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(150, 140, 20),
];

const SIZE: (u32, u32) = (960, 420);
/// Room for the legend, right of the plot.
const LEGEND: u32 = 190;

/// How values lie on the upright axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    Linear,
    Log,
    /// From 0 to 1, shown as 0 to 100.
    Percent,
}

/// A named line.
#[derive(Clone, Debug)]
pub struct Curve {
    name: String,
    points: Vec<Point>,
}

impl Curve {
    pub fn new(name: &str, points: Vec<Point>) -> Curve {
        Curve { name: name.into(), points }
    }

    /// Whether it is ever above zero.
    pub fn is_something(&self) -> bool {
        self.points.iter().any(|point| point.high > 0.0)
    }

    pub fn highest(&self) -> f64 {
        self.points.iter().map(|point| point.high).fold(0.0, f64::max)
    }
}

/// What the level axis means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Along {
    Time,
    Nines,
}

/// A time in which an action lasted.
struct Window {
    name: String,
    from: f64,
    to: f64,
}

/// An empty chart.
pub struct Chart {
    title: String,
    unit: String,
    scale: Scale,
    along: Along,
    end: f64,
    windows: Vec<Window>,
}

impl Chart {
    /// Along simulated time, with the actions of the first run.
    pub fn over_time(runs: &[RunRecord], title: &str, unit: &str) -> Chart {
        let run = &runs[0];
        let end = run.ended.as_secs().max(1e-9);
        let lasted = run.actions.iter().filter(|action| action.began <= run.ended);
        let windows = lasted.map(|action| Window {
            name: action.name.clone(),
            from: action.began.as_secs(),
            to: action.ended.map_or(end, engine::Time::as_secs),
        });
        let (title, unit) = (title.into(), unit.into());
        let (scale, along) = (Scale::Linear, Along::Time);
        Chart { title, unit, scale, along, end, windows: windows.collect() }
    }

    /// Along percentiles.
    pub fn over_nines(title: &str, unit: &str) -> Chart {
        let (title, unit) = (title.into(), unit.into());
        Chart { title, unit, scale: Scale::Linear, along: Along::Nines, end: 0.0, windows: vec![] }
    }

    pub fn scale(self, scale: Scale) -> Chart {
        Chart { scale, ..self }
    }

    /// The drawing. Without anything to draw it says so.
    pub fn draw(mut self, curves: Vec<Curve>) -> String {
        let mut out = String::new();
        {
            let root = SVGBackend::with_string(&mut out, SIZE).into_drawing_area();
            root.fill(&WHITE).expect("memory takes everything");
            let longest = curves.iter().flat_map(|c| c.points.last()).map(|p| p.x);
            self.end = longest.fold(self.end, f64::max).max(1e-9);
            self.on(&root, &curves);
            root.present().expect("memory takes everything");
        }
        out
    }

    fn on(&self, root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>, curves: &[Curve]) {
        let style = ("sans-serif", 17).into_font();
        root.draw(&Text::new(self.title.clone(), (16, 10), style)).expect("drawn in memory");
        let highest = curves.iter().map(Curve::highest).fold(0.0, f64::max);
        if highest <= 0.0 {
            let style = ("sans-serif", 15).into_font();
            let text = Text::new("nothing to show: all values are zero", (380, 200), style);
            return root.draw(&text).expect("drawn in memory");
        }
        let positive = curves.iter().flat_map(|c| &c.points).map(|p| p.low).filter(|y| *y > 0.0);
        let lowest = positive.fold(highest, f64::min);
        match self.scale {
            Scale::Linear => self.plot(root, curves, 0.0..highest * 1.08, highest * 1.08),
            Scale::Percent => self.plot(root, curves, 0.0..1.05, 1.05),
            Scale::Log => {
                let (low, high) = (lowest / 1.5, highest * 1.5);
                self.plot(root, curves, (low..high).log_scale(), high);
            }
        }
    }

    fn plot<Y>(
        &self,
        root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        curves: &[Curve],
        upright: Y,
        top: f64,
    ) where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let mut chart = ChartBuilder::on(root)
            .margin_top(48)
            .margin_right(LEGEND)
            .margin_bottom(8)
            .x_label_area_size(44)
            .y_label_area_size(78)
            .build_cartesian_2d(0.0..self.end, upright)
            .expect("a chart fits its paper");
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_labels(10)
            .y_labels(8)
            .x_label_formatter(&|x| self.level_label(*x))
            .y_label_formatter(&|y| self.upright_label(*y))
            .x_desc(match self.along {
                Along::Time => "simulated time, s",
                Along::Nines => "percentile",
            })
            .y_desc(self.unit.clone())
            .label_style(("sans-serif", 12))
            .axis_desc_style(("sans-serif", 13))
            .draw()
            .expect("drawn in memory");
        self.shade(root, &mut chart, top);
        for (index, curve) in curves.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            self.line(&mut chart, curve, colour);
            self.legend(root, index, &curve.name, colour);
        }
    }

    /// Windows of actions, shaded and numbered; the legend says what the numbers mean.
    fn shade<Y: Ranged<ValueType = f64>>(
        &self,
        root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, Y>>,
        top: f64,
    ) {
        for (index, window) in self.windows.iter().take(9).enumerate() {
            let grey = RGBColor(120, 120, 120);
            let bottom = if self.scale == Scale::Log { f64::MIN_POSITIVE } else { 0.0 };
            let area = Rectangle::new(
                [(window.from, bottom), (window.to.min(self.end), top)],
                grey.mix(0.12).filled(),
            );
            chart.draw_series([area]).expect("drawn in memory");
            let edge =
                PathElement::new(vec![(window.from, bottom), (window.from, top)], grey.mix(0.6));
            chart.draw_series([edge]).expect("drawn in memory");
            let place = chart.backend_coord(&(window.from, top));
            let number = ("sans-serif", 11).into_font().color(&RGBColor(70, 70, 70));
            let mark = format!("{}", index + 1);
            root.draw(&Text::new(
                mark,
                (place.0 + 2, 34 + 11 * (index as i32 % 2)),
                number.clone(),
            ))
            .expect("drawn in memory");
            let x = (SIZE.0 - LEGEND + 14) as i32;
            let y = 60 + 20 * 9 + 15 * index as i32;
            let mut name = format!("{} {}", index + 1, window.name);
            if name.chars().count() > 27 {
                name = name.chars().take(26).chain(['…']).collect();
            }
            root.draw(&Text::new(name, (x, y), number)).expect("drawn in memory");
        }
    }

    fn line<Y: Ranged<ValueType = f64>>(
        &self,
        chart: &mut ChartContext<'_, SVGBackend<'_>, Cartesian2d<RangedCoordf64, Y>>,
        curve: &Curve,
        colour: RGBColor,
    ) {
        let points = &curve.points;
        if points.iter().any(|point| point.high > point.low) {
            let there = points.iter().map(|point| (point.x, point.high));
            let back = points.iter().rev().map(|point| (point.x, point.low));
            let outline: Vec<(f64, f64)> = there.chain(back).collect();
            let area = Polygon::new(outline, colour.mix(0.18).filled());
            chart.draw_series([area]).expect("drawn in memory");
        }
        let line = points.iter().map(|point| (point.x, point.y));
        chart.draw_series(LineSeries::new(line, colour.stroke_width(2))).expect("drawn in memory");
    }

    fn legend(
        &self,
        root: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
        index: usize,
        name: &str,
        colour: RGBColor,
    ) {
        let (x, y) = ((SIZE.0 - LEGEND + 14) as i32, 56 + 20 * index as i32);
        let bar = PathElement::new(vec![(x, y + 6), (x + 20, y + 6)], colour.stroke_width(3));
        root.draw(&bar).expect("drawn in memory");
        let name: String = name.chars().take(20).collect();
        let text = Text::new(name, (x + 26, y), ("sans-serif", 13).into_font());
        root.draw(&text).expect("drawn in memory");
    }

    fn level_label(&self, x: f64) -> String {
        match self.along {
            Along::Time => crate::format::digits(x),
            Along::Nines => {
                let percent = 100.0 * (1.0 - libm::pow(10.0, -x));
                format!("{percent:.0$}", (x - 2.0).max(0.0).round() as usize)
            }
        }
    }

    fn upright_label(&self, y: f64) -> String {
        match self.scale {
            Scale::Percent => format!("{:.0}", y * 100.0),
            _ => crate::format::count(y),
        }
    }
}
