//! Simulated time: whole nanoseconds, because sums of whole numbers do not depend on their order.
//!
//! Named `Time` and `Span` so that `std::time::Instant` always means the wall clock, and can be
//! banned.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

/// A point in simulated time: nanoseconds since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// A length of simulated time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Time {
    /// The start of every run.
    pub const ZERO: Time = Time(0);
    /// Later than anything that happens.
    pub const NEVER: Time = Time(u64::MAX);

    /// Seconds since the run began; for reports, never for decisions.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// The time since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);

    /// A span of whole nanoseconds.
    pub const fn nanos(n: u64) -> Span {
        Span(n)
    }
    /// A span of whole microseconds.
    pub const fn micros(n: u64) -> Span {
        Span(n * 1_000)
    }
    /// A span of whole milliseconds.
    pub const fn millis(n: u64) -> Span {
        Span(n * 1_000_000)
    }
    /// A span of whole seconds.
    pub const fn secs(n: u64) -> Span {
        Span(n * 1_000_000_000)
    }

    /// From a drawn number of nanoseconds: rounded down; negative and NaN become zero.
    #[inline]
    pub fn from_f64(nanos: f64) -> Span {
        Span(nanos as u64)
    }

    /// In seconds; for reports, never for decisions.
    pub fn as_secs(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Whether this is no time at all.
    pub fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Saturates at [`Time::NEVER`], so that "wait for ever" needs no special case.
impl Add<Span> for Time {
    type Output = Time;
    #[inline]
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

/// Panics if `earlier` is later: time never runs backwards.
impl Sub<Time> for Time {
    type Output = Span;
    #[inline]
    fn sub(self, earlier: Time) -> Span {
        Span(self.0 - earlier.0)
    }
}

impl Add for Span {
    type Output = Span;
    #[inline]
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, times: u64) -> Span {
        Span(self.0.saturating_mul(times))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Span(self.0).fmt(f)
    }
}

/// The largest unit that leaves at least 1, three significant digits: `1.5ms`, `12.3s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            0 => return f.write_str("0s"),
            n if n < 1_000 => return write!(f, "{n}ns"),
            n if n < 1_000_000 => (n as f64 / 1e3, "us"),
            n if n < 1_000_000_000 => (n as f64 / 1e6, "ms"),
            n => (n as f64 / 1e9, "s"),
        };
        let text = match value {
            v if v < 9.995 => format!("{v:.2}"),
            v if v < 99.95 => format!("{v:.1}"),
            v => format!("{v:.0}"),
        };
        let text = match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.'),
            false => &text,
        };
        write!(f, "{text}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_a_person_would_write_them() {
        let shown = [0, 999, 1_500, 20_000, 1_500_000, 300_000_000, 61_000_000_000]
            .map(|nanos| Span(nanos).to_string());
        assert_eq!(shown, ["0s", "999ns", "1.5us", "20us", "1.5ms", "300ms", "61s"]);
    }
}
