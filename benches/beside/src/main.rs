//! What an access costs and how often it hits, beside moka (LRU, TinyLFU) and quick_cache (a kin of
//! S3-FIFO), on one Zipf trace: `cd benches/beside && cargo run --release`. The best of five; then
//! what ten million entries take.

use std::io::Write as _;
use std::time::Instant;

use engine::chance::{Chance, NumberSampler, Numbers, Zipf};
use engine::{Span, Time};
use models::cache::eviction::{Cache, EVICTIONS, Evict};

const CAPACITY: u64 = 10_000;

/// A cache under test: whether a key hits; if not, it is put in.
type Ask<'a> = Box<dyn FnMut(u64) -> bool + 'a>;

fn best_of_five(keys: &[u64], make: &dyn Fn() -> Ask<'static>) -> (f64, f64) {
    let mut best = (f64::INFINITY, 0.0);
    for _ in 0..5 {
        let mut ask = make();
        let start = Instant::now();
        let hits = keys.iter().filter(|&&key| ask(key)).count();
        let nanos = start.elapsed().as_secs_f64() * 1e9 / keys.len() as f64;
        best = (f64::min(best.0, nanos), hits as f64 / keys.len() as f64);
    }
    best
}

fn main() -> std::io::Result<()> {
    let zipf = Zipf::new(1_000_000, 0.9).expect("a proper Zipf");
    let mut chance = Chance::new(1);
    let stream = chance.stream("trace", "keys");
    let sampler = NumberSampler { numbers: Numbers::Zipf(zipf), stream };
    let keys: Vec<u64> = (0..2_000_000).map(|_| u64::from(chance.number(sampler))).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:12} {:>8} {:>8}", "policy", "ns", "hits")?;
    let mut line = |name: &str, make: &dyn Fn() -> Ask<'static>| {
        let (nanos, hits) = best_of_five(&keys, make);
        writeln!(out, "{name:12} {nanos:8.1} {hits:8.4}")
    };
    for evict in EVICTIONS {
        line(&format!("{evict:?}"), &|| {
            let mut cache = Cache::new(evict, CAPACITY, 1);
            // A millisecond an access: the clocks of Redis's policies tick in seconds.
            let mut now = Time::ZERO;
            Box::new(move |key| {
                now = now + Span::millis(1);
                let hit = cache.get(key, now).is_some();
                if !hit {
                    cache.put(key, key, 1, now, Time::NEVER);
                }
                hit
            })
        })?;
    }
    line("quick_cache", &|| {
        let cache = quick_cache::unsync::Cache::new(CAPACITY as usize);
        let mut cache: quick_cache::unsync::Cache<u64, u64> = cache;
        Box::new(move |key| {
            let hit = cache.get(&key).is_some();
            if !hit {
                cache.insert(key, key);
            }
            hit
        })
    })?;
    for (name, policy) in [
        ("moka lru", moka::policy::EvictionPolicy::lru()),
        ("moka tinylfu", moka::policy::EvictionPolicy::tiny_lfu()),
    ] {
        line(name, &|| {
            let builder = moka::sync::Cache::builder().max_capacity(CAPACITY);
            let cache: moka::sync::Cache<u64, u64> =
                builder.eviction_policy(policy.clone()).build();
            Box::new(move |key| {
                let hit = cache.get(&key).is_some();
                if !hit {
                    cache.insert(key, key);
                }
                hit
            })
        })?;
    }
    let mut cache = Cache::new(Evict::Lru, 10_000_000, 1);
    for key in 0..10_000_000u64 {
        cache.put(key, [key; 3], 1, Time::ZERO, Time::NEVER);
    }
    let megabytes = most_memory()? / 1000;
    writeln!(out, "{} entries of 24 bytes: {megabytes} MB, all of the above included", cache.len())
}

/// The most memory that this process had at any time, in kilobytes. Linux only.
fn most_memory() -> std::io::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mark = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let digits = mark.and_then(|mark| mark.trim().trim_end_matches("kB").trim().parse().ok());
    digits.ok_or_else(|| std::io::Error::other("no high-water mark"))
}
