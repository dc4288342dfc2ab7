//! How large objects are: by key, so that an object is as large whenever it comes and wherever it
//! is kept.

use serde::Deserialize;

use super::index::hash;
use crate::units::Bytes;
use crate::wiring::Wiring;

/// How large objects are.
#[derive(Clone, Copy, Debug, Deserialize)]
pub enum SizeSpec {
    /// All the same.
    /// Example: `Always("1KiB")`
    Always(Bytes),
    /// Anything between, equally likely.
    /// Example: `Uniform("1KiB", "64KiB")`
    Uniform(Bytes, Bytes),
    /// A power law cut off at both ends: many small ones, few large ones.
    /// Example: `Pareto(min: "1KiB", max: "10MiB", shape: 1.2)`
    Pareto {
        /// The smallest.
        min: Bytes,
        /// The largest.
        max: Bytes,
        /// How steep: the larger, the fewer large ones. Above 0; 1.2 is common for the web.
        shape: f64,
    },
}

/// Sizes by key, with what each entry takes besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sizes {
    spec: SizeSpec,
    overhead: u64,
}

/// No object is larger than this.
const LARGEST: u64 = 1 << 31;

impl SizeSpec {
    /// With what an entry takes besides; a problem if the sizes make no sense.
    pub(super) fn build(self, overhead: Bytes, wiring: &mut Wiring<'_>) -> Option<Sizes> {
        let (least, most, shape) = match self {
            SizeSpec::Always(size) => (size, size, 1.0),
            SizeSpec::Uniform(from, to) => (from, to, 1.0),
            SizeSpec::Pareto { min, max, shape } => (min, max, shape),
        };
        let wrong = if least.0 == 0 {
            "an object has at least one byte"
        } else if most.0 > LARGEST {
            "an object has at most 2 GiB"
        } else if most < least {
            "the largest is smaller than the smallest"
        } else if !(shape.is_finite() && shape > 0.0) {
            "the shape is a number above 0"
        } else {
            return Some(Sizes { spec: self, overhead: overhead.0.min(LARGEST) });
        };
        wiring.problem(wrong);
        None
    }
}

impl Sizes {
    /// What an object takes on average over all keys.
    pub(super) fn mean(self) -> u64 {
        let mean = match self.spec {
            SizeSpec::Always(size) => size.0 as f64,
            SizeSpec::Uniform(from, to) => (from.0 as f64 + to.0 as f64) / 2.0,
            SizeSpec::Pareto { min, max, shape } => pareto_mean(min.0 as f64, max.0 as f64, shape),
        };
        mean as u64 + self.overhead
    }

    /// What the smallest object takes.
    pub(super) fn least(self) -> u64 {
        let least = match self.spec {
            SizeSpec::Always(size) => size,
            SizeSpec::Uniform(from, _) => from,
            SizeSpec::Pareto { min, .. } => min,
        };
        least.0 + self.overhead
    }

    /// What the object under `key` takes.
    #[inline]
    pub(super) fn of(self, key: u64) -> u32 {
        let size = match self.spec {
            SizeSpec::Always(size) => size.0,
            SizeSpec::Uniform(from, to) => from.0 + (unit(key) * (to.0 - from.0 + 1) as f64) as u64,
            SizeSpec::Pareto { min, max, shape } => {
                // The inverse of F(x) = (1 − (min/x)^a) / (1 − (min/max)^a).
                let (min, max) = (min.0 as f64, max.0 as f64);
                let cut = 1.0 - libm::pow(min / max, shape);
                (min * libm::pow(1.0 - unit(key) * cut, -1.0 / shape)) as u64
            }
        };
        (size + self.overhead).min(u64::from(u32::MAX)) as u32
    }
}

/// ∫ x f(x) dx between the ends, with f = a L^a x^(−a−1) / (1 − (L/H)^a).
fn pareto_mean(min: f64, max: f64, shape: f64) -> f64 {
    let ratio = min / max;
    if ratio >= 1.0 {
        return min;
    }
    let cut = 1.0 - libm::pow(ratio, shape);
    match (shape - 1.0).abs() < 1e-9 {
        true => min * -libm::log(ratio) / cut,
        false => shape * min * (1.0 - libm::pow(ratio, shape - 1.0)) / ((shape - 1.0) * cut),
    }
}

/// Between 0 and 1, by key: another number than the one that chooses the node.
fn unit(key: u64) -> f64 {
    (hash(key ^ 0x5be9_0a1c_7d53_21f7) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(spec: SizeSpec) -> f64 {
        let sizes = Sizes { spec, overhead: 0 };
        (0..100_000).map(|key| f64::from(sizes.of(key))).sum::<f64>() / 100_000.0
    }

    /// Means by the closed forms: (a + b)/2; and for the bounded Pareto with shape 2 between 100
    /// and 1000: a·L^a/(1 − (L/H)^a) · (L^(1−a) − H^(1−a))/(a − 1) = 2·10⁴/0.99 · 0.009 = 181.8.
    #[test]
    fn sizes_have_the_means_of_their_distributions() {
        let uniform = mean(SizeSpec::Uniform(Bytes(100), Bytes(300)));
        assert!((uniform - 200.0).abs() < 1.0, "{uniform}");
        let pareto = mean(SizeSpec::Pareto { min: Bytes(100), max: Bytes(1000), shape: 2.0 });
        assert!((pareto - 181.8).abs() < 2.0, "{pareto}");
    }

    /// The same by `mean`; with shape 1 between 100 and 1000 it is 100 ln 10 / 0.9 = 255.8, and of
    /// one size that size.
    #[test]
    fn means_are_known_without_trying() {
        let of = |min, max, shape| {
            let spec = SizeSpec::Pareto { min: Bytes(min), max: Bytes(max), shape };
            Sizes { spec, overhead: 10 }.mean()
        };
        assert_eq!([of(100, 1000, 2.0), of(100, 1000, 1.0), of(50, 50, 1.2)], [191, 265, 60]);
        let uniform = Sizes { spec: SizeSpec::Uniform(Bytes(100), Bytes(300)), overhead: 0 };
        assert_eq!((uniform.mean(), uniform.least()), (200, 100));
    }

    #[test]
    fn an_object_is_always_as_large() {
        let spec = SizeSpec::Uniform(Bytes(1), Bytes(1000));
        let sizes = Sizes { spec, overhead: 10 };
        assert_eq!(sizes.of(7), sizes.of(7));
        assert!((0..1000).all(|key| (11..=1010).contains(&sizes.of(key))));
    }
}
