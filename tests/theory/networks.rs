//! Queues in a row, customers who lose patience, and places without end.

use engine::{RunRecord, Time};

use super::formulas::{birth_death, crossing, expected, poisson, sum_of_exponentials};
use super::{
    Percent, Plan, SEEDS, Table, above, average, gauge, mean, measure, operation, part, printed,
    quantile,
};

/// Users go through stations one after the other: departures of M/M/1 are Poisson (Burke), and
/// the sojourn times of one user are independent.
#[test]
fn a14_tandem_queues() {
    let load = 0.8;
    let cases: [&[f64]; 3] = [&[1.0, 1.0], &[1.0, 1.25], &[2.0, 1.25, 1.0]];
    let spare = |rates: &[f64]| -> Vec<f64> { rates.iter().map(|mu| mu - load).collect() };
    let tail = |rates: &[f64], t: f64| sum_of_exponentials(&spare(rates), t);
    printed(crossing(|t| tail(cases[0], t), 0.01), 33.19176);
    printed(crossing(|t| tail(cases[1], t), 0.5), 5.86331);
    printed(crossing(|t| tail(cases[2], t), 0.01), 26.87281);
    let mut table = Table::new("A14 tandem");
    for rates in cases {
        let station = |(i, mu): (usize, &f64)| {
            let mean = 1e6 / mu;
            format!(
                "\"s{i}\": Service(server: Threads(workers: 1, queue: 1000000),
                  operations: {{ \"get\": [Work(Exp(\"{mean}ns\"))] }})"
            )
        };
        let stations: Vec<String> = rates.iter().enumerate().map(station).collect();
        let calls: Vec<String> = (0..rates.len()).map(|i| format!("Call(\"s{i}.get\")")).collect();
        let runs = Plan {
            components: &stations.join(", "),
            more: "",
            want: &format!("journey: [{}]", calls.join(", ")),
            rate: load,
            warmup: 300.0,
            customers: 100_000.0,
            samples: 500.0,
        }
        .play();
        let name = |what: &str| format!("mu={rates:?} {what}");
        let took = |r: &RunRecord| mean(&operation(r, "users").took);
        let truth = spare(rates).iter().map(|rate| 1.0 / rate).sum();
        table.row(&name("E[T]"), truth, Percent(2.0), &runs, took);
        for (label, q) in [("p50", 0.5), ("p99", 0.99)] {
            let truth = crossing(|t| tail(rates, t), 1.0 - q);
            table.row(&name(&format!("T {label}")), truth, Percent(3.0), &runs, |r| {
                quantile(&operation(r, "users").took, q)
            });
        }
    }
    table.close();
}

/// Erlang-A. Patience ends when service begins: the service answers then (`Reply`), and goes on.
/// Until then the journey races the answer against the user's patience; whoever loses hangs up
/// and leaves the queue.
#[test]
fn a16_customers_without_patience() {
    let cases = [(50, 48.0, 0.5), (10, 9.0, 1.0), (10, 12.0, 0.5), (100, 105.0, 0.2)];
    let law = |servers: u32, load: f64, theta: f64| {
        let n = f64::from(servers);
        let death = move |k: usize| {
            let k = k as f64;
            k.min(n) + theta * (k - n).max(0.0)
        };
        birth_death(3000, |_| load, death)
    };
    let queue =
        |law: &[f64], servers: u32| expected(law, |k| (k as f64 - f64::from(servers)).max(0.0));
    let first = law(50, 48.0, 0.5);
    printed(queue(&first, 50), 2.967576);
    printed(0.5 * queue(&first, 50) / 48.0, 0.03091225);
    printed(first.iter().skip(50).sum(), 0.4677741);
    let mut table = Table::new("A16 Erlang-A");
    for (servers, load, theta) in cases {
        let runs = impatient(servers, load, theta);
        let law = law(servers, load, theta);
        let name = |what: &str| format!("n={servers} a={load} theta={theta} {what}");
        let waiting = law.iter().skip(servers as usize).sum();
        let length = queue(&law, servers);
        let took = |r: &RunRecord| above(&operation(r, "users").took, 0.0);
        table.row(&name("P(wait)"), waiting, Percent(2.0), &runs, took);
        let left = |r: &RunRecord| r.counters["left"] as f64 / r.requests.generated as f64;
        table.row(&name("P(abandon)"), theta * length / load, Percent(2.0), &runs, left);
        let wait = |r: &RunRecord| mean(&operation(r, "users").took);
        table.row(&name("E[Wq]"), length / load, Percent(2.0), &runs, wait);
        let queued = |r: &RunRecord| average(&gauge(r, "s", "queue"));
        table.row(&name("E[Nq]"), length, Percent(2.0), &runs, queued);
        let busy = expected(&law, |k| (k as f64).min(f64::from(servers))) / f64::from(servers);
        let used = |r: &RunRecord| average(&gauge(r, "s", "utilisation"));
        table.row(&name("utilisation"), busy, Percent(2.0), &runs, used);
    }
    table.close();
}

fn impatient(servers: u32, load: f64, theta: f64) -> Vec<RunRecord> {
    let patience = 1e6 / theta;
    Plan {
        components: &format!(
            "\"s\": Service(server: Threads(workers: {servers}, queue: 1000000), drop_left: true,
              operations: {{ \"get\": [Reply, Work(Exp(\"1ms\"))] }})"
        ),
        more: "policies: { \"s\": (cancel: true) },",
        want: &format!(
            "journey: [Parallel((wait: Any), [[Call(\"s.get\")],
              [Wait(Exp(\"{patience}ns\")), Count(\"left\")]])]"
        ),
        rate: load,
        warmup: 100.0,
        customers: 100_000.0,
        samples: 2000.0,
    }
    .play()
}

/// 200 a second who stay 50 ms on average: ten at a time, by Poisson's law, however long each
/// stays.
#[test]
fn a24_places_without_end() {
    let law = poisson(10.0, 100);
    let beyond: f64 = law.iter().skip(21).sum();
    printed(beyond, 0.001588261);
    let mut table = Table::new("A24 M/G/inf");
    let holds = [
        ("constant", "Always(\"50ms\")"),
        ("log-normal scv 4", "LogNormal(mean: \"50ms\", cv: 2.0)"),
    ];
    for (law, hold) in holds {
        let plan = Plan {
            components: &format!("\"s\": Service(operations: {{ \"get\": [Wait({hold})] }})"),
            more: "",
            want: "to: \"s.get\"",
            rate: 0.2,
            warmup: 2000.0,
            customers: 200_000.0,
            // Every 50 ms: samples of constant stays share nobody.
            samples: 20_000.0,
        };
        // A rare thing to be full: it takes more runs to see how rare.
        let runs = measure(&plan.text(), 2 * SEEDS);
        let inside = |r: &RunRecord| average(&gauge(r, "s", "running"));
        table.row(&format!("{law} E[N]"), 10.0, Percent(0.5), &runs, inside);
        let full = |r: &RunRecord| part(&gauge(r, "s", "running"), |n| n > 20.0);
        table.row(&format!("{law} P(N>20)"), beyond, Percent(5.0), &runs, full);
        // Little: the same number from rate and time.
        let little = |r: &RunRecord| {
            let done = operation(r, "s.get");
            let span = (Time::ZERO + r.duration).since(Time::ZERO + r.warmup);
            done.took.count() as f64 / span.as_secs() * done.took.mean() / 1e9
        };
        table.row(&format!("{law} rate x time"), 10.0, Percent(0.5), &runs, little);
    }
    table.close();
}
