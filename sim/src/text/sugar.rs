//! Short forms: what a colleague would say, in place of what the types want to hear.

use super::value::{Kind, Value, Word};

/// Steps that take a distribution; a plain time says "always this": `Wait("10s")`.
const TIMED_STEPS: [&str; 2] = ["Wait", "Work"];

/// Fields that take a distribution, wherever they are: `think: "2s"`, `network: (any: "1ms")`.
/// No other field of these names takes text that begins with a digit.
const TIMED_FIELDS: [&str; 19] = [
    "any",
    "same_zone",
    "cross_zone",
    "internet",
    "by",
    "think",
    "statement",
    "fsync",
    "command",
    "access",
    "append",
    "gap",
    "lasts",
    "start_up",
    "apply",
    "create",
    "read",
    "coordinate",
    "write",
];

/// Those of the lines of the timeline; elsewhere such fields are plain times.
const OF_ACTIONS: [&str; 2] = ["every", "for"];

/// Writes short forms out, everywhere below `value`. The tree's depth was bounded when it was
/// read.
pub fn write_out(value: &mut Value) {
    match &mut value.kind {
        Kind::Word(_) | Kind::Number(_) | Kind::Text(_) => {}
        Kind::List(items) => items.iter_mut().for_each(write_out),
        Kind::Map(entries) => entries.iter_mut().for_each(|entry| write_out(&mut entry.value)),
        Kind::Struct(_, entries) => {
            for entry in entries {
                write_out(&mut entry.value);
                if TIMED_FIELDS.contains(&entry.key.text.as_str()) {
                    always(&mut entry.value);
                }
                if entry.key.text == "timeline" {
                    timeline(&mut entry.value);
                }
            }
        }
        Kind::Tuple(name, items) => {
            items.iter_mut().for_each(write_out);
            let timed = name.as_ref().is_some_and(|name| TIMED_STEPS.contains(&name.text.as_str()));
            if let (true, [item]) = (timed, &mut items[..]) {
                always(item);
            }
        }
    }
}

fn timeline(value: &mut Value) {
    let Kind::List(lines) = &mut value.kind else { return };
    for line in lines {
        let Kind::Struct(_, entries) = &mut line.kind else { continue };
        let timed = |key: &Word| OF_ACTIONS.contains(&key.text.as_str());
        entries.iter_mut().filter(|it| timed(&it.key)).for_each(|it| always(&mut it.value));
    }
}

/// A time by itself becomes the distribution that is always that.
fn always(value: &mut Value) {
    let Kind::Text(text) = &value.kind else { return };
    if text.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        let word = Word { spot: value.spot, text: "Always".into() };
        value.kind = Kind::Tuple(Some(word), vec![value.clone()]);
    }
}

#[cfg(test)]
mod tests {
    use super::{OF_ACTIONS, TIMED_FIELDS};

    const SOURCES: [&str; 13] = [
        include_str!("../scenario/spec.rs"),
        include_str!("../../../models/src/traffic/spec.rs"),
        include_str!("../../../models/src/database/mod.rs"),
        include_str!("../../../models/src/database/copies.rs"),
        include_str!("../../../models/src/database/costs.rs"),
        include_str!("../../../models/src/policy/pool.rs"),
        include_str!("../../../models/src/redis/mod.rs"),
        include_str!("../../../models/src/quorum/mod.rs"),
        include_str!("../../../models/src/cache/spec.rs"),
        include_str!("../../../models/src/topic/mod.rs"),
        include_str!("../../../models/src/waiting_room/mod.rs"),
        include_str!("../../../models/src/service/spec.rs"),
        include_str!("../../../models/src/service/process.rs"),
    ];

    /// Fields of the type are all there, and no others.
    #[test]
    fn every_field_that_is_a_distribution_takes_a_plain_time() {
        let lines = SOURCES.iter().flat_map(|source| source.lines());
        let field = |line: &str| {
            let (name, kind) = line.trim().trim_start_matches("pub ").split_once(": ")?;
            let is_dist = ["Dist,", "Option<Dist>,"].contains(&kind);
            is_dist.then(|| name.trim_start_matches("r#").to_string())
        };
        let mut found: Vec<String> = lines.filter_map(field).collect();
        found.sort();
        found.dedup();
        let mut known = [&TIMED_FIELDS[..], &OF_ACTIONS].concat();
        known.sort_unstable();
        assert_eq!(found, known);
    }
}
