//! Places that run out: who finds none is sent away. Erlang B, M/M/c/K.

use engine::{Outcome, RunRecord};

use super::formulas::{birth_death, erlang_b, expected};
use super::{Percent, Plan, Table, age, average, gauge, mean, operation, part, printed, share};

/// Service times of mean `1 ms`; `queue` places to wait behind `servers`.
fn play(servers: u32, queue: u32, load: f64, work: &str, customers: f64) -> Vec<RunRecord> {
    Plan {
        components: &format!(
            "\"s\": Service(server: Threads(workers: {servers}, queue: {queue}),
              operations: {{ \"get\": [Reply, Flow(\"serve\")] }})"
        ),
        more: &format!("flows: {{ \"serve\": [Work({work})] }},"),
        want: "to: \"s.get\"",
        rate: load,
        warmup: 100.0,
        customers,
        samples: 4000.0,
    }
    .play()
}

fn lost(record: &RunRecord) -> f64 {
    share(operation(record, "s.get"), Outcome::Shed)
}

#[test]
fn a03_lost_calls_whatever_the_service_times() {
    printed(erlang_b(1, 1.0), 0.5);
    printed(erlang_b(5, 3.0), 0.1100543);
    printed(erlang_b(10, 10.0), 0.2145823);
    printed(erlang_b(15, 10.0), 0.03649695);
    let works = [
        ("exponential", "Exp(\"1ms\")"),
        ("constant", "Always(\"1ms\")"),
        ("log-normal scv 4", "LogNormal(mean: \"1ms\", cv: 2.0)"),
    ];
    let mut table = Table::new("A03 Erlang B");
    for (servers, load) in [(1, 1.0), (5, 3.0), (10, 10.0), (15, 10.0)] {
        for (law, work) in works {
            let runs = play(servers, 0, load, work, 30_000.0);
            let (blocking, what) = (erlang_b(servers, load), format!("c={servers} a={load} {law}"));
            table.row(&what, blocking, Percent(2.0), &runs, lost);
            let busy = |r: &RunRecord| average(&gauge(r, "s", "utilisation"));
            let carried = load * (1.0 - blocking) / f64::from(servers);
            table.row(&format!("{what} utilisation"), carried, Percent(2.0), &runs, busy);
        }
    }
    table.close();
}

#[test]
fn a03_finite_queues() {
    let law = |servers: u32, places: u32, load: f64| {
        let death = move |n: usize| (n as f64).min(f64::from(servers));
        birth_death(places as usize, |_| load, death)
    };
    printed(law(1, 10, 0.9)[10], 0.05081373);
    // The octave package `queueing` prints .255037 and .293543.
    printed(law(3, 7, 4.0 / 3.0)[0], 0.2550369);
    printed(law(4, 6, 5.0)[6], 0.293543);
    printed(expected(&law(2, 5, 1.5), |n| n as f64), 2.005954);
    let mut table = Table::new("A03 M/M/c/K");
    for (servers, places, load) in [(1, 10, 0.9), (3, 7, 4.0 / 3.0), (4, 6, 5.0), (2, 5, 1.5)] {
        let runs = play(servers, places - servers, load, "Exp(\"1ms\")", 60_000.0);
        let law = law(servers, places, load);
        let name = |what: &str| format!("M/M/{servers}/{places} a={load:.3} {what}");
        let full = law[places as usize];
        table.row(&name("pK"), full, Percent(2.0), &runs, lost);
        let empty = |r: &RunRecord| part(&gauge(r, "s", "running"), |n| n == 0.0);
        table.row(&name("p0"), law[0], Percent(2.0), &runs, empty);
        let inside = expected(&law, |n| n as f64);
        let counted =
            |r: &RunRecord| average(&gauge(r, "s", "queue")) + average(&gauge(r, "s", "running"));
        table.row(&name("E[N]"), inside, Percent(2.0), &runs, counted);
        let sojourn = inside / (load * (1.0 - full));
        table.row(&name("E[T]"), sojourn, Percent(1.5), &runs, |r| mean(age(r, "serve")));
        // Who was sent away took no time: the mean wait is of those who stayed.
        let wait = |r: &RunRecord| {
            let all = operation(r, "s.get");
            mean(&all.took) / share(all, Outcome::Done)
        };
        table.row(&name("E[Wq]"), sojourn - 1.0, Percent(2.0), &runs, wait);
    }
    table.close();
}
