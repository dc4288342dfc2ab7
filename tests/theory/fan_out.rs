//! Asking many at once: the slowest of all, the k-th of n.

use engine::RunRecord;

use super::formulas::{crossing, kth_mean, kth_tail};
use super::{Absolute, Percent, Plan, Table, above, mean, operation, printed, quantile};

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
