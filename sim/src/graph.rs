//! Who may call whom: the flows of a scenario, walked for the components they name.

use std::collections::{BTreeMap, BTreeSet};

use models::Spec;
use models::flow::spec::Step;
use models::policy::spec::Policy;
use models::service::spec::JobSpec;
use models::traffic::TrafficSpec;
use petgraph::algo::tarjan_scc;
use petgraph::stable_graph::{NodeIndex, StableDiGraph};

use crate::findings::Findings;
use crate::scenario::spec::Scenario;

/// What flows say about others.
#[derive(Clone, Debug, Default)]
struct Seen {
    callees: BTreeSet<String>,
    flows: BTreeSet<String>,
    policies: BTreeSet<String>,
}

/// Components and traffic, with an arrow from each caller to whom it may call.
pub type Graph = StableDiGraph<String, ()>;

struct Walk<'a> {
    flows: &'a BTreeMap<String, Vec<Step>>,
    seen: Seen,
}

fn component(target: &str) -> String {
    target.split_once('.').map_or(target, |(component, _)| component).to_string()
}

impl Walk<'_> {
    fn callee(&mut self, target: &str) {
        self.seen.callees.insert(component(target));
    }

    fn steps(&mut self, steps: &[Step]) {
        steps.iter().for_each(|step| self.step(step));
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Call(target, options) | Step::Publish(target, options) => {
                self.callee(target);
                self.seen.policies.extend(options.policy.clone());
            }
            Step::Do(store, _) | Step::Scatter(store, ..) | Step::Batch(store, ..) => {
                self.callee(store)
            }
            Step::Read(_, options) => {
                options.through.iter().for_each(|cache| self.callee(cache));
                self.steps(&options.miss);
            }
            Step::Put(_, options) => options.r#in.iter().for_each(|cache| self.callee(cache)),
            Step::Forget(_, options) => {
                options.r#in.iter().chain(&options.tell).for_each(|cache| self.callee(cache));
            }
            Step::Chance(_, body, or) | Step::If(_, body, or) => {
                self.steps(body);
                self.steps(&or.r#else);
            }
            Step::Hold(place, _, body) | Step::Lock(place, _, body) => {
                self.callee(place);
                self.steps(body);
            }
            Step::Transaction(store, _, body) => {
                self.callee(store);
                self.steps(body);
            }
            Step::Try(body, options) => {
                for steps in [body, &options.denied, &options.r#else] {
                    self.steps(steps);
                }
            }
            Step::Parallel(_, bodies) => bodies.iter().for_each(|body| self.steps(body)),
            Step::Each(log, _, body) => {
                self.callee(log);
                self.steps(body);
            }
            Step::Repeat(_, body) => self.steps(body),
            Step::Flow(name) => self.flow(name),
            Step::Work(_) | Step::Wait(_) | Step::Count(_) => {}
            Step::Deny(_) | Step::Fail(_) | Step::Reply => {}
        }
    }

    fn flow(&mut self, name: &str) {
        if self.seen.flows.insert(name.to_string())
            && let Some(steps) = self.flows.get(name)
        {
            self.steps(steps);
        }
    }

    fn spec(&mut self, spec: &Spec) {
        match spec {
            Spec::Gateway(gateway) => {
                gateway.routes.values().for_each(|target| self.callee(target));
            }
            Spec::Service(service) => {
                service.operations.values().for_each(|steps| self.steps(steps));
                for JobSpec::Every(_, steps) in service.jobs.values() {
                    self.steps(steps);
                }
                for (topic, steps) in &service.consumes {
                    self.callee(topic);
                    self.steps(steps);
                }
                self.steps(&service.at_start);
            }
            Spec::Cache(cache) => {
                self.steps(&cache.load);
                self.steps(&cache.store);
            }
            _ => {}
        }
    }

    fn traffic(&mut self, spec: &TrafficSpec) {
        let (to, mix, journey) = match spec {
            TrafficSpec::Open(open) => (&open.to, &open.mix, &open.journey),
            TrafficSpec::Closed(closed) => (&closed.to, &closed.mix, &closed.journey),
        };
        to.iter().chain(mix.keys()).for_each(|target| self.callee(target));
        self.steps(journey);
    }
}

/// Walks everything; flows and policies that nobody uses, and calls in a circle that nothing
/// ends, are odd.
pub fn graph(scenario: &Scenario, findings: &mut Findings) -> Graph {
    let mut calls: Vec<(&String, BTreeSet<String>)> = Vec::new();
    let (mut flows, mut policies) = (BTreeSet::new(), BTreeSet::new());
    let mut note = |name, walk: &dyn Fn(&mut Walk<'_>)| {
        let mut it = Walk { flows: &scenario.flows, seen: Seen::default() };
        walk(&mut it);
        calls.push((name, it.seen.callees));
        flows.extend(it.seen.flows);
        policies.extend(it.seen.policies);
    };
    scenario.components.iter().for_each(|(name, spec)| note(name, &|walk| walk.spec(spec)));
    scenario.traffic.iter().for_each(|(name, spec)| note(name, &|walk| walk.traffic(spec)));
    for name in scenario.flows.keys().filter(|name| !flows.contains(*name)) {
        findings.warn(&["flows", name], format!("nobody uses the flow `{name}`"), None);
    }
    let known = |name: &String| name == "default" || scenario.components.contains_key(name);
    for name in scenario.policies.keys().filter(|name| !policies.contains(*name) && !known(name)) {
        let help = Some("name it after a component, or in a call: (policy: \"…\")".to_string());
        findings.warn(&["policies", name], format!("nobody uses the policy `{name}`"), help);
    }
    let mut graph = Graph::new();
    let nodes: BTreeMap<&String, NodeIndex> =
        calls.iter().map(|(name, _)| (*name, graph.add_node((*name).clone()))).collect();
    for (name, callees) in &calls {
        for callee in callees.iter().filter_map(|callee| nodes.get(callee)) {
            graph.add_edge(nodes[name], *callee, ());
        }
    }
    circles(&graph, &scenario.policies, findings);
    graph
}

/// A circle of calls in which nobody ever gives up can wait for itself.
fn circles(graph: &Graph, policies: &BTreeMap<String, Policy>, findings: &mut Findings) {
    let patient = |callee: &str| {
        let own = policies.get(callee).cloned().unwrap_or_default();
        let policy = own.over(policies.get("default"));
        policy.timeout.is_none() && policy.total.is_none()
    };
    for circle in tarjan_scc(graph) {
        let looped = circle.len() > 1 || graph.contains_edge(circle[0], circle[0]);
        let mut names: Vec<&str> = circle.iter().map(|node| graph[*node].as_str()).collect();
        names.sort_unstable();
        if looped && names.iter().all(|name| patient(name)) {
            let message = format!("calls in a circle without a timeout: {}", names.join(", "));
            let help = Some("policies: { \"default\": (timeout: \"1s\") }".to_string());
            findings.warn(&["components", names[0]], message, help);
        }
    }
}
