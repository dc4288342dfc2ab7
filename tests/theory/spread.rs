//! How evenly chance and hashing spread things: balls into bins, shares of a ring.

use engine::RunRecord;
use engine::record::MemberRecord;
use models::policy::ring::{Ring, scatter};

use super::formulas::{expected, fullest};
use super::{Absolute, Percent, Table, average, measure, part, printed};

/// The members of the service `s`.
fn members(record: &RunRecord) -> &[MemberRecord] {
    let group = record.groups.iter().find(|group| group.name == "s");
    &group.expect("it is there").members
}

/// Requests to members drawn by chance: how many the busiest has, over two thousand runs.
#[test]
fn b05_balls_into_bins() {
    let mean = |balls, bins| expected(&fullest(balls, bins), |n| n as f64);
    printed(mean(100, 10), 15.12453);
    printed(mean(100, 100), 4.232595);
    let mut table = Table::new("B05 balls into bins");
    for (balls, bins, median, p99) in [(100, 10, 15.0, 20.0), (100, 100, 4.0, 6.0)] {
        let text = format!(
            "(duration: \"1s\", settle: \"1s\", sample: \"1s\",
              components: {{ \"s\": Service(replicas: {bins},
                  operations: {{ \"get\": [Wait(\"1ms\")] }}) }},
              policies: {{ \"s\": (balance: Random) }},
              traffic: {{ \"users\": Open(rate: [Burst({balls})], to: \"s.get\") }})"
        );
        let runs = measure(&text, 2000);
        let most = |r: &RunRecord| members(r).iter().map(|it| it.arrived).max().unwrap_or(0) as f64;
        let name = |what: &str| format!("{balls} into {bins}: {what}");
        let truth = mean(balls, bins);
        table.row(&name("E[max]"), truth, Percent(1.0), &runs, most);
        let mut sorted: Vec<f64> = runs.iter().map(most).collect();
        sorted.sort_by(f64::total_cmp);
        table.values(&name("median"), median, Absolute(1.0), &[sorted[1000]; 2]);
        table.values(&name("p99"), p99, Absolute(1.0), &[sorted[1980]; 2]);
        let share = 1.0 - 1.0 / bins as f64;
        let none = |r: &RunRecord| {
            let arrived: Vec<f64> = members(r).iter().map(|it| it.arrived as f64).collect();
            part(&arrived, |n| n == 0.0)
        };
        if bins == balls {
            let truth = libm::pow(share, balls as f64);
            table.row(&name("empty"), truth, Percent(1.0), &runs, none);
        }
    }
    table.close();
}

/// The share of one of N members with v points each is Beta(v, (N − 1) v): its coefficient of
/// variation, over fifty rings of ten members. They are parts of one ring of five hundred, in which
/// only ten members serve: rings of other sizes would share most of their points.
#[test]
fn b07_shares_of_a_ring() {
    let spread = |n: f64, v: f64| libm::sqrt((n - 1.0) / (n * v + 1.0));
    printed(spread(10.0, 100.0), 0.09482093);
    printed(spread(100.0, 40.0), 0.1573017);
    const KEYS: u64 = 20_000;
    let fair = KEYS as f64 / 10.0;
    let mut table = Table::new("B07 shares of a ring");
    for points in [1, 10, 100, 160] {
        let ring = Ring::new(500, points);
        let variance = |of: u16| {
            let mut counts = [0.0; 10];
            for key in 0..KEYS {
                let owner = ring.member(scatter(key), |member| member / 10 == of);
                counts[usize::from(owner.expect("ten serve") % 10)] += 1.0;
            }
            let squares: f64 = counts.iter().map(|count| (count - fair) * (count - fair)).sum();
            // Keys are thrown by chance, too: that part of the variance is not the ring's.
            squares / 10.0 / fair / fair - 0.9 / fair
        };
        let rings: Vec<f64> = (0..50).map(variance).collect();
        let measured = libm::sqrt(average(&rings));
        let truth = spread(10.0, f64::from(points));
        table.values(&format!("v={points} CV"), truth, Percent(10.0), &[measured; 2]);
    }
    table.close();
}
