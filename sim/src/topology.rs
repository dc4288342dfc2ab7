//! Scenario → Topology: names resolved, selectors turned into members, the graph of who may call
//! whom; and everything about the scenario that makes no sense, collected.

use std::collections::BTreeMap;

use engine::{DRAWS, Discipline, Span, Time};
use models::dist::NumberSpec;
use models::policy::placement::slots::SLOTS;
use models::wiring::Offer;
use models::{ComponentSpec, Spec};

use crate::caches::{caches, guests, loops};
use crate::findings::Findings;
use crate::graph::{Graph, graph};
use crate::scenario::spec::{Act, Entry, Scenario};
use crate::selector::{Places, Whom};
use crate::targets::target;

/// Series have no more intervals than this, unless the scenario says so.
const MOST_INTERVALS: u64 = 600;
/// And never more than this.
const MOST_SAMPLES: u64 = 100_000;
/// Members of all components together; each costs some kilobytes before anything happens.
const MOST_MEMBERS: u64 = 100_000;
/// Pairs of caller and callee: every caller keeps a view of every member it may call.
const MOST_PAIRS: u64 = 20_000_000;

/// Lengths of an interval that read well on an axis.
const ROUND: [Span; 18] = [
    Span::millis(10),
    Span::millis(20),
    Span::millis(50),
    Span::millis(100),
    Span::millis(200),
    Span::millis(500),
    Span::secs(1),
    Span::secs(2),
    Span::secs(5),
    Span::secs(10),
    Span::secs(20),
    Span::secs(30),
    Span::secs(60),
    Span::secs(120),
    Span::secs(300),
    Span::secs(600),
    Span::secs(1800),
    Span::secs(3600),
];

/// A scenario whose names are known to mean something.
#[derive(Clone, Debug)]
pub struct Topology {
    /// What was said.
    pub scenario: Scenario,
    /// The names of the draws, in their places.
    pub draws: Vec<String>,
    /// The draws, in their places.
    pub numbers: Vec<NumberSpec>,
    /// What each component offers.
    pub offers: BTreeMap<String, Offer>,
    /// All members, and the zones they are in.
    pub places: Places,
    /// Who may call whom.
    pub graph: Graph,
    /// Whom each entry of the timeline means.
    pub targets: Vec<Whom>,
    /// For tests: what happens in the same instant happens in an order drawn by the seed.
    pub shuffle_ties: bool,
    /// The length of an interval of the series.
    pub every: Span,
    /// The run ends here, even if the scenario would go on.
    pub until: Option<Time>,
}

/// Resolves a scenario. The topology can be assembled only if no error was found.
pub fn topology(mut scenario: Scenario, findings: &mut Findings) -> Topology {
    guests(&mut scenario, findings);
    let offers = offers(&mut scenario);
    members(&scenario, findings);
    caches(&scenario, &offers, findings);
    draws(&scenario, findings);
    times(&scenario, findings);
    let places = places(&scenario);
    let targets = timeline(&scenario, &places, findings);
    let graph = graph(&scenario, findings);
    pairs(&scenario, &graph, findings);
    loops(&scenario, &graph, findings);
    let (draws, numbers) =
        scenario.draws.iter().map(|(name, number)| (name.clone(), number.clone())).unzip();
    let every = interval(&scenario, findings);
    Topology {
        scenario,
        draws,
        numbers,
        offers,
        places,
        graph,
        targets,
        every,
        until: None,
        shuffle_ties: false,
    }
}

impl Topology {
    /// When the run is over.
    pub fn end(&self) -> Time {
        let end = self.full_end();
        self.until.map_or(end, |until| until.min(end))
    }

    /// When the scenario itself is over.
    pub fn full_end(&self) -> Time {
        Time::ZERO + self.scenario.duration.0 + self.scenario.settle.0
    }
}

/// Gateways offer what their targets do, so that they come last (and again, for gateways behind
/// gateways).
fn offers(scenario: &mut Scenario) -> BTreeMap<String, Offer> {
    let all = |scenario: &Scenario| -> BTreeMap<String, Offer> {
        scenario.components.iter().map(|(name, spec)| (name.clone(), spec.offer())).collect()
    };
    for _ in 0..3 {
        let offers = all(scenario);
        for spec in scenario.components.values_mut() {
            if let Spec::Gateway(gateway) = spec {
                gateway.resolve(&offers);
            }
        }
    }
    all(scenario)
}

fn members(scenario: &Scenario, findings: &mut Findings) {
    let mut total = 0;
    for (name, spec) in &scenario.components {
        total += u64::from(spec.members());
        let at = ["components", name.as_str()];
        if name.is_empty() || name.contains(['.', '/', ' ', '{', '}', ':', ',']) {
            let help = Some("letters, digits, `-` and `_`".to_string());
            findings.error(&at, format!("`{name}` is no name for a component"), help);
        }
        if spec.members() == 0 {
            findings.error(&at, format!("`{name}` has no members"), None);
        }
        let cores = match spec.cpu() {
            Some(Discipline::Share { cores, .. }) => cores,
            Some(Discipline::Fifo { servers }) => servers as f64,
            _ => 1.0,
        };
        if !(cores.is_finite() && cores > 0.0 && cores <= 1e6) {
            findings.error(
                &["components", name, "cpu"],
                "a CPU has more than 0 cores, and at most a million",
                None,
            );
        }
        if scenario.traffic.contains_key(name) {
            let message = format!("`{name}` is a component and traffic at once");
            findings.error(&["traffic", name], message, Some("rename one of them".into()));
        }
    }
    if total > MOST_MEMBERS {
        let message = format!("{total} members altogether; at most {MOST_MEMBERS} are possible");
        findings.error(&["components"], message, None);
    }
    if scenario.components.is_empty() {
        let help =
            "components: { \"api\": Service(operations: { \"get\": [Work(Exp(\"5ms\"))] }) }";
        findings.error(&["components"], "there is nothing to simulate", Some(help.into()));
    } else if scenario.traffic.is_empty() {
        let help = "traffic: { \"users\": Open(rate: \"100/s\", to: \"api.get\") }";
        findings.warn(&["traffic"], "nobody asks anything", Some(help.into()));
    }
    for (index, zone) in scenario.zones.iter().enumerate() {
        if zone.is_empty() || scenario.zones[..index].contains(zone) {
            let place = index.to_string();
            findings.error(&["zones", &place], format!("zone `{zone}` is there already"), None);
        }
    }
}

fn pairs(scenario: &Scenario, graph: &Graph, findings: &mut Findings) {
    let members = |name: &String| scenario.components.get(name).map_or(1, |it| it.members().into());
    for (from, to) in graph.edge_indices().filter_map(|edge| graph.edge_endpoints(edge)) {
        let (from, to) = (&graph[from], &graph[to]);
        let pairs: u64 = members(from) * members(to);
        if pairs > MOST_PAIRS && scenario.components.contains_key(from) {
            let message = format!("`{from}` calls `{to}`: {pairs} pairs of caller and callee");
            let help = format!("at most {MOST_PAIRS} are possible: use fewer replicas");
            findings.error(&["components", from], message, Some(help));
        }
    }
}

fn draws(scenario: &Scenario, findings: &mut Findings) {
    for (place, (name, number)) in scenario.draws.iter().enumerate() {
        if place >= DRAWS {
            let message = format!("a request carries at most {DRAWS} draws");
            findings.error(&["draws", name], message, None);
        }
        if name == "request" {
            findings.error(&["draws", name], "`request` is the number of the request", None);
        }
        if let Err(why) = number.build() {
            findings.error(&["draws", name], why, None);
        }
    }
}

fn times(scenario: &Scenario, findings: &mut Findings) {
    if scenario.duration.0.is_zero() {
        let help = Some("duration: \"60s\"".to_string());
        findings.error(&["duration"], "a run needs some time", help);
    }
    if scenario.warmup >= scenario.duration && !scenario.duration.0.is_zero() {
        let message = format!("nothing is left after a warm-up of {}", scenario.warmup);
        let help = Some(format!("the run lasts {}", scenario.duration));
        findings.error(&["warmup"], message, help);
    }
    if scenario.seeds == 0 {
        findings.error(&["seeds"], "at least one run is needed", None);
    }
}

fn interval(scenario: &Scenario, findings: &mut Findings) -> Span {
    let whole = (scenario.duration.0 + scenario.settle.0).0;
    let Some(said) = scenario.sample else {
        let fits = |every: &&Span| whole.div_ceil(every.0) <= MOST_INTERVALS;
        let longest = Span(whole.div_ceil(MOST_INTERVALS).max(1));
        return ROUND.iter().find(fits).copied().unwrap_or(longest);
    };
    if said.0.is_zero() || whole / said.0.0 > MOST_SAMPLES {
        let message = format!("a run of {} has no {said} intervals", Span(whole));
        let help = Some(format!("at most {MOST_SAMPLES} intervals are kept"));
        findings.error(&["sample"], message, help);
        return Span(whole.max(1));
    }
    said.0
}

fn places(scenario: &Scenario) -> Places {
    let zones = &scenario.zones;
    let zone = |member: u16| match zones.is_empty() {
        true => String::new(),
        false => zones[usize::from(member) % zones.len()].clone(),
    };
    let system = scenario.components.iter().map(|(name, spec)| {
        let members = (0..spec.members()).map(zone).collect();
        (name.clone(), members)
    });
    let users = scenario.traffic.iter().map(|(name, spec)| {
        let members = (0..spec.members()).map(|_| String::new()).collect();
        (name.clone(), members)
    });
    let partitions = scenario.components.iter().map(|(name, spec)| (name, spec.offer().partitions));
    let led = partitions.filter(|(_, partitions)| *partitions > 0);
    let led = led.map(|(name, partitions)| (name.clone(), partitions)).collect();
    Places { groups: users.chain(system).collect(), led, zones: zones.clone() }
}

fn timeline(scenario: &Scenario, places: &Places, findings: &mut Findings) -> Vec<Whom> {
    let mut targets = Vec::new();
    let mut labels: Vec<String> = Vec::new();
    for (index, entry) in scenario.timeline.iter().enumerate() {
        let index = index.to_string();
        let end = scenario.duration.0 + scenario.settle.0;
        if entry.at.0 >= end {
            let message = format!("at {} nothing happens any more", entry.at);
            let help = Some(format!("the run ends at {end}"));
            findings.error(&["timeline", &index, "at"], message, help);
        } else if entry.every.is_none() && entry.lasts().is_some_and(|it| entry.at.0 + it > end) {
            let message = format!("it lasts longer than the run, which ends at {end}");
            findings.warn(&["timeline", &index, "for"], message, None);
        }
        if entry.lasts().is_some_and(Span::is_zero) {
            findings.error(&["timeline", &index, "for"], "it needs some time", None);
        }
        let label = entry.label();
        if labels.contains(&label) {
            let help = Some("tell them apart: (…, as: \"second\")".to_string());
            let message = format!("there are two actions `{label}`");
            findings.warn(&["timeline", &index, "do"], message, help);
        }
        labels.push(label);
        options(entry, &index, findings);
        recurrence(entry, &index, findings);
        match target(entry, scenario, places) {
            Ok(whom) => targets.push(whom),
            Err(it) => findings.error(&["timeline", &index, "do", "0"], it.message, it.help),
        }
    }
    targets
}

/// What happens again has to end first.
fn recurrence(entry: &Entry, index: &str, findings: &mut Findings) {
    if entry.every.is_none() {
        return;
    }
    let at = ["timeline", index, "every"];
    if matches!(&entry.r#do, Act::Join(_) | Act::Leave(..) | Act::Reshard(..)) {
        findings.error(&at, "that happens once", Some("leave `every` out".into()));
    } else if entry.r#for.is_none() && !matches!(&entry.r#do, Act::Flush(_) | Act::Restart(_)) {
        let help = Some("say how long it lasts: for: Exp(\"1m\")".into());
        findings.error(&at, "it has to end before it can happen again", help);
    }
}

fn options(entry: &Entry, index: &str, findings: &mut Findings) {
    let mut error = |field: &str, message: &str, help: &str| {
        let at = ["timeline", index, "do", "1", field];
        findings.error(&at, message, Some(help.to_string()));
    };
    match &entry.r#do {
        Act::Slow(_, options) if !(options.times.is_finite() && options.times > 0.0) => {
            error("times", "work takes a number above 0 of times as long", "times: 5");
        }
        Act::Errors(_, options) | Act::Loss(_, options) if options.rate.0 == 0.0 => {
            error("rate", "a rate of nothing does nothing", "rate: \"10%\"");
        }
        Act::Reshard(_, options) if options.slots == 0 => {
            error("slots", "nothing is to move", "slots: 1365");
        }
        Act::Reshard(_, options) if options.slots > SLOTS => {
            error("slots", "a cluster has 16384 slots", "slots: 1365");
        }
        Act::Reshard(_, options) if options.rate.0 <= 0.0 => {
            error("rate", "nothing moves at this rate", "rate: \"1000/s\"");
        }
        Act::Join(_) | Act::Leave(..) | Act::Reshard(..) if entry.r#for.is_some() => {
            let help = "another line says when that ends: Join or Leave".to_string();
            findings.error(&["timeline", index, "for"], "it is for good", Some(help));
        }
        _ => {}
    }
}
