//! Values with units, as scenarios write them: `"250ms"`, `"1200/s"`, `"64MiB"`, `"0.1%"`.
//!
//! A bare number for a time is an error that says what to write: a number without a unit is how
//! milliseconds become seconds.

use std::fmt;

use engine::Span;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// A length of time: `"250ms"`, `"1.5s"`, `"1m30s"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dur(pub Span);

/// So many a time: `"1200/s"`, `"30/min"`. Kept per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Rate(pub f64);

/// A part of a whole: `"0.1%"`. Kept between 0 and 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Share(pub f64);

/// An amount of data: `"64MiB"`, `"1MB"`, `"512B"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// Units of time, in nanoseconds.
const TIMES: [(&str, f64); 11] = [
    ("ns", 1.0),
    ("us", 1e3),
    ("µs", 1e3),
    ("ms", 1e6),
    ("s", 1e9),
    ("sec", 1e9),
    ("m", 60e9),
    ("min", 60e9),
    ("h", 3600e9),
    ("d", 86_400e9),
    ("days", 86_400e9),
];

/// Units of data, in bytes.
const SIZES: [(&str, f64); 10] = [
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
];

/// The longest time that can be written: a hundred years.
const LONGEST: f64 = 100.0 * 365.0 * 86_400e9;

/// Splits off a number and the unit that follows it.
fn quantity(text: &str) -> Option<(f64, &str, &str)> {
    let text = text.trim_start();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == '_'))?;
    let number: f64 = text[..digits].replace('_', "").parse().ok()?;
    let rest = text[digits..].trim_start();
    let end = rest.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(rest.len());
    Some((number, &rest[..end], &rest[end..]))
}

impl Dur {
    /// The span of simulated time.
    pub fn span(self) -> Span {
        self.0
    }

    /// Reads a sum of quantities with units.
    pub fn parse(text: &str) -> Result<Dur, String> {
        let bad = || {
            format!(
                "`{text}` is no time: write a number with a unit, like \"250ms\" or \"1m30s\" \
                 (units: ns, us, ms, s, m, h, d)"
            )
        };
        let (mut rest, mut nanos) = (text.trim(), 0.0);
        if rest.is_empty() {
            return Err(bad());
        }
        while !rest.is_empty() {
            let (number, unit, after) = quantity(rest).ok_or_else(bad)?;
            let (_, scale) = TIMES.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
            nanos += number * scale;
            rest = after.trim_start();
        }
        if nanos > LONGEST {
            Err(format!("`{text}` is longer than a hundred years"))
        } else {
            Ok(Dur(Span(nanos.round() as u64)))
        }
    }
}

impl Rate {
    /// Reads `"1200/s"`.
    pub fn parse(text: &str) -> Result<Rate, String> {
        let bad =
            || format!("`{text}` is no rate: write so many a time, like \"1200/s\" or \"30/min\"");
        let (number, unit) = text.split_once('/').ok_or_else(bad)?;
        let number: f64 = number.trim().replace('_', "").parse().map_err(|_| bad())?;
        let unit = unit.trim();
        let (_, scale) = TIMES.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        let rate = number / (scale / 1e9);
        if (0.0..=1e9).contains(&rate) {
            Ok(Rate(rate))
        } else {
            Err(format!("`{text}` is out of range: 0 to 1000000000/s"))
        }
    }
}

impl Share {
    /// Reads `"0.1%"`.
    pub fn parse(text: &str) -> Result<Share, String> {
        let bad =
            || format!("`{text}` is no share: write a percentage between 0 and 100, like \"0.1%\"");
        let number = text.trim().strip_suffix('%').ok_or_else(bad)?;
        let percent: f64 = number.trim().parse().map_err(|_| bad())?;
        if (0.0..=100.0).contains(&percent) { Ok(Share(percent / 100.0)) } else { Err(bad()) }
    }
}

impl Bytes {
    /// Reads `"64MiB"`.
    pub fn parse(text: &str) -> Result<Bytes, String> {
        let bad = || {
            format!(
                "`{text}` is no size: write a number with a unit, like \"64MiB\" \
                 (units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB)"
            )
        };
        let (number, unit, rest) = quantity(text.trim()).ok_or_else(bad)?;
        let (_, scale) = SIZES.iter().find(|(name, _)| *name == unit).ok_or_else(bad)?;
        if rest.is_empty() && number * scale < 1e18 {
            Ok(Bytes((number * scale).round() as u64))
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for Dur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.0;
        let exact = [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
        ];
        let fits = exact.iter().find(|(_, scale)| nanos > 0 && nanos.is_multiple_of(*scale));
        match fits {
            Some((unit, scale)) => write!(f, "{}{unit}", nanos / scale),
            None => write!(f, "{nanos}ns"),
        }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 0.07 × 100 is 7.000000000000001: the short form, wherever it reads back the same.
        let exact = self.0 * 100.0;
        let short = (exact * 1e10).round() / 1e10;
        write!(f, "{}%", if short / 100.0 == self.0 { short } else { exact })
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}B", self.0)
    }
}

/// Reads a unit from a string, and tells whoever wrote a bare number what to write instead.
struct UnitVisitor<T> {
    parse: fn(&str) -> Result<T, String>,
    example: &'static str,
    what: &'static str,
}

impl<T> Visitor<'_> for UnitVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in quotes, like \"{}\"", self.what, self.example)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        self.visit_f64(number as f64)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        let unit = self.example.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        Err(E::custom(format!(
            "{} needs a unit: write \"{number}{unit}\", if that is meant",
            self.what
        )))
    }
}

macro_rules! unit {
    ($name:ident, $what:literal, $example:literal) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                from.deserialize_any(UnitVisitor {
                    parse: $name::parse,
                    example: $example,
                    what: $what,
                })
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_str(self)
            }
        }
    };
}

unit!(Dur, "a time", "250ms");
unit!(Rate, "a rate", "1200/s");
unit!(Share, "a share", "0.1%");
unit!(Bytes, "a size", "64MiB");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        let times = [
            ("250ms", 250_000_000),
            ("1.5s", 1_500_000_000),
            ("1m30s", 90_000_000_000),
            ("2 h", 7_200_000_000_000),
            ("10us", 10_000),
            ("0s", 0),
        ];
        for (text, nanos) in times {
            assert_eq!(Dur::parse(text), Ok(Dur(Span(nanos))), "{text}");
        }
        assert_eq!(Rate::parse("30/min"), Ok(Rate(0.5)));
        assert_eq!(Rate::parse("1_200/s"), Ok(Rate(1200.0)));
        assert_eq!(Share::parse("0.1%"), Ok(Share(0.001)));
        assert_eq!(Bytes::parse("64MiB"), Ok(Bytes(64 << 20)));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "30", "30 parsecs", "ms", "-1s", "1e400s", "200000d"] {
            assert!(Dur::parse(text).is_err(), "{text}");
        }
        assert!(Rate::parse("5").is_err() && Rate::parse("-5/s").is_err());
        assert!(Share::parse("101%").is_err() && Share::parse("0.5").is_err());
        assert!(Bytes::parse("5").is_err());
    }

    #[test]
    fn what_is_shown_is_read_back() {
        for text in ["250ms", "90s", "1500us", "7ns", "2h"] {
            let dur = Dur::parse(text).unwrap();
            assert_eq!(Dur::parse(&dur.to_string()), Ok(dur));
        }
        for text in ["0%", "0.1%", "7%", "29%", "57%", "99.9%", "0.07%", "100%"] {
            assert_eq!(Share::parse(text).unwrap().to_string(), text);
        }
        for text in ["1MB", "64MiB", "2TB"] {
            let size = Bytes::parse(text).unwrap();
            assert_eq!(Bytes::parse(&size.to_string()), Ok(size));
        }
    }
}
