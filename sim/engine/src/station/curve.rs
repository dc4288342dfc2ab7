//! How the speed of every core depends on how many of them are busy.
//!
//! Apart from the station because it is the place where further reasons for a speed join in
//! (collections of garbage, quotas, warm-up): each is a variant here, and nothing elsewhere.

/// Speed as a function of load.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Curve {
    /// A core is as fast in company as alone.
    #[default]
    None,
    /// Gunther's universal scalability law: with `n` busy cores the whole does
    /// `n / (1 + sigma (n - 1) + kappa n (n - 1))` times the work of one.
    Usl {
        /// Contention: the part of the work that only one core can do at a time. 0 or more.
        sigma: f64,
        /// Crosstalk: what each pair of cores costs to agree. 0 or more.
        kappa: f64,
    },
}

impl Curve {
    /// The speed of each of `cores` busy cores, as a part of the speed of one alone.
    pub fn efficiency(self, cores: f64) -> f64 {
        match self {
            Curve::None => 1.0,
            Curve::Usl { .. } if cores <= 1.0 => 1.0,
            Curve::Usl { sigma, kappa } => 1.0 / (1.0 + (cores - 1.0) * (sigma + kappa * cores)),
        }
    }
}
