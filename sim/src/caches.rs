//! What only the whole scenario tells about caches: how many nodes those inside others have, what
//! their keys are, and where tables are.

use std::collections::BTreeMap;

use models::by::By;
use models::cache::spec::CacheSpec;
use models::dist::NumberSpec;
use models::wiring::Offer;
use models::{ComponentSpec, Spec};

use crate::findings::Findings;
use crate::graph::Graph;
use crate::scenario::spec::Scenario;

/// What is inside another component has as many members as that.
pub fn guests(scenario: &mut Scenario, findings: &mut Findings) {
    let mut members: BTreeMap<String, u16> =
        scenario.components.iter().map(|(name, spec)| (name.clone(), spec.members())).collect();
    members.extend(scenario.traffic.iter().map(|(name, spec)| (name.clone(), spec.members())));
    for (name, spec) in &mut scenario.components {
        if let Spec::Cache(cache) = spec
            && let Some(host) = &cache.inside
            && let Some(count) = members.get(host)
        {
            if cache.nodes > 1 && cache.nodes != *count {
                let message = format!("it has one node in each member of `{host}`: {count}");
                let help = Some("leave out `nodes`".to_string());
                findings.error(&["components", name, "nodes"], message, help);
            }
            cache.nodes = *count;
        }
    }
}

/// What the draws and the other components say about each cache.
pub fn caches(scenario: &Scenario, offers: &BTreeMap<String, Offer>, findings: &mut Findings) {
    for (name, spec) in &scenario.components {
        let Spec::Cache(cache) = spec else { continue };
        idle_nodes(name, cache, scenario, findings);
        lists(name, cache, scenario, findings);
        let known = |table: &String| offers.values().any(|offer| offer.tables.contains(table));
        if let Some(table) = cache.of.as_ref().filter(|table| !known(table)) {
            let message = format!("there is no table `{table}` that hits could be compared with");
            findings.error(&["components", name, "of"], message, None);
        }
    }
}

/// How many keys a draw has.
fn keys(draw: &str, scenario: &Scenario) -> Option<u32> {
    match scenario.draws.get(draw)? {
        NumberSpec::Uniform(n) => Some(*n),
        NumberSpec::Zipf { items, .. } => Some(*items),
        NumberSpec::Always(_) => Some(1),
        _ => None,
    }
}

/// Nodes that can never keep anything: which one is asked is decided by a draw with fewer values.
fn idle_nodes(name: &str, cache: &CacheSpec, scenario: &Scenario, findings: &mut Findings) {
    let key = cache.by.as_ref().map(By::key).or(cache.key_name());
    let Some(keys) = key.and_then(|key| keys(key, scenario)) else { return };
    if cache.inside.is_none() && u32::from(cache.nodes()) > keys && keys > 0 {
        let message = format!("{} nodes for {keys} keys: some would be empty", cache.nodes());
        let help = Some("at most one node for each key".to_string());
        findings.error(&["components", name, "nodes"], message, help);
    }
}

/// Lists that nodes warm up with, of keys that are not there or do not fit.
fn lists(name: &str, cache: &CacheSpec, scenario: &Scenario, findings: &mut Findings) {
    let Some(warm) = cache.warm else { return };
    let mut warn = |message: String, help: String| {
        findings.warn(&["components", name, "warm", "top"], message, Some(help));
    };
    let keys = cache.key_name().and_then(|key| keys(key, scenario));
    if let Some(keys) = keys.filter(|keys| warm.top > *keys) {
        return warn(format!("there are only {keys} keys"), format!("top: {keys}"));
    }
    // With `by` alone, each node loads its part of the list.
    let shared = cache.by.is_some() && cache.key.is_none();
    let room = cache.entries() * if shared { cache.nodes().into() } else { 1 };
    if cache.memory.is_none() && u64::from(warm.top) > room {
        warn(format!("only {room} of them fit"), format!("top: {room}"));
    }
}

/// A cache that asks itself for what it does not have never gets an answer.
pub fn loops(scenario: &Scenario, graph: &Graph, findings: &mut Findings) {
    let asks_itself = |name: &String| {
        let node = graph.node_indices().find(|node| graph[*node] == *name);
        node.is_some_and(|node| graph.contains_edge(node, node))
    };
    for (name, spec) in &scenario.components {
        if let Spec::Cache(cache) = spec
            && asks_itself(name)
        {
            let field = if cache.load.is_empty() { "store" } else { "load" };
            let help = "ask the store: [Do(\"db\", [Get(\"product\")])]".to_string();
            let message = format!("`{name}` asks itself for what it does not have");
            findings.error(&["components", name, field], message, Some(help));
        }
    }
}
