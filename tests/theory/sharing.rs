//! Processor sharing: one core, everybody at once. Means depend on the load alone.

use engine::{Histogram, RunRecord};

use super::formulas::bounded_pareto_moment;
use super::{Absolute, Percent, Plan, Table, average, gauge, mean, operation, part};

fn play(operations: &str, want: &str, rate: f64, warmup: f64, customers: f64) -> Vec<RunRecord> {
    let components = format!("\"s\": Service(cpu: 1, operations: {{ {operations} }})");
    Plan { components: &components, more: "", want, rate, warmup, customers, samples: 4000.0 }
        .play()
}

fn variance(took: &Histogram) -> f64 {
    let mean = took.mean();
    let square = |(low, width, count): (u64, u64, u64)| {
        let off = low as f64 + (width - 1) as f64 / 2.0 - mean;
        off * off * count as f64
    };
    took.buckets().map(square).sum::<f64>() / took.count() as f64 / 1e12
}

#[test]
fn a07_the_law_of_service_times_does_not_matter() {
    let pareto = bounded_pareto_moment(1.0, 1000.0, 1.5, 1.0);
    let works = [
        ("exponential", "Exp(\"1ms\")", 1.0),
        ("constant", "Always(\"1ms\")", 1.0),
        ("log-normal scv 4", "LogNormal(mean: \"1ms\", cv: 2.0)", 1.0),
        ("bounded Pareto", "BoundedPareto(min: \"1ms\", max: \"1s\", shape: 1.5)", pareto),
    ];
    let mut table = Table::new("A07 M/G/1-PS");
    for (rho, warmup, customers) in [(0.5, 100.0, 40_000.0), (0.8, 500.0, 100_000.0)] {
        for (law, work, unit) in works {
            let operations = format!("\"get\": [Work({work})]");
            let runs = play(&operations, "to: \"s.get\"", rho / unit, warmup * unit, customers);
            let name = |what: &str| format!("rho={rho} {law} {what}");
            let sojourn = 1.0 / (1.0 - rho);
            let took = |r: &RunRecord| mean(&operation(r, "s.get").took) / unit;
            table.row(&name("E[T]"), sojourn, Percent(2.0), &runs, took);
            let five = |r: &RunRecord| part(&gauge(r, "s", "running"), |n| n == 5.0);
            let truth = (1.0 - rho) * libm::pow(rho, 5.0);
            table.row(&name("P(N=5)"), truth, Percent(5.0), &runs, five);
            let busy = |r: &RunRecord| average(&gauge(r, "s", "utilisation"));
            table.row(&name("utilisation"), rho, Absolute(0.01), &runs, busy);
            if law == "exponential" {
                // Coffman, Muntz and Trotter 1970.
                let truth = (2.0 + rho) / ((1.0 - rho) * (1.0 - rho) * (2.0 - rho));
                let var = |r: &RunRecord| variance(&operation(r, "s.get").took);
                table.row(&name("Var[T]"), truth, Percent(3.0), &runs, var);
            }
        }
    }
    table.close();
}

/// Small requests of half a millisecond, large ones of three: every size is slowed down by as
/// much.
#[test]
fn a07_every_size_is_slowed_down_alike() {
    let operations = "\"small\": [Work(Always(\"0.5ms\"))], \"large\": [Work(Always(\"3ms\"))]";
    let want = "mix: { \"s.small\": 0.8, \"s.large\": 0.2 }";
    let mut table = Table::new("A07 slowdown by size");
    for (rho, customers) in [(0.5, 40_000.0), (0.8, 100_000.0)] {
        let runs = play(operations, want, rho, 500.0, customers);
        for (name, size) in [("s.small", 0.5), ("s.large", 3.0)] {
            let slowdown = |r: &RunRecord| mean(&operation(r, name).took) / size;
            let what = format!("rho={rho} {name} E[T]/x");
            table.row(&what, 1.0 / (1.0 - rho), Percent(3.0), &runs, slowdown);
        }
    }
    table.close();
}
