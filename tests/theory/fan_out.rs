//! Asking many at once: the slowest of all, the k-th of n.

use engine::RunRecord;

use super::formulas::{crossing, fork_join, kth_mean, kth_tail, normal};
use super::{Absolute, Percent, Plan, Table, above, mean, operation, printed, quantile, station};

/// A request asks `leaves` at once and waits for as many as `wait` says.
fn play(leaves: usize, wait: &str, leaf: &str, customers: f64) -> Vec<RunRecord> {
    let asked = vec!["[Call(\"leaf.get\")]"; leaves].join(", ");
    Plan {
        components: &format!(
            "\"leaf\": Service(operations: {{ \"get\": [{leaf}] }}),
             \"root\": Service(operations: {{ \"get\": [Parallel((wait: {wait}), [{asked}])] }})"
        ),
        more: "",
        want: "to: \"root.get\"",
        rate: 0.1,
        warmup: 10.0,
        customers,
        samples: 50.0,
    }
    .play()
}

fn took(record: &RunRecord) -> &engine::Histogram {
    &operation(record, "root.get").took
}

/// Dean and Barroso, "The Tail at Scale": of a hundred leaves, each slow once in a hundred times,
/// one is slow in 63 % of all requests.
#[test]
fn d01_one_of_many_is_slow() {
    let at_least_one = |n: f64, p: f64| 1.0 - libm::pow(1.0 - p, n);
    printed(at_least_one(100.0, 0.01), 0.6339677);
    printed(at_least_one(2000.0, 0.0001), 0.1812774);
    let mut table = Table::new("D01 fan-out");
    for (leaves, p, percent, customers) in
        [(10, 0.01, "1%", 10_000.0), (100, 0.01, "1%", 3000.0), (2000, 0.0001, "0.01%", 100.0)]
    {
        let leaf =
            format!("Chance(\"{percent}\", [Wait(Always(\"1s\"))], (else: [Wait(Exp(\"1ms\"))]))");
        let runs = play(leaves, "All", &leaf, customers);
        let truth = at_least_one(leaves as f64, p);
        let what = format!("one of {leaves} is slow");
        table.row(&what, truth, Absolute(0.003), &runs, |r| above(took(r), 900.0));
    }
    // The 99th percentile of a leaf is the 90th of ten, and the 37th of a hundred.
    for (leaves, truth, customers) in [(10, 0.9043821, 10_000.0), (100, 0.3660323, 3000.0)] {
        printed(1.0 - at_least_one(leaves as f64, 0.01), truth);
        let runs = play(leaves, "All", "Wait(Exp(\"1ms\"))", customers);
        let limit = -libm::log(0.01);
        let what = format!("{leaves} within the p99 of one");
        table.row(&what, truth, Absolute(0.003), &runs, |r| 1.0 - above(took(r), limit));
    }
    table.close();
}

#[test]
fn d05_the_first_k_of_n() {
    printed(kth_mean(2, 3), 0.8333333);
    printed(kth_mean(2, 10), 0.2111111);
    let slow = |k: u32, n: u32| crossing(|t| kth_tail(k, n, libm::exp(-t)), 0.01);
    printed(slow(1, 3), 1.535057);
    printed(slow(3, 5), 2.24772);
    printed(slow(2, 10), 0.7018906);
    printed(slow(5, 5), 6.210592);
    let mut table = Table::new("D05 k of n");
    for (k, n) in [(1, 3), (2, 3), (3, 3), (3, 5), (4, 5), (4, 4), (2, 10), (5, 5)] {
        let wait = match k {
            1 => "Any".to_string(),
            _ if k == n => "All".to_string(),
            _ => format!("Quorum({k})"),
        };
        let runs = play(n as usize, &wait, "Work(Exp(\"1ms\"))", 20_000.0);
        let name = |what: &str| format!("{k} of {n} {what}");
        table.row(&name("mean"), kth_mean(k, n), Percent(1.0), &runs, |r| mean(took(r)));
        let p99 = |r: &RunRecord| quantile(took(r), 0.99);
        table.row(&name("p99"), slow(k, n), Percent(2.0), &runs, p99);
    }
    table.close();
}

/// All of n, nobody waiting: the mean is the harmonic number.
#[test]
fn a13_the_slowest_of_many() {
    printed(kth_mean(10, 10), 2.928968);
    printed(kth_mean(100, 100), 5.187378);
    let slow = |n: u32, q: f64| crossing(|t| kth_tail(n, n, libm::exp(-t)), 1.0 - q);
    printed(slow(10, 0.99), 6.903237);
    let mut table = Table::new("A13 idle fork-join");
    for (n, customers) in [(2, 20_000.0), (10, 20_000.0), (100, 3000.0)] {
        let runs = play(n as usize, "All", "Work(Exp(\"1ms\"))", customers);
        let name = |what: &str| format!("n={n} {what}");
        table.row(&name("mean"), kth_mean(n, n), Percent(1.0), &runs, |r| mean(took(r)));
        for (label, q) in [("p50", 0.5), ("p99", 0.99)] {
            let at = |r: &RunRecord| quantile(took(r), q);
            table.row(&name(label), slow(n, q), Percent(2.0), &runs, at);
        }
    }
    table.close();
}

/// Each request asks n servers, each with a queue of its own, and waits for the slowest.
#[test]
fn a13_the_slowest_of_many_queues() {
    printed(fork_join(2, 0.8), 7.0);
    printed(fork_join(2, 0.9), 13.875);
    printed(fork_join(5, 0.8), 9.592121);
    printed(fork_join(10, 0.5), 5.115882);
    let cases = [
        (2, 0.3, 40_000.0),
        (2, 0.5, 60_000.0),
        (2, 0.8, 150_000.0),
        (5, 0.5, 40_000.0),
        (5, 0.8, 60_000.0),
        (10, 0.5, 20_000.0),
    ];
    let mut table = Table::new("A13 fork-join");
    for (n, rho, customers) in cases {
        let names: Vec<String> = (0..n).map(|i| format!("s{i}")).collect();
        let all: Vec<String> = names.iter().map(|name| station(name, 1, 1.0)).collect();
        let asked: Vec<String> =
            names.iter().map(|name| format!("[Call(\"{name}.get\")]")).collect();
        let runs = Plan {
            components: &all.join(", "),
            more: "",
            want: &format!("journey: [Parallel((wait: All), [{}])]", asked.join(", ")),
            rate: rho,
            warmup: (10.0_f64 / ((1.0 - rho) * (1.0 - rho))).ceil(),
            customers,
            samples: 50.0,
        }
        .play();
        // Exact for two; for more an approximation.
        let within = Percent(if n == 2 { 1.5 } else { 5.0 });
        let sojourn = |r: &RunRecord| mean(&operation(r, "users").took);
        table.row(&format!("n={n} rho={rho} E[T]"), fork_join(n, rho), within, &runs, sojourn);
    }
    table.close();
}

/// Leaves whose times are log-normal, of median 1 ms and p99 10 ms.
#[test]
fn d02_log_normal_leaves() {
    let sigma = libm::log(10.0) / crossing(|x| 1.0 - normal(x), 0.01);
    printed(sigma, 0.9897854);
    let late = |n: f64, t: f64| 1.0 - libm::pow(normal(libm::log(t) / sigma), n);
    let slow = |n: f64, q: f64| crossing(|t| late(n, t), 1.0 - q);
    printed(slow(10.0, 0.5), 4.408162);
    printed(slow(100.0, 0.99), 39.63787);
    let leaf = "Wait(LogNormal(median: \"1ms\", p99: \"10ms\"))";
    let mut table = Table::new("D02 log-normal fan-out");
    for (n, customers) in [(1, 40_000.0), (10, 20_000.0), (100, 4000.0)] {
        let runs = play(n, "All", leaf, customers);
        for (label, q, percent) in [("p50", 0.5, 1.0), ("p99", 0.99, 2.0)] {
            let truth = slow(n as f64, q);
            let at = |r: &RunRecord| quantile(took(r), q);
            table.row(&format!("n={n} {label}"), truth, Percent(percent), &runs, at);
        }
    }
    table.close();
}

/// Brooker's leaves: 99 % of them normal of 10 ± 2 ms, 1 % of 100 ± 10 ms. Between the two there is
/// next to nothing: the 99th percentile of a single leaf stands there, at 26 ms, where no run has a
/// value (and doubles end: 0.99 Φ(8) is 0.99). What can be seen of it is that 1 % are slow.
#[test]
fn d02_leaves_of_two_modes() {
    let late = |n: f64, t: f64| {
        let leaf = 0.99 * normal((t - 10.0) / 2.0) + 0.01 * normal((t - 100.0) / 10.0);
        1.0 - libm::pow(leaf, n)
    };
    let slow = |n: f64, q: f64| crossing(|t| late(n, t), 1.0 - q);
    let one_is_slow = |n: f64| 1.0 - libm::pow(0.99, n);
    printed(slow(1.0, 0.5), 10.02532);
    printed(slow(10.0, 0.99), 112.7898);
    printed(slow(100.0, 0.5), 95.02021);
    printed(one_is_slow(10.0), 0.09561792);
    let leaf = "Chance(\"1%\", [Wait(Normal(mean: \"100ms\", deviation: \"10ms\"))],
        (else: [Wait(Normal(mean: \"10ms\", deviation: \"2ms\"))]))";
    let mut table = Table::new("D02 bimodal fan-out");
    for (n, customers) in [(1, 40_000.0), (10, 20_000.0), (100, 6000.0)] {
        let runs = play(n, "All", leaf, customers);
        let name = |what: &str| format!("n={n} {what}");
        let p50 = |r: &RunRecord| quantile(took(r), 0.5);
        table.row(&name("p50"), slow(n as f64, 0.5), Percent(1.0), &runs, p50);
        if n > 1 {
            let p99 = |r: &RunRecord| quantile(took(r), 0.99);
            table.row(&name("p99"), slow(n as f64, 0.99), Percent(2.0), &runs, p99);
        }
        // Half-way between the modes: more than four deviations from either.
        let mode = |r: &RunRecord| above(took(r), 55.0);
        table.row(&name("P(slow mode)"), one_is_slow(n as f64), Percent(2.0), &runs, mode);
    }
    table.close();
}
