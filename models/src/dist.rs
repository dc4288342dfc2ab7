//! Distributions as scenarios write them.

use engine::chance::{BadDist, Chance, Dist as Draw, Empirical, Numbers, Zipf};
use serde::Deserialize;

use crate::units::Dur;
use crate::wiring::Wiring;

/// A distribution of times.
#[derive(Clone, Debug, Deserialize)]
pub enum Dist {
    /// Always the same: `Always("1ms")`.
    Always(Dur),
    /// Anything between two: `Uniform("1ms", "5ms")`.
    Uniform(Dur, Dur),
    /// Exponential with this mean: `Exp("5ms")`.
    Exp(Dur),
    /// By `median` and `p99`, by `mean` and `cv`, or by `mean` and `sigma`.
    LogNormal {
        /// Half are below.
        #[serde(default)]
        median: Option<Dur>,
        /// 99 % are below.
        #[serde(default)]
        p99: Option<Dur>,
        /// The mean.
        #[serde(default)]
        mean: Option<Dur>,
        /// Deviation divided by mean.
        #[serde(default)]
        cv: Option<f64>,
        /// Deviation of the logarithm.
        #[serde(default)]
        sigma: Option<f64>,
    },
    /// Gamma.
    Gamma {
        /// The mean.
        mean: Dur,
        /// Deviation divided by mean.
        cv: f64,
    },
    /// The sum of exponential stages.
    Erlang {
        /// How many.
        stages: u32,
        /// The mean of their sum.
        mean: Dur,
    },
    /// Weibull.
    Weibull {
        /// The 63 % quantile.
        scale: Dur,
        /// Below 1 heavy-tailed, 1 exponential.
        shape: f64,
    },
    /// A power law.
    Pareto {
        /// The shortest.
        min: Dur,
        /// How fast the tail falls.
        shape: f64,
    },
    /// A power law that is cut off.
    BoundedPareto {
        /// The shortest.
        min: Dur,
        /// The longest.
        max: Dur,
        /// How fast the tail falls.
        shape: f64,
    },
    /// Two exponentials with balanced means.
    Hyper {
        /// The mean.
        mean: Dur,
        /// Squared coefficient of variation, at least 1.
        scv: f64,
    },
    /// Observed values: one of these, or one line of a file.
    Empirical {
        /// The values.
        #[serde(default)]
        values: Vec<Dur>,
        /// A file with one value a line, relative to where `sim` is run.
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
            Dist::Gamma { mean, cv } => Draw::gamma(mean.0, *cv),
            Dist::Erlang { stages, mean } => Draw::erlang(*stages, mean.0),
            Dist::Weibull { scale, shape } => Draw::weibull(scale.0, *shape),
            Dist::Pareto { min, shape } => Draw::pareto(min.0, *shape),
            Dist::BoundedPareto { min, max, shape } => Draw::bounded_pareto(min.0, max.0, *shape),
            Dist::Hyper { mean, scv } => Draw::hyper(mean.0, *scv),
            Dist::Empirical { values, file } => {
                let mut all = values.clone();
                if let Some(file) = file {
                    all.extend(observed(file)?);
                }
                let seen = all.iter().map(|value| (value.0, 1.0)).collect();
                Empirical::new(seen).map(|table| chance.empirical(table))
            }
        }
    }
}

/// Reads one value a line; blank lines and lines that begin with `#` are skipped.
fn observed(file: &str) -> Result<Vec<Dur>, BadDist> {
    let text = std::fs::read_to_string(file)
        .map_err(|why| BadDist(format!("cannot read `{file}`: {why}")))?;
    let lines = text.lines().map(str::trim).enumerate();
    let filled = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    filled
        .map(|(number, line)| {
            Dur::parse(line).map_err(|why| BadDist(format!("{file}:{}: {why}", number + 1)))
        })
        .collect()
}

/// A whole number that each request is born with.
#[derive(Clone, Debug, Deserialize)]
pub enum NumberSpec {
    /// 0, 1, 2 … in the order of birth.
    Counter,
    /// Always this one.
    Always(u32),
    /// Any below this, equally likely.
    Uniform(u32),
    /// Popularity: 0 is the most popular.
    Zipf {
        /// How many there are.
        items: u32,
        /// How uneven: 0 is uniform, 0.99 is what YCSB uses.
        exponent: f64,
    },
}

impl NumberSpec {
    /// What the kernel draws from; `None` for a counter. The error says what makes no sense.
    pub fn build(&self) -> Result<Option<Numbers>, String> {
        match *self {
            NumberSpec::Counter => Ok(None),
            NumberSpec::Always(number) => Ok(Some(Numbers::Always(number))),
            NumberSpec::Uniform(0) => Err("there is no number below 0".into()),
            NumberSpec::Uniform(n) => Ok(Some(Numbers::Uniform(n))),
            NumberSpec::Zipf { items, exponent } => Zipf::new(items, exponent)
                .map(|zipf| Some(Numbers::Zipf(zipf)))
                .ok_or_else(|| "Zipf needs at least one item and an exponent from 0 on".into()),
        }
    }
}
