//! What ended within one sample interval: counts that are emptied in the time of what they hold,
//! where a [`Histogram`] would have to be searched from end to end.

use crate::histogram::{FINE, Histogram, bucket, index};

/// Intervals are kept for as long as the run, so that their buckets are wider than those of the
/// whole run: at most 1/256 of their value.
const BITS: u32 = 8;

/// The counts of one interval, and its exact extremes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sparse {
    /// Buckets that are not empty, by rising number, and what each holds.
    counts: Vec<(u32, u32)>,
    min: u64,
    max: u64,
}

/// Nothing was counted.
impl Default for Sparse {
    fn default() -> Sparse {
        Sparse { counts: Vec::new(), min: u64::MAX, max: 0 }
    }
}

/// The counts of these values.
impl FromIterator<u64> for Sparse {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Sparse {
        let mut window = Window::new();
        values.into_iter().for_each(|value| window.record(value));
        window.empty(None)
    }
}

impl Sparse {
    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().map(|&(_, times)| u64::from(times)).sum()
    }

    /// What each bucket stands for, its middle within the extremes, and its count, in rising order.
    pub fn values(&self) -> impl Iterator<Item = (u64, u64)> {
        self.counts.iter().map(|&(number, times)| {
            let (low, width) = bucket(number as usize, BITS);
            ((low + (width - 1) / 2).clamp(self.min, self.max), u64::from(times))
        })
    }

    /// The values that these fractions, in rising order, of all values do not exceed. `None` if
    /// nothing was counted.
    pub fn quantiles<const N: usize>(&self, fractions: [f64; N]) -> Option<[u64; N]> {
        let count = self.count();
        let mut values = self.values();
        let (mut value, mut seen) = (0, 0);
        (count > 0).then(|| {
            fractions.map(|fraction| {
                let rank = ((fraction * count as f64).ceil() as u64).clamp(1, count);
                while seen < rank {
                    let Some((next, times)) = values.next() else { break };
                    value = next;
                    seen += times;
                }
                value
            })
        })
    }

    /// Several counts as one.
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Sparse>) -> Sparse {
        let mut all = Sparse::default();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            (all.min, all.max) = (all.min.min(part.min), all.max.max(part.max));
            all.counts.extend(&part.counts);
        }
        // Each part is in order: a stable sort merges such runs, where an unstable one would begin
        // from nothing.
        all.counts.sort_by_key(|&(number, _)| number);
        all.counts.dedup_by(|from, into| {
            let same = from.0 == into.0;
            into.1 += if same { from.1 } else { 0 };
            same
        });
        all
    }

    /// Counts what a bucket of a window holds; they come in rising order.
    fn count_bucket(&mut self, number: usize, times: u32) {
        let number = index(bucket(number, FINE).0, BITS) as u32;
        match self.counts.last_mut() {
            Some((last, sum)) if *last == number => *sum += times,
            _ => self.counts.push((number, times)),
        }
    }
}

/// The interval in progress.
#[derive(Default)]
pub(crate) struct Window {
    counts: Vec<u32>,
    /// One bit per bucket: whether it holds anything.
    touched: Vec<u64>,
    sum: u128,
    min: u64,
    max: u64,
}

impl Window {
    pub(crate) fn new() -> Window {
        Window { min: u64::MAX, ..Window::default() }
    }

    #[inline]
    pub(crate) fn record(&mut self, value: u64) {
        let number = index(value, FINE);
        if number >= self.counts.len() {
            self.grow(number);
        }
        self.counts[number] += 1;
        self.touched[number / 64] |= 1 << (number % 64);
        self.sum = self.sum.wrapping_add(value.into());
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    #[cold]
    fn grow(&mut self, number: usize) {
        let rows = (number >> FINE) + 1;
        self.counts.resize(rows << FINE, 0);
        self.touched.resize((rows << FINE) / 64, 0);
    }

    /// Moves everything out: into the counts of the interval, and into those of the whole run.
    pub(crate) fn empty(&mut self, mut whole: Option<&mut Histogram>) -> Sparse {
        let mut interval = Sparse { counts: Vec::new(), min: self.min, max: self.max };
        if self.min > self.max {
            return interval;
        }
        for word in index(self.min, FINE) / 64..=index(self.max, FINE) / 64 {
            let mut bits = std::mem::take(&mut self.touched[word]);
            while bits != 0 {
                let number = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let times = std::mem::take(&mut self.counts[number]);
                interval.count_bucket(number, times);
                if let Some(whole) = &mut whole {
                    whole.fold(number, times);
                }
            }
        }
        if let Some(whole) = whole {
            whole.fold_extremes(self.sum, self.min, self.max);
        }
        interval.counts.shrink_to_fit();
        (self.sum, self.min, self.max) = (0, u64::MAX, 0);
        interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: impl Iterator<Item = u64>) -> (Sparse, Histogram) {
        let (mut window, mut whole) = (Window::new(), Histogram::fine());
        values.for_each(|value| window.record(value));
        let interval = window.empty(Some(&mut whole));
        assert_eq!(window.empty(None), Sparse::default(), "emptied");
        (interval, whole)
    }

    #[test]
    fn what_is_moved_out_is_what_was_recorded() {
        let values = || (0..10_000u64).map(|i| i * i);
        let (interval, whole) = of(values());
        let mut expected = Histogram::fine();
        values().for_each(|value| expected.record(value));
        assert_eq!(whole, expected);
        assert_eq!(interval.count(), 10_000);
        let mut again = Histogram::fine();
        again.merge_sparse(&interval);
        assert_eq!((again.count(), again.min(), again.max()), (10_000, 0, 9999 * 9999));
    }

    #[test]
    fn quantiles_are_those_of_the_histogram() {
        let (interval, whole) = of((1..=1_000).map(|i| i * 1_000));
        let of_interval = interval.quantiles([0.001, 0.5, 0.99, 0.999]).unwrap();
        for (fraction, value) in [0.001, 0.5, 0.99, 0.999].into_iter().zip(of_interval) {
            let exact = whole.quantile(fraction);
            assert!(value.abs_diff(exact) <= exact / 256 + 1, "{fraction}: {value} {exact}");
        }
        // What always takes equally long is known exactly.
        assert_eq!(of([1_000_003; 5].into_iter()).0.quantiles([0.5, 0.99]), Some([1_000_003; 2]));
        assert_eq!(Sparse::default().quantiles([0.5]), None);
    }

    #[test]
    fn parts_merge_into_the_whole() {
        let (odd, _) = of((0..500).map(|i| 2 * i + 1));
        let (even, _) = of((0..500).map(|i| 2 * i));
        let (all, _) = of(0..1000);
        assert_eq!(Sparse::merged([&odd, &Sparse::default(), &even]), all);
        let twice = Sparse::merged([&all, &all]);
        assert_eq!(twice.count(), 2000);
    }
}
