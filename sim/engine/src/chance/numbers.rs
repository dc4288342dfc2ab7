//! Whole numbers: keys, users, products.

use super::Stream;

/// A distribution of whole numbers from 0 on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Numbers {
    /// Always this one.
    Always(u32),
    /// Any below this, equally likely.
    Uniform(u32),
    /// Popularity: rank 0 is the most popular.
    Zipf(Zipf),
    /// One of the first few with a probability, else one of the rest.
    Hotspot(Hotspot),
}

/// A few numbers that are wanted far more often than others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hotspot {
    /// How many there are.
    pub items: u32,
    /// The first so many are hot: at least one, and fewer than all.
    pub hot: u32,
    /// How often one of them is drawn.
    pub share: f64,
}

impl Numbers {
    #[inline]
    pub(super) fn draw(self, stream: &mut Stream) -> u32 {
        match self {
            Numbers::Always(number) => number,
            Numbers::Uniform(n) => stream.below(n),
            Numbers::Zipf(zipf) => zipf.draw(stream),
            Numbers::Hotspot(Hotspot { items, hot, share }) => match stream.unit() < share {
                true => stream.below(hot),
                false => hot + stream.below(items - hot),
            },
        }
    }
}

/// Rank k (from 1) has a probability proportional to k^−exponent.
///
/// Exact for every exponent from 0 on, without tables, by rejection-inversion (Hörmann and
/// Derflinger, 1996): about 1.1 tries a draw, whatever the number of items.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Zipf {
    items: u32,
    exponent: f64,
    /// H(1.5) − 1 and H(items + ½): between them inversion draws.
    from: f64,
    to: f64,
    /// Below this distance from its own centre a rank is accepted at once.
    sure: f64,
}

impl Zipf {
    /// `None` if there are no items, or the exponent is negative or not a number.
    pub fn new(items: u32, exponent: f64) -> Option<Zipf> {
        if items == 0 || !exponent.is_finite() || exponent < 0.0 {
            return None;
        }
        let mut zipf = Zipf { items, exponent, from: 0.0, to: 0.0, sure: 0.0 };
        zipf.from = zipf.integral(1.5) - 1.0;
        zipf.to = zipf.integral(f64::from(items) + 0.5);
        zipf.sure = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.density(2.0));
        Some(zipf)
    }

    fn density(&self, x: f64) -> f64 {
        libm::exp(-self.exponent * libm::log(x))
    }

    /// H(x) = (x^(1−s) − 1)/(1 − s), or ln x at s = 1, in a form that is exact near 1 too.
    fn integral(&self, x: f64) -> f64 {
        let log = libm::log(x);
        let y = (1.0 - self.exponent) * log;
        log * if y.abs() > 1e-8 { libm::expm1(y) / y } else { 1.0 + y / 2.0 * (1.0 + y / 3.0) }
    }

    /// The inverse of H.
    fn inverse(&self, h: f64) -> f64 {
        let y = (h * (1.0 - self.exponent)).max(-1.0);
        let factor = if y.abs() > 1e-8 { libm::log1p(y) / y } else { 1.0 - y / 2.0 + y * y / 3.0 };
        libm::exp(h * factor)
    }

    #[inline]
    fn draw(&self, stream: &mut Stream) -> u32 {
        loop {
            let h = self.to + stream.unit() * (self.from - self.to);
            let x = self.inverse(h);
            let rank = (x + 0.5).floor().clamp(1.0, f64::from(self.items));
            let is_it =
                rank - x <= self.sure || h >= self.integral(rank + 0.5) - self.density(rank);
            if is_it {
                return rank as u32 - 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares of the top 1, top 10 and top 20 % of items, from the workload sheet (s = 0.99),
    /// within four standard errors of a million draws.
    #[test]
    fn zipf_shares_are_those_of_the_sheet() {
        let rows = [
            (1_000, [0.1294, 0.3825, 0.7789]),
            (10_000, [0.0978, 0.2891, 0.8288]),
            (1_000_000, [0.0650, 0.1921, 0.8809]),
        ];
        for (items, shares) in rows {
            let zipf = Zipf::new(items, 0.99).unwrap();
            let mut stream = Stream::named(1, "zipf", "test");
            let n = 1_000_000;
            let draws: Vec<u32> = (0..n).map(|_| zipf.draw(&mut stream)).collect();
            for (top, share) in [1, 10, items / 5].into_iter().zip(shares) {
                let got = draws.iter().filter(|&&rank| rank < top).count() as f64 / n as f64;
                // The sheet states four digits; the rest is sampling.
                let bound = 4.0 * (share * (1.0 - share) / n as f64).sqrt() + 5e-5;
                assert!((got - share).abs() < bound, "top {top} of {items}: {got}, not {share}");
            }
        }
    }

    /// Every rank of a small Zipf, for exponents on both sides of 1 and exactly 1, against the
    /// exact probabilities.
    #[test]
    fn zipf_is_exact_for_any_exponent() {
        for exponent in [0.0, 0.5, 1.0, 1.5, 3.0] {
            let weights: Vec<f64> = (1..=8).map(|k| libm::pow(f64::from(k), -exponent)).collect();
            let total: f64 = weights.iter().sum();
            let zipf = Zipf::new(8, exponent).unwrap();
            let mut stream = Stream::named(2, "zipf", "test");
            let mut counts = [0f64; 8];
            let n = 400_000;
            (0..n).for_each(|_| counts[zipf.draw(&mut stream) as usize] += 1.0);
            for (count, weight) in counts.iter().zip(&weights) {
                let p = weight / total;
                let bound = 4.5 * (p * (1.0 - p) * f64::from(n)).sqrt();
                let expected = p * f64::from(n);
                assert!((count - expected).abs() < bound, "s = {exponent}: {count} for {expected}");
            }
        }
    }

    /// Half of the draws are one of two hot numbers of ten, a quarter each; the others share the
    /// rest. Four standard deviations of 100 000 draws: 548 and 306.
    #[test]
    fn hot_spots_are_hot() {
        let hotspot = Numbers::Hotspot(Hotspot { items: 10, hot: 2, share: 0.5 });
        let mut stream = Stream::named(4, "hotspot", "test");
        let mut counts = [0u32; 10];
        (0..100_000).for_each(|_| counts[hotspot.draw(&mut stream) as usize] += 1);
        assert!(counts[..2].iter().all(|count| count.abs_diff(25_000) < 548), "{counts:?}");
        assert!(counts[2..].iter().all(|count| count.abs_diff(6250) < 306), "{counts:?}");
    }

    #[test]
    fn one_item_or_none() {
        let mut stream = Stream::named(3, "zipf", "test");
        assert_eq!(Zipf::new(1, 0.99).unwrap().draw(&mut stream), 0);
        assert_eq!((Zipf::new(0, 1.0), Zipf::new(5, -1.0)), (None, None));
    }
}
