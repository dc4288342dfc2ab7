//! Hit ratios of all policies on one Zipf trace, and the trace: for `benches/hit_ratios.py`.

use std::io::Write as _;

use engine::Time;
use engine::chance::{Chance, NumberSampler, Numbers, Zipf};
use models::cache::eviction::{Cache, EVICTIONS, Evict};

/// Requests of the trace.
const REQUESTS: u32 = 1_000_000;

fn hit_ratio(evict: Evict, capacity: u64, keys: &[u32]) -> f64 {
    let mut cache = Cache::new(evict, capacity, 1);
    let hits = keys.iter().filter(|&&key| {
        let hit = cache.get(u64::from(key), Time::ZERO).is_some();
        if !hit {
            cache.put(u64::from(key), (), 1, Time::ZERO, Time::NEVER);
        }
        hit
    });
    hits.count() as f64 / keys.len() as f64
}

fn main() -> std::io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [items, exponent, capacity] = words.as_slice() else {
        return Err(std::io::Error::other("usage: hit_ratios ITEMS EXPONENT CAPACITY"));
    };
    let wrong = |_| std::io::Error::other("not a number");
    let (items, capacity) =
        (items.parse().map_err(wrong)?, capacity.parse::<u32>().map_err(wrong)?);
    let zipf = exponent.parse().ok().and_then(|exponent| Zipf::new(items, exponent));
    let numbers = Numbers::Zipf(zipf.ok_or_else(|| std::io::Error::other("not an exponent"))?);
    let mut chance = Chance::new(1);
    let sampler = NumberSampler { numbers, stream: chance.stream("trace", "keys") };
    let keys: Vec<u32> = (0..REQUESTS).map(|_| chance.number(sampler)).collect();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    writeln!(out, "{items} {exponent} {capacity}")?;
    for evict in EVICTIONS {
        writeln!(out, "{evict:?} {:.6}", hit_ratio(evict, u64::from(capacity), &keys))?;
    }
    writeln!(out, "trace")?;
    keys.iter().try_for_each(|key| writeln!(out, "{key}"))?;
    out.flush()
}
