//! From what is said about a cache to its nodes.

use std::rc::Rc;

use engine::chance::{Dist as Draw, Sampler};
use engine::{ComponentId, Discipline, GroupId, Span, Time, Word as _};

use super::check::MOST_ENTRIES;
use super::fates::{Fates, REMEMBERED};
use super::kept::{Kept, Room};
use super::moving::Moving;
use super::node::{CacheNode, Lever};
use super::rules::{Behind, Counters, Life, Ops, Rules, Warm, Writes};
use super::sizes::SizeSpec;
use super::spec::{CacheSpec, Full, MOST_WARM, WritesSpec};
use super::tune::Tune;
use crate::ComponentSpec;
use crate::flow::compile::Compiler;
use crate::flow::machine::Machine;
use crate::flow::program::Place;
use crate::key::KeyOf;
use crate::policy::balance::Balance;
use crate::stores::dist_or;
use crate::units::{Bytes, Dur};
use crate::wiring::{Offer, Wiring};

/// What all nodes of a cache have in common.
struct Common {
    key: KeyOf,
    access: Draw,
    ops: Ops,
    counters: Counters,
    room: Room,
    /// Which node keeps which key, if that goes by the key of the entries.
    placing: Option<Balance>,
    group: GroupId,
    /// What became of keys, if each has its node.
    fates: Option<Fates>,
    /// The list that nodes warm up with: the part of each, or of all the whole.
    lists: Vec<Rc<[u32]>>,
}

impl CacheSpec {
    fn key_of(&self, wiring: &mut Wiring<'_>) -> Option<KeyOf> {
        let mut key = None;
        if let Some(by) = &self.by {
            wiring.at_name("by", |w| by.build(self.members(), w))?;
            key = KeyOf::named(by.key(), wiring);
        }
        match &self.key {
            Some(name) => wiring.at_name("key", |w| KeyOf::named(name, w)),
            None if key.is_some() => key,
            None => {
                let help = "say it: key: \"product\"".to_owned();
                wiring.problem_with("which draw is the key is not said", Some(help));
                None
            }
        }
    }

    fn room(&self, wiring: &mut Wiring<'_>) -> Room {
        let sizes = self.memory.and_then(|_| {
            let spec = self.size.unwrap_or(SizeSpec::Always(Bytes(1024)));
            wiring.at_name("size", |w| spec.build(self.overhead.unwrap_or(Bytes(72)), w))
        });
        if let Some(sizes) = sizes {
            self.complain_of_sizes(sizes, wiring);
        }
        let capacity = self.memory.map_or(self.entries(), |memory| memory.0.max(1));
        let [grace, rescue] =
            [self.stale, self.stale_if_error].map(|it| it.map_or(Span::ZERO, Dur::span));
        Room { evict: self.evict, capacity, sizes, grace, rescue: rescue.max(grace) }
    }

    fn life(&self) -> Life {
        Life {
            ttl: self.ttl.map(Dur::span),
            sliding: self.sliding,
            denied: self.ttl_denied.map(Dur::span),
            jitter: self.jitter.map_or(0.0, |share| share.0),
            early: self.early.map_or(Span::ZERO, Dur::span),
            refresh: self.refresh.map(Dur::span),
        }
    }

    fn tune(&self) -> Option<Tune> {
        let tune = self.tune?;
        Some(Tune {
            every: tune.every.span(),
            grow_below: tune.below.map_or(0.8, |share| share.0),
            room: tune.room.map_or(0.7, |share| share.0),
            times: tune.times.unwrap_or(1.5),
            most: tune.most.clamp(1, if self.memory.is_some() { u64::MAX } else { MOST_ENTRIES }),
            then: tune.then,
        })
    }

    /// The list that nodes warm up with, cut in as many parts as there are nodes if each key has
    /// its own.
    fn lists(&self, placing: Option<&Balance>) -> Vec<Rc<[u32]>> {
        let top = self.warm.map_or(0, |warm| warm.top.min(MOST_WARM));
        let Some(placing) = placing else { return vec![(0..top).collect()] };
        let (all, mut placing) = ((0..self.members()).collect::<Vec<u16>>(), placing.clone());
        let mut lists = vec![Vec::new(); all.len()];
        for key in 0..top {
            let node = placing.pick(&all, u64::from(key), Time::ZERO, |_| 0, |_| 0);
            lists[node as usize].push(key);
        }
        lists.into_iter().map(Rc::from).collect()
    }

    /// The keys of the list that a node keeps.
    fn warm(&self, member: u16, common: &Common, wiring: &mut Wiring<'_>) -> Option<Warm> {
        let warm = self.warm?;
        let KeyOf::Draw(draw) = common.key else {
            let message = "a list is of keys that are one draw";
            wiring.at_name("warm", |w| w.problem(message));
            return None;
        };
        let keys = common.lists[member as usize % common.lists.len()].clone();
        Some(Warm { draw, keys, batch: warm.batch.max(1) as usize })
    }

    /// How keys move, if it is known whose they are.
    fn moving(&self, id: ComponentId, common: &Common, wiring: &mut Wiring<'_>) -> Option<Moving> {
        let (spec, placing) = (self.moving.as_ref()?, common.placing.clone()?);
        let link = wiring.builder.link(id, common.group);
        let batch = spec.batch.max(1) as usize;
        Some(Moving { placing, group: common.group, link, rate: spec.rate.0, batch })
    }

    fn writes(
        &self,
        name: &str,
        (member, id): (u16, ComponentId),
        store: Option<Place>,
        wiring: &mut Wiring<'_>,
    ) -> Writes {
        let Some(place) = store else { return Writes::Here };
        let Some(WritesSpec::Behind { every, batch, queue, full }) = self.writes else {
            return Writes::Through(place);
        };
        let log = wiring.log(&format!("{name}.behind"), member);
        let ledger = wiring.builder.ledger();
        let group = ledger.join(log, name);
        ledger.volatile(log, group, id);
        Writes::Behind(Behind {
            place,
            every: every.span(),
            batch: batch.max(1) as usize,
            queue: queue.max(1) as usize,
            drops: full == Full::Drop,
            log,
            group,
        })
    }

    fn node(
        &self,
        name: &str,
        member: u16,
        id: ComponentId,
        common: &Common,
        wiring: &mut Wiring<'_>,
    ) -> CacheNode {
        let mut compiler = Compiler::new(wiring, id, false);
        let load = (!self.load.is_empty()).then(|| compiler.flow_at(&["load"], &self.load));
        let given = ["value", "writes"];
        let store = !self.store.is_empty();
        let store = store.then(|| compiler.flow_given("store", &given, &self.store));
        let machine = Machine::new(compiler.finish());
        let owner = format!("{name}/{member}");
        let stream = wiring.builder.stream(&owner, "access");
        let tag = self.tag.as_ref().and_then(|tag| {
            wiring.draws.iter().position(|draw| draw == tag).map(|place| place as u8)
        });
        let rules = Rules {
            key: common.key,
            tag,
            access: Sampler { dist: common.access, stream },
            life: self.life(),
            coalesce: self.coalesce,
            fill: self.fill.map_or(Span::secs(1), Dur::span),
            versioned: self.versioned,
            connections: self.connections.unwrap_or(0),
            stream: wiring.builder.stream(&owner, "expiry"),
            table: self.of.clone().or(self.key_name().map(String::from)),
            ops: common.ops,
            counters: common.counters,
            load,
            writes: self.writes(name, (member, id), store, wiring),
            warm: self.warm(member, common, wiring),
            tune: self.tune(),
            moving: self.moving(id, common, wiring),
        };
        let dice = wiring.builder.stream(&owner, "eviction");
        let chance = wiring.builder.chance();
        let [high, low] = [(); 2].map(|()| u64::from(chance.below(dice, u32::MAX)));
        let fates = match &common.fates {
            Some(shared) => shared.at(member),
            None => Fates::new((REMEMBERED / usize::from(self.members())).max(1 << 16)),
        };
        let kept = Kept::new(common.room, fates, high << 32 | low);
        CacheNode::new(rules, kept, machine, self.members())
    }
}

impl ComponentSpec for CacheSpec {
    fn members(&self) -> u16 {
        self.nodes()
    }

    fn cpu(&self) -> Option<Discipline> {
        self.cpu_of_its_own()
    }

    fn offer(&self) -> Offer {
        self.offers()
    }

    fn lever(&self, action: &str) -> Option<u64> {
        (action == "Flush").then(|| Lever::Flush.pack())
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        self.complain(wiring);
        self.complain_of_host(wiring);
        let key = self.key_of(wiring).unwrap_or(KeyOf::Root);
        let usual = if self.inside.is_some() { Span::micros(1) } else { Span::micros(10) };
        let access = dist_or(wiring, "access", self.access.as_ref(), usual);
        self.complain_of_access(Span::from_f64(access.mean()), wiring);
        let known = wiring.problems.len();
        let by = self.by.as_ref().filter(|_| self.key.is_none());
        let placing = by.and_then(|by| by.build(self.members(), wiring));
        wiring.problems.truncate(known);
        let common = Common {
            key,
            access,
            ops: Ops::new(|op| wiring.builder.op(&format!("{name}.{op}"))),
            counters: Counters::new(|name| wiring.builder.counter(group, name)),
            room: self.room(wiring),
            lists: self.lists(placing.as_ref()),
            fates: placing.is_some().then(|| Fates::new(REMEMBERED)),
            placing,
            group,
        };
        for member in 0..self.members() {
            let id = wiring.builder.declared(group).member(member);
            let known = wiring.problems.len();
            let node = self.node(name, member, id, &common, wiring);
            if member > 0 {
                // All nodes are alike: what is wrong with one is said once.
                wiring.problems.truncate(known);
            }
            wiring.builder.put(id, node);
        }
    }
}
