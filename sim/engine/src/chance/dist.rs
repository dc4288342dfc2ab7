//! Distributions of spans: what they are made from, what they draw, what their mean is.
//!
//! All parameters are in nanoseconds. Constructors refuse what makes no sense, in words that a
//! scenario's author can act on; the scenario layer adds the line.

use std::fmt;

use super::{EmpiricalId, Stream};
use crate::time::Span;

/// Why a distribution cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDist(pub String);

impl fmt::Display for BadDist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A distribution of spans. `Copy` and at most 32 bytes: samplers are passed by value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dist {
    /// Always the same.
    Fixed(Span),
    /// Anything between two spans, equally likely.
    Uniform {
        /// The shortest.
        low: f64,
        /// How much longer the longest is.
        width: f64,
    },
    /// Memoryless: service times of textbooks.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// Many small factors multiplied: latencies of real services.
    LogNormal {
        /// The logarithm of the median.
        mu: f64,
        /// The deviation of the logarithm.
        sigma: f64,
    },
    /// The sum of many small parts; what would be below zero is drawn again.
    Normal {
        /// The mean, were nothing left out.
        mu: f64,
        /// The deviation.
        sigma: f64,
    },
    /// A sum of exponential phases when `shape` is whole (Erlang).
    Gamma {
        /// How regular: 1 is exponential, more is more regular.
        shape: f64,
        /// The mean, divided by the shape.
        scale: f64,
    },
    /// Stretched exponential: heavy-tailed below shape 1.
    Weibull {
        /// Below 1 heavy-tailed, 1 exponential.
        shape: f64,
        /// The 63 % quantile.
        scale: f64,
    },
    /// A power law: the tail falls as x^−shape.
    Pareto {
        /// The shortest.
        min: f64,
        /// How fast the tail falls.
        shape: f64,
        /// 1 − (min/max)^shape: 1 if nothing bounds it.
        kept: f64,
    },
    /// One of two exponentials: more variable than one.
    Hyper {
        /// How often it is the first.
        first: f64,
        /// The means of both.
        means: [f64; 2],
    },
    /// Drawn from observed values; made by [`super::Chance::empirical`].
    Empirical {
        /// Which table.
        id: EmpiricalId,
        /// The mean of its values.
        mean: f64,
    },
}

/// 1/Φ⁻¹(0.99): how many deviations the 99 % quantile of a normal lies above its median.
const Z99: f64 = 2.326_347_874_040_841;

fn check(holds: bool, what: &str) -> Result<(), BadDist> {
    if holds { Ok(()) } else { Err(BadDist(what.into())) }
}

fn positive(value: f64, name: &str) -> Result<(), BadDist> {
    check(value.is_finite() && value > 0.0, &format!("{name} must be positive"))
}

impl Dist {
    /// Between `low` and `high`. Refused if `high` is smaller.
    pub fn uniform(low: Span, high: Span) -> Result<Dist, BadDist> {
        check(low <= high, "the lower bound is above the upper one")?;
        Ok(Dist::Uniform { low: low.0 as f64, width: (high.0 - low.0) as f64 })
    }

    /// Exponential with a mean. Refused if the mean is zero.
    pub fn exponential(mean: Span) -> Result<Dist, BadDist> {
        positive(mean.0 as f64, "the mean")?;
        Ok(Dist::Exponential { mean: mean.0 as f64 })
    }

    /// Lognormal by median and 99 % quantile: σ = ln(p99/median)/2.3263.
    pub fn log_normal(median: Span, p99: Span) -> Result<Dist, BadDist> {
        positive(median.0 as f64, "the median")?;
        check(p99 >= median, "p99 is below the median")?;
        let mu = libm::log(median.0 as f64);
        Ok(Dist::LogNormal { mu, sigma: (libm::log(p99.0 as f64) - mu) / Z99 })
    }

    /// Lognormal by mean and deviation of the logarithm.
    pub fn log_normal_sigma(mean: Span, sigma: f64) -> Result<Dist, BadDist> {
        positive(mean.0 as f64, "the mean")?;
        check(sigma.is_finite() && sigma >= 0.0, "sigma must not be negative")?;
        Ok(Dist::LogNormal { mu: libm::log(mean.0 as f64) - sigma * sigma / 2.0, sigma })
    }

    /// Lognormal by mean and coefficient of variation (deviation / mean): σ² = ln(1 + cv²).
    pub fn log_normal_cv(mean: Span, cv: f64) -> Result<Dist, BadDist> {
        check(cv.is_finite() && cv >= 0.0, "cv must not be negative")?;
        Dist::log_normal_sigma(mean, libm::sqrt(libm::log(1.0 + cv * cv)))
    }

    /// Normal by mean and deviation, cut off at zero: what lies below never happens.
    pub fn normal(mean: Span, deviation: Span) -> Result<Dist, BadDist> {
        positive(deviation.0 as f64, "the deviation")?;
        Ok(Dist::Normal { mu: mean.0 as f64, sigma: deviation.0 as f64 })
    }

    /// Gamma by mean and coefficient of variation: shape = 1/cv².
    pub fn gamma(mean: Span, cv: f64) -> Result<Dist, BadDist> {
        positive(mean.0 as f64, "the mean")?;
        positive(cv, "cv")?;
        let shape = 1.0 / (cv * cv);
        Ok(Dist::Gamma { shape, scale: mean.0 as f64 / shape })
    }

    /// The sum of `stages` exponentials, with this mean altogether.
    pub fn erlang(stages: u32, mean: Span) -> Result<Dist, BadDist> {
        positive(mean.0 as f64, "the mean")?;
        check(stages > 0, "stages must be at least 1")?;
        let shape = f64::from(stages);
        Ok(Dist::Gamma { shape, scale: mean.0 as f64 / shape })
    }

    /// Weibull by scale (its 63 % quantile) and shape.
    pub fn weibull(scale: Span, shape: f64) -> Result<Dist, BadDist> {
        positive(scale.0 as f64, "the scale")?;
        positive(shape, "the shape")?;
        Ok(Dist::Weibull { shape, scale: scale.0 as f64 })
    }

    /// Pareto from `min` on, its tail falling as x^−shape.
    pub fn pareto(min: Span, shape: f64) -> Result<Dist, BadDist> {
        positive(min.0 as f64, "the minimum")?;
        positive(shape, "the shape")?;
        Ok(Dist::Pareto { min: min.0 as f64, shape, kept: 1.0 })
    }

    /// Pareto cut off at `max`: what lies above never happens.
    pub fn bounded_pareto(min: Span, max: Span, shape: f64) -> Result<Dist, BadDist> {
        check(min < max, "the maximum must be above the minimum")?;
        let Dist::Pareto { min, shape, .. } = Dist::pareto(min, shape)? else { unreachable!() };
        let kept = 1.0 - libm::pow(min / max.0 as f64, shape);
        Ok(Dist::Pareto { min, shape, kept })
    }

    /// Hyperexponential of two phases with balanced means, by mean and squared coefficient of
    /// variation: p = ½(1 + √((c² − 1)/(c² + 1))), phase means m/2p and m/2(1 − p).
    pub fn hyper(mean: Span, scv: f64) -> Result<Dist, BadDist> {
        positive(mean.0 as f64, "the mean")?;
        check(scv.is_finite() && scv >= 1.0, "scv must be at least 1: below, use Gamma")?;
        let first = 0.5 * (1.0 + libm::sqrt((scv - 1.0) / (scv + 1.0)));
        let half = mean.0 as f64 / 2.0;
        Ok(Dist::Hyper { first, means: [half / first, half / (1.0 - first)] })
    }

    /// Exponential with mean `a` with probability `p`, else with mean `b`.
    pub fn hyper_of(p: f64, a: Span, b: Span) -> Result<Dist, BadDist> {
        check((0.0..=1.0).contains(&p), "p must be between 0 and 1")?;
        positive(a.0.min(b.0) as f64, "both means")?;
        Ok(Dist::Hyper { first: p, means: [a.0 as f64, b.0 as f64] })
    }

    /// The one span it ever gives, if there is only one.
    pub fn fixed(&self) -> Option<Span> {
        match self {
            Dist::Fixed(span) => Some(*span),
            _ => None,
        }
    }

    /// The mean, in nanoseconds; infinite for a Pareto of shape 1 or less without a bound.
    pub fn mean(&self) -> f64 {
        match *self {
            Dist::Fixed(span) => span.0 as f64,
            Dist::Uniform { low, width } => low + width / 2.0,
            Dist::Exponential { mean } | Dist::Empirical { mean, .. } => mean,
            Dist::LogNormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Dist::Normal { mu, sigma } => mu + sigma * hazard(-mu / sigma),
            Dist::Gamma { shape, scale } => shape * scale,
            Dist::Weibull { shape, scale } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Dist::Pareto { min, shape, kept } => pareto_mean(min, shape, kept),
            Dist::Hyper { first, means: [a, b] } => first * a + (1.0 - first) * b,
        }
    }

    /// One span. Must not be `Empirical`: that needs its table.
    #[inline]
    pub(super) fn draw(self, stream: &mut Stream) -> Span {
        Span::from_f64(match self {
            Dist::Fixed(span) => return span,
            Dist::Uniform { low, width } => low + width * stream.unit(),
            Dist::Exponential { mean } => mean * stream.exponential(),
            Dist::LogNormal { mu, sigma } => libm::exp(mu + sigma * stream.normal()),
            Dist::Normal { mu, sigma } => loop {
                let x = mu + sigma * stream.normal();
                if x >= 0.0 {
                    break x;
                }
            },
            Dist::Gamma { shape, scale } => scale * gamma(shape, stream),
            Dist::Weibull { shape, scale } => scale * libm::pow(stream.exponential(), 1.0 / shape),
            Dist::Pareto { min, shape, kept } => {
                min / libm::pow(1.0 - kept * stream.unit(), 1.0 / shape)
            }
            Dist::Hyper { first, means } => {
                means[usize::from(stream.unit() >= first)] * stream.exponential()
            }
            Dist::Empirical { .. } => unreachable!("drawn from its table"),
        })
    }
}

/// φ(a)/(1 − Φ(a)): the mean of a standard normal of which only what lies above `a` is left.
fn hazard(a: f64) -> f64 {
    use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_PI};
    libm::exp(-a * a / 2.0) * libm::sqrt(FRAC_2_PI) / libm::erfc(a * FRAC_1_SQRT_2)
}

fn pareto_mean(min: f64, shape: f64, kept: f64) -> f64 {
    let left = 1.0 - kept;
    match (left, shape) {
        (0.0, shape) if shape <= 1.0 => f64::INFINITY,
        (0.0, shape) => shape * min / (shape - 1.0),
        (left, 1.0) => -min * libm::log(left) / kept,
        (left, shape) => {
            let ratio = libm::pow(left, (shape - 1.0) / shape);
            min * shape / (shape - 1.0) * (1.0 - ratio) / kept
        }
    }
}

/// Gamma with scale 1 (Marsaglia and Tsang, 2000). Below shape 1, by the power of a uniform.
fn gamma(shape: f64, stream: &mut Stream) -> f64 {
    if shape < 1.0 {
        let boost = libm::pow(stream.unit(), 1.0 / shape);
        return boost * gamma_from_one(shape + 1.0, stream);
    }
    gamma_from_one(shape, stream)
}

fn gamma_from_one(shape: f64, stream: &mut Stream) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = stream.normal();
        let v = 1.0 + c * x;
        if v <= 0.0 {
            continue;
        }
        let v = v * v * v;
        let u = stream.unit();
        if libm::log(u) < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 1_000_000;

    /// Mean within four standard errors of theory, and the variance within its own four, given
    /// the fourth moment measured: both from the same million draws.
    fn moments(dist: Dist, mean: f64, scv: f64) {
        let mut stream = Stream::named(3, "moments", "test");
        let draws: Vec<f64> = (0..N).map(|_| dist.draw(&mut stream).0 as f64 / mean).collect();
        let average = |f: &dyn Fn(f64) -> f64| draws.iter().map(|&x| f(x)).sum::<f64>() / N as f64;
        let m = average(&|x| x);
        let bound = 4.0 * (scv / N as f64).sqrt() + 1e-6;
        assert!((m - 1.0).abs() < bound, "{dist:?}: mean {m}, bound {bound}");
        let v = average(&|x| (x - 1.0) * (x - 1.0));
        let fourth = average(&|x| ((x - 1.0) * (x - 1.0) - v) * ((x - 1.0) * (x - 1.0) - v));
        let bound = 4.0 * (fourth / N as f64).sqrt() + 1e-6;
        assert!((v - scv).abs() < bound, "{dist:?}: scv {v}, theory {scv}, bound {bound}");
        assert!((dist.mean() / mean - 1.0).abs() < 1e-9, "{dist:?}: states mean {}", dist.mean());
    }

    #[test]
    fn means_and_variances_are_those_of_theory() {
        let ms = Span::millis;
        moments(Dist::uniform(ms(2), ms(6)).unwrap(), 4e6, 16.0 / 12.0 / 16.0);
        moments(Dist::exponential(ms(5)).unwrap(), 5e6, 1.0);
        moments(Dist::log_normal_cv(ms(5), 0.6).unwrap(), 5e6, 0.36);
        moments(Dist::normal(ms(20), ms(2)).unwrap(), 20e6, 0.01);
        moments(Dist::gamma(ms(5), 0.5).unwrap(), 5e6, 0.25);
        moments(Dist::gamma(ms(5), 1.5).unwrap(), 5e6, 2.25);
        moments(Dist::erlang(4, ms(8)).unwrap(), 8e6, 0.25);
        moments(Dist::hyper(ms(10), 4.0).unwrap(), 10e6, 4.0);
        // Weibull of shape 2: mean Γ(1.5) = √π/2, scv = 4/π − 1.
        let pi = std::f64::consts::PI;
        // Half a normal: mean √(2/π) σ, variance (1 − 2/π) σ².
        let m = 3e6 * (2.0 / pi).sqrt();
        moments(Dist::normal(Span::ZERO, ms(3)).unwrap(), m, pi / 2.0 - 1.0);
        moments(Dist::weibull(ms(10), 2.0).unwrap(), 10e6 * pi.sqrt() / 2.0, 4.0 / pi - 1.0);
        moments(Dist::pareto(ms(1), 6.0).unwrap(), 1.2e6, 1.0 / 24.0);
    }

    /// Lognormal rows of the workload sheet: p50 10, p99 50 → σ .6918, mean 12.704; p99 100 →
    /// σ .9898, mean 16.321; p50 5, p99 200 → σ 1.5857, mean 17.578.
    #[test]
    fn lognormal_by_median_and_p99() {
        let rows = [(10, 50, 0.6918, 12.704), (10, 100, 0.9898, 16.321), (5, 200, 1.5857, 17.578)];
        for (median, p99, sigma, mean) in rows {
            let dist = Dist::log_normal(Span::millis(median), Span::millis(p99)).unwrap();
            let Dist::LogNormal { sigma: got, .. } = dist else { unreachable!() };
            assert!((got - sigma).abs() < 5e-5, "σ {got}");
            assert!((dist.mean() / 1e6 - mean).abs() < 5e-4, "mean {}", dist.mean());
        }
    }

    /// By its table: 15.87 % are above μ + σ, of all, or of the 69.15 % above μ − σ/2.
    #[test]
    fn quantiles_of_a_normal_that_is_cut_off() {
        for (mean, p) in [(100, 0.158_655), (5, 0.158_655 / 0.691_462)] {
            let dist = Dist::normal(Span::millis(mean), Span::millis(10)).unwrap();
            let (mut stream, far) = (Stream::named(1, "normal", "test"), Span::millis(mean + 10));
            let share = (0..N).filter(|_| dist.draw(&mut stream) > far).count() as f64 / N as f64;
            assert!((share - p).abs() < 4.0 * (p * (1.0 - p) / N as f64).sqrt(), "{share}, {p}");
        }
    }

    /// Pareto rows of the sheet, xm = 1: α 1.1 → mean 11, p99 65.79; α 1.5 → mean 3, p99 21.54;
    /// bounded [1, 10⁴]: means 6.6211 and 2.9700. H2 mean 10, c² 4: p .887298, rates .177460,
    /// .022540. Bounded [1, 1000], α 1.5: mean 2.905224 (validation A05).
    #[test]
    fn pareto_and_hyperexponential_rows() {
        let unit = Span::millis(1);
        for (shape, mean, p99, bounded) in [(1.1, 11.0, 65.79, 6.6211), (1.5, 3.0, 21.54, 2.97)] {
            let dist = Dist::pareto(unit, shape).unwrap();
            assert!((dist.mean() / 1e6 - mean).abs() < 1e-6);
            let cut = Dist::bounded_pareto(unit, unit * 10_000, shape).unwrap();
            assert!((cut.mean() / 1e6 - bounded).abs() < 5e-5, "{}", cut.mean());
            let mut stream = Stream::named(1, "pareto", "test");
            let above = (0..N).filter(|_| dist.draw(&mut stream).0 as f64 > p99 * 1e6).count();
            // 1 % of a million, standard deviation 99.5.
            assert!((above as f64 - 10_000.0).abs() < 4.0 * 99.5, "{above} above p99");
        }
        let a05 = Dist::bounded_pareto(unit, unit * 1000, 1.5).unwrap();
        assert!((a05.mean() / 1e6 - 2.905_224).abs() < 5e-7);
        let Dist::Hyper { first, means: [a, b] } = Dist::hyper(unit * 10, 4.0).unwrap() else {
            unreachable!()
        };
        assert!((first - 0.887_298).abs() < 5e-7);
        assert!((1e6 / a - 0.177_460).abs() < 5e-7 && (1e6 / b - 0.022_540).abs() < 5e-7);
    }

    #[test]
    fn nonsense_is_refused_in_words() {
        let ms = Span::millis;
        let refusals = [
            (Dist::exponential(Span::ZERO), "the mean must be positive"),
            (Dist::normal(ms(5), Span::ZERO), "the deviation must be positive"),
            (Dist::log_normal(ms(5), ms(3)), "p99 is below the median"),
            (Dist::uniform(ms(5), ms(3)), "the lower bound is above the upper one"),
            (Dist::hyper(ms(5), 0.5), "scv must be at least 1: below, use Gamma"),
            (Dist::pareto(ms(1), f64::NAN), "the shape must be positive"),
            (Dist::bounded_pareto(ms(9), ms(3), 1.5), "the maximum must be above the minimum"),
            (Dist::erlang(0, ms(3)), "stages must be at least 1"),
        ];
        for (result, reason) in refusals {
            assert_eq!(result, Err(BadDist(reason.into())));
        }
    }
}
