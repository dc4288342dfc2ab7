//! `result.json`: everything a program may want to know, under a versioned schema.
//!
//! Counts are summed over seeds, histograms merged; nothing in it belongs to the machine.

use std::collections::BTreeMap;

use engine::record::Outcomes;
use engine::{Histogram, Outcome, RunRecord};
use serde_json::{Map, Value, json};

use crate::totals::{combined, latencies, mean, outcomes, utilisation};
use crate::{CheckRow, Report, VariantRuns, Verdict};

/// The whole document.
pub fn json(report: &Report) -> Value {
    let mut document = Map::new();
    document.insert("schema_version".into(), "1.0".into());
    document.insert("scenario".into(), report.scenario.clone().into());
    let checks: Vec<Value> = report.checks.iter().map(check).collect();
    match &report.variants[..] {
        [only] if only.name.is_none() => {
            document.extend(runs(&only.runs));
            document.insert("checks".into(), checks.into());
        }
        variants => {
            let digest = combined(report.runs());
            document.insert("digest".into(), digest.into());
            document.insert("checks".into(), checks.into());
            let each = |variant: &VariantRuns| {
                let mut record = runs(&variant.runs);
                let own = report.checks.iter().filter(|check| check.variant == variant.name);
                record.insert("checks".into(), own.map(check).collect());
                (variant.name.clone().unwrap_or_default(), Value::Object(record))
            };
            let each: Map<String, Value> = variants.iter().map(each).collect();
            document.insert("variants".into(), each.into());
        }
    }
    Value::Object(document)
}

fn runs(runs: &[RunRecord]) -> Map<String, Value> {
    let sum = |of: fn(&RunRecord) -> u64| runs.iter().map(of).sum::<u64>();
    let latency: Map<String, Value> =
        latencies(runs).into_iter().map(|(name, took)| (name, quantiles(&took))).collect();
    let fields = [
        ("seeds", json!(runs.iter().map(|run| run.seed).collect::<Vec<u64>>())),
        ("digest", combined(runs.iter()).into()),
        ("events", sum(|run| run.events).into()),
        (
            "requests",
            json!({
                "generated": sum(|run| run.requests.generated),
                "completed": sum(|run| run.requests.completed),
                "denied": sum(|run| run.requests.denied),
                "failed": sum(|run| run.requests.failed),
                "in_flight": sum(|run| run.requests.in_flight),
            }),
        ),
        ("latency", latency.into()),
        ("outcomes", outcome_counts(&outcomes(runs))),
        ("components", components(runs)),
        ("edges", edges(runs)),
        ("counters", summed(runs, |run| run.counters.clone()).into()),
        ("tables", tables(runs)),
        ("logs", logs(runs)),
        ("actions", actions(&runs[0])),
    ];
    fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

fn quantiles(took: &Histogram) -> Value {
    json!({
        "count": took.count(),
        "mean_ns": took.mean(),
        "p50_ns": took.quantile(0.5),
        "p90_ns": took.quantile(0.9),
        "p99_ns": took.quantile(0.99),
        "p999_ns": took.quantile(0.999),
        "max_ns": took.max(),
    })
}

fn outcome_counts(outcomes: &Outcomes) -> Value {
    let counted = Outcome::ALL.into_iter().filter(|outcome| outcomes.of(*outcome) > 0);
    let counts = counted.map(|outcome| (outcome.name().to_string(), outcomes.of(outcome).into()));
    Value::Object(counts.collect())
}

fn summed(
    runs: &[RunRecord],
    of: impl Fn(&RunRecord) -> BTreeMap<String, u64>,
) -> Map<String, Value> {
    let mut sum: BTreeMap<String, u64> = BTreeMap::new();
    for (name, value) in runs.iter().flat_map(of) {
        *sum.entry(name).or_default() += value;
    }
    sum.into_iter().map(|(name, value)| (name, value.into())).collect()
}

fn components(runs: &[RunRecord]) -> Value {
    let first = &runs[0];
    let each = first.groups.iter().enumerate().map(|(place, group)| {
        let member = |index: usize| {
            let all = runs.iter().map(|run| (&run.groups[place].members[index], run));
            let busy = mean(all.clone().filter_map(|(member, run)| utilisation(member, run)));
            let member = &group.members[index];
            json!({
                "name": member.name,
                "zone": member.zone,
                "arrived": all.clone().map(|(member, _)| member.arrived).sum::<u64>(),
                "turned_away": all.clone().map(|(member, _)| member.turned_away).sum::<u64>(),
                "utilisation": busy,
                "queue_max": all.map(|(member, _)| member.queue_max).fold(0.0, f64::max),
            })
        };
        let members: Vec<Value> = (0..group.members.len()).map(member).collect();
        let totals = summed(runs, |run| run.groups[place].totals.clone());
        let value = json!({
            "kind": group.kind,
            "replicas": group.members.len(),
            "totals": totals,
            "members": members,
        });
        (group.name.clone(), value)
    });
    Value::Object(each.collect())
}

fn edges(runs: &[RunRecord]) -> Value {
    let each = runs[0].edges.iter().enumerate().map(|(place, edge)| {
        let mut outcomes = Outcomes::default();
        let mut took = Histogram::coarse();
        let (mut asked, mut wasted) = (0, 0);
        for edge in runs.iter().filter_map(|run| run.edges.get(place)) {
            outcomes.add(&edge.outcomes);
            took.merge(&edge.took);
            asked += edge.asked;
            wasted += edge.wasted;
        }
        json!({
            "from": edge.from, "to": edge.to, "asked": asked, "wasted": wasted,
            "outcomes": outcome_counts(&outcomes), "took": quantiles(&took),
        })
    });
    each.collect()
}

fn tables(runs: &[RunRecord]) -> Value {
    let first = runs[0].tables.keys().map(|name| {
        let all = runs.iter().filter_map(|run| run.tables.get(name));
        let value = json!({
            "rows": all.clone().map(|table| table.rows).sum::<u64>(),
            "low": all.clone().map(|table| table.low).min(),
            "high": all.clone().map(|table| table.high).max(),
            "sum": all.clone().map(|table| table.sum).sum::<i64>(),
            "stale": all.clone().map(|table| table.stale).sum::<u64>(),
            "lost": all.clone().map(|table| table.lost).sum::<u64>(),
            "states": summed(runs, |run| run.tables[name].states.clone()),
        });
        (name.clone(), value)
    });
    Value::Object(first.collect())
}

fn logs(runs: &[RunRecord]) -> Value {
    let each = runs[0].logs.keys().map(|name| {
        let all = runs.iter().filter_map(|run| run.logs.get(name));
        let value = json!({
            "appended": all.clone().map(|log| log.appended).sum::<u64>(),
            "lost": all.clone().map(|log| log.lost).sum::<u64>(),
            "lag": summed(runs, |run| run.logs[name].lag.clone()),
        });
        (name.clone(), value)
    });
    Value::Object(each.collect())
}

fn actions(run: &RunRecord) -> Value {
    let each = run.actions.iter().map(|action| {
        json!({
            "name": action.name,
            "began_ns": (action.times > 0).then_some(action.began.0),
            "ended_ns": action.ended.map(|ended| ended.0),
            "times": action.times,
            "touched": action.touched,
        })
    });
    each.collect()
}

fn check(row: &CheckRow) -> Value {
    let verdict = match row.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail => "fail",
        Verdict::Inconclusive => "inconclusive",
        Verdict::NoSamples => "no samples",
    };
    json!({
        "check": row.text, "variant": row.variant, "verdict": verdict, "value": row.value,
        "unit": row.unit, "observed": row.observed,
        "interval": row.interval, "limit": row.limit, "note": row.note,
    })
}
