//! Before anything runs: whether a check names things that there are.

use engine::{RunRecord, Span, Time};
use models::wiring::did_you_mean;

use super::metric::{Kind, Label, METRICS, Source};
use super::{Check, Stat, Window};
use crate::selector::Mistake;

/// What checks can name.
#[derive(Debug)]
pub struct Names<'a> {
    /// The record of a run that did not happen.
    pub blank: &'a RunRecord,
    /// The labels of the timeline.
    pub actions: &'a [String],
    /// The variants of the scenario.
    pub variants: &'a [String],
    /// When traffic ends.
    pub traffic: Time,
    /// When the run ends.
    pub end: Time,
    /// The length of an interval.
    pub every: Span,
}

/// What is wrong with a check, and what is odd.
#[derive(Debug, Default)]
pub struct Found {
    /// It cannot be judged.
    pub errors: Vec<Mistake>,
    /// It can, with a reservation.
    pub warnings: Vec<Mistake>,
}

/// Tries a check against the names of the scenario.
pub fn bind(check: &Check, names: &Names<'_>) -> Found {
    let mut found = Found::default();
    for (name, value) in &check.labels {
        let labels = check.metric.labels;
        let label = match name.is_empty() {
            true => labels.first(),
            false => labels.iter().find(|label| label.name == name),
        };
        match label {
            Some(label) => found.errors.extend(unknown(label, value, names)),
            None => {
                let known: Vec<&str> = labels.iter().map(|label| label.name).collect();
                let named = !known.is_empty() && known != [""];
                let labels = || named.then(|| format!("labels: {}", known.join(", ")));
                let help = did_you_mean(name, &known).or_else(labels);
                let metric = check.metric.name;
                let shown = if name.is_empty() { value } else { name };
                let message = format!("`{metric}` has no label `{shown}`");
                found.errors.push(Mistake { message, help });
            }
        }
    }
    for label in check.metric.labels.iter().filter(|label| label.needed) {
        if check.label(label.name).is_none() {
            let name = if matches!(label.name, "" | "of") { "name" } else { label.name };
            let message = format!("`{}` of which {name}?", check.metric.name);
            let help = format!("write {}{{{}}}", check.metric.name, example(label));
            found.errors.push(Mistake { message, help: Some(help) });
        }
    }
    if found.errors.is_empty() {
        found.errors.extend(unmeasured(check, names.blank));
    }
    for variant in check.variants.iter().chain(&check.relative_to) {
        let known: Vec<&str> = names.variants.iter().map(String::as_str).collect();
        found.errors.extend(missing("variant", variant, &known));
    }
    window(check, names, &mut found);
    found
}

fn example(label: &Label) -> String {
    if label.name.is_empty() { "sold".into() } else { format!("{}=…", label.name) }
}

fn missing(what: &str, name: &str, known: &[&str]) -> Option<Mistake> {
    if known.contains(&name) {
        return None;
    }
    let known: Vec<&str> = known.iter().copied().filter(|name| !name.is_empty()).collect();
    let all = || (!known.is_empty()).then(|| format!("there is: {}", known.join(", ")));
    let help = did_you_mean(name, &known).or_else(all);
    Some(Mistake { message: format!("there is no {what} `{name}`"), help })
}

fn unknown(label: &Label, value: &str, names: &Names<'_>) -> Option<Mistake> {
    let blank = names.blank;
    let (what, known): (&str, Vec<&str>) = match label.kind {
        Kind::Operation => ("operation of users", keys(&blank.operations)),
        Kind::Log => ("topic or log", keys(&blank.logs)),
        Kind::Table => ("table", keys(&blank.tables)),
        Kind::Counter => ("counter", keys(&blank.counters)),
        // What it counts depends on who it is.
        Kind::Total => return None,
        Kind::Flow => ("flow with an age", keys(&blank.ages)),
        Kind::Action => ("action", names.actions.iter().map(String::as_str).collect()),
        Kind::State => ("state of rows", vec!["free", "held", "sold"]),
        Kind::Group => ("component", groups(blank)),
        Kind::Component => {
            let members = blank.groups.iter().flat_map(|group| &group.members);
            let mut known = groups(blank);
            if value.contains('/') {
                known.extend(members.map(|member| member.name.as_str()));
            }
            ("component", known)
        }
    };
    missing(what, value, &known)
}

/// Names that there are, and of which this metric will never be measured.
fn unmeasured(check: &Check, blank: &RunRecord) -> Option<Mistake> {
    let (metric, whom) = (check.metric, check.label("component")?);
    let name = whom.split_once('/').map_or(whom, |(name, _)| name);
    let group = blank.groups.iter().find(|group| group.name == name)?;
    let many = group.members.len();
    match metric.source {
        Source::Tally => {
            let totals: Vec<&str> = keys(&group.totals);
            missing(&format!("count of `{name}` called"), check.label("of")?, &totals)
        }
        Source::HitRatio if ["hits", "misses"].iter().any(|it| !group.totals.contains_key(*it)) => {
            Some(Mistake { message: format!("`{name}` looks nothing up"), help: None })
        }
        Source::Imbalance if many < 2 => {
            Some(Mistake { message: format!("`{name}` has only one member"), help: None })
        }
        Source::Level => {
            let columns = || blank.series.columns.iter().filter(|column| column.component == name);
            let known = columns().filter(|column| column.member.is_empty());
            let known: Vec<&str> = known.map(|column| column.metric.as_str()).collect();
            let own = columns().any(|column| column.member == whom);
            // A first instant that was too long to be played shows nothing.
            if blank.series.times.is_empty() {
                None
            } else if !known.contains(&metric.name) {
                let message = format!("`{name}` has no `{}`", metric.name);
                Some(Mistake { message, help: there_is(&known) })
            } else if whom.contains('/') && many > 1 && !own {
                let message =
                    format!("`{name}` has {many} members, too many to watch each of them");
                let help =
                    Some(format!("write {}{{component={name}}}: of all together", metric.name));
                Some(Mistake { message, help })
            } else {
                None
            }
        }
        _ => None,
    }
}

fn there_is(known: &[&str]) -> Option<String> {
    let mut known: Vec<&str> =
        METRICS.iter().map(|metric| metric.name).filter(|name| known.contains(name)).collect();
    known.sort();
    (!known.is_empty()).then(|| format!("there is: {}", known.join(", ")))
}

fn groups(blank: &RunRecord) -> Vec<&str> {
    blank.groups.iter().map(|group| group.name.as_str()).collect()
}

fn keys<V>(map: &std::collections::BTreeMap<String, V>) -> Vec<&str> {
    map.keys().map(String::as_str).collect()
}

fn window(check: &Check, names: &Names<'_>, found: &mut Found) {
    let Some(window) = check.window else { return };
    if !check.metric.windows && window != Window::AtEnd {
        let message = format!("`{}` is known only for the whole run", check.metric.name);
        found.errors.push(Mistake { message, help: None });
        return;
    }
    let Window::Between(from, to) = window else { return };
    if check.stat == Stat::Plain && check.metric.has(Stat::Mean) {
        let message = format!("a part of the run has more than one `{}`", check.metric.name);
        let help = Some("say which: `max`, `mean` or `min`".to_string());
        found.errors.push(Mistake { message, help });
    }
    if from >= names.end || (to > names.end && to != Time::NEVER) {
        let message = format!("the run ends at {}", names.end);
        let help = Some("choose a window inside the run".to_string());
        found.errors.push(Mistake { message, help });
    }
    if to == Time::NEVER && (names.traffic..names.end).contains(&from) {
        let message = format!("traffic ends at {}: `after` reaches no further", names.traffic);
        let help = format!("write `during {from}..{}`, or `finally` for the end", names.end);
        found.errors.push(Mistake { message, help: Some(help) });
    }
    let uneven = |time: Time| time != Time::NEVER && !time.0.is_multiple_of(names.every.0);
    if uneven(from) || uneven(to) {
        let message = format!("the window is rounded outward to intervals of {}", names.every);
        let help = Some(format!("or write sample: \"{}\" or less", names.every));
        found.warnings.push(Mistake { message, help });
    }
}
