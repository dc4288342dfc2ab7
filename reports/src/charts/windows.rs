//! Times in which actions lasted: shaded in the plot, and named in lanes above it, so that names
//! cover neither the data nor each other.

use engine::record::ActionRecord;
use engine::{RunRecord, Time};
use plotters::prelude::*;

use super::canvas::{GREY, Paper, RIGHT, short};
use crate::VariantRuns;

/// The height of a lane, in pixels.
pub const LANE: u32 = 20;
/// The height of its bar.
const BAR: i32 = 3;
/// More actions than this are counted, not drawn.
const MOST: usize = 6;
/// About how wide a letter of a name is.
const LETTER: f64 = 6.2;

/// One action.
#[derive(Clone, Debug)]
pub struct Window {
    /// From when to when, in seconds, each time that it happened; without end if it lasts for
    /// good.
    pub spells: Vec<(f64, f64)>,
    /// Whether it happened to everything that the chart shows: only then is its time shaded.
    pub shaded: bool,
    name: String,
    lane: u32,
}

/// All of a run's, in the order in which they began.
#[derive(Clone, Debug, Default)]
pub struct Windows {
    all: Vec<Window>,
}

impl Windows {
    pub fn of(run: &RunRecord) -> Windows {
        let lasted = lasted(run).map(|action| (action, action.told(), true));
        Windows::from(lasted.collect())
    }

    /// Those of variants, each once; those that not all have, with the names of whoever has them.
    pub fn of_variants(variants: &[VariantRuns]) -> Windows {
        let mut found: Vec<(&ActionRecord, Vec<&str>)> = Vec::new();
        for variant in variants {
            let name = variant.name.as_deref().unwrap_or("");
            for action in lasted(&variant.runs[0]) {
                let key = |a: &ActionRecord| (a.name.clone(), a.spells.clone());
                match found.iter_mut().find(|(known, _)| key(known) == key(action)) {
                    Some((_, names)) => names.push(name),
                    None => found.push((action, vec![name])),
                }
            }
        }
        let named = found.into_iter().map(|(action, names)| match names.len() {
            n if n >= variants.len() => (action, action.told(), true),
            _ => (action, format!("{} in {}", action.told(), names.join(", ")), false),
        });
        Windows::from(named.collect())
    }

    fn from(actions: Vec<(&ActionRecord, String, bool)>) -> Windows {
        let seconds = |&(from, to): &(Time, Option<Time>)| {
            (from.as_secs(), to.map_or(f64::INFINITY, Time::as_secs))
        };
        let window =
            |(lane, (action, name, shaded)): (usize, (&ActionRecord, String, bool))| Window {
                name,
                shaded,
                spells: action.spells.iter().map(seconds).collect(),
                lane: lane as u32,
            };
        Windows { all: actions.into_iter().enumerate().map(window).collect() }
    }

    /// What of them began before a chart ends, in seconds.
    pub fn before(&self, end: f64) -> Windows {
        let mut all = self.all.clone();
        all.iter_mut().for_each(|window| window.spells.retain(|(from, _)| *from < end));
        all.retain(|window| !window.spells.is_empty());
        (0..).zip(&mut all).for_each(|(lane, window)| window.lane = lane);
        Windows { all }
    }

    /// Those that are drawn.
    pub fn shown(&self) -> &[Window] {
        &self.all[..self.all.len().min(MOST)]
    }

    /// How many lanes they need.
    pub fn lanes(&self) -> u32 {
        (self.shown().len() + usize::from(self.all.len() > MOST)) as u32
    }

    /// Says how many are not drawn.
    pub fn rest(&self, root: &Paper<'_>, top: u32) {
        let more = self.all.len() - self.shown().len();
        if more > 0 {
            let at = (RIGHT as i32 - 160, (top + LANE * MOST as u32) as i32 - 6);
            let style = ("sans-serif", 13).into_font().color(&GREY);
            let text = Text::new(format!("and {more} more actions"), at, style);
            root.draw(&text).expect("drawn in memory");
        }
    }
}

/// What happens so often that not all of its times are known would hide the plot: it is told, not
/// drawn.
fn lasted(run: &RunRecord) -> impl Iterator<Item = &ActionRecord> {
    let drawn = |action: &&ActionRecord| action.times as usize == action.spells.len();
    run.actions.iter().filter(|action| action.began <= run.ended).filter(drawn)
}

impl Window {
    /// Its name above the plot, and bars under it, each between two pixels.
    pub fn lane(&self, root: &Paper<'_>, bars: &[(i32, i32)], top: u32) {
        let bottom = (top + LANE * (self.lane + 1)) as i32 - 8;
        for &(from, to) in bars {
            let corners = [(from, bottom - BAR), (to.max(from + 2), bottom)];
            root.draw(&Rectangle::new(corners, GREY.mix(0.5).filled())).expect("drawn in memory");
        }
        let from = bars[0].0;
        let name = short(&self.name, 90);
        let width = (name.chars().count() as f64 * LETTER) as i32;
        // Names begin where the action does, or end at the right end of the plot.
        let x = from.min(RIGHT as i32 - width).max(4);
        let style = ("sans-serif", 12).into_font().color(&GREY);
        root.draw(&Text::new(name, (x, bottom - LANE as i32 + 3), style)).expect("drawn in memory");
    }
}
