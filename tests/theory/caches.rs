//! Caches: times to live, warm-up, and the arithmetic of hits. Times are in seconds here.

use engine::RunRecord;

use super::{Absolute, Percent, Table, length, measure, operation, printed};

/// A cache in front of nothing: a miss fills it at once.
fn play(draw: &str, cache: &str, rate: &str, duration: f64) -> Vec<RunRecord> {
    let text = format!(
        r#"(duration: "{duration}s", sample: "200ms", draws: {{ "item": {draw} }},
            components: {{
                "web": Service(operations: {{ "get": [Read("item", (through: ["it"]))] }}),
                "it": Cache(key: "item", access: "1ns", capacity: 100_000, {cache}),
            }},
            traffic: {{ "users": Open({rate}, to: "web.get") }})"#
    );
    measure(&text.replace("sample: \"200ms\"", &sample(duration)), 12)
}

/// A fifth of a second, or as many intervals as there may be.
fn sample(duration: f64) -> String {
    format!("sample: \"{}ms\"", (duration / 10.0).max(200.0).ceil())
}

fn total(record: &RunRecord, name: &str) -> f64 {
    let it = record.groups.iter().find(|group| group.name == "it").expect("the cache");
    it.totals[name] as f64
}

fn hits(record: &RunRecord) -> f64 {
    let (hits, misses) = (total(record, "hits"), total(record, "misses"));
    hits / (hits + misses)
}

/// Case C03: a Poisson stream of rate λ on one key. Fixed from the fill, a period is T and the
/// wait for the next request: λT/(1 + λT) hit. Sliding, a request hits if the last one was less
/// than T ago: 1 − e^(−λT).
#[test]
fn c03_times_to_live() {
    let fixed = |rate: f64, ttl: f64| rate * ttl / (1.0 + rate * ttl);
    let sliding = |rate: f64, ttl: f64| 1.0 - libm::exp(-rate * ttl);
    printed(fixed(10.0, 1.0), 0.9090909);
    printed(sliding(1.0, 1.0), 0.6321206);
    let mut table = Table::new("C03 times to live");
    for (rate, ttl) in [(1.0, 1.0), (10.0, 1.0), (0.5, 10.0)] {
        let duration = 10_000.0 * length() / rate;
        for (how, truth) in [("false", fixed(rate, ttl)), ("true", sliding(rate, ttl))] {
            let cache = format!("ttl: \"{ttl}s\", sliding: {how}");
            let runs = play("Always(0)", &cache, &format!("rate: \"{rate}/s\""), duration);
            let what = format!("λ={rate} T={ttl} sliding {how}");
            table.row(&format!("{what}: hits"), truth, Absolute(0.005), &runs, hits);
            let origin = |r: &RunRecord| total(r, "misses") / duration;
            let load = rate * (1.0 - truth);
            if how == "false" {
                table.row(&format!("{what}: origin"), load, Percent(2.0), &runs, origin);
            }
        }
    }
    let even = "rate: \"200/min\", arrivals: Even";
    let runs = play("Always(0)", "ttl: \"1s\"", even, 300.0);
    table.row("every 0.3 s, T=1: 3 of 4", 0.75, Absolute(0.005), &runs, hits);
    table.close();
}

/// Case C04: one key, λ = 100 requests a second, T = 10 s, d = 0.5 s to fetch. Without protection
/// 1 + λd = 51 fetch it in a period. The case lets a period end T after the first of them is
/// done, and ignores the others: 51 of λ(1/λ + d + T) requests miss. Here every one of them puts
/// the value in, as `SET` does: the last comes half a second later, so that a period is 2d + T,
/// and 51 of 1100 miss. With single flight there is one fetch in 1/λ + d + T.
#[test]
fn c04_stampedes() {
    let (rate, ttl, fetch) = (100.0, 10.0, 0.5);
    let period = 1.0 / rate + fetch + ttl;
    printed((1.0 + rate * fetch) / (rate * period), 0.04852521);
    printed(1.0 / period, 0.09514748);
    let duration = 4000.0 * length();
    let play = |cache: &str| {
        let text = format!(
            r#"(duration: "{duration}s", {}, draws: {{ "item": Always(0) }},
                components: {{
                    "web": Service(operations: {{ "get": [
                        Read("item", (through: ["it"], miss: [Wait("500ms")])),
                    ] }}),
                    "it": Cache(key: "item", access: "1ns", ttl: "10s", {cache}),
                }},
                traffic: {{ "users": Open(rate: "100/s", to: "web.get") }})"#,
            sample(duration)
        );
        measure(&text, 12)
    };
    let mut table = Table::new("C04 stampedes");
    let missed = |r: &RunRecord| 1.0 - hits(r);
    table.row("unprotected: misses", 51.0 / 1100.0, Percent(2.0), &play(""), missed);
    let origin = |r: &RunRecord| total(r, "misses") / duration;
    table.row("single flight: origin", 1.0 / period, Percent(1.0), &play("coalesce: true"), origin);
    table.close();
}

/// Zipf(1) over `items`: the probability of each rank.
fn zipf(items: u32) -> Vec<f64> {
    let weights: Vec<f64> = (1..=items).map(|rank| 1.0 / f64::from(rank)).collect();
    let all: f64 = weights.iter().sum();
    weights.iter().map(|weight| weight / all).collect()
}

/// Case C03: a thousand keys by Zipf(1), a thousand requests a second.
#[test]
fn c03_many_keys() {
    let law = |ttl: f64| -> f64 {
        zipf(1000).iter().map(|p| p * (1000.0 * p * ttl) / (1.0 + 1000.0 * p * ttl)).sum()
    };
    printed(law(1.0), 0.714773);
    printed(law(10.0), 0.9253721);
    printed(law(60.0), 0.9842948);
    let mut table = Table::new("C03 many keys");
    for (ttl, duration) in [(1.0, 20.0), (10.0, 100.0)] {
        let draw = "Zipf(items: 1000, exponent: 1.0)";
        let runs = play(draw, &format!("ttl: \"{ttl}s\""), "rate: \"1000/s\"", duration);
        table.row(&format!("T={ttl}: hits"), law(ttl), Absolute(0.005), &runs, hits);
    }
    table.close();
}

/// Case C07: after t seconds a key of popularity p is there with probability 1 − e^(−λpt).
#[test]
fn c07_warming_up() {
    let law = |at: f64| -> f64 {
        zipf(10_000).iter().map(|p| p * (1.0 - libm::exp(-1000.0 * p * at))).sum()
    };
    printed(law(1.0), 0.5896109);
    printed(law(10.0), 0.8157297);
    printed(law(60.0), 0.9547693);
    let draw = "Zipf(items: 10_000, exponent: 1.0)";
    let runs = play(draw, "", "rate: \"1000/s\"", 61.0);
    let mut table = Table::new("C07 warming up");
    for at in [1.0, 10.0, 60.0] {
        // The intervals of 200 ms before and after.
        let around = |record: &RunRecord| {
            let column = |c: &&engine::record::Column| {
                c.component == "it" && c.member.is_empty() && c.metric == "hit_ratio"
            };
            let column = record.series.columns.iter().find(column).expect("hits by time");
            let after = (at * 5.0) as usize;
            (column.values[after - 1] + column.values[after]) / 2.0
        };
        table.row(&format!("hits at {at} s"), law(at), Absolute(0.01), &runs, around);
    }
    table.close();
}

/// Case C06: hits of 1 ms and misses of 1 + 20 ms at 95 %: 2 ms. At 90 % the origin has twice as
/// much to do. A full cache of c of n equally popular keys hits c/n, whoever goes.
#[test]
fn c06_the_arithmetic_of_hits() {
    let play = |capacity: u32| {
        let text = format!(
            r#"(duration: "4000s", warmup: "1000s", draws: {{ "item": Uniform(100) }},
                components: {{
                    "web": Service(operations: {{ "get": [
                        Read("item", (through: ["it"], miss: [Wait("20ms")])),
                    ] }}),
                    "it": Cache(key: "item", access: "1ms", capacity: {capacity}, evict: Fifo),
                }},
                traffic: {{ "users": Open(rate: "4/s", to: "web.get") }})"#
        );
        measure(&text, 12)
    };
    let (good, worse) = (play(95), play(90));
    let mut table = Table::new("C06 the arithmetic of hits");
    let took = |r: &RunRecord| operation(r, "web.get").took.mean() / 1e6;
    table.row("95 %: mean, ms", 2.0, Percent(2.0), &good, took);
    table.row("90 %: mean, ms", 3.0, Percent(2.0), &worse, took);
    // It is full after 100 (H(100) − H(5)) = 290 of 16 000 requests, after 226 with 90 entries; of
    // the misses from then on, those for the last five keys (ten) are their first.
    let load = |r: &RunRecord| total(r, "misses") - total(r, "cold");
    table.row("95 %: misses that evict", 0.05 * 15_710.0 - 5.0, Percent(3.0), &good, load);
    table.row("90 %: misses that evict", 0.1 * 15_774.0 - 10.0, Percent(3.0), &worse, load);
    table.close();
}
