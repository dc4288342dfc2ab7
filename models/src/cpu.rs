//! The CPU of a component's machine as a scenario writes it.

use engine::{Discipline, station::Curve};
use serde::Deserialize;

use crate::wiring::Wiring;

/// What company costs: Gunther's universal scalability law. With n cores busy the whole does
/// n / (1 + contention · (n − 1) + coherency · n · (n − 1)) times the work of one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaling {
    /// The part of the work that only one core can do at a time: 0 to 1. Default: 0.
    #[serde(default)]
    pub contention: f64,
    /// What each pair of cores costs to agree: 0 to 1. Above 0 there is a number of cores beyond
    /// which more of them do less. Default: 0.
    #[serde(default)]
    pub coherency: f64,
}

/// Cores that all work shares, if their number is given.
pub fn shared(cores: Option<f64>, scaling: Option<Scaling>) -> Option<Discipline> {
    let curve = scaling.map_or(Curve::None, |Scaling { contention, coherency }| Curve::Usl {
        sigma: contention,
        kappa: coherency,
    });
    cores.map(|cores| Discipline::Share { cores, curve })
}

/// Reports what makes no sense in `scaling`.
pub fn check(cores: Option<f64>, scaling: Option<Scaling>, wiring: &mut Wiring<'_>) {
    let Some(Scaling { contention, coherency }) = scaling else { return };
    wiring.at_name("scaling", |w| {
        for (field, part) in [("contention", contention), ("coherency", coherency)] {
            if !(0.0..=1.0).contains(&part) {
                w.at_name(field, |w| w.problem(format!("`{field}` is a part: 0 to 1")));
            }
        }
        if cores.is_none() {
            let help = Some("say how many cores there are: cpu: 4".to_string());
            w.problem_with("an unlimited CPU has no company to suffer from", help);
        }
    });
}
