//! M/G/1, first come first served: what the variance of service times costs.

use engine::RunRecord;

use super::formulas::{bounded_pareto_moment, crossing, mg1_wait, mh21_wait};
use super::{Percent, Plan, Table, above, mean, operation, printed, quantile};

/// Users are answered when their service begins: they see the wait alone.
fn play(rate: f64, work: &str, warmup: f64, customers: f64) -> Vec<RunRecord> {
    Plan {
        components: &format!(
            "\"s\": Service(server: Threads(workers: 1, queue: 1000000),
              operations: {{ \"get\": [Reply, Work({work})] }})"
        ),
        more: "",
        want: "to: \"s.get\"",
        rate,
        warmup,
        customers,
        samples: 500.0,
    }
    .play()
}

fn wait(record: &RunRecord) -> f64 {
    mean(&operation(record, "s.get").took)
}

#[test]
fn a05_log_normal_service() {
    let mut table = Table::new("A05 M/G/1 log-normal");
    for (scv, cv, rho, customers) in [
        (1.0, 1.0, 0.5, 60_000.0),
        (4.0, 2.0, 0.5, 100_000.0),
        (1.0, 1.0, 0.8, 100_000.0),
        (4.0, 2.0, 0.8, 200_000.0),
    ] {
        let work = format!("LogNormal(mean: \"1ms\", cv: {cv:?})");
        let runs = play(rho, &work, 500.0, customers);
        let truth = mg1_wait(rho, 1.0, 1.0 + scv);
        table.row(&format!("scv={scv} rho={rho} E[Wq]"), truth, Percent(2.0), &runs, wait);
    }
    table.close();
}

#[test]
fn a05_bounded_pareto_service() {
    let moment = |k| bounded_pareto_moment(1.0, 1000.0, 1.5, k);
    printed(moment(1.0), 2.905224);
    printed(moment(2.0) / (moment(1.0) * moment(1.0)) - 1.0, 9.8848);
    let truth = |rho: f64| mg1_wait(rho / moment(1.0), moment(1.0), moment(2.0));
    printed(truth(0.5), 15.81139);
    printed(truth(0.8), 63.24555);
    let work = "BoundedPareto(min: \"1ms\", max: \"1s\", shape: 1.5)";
    let mut table = Table::new("A05 M/G/1 bounded Pareto");
    for (rho, customers) in [(0.5, 150_000.0), (0.8, 200_000.0)] {
        let runs = play(rho / moment(1.0), work, 20_000.0, customers);
        table.row(&format!("rho={rho} E[Wq]"), truth(rho), Percent(5.0), &runs, wait);
    }
    table.close();
}

#[test]
fn a05_two_phases_of_service() {
    printed(crossing(|t| mh21_wait(0.5, 4.0, t), 0.1), 8.542406);
    printed(crossing(|t| mh21_wait(0.8, 4.0, t), 0.01), 60.01261);
    printed(crossing(|t| mh21_wait(0.8, 4.0, t), 0.001), 92.51216);
    let mut table = Table::new("A05 M/H2/1");
    for (rho, customers) in [(0.5, 100_000.0), (0.8, 200_000.0)] {
        let runs = play(rho, "Hyper(mean: \"1ms\", scv: 4.0)", 500.0, customers);
        let name = |what: &str| format!("rho={rho} {what}");
        table.row(&name("E[Wq]"), mg1_wait(rho, 1.0, 5.0), Percent(2.0), &runs, wait);
        let waiting = |r: &RunRecord| above(&operation(r, "s.get").took, 0.0);
        table.row(&name("P(wait)"), rho, Percent(1.0), &runs, waiting);
        for (label, q) in [("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
            let truth = crossing(|t| mh21_wait(rho, 4.0, t), 1.0 - q);
            table.row(&name(&format!("Wq {label}")), truth, Percent(3.0), &runs, |r| {
                quantile(&operation(r, "s.get").took, q)
            });
        }
    }
    table.close();
}
