//! Chance: named, independent, replayable streams, and everything that is drawn from them.
//!
//! A stream is named by owner and purpose, never by order of creation: adding something unrelated
//! changes nobody's draws. Streams live here, in the kernel's keeping; a component holds a `Copy`
//! sampler, so that a restart does not rewind chance.

mod dist;
mod empirical;
mod numbers;
mod ziggurat;

use std::collections::BTreeMap;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::time::Span;

pub use dist::{BadDist, Dist};
pub use empirical::{Empirical, EmpiricalId};
pub use numbers::{Hotspot, Numbers, Zipf};

/// Names a stream of one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamId(u32);

/// A distribution of spans tied to the stream that decides it. Cheap to copy; holds no state.
#[derive(Clone, Copy, Debug)]
pub struct Sampler {
    /// What is drawn.
    pub dist: Dist,
    /// From where.
    pub stream: StreamId,
}

/// A distribution of whole numbers tied to the stream that decides it.
#[derive(Clone, Copy, Debug)]
pub struct NumberSampler {
    /// What is drawn.
    pub numbers: Numbers,
    /// From where.
    pub stream: StreamId,
}

/// A probability tied to the stream that decides it.
#[derive(Clone, Copy, Debug)]
pub struct Coin {
    /// How often it falls on `true`, 0 to 1.
    pub probability: f64,
    /// From where.
    pub stream: StreamId,
}

/// How many words a stream makes at a time: what the generator makes in one go.
const BATCH: usize = 32;

/// One stream: ChaCha8 seeded by the run, its stream number a hash of its name. Words are handed
/// out of a buffer of our own, which halves what the library's own costs.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
    words: [u64; BATCH],
    next: usize,
}

impl Stream {
    /// The stream called `owner/purpose` of the run with this seed.
    pub fn named(seed: u64, owner: &str, purpose: &str) -> Stream {
        let mut generator = ChaCha8Rng::seed_from_u64(seed);
        generator.set_stream(name_hash(owner, purpose));
        Stream { generator, words: [0; BATCH], next: BATCH }
    }

    /// 64 random bits.
    #[inline]
    pub fn word(&mut self) -> u64 {
        if self.next >= BATCH {
            self.refill();
        }
        let word = self.words[self.next % BATCH];
        self.next += 1;
        word
    }

    #[cold]
    #[inline(never)]
    fn refill(&mut self) {
        let mut bytes = [0; 8 * BATCH];
        self.generator.fill_bytes(&mut bytes);
        for (word, bytes) in self.words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        self.next = 0;
    }

    /// A number in (0, 1): never 0, so that its logarithm is finite.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        ((self.word() >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number below `n`, all equally likely (Lemire's multiplication, with rejection).
    /// Panics if `n` is 0.
    #[inline]
    pub fn below(&mut self, n: u32) -> u32 {
        assert!(n > 0, "no whole number is below 0");
        loop {
            let product = (self.word() >> 32) * n as u64;
            if product as u32 >= n.wrapping_neg() % n {
                return (product >> 32) as u32;
            }
        }
    }
}

/// FNV-1a, 64 bits: the same for ever, whatever the standard library does.
fn name_hash(owner: &str, purpose: &str) -> u64 {
    let bytes = owner.bytes().chain([b'/']).chain(purpose.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// All streams of one run, and the tables behind them.
pub struct Chance {
    seed: u64,
    streams: Vec<Stream>,
    names: BTreeMap<u64, String>,
    empirical: Vec<Empirical>,
}

impl Chance {
    /// No streams yet.
    pub fn new(seed: u64) -> Chance {
        Chance { seed, streams: Vec::new(), names: BTreeMap::new(), empirical: Vec::new() }
    }

    /// The stream for one purpose of one owner. Panics if it was asked for before, or in the
    /// unlikely case that two names have one hash: both would tie what must be independent.
    pub fn stream(&mut self, owner: &str, purpose: &str) -> StreamId {
        let name = format!("{owner}/{purpose}");
        let taken = self.names.insert(name_hash(owner, purpose), name.clone());
        assert!(taken.is_none(), "the streams `{name}` and `{taken:?}` would be the same");
        self.streams.push(Stream::named(self.seed, owner, purpose));
        StreamId(self.streams.len() as u32 - 1)
    }

    /// A distribution made of observed values.
    pub fn empirical(&mut self, values: Empirical) -> Dist {
        let id = EmpiricalId(self.empirical.len() as u32);
        let mean = values.mean();
        self.empirical.push(values);
        Dist::Empirical { id, mean }
    }

    #[inline]
    fn at(&mut self, id: StreamId) -> &mut Stream {
        &mut self.streams[id.0 as usize]
    }

    /// Draws a span.
    #[inline]
    pub fn sample(&mut self, sampler: Sampler) -> Span {
        match sampler.dist {
            Dist::Fixed(span) => span,
            Dist::Empirical { id, .. } => {
                let unit = self.at(sampler.stream).unit();
                self.empirical[id.0 as usize].at(unit)
            }
            dist => dist.draw(self.at(sampler.stream)),
        }
    }

    /// Draws a whole number.
    #[inline]
    pub fn number(&mut self, sampler: NumberSampler) -> u32 {
        sampler.numbers.draw(self.at(sampler.stream))
    }

    /// Tosses a coin.
    #[inline]
    pub fn toss(&mut self, coin: Coin) -> bool {
        self.at(coin.stream).unit() < coin.probability
    }

    /// A number in (0, 1).
    #[inline]
    pub fn unit(&mut self, stream: StreamId) -> f64 {
        self.at(stream).unit()
    }

    /// An exponential number with mean 1.
    #[inline]
    pub fn exponential(&mut self, stream: StreamId) -> f64 {
        self.at(stream).exponential()
    }

    /// A whole number below `n`, all equally likely.
    #[inline]
    pub fn below(&mut self, stream: StreamId, n: u32) -> u32 {
        self.at(stream).below(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_creation_changes_no_draw() {
        let (mut one, mut two) = (Chance::new(7), Chance::new(7));
        let a = one.stream("shop/0", "work");
        two.stream("idle", "work");
        let b = two.stream("shop/0", "work");
        let draws = |chance: &mut Chance, id| -> Vec<u32> {
            (0..100).map(|_| chance.below(id, 1_000_000)).collect()
        };
        assert_eq!(draws(&mut one, a), draws(&mut two, b));
    }

    #[test]
    fn seeds_and_names_give_different_streams() {
        let first = |seed, owner: &str| Stream::named(seed, owner, "work").word();
        assert_ne!(first(1, "a"), first(2, "a"));
        assert_ne!(first(1, "a"), first(1, "b"));
    }

    #[test]
    #[should_panic(expected = "would be the same")]
    fn a_name_is_given_once() {
        let mut chance = Chance::new(1);
        chance.stream("a", "b");
        chance.stream("a", "b");
    }

    /// 600 000 draws below 6: each count is 100 000 with a standard deviation of 289.
    #[test]
    fn below_is_fair() {
        let mut stream = Stream::named(1, "die", "test");
        let mut counts = [0i64; 6];
        (0..600_000).for_each(|_| counts[stream.below(6) as usize] += 1);
        assert!(counts.iter().all(|count| (count - 100_000).abs() < 4 * 289), "{counts:?}");
    }
}
