//! Topology → World: groups in the order of their names, a node for each member, then components
//! that run flows, then users, then stores (which execute what the flows brought), then actions.

use std::collections::BTreeMap;

use engine::chance::Sampler;
use engine::{Action, Builder, ComponentId, Deed, Delays, Frame, Rhythm, Span, Target, Time};
use engine::{NodeId, Trouble, World, ZoneId};
use models::dist::Dist;
use models::wiring::{Problem, Wiring};
use models::{ComponentSpec, Spec};

use crate::scenario::spec::{Act, Entry, Network};
use crate::selector::{Member, Whom};
use crate::topology::Topology;

/// A restarted process is down for no time: it comes back in the next instant.
const AT_ONCE: Span = Span::nanos(1);

/// A mean time between actions, in nanoseconds, below which a run would do nothing else.
const OFTEN: f64 = 1e6;

/// Builds the world of one run. The errors are those of the components' own specifications.
pub fn assemble(topology: &Topology, seed: u64) -> Result<World, Vec<Problem>> {
    let scenario = &topology.scenario;
    let mut frame = Frame {
        seed,
        duration: scenario.duration.0.min(topology.end() - Time::ZERO),
        warmup: scenario.warmup.0,
        sample_every: topology.every,
        delays: Delays::NONE,
        shuffle_ties: topology.shuffle_ties,
    };
    // A frame needs the delays, and delays may need the tables of a builder: they are read
    // twice, first, so that their tables have the same places both times.
    let mut scratch = Builder::new(frame);
    frame.delays = delays(&scenario.network, &mut wiring(topology, &mut scratch));
    let mut builder = Builder::new(frame);
    declare(topology, &mut builder);
    let mut wiring = wiring(topology, &mut builder);
    delays(&scenario.network, &mut wiring);
    components(topology, &mut wiring, true);
    traffic(topology, &mut wiring);
    components(topology, &mut wiring, false);
    timeline(topology, &mut wiring);
    absent(topology, wiring.builder);
    let problems = std::mem::take(&mut wiring.problems);
    if problems.is_empty() { Ok(builder.build()) } else { Err(problems) }
}

fn wiring<'a>(topology: &Topology, builder: &'a mut Builder) -> Wiring<'a> {
    let mut wiring = Wiring::new(builder, topology.draws.clone());
    wiring.offers = topology.offers.clone();
    wiring.flows = topology.scenario.flows.clone();
    wiring.policies = topology.scenario.policies.clone();
    wiring.check_policies();
    wiring
}

fn delays(network: &Network, wiring: &mut Wiring<'_>) -> Delays {
    wiring.at_name("network", |wiring| {
        let mut one = |field: &str, said: &Option<Dist>, otherwise| match said {
            Some(dist) => wiring.at_name(field, |w| w.dist(dist)),
            None => otherwise,
        };
        let any = one("any", &network.any, engine::chance::Dist::Fixed(Span::ZERO));
        let same_zone = one("same_zone", &network.same_zone, any);
        Delays {
            same_zone,
            cross_zone: one("cross_zone", &network.cross_zone, same_zone),
            internet: one("internet", &network.internet, any),
        }
    })
}

/// All groups by name, each member on a node of its own; but for those inside another group, which
/// are on the nodes of that one.
fn declare(topology: &Topology, builder: &mut Builder) {
    let groups = &topology.places.groups;
    let host_of = |name: &String| {
        let inside = topology.offers.get(name)?.inside.as_ref()?;
        groups.get_key_value(inside).map(|(host, _)| host)
    };
    let mut nodes: BTreeMap<&String, Vec<NodeId>> = BTreeMap::new();
    for name in groups.keys() {
        let owner = host_of(name).unwrap_or(name);
        let nodes = nodes.entry(owner).or_insert_with(|| nodes_of(owner, topology, builder));
        let size = groups[name].len().min(nodes.len());
        let kind = topology.offers.get(name).map_or("Traffic", |offer| offer.kind);
        builder.group(name, kind, &nodes[..size]);
    }
    for name in groups.keys() {
        if let (Some(host), Some(guest)) = (host_of(name), builder.find(name)) {
            let host = builder.find(host).expect("all groups are declared");
            builder.inside(guest, host);
        }
    }
}

fn nodes_of(name: &str, topology: &Topology, builder: &mut Builder) -> Vec<NodeId> {
    let spec = topology.scenario.components.get(name);
    let cpu = spec.and_then(ComponentSpec::cpu);
    let mut nodes = Vec::new();
    for zone in &topology.places.groups[name] {
        let zone = if spec.is_none() { ZoneId::INTERNET } else { builder.zone(zone) };
        nodes.push(builder.node(zone, cpu));
    }
    nodes
}

fn components(topology: &Topology, wiring: &mut Wiring<'_>, running_flows: bool) {
    wiring.at_name("components", |wiring| {
        let wanted = |spec: &Spec| spec.runs_flows() == running_flows;
        let all = topology.scenario.components.iter();
        for (name, spec) in all.filter(|(_, spec)| wanted(spec)) {
            let group = wiring.builder.find(name).expect("all groups are declared");
            wiring.at_name(name, |wiring| spec.build(name, group, wiring));
        }
    });
}

fn traffic(topology: &Topology, wiring: &mut Wiring<'_>) {
    let duration = topology.scenario.duration.0;
    wiring.at_name("traffic", |wiring| {
        for (name, spec) in &topology.scenario.traffic {
            let group = wiring.builder.find(name).expect("all groups are declared");
            wiring.at_name(name, |wiring| {
                spec.build(name, group, &topology.numbers, duration, wiring);
            });
        }
    });
}

fn timeline(topology: &Topology, wiring: &mut Wiring<'_>) {
    wiring.at_name("timeline", |wiring| {
        let entries = topology.scenario.timeline.iter().zip(&topology.targets);
        for (index, (entry, whom)) in entries.enumerate() {
            let deed = wiring.at_index(index, |wiring| deed(&entry.r#do, whom, topology, wiring));
            let by_itself = match &entry.r#do {
                Act::Restart(_) => Some(AT_ONCE),
                Act::Leave(_, options) => Some(options.drain.0).filter(|drain| !drain.is_zero()),
                _ => None,
            };
            let lasts = entry.lasts().or(by_itself);
            for (name, target) in targets(entry, whom, wiring.builder) {
                let rhythm = wiring.at_index(index, |wiring| rhythm(entry, &name, wiring));
                let (at, deed) = (Time::ZERO + entry.at.0, deed.clone());
                wiring.builder.chancy(Action { name, at, lasts, target, deed }, rhythm);
            }
        }
    });
}

/// What an entry leaves to chance; each of its actions has streams of its own.
fn rhythm(entry: &Entry, name: &str, wiring: &mut Wiring<'_>) -> Rhythm {
    let mut drawn = |field: &str, dist: &Option<Dist>| {
        let dist = dist.as_ref().filter(|_| field == "every" || entry.lasts().is_none())?;
        let dist = wiring.at_name(field, |wiring| {
            let drawn = wiring.dist(dist);
            if field == "every" && drawn.mean() < OFTEN {
                let help = Some("every: \"1h\"".to_string());
                wiring.problem_with("more often than once a millisecond", help);
            }
            drawn
        });
        Some(Sampler { dist, stream: wiring.builder.stream(name, field) })
    };
    Rhythm { every: drawn("every", &entry.every), lasts: drawn("for", &entry.r#for) }
}

/// What an entry does to whom, and what reports call that.
fn targets(entry: &Entry, whom: &Whom, builder: &Builder) -> Vec<(String, Target)> {
    let label = entry.label();
    match whom {
        Whom::Members(members, None) if entry.is_each() => {
            let one = |member: &Member| {
                let whom = Whom::Members(vec![member.clone()], None);
                (format!("{label} {}/{}", member.0, member.1), target(&whom, builder))
            };
            members.iter().map(one).collect()
        }
        _ => vec![(label, target(whom, builder))],
    }
}

/// Whoever is first heard of when joining was not there before.
fn absent(topology: &Topology, builder: &mut Builder) {
    let mut entries: Vec<(&Entry, &Whom)> =
        topology.scenario.timeline.iter().zip(&topology.targets).collect();
    entries.sort_by_key(|(entry, _)| entry.at);
    let mut known = Vec::new();
    for (entry, whom) in entries {
        let Whom::Members(members, _) = whom else { continue };
        let joins = matches!(entry.r#do, Act::Join(_));
        for member in members.iter().filter(|_| joins || matches!(entry.r#do, Act::Leave(..))) {
            if !known.contains(&member) && joins {
                let group = builder.find(&member.0).expect("selectors mean declared groups");
                builder.absent(builder.declared(group).member(member.1));
            }
            known.push(member);
        }
    }
}

fn deed(act: &Act, whom: &Whom, topology: &Topology, wiring: &mut Wiring<'_>) -> Deed {
    match act {
        Act::Crash(_, options) => Deed::Crash { silent: options.silent },
        Act::Restart(_) => Deed::Crash { silent: false },
        Act::ZoneLoss(_) => Deed::Crash { silent: true },
        Act::Pause(_) => Deed::Pause,
        Act::Join(_) => Deed::Present(true),
        Act::Leave(_, options) if options.drain.0.is_zero() => Deed::Present(false),
        Act::Leave(..) => Deed::Drain,
        Act::Slow(_, options) => Deed::Speed(1.0 / options.times),
        Act::Errors(_, options) => Deed::Errors(options.rate.0),
        Act::Cut(_) | Act::Partition(_) => Deed::Link(Trouble::Cut),
        Act::Loss(_, options) => Deed::Link(Trouble::Loss(options.rate.0)),
        Act::Delay(_, options) => {
            let dist = wiring.at_name("do", |w| w.at_index(1, |w| w.dist(&options.by)));
            Deed::Link(Trouble::Delay(dist))
        }
        Act::Flush(_) => Deed::Lever { word: lever("Flush", whom, topology), to: 1.0 },
        Act::Reshard(_, options) => {
            let given = u64::from(options.to) << 32 | u64::from(options.slots);
            Deed::Lever { word: lever("Reshard", whom, topology) | given, to: options.rate.0 }
        }
    }
}

/// The word of a lever that, as is known by now, the members have.
fn lever(action: &str, whom: &Whom, topology: &Topology) -> u64 {
    let Whom::Members(members, _) = whom else { unreachable!("levers are of members") };
    let word = members.first().and_then(|(name, _)| {
        topology.scenario.components.get(name).and_then(|spec| spec.lever(action))
    });
    word.expect("only who has the lever is meant")
}

fn target(whom: &Whom, builder: &Builder) -> Target {
    let ids = |members: &[Member]| -> Vec<ComponentId> {
        let id = |(name, member): &Member| {
            let group = builder.find(name).expect("selectors mean declared groups");
            builder.declared(group).member(*member)
        };
        let mut ids: Vec<ComponentId> = members.iter().map(id).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    match whom {
        Whom::Members(pool, pick) => Target::Members { pool: ids(pool), pick: *pick },
        Whom::Leader(group, part) => {
            let group = builder.find(group).expect("selectors mean declared groups");
            Target::Leader { pool: builder.declared(group).members().collect(), part: *part }
        }
        Whom::Links(from, to, both) => Target::Links { from: ids(from), to: ids(to), both: *both },
    }
}
