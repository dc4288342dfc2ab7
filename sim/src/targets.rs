//! Whom an entry of the timeline means, and what kinds of members it can be done to.

use crate::scenario::spec::{Act, Entry, Scenario};
use crate::selector::{Member, Mistake, Places, Whom};
use models::{ComponentSpec as _, Spec};

/// The members or links of an entry; or why there are none that it could mean.
pub fn target(entry: &Entry, scenario: &Scenario, places: &Places) -> Result<Whom, Mistake> {
    let (verb, subject) = entry.r#do.parts();
    let whom = match &entry.r#do {
        Act::Partition(sides) => return partition(sides, places),
        Act::ZoneLoss(zone) => {
            let zone = zone.strip_prefix("zone:").unwrap_or(zone);
            Whom::Members(places.members(&format!("zone:{zone}"))?, None)
        }
        _ => places.resolve(&subject)?,
    };
    let links = matches!(entry.r#do, Act::Cut(_) | Act::Loss(..) | Act::Delay(..));
    let wrong =
        |message: String, help: &str| Err(Mistake { message, help: Some(help.to_string()) });
    match &whom {
        Whom::Members(..) | Whom::Leader(..) if links => {
            wrong(format!("`{verb}` is for links"), "write both ends: \"shop -> db\"")
        }
        Whom::Links(..) if !links => {
            wrong(format!("`{verb}` is for members, not for links"), "write \"shop/0\"")
        }
        Whom::Members(members, _)
            if members.iter().any(|(n, _)| scenario.traffic.contains_key(n)) =>
        {
            wrong(format!("`{subject}` are users: nobody can `{verb}` them"), "name a component")
        }
        Whom::Leader(..) if matches!(entry.r#do, Act::Flush(_) | Act::Reshard(..)) => {
            wrong(format!("nobody can `{verb}` a leader"), "name members: \"cache/0\"")
        }
        Whom::Members(members, _) if matches!(entry.r#do, Act::Flush(_)) => {
            let caches = |name: &String| scenario.components[name].lever("Flush").is_some();
            match members.iter().all(|(name, _)| caches(name)) {
                true => Ok(whom),
                false => wrong(format!("`{subject}` is no cache"), "only a Cache can be flushed"),
            }
        }
        Whom::Members(members, _) => match &entry.r#do {
            Act::Reshard(_, options) => match reshard(members, options.to, scenario) {
                Some((message, help)) => wrong(message, help),
                None => Ok(whom),
            },
            _ => Ok(whom),
        },
        _ => Ok(whom),
    }
}

/// What is wrong with moving slots from these to another member of theirs, and what to write.
fn reshard(from: &[Member], to: u16, scenario: &Scenario) -> Option<(String, &'static str)> {
    for (name, member) in from {
        let spec = &scenario.components[name];
        if spec.lever("Reshard").is_none() {
            let help = "a Redis with several nodes can be resharded";
            return Some((format!("`{name}` is no cluster"), help));
        }
        if to >= spec.members() {
            return Some((format!("`{name}` has no member {to} to move to"), "to: 0"));
        }
        if from.len() == 1 && *member == to {
            return Some((
                format!("`{name}/{to}` has its own slots already"),
                "name another: to: 0",
            ));
        }
        // A replica is a master once it has stood in for one, which only a loss brings about.
        let is_replica = |spec: &Spec| matches!(spec, Spec::Redis(it) if to >= it.masters());
        if is_replica(spec) && !scenario.timeline.iter().any(|entry| takes_nodes(&entry.r#do)) {
            return Some((format!("`{name}/{to}` is a replica: slots belong to masters"), "to: 0"));
        }
    }
    None
}

/// Whether an action can make a replica stand in for its master.
fn takes_nodes(act: &Act) -> bool {
    !matches!(act, Act::Flush(_) | Act::Reshard(..) | Act::Join(_) | Act::Errors(..))
}

/// The named ones on one side, everybody else on the other.
fn partition(sides: &[String], places: &Places) -> Result<Whom, Mistake> {
    let mut inside = Vec::new();
    for side in sides {
        inside.extend(places.members(side)?);
    }
    inside.sort();
    inside.dedup();
    let everyone = places
        .groups
        .iter()
        .flat_map(|(name, zones)| (0..zones.len() as u16).map(|member| (name.clone(), member)));
    let outside: Vec<_> = everyone.filter(|member| !inside.contains(member)).collect();
    match inside.is_empty() || outside.is_empty() {
        true => Err(Mistake {
            message: "a partition needs somebody on each side".into(),
            help: Some("name one side: Partition([\"zone:a\"])".into()),
        }),
        false => Ok(Whom::Links(inside, outside, true)),
    }
}
