//! Choosing among many servers, each with a queue of its own.

use engine::RunRecord;

use super::formulas::{busier, choices_sojourn, exponential_quantile, round_robin_rate};
use super::{
    Absolute, Percent, Plan, SEEDS, Table, above, average, gauge, mean, measure, operation,
    printed, quantile,
};

const SERVER: &str = "server: Threads(workers: 1, queue: 1000000),
    operations: { \"get\": [Work(Exp(\"1ms\"))] }";

/// Every n-th user comes to the same server: Erlang arrivals there, and G/M/1.
#[test]
fn b01_in_turn() {
    printed(1.0 / round_robin_rate(2, 0.7), 2.600623);
    printed(1.0 / round_robin_rate(10, 0.9), 5.660276);
    printed(exponential_quantile(round_robin_rate(2, 0.95), 0.99), 69.47233);
    printed(exponential_quantile(round_robin_rate(10, 0.7), 0.99), 9.301543);
    let cases = [
        (2, 0.7, 50_000.0),
        (2, 0.9, 150_000.0),
        (2, 0.95, 200_000.0),
        (10, 0.7, 50_000.0),
        (10, 0.9, 150_000.0),
    ];
    let mut table = Table::new("B01 round robin");
    for (servers, rho, customers) in cases {
        let policies = "policies: { \"s\": (balance: RoundRobin) },";
        let components = format!("\"s\": Service(replicas: {servers}, {SERVER})");
        let runs = Plan {
            components: &components,
            more: policies,
            want: "to: \"s.get\"",
            rate: f64::from(servers) * rho,
            warmup: 10.0 / ((1.0 - rho) * (1.0 - rho)),
            customers,
            samples: 500.0,
        }
        .play();
        rows(&mut table, &format!("n={servers} rho={rho}"), servers, rho, &runs, "s.get");
    }
    table.close();
}

/// A gateway that takes turns, by calls of its own or passing calls on, does the same.
#[test]
fn b01_in_turn_behind_a_gateway() {
    let mut table = Table::new("B01 round robin by a gateway");
    for proxy in ["Call", "Forward"] {
        let components = format!(
            "\"s\": Service(replicas: 2, {SERVER}),
             \"edge\": Gateway(routes: {{ \"/\": \"s\" }}, proxy: {proxy})"
        );
        let runs = Plan {
            components: &components,
            more: "",
            want: "to: \"edge.get\"",
            rate: 1.4,
            warmup: 100.0,
            customers: 50_000.0,
            samples: 500.0,
        }
        .play();
        rows(&mut table, proxy, 2, 0.7, &runs, "edge.get");
    }
    table.close();
}

fn rows(table: &mut Table, name: &str, n: u32, rho: f64, runs: &[RunRecord], operate: &str) {
    let rate = round_robin_rate(n, rho);
    let took = |r: &RunRecord| mean(&operation(r, operate).took);
    table.row(&format!("{name} E[T]"), 1.0 / rate, Percent(2.0), runs, took);
    let slow = |r: &RunRecord| quantile(&operation(r, operate).took, 0.99);
    let truth = exponential_quantile(rate, 0.99);
    table.row(&format!("{name} T p99"), truth, Percent(2.0), runs, slow);
}

/// One source that knows all counts asks the least loaded of d among a thousand servers: the mean
/// field, to which a thousand are close.
#[test]
fn b03_the_power_of_choices() {
    printed(choices_sojourn(2, 0.9), 2.614057);
    printed(choices_sojourn(5, 0.95), 1.988772);
    printed(choices_sojourn(2, 0.99), 5.431997);
    printed(busier(3, 0.9, 3), 0.2541866);
    let cases = [(2, 0.5), (2, 0.9), (2, 0.95), (3, 0.9), (5, 0.9)];
    let mut table = Table::new("B03 power of d choices");
    for (choices, rho) in cases {
        let components = format!("\"s\": Service(replicas: 1000, {SERVER})");
        let policies =
            format!("policies: {{ \"s\": (balance: LeastRequest(choices: {choices})) }},");
        let runs = Plan {
            components: &components,
            more: &policies,
            want: "to: \"s.get\"",
            rate: 1000.0 * rho,
            // From empty, the servers fill up within some 1 / (1 − ρ) services.
            warmup: 10.0 / (1.0 - rho),
            customers: 40_000.0,
            samples: 40.0,
        }
        .play();
        let name = |what: &str| format!("d={choices} rho={rho} {what}");
        let took = |r: &RunRecord| mean(&operation(r, "s.get").took);
        table.row(&name("E[T]"), choices_sojourn(choices, rho), Percent(1.5), &runs, took);
        let busy = |r: &RunRecord| average(&gauge(r, "s", "running")) / 1000.0;
        table.row(&name("servers with a job"), rho, Percent(1.5), &runs, busy);
    }
    table.close();
}

/// Two choices where one is random: queues of their own with Poisson arrivals.
#[test]
fn b03_one_choice_is_none() {
    let components = format!("\"s\": Service(replicas: 20, {SERVER})");
    let mut table = Table::new("B03 one choice");
    for balance in ["Random", "LeastRequest(choices: 1)"] {
        let runs = Plan {
            components: &components,
            more: &format!("policies: {{ \"s\": (balance: {balance}) }},"),
            want: "to: \"s.get\"",
            rate: 20.0 * 0.7,
            warmup: 100.0,
            customers: 60_000.0,
            samples: 40.0,
        }
        .play();
        let took = |r: &RunRecord| mean(&operation(r, "s.get").took);
        table.row(&format!("{balance} E[T]"), 1.0 / 0.3, Percent(1.5), &runs, took);
    }
    table.close();
}

/// Linkerd, "Beyond Round Robin" (2016): 1000 requests a second for a minute to eleven backends of
/// 167 ms, one of which takes two seconds for half of the time. How many take more than one?
///
/// In turn, an eleventh of half of them. By calls in hand all backends have k of them, the slow one
/// at a rate of k / 2: k = (1000 − k / 2) 0.167 / 10, and k are there before it is noticed.
/// Requests come evenly: by chance the slow one's count would stay at its highest. By peak EWMA
/// one in a thousand at most.
#[test]
fn b16_who_notices_a_slow_backend() {
    let (turns, k) = (30.0 / 60.0 / 11.0, 16.7 / (1.0 + 0.0167 / 2.0));
    printed(k, 16.56171);
    let counted = (k / 2.0 * 30.0 + k) / 60_000.0;
    let play = |balance: &str| {
        let text = format!(
            "(duration: \"60s\", settle: \"3s\", components: {{
                \"s\": Service(replicas: 11, operations: {{
                    \"get\": [Wait(LogNormal(median: \"167ms\", p99: \"179ms\"))] }}),
                \"edge\": Gateway(routes: {{ \"/\": \"s\" }}) }},
              policies: {{ \"s\": (balance: {balance}) }},
              timeline: [(at: \"15s\", for: \"30s\",
                do: Delay(\"edge -> s/0\", (by: Always(\"1.833s\"))))],
              traffic: {{ \"users\": Open(rate: \"1000/s\", arrivals: Even, to: \"edge.get\") }})"
        );
        measure(&text, SEEDS)
    };
    let slow = |r: &RunRecord| above(&operation(r, "edge.get").took, 1000.0);
    let mut table = Table::new("B16 a slow backend");
    table.row("in turn", turns, Absolute(0.001), &play("RoundRobin"), slow);
    table.row("least loaded", counted, Absolute(0.000_25), &play("LeastOfAll"), slow);
    // The rule says no more than 0.1 %.
    table.row("peak EWMA", 0.0005, Absolute(0.0005), &play("PeakEwma()"), slow);
    table.close();
}
