//! The pause before a retry.

use engine::Span;

use super::spec::{BackoffSpec, Jitter};

/// How long to wait before a retry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Backoff {
    /// Always the same; zero is "at once".
    Fixed(Span),
    /// Doubling from `base` up to `cap`, spread by chance.
    Exponential {
        /// Before the first retry.
        base: Span,
        /// At most.
        cap: Span,
        /// How it is spread.
        jitter: Jitter,
    },
}

impl Backoff {
    /// As a scenario writes it.
    pub fn new(spec: &BackoffSpec) -> Backoff {
        match *spec {
            BackoffSpec::None => Backoff::Fixed(Span::ZERO),
            BackoffSpec::Fixed(span) => Backoff::Fixed(span.0),
            BackoffSpec::Exponential { base, cap, jitter } => {
                Backoff::Exponential { base: base.0, cap: cap.0, jitter }
            }
        }
    }

    /// The pause before retry number `retry` (from 1), after a pause of `last`. `unit` is a
    /// number in (0, 1), drawn only where there is jitter.
    pub fn pause(&self, retry: u32, last: Span, unit: impl FnOnce() -> f64) -> Span {
        let Backoff::Exponential { base, cap, jitter } = *self else {
            let Backoff::Fixed(span) = *self else { unreachable!() };
            return span;
        };
        let doubled = base.0.saturating_mul(1u64.checked_shl(retry - 1).unwrap_or(u64::MAX));
        let full = doubled.min(cap.0) as f64;
        Span::from_f64(match jitter {
            Jitter::None => full,
            Jitter::Full => full * unit(),
            Jitter::Equal => full / 2.0 + full / 2.0 * unit(),
            Jitter::Decorrelated => {
                let (low, high) = (base.0 as f64, 3.0 * last.0.max(base.0) as f64);
                (low + (high - low) * unit()).min(cap.0 as f64)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(jitter: Jitter, unit: f64) -> Vec<u64> {
        let (base, cap) = (Span::millis(100), Span::millis(10_000));
        let backoff = Backoff::Exponential { base, cap, jitter };
        let mut last = Span::ZERO;
        let pause = |retry| {
            last = backoff.pause(retry, last, || unit);
            last.0 / 1_000_000
        };
        (1..=8).map(pause).collect()
    }

    /// Worked example 3 of the resilience sheet: 100, 200, 400 … 6400, 10000.
    #[test]
    fn doubles_up_to_the_cap() {
        assert_eq!(pauses(Jitter::None, 0.5), [100, 200, 400, 800, 1600, 3200, 6400, 10_000]);
        assert_eq!(pauses(Jitter::Full, 0.5)[..3], [50, 100, 200]);
        assert_eq!(pauses(Jitter::Equal, 0.5)[..3], [75, 150, 300]);
    }

    /// s ← min(cap, U(base, 3s)), s₀ = base: at the middle, 100 → 200 → 350 → 575.
    #[test]
    fn decorrelated_jitter_walks() {
        assert_eq!(pauses(Jitter::Decorrelated, 0.5)[..3], [200, 350, 575]);
    }

    #[test]
    fn the_hundredth_retry_does_not_overflow() {
        let (base, cap) = (Span::secs(1), Span::secs(30));
        let backoff = Backoff::Exponential { base, cap, jitter: Jitter::None };
        assert_eq!(backoff.pause(100, Span::ZERO, || 0.5), cap);
    }
}
