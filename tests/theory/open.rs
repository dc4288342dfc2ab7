//! Open networks of queues (Jackson): each station is as if it were alone, with all its visits.

use engine::RunRecord;

use super::{Percent, Plan, Table, average, gauge, inside, mean, operation, printed, station};

/// A network: its stations with the mean service time and the visits of a user, and their journey.
struct Network<'a> {
    case: &'a str,
    stations: &'a [(&'a str, f64, f64)],
    journey: &'a str,
    /// Users a millisecond.
    rate: f64,
    warmup: f64,
    customers: f64,
}

impl Network<'_> {
    /// How many are at a station: M/M/1.
    fn inside(&self, (_, mean, visits): (&str, f64, f64)) -> f64 {
        let rho = self.rate * visits * mean;
        rho / (1.0 - rho)
    }

    /// How long a user is in the network: Little.
    fn sojourn(&self) -> f64 {
        self.stations.iter().map(|station| self.inside(*station)).sum::<f64>() / self.rate
    }

    fn rows(&self, table: &mut Table) {
        let all: Vec<String> =
            self.stations.iter().map(|(name, mean, _)| station(name, 1, *mean)).collect();
        let runs = Plan {
            components: &all.join(", "),
            more: "",
            want: &format!("journey: [{}]", self.journey),
            rate: self.rate,
            warmup: self.warmup,
            customers: self.customers,
            samples: 8000.0,
        }
        .play();
        for &(name, mean, visits) in self.stations {
            let what = |what: &str| format!("{} {name} {what}", self.case);
            let rho = self.rate * visits * mean;
            let busy = |r: &RunRecord| average(&gauge(r, name, "utilisation"));
            table.row(&what("utilisation"), rho, Percent(2.0), &runs, busy);
            let truth = self.inside((name, mean, visits));
            table.row(&what("E[N]"), truth, Percent(3.0), &runs, |r| inside(r, name));
        }
        let took = |r: &RunRecord| mean(&operation(r, "users").took);
        let what = format!("{} E[T]", self.case);
        table.row(&what, self.sojourn(), Percent(3.0), &runs, took);
    }
}

/// Bolch et al., example 7.4: users come to the fourth station, go around the first three by
/// chance, and leave the third with probability 0.4. The visits are 5, 2.5, 2.5 and 1.
#[test]
fn a10_users_go_in_circles() {
    let network = Network {
        case: "Bolch 7.4",
        stations: &[("s1", 40.0, 5.0), ("s2", 30.0, 2.5), ("s3", 60.0, 2.5), ("s4", 50.0, 1.0)],
        journey: "Call(\"s4.get\"), Try([Repeat(\"1000000\", [
            Call(\"s1.get\"),
            Chance(\"50%\", [Call(\"s2.get\")], (else: [
                Call(\"s3.get\"), Chance(\"40%\", [Deny(\"leaves\")]),
            ])),
        ])])",
        rate: 4e-3,
        warmup: 30_000.0,
        customers: 15_000.0,
    };
    printed(network.sojourn(), 1544.643);
    printed(network.inside(network.stations[2]), 1.5);
    let mut table = Table::new("A10 Jackson, circles");
    network.rows(&mut table);
    table.close();
}

/// Lazowska et al., Quantitative System Performance, page 113: 121, 70 and 50 visits.
#[test]
fn a10_users_visit_often() {
    let network = Network {
        case: "Lazowska",
        stations: &[("cpu", 5.0, 121.0), ("disk1", 30.0, 70.0), ("disk2", 27.0, 50.0)],
        journey: "Repeat(\"50\", [Call(\"cpu.get\"), Call(\"disk1.get\"), Call(\"disk2.get\")]),
                  Repeat(\"20\", [Call(\"cpu.get\"), Call(\"disk1.get\")]),
                  Repeat(\"51\", [Call(\"cpu.get\")])",
        rate: 0.3e-3,
        warmup: 200_000.0,
        customers: 1000.0,
    };
    printed(network.sojourn(), 8683.74);
    printed(network.inside(network.stations[1]), 1.702703);
    let mut table = Table::new("A10 Jackson, many visits");
    network.rows(&mut table);
    table.close();
}

/// Three tiers: 1, 1.7 and 0.7 visits of 2, 9 and 18 ms at 50 users a second.
#[test]
fn a10_three_tiers() {
    let network = Network {
        case: "tiers",
        stations: &[("web", 2.0, 1.0), ("app", 9.0, 1.7), ("db", 18.0, 0.7)],
        journey: "Call(\"web.get\"), Call(\"app.get\"),
                  Chance(\"70%\", [Call(\"db.get\"), Call(\"app.get\")])",
        rate: 50e-3,
        warmup: 5_000.0,
        customers: 60_000.0,
    };
    printed(network.sojourn(), 101.3827);
    let mut table = Table::new("A10 Jackson, tiers");
    network.rows(&mut table);
    table.close();
}

/// Two servers, one twice as fast, and users who choose by chance: evenly, by speed, and as is
/// best (the square-root rule).
#[test]
fn b17_a_split_between_unequal_servers() {
    let (rate, fast, slow) = (1.5, 2.0, 1.0);
    let sojourn = |p: f64| p / (fast - p * rate) + (1.0 - p) / (slow - (1.0 - p) * rate);
    // What is left of each server is as the square root of its speed.
    let spare = (fast + slow - rate) / (libm::sqrt(fast) + libm::sqrt(slow));
    let best = (fast - libm::sqrt(fast) * spare) / rate;
    printed(best, 0.7475469);
    printed(sojourn(best), 1.257079);
    printed(sojourn(0.5), 2.4);
    let mut table = Table::new("B17 unequal servers");
    for (case, share) in [("even", 0.5), ("by speed", 2.0 / 3.0), ("best", best)] {
        let runs = Plan {
            components: &format!("{}, {}", station("fast", 1, 0.5), station("slow", 1, 1.0)),
            more: "",
            want: &format!("mix: {{ \"fast.get\": {share}, \"slow.get\": {} }}", 1.0 - share),
            rate,
            warmup: 200.0,
            customers: 80_000.0,
            samples: 200.0,
        }
        .play();
        let both = |r: &RunRecord| {
            let all = ["fast.get", "slow.get"].map(|name| &operation(r, name).took);
            let sum: f64 = all.iter().map(|took| mean(took) * took.count() as f64).sum();
            sum / all.iter().map(|took| took.count() as f64).sum::<f64>()
        };
        table.row(&format!("{case} E[T]"), sojourn(share), Percent(2.0), &runs, both);
    }
    table.close();
}
