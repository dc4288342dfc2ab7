//! What only the whole scenario tells about caches: how many nodes those inside others have, and
//! whether there are keys for all nodes.

use std::collections::BTreeMap;

use models::dist::NumberSpec;
use models::{ComponentSpec, Spec};

use crate::findings::Findings;
use crate::scenario::spec::Scenario;

/// What is inside another component has as many members as that.
pub fn guests(scenario: &mut Scenario) {
    let mut members: BTreeMap<String, u16> =
        scenario.components.iter().map(|(name, spec)| (name.clone(), spec.members())).collect();
    members.extend(scenario.traffic.iter().map(|(name, spec)| (name.clone(), spec.members())));
    for spec in scenario.components.values_mut() {
        if let Spec::Cache(cache) = spec
            && let Some(count) = cache.inside.as_ref().and_then(|host| members.get(host))
        {
            cache.nodes = *count;
        }
    }
}

/// Nodes of a cache that can never keep anything.
pub fn idle_nodes(scenario: &Scenario, findings: &mut Findings) {
    for (name, spec) in &scenario.components {
        let Spec::Cache(cache) = spec else { continue };
        let keys = cache.key_name().and_then(|key| scenario.draws.get(key));
        let keys = match keys {
            Some(NumberSpec::Uniform(n)) => *n,
            Some(NumberSpec::Zipf { items, .. }) => *items,
            Some(NumberSpec::Always(_)) => 1,
            _ => continue,
        };
        if cache.inside.is_none() && u32::from(cache.nodes()) > keys && keys > 0 {
            let message = format!("{} nodes for {keys} keys: some would be empty", cache.nodes());
            let help = Some("at most one node for each key".to_string());
            findings.error(&["components", name, "nodes"], message, help);
        }
    }
}
