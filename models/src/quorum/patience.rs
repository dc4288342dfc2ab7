//! How long a reader waits before it asks another replica: until most reads are over, as it has
//! seen lately.

use engine::Span;
use serde::Deserialize;

use crate::units::Dur;

/// When one more replica is asked to read, because those that were asked take long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum HurrySpec {
    /// After what 99 of 100 reads took that this node coordinated lately, reckoned anew at each
    /// heartbeat; half of `read_timeout` until there were any.
    #[default]
    P99,
    /// After so long.
    /// Example: `After("20ms")`
    After(Dur),
    /// Never.
    Never,
}

/// Eight buckets for each doubling, from a microsecond on.
const PARTS: u32 = 3;
const LEAST: u32 = 10;
const BUCKETS: usize = 256;
/// More are halved: those of long ago count less and less.
const MANY: u32 = 10_000;

/// How long reads took lately.
#[derive(Clone)]
pub struct Patience {
    counts: [u32; BUCKETS],
    total: u32,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { counts: [0; BUCKETS], total: 0 }
    }
}

impl Patience {
    /// A read took so long.
    pub fn took(&mut self, span: Span) {
        let nanos = span.0.max(1 << LEAST);
        let doublings = nanos.ilog2();
        let part = (nanos >> (doublings - PARTS)) as usize & ((1 << PARTS) - 1);
        let bucket = ((doublings - LEAST) as usize) << PARTS | part;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.total += 1;
        if self.total >= MANY {
            self.counts.iter_mut().for_each(|count| *count /= 2);
            self.total = self.counts.iter().sum();
        }
    }

    /// What 99 of 100 did not exceed, rounded up by at most an eighth; `None`: there were none.
    pub fn p99(&self) -> Option<Span> {
        let rank = (u64::from(self.total) * 99).div_ceil(100);
        let mut seen = 0;
        let reaches = |count: &u32| {
            seen += u64::from(*count);
            seen >= rank
        };
        let bucket = self.counts.iter().position(reaches).filter(|_| self.total > 0)? as u64;
        let (doublings, part) = (bucket >> PARTS, bucket & ((1 << PARTS) - 1));
        Some(Span((part + 1 + (1 << PARTS)) << (doublings + u64::from(LEAST - PARTS))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 99 reads of 1 ms and one of 1 s: the 99th of 100 is one of 1 ms, the 100th is not.
    #[test]
    fn ninety_nine_of_a_hundred() {
        let mut patience = Patience::default();
        assert_eq!(patience.p99(), None);
        (0..99).for_each(|_| patience.took(Span::millis(1)));
        patience.took(Span::secs(1));
        let p99 = patience.p99().expect("there were some");
        assert!(p99 > Span::millis(1) && p99 < Span::micros(1_126), "{p99:?}");
        patience.took(Span::secs(1));
        let p99 = patience.p99().expect("there were some");
        assert!(p99 > Span::secs(1) && p99 < Span::millis(1_126), "{p99:?}");
    }

    #[test]
    fn what_was_long_ago_is_forgotten() {
        let mut patience = Patience::default();
        (0..5000).for_each(|_| patience.took(Span::secs(3600)));
        (0..50_000).for_each(|_| patience.took(Span::ZERO));
        assert!(patience.p99().expect("there were some") < Span::micros(2));
    }
}
