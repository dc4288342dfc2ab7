//! Where an axis has its marks: round values, few enough to read.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::Ranged;

/// How far an axis reaches, its marks, and whether equal lengths are equal factors.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    pub reach: Range<f64>,
    pub at: Vec<f64>,
    log: bool,
}

impl Axis {
    /// How high a value lies, on a plot of some 300 pixels.
    pub fn pixel(&self, value: f64) -> i32 {
        self.map(&value, (0, 300))
    }
}

impl Ranged for Axis {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        let Range { start, end } = self.reach;
        let share = match self.log {
            true => libm::log(value.max(start) / start) / libm::log(end / start),
            false => (value - start) / (end - start),
        };
        from + libm::round(share * f64::from(to - from)) as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.at.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.reach.clone()
    }
}

/// From zero to just above `highest`, at most `most` steps of 1, 2 or 5 times a power of ten.
pub fn linear(highest: f64, most: usize) -> Axis {
    let rough = highest / most as f64;
    let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let step = steps.into_iter().find(|step| *step >= rough * 0.999_999).unwrap_or(10.0 * power);
    let count = libm::ceil(highest / step - 1e-9) as usize;
    let at: Vec<f64> = (0..=count).map(|mark| mark as f64 * step).collect();
    Axis { reach: 0.0..at[count] * 1.02, at, log: false }
}

/// Along time: the same marks, but the axis ends where the run does.
pub fn along(end: f64) -> Axis {
    let Axis { at, .. } = linear(end, 10);
    let at = at.into_iter().filter(|mark| *mark <= end * 1.000_001).collect();
    Axis { reach: 0.0..end, at, log: false }
}

/// A mark per nine of percentiles, and one for the median.
pub fn nines(end: f64) -> Axis {
    let median = libm::log10(2.0);
    let whole = (0..=end as usize).map(|nines| nines as f64);
    let at = whole.chain([median]).filter(|mark| *mark <= end).collect();
    Axis { reach: 0.0..end, at, log: false }
}

/// From the mark below `lowest` to the mark above `highest`: 1, 2 and 5 of each power of ten, or
/// the powers alone where there are many.
pub fn logarithmic(lowest: f64, highest: f64) -> Axis {
    let powers = libm::floor(libm::log10(lowest)) as i32..=libm::ceil(libm::log10(highest)) as i32;
    let decades = libm::log10(highest / lowest);
    let steps: &[f64] = match decades {
        d if d <= 3.0 => &[1.0, 2.0, 5.0],
        d if d <= 5.0 => &[1.0, 3.0],
        _ => &[1.0],
    };
    let all: Vec<f64> = powers
        .flat_map(|power| steps.iter().map(move |step| step * libm::pow(10.0, power.into())))
        .collect();
    let first = all.iter().rposition(|mark| *mark <= lowest * 1.000_001).unwrap_or(0);
    let last = all.iter().position(|mark| *mark >= highest * 0.999_999).unwrap_or(all.len() - 1);
    let at = all[first..=last.max(first + 1).min(all.len() - 1)].to_vec();
    Axis { reach: at[0]..at[at.len() - 1] * 1.0001, at, log: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_round_and_hold_all_values() {
        assert_eq!(linear(6100.0, 6).at, [0.0, 2000.0, 4000.0, 6000.0, 8000.0]);
        assert_eq!(linear(1.0, 5).at.len(), 6);
        assert_eq!(along(360.0).at, [0.0, 50.0, 100.0, 150.0, 200.0, 250.0, 300.0, 350.0]);
        let marks = logarithmic(46.0, 1168.0);
        let shown: Vec<i64> = marks.at.iter().map(|mark| libm::round(*mark) as i64).collect();
        assert_eq!(shown, [20, 50, 100, 200, 500, 1000, 2000]);
        assert!(logarithmic(1.0, 1e7).at.len() <= 8);
        assert!(marks.reach.start <= 46.0 && marks.reach.end >= 1168.0);
    }
}
