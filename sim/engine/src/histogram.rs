//! A flat log-linear histogram: the layout of HdrHistogram, kept as one vector of counts.
//!
//! Recording is the hottest thing after the event queue, hence our own (a third of the time of
//! the library's `record`, by measurement); the exports convert to the library's type.

use crate::time::Span;
use crate::window::Sparse;

const COARSE: u32 = 7;
pub(crate) const FINE: u32 = 10;

/// Counts of values, each kept to a fixed relative precision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    counts: Vec<u64>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
    bits: u32,
}

/// Counts one. No run lasts long enough to reach 2^64: what is counted for every event needs no
/// check, and is too hot for one.
#[inline]
pub(crate) fn bump(counter: &mut u64) {
    *counter = counter.wrapping_add(1);
}

/// Values below 2^bits have a bucket each; above, every power of two has 2^bits buckets.
#[inline]
pub(crate) fn index(value: u64, bits: u32) -> usize {
    let magnitude = (value | 1).ilog2();
    let shift = magnitude.saturating_sub(bits);
    // At most 64 × 2^bits, which no platform's usize is too small for.
    ((shift as usize) << bits).wrapping_add((value >> shift) as usize)
}

/// The lowest value of bucket `index`, and the width of the bucket.
pub(crate) fn bucket(index: usize, bits: u32) -> (u64, u64) {
    let shift = (index >> bits).saturating_sub(1) as u32;
    let base = (index - ((shift as usize) << bits)) as u64;
    (base << shift, 1 << shift)
}

impl Histogram {
    /// Two significant digits: buckets at most 1/128 of their value wide.
    pub fn coarse() -> Histogram {
        Histogram::with_bits(COARSE)
    }

    /// Three significant digits: buckets at most 1/1024 of their value wide.
    pub fn fine() -> Histogram {
        Histogram::with_bits(FINE)
    }

    fn with_bits(bits: u32) -> Histogram {
        Histogram { counts: Vec::new(), count: 0, sum: 0, min: u64::MAX, max: 0, bits }
    }

    /// Counts one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        let index = index(value, self.bits);
        if index >= self.counts.len() {
            self.grow(index);
        }
        bump(&mut self.counts[index]);
        bump(&mut self.count);
        self.sum = self.sum.wrapping_add(value.into());
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// Counts `times` equal values.
    pub fn record_many(&mut self, value: u64, times: u64) {
        let index = index(value, self.bits);
        if index >= self.counts.len() {
            self.grow(index);
        }
        self.counts[index] += times;
        self.count += times;
        self.sum += value as u128 * times as u128;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        let row = 1 << self.bits;
        self.counts.resize((index / row + 1) * row, 0);
    }

    /// Adds another's counts: exact, and in any order the same. Panics if precisions differ.
    pub fn merge(&mut self, other: &Histogram) {
        assert_eq!(self.bits, other.bits, "histograms of different precision");
        if other.count == 0 {
            return;
        }
        if other.counts.len() > self.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        let filled = index(other.min, other.bits)..=index(other.max, other.bits);
        for (mine, theirs) in self.counts[filled.clone()].iter_mut().zip(&other.counts[filled]) {
            *mine += theirs;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Adds what a bucket of a window held.
    pub(crate) fn fold(&mut self, number: usize, times: u32) {
        if number >= self.counts.len() {
            self.grow(number);
        }
        self.counts[number] += u64::from(times);
        self.count += u64::from(times);
    }

    /// Adds the exact sum and extremes of a window.
    pub(crate) fn fold_extremes(&mut self, sum: u128, min: u64, max: u64) {
        self.sum += sum;
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }

    /// Adds the counts of an interval, to their precision.
    pub fn merge_sparse(&mut self, interval: &Sparse) {
        interval.values().for_each(|(value, count)| self.record_many(value, count));
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest value counted, exactly; 0 if none.
    pub fn max(&self) -> u64 {
        self.max
    }

    /// The smallest value counted, exactly; 0 if none.
    pub fn min(&self) -> u64 {
        if self.count == 0 { 0 } else { self.min }
    }

    /// The exact mean; 0 if nothing was counted.
    pub fn mean(&self) -> f64 {
        if self.count == 0 { 0.0 } else { self.sum as f64 / self.count as f64 }
    }

    /// The value that the fraction `q` of all values does not exceed: the middle of its bucket,
    /// within the exact extremes. 0 if nothing was counted.
    pub fn quantile(&self, q: f64) -> u64 {
        let rank = ((q * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        for (index, &count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                let (low, width) = bucket(index, self.bits);
                return (low + (width - 1) / 2).clamp(self.min, self.max);
            }
        }
        self.max
    }

    /// How many values lie above `limit`, to the precision of the buckets.
    pub fn count_above(&self, limit: Span) -> u64 {
        let first = index(limit.0, self.bits) + 1;
        self.counts.get(first..).map_or(0, |rest| rest.iter().sum())
    }

    /// All non-empty buckets as (lowest value, width, count), in rising order.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        self.counts.iter().enumerate().filter(|(_, count)| **count > 0).map(|(index, &count)| {
            let (low, width) = bucket(index, self.bits);
            (low, width, count)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_keep_the_stated_precision() {
        for (mut histogram, precision) in
            [(Histogram::coarse(), 1.0 / 128.0), (Histogram::fine(), 1.0 / 1024.0)]
        {
            (1..=100_000).for_each(|value| histogram.record(value * 37));
            for q in [0.001, 0.5, 0.9, 0.99, 0.999] {
                let exact = (q * 100_000.0f64).ceil() * 37.0;
                let error = (histogram.quantile(q) as f64 / exact - 1.0).abs();
                assert!(error <= precision, "{q}: off by {error}");
            }
            assert_eq!((histogram.min(), histogram.max()), (37, 3_700_000));
            assert_eq!(histogram.mean(), 37.0 * 50_000.5);
        }
    }

    #[test]
    fn every_bucket_maps_back_to_itself() {
        for value in (0..64).map(|bit| 1u64 << bit).chain([0, 3, 1023, 1024, 2047, 2048, 12345]) {
            let (low, width) = bucket(index(value, FINE), FINE);
            assert!(low <= value && value - low < width, "{value}: {low} + {width}");
        }
    }

    #[test]
    fn merging_parts_gives_the_whole() {
        let (mut whole, mut left, mut right) =
            (Histogram::fine(), Histogram::fine(), Histogram::fine());
        for value in 0..10_000u64 {
            whole.record(value * value);
            if value % 3 == 0 { left.record(value * value) } else { right.record(value * value) }
        }
        right.merge(&left);
        assert_eq!(right, whole);
    }
}
