//! One queue, exponential or constant service: M/M/1, M/M/c, M/D/1.
//!
//! Users who are answered when their service *begins* (`Reply` before the work) see the wait
//! alone; the flow that serves them goes on, and its age at the end is the sojourn time.

use engine::RunRecord;

use super::formulas::{crossing, erlang_c, md1_wait, mmc_sojourn, mmc_wait};
use super::{
    Absolute, Percent, Plan, Table, above, age, average, gauge, mean, operation, printed, quantile,
};

/// So many threads behind a queue that takes everyone; the work is as `work` says.
fn play(servers: u32, load: f64, work: &str, customers: f64) -> Vec<RunRecord> {
    let rho = load / f64::from(servers);
    Plan {
        components: &format!(
            "\"s\": Service(server: Threads(workers: {servers}, queue: 1000000),
              operations: {{ \"get\": [Reply, Flow(\"serve\")] }})"
        ),
        more: &format!("flows: {{ \"serve\": [Work({work})] }},"),
        want: "to: \"s.get\"",
        rate: load,
        warmup: (10.0 / ((1.0 - rho) * (1.0 - rho))).ceil(),
        customers,
        samples: 3000.0,
    }
    .play()
}

const EXPONENTIAL: &str = "Exp(\"1ms\")";

fn waits(record: &RunRecord) -> &engine::Histogram {
    &operation(record, "s.get").took
}

/// The rows that every queue has: tails of wait and sojourn time are functions of time.
fn percentiles(
    table: &mut Table,
    name: &str,
    runs: &[RunRecord],
    rho: f64,
    wait: impl Fn(f64) -> f64,
    sojourn: impl Fn(f64) -> f64,
) {
    // At 90 % what lies beyond p99.9 comes in clumps of hundreds, two or three in a run as long as
    // this: no quantile of it can be told, which is why the rule of A02 stops at p99.
    let clumps = rho > 0.85;
    for (label, q, percent) in [("p90", 0.9, 2.0), ("p99", 0.99, 2.0), ("p99.9", 0.999, 4.0)] {
        if clumps && q > 0.99 {
            continue;
        }
        let (w, t) = (crossing(&wait, 1.0 - q), crossing(&sojourn, 1.0 - q));
        if w > 0.0 {
            let what = format!("{name} Wq {label}");
            table.row(&what, w, Percent(percent), runs, |r| quantile(waits(r), q));
        }
        let what = format!("{name} T {label}");
        table.row(&what, t, Percent(percent), runs, |r| quantile(age(r, "serve"), q));
    }
}

#[test]
fn a01_one_server() {
    // Kleinrock: T is exponential with rate 1 − ρ.
    printed(crossing(|t| mmc_sojourn(1, 0.5, t), 0.01), 9.21034);
    printed(crossing(|t| mmc_sojourn(1, 0.8, t), 0.001), 34.53878);
    printed(crossing(|t| mmc_wait(1, 0.5, t), 0.1), 3.218876);
    printed(crossing(|t| mmc_wait(1, 0.8, t), 0.5), 2.350018);
    let mut table = Table::new("A01 M/M/1");
    for (rho, customers) in [(0.5, 60_000.0), (0.8, 150_000.0)] {
        let runs = play(1, rho, EXPONENTIAL, customers);
        let name = |what: &str| format!("rho={rho} {what}");
        let wait = rho / (1.0 - rho);
        table.row(&name("E[Wq]"), wait, Percent(2.0), &runs, |r| mean(waits(r)));
        let sojourn = wait + 1.0;
        table.row(&name("E[T]"), sojourn, Percent(1.5), &runs, |r| mean(age(r, "serve")));
        let inside =
            |r: &RunRecord| average(&gauge(r, "s", "queue")) + average(&gauge(r, "s", "running"));
        table.row(&name("E[N]"), rho * sojourn, Percent(2.0), &runs, inside);
        let busy = |r: &RunRecord| average(&gauge(r, "s", "utilisation"));
        table.row(&name("utilisation"), rho, Percent(1.0), &runs, busy);
        table.row(
            &name("T p50"),
            crossing(|t| mmc_sojourn(1, rho, t), 0.5),
            Percent(2.0),
            &runs,
            |r| quantile(age(r, "serve"), 0.5),
        );
        percentiles(
            &mut table,
            &name(""),
            &runs,
            rho,
            |t| mmc_wait(1, rho, t),
            |t| mmc_sojourn(1, rho, t),
        );
    }
    table.close();
}

#[test]
fn a02_many_servers() {
    printed(erlang_c(2, 1.8), 0.8526316);
    printed(erlang_c(4, 3.2), 0.5964325);
    printed(erlang_c(5, 2.5), 0.1303713);
    printed(erlang_c(10, 5.0), 0.03610536);
    printed(crossing(|t| mmc_sojourn(5, 2.5, t), 0.01), 4.688442);
    printed(crossing(|t| mmc_sojourn(4, 3.2, t), 0.01), 6.893204);
    printed(crossing(|t| mmc_wait(10, 5.0, t), 0.01), 0.2567712);
    let mut table = Table::new("A02 M/M/c");
    let cases = [
        (2, 1.8, 300_000.0),
        (4, 3.2, 80_000.0),
        (5, 2.5, 50_000.0),
        (10, 5.0, 50_000.0),
        (4, 1.8, 50_000.0),
    ];
    for (servers, load, customers) in cases {
        let runs = play(servers, load, EXPONENTIAL, customers);
        let name = |what: &str| format!("c={servers} a={load} {what}");
        let waiting = erlang_c(servers, load);
        let wait = waiting / (f64::from(servers) - load);
        table.row(&name("P(wait)"), waiting, Absolute(0.01), &runs, |r| above(waits(r), 0.0));
        table.row(&name("E[Wq]"), wait, Percent(1.5), &runs, |r| mean(waits(r)));
        table.row(&name("E[T]"), wait + 1.0, Percent(1.5), &runs, |r| mean(age(r, "serve")));
        let queue = |r: &RunRecord| average(&gauge(r, "s", "queue"));
        table.row(&name("E[Nq]"), load * wait, Percent(1.5), &runs, queue);
        percentiles(
            &mut table,
            &name(""),
            &runs,
            load / f64::from(servers),
            |t| mmc_wait(servers, load, t),
            |t| mmc_sojourn(servers, load, t),
        );
    }
    table.close();
}

#[test]
fn a04_constant_service() {
    printed(crossing(|t| md1_wait(0.5, t), 0.1), 1.515745);
    printed(crossing(|t| md1_wait(0.5, t), 0.01), 3.336256);
    printed(crossing(|t| md1_wait(0.8, t), 0.5), 1.27594);
    printed(crossing(|t| md1_wait(0.8, t), 0.001), 15.70027);
    let mut table = Table::new("A04 M/D/1");
    for (rho, customers) in [(0.5, 60_000.0), (0.8, 150_000.0)] {
        let runs = play(1, rho, "Always(\"1ms\")", customers);
        let name = |what: &str| format!("rho={rho} {what}");
        let wait = rho / (2.0 * (1.0 - rho));
        table.row(&name("E[Wq]"), wait, Percent(1.5), &runs, |r| mean(waits(r)));
        table.row(&name("E[T]"), wait + 1.0, Percent(1.5), &runs, |r| mean(age(r, "serve")));
        table.row(&name("P(wait)"), rho, Absolute(0.01), &runs, |r| above(waits(r), 0.0));
        let tail = |t: f64| md1_wait(rho, t);
        // Service is constant: a sojourn is a wait and 1.
        percentiles(&mut table, &name(""), &runs, rho, tail, |t| {
            if t < 1.0 { 1.0 } else { tail(t - 1.0) }
        });
    }
    table.close();
}
