//! Many servers: constant service, one queue or several, and pools that are just large enough.

use engine::RunRecord;

use super::formulas::{erlang_c, mdc_wait};
use super::{Percent, Plan, Table, mean, measure, operation, printed, station};

fn sojourn(record: &RunRecord) -> f64 {
    mean(&operation(record, "s.get").took)
}

fn play(components: &str, rate: f64, rho: f64, customers: f64) -> Vec<RunRecord> {
    Plan {
        components,
        more: "policies: { \"s\": (balance: Random) },",
        want: "to: \"s.get\"",
        rate,
        warmup: (10.0 / ((1.0 - rho) * (1.0 - rho))).ceil(),
        customers,
        samples: 200.0,
    }
    .play()
}

#[test]
fn a21_constant_service_on_many_servers() {
    printed(mdc_wait(1, 0.8), 2.0);
    printed(mdc_wait(2, 0.8), 0.9032839);
    printed(mdc_wait(10, 0.9), 0.3445821);
    let mut table = Table::new("A21 M/D/c");
    for (servers, rho, customers) in
        [(1, 0.8, 60_000.0), (2, 0.8, 60_000.0), (4, 0.9, 150_000.0), (10, 0.9, 150_000.0)]
    {
        // Answered when service begins: users see the wait alone.
        let components = format!(
            "\"s\": Service(server: Threads(workers: {servers}, queue: 1000000),
              operations: {{ \"get\": [Reply, Work(Always(\"1ms\"))] }})"
        );
        let runs = play(&components, f64::from(servers) * rho, rho, customers);
        let (truth, what) = (mdc_wait(servers, rho), format!("c={servers} rho={rho} E[Wq]"));
        table.row(&what, truth, Percent(2.0), &runs, sojourn);
        // Half of what exponential service costs, and a little.
        let exponential =
            erlang_c(servers, f64::from(servers) * rho) / (f64::from(servers) * (1.0 - rho));
        let ratio = |r: &RunRecord| sojourn(r) / exponential;
        table.row(&format!("{what} of M/M/c"), truth / exponential, Percent(2.0), &runs, ratio);
    }
    table.close();
}

/// The same servers with a queue each, and with one for all.
#[test]
fn a25_one_queue_for_all() {
    let rho = 0.9;
    let shared = |n: u32| 1.0 + erlang_c(n, f64::from(n) * rho) / (f64::from(n) * (1.0 - rho));
    printed(10.0 / shared(2), 1.9);
    printed(10.0 / shared(4), 3.367703);
    printed(10.0 / shared(10), 5.992576);
    let mut table = Table::new("A25 pooling");
    for (n, customers) in [(2, 300_000.0), (4, 300_000.0), (10, 300_000.0)] {
        let rate = f64::from(n) * rho;
        let one = play(&station("s", n, 1.0), rate, rho, customers);
        let each = station("s", 1, 1.0).replace("Service(", &format!("Service(replicas: {n}, "));
        let own = play(&each, rate, rho, customers);
        let ratios: Vec<f64> =
            own.iter().zip(&one).map(|(own, one)| sojourn(own) / sojourn(one)).collect();
        table.values(&format!("n={n}"), 10.0 / shared(n), Percent(2.0), &ratios);
    }
    table.close();
}

/// HikariCP, About Pool Sizing: threads that need Cm connections each at once cannot lock one
/// another out of a pool of Tn (Cm − 1) + 1. With one fewer each has all but its last, for ever.
/// Here for anything that is held; for connections of a `pool`, beside the code of those.
#[test]
fn h07_a_pool_just_large_enough() {
    for (threads, each, enough) in [(8, 3, 17), (3, 4, 10)] {
        assert_eq!(threads * (each - 1) + 1, enough);
        for (pool, passes) in [(enough, true), (enough - 1, false)] {
            // They take one after the other in step, so that the worst case is what happens.
            let one =
                |inner: String| format!("Hold(\"pool\", (), [Wait(Always(\"10ms\")), {inner}])");
            let steps = (0..each).fold("Count(\"all\")".to_string(), |inner, _| one(inner));
            let text = format!(
                "(duration: \"1s\", settle: \"1s\",
                  components: {{ \"pool\": WaitingRoom(active: {pool},
                      admit: (every: \"1ms\", up_to: 100)) }},
                  traffic: {{ \"threads\": Closed(users: {threads}, journey: [{steps}]) }})"
            );
            let record = &measure(&text, 1)[0];
            let served = record.counters["all"];
            let case = format!("{threads} threads, {each} connections each, {pool} in the pool");
            assert_eq!(served > 0, passes, "{case}: {served} served");
            let stuck = if passes { 0 } else { threads as u64 };
            assert_eq!(record.requests.in_flight, stuck, "{case}");
        }
    }
}
