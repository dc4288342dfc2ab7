//! Before anything runs: whether a check names things that there are.

use engine::{RunRecord, Span, Time};
use models::wiring::did_you_mean;

use super::metric::{Kind, Label};
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
                let help = did_you_mean(name, &known).or_else(|| {
                    (!known.is_empty()).then(|| format!("labels: {}", known.join(", ")))
                });
                let metric = check.metric.name;
                let shown = if name.is_empty() { value } else { name };
                let message = format!("`{metric}` has no label `{shown}`");
                found.errors.push(Mistake { message, help });
            }
        }
    }
    for label in check.metric.labels.iter().filter(|label| label.needed) {
        if check.label(label.name).is_none() {
            let name = if label.name.is_empty() { "name" } else { label.name };
            let message = format!("`{}` of which {name}?", check.metric.name);
            let help = format!("write {}{{{}}}", check.metric.name, example(label));
            found.errors.push(Mistake { message, help: Some(help) });
        }
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
        Kind::Total => {
            let totals = blank.groups.iter().flat_map(|group| group.totals.keys());
            ("count of a component", totals.map(String::as_str).collect())
        }
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
