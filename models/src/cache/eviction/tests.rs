//! The policies against worked traces, laws that hold for all, and closed forms.

use engine::Time;
use engine::chance::{Numbers, Stream, Zipf};

use super::*;

/// Asks for each letter, puts it in on a miss; one `H` or `M` a letter.
fn trace(cache: &mut Cache<()>, letters: &str) -> String {
    let one = |letter: char| if ask(cache, letter as u64) { 'H' } else { 'M' };
    letters.chars().map(one).collect()
}

/// Whether it hit; puts the key in if not.
fn ask(cache: &mut Cache<()>, key: u64) -> bool {
    let hit = cache.get(key, Time::ZERO).is_some();
    if !hit {
        cache.put(key, (), 1, Time::ZERO, Time::NEVER);
    }
    hit
}

/// Example 1 of the reference sheet; 2Q, CLOCK and SIEVE by hand, below.
#[test]
fn worked_traces_hit_and_miss_where_they_should() {
    let letters = "ABACABADEFGABA";
    let worked = [
        (Evict::Lru, 3, "MMHMHHHMMMMMMH"),
        (Evict::Fifo, 3, "MMHMHHHMMMMMMH"),
        (Evict::Lfu, 3, "MMHMHHHMMMMHHH"),
        (Evict::S3Fifo, 4, "MMHMHHHMMMMHMH"),
        // ABC with A and B marked. D: the hand wipes A and B, takes C: (A B D). E: both had
        // their second chance when they became newest before D came, so the order is A B D and
        // A goes; F takes B, G takes D; A, B miss again.
        (Evict::Clock, 3, "MMHMHHHMMMMMMH"),
        // SIEVE: D wipes A and B and takes C, the newest, so the hand starts over. E takes A, F
        // takes B, G takes D; A takes E and B takes F; A hits.
        (Evict::Sieve, 3, "MMHMHHHMMMMMMH"),
        // The same with a key more: A B C D, A and B marked. E wipes both and takes C; the hand
        // stays at D. F takes D, G takes E: A and B stand behind the hand and hit.
        (Evict::Sieve, 4, "MMHMHHHMMMMHHH"),
    ];
    for (evict, capacity, expected) in worked {
        let mut cache = Cache::new(evict, capacity, 1);
        assert_eq!(trace(&mut cache, letters), expected, "{evict:?}");
    }
}

/// The queues at the end of the sheet's trace: small F G, main A B, remembered C D E.
#[test]
fn s3_fifo_ends_with_the_queues_of_the_sheet() {
    let mut cache = Cache::new(Evict::S3Fifo, 4, 1);
    trace(&mut cache, "ABACABADEFGABA");
    let Chosen::S3Fifo(queues) = &cache.chosen else { panic!("it is S3-FIFO") };
    let word = |list: &slots::List| -> Vec<u64> {
        let mut keys = list.keys(&cache.slots);
        keys.sort_unstable();
        keys
    };
    let of = |letters: &str| letters.chars().map(|c| c as u64).collect::<Vec<_>>();
    assert_eq!(word(&queues.small), of("FG"));
    assert_eq!(word(&queues.main), of("AB"));
    assert_eq!(word(&queues.gone), of("CDE"));
}

/// Capacity 4: ARC keeps A, asked for again, through a scan of four (B C D E) that empties an LRU.
/// 2Q needs A to leave its queue and to come back first; then it stays.
#[test]
fn a_scan_does_not_wash_out_what_is_asked_for_again() {
    let last = |evict, letters: &str| trace(&mut Cache::new(evict, 4, 1), letters).pop();
    for evict in [Evict::Arc, Evict::Slru, Evict::Lfu, Evict::Sieve, Evict::S3Fifo] {
        assert_eq!(last(evict, "AAABCDEFA"), Some('H'), "{evict:?}");
    }
    assert_eq!(last(Evict::Lru, "AAABCDEFA"), Some('M'));
    assert_eq!(last(Evict::TwoQ, "AAABCDEFA"), Some('M'), "it was asked for only in the queue");
    assert_eq!(last(Evict::TwoQ, "ABCDEAFGHIA"), Some('H'));
}

/// A thousand keys in a cache of a hundred, with removals in between.
#[test]
fn no_policy_overfills_or_grows_or_loses_count() {
    for evict in EVICTIONS {
        let (mut cache, mut stream) = (Cache::new(evict, 100, 7), Stream::named(1, "keys", "x"));
        let mut places = 0;
        for step in 0..60_000u64 {
            let key = u64::from(stream.below(1000).min(stream.below(1000)));
            if stream.below(10) == 0 {
                cache.remove(key);
                assert!(cache.peek(key).is_none());
            } else {
                ask(&mut cache, key);
                assert!(cache.peek(key).is_some() || evict == Evict::Never, "{evict:?}");
            }
            assert!(cache.len() <= 100 && cache.weight() == cache.len() as u64);
            if step == 30_000 {
                places = cache.slots.places();
            }
        }
        let kept = (0..1000).filter(|&key| cache.peek(key).is_some()).count();
        assert_eq!(kept, cache.len(), "{evict:?}");
        assert!(places <= 200 && cache.slots.places() <= 200, "{evict:?}: at most as many ghosts");
        assert_eq!(cache.keys().count(), cache.len(), "{evict:?}");
        cache.clear(2);
        assert!(cache.is_empty() && cache.weight() == 0);
        assert!(!ask(&mut cache, 1) && ask(&mut cache, 1));
    }
}

#[test]
fn sizes_are_what_capacity_is_measured_in() {
    for evict in EVICTIONS {
        let (mut cache, mut stream) = (Cache::new(evict, 1000, 7), Stream::named(2, "keys", "x"));
        let put =
            |cache: &mut Cache<u32>, key, size| cache.put(key, size, size, Time::ZERO, Time::NEVER);
        assert!(!put(&mut cache, 1, 1001), "larger than the cache");
        for _ in 0..20_000 {
            let (key, size) = (u64::from(stream.below(300)), 1 + stream.below(99));
            if cache.get(key, Time::ZERO).is_none() || stream.below(4) == 0 {
                put(&mut cache, key, size);
            }
            assert!(cache.weight() <= 1000, "{evict:?}");
        }
        let weights = (0..300).filter_map(|key| cache.peek(key)).map(|&size| u64::from(size));
        assert_eq!(weights.sum::<u64>(), cache.weight(), "{evict:?}");
    }
}

/// Every size seven times as large, and the room too: the same hits. Of 700 the window is 7 and
/// the protected part 554, which is 79 entries, as of 100 it is 1 and 79.
#[test]
fn w_tiny_lfu_admits_by_bytes_as_by_entries() {
    let mut next = zipf_keys((1000, 0.9));
    let mut plain = Cache::new(Evict::TinyLfu, 100, 3);
    let mut bytes = Cache::sized(Evict::TinyLfu, 700, 7, 3);
    let mut hits = [0; 2];
    for _ in 0..50_000 {
        let key = next();
        hits[0] += u32::from(ask(&mut plain, key));
        match bytes.get(key, Time::ZERO) {
            Some(()) => hits[1] += 1,
            None => _ = bytes.put(key, (), 7, Time::ZERO, Time::NEVER),
        }
    }
    assert_eq!(hits[0], hits[1]);
}

/// With sizes from 1 to 99, what is asked for often stays: room of 1000 holds twenty, and keys
/// asked for once, a hundred after another, take none of it. An object larger than the window (10)
/// has to beat what would go for it.
#[test]
fn a_scan_of_large_objects_does_not_get_past_w_tiny_lfu() {
    let mut cache = Cache::sized(Evict::TinyLfu, 1000, 50, 3);
    let put = |cache: &mut Cache<()>, key, size| {
        if cache.get(key, Time::ZERO).is_none() {
            cache.put(key, (), size, Time::ZERO, Time::NEVER);
        }
    };
    (0..5).for_each(|_| (0..20).for_each(|key| put(&mut cache, key, 40 + key as u32)));
    (100..200).for_each(|key| put(&mut cache, key, 1 + (key % 99) as u32));
    let stayed = (0..20).filter(|key| cache.peek(*key).is_some()).count();
    assert_eq!(stayed, 20, "990 of 1000 are theirs");
}

/// The entry due first is renewed, by a put and by a hit that prolongs: it goes last. Three fit,
/// and Redis samples five times with replacement, so that over seeds the first due goes most often.
#[test]
fn what_was_renewed_is_not_due_first() {
    let secs = |secs: u64| Time(secs * 1_000_000_000);
    let gone = |seed, renew: fn(&mut Cache<()>, Time)| {
        let mut cache = Cache::new(Evict::RedisTtl, 3, seed);
        for (key, due) in [(1, 30), (2, 10), (3, 20)] {
            cache.put(key, (), 1, secs(1), secs(due));
        }
        renew(&mut cache, secs(40));
        cache.put(4, (), 1, secs(2), secs(90));
        (1..=3).find(|&key| cache.peek(key).is_none()).expect("one has to go")
    };
    let by_put: fn(&mut Cache<()>, Time) = |cache, until| {
        cache.put(2, (), 1, Time::ZERO, until);
    };
    let by_hit: fn(&mut Cache<()>, Time) = |cache, until| _ = cache.prolong(2, until);
    for renew in [by_put, by_hit] {
        let count = |key| (0..300).filter(|&seed| gone(seed, renew) == key).count();
        // Key 3 is missed by five samples with probability (2/3)^5 = 0.13.
        assert!((230..290).contains(&count(3)), "{}", count(3));
        assert!(count(2) < 5, "{}: only if all five samples are of it, 1 in 243", count(2));
    }
}

#[test]
fn never_refuses_what_does_not_fit() {
    let mut cache = Cache::new(Evict::Never, 2, 1);
    let results = [1, 2, 3, 2].map(|key| cache.put(key, (), 1, Time::ZERO, Time::NEVER));
    assert_eq!((results, cache.evicted()), ([true, true, false, true], 0));
}

/// Redis looks at five of three here, with replacement; the pool keeps what it saw. Over many
/// seeds the one that is due (idle) first goes more often than a third of the time, and never the
/// one just put in before it was sampled last.
#[test]
fn redis_prefers_the_worst_of_its_samples() {
    let gone = |evict, seed| {
        let mut cache = Cache::new(evict, 3, seed);
        for (key, due) in [(1, 30), (2, 10), (3, 20)] {
            let (now, until) = (Time(key * 1_000_000_000), Time(due * 1_000_000_000));
            cache.put(key, (), 1, now, until);
        }
        if evict == Evict::RedisLfu {
            for key in [1, 3].repeat(50) {
                cache.get(key, Time::ZERO);
            }
        }
        cache.put(4, (), 1, Time(9_000_000_000), Time(90_000_000_000));
        (1..=3).find(|&key| cache.peek(key).is_none()).expect("one has to go")
    };
    for (evict, worst) in [(Evict::RedisLru, 1), (Evict::RedisTtl, 2), (Evict::RedisLfu, 2)] {
        let times = (0..300).filter(|&seed| gone(evict, seed) == worst).count();
        // Missed by five samples with probability (2/3)^5 = 0.13.
        assert!((230..290).contains(&times), "{evict:?}: {times} of 300");
    }
}

/// Keys by popularity, one after the other.
fn zipf_keys((items, exponent): (u32, f64)) -> impl FnMut() -> u64 {
    let numbers = Numbers::Zipf(Zipf::new(items, exponent).expect("a proper Zipf"));
    let mut chance = engine::chance::Chance::new(5);
    let sampler = engine::chance::NumberSampler { numbers, stream: chance.stream("trace", "keys") };
    move || u64::from(chance.number(sampler))
}

/// The share of hits over Zipf requests, after as many to warm up.
fn hit_ratio(evict: Evict, zipf: (u32, f64), capacity: u64, requests: u32) -> f64 {
    let (mut next, mut cache) = (zipf_keys(zipf), Cache::new(evict, capacity, 3));
    for _ in 0..requests {
        ask(&mut cache, next());
    }
    let hits = (0..requests).filter(|_| ask(&mut cache, next()));
    hits.count() as f64 / f64::from(requests)
}

/// Case C02: LRU as Che's approximation says, FIFO and RANDOM as the exact product form does.
#[test]
fn hit_ratios_under_independent_requests_are_as_the_theory_says() {
    let cases = [
        ((10_000, 0.8), 100, 0.1566246, 0.1338431, 0.3000459),
        ((10_000, 0.8), 1000, 0.4366597, 0.3942208, 0.5706176),
        ((10_000, 1.0), 100, 0.3905255, 0.3427895, 0.5299945),
        ((10_000, 1.0), 1000, 0.6756018, 0.6309512, 0.7647908),
        ((100_000, 0.9), 1000, 0.3420612, 0.3062775, 0.4741882),
        ((1_000_000, 1.1), 10_000, 0.7562426, 0.7270877, 0.8180051),
    ];
    for (zipf, capacity, lru, fifo, best) in cases {
        let near = |evict, expected: f64, within: f64| {
            let ratio = hit_ratio(evict, zipf, capacity, 1_000_000);
            assert!((ratio - expected).abs() < within, "{evict:?} {zipf:?} {capacity}: {ratio}");
        };
        near(Evict::Lru, lru, 0.005);
        near(Evict::Fifo, fifo, 0.003);
        near(Evict::Random, fifo, 0.003);
        // Nothing beats keeping the most popular; what counts uses comes near.
        for evict in [Evict::Lfu, Evict::TinyLfu, Evict::Sieve, Evict::S3Fifo, Evict::Arc] {
            let ratio = hit_ratio(evict, zipf, capacity, 300_000);
            assert!(lru < ratio && ratio < best + 0.003, "{evict:?} {zipf:?} {capacity}: {ratio}");
        }
    }
}

/// Case C02, perfect LFU: a cache that keeps the most popular and never lets another in.
#[test]
fn keeping_the_most_popular_hits_as_often_as_their_shares_say() {
    for (zipf, capacity, expected) in [
        ((10_000, 0.8), 1000, 0.5706176),
        ((10_000, 1.0), 100, 0.5299945),
        ((1_000_000, 1.1), 10_000, 0.8180051),
    ] {
        let (mut next, mut cache) = (zipf_keys(zipf), Cache::new(Evict::Never, capacity, 1));
        (0..capacity).for_each(|key| assert!(!ask(&mut cache, key)));
        let draws = 500_000;
        let hits = (0..draws).filter(|_| ask(&mut cache, next()));
        let ratio = hits.count() as f64 / f64::from(draws);
        assert!((ratio - expected).abs() < 0.002, "{zipf:?} {capacity}: {ratio}");
    }
}

/// A scan over one key more than fit: each is evicted just before it is asked for again.
#[test]
fn a_scan_over_one_too_many_never_hits_an_lru() {
    for evict in [Evict::Lru, Evict::Fifo, Evict::Clock] {
        assert!(!trace(&mut Cache::new(evict, 4, 1), &"ABCDE".repeat(10)).contains('H'));
    }
}
