//! The paper: axes, grid, shaded actions, lines and a legend, as plotters draws them.

use engine::RunRecord;
use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::{self, Axis};
use super::lines::{self, Curve};
use super::windows::{LANE, Windows};
use crate::format::{count, digits, time};

/// Okabe and Ito's colours, which the colour-blind can tell apart; black first.
pub(super) const COLOURS: [RGBColor; 8] = [
    RGBColor(0, 0, 0),
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(150, 140, 20),
];
/// What is written beside the data.
pub(super) const GREY: RGBColor = RGBColor(80, 80, 80);

const SIZE: (u32, u32) = (960, 420);
/// Left of the plot, and right of it for the legend.
pub(super) const LEFT: u32 = 84;
const LEGEND: u32 = 190;
/// Left of what the upright axis means.
const MARGIN: u32 = 10;
/// Above the plot, without the lanes of actions.
pub(super) const TOP: u32 = 56;
/// The right end of the plot.
pub(super) const RIGHT: u32 = SIZE.0 - LEGEND;

pub(super) type Paper<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Plot<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<Axis, Axis>>;

/// How values lie on the upright axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scale {
    Count,
    /// From 0 to 1, shown as 0 to 100.
    Percent,
    /// Seconds, by powers of ten if they span enough of them.
    Latency,
}

/// What the level axis means.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Along {
    Time,
    Nines,
}

/// An empty chart.
pub struct Chart {
    title: String,
    seeds: usize,
    unit: String,
    scale: Scale,
    along: Along,
    end: f64,
    /// When traffic stops, in seconds.
    stops: f64,
    windows: Windows,
}

impl Chart {
    /// Along simulated time, with the actions of the first run.
    pub fn over_time(runs: &[RunRecord], title: &str, unit: &str, scale: Scale) -> Chart {
        Chart {
            title: title.into(),
            seeds: runs.len(),
            unit: unit.into(),
            scale,
            along: Along::Time,
            end: runs[0].ended.as_secs().max(1e-9),
            stops: runs[0].duration.as_secs(),
            windows: Windows::of(&runs[0]),
        }
    }

    /// Ending there, in seconds, and not with the run.
    pub fn until(self, end: f64) -> Chart {
        Chart { end, ..self }
    }

    /// With these actions instead.
    pub fn marked(self, windows: Windows) -> Chart {
        Chart { windows, ..self }
    }

    /// Latencies along percentiles.
    pub fn over_nines(title: &str) -> Chart {
        Chart {
            title: title.into(),
            seeds: 1,
            unit: "latency".into(),
            scale: Scale::Latency,
            along: Along::Nines,
            end: 0.0,
            stops: f64::INFINITY,
            windows: Windows::default(),
        }
    }

    /// The drawing; `None` if there is nothing to draw.
    pub fn draw(mut self, curves: Vec<Curve>) -> Option<String> {
        let curves: Vec<Curve> = curves.into_iter().filter(Curve::is_drawn).collect();
        let highest = curves.iter().map(Curve::highest).fold(0.0, f64::max);
        let values = || curves.iter().flat_map(|curve| &curve.points);
        // A share that is always zero has an axis nevertheless.
        let something = highest > 0.0 || self.scale == Scale::Percent;
        if !something || values().count() < 2 {
            return None;
        }
        let lowest = values().map(|p| p.low).filter(|y| *y > 0.0).fold(highest, f64::min);
        self.end = values().map(|point| point.x).fold(self.end, f64::max).max(1e-9);
        self.windows = self.windows.before(self.end);
        let mut out = String::new();
        {
            let root = SVGBackend::with_string(&mut out, SIZE).into_drawing_area();
            root.fill(&WHITE).expect("memory takes everything");
            let upright = match self.scale {
                Scale::Latency if highest > 4.0 * lowest => axis::logarithmic(lowest, highest),
                Scale::Percent => axis::linear(highest.max(1.0), 6),
                _ => axis::linear(highest, 6),
            };
            self.plot(&root, &curves, upright);
            root.present().expect("memory takes everything");
        }
        Some(out)
    }

    fn plot(&self, root: &Paper<'_>, curves: &[Curve], upright: Axis) {
        let title = ("sans-serif", 19).into_font();
        root.draw(&Text::new(self.title.clone(), (16, 10), title)).expect("drawn in memory");
        let note = ("sans-serif", 14).into_font().color(&GREY);
        root.draw(&Text::new(self.note(), (16, 34), note)).expect("drawn in memory");
        let level = match self.along {
            Along::Time => axis::along(self.end),
            Along::Nines => axis::nines(self.end),
        };
        let reach = upright.reach.clone();
        let mut chart = ChartBuilder::on(root)
            .margin_top(TOP + LANE * self.windows.lanes())
            .margin_right(LEGEND)
            .margin_bottom(8)
            .margin_left(MARGIN)
            .x_label_area_size(48)
            .y_label_area_size(LEFT - MARGIN)
            .build_cartesian_2d(level, upright.clone())
            .expect("a chart fits its paper");
        chart
            .configure_mesh()
            .light_line_style(WHITE)
            .bold_line_style(RGBColor(225, 225, 225))
            .x_label_formatter(&|x| self.level_label(*x))
            .y_label_formatter(&|y| self.upright_label(*y))
            .x_desc(match self.along {
                Along::Time => "simulated time, s",
                Along::Nines => "percentile: as many requests took at most as long",
            })
            .y_desc(self.unit.clone())
            .label_style(("sans-serif", 14))
            .axis_desc_style(("sans-serif", 15))
            .draw()
            .expect("drawn in memory");
        let place = |x: f64, chart: &Plot<'_>| chart.backend_coord(&(x, reach.start)).0;
        for window in self.windows.shown() {
            let mut bars = Vec::new();
            for &(from, to) in &window.spells {
                let to = to.min(self.end);
                if window.shaded {
                    let corners = [(from, reach.start), (to, reach.end)];
                    let area = Rectangle::new(corners, GREY.mix(0.1).filled());
                    chart.draw_series([area]).expect("drawn in memory");
                }
                let edge = vec![(from, reach.start), (from, reach.end)];
                let edge = PathElement::new(edge, GREY.mix(0.6));
                chart.draw_series([edge]).expect("drawn in memory");
                bars.push((place(from, &chart), place(to, &chart)));
            }
            window.lane(root, &bars, TOP);
        }
        self.windows.rest(root, TOP);
        self.stop(&mut chart, reach.end);
        lines::draw(&mut chart, root, curves, &upright);
    }

    /// Where nobody asks any more, if the chart goes on after that.
    fn stop(&self, chart: &mut Plot<'_>, top: f64) {
        if self.stops < self.end * 0.995 {
            let bottom = chart.y_range().start;
            let line = [(self.stops, bottom), (self.stops, top)];
            let dashes = DashedLineSeries::new(line, 4, 4, GREY.stroke_width(1));
            chart.draw_series(dashes).expect("drawn in memory");
            let style = ("sans-serif", 13).into_font().color(&GREY);
            let left = self.stops > 0.8 * self.end;
            let anchor = Pos::new(if left { HPos::Right } else { HPos::Left }, VPos::Top);
            let gap = if left { -4 } else { 4 };
            let text = EmptyElement::at((self.stops, top))
                + Text::new("traffic ends", (gap, 3), style.pos(anchor));
            chart.draw_series([text]).expect("drawn in memory");
        }
    }

    fn note(&self) -> String {
        let seeds = (self.seeds > 1).then(|| {
            format!("line: mean of {} seeds; band: lowest and highest of them", self.seeds)
        });
        let grey = (self.windows.lanes() > 0).then(|| "grey: actions of the timeline".into());
        seeds.into_iter().chain(grey).collect::<Vec<String>>().join("; ")
    }

    fn level_label(&self, x: f64) -> String {
        match self.along {
            Along::Time => digits(x),
            Along::Nines => {
                let percent = 100.0 * (1.0 - libm::pow(10.0, -x));
                format!("{percent:.0$} %", (x - 2.0).max(0.0).round() as usize)
            }
        }
    }

    fn upright_label(&self, y: f64) -> String {
        match self.scale {
            Scale::Percent => format!("{:.0} %", y * 100.0),
            Scale::Latency => time(y * 1e9),
            Scale::Count => count(y),
        }
    }
}

/// Names of rows that are longer than this are cut; tables have them whole.
pub(super) const NAME: usize = 28;
/// About how wide a letter of such a name is.
const LETTER: i32 = 8;

/// Where rows begin that have these names before them.
pub(super) fn beside_names<'a>(names: impl Iterator<Item = &'a str>) -> i32 {
    let longest = names.map(|name| name.chars().count().min(NAME)).max().unwrap_or(0);
    24 + LETTER * longest as i32
}

/// At most so many letters of a name.
pub(super) fn short(name: &str, most: usize) -> String {
    match name.chars().count() > most {
        true => name.chars().take(most - 1).chain(['…']).collect(),
        false => name.into(),
    }
}
