//! Distributions as scenarios write them.

use engine::chance::{BadDist, Chance, Dist as Draw, Empirical, Hotspot, Numbers, Zipf};
use serde::Deserialize;

use crate::units::{Dur, Share};
use crate::wiring::Wiring;

/// A distribution of times.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Dist {
    /// Always the same. A plain time means this: `"1ms"`.
    /// Example: `Always("1ms")`
    Always(Dur),
    /// Anything between two, equally likely.
    /// Example: `Uniform("1ms", "5ms")`
    Uniform(Dur, Dur),
    /// Exponential with this mean.
    /// Example: `Exp("5ms")`
    Exp(Dur),
    /// By `median` and `p99`, by `mean` and `cv`, or by `mean` and `sigma`.
    /// Example: `LogNormal(median: "3ms", p99: "20ms")`
    LogNormal {
        /// Half are below. Default: by `mean`.
        #[serde(default)]
        median: Option<Dur>,
        /// 99 % are below. Default: by `cv` or `sigma`.
        #[serde(default)]
        p99: Option<Dur>,
        /// The mean. Default: by `median`.
        #[serde(default)]
        mean: Option<Dur>,
        /// Deviation divided by mean. Default: by `sigma`.
        #[serde(default)]
        cv: Option<f64>,
        /// Deviation of the logarithm. Default: by `cv`.
        #[serde(default)]
        sigma: Option<f64>,
    },
    /// The normal distribution, cut off at 0: what would be below is drawn again. That lifts the
    /// mean if `mean` is less than three times `deviation`. A mixture of two: by `Chance`.
    /// Example: `Normal(mean: "10ms", deviation: "2ms")`
    Normal {
        /// The mean, before it is cut off.
        mean: Dur,
        /// The standard deviation, likewise.
        deviation: Dur,
    },
    /// The gamma distribution: between exponential (`cv: 1`) and nearly constant (`cv` near 0).
    /// Example: `Gamma(mean: "3ms", cv: 0.5)`
    Gamma {
        /// The mean.
        mean: Dur,
        /// Deviation divided by mean.
        cv: f64,
    },
    /// The sum of exponential stages.
    /// Example: `Erlang(stages: 4, mean: "8ms")`
    Erlang {
        /// How many.
        stages: u32,
        /// The mean of their sum.
        mean: Dur,
    },
    /// The Weibull distribution.
    /// Example: `Weibull(scale: "2ms", shape: 0.7)`
    Weibull {
        /// The 63 % quantile.
        scale: Dur,
        /// Below 1 heavy-tailed, 1 exponential.
        shape: f64,
    },
    /// A power law.
    /// Example: `Pareto(min: "1ms", shape: 2.5)`
    Pareto {
        /// The shortest.
        min: Dur,
        /// How fast the tail falls.
        shape: f64,
    },
    /// A power law that is cut off.
    /// Example: `BoundedPareto(min: "1ms", max: "1s", shape: 1.5)`
    BoundedPareto {
        /// The shortest.
        min: Dur,
        /// The longest.
        max: Dur,
        /// How fast the tail falls.
        shape: f64,
    },
    /// One of two exponentials: by `mean` and `scv` with balanced means, or by `p`, `a` and `b`.
    /// Example: `Hyper(mean: "5ms", scv: 4)`
    Hyper {
        /// The mean. Default: by `p`, `a` and `b`.
        #[serde(default)]
        mean: Option<Dur>,
        /// Squared coefficient of variation, at least 1. Default: by `p`, `a` and `b`.
        #[serde(default)]
        scv: Option<f64>,
        /// How likely the first is, from 0 to 1. Default: by `scv`.
        #[serde(default)]
        p: Option<f64>,
        /// The mean of the first. Default: by `mean`.
        #[serde(default)]
        a: Option<Dur>,
        /// The mean of the second. Default: by `mean`.
        #[serde(default)]
        b: Option<Dur>,
    },
    /// Observed values: one of these, or one line of a file.
    /// Example: `Empirical(values: ["1ms", "1ms", "40ms"])`
    Empirical {
        /// The values.
        #[serde(default)]
        values: Vec<Dur>,
        /// A file with one value a line, beside the scenario: its values take its place. Default:
        /// the `values`.
        #[serde(default)]
        file: Option<String>,
    },
}

impl Dist {
    /// What the kernel draws from; a problem at the present place if it makes no sense.
    pub fn build(&self, wiring: &mut Wiring<'_>) -> Option<Draw> {
        let built = self.compiled(wiring.builder.chance());
        built.map_err(|why| wiring.problem(why.to_string())).ok()
    }

    fn compiled(&self, chance: &mut Chance) -> Result<Draw, BadDist> {
        match self {
            Dist::Always(span) => Ok(Draw::Fixed(span.0)),
            Dist::Uniform(low, high) => Draw::uniform(low.0, high.0),
            Dist::Exp(mean) => Draw::exponential(mean.0),
            &Dist::LogNormal { median, p99, mean, cv, sigma } => {
                match (median, p99, mean, cv, sigma) {
                    (Some(median), Some(p99), None, None, None) => {
                        Draw::log_normal(median.0, p99.0)
                    }
                    (None, None, Some(mean), Some(cv), None) => Draw::log_normal_cv(mean.0, cv),
                    (None, None, Some(mean), None, Some(sigma)) => {
                        Draw::log_normal_sigma(mean.0, sigma)
                    }
                    _ => Err(BadDist(
                        "LogNormal takes median and p99, or mean and cv, or mean and sigma".into(),
                    )),
                }
            }
            Dist::Normal { mean, deviation } => Draw::normal(mean.0, deviation.0),
            Dist::Gamma { mean, cv } => Draw::gamma(mean.0, *cv),
            Dist::Erlang { stages, mean } => Draw::erlang(*stages, mean.0),
            Dist::Weibull { scale, shape } => Draw::weibull(scale.0, *shape),
            Dist::Pareto { min, shape } => Draw::pareto(min.0, *shape),
            Dist::BoundedPareto { min, max, shape } => Draw::bounded_pareto(min.0, max.0, *shape),
            &Dist::Hyper { mean, scv, p, a, b } => match (mean, scv, p, a, b) {
                (Some(mean), Some(scv), None, None, None) => Draw::hyper(mean.0, scv),
                (None, None, Some(p), Some(a), Some(b)) => Draw::hyper_of(p, a.0, b.0),
                _ => Err(BadDist("Hyper takes mean and scv, or p, a and b".into())),
            },
            Dist::Empirical { values, file } => {
                if let Some(file) = file {
                    let why = format!("`{file}` is read with the scenario, and not from here");
                    return Err(BadDist(why));
                }
                let seen = values.iter().map(|value| (value.0, 1.0)).collect();
                Empirical::new(seen).map(|table| chance.empirical(table))
            }
        }
    }
}

/// A whole number that each request is born with.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum NumberSpec {
    /// 0, 1, 2 … in the order of birth.
    Counter,
    /// Always this one.
    /// Example: `Always(17)`
    Always(u32),
    /// Any below this, equally likely.
    /// Example: `Uniform(1_000)`
    Uniform(u32),
    /// Popularity: 0 is the most popular.
    /// Example: `Zipf(items: 100_000, exponent: 0.99)`
    Zipf {
        /// How many there are.
        items: u32,
        /// How uneven: 0 is uniform, 0.99 is what YCSB uses.
        exponent: f64,
    },
    /// The first few are hot: one of them with a probability, else any of the others, as in YCSB.
    /// Example: `Hotspot(items: 20_000, share: "20%")`
    Hotspot {
        /// How many there are.
        items: u32,
        /// How many of them are hot, from 0 on. Default: 1.
        #[serde(default = "one_item")]
        hot: u32,
        /// How often one of those is drawn.
        share: Share,
    },
}

fn one_item() -> u32 {
    1
}

impl NumberSpec {
    /// What the kernel draws from; `None` for a counter. The error says what makes no sense.
    pub fn build(&self) -> Result<Option<Numbers>, String> {
        match *self {
            NumberSpec::Counter => Ok(None),
            NumberSpec::Always(number) => Ok(Some(Numbers::Always(number))),
            NumberSpec::Uniform(0) => Err("there is no number below 0".into()),
            NumberSpec::Uniform(n) => Ok(Some(Numbers::Uniform(n))),
            NumberSpec::Hotspot { items, hot, .. } if hot == 0 || hot >= items => {
                Err("some items are hot, and some are not: `hot` is 1 to `items` - 1".into())
            }
            NumberSpec::Hotspot { items, hot, share } => {
                Ok(Some(Numbers::Hotspot(Hotspot { items, hot, share: share.0 })))
            }
            NumberSpec::Zipf { items, exponent } => Zipf::new(items, exponent)
                .map(|zipf| Some(Numbers::Zipf(zipf)))
                .ok_or_else(|| "Zipf needs at least one item and an exponent from 0 on".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(text: &str) -> Result<Draw, String> {
        let extensions = ron::extensions::Extensions::IMPLICIT_SOME
            | ron::extensions::Extensions::UNWRAP_NEWTYPES;
        let options = ron::Options::default().with_default_extension(extensions);
        let dist: Dist = options.from_str(text).map_err(|why| why.to_string())?;
        dist.compiled(&mut Chance::new(1)).map_err(|why| why.to_string())
    }

    /// Means by the textbook: uniform (a+b)/2, Weibull of shape 1 its scale, Pareto a·m/(a−1),
    /// two exponentials p·a + (1−p)·b.
    #[test]
    fn every_spelling_has_its_mean() {
        let cases = [
            (r#"Always("1ms")"#, 1e6),
            (r#"Uniform("1ms", "5ms")"#, 3e6),
            (r#"Exp("5ms")"#, 5e6),
            (r#"LogNormal(mean: "4ms", cv: 0.6)"#, 4e6),
            (r#"LogNormal(mean: "4ms", sigma: 0.6)"#, 4e6),
            (r#"Normal(mean: "10ms", deviation: "2ms")"#, 10e6),
            (r#"Gamma(mean: "3ms", cv: 0.5)"#, 3e6),
            (r#"Erlang(stages: 4, mean: "8ms")"#, 8e6),
            (r#"Weibull(scale: "2ms", shape: 1.0)"#, 2e6),
            (r#"Pareto(min: "1ms", shape: 3.0)"#, 1.5e6),
            (r#"Hyper(mean: "5ms", scv: 4.0)"#, 5e6),
            (r#"Hyper(p: 0.25, a: "4ms", b: "8ms")"#, 7e6),
        ];
        for (text, mean) in cases {
            let dist = built(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let measured = dist.mean();
            assert!((measured / mean - 1.0).abs() < 1e-6, "{text}: {measured}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let cases = [
            (r#"LogNormal(median: "3ms", p98: "20ms")"#, "p98"),
            (r#"LogNormal(median: "3ms", cv: 1.0)"#, "median and p99"),
            (r#"Hyper(mean: "3ms", p: 0.5)"#, "mean and scv"),
            (r#"Uniform("5ms", "1ms")"#, "lower bound"),
            (r#"Normal(mean: "5ms", deviation: "0s")"#, "deviation must be positive"),
            (r#"Exp(5)"#, "needs a unit"),
            (r#"Exp("5 parsecs")"#, "is no time"),
            (r#"Empirical(values: [])"#, ""),
        ];
        for (text, expected) in cases {
            let why = built(text).expect_err(text);
            assert!(why.contains(expected), "{text}: {why}");
        }
    }
}
