//! Actions that began and touched nobody: known only once they were played, since who is there and
//! who leads is decided then. A story in which nothing happened is a mistake of its scenario.

use engine::record::ActionRecord;
use engine::{RunRecord, Time};

use crate::findings::path;
use crate::prepare::Prepared;
use crate::scenario::spec::Act;
use crate::selector::Whom;
use crate::sweep::Runs;
use crate::text::{Diagnostic, Diagnostics};
use crate::topology::Topology;

/// Tells of each, with the first seed in which it touched nobody if it did in others.
pub fn idle_actions(prepared: &Prepared, runs: &[Runs], diagnostics: &mut Diagnostics) {
    let variants = runs.iter().zip(&prepared.variants).zip(&prepared.documents);
    for ((runs, (_, topology)), document) in variants {
        for (index, entry) in topology.scenario.timeline.iter().enumerate() {
            let name = entry.label();
            let is_mine = |action: &&ActionRecord| match entry.is_each() {
                true => action.name.starts_with(&format!("{name} ")),
                false => action.name == name,
            };
            let idle = runs.records.iter().filter(|record| is_idle(record, is_mine));
            let idle: Vec<&RunRecord> = idle.collect();
            let Some(first) = idle.first() else { continue };
            let some = idle.len() < runs.records.len();
            let seed = if some { format!(" with seed {}", first.seed) } else { String::new() };
            let place = path(&["timeline", &index.to_string(), "do"]);
            let told = Diagnostic::error(format!("`{name}` touched nothing{seed}"))
                .at(document.spot(&place))
                .help(advice(topology, index));
            if !diagnostics.found.contains(&told) {
                diagnostics.found.push(told);
            }
        }
    }
}

/// Whether it began, and all that it did was nothing.
fn is_idle(record: &RunRecord, is_mine: impl Fn(&&ActionRecord) -> bool) -> bool {
    let mut began = record.actions.iter().filter(is_mine).filter(|it| it.began != Time::NEVER);
    began.next().is_some_and(|first| {
        first.touched.is_empty() && began.all(|action| action.touched.is_empty())
    })
}

fn advice(topology: &Topology, index: usize) -> &'static str {
    match (&topology.scenario.timeline[index].r#do, &topology.targets[index]) {
        (Act::Join(_), _) => "whom it names was there already: choose another time",
        (Act::Leave(..), _) => "whom it names had left already: choose another time",
        (_, Whom::Leader(..)) => "nobody led it then: choose another time, or name a member",
        (_, Whom::Links(..)) => "no messages travel between these: choose other ends",
        (_, Whom::Members(..)) => "nobody was there: choose others, or another time",
    }
}
