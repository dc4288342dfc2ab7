//! Misses of LRU and FIFO on a block trace, beside the counts that libCacheSim's own tests expect
//! (case C09). The trace is public, but not ours to ship: `data/cloudPhysicsIO.oracleGeneral.bin`
//! of libCacheSim's sources, which its package `libcachesim` on PyPI has too. Then
//! `cd benches/beside && cargo run --release --bin trace -- FILE`.

use std::io::Write as _;

use engine::Time;
use models::cache::eviction::{Cache, Evict};

/// A request: an object and its size in bytes.
type Asked = (u64, u32);

/// Records of 24 bytes, little-endian: time (4), object (8), size (4), next use (8).
fn requests(trace: &[u8]) -> Vec<Asked> {
    let request = |record: &[u8]| {
        let object = u64::from_le_bytes(record[4..12].try_into().expect("eight bytes"));
        let size = u32::from_le_bytes(record[12..16].try_into().expect("four bytes"));
        (object, size)
    };
    trace.chunks_exact(24).map(request).collect()
}

/// How many requests miss. What is larger than the cache passes it by.
fn misses(evict: Evict, capacity: u64, requests: &[Asked]) -> u64 {
    let mut cache = Cache::new(evict, capacity, 1);
    let mut misses = 0;
    for &(object, size) in requests {
        if cache.get(object, Time::ZERO).is_none() {
            misses += 1;
            cache.put(object, (), size, Time::ZERO, Time::NEVER);
        }
    }
    misses
}

/// Capacities in bytes, and what libCacheSim expects of LRU and of FIFO.
const BYTES: [[u64; 3]; 8] = [
    [128 << 20, 93374, 93403],
    [256 << 20, 89783, 89386],
    [384 << 20, 83572, 84387],
    [512 << 20, 81722, 84025],
    [640 << 20, 72494, 72498],
    [768 << 20, 72104, 72228],
    [896 << 20, 71972, 72182],
    [1024 << 20, 71704, 72140],
];

/// The same in objects, all of one size.
const OBJECTS: [[u64; 3]; 5] = [
    [100, 100215, 101495],
    [1000, 94823, 95520],
    [5000, 91527, 91581],
    [10000, 79438, 79210],
    [20000, 72053, 72229],
];

fn main() -> std::io::Result<()> {
    let Some(file) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("which trace? cargo run --release --bin trace -- FILE"));
    };
    let sized = requests(&std::fs::read(file)?);
    let alike: Vec<Asked> = sized.iter().map(|&(object, _)| (object, 1)).collect();
    let mut out = std::io::stdout().lock();
    writeln!(out, "{:>12} {:>7} {:>8} {:>8}", "capacity", "policy", "misses", "expected")?;
    let mut wrong = 0;
    for (requests, rows) in [(&sized, &BYTES[..]), (&alike, &OBJECTS[..])] {
        for &[capacity, lru, fifo] in rows {
            for (evict, expected) in [(Evict::Lru, lru), (Evict::Fifo, fifo)] {
                let misses = misses(evict, capacity, requests);
                let name = format!("{evict:?}");
                writeln!(out, "{capacity:>12} {name:>7} {misses:>8} {expected:>8}")?;
                wrong += u32::from(misses != expected);
            }
        }
    }
    writeln!(out, "{wrong} of 26 differ")
}
