//! How numbers are shown: one file, so that a number looks the same wherever it stands.

/// Nanoseconds with the largest unit that leaves at least 1: `212.4ms`.
pub fn time(nanos: f64) -> String {
    if !nanos.is_finite() {
        return "–".into();
    }
    let units = [(1e9, "s"), (1e6, "ms"), (1e3, "us"), (1.0, "ns")];
    let (scale, unit) = units.into_iter().find(|(scale, _)| nanos >= *scale).unwrap_or((1.0, "ns"));
    if nanos == 0.0 { "0".into() } else { format!("{}{unit}", digits(nanos / scale)) }
}

/// Four significant digits, without a useless fraction.
pub fn digits(value: f64) -> String {
    let decimals = match value.abs() {
        v if v >= 999.5 => 0,
        v if v >= 99.95 => 1,
        v if v >= 9.995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

/// A count: `812`, `9.6 k`, `5.76 M`.
pub fn count(n: f64) -> String {
    match n {
        n if !n.is_finite() => "–".into(),
        n if n >= 1e9 => format!("{} G", three(n / 1e9)),
        n if n >= 1e6 => format!("{} M", three(n / 1e6)),
        n if n >= 1e4 => format!("{} k", three(n / 1e3)),
        n => digits(n),
    }
}

fn three(value: f64) -> String {
    let decimals = match value {
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        _ => 2,
    };
    format!("{value:.decimals$}")
}

/// A fraction as a percentage.
pub fn percent(fraction: f64) -> String {
    if fraction.is_finite() { format!("{} %", digits(fraction * 100.0)) } else { "–".into() }
}

/// A number for a program: as short as reads back the same; nothing if there is none.
pub fn exact(value: f64) -> String {
    if value.is_finite() { format!("{value}") } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_look_as_a_person_would_write_them() {
        let times = [212_400_000.0, 1_318_000_000.0, 5_000.0, 999.0, 0.0].map(time);
        assert_eq!(times, ["212.4ms", "1.318s", "5us", "999ns", "0"]);
        assert_eq!(
            [812.0, 9_600.0, 12_345.0, 5_760_000.0].map(count),
            ["812", "9600", "12.3 k", "5.76 M"]
        );
        assert_eq!([0.00094, 0.61, f64::NAN].map(percent), ["0.094 %", "61 %", "–"]);
        assert_eq!([0.1, 5.0, f64::NAN].map(exact), ["0.1", "5", ""]);
    }
}
