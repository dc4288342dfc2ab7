//! Chance, in its simplest form, until the samplers land.
use crate::time::Span;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamId(u32);
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Dist {
    Fixed(Span),
    Exp(f64),
}
#[derive(Clone, Copy, Debug)]
pub struct Sampler {
    pub dist: Dist,
    pub stream: StreamId,
}
#[derive(Clone, Copy, Debug)]
pub struct Coin {
    pub probability: f64,
    pub stream: StreamId,
}
#[derive(Clone, Copy, Debug)]
pub struct NumberSampler {
    pub stream: StreamId,
}
pub struct Chance {
    streams: Vec<ChaCha8Rng>,
    seed: u64,
}
impl Chance {
    pub fn new(seed: u64) -> Self {
        Chance { streams: vec![], seed }
    }
    pub fn stream(&mut self, owner: &str, purpose: &str) -> StreamId {
        let h = format!("{owner}/{purpose}")
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |h, b| (h ^ b as u64).wrapping_mul(0x100_0000_01b3));
        let mut r = ChaCha8Rng::seed_from_u64(self.seed);
        r.set_stream(h);
        self.streams.push(r);
        StreamId(self.streams.len() as u32 - 1)
    }
    pub fn unit(&mut self, s: StreamId) -> f64 {
        ((self.streams[s.0 as usize].next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }
    pub fn toss(&mut self, c: Coin) -> bool {
        self.unit(c.stream) < c.probability
    }
    pub fn below(&mut self, s: StreamId, n: u32) -> u32 {
        (self.unit(s) * n as f64) as u32
    }
    pub fn number(&mut self, n: NumberSampler) -> u32 {
        self.below(n.stream, 10)
    }
    pub fn sample(&mut self, s: Sampler) -> Span {
        match s.dist {
            Dist::Fixed(x) => x,
            Dist::Exp(m) => Span::from_f64(-m * libm::log(self.unit(s.stream))),
        }
    }
}
