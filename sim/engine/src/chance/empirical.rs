//! A distribution made of observed values: their weights, and nothing between them.

use super::BadDist;
use crate::time::Span;

/// Names a table of observed values of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmpiricalId(pub(super) u32);

/// Observed values, each with how often it was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Empirical {
    values: Vec<Span>,
    /// Up to which fraction each value reaches; the last is 1.
    reaches: Vec<f64>,
    mean: f64,
}

impl Empirical {
    /// From values and weights. Refused if there are none, or a weight is not positive.
    pub fn new(mut seen: Vec<(Span, f64)>) -> Result<Empirical, BadDist> {
        let total: f64 = seen.iter().map(|(_, weight)| weight).sum();
        if seen.is_empty() || !total.is_finite() || seen.iter().any(|&(_, weight)| weight <= 0.0) {
            return Err(BadDist("needs at least one value, each with a positive weight".into()));
        }
        seen.sort_by_key(|(value, _)| *value);
        let mut reached = 0.0;
        let reaches = seen.iter().map(|(_, weight)| {
            reached += weight / total;
            reached
        });
        let reaches = reaches.collect();
        let mean = seen.iter().map(|(value, weight)| value.0 as f64 * weight / total).sum();
        Ok(Empirical { values: seen.iter().map(|(value, _)| *value).collect(), reaches, mean })
    }

    /// The mean, in nanoseconds.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// The value at fraction `unit` of all that was seen.
    pub(super) fn at(&self, unit: f64) -> Span {
        let index = self.reaches.partition_point(|&reach| reach <= unit);
        self.values[index.min(self.values.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_drawn_as_often_as_it_was_seen() {
        let ms = Span::millis;
        let table = Empirical::new(vec![(ms(9), 1.0), (ms(1), 3.0)]).unwrap();
        assert_eq!(
            [0.0, 0.74, 0.75, 0.999].map(|unit| table.at(unit)),
            [ms(1), ms(1), ms(9), ms(9)]
        );
        assert_eq!(table.mean(), 3e6);
        assert!(Empirical::new(vec![]).is_err() && Empirical::new(vec![(ms(1), 0.0)]).is_err());
    }
}
