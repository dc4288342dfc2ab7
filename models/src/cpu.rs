//! The CPU of a component's machine as a scenario writes it.

use engine::{Discipline, Quota, Span, station::Curve};
use serde::Deserialize;

use crate::units::Dur;
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

/// What a container may use of its machine's cores: in each period so much CPU time, as fast as
/// the cores allow; then nothing in it runs until the next period begins.
///
/// Source: Linux's CFS bandwidth control (`cpu.max`), which is what a limit of CPU is in Kubernetes
/// and Docker.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaSpec {
    /// How many cores' time: 1.5 is 150 ms of work in a period of 100 ms (Kubernetes' `1500m`).
    pub cores: f64,
    /// How long a period is: 1 ms to 1 s. Default: 100 ms, as Linux and Kubernetes have it.
    #[serde(default = "period")]
    pub period: Dur,
}

fn period() -> Dur {
    Dur(Span::millis(100))
}

impl QuotaSpec {
    /// A millisecond of work in a period at least, as in Linux, and a million cores at most.
    fn is_some_time(self) -> bool {
        self.cores <= 1e6 && self.cores * self.period.0.0 as f64 >= 1e6
    }

    fn has_a_period(self) -> bool {
        (Span::millis(1)..=Span::secs(1)).contains(&self.period.0)
    }

    /// As the engine takes it, if it makes sense.
    pub fn quota(self) -> Option<Quota> {
        let quota = Quota { cores: self.cores, period: self.period.0 };
        (self.is_some_time() && self.has_a_period()).then_some(quota)
    }

    /// Reports what makes no sense on a machine with so many cores.
    pub fn check(self, cores: Option<f64>, wiring: &mut Wiring<'_>) {
        if !self.has_a_period() {
            let message = "a period lasts from 1ms to 1s, as in Linux";
            return wiring.at_name("period", |w| w.problem(message));
        }
        if !self.is_some_time() {
            let message = "a quota is of 1 ms of work in a period at least, and of a million cores";
            return wiring.at_name("cores", |w| w.problem(message));
        }
        match cores {
            None => {
                let help = "say how many cores its machine has: cpu: 4".to_string();
                wiring.problem_with("a quota needs cores to be a part of", Some(help));
            }
            Some(cores) if self.cores >= cores => {
                let message = format!("a quota of {} on {cores} cores limits nothing", self.cores);
                let help = "less than `cpu`, or leave it out".to_string();
                wiring.at_name("cores", |w| w.problem_with(message, Some(help)));
            }
            Some(_) => {}
        }
    }
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
