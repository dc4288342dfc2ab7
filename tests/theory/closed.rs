//! Closed networks: so many users go around stations, think, and come again. Product forms.

use engine::RunRecord;

use super::formulas::{birth_death, closed_network, expected};
use super::{
    Crowd, Percent, Table, average, gauge, inside, mean, operation, part, printed, station,
    throughput,
};

/// Stations by name, servers and mean service time in milliseconds.
fn stations(list: &[(&str, u32, f64)]) -> String {
    let all: Vec<String> =
        list.iter().map(|(name, workers, mean)| station(name, *workers, *mean)).collect();
    all.join(", ")
}

const DELAY: u32 = u32::MAX;

/// How often users come by, how many are at each station, and how long one round takes without
/// the thinking.
fn rows(
    table: &mut Table,
    case: &str,
    runs: &[RunRecord],
    names: &[&str],
    (users, think): (u32, f64),
    (rate, at): (f64, Vec<f64>),
) {
    let come = |r: &RunRecord| throughput(r, "users");
    table.row(&format!("{case} X"), rate, Percent(1.0), runs, come);
    for (name, truth) in names.iter().zip(at) {
        table.row(&format!("{case} Q {name}"), truth, Percent(2.0), runs, |r| inside(r, name));
    }
    let truth = f64::from(users) / rate - think;
    let took = |r: &RunRecord| mean(&operation(r, "users").took);
    table.row(&format!("{case} R"), truth, Percent(2.0), runs, took);
}

/// Terminals: three stations of 5, 15 and 30 ms, one second to think (mean value analysis and
/// the interactive response time law, N = X (R + Z)).
#[test]
fn a11_terminals() {
    let demands = [(5.0, 1), (15.0, 1), (30.0, 1), (1000.0, DELAY)];
    printed(closed_network(10, &demands).0, 9.414861e-3);
    printed(closed_network(50, &demands).0, 33.23446e-3);
    printed(25.0 / closed_network(25, &demands).0 - 1000.0, 106.1782);
    let components = stations(&[("a", 1, 5.0), ("b", 1, 15.0), ("c", 1, 30.0)]);
    let mut table = Table::new("A11 terminals");
    // The fewer users, the more the length of a queue scatters.
    for (users, lasts) in [(10, 6_000_000.0), (25, 1_000_000.0), (50, 1_000_000.0), (100, 5e5)] {
        let runs = Crowd {
            components: &components,
            users,
            think: "Exp(\"1s\")",
            want: "journey: [Call(\"a.get\"), Call(\"b.get\"), Call(\"c.get\")]",
            warmup: 60_000.0,
            lasts,
            samples: 5000.0,
        }
        .play();
        let truth = closed_network(users as usize, &demands);
        let case = format!("N={users}");
        rows(&mut table, &case, &runs, &["a", "b", "c"], (users, 1000.0), truth);
    }
    table.close();
}

/// Jain, The Art of Computer Systems Performance Analysis, example 34.2: 16, 10 and 5 visits of
/// 125, 300 and 200 ms, 4 s to think, twenty users.
#[test]
fn a11_many_visits() {
    let truth = closed_network(20, &[(2000.0, 1), (3000.0, 1), (1000.0, 1), (4000.0, DELAY)]);
    printed(truth.0, 0.3332465e-3);
    printed(truth.1[1], 16.17665);
    let round = "Call(\"a.get\"), Call(\"b.get\")";
    let want = format!(
        "journey: [Repeat(\"5\", [Call(\"a.get\"), {round}, {round}, Call(\"c.get\")]),
                   Call(\"a.get\")]"
    );
    let components = stations(&[("a", 1, 125.0), ("b", 1, 300.0), ("c", 1, 200.0)]);
    let runs = Crowd {
        components: &components,
        users: 20,
        think: "Exp(\"4s\")",
        want: &want,
        warmup: 300_000.0,
        lasts: 6_000_000.0,
        samples: 5000.0,
    }
    .play();
    let mut table = Table::new("A11 many visits");
    rows(&mut table, "Jain 34.2", &runs, &["a", "b", "c"], (20, 4000.0), truth);
    table.close();
}

/// Bolch et al., Queueing Networks and Markov Chains, example 8.3: a central server of 20 ms, then
/// one of three devices (0.4, 0.2, 0.1) or none; six jobs that never rest.
#[test]
fn a11_central_server() {
    let truth = closed_network(6, &[(20.0, 1), (80.0, 1), (80.0, 1), (60.0, 1)]);
    printed(truth.0, 9.919836e-3);
    printed(truth.1[3], 1.234309);
    let components =
        stations(&[("cpu", 1, 20.0), ("d2", 1, 200.0), ("d3", 1, 400.0), ("d4", 1, 600.0)]);
    // 0.2 of the remaining 0.6, and 0.1 of the remaining 0.4.
    let want = "journey: [Call(\"cpu.get\"), Chance(\"40%\", [Call(\"d2.get\")], (else: [
        Chance(\"33.3333333%\", [Call(\"d3.get\")], (else: [
            Chance(\"25%\", [Call(\"d4.get\")]) ])) ]))]";
    let runs = Crowd {
        components: &components,
        users: 6,
        think: "",
        want,
        warmup: 60_000.0,
        lasts: 4_000_000.0,
        samples: 8000.0,
    }
    .play();
    let mut table = Table::new("A11 central server");
    rows(&mut table, "Bolch 8.3", &runs, &["cpu", "d2", "d3", "d4"], (6, 0.0), truth);
    table.close();
}

/// Machines that run for an exponential time, fail, and wait for a repairer.
#[test]
fn a12_machine_repair() {
    let law = |machines: u32, fails: f64, repair: f64, repairers: u32| {
        let birth = move |n: usize| f64::from(machines - n as u32) * fails;
        let death = move |n: usize| repair * (n as f64).min(f64::from(repairers));
        birth_death(machines as usize, birth, death)
    };
    printed(expected(&law(5, 0.1, 1.0, 1), |n| n as f64), 0.6395218);
    printed(law(10, 0.1, 1.0, 2)[0], 0.3679546);
    printed(law(50, 0.02, 1.0, 1)[0], 0.1047875);
    let cases = [(5, 0.1, 1), (10, 0.1, 1), (10, 0.1, 2), (50, 0.02, 1)];
    let mut table = Table::new("A12 machine repair");
    for (machines, fails, repairers) in cases {
        let runs = Crowd {
            components: &station("s", repairers, 1.0),
            users: machines,
            think: &format!("Exp(\"{}ms\")", 1.0 / fails),
            want: "to: \"s.get\"",
            warmup: 500.0,
            lasts: 60_000.0,
            samples: 6000.0,
        }
        .play();
        let law = law(machines, fails, 1.0, repairers);
        let down = expected(&law, |n| n as f64);
        let rate = (f64::from(machines) - down) * fails;
        let name = |what: &str| format!("N={machines} c={repairers} {what}");
        table.row(&name("mean down"), down, Percent(2.0), &runs, |r| inside(r, "s"));
        let failures = |r: &RunRecord| throughput(r, "s.get");
        table.row(&name("failures"), rate, Percent(2.0), &runs, failures);
        let took = |r: &RunRecord| mean(&operation(r, "s.get").took);
        table.row(&name("downtime"), down / rate, Percent(2.0), &runs, took);
        let none = |r: &RunRecord| part(&gauge(r, "s", "running"), |n| n == 0.0);
        table.row(&name("P(all up)"), law[0], Percent(2.0), &runs, none);
        let up = 1.0 - down / f64::from(machines);
        let available = |r: &RunRecord| 1.0 - inside(r, "s") / f64::from(machines);
        table.row(&name("availability"), up, Percent(2.0), &runs, available);
    }
    table.close();
}

/// Two servers at one station. Bolch, example 8.4: 500 ms on two servers, then one of two devices
/// (600 and 800 ms), and a second of rest; and an application of two cores before a database.
#[test]
fn a26_many_servers_and_thinking() {
    let truth = closed_network(3, &[(500.0, 2), (300.0, 1), (400.0, 1), (1000.0, DELAY)]);
    printed(truth.0, 1.217461e-3);
    printed(truth.1[2], 0.6859876);
    let mut table = Table::new("A26 closed network");
    let runs = Crowd {
        components: &stations(&[("a", 2, 500.0), ("b", 1, 600.0), ("c", 1, 800.0)]),
        users: 3,
        think: "Exp(\"1s\")",
        want: "journey: [Call(\"a.get\"),
                         Chance(\"50%\", [Call(\"b.get\")], (else: [Call(\"c.get\")]))]",
        warmup: 30_000.0,
        lasts: 20_000_000.0,
        samples: 8000.0,
    }
    .play();
    rows(&mut table, "Bolch 8.4", &runs, &["a", "b", "c"], (3, 1000.0), truth);
    let truth = closed_network(20, &[(40.0, 2), (60.0, 1), (1000.0, DELAY)]);
    printed(truth.0, 15.08254e-3);
    printed(truth.1[1], 4.260237);
    let runs = Crowd {
        components: &stations(&[("app", 2, 40.0), ("db", 1, 20.0)]),
        users: 20,
        think: "Exp(\"1s\")",
        want: "journey: [Call(\"app.get\"), Repeat(\"3\", [Call(\"db.get\")])]",
        warmup: 30_000.0,
        lasts: 2_000_000.0,
        samples: 8000.0,
    }
    .play();
    rows(&mut table, "app and db", &runs, &["app", "db"], (20, 1000.0), truth);
    let busy = |r: &RunRecord| average(&gauge(r, "app", "utilisation"));
    table.row("app utilisation", 15.08254e-3 * 40.0 / 2.0, Percent(2.0), &runs, busy);
    table.close();
}
