//! From the text of a check to the check.

use engine::Time;
use models::units::Dur;
use models::wiring::did_you_mean;

use super::metric::METRICS;
use super::{Check, Metric, Op, Stat, Test, Unit, Window};
use crate::selector::Mistake;

const COMPARISONS: [(&str, Op); 7] = [
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("!=", Op::Unequal),
    ("==", Op::Equal),
    ("<", Op::Less),
    (">", Op::More),
    ("=", Op::Equal),
];

fn mistake<T>(message: impl Into<String>, help: Option<&str>) -> Result<T, Mistake> {
    Err(Mistake { message: message.into(), help: help.map(String::from) })
}

/// Words, comparisons, commas, and what stands in braces.
fn words(text: &str) -> Result<Vec<String>, Mistake> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let symbol = COMPARISONS.iter().find(|(symbol, _)| rest.starts_with(symbol));
        let length = match (first, symbol) {
            (_, Some((symbol, _))) => symbol.len(),
            ('{', _) => match rest.find('}') {
                Some(end) => end + 1,
                None => return mistake("`{` is never closed", Some("{op=shop.buy}")),
            },
            (',' | '×' | '*', _) => first.len_utf8(),
            _ => {
                let ends = |c: char| c.is_whitespace() || "{<>=!,×*".contains(c);
                rest.find(ends).unwrap_or(rest.len()).max(first.len_utf8())
            }
        };
        words.push(rest[..length].to_string());
        rest = rest[length..].trim_start();
    }
    Ok(words)
}

/// The words that have not been read yet.
struct Words(std::iter::Peekable<std::vec::IntoIter<String>>);

impl Words {
    fn take(&mut self, word: &str) -> bool {
        self.0.next_if(|next| next == word).is_some()
    }

    fn next(&mut self, what: &str) -> Result<String, Mistake> {
        match self.0.next() {
            Some(word) => Ok(word),
            None => mistake(format!("the check ends where {what} should stand"), None),
        }
    }
}

/// Reads a check.
pub fn parse(text: &str, index: usize) -> Result<Check, Mistake> {
    let mut words = Words(words(text)?.into_iter().peekable());
    let finally = words.take("finally");
    let mean = words.take("mean");
    let name = words.next("a metric")?;
    let Some(metric) = Metric::find(&name) else {
        let known: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        let help =
            did_you_mean(&name, &known).unwrap_or_else(|| format!("metrics: {}", known.join(", ")));
        return mistake(format!("there is no metric `{name}`"), Some(&help));
    };
    let braces = words.0.next_if(|next| next.starts_with('{'));
    let labels = braces.map_or(Ok(Vec::new()), |braces| labels(&braces))?;
    let mut check = Check {
        text: text.into(),
        index,
        finally,
        mean,
        metric,
        labels,
        stat: Stat::Plain,
        test: Test::Compare(Op::Equal, 0.0),
        window: None,
        variants: Vec::new(),
        relative_to: None,
    };
    check.stat = stat(metric, &mut words)?;
    // Windows and variants may stand before the comparison, too.
    suffixes(&mut check, &mut words)?;
    check.test = test(&mut check, &mut words)?;
    suffixes(&mut check, &mut words)?;
    if let Some(word) = words.0.next() {
        let help = "after the limit: during a..b, after a, before b, at end, in variant";
        return mistake(format!("`{word}` is not understood here"), Some(help));
    }
    Ok(check)
}

fn labels(braces: &str) -> Result<Vec<(String, String)>, Mistake> {
    let inside = &braces[1..braces.len() - 1];
    let mut labels = Vec::new();
    let (mut depth, mut part) = (0, String::new());
    // Commas inside parentheses belong to the value: Partition(zone:a, zone:b).
    for c in inside.chars().chain([',']) {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if c != ',' || depth > 0 {
            part.push(c);
            continue;
        }
        let (name, value) = part.split_once('=').unwrap_or(("", &part));
        let (name, value) = (name.trim().to_string(), value.trim().trim_matches('"').to_string());
        if value.is_empty() {
            return mistake("braces hold labels: {op=shop.buy}", None);
        }
        if labels.iter().any(|(known, _): &(String, String)| *known == name) {
            return mistake(format!("`{name}` is said twice"), None);
        }
        labels.push((name, value));
        part.clear();
    }
    Ok(labels)
}

fn stat(metric: &Metric, words: &mut Words) -> Result<Stat, Mistake> {
    let of_window = ["during", "after", "before", "at", "in", "within"];
    let is_stat = |next: &String| {
        !COMPARISONS.iter().any(|(symbol, _)| symbol == next) && !of_window.contains(&&**next)
    };
    let word = words.0.next_if(is_stat);
    let numbers = || {
        let shown = metric.stats.iter().map(|s| if s.is_empty() { "(nothing)" } else { s });
        format!("of `{}` there are: {}", metric.name, shown.collect::<Vec<_>>().join(", "))
    };
    let stat = match word.as_deref() {
        None => Stat::Plain,
        Some("max") => Stat::Max,
        Some("min") => Stat::Min,
        Some("mean") => Stat::Mean,
        Some("rate") => Stat::Rate,
        Some(word) => match quantile(word) {
            Some(q) if (LOWEST..=1.0).contains(&q) => Stat::Quantile(q),
            Some(_) => return mistake("percentiles lie between 0.01 and 100", Some("p99.9")),
            None => {
                return mistake(format!("`{word}` is not understood here"), Some(&numbers()));
            }
        },
    };
    if metric.has(stat) {
        return Ok(stat);
    }
    let which = word.map_or("as a plain number".into(), |word| format!("as `{word}`"));
    mistake(format!("`{}` cannot be measured {which}", metric.name), Some(&numbers()))
}

/// Below p0.01 there is the minimum, which has a word of its own.
const LOWEST: f64 = 0.0001;

/// `p99`, `p99.9`, `p(99)`
fn quantile(word: &str) -> Option<f64> {
    let digits = word.strip_prefix('p')?;
    let digits = digits.strip_prefix('(').and_then(|d| d.strip_suffix(')')).unwrap_or(digits);
    digits.parse::<f64>().ok().map(|percent| percent / 100.0)
}

fn test(check: &mut Check, words: &mut Words) -> Result<Test, Mistake> {
    let symbol = words.next("a comparison")?;
    let read = |unit: Unit, text: &str| {
        unit.parse(text).map_err(|message| Mistake { message, help: None })
    };
    if symbol == "within" {
        let range = words.next("a range")?;
        let Some((low, high)) = range.split_once("..") else {
            return mistake(format!("`{range}` is no range"), Some("within 0.63..0.77"));
        };
        let (low, high) = (read(check.unit(), low)?, read(check.unit(), high)?);
        if low > high {
            return mistake(format!("nothing is within {range}"), None);
        }
        return Ok(Test::Within(low, high));
    }
    let Some((_, op)) = COMPARISONS.iter().find(|(known, _)| *known == symbol) else {
        let help = "compare with <, <=, >, >=, =, != or within a..b";
        return mistake(format!("`{symbol}` is no comparison"), Some(help));
    };
    let limit = words.next("a limit")?;
    if words.take("×") || words.take("*") || words.take("x") {
        check.relative_to = Some(words.next("a variant")?);
    }
    let value = read(check.unit(), &limit);
    Ok(Test::Compare(*op, value.map_err(|it| as_rate(check, &symbol, &limit).unwrap_or(it))?))
}

/// `errors = 0%` means the rate of errors, `goodput > 950/s` that of goodput.
fn as_rate(check: &Check, symbol: &str, limit: &str) -> Option<Mistake> {
    let (metric, stat) = (check.metric, check.stat);
    let fits = metric.has(Stat::Rate) && metric.unit(Stat::Rate).parse(limit).is_ok();
    let help = format!("write `{} rate {symbol} {limit}`", metric.name);
    let message = format!("`{limit}` is no number");
    (stat == Stat::Plain && fits).then_some(Mistake { message, help: Some(help) })
}

fn suffixes(check: &mut Check, words: &mut Words) -> Result<(), Mistake> {
    loop {
        let window = check.window.take();
        let said = window.is_some();
        if words.take("during") {
            let range = words.next("a range of times")?;
            let Some((from, to)) = range.split_once("..") else {
                return mistake(format!("`{range}` is no range"), Some("during 60s..180s"));
            };
            let (from, to) = (time(from)?, time(to)?);
            if from >= to {
                return mistake(format!("nothing is during {range}"), None);
            }
            check.window = Some(Window::Between(from, to));
        } else if words.take("after") {
            check.window = Some(Window::Between(time(&words.next("a time")?)?, Time::NEVER));
        } else if words.take("before") {
            check.window = Some(Window::Between(Time::ZERO, time(&words.next("a time")?)?));
        } else if words.take("at") {
            let word = words.next("`end`")?;
            if word != "end" {
                return mistake(format!("`at {word}` is not understood"), Some("at end"));
            }
            check.window = Some(Window::AtEnd);
        } else if words.take("in") {
            check.variants.push(words.next("a variant")?);
            while words.take(",") {
                check.variants.push(words.next("a variant")?);
            }
        } else {
            check.window = window;
            return Ok(());
        }
        match (said, check.window) {
            (true, Some(_)) => {
                return mistake("two windows in one check", Some("write two checks"));
            }
            (true, None) => check.window = window,
            _ => {}
        }
    }
}

fn time(text: &str) -> Result<Time, Mistake> {
    match Dur::parse(text) {
        Ok(dur) => Ok(Time::ZERO + dur.0),
        Err(message) => mistake(message, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Check {
        parse(text, 0).unwrap_or_else(|it| panic!("{text}: {}", it.message))
    }

    #[test]
    fn checks_are_read() {
        let check = read("latency{op=edge.buy} p99 < 1s during 60s..180s");
        assert_eq!(check.labels, [("op".to_string(), "edge.buy".to_string())]);
        assert_eq!(check.stat, Stat::Quantile(0.99));
        assert_eq!(check.test, Test::Compare(Op::Less, 1e9));
        let window = Window::Between(Time(60_000_000_000), Time(180_000_000_000));
        assert_eq!(check.window, Some(window));

        let check = read("finally rows{table=seat, state=held} = 0 in same-seat, different-seats");
        assert!(check.finally && check.variants == ["same-seat", "different-seats"]);
        assert_eq!(check.label("state"), Some("held"));

        let check = read("mean count{sold} within 0.63..0.77 in same-seat");
        assert!(check.mean && check.label("") == Some("sold"));
        assert_eq!(check.test, Test::Within(0.63, 0.77));

        assert_eq!(read("errors rate <= 1%").test, Test::Compare(Op::AtMost, 0.01));
        assert_eq!(read("lag{topic=orders} max < 20_000").stat, Stat::Max);
        assert_eq!(read("lag{topic=events} = 0 at end").window, Some(Window::AtEnd));
        assert_eq!(read("goodput rate>=950/s after 30s").stat, Stat::Rate);
        assert_eq!(read("latency p(12.5) < 2s").stat, Stat::Quantile(0.125));
        let check = read("recovery{action=Partition(zone:a, zone:b)} < 20s");
        assert_eq!(check.label("action"), Some("Partition(zone:a, zone:b)"));
        let check = read("work{db} in after < 0.3 × before");
        assert_eq!(
            (check.variants, check.relative_to),
            (vec!["after".into()], Some("before".into()))
        );
    }

    #[test]
    fn mistakes_say_what_to_write() {
        let cases = [
            ("latncy p99 < 1s", "there is no metric `latncy`; did you mean `latency`?"),
            ("latency p99 < 400", "`400` is no time: write `400ms`; "),
            ("latency p99 < 1%", "`1%` is no time: write `400ms`; "),
            ("errors = 0%", "`0%` is no number; write `errors rate = 0%`"),
            ("goodput > 9/s", "`9/s` is no number; write `goodput rate > 9/s`"),
            ("errors rate < 0.01", "`0.01` is no share: write `1%`, from 0 to 100 %; "),
            ("latency p101 < 1s", "percentiles lie between 0.01 and 100; p99.9"),
            ("latency p0.0000001 < 1s", "percentiles lie between 0.01 and 100; p99.9"),
            ("latency p99 < 1s before 3s after 9s", "two windows in one check; write two checks"),
            ("latency p99 during 1s..2s < 1s at end", "two windows in one check; write two checks"),
            ("utilisation{x} max < 200%", "`200%` is no share: write `1%`, from 0 to 100 %; "),
            (
                "latency < 1s",
                "`latency` cannot be measured as a plain number; of `latency` \
                 there are: pNN, mean, max, min",
            ),
            (
                "latency p99 400ms",
                "`400ms` is no comparison; compare with <, <=, >, >=, =, != or within a..b",
            ),
            ("latency{op=x p99 < 1s", "`{` is never closed; {op=shop.buy}"),
            ("latency p99 <", "the check ends where a limit should stand; "),
            ("errors rate < 1% at noon", "`at noon` is not understood; at end"),
            ("errors rate < 1% during 9s..3s", "nothing is during 9s..3s; "),
            ("count{x} within 5..1", "nothing is within 5..1; "),
        ];
        for (text, said) in cases {
            let Mistake { message, help } = parse(text, 0).unwrap_err();
            assert_eq!(format!("{message}; {}", help.unwrap_or_default()), said, "{text}");
        }
    }
}
