//! Assembling a world: groups first, so that all names are known; then components, wired to them.

use std::collections::BTreeMap;

use crate::action::{Action, Deed, Levers, Rhythm, Target};
use crate::call::OpId;
use crate::chance::{Chance, StreamId};
use crate::component::{AnyComponent, Component, Slot};
use crate::event::{Event, NodeId};
use crate::group::{Change, ComponentId, Group, GroupId, MemberState};
use crate::kernel::{Delay, Hears, Kernel, Link, LinkId, Node, Seat, Status};
use crate::ledger::Ledger;
use crate::meter::{CounterId, Meter, OperationId};
use crate::network::{Delays, Troubles, ZoneId};
use crate::queue::EventQueue;
use crate::series::Sampling;
use crate::slab::Slab;
use crate::station::{Discipline, Quota, Station};
use crate::time::{Span, Time};
use crate::world::{PlannedAction, World};

/// What a world needs before anything is in it.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// The seed of all streams.
    pub seed: u64,
    /// Sources stop here.
    pub duration: Span,
    /// Latencies of requests born before are not in the totals.
    pub warmup: Span,
    /// How often gauges are read.
    pub sample_every: Span,
    /// The network between nodes.
    pub delays: Delays,
    /// Break ties between equal times by chance: a test mode, to show that nothing rests on them.
    pub shuffle_ties: bool,
}

impl Frame {
    /// A frame for tests: no network delays, no warm-up, samples every second.
    pub fn plain(seed: u64, duration: Span) -> Frame {
        let (delays, sample_every) = (Delays::NONE, Span::secs(1));
        Frame { seed, duration, warmup: Span::ZERO, sample_every, delays, shuffle_ties: false }
    }
}

/// A world under construction.
pub struct Builder {
    kernel: Kernel,
    components: Vec<Option<Box<dyn AnyComponent>>>,
    ops: BTreeMap<String, OpId>,
    links: BTreeMap<(ComponentId, GroupId), LinkId>,
    actions: Vec<(Action, Rhythm)>,
    frame: Frame,
}

impl Builder {
    /// An empty world.
    pub fn new(frame: Frame) -> Builder {
        let mut chance = Chance::new(frame.seed);
        let fate = chance.stream("kernel", "fate");
        let queue = match frame.shuffle_ties {
            true => EventQueue::shuffled(frame.seed),
            false => EventQueue::default(),
        };
        let kernel = Kernel {
            now: Time::ZERO,
            queue,
            calls: Slab::default(),
            legs: Vec::new(),
            free_legs: Vec::new(),
            settled: Vec::new(),
            links: Vec::new(),
            seats: Vec::new(),
            nodes: Vec::new(),
            groups: Vec::new(),
            zones: vec![String::new()],
            delays: frame.delays,
            troubles: Troubles::default(),
            levers: Levers::default(),
            chance,
            fate,
            ledger: Ledger::new(),
            meter: Meter::new(Time::ZERO + frame.warmup),
            paused: 0,
            traffic_ends: Time::ZERO + frame.duration,
        };
        let (components, actions) = (Vec::new(), Vec::new());
        let (ops, links) = (BTreeMap::new(), BTreeMap::new());
        Builder { kernel, components, ops, links, actions, frame }
    }

    /// A zone by name; the same name gives the same zone.
    pub fn zone(&mut self, name: &str) -> ZoneId {
        let zones = &mut self.kernel.zones;
        let index = zones.iter().position(|zone| zone == name).unwrap_or_else(|| {
            zones.push(name.into());
            zones.len() - 1
        });
        ZoneId(index as u16)
    }

    /// The names of all zones; the first is nowhere in particular.
    pub fn zones(&self) -> &[String] {
        &self.kernel.zones
    }

    /// The name of the zone a component is in; empty for users, who are in none.
    pub fn zone_of(&self, id: ComponentId) -> &str {
        let zone = self.kernel.nodes[self.kernel.node_of(id).0 as usize].zone;
        self.kernel.zones.get(usize::from(zone.0)).map_or("", String::as_str)
    }

    /// A machine. Without a discipline its CPU is unlimited, and work takes what it takes.
    pub fn node(&mut self, zone: ZoneId, cpu: Option<Discipline>) -> NodeId {
        let cores = match &cpu {
            None | Some(Discipline::Delay) => 0.0,
            Some(Discipline::Fifo { servers }) => *servers as f64,
            Some(Discipline::Share { cores, .. }) => *cores,
        };
        let station = cpu.map(|discipline| Box::new(Station::new(discipline)));
        let node = Node {
            zone,
            station,
            cores,
            turn: 0,
            planned: None,
            paused: false,
            stalled: Time::ZERO,
            backlog: Vec::new(),
        };
        self.kernel.nodes.push(node);
        NodeId(self.kernel.nodes.len() as u32 - 1)
    }

    /// Declares a group, one member per node given. Panics on a name used twice.
    pub fn group(&mut self, name: &str, kind: &str, nodes: &[NodeId]) -> GroupId {
        assert!(self.kernel.groups.iter().all(|g| g.name != name), "two groups named {name}");
        let group = GroupId(self.kernel.groups.len() as u16);
        let first = ComponentId(self.kernel.seats.len() as u32);
        for (member, &node) in nodes.iter().enumerate() {
            self.kernel.seats.push(Seat {
                node,
                group,
                member: member as u16,
                epoch: 0,
                status: Status::Up,
                hears: Hears::default(),
                errors: 0.0,
                occupied: 0,
                servers: 0,
                since: Time::ZERO,
                busy: Span::ZERO,
                arrived: 0,
                turned_away: 0,
            });
            self.components.push(None);
        }
        self.kernel.groups.push(Group {
            name: name.into(),
            kind: kind.into(),
            first,
            size: nodes.len() as u16,
            history: Vec::new(),
            host: None,
        });
        group
    }

    /// The members of `group` are inside those of `host`, on their nodes: they crash with them.
    pub fn inside(&mut self, group: GroupId, host: GroupId) {
        self.kernel.groups[group.0 as usize].host = Some(host);
    }

    /// The node of a member.
    pub fn node_of(&self, id: ComponentId) -> NodeId {
        self.kernel.node_of(id)
    }

    /// Members from `member` on are not part of the group at the start.
    pub fn absent_from(&mut self, group: GroupId, member: u16) {
        let group = &self.kernel.groups[group.0 as usize];
        let absent: Vec<ComponentId> = group.members().skip(member.into()).collect();
        absent.into_iter().for_each(|id| self.absent(id));
    }

    /// A member that is not part of its group at the start.
    pub fn absent(&mut self, id: ComponentId) {
        let seat = &mut self.kernel.seats[id.0 as usize];
        seat.status = Status::Off;
        let change = Change { at: Time::ZERO, member: seat.member, state: MemberState::Gone };
        self.kernel.groups[seat.group.0 as usize].history.push(change);
    }

    /// A group that was declared.
    pub fn find(&self, name: &str) -> Option<GroupId> {
        let index = self.kernel.groups.iter().position(|group| group.name == name)?;
        Some(GroupId(index as u16))
    }

    /// What was declared about a group.
    pub fn declared(&self, group: GroupId) -> &Group {
        &self.kernel.groups[group.0 as usize]
    }

    /// `"shop/3"`.
    pub fn name(&self, id: ComponentId) -> String {
        self.kernel.name(id)
    }

    /// `"shop"`: the group of a component.
    pub fn group_name(&self, id: ComponentId) -> String {
        let group = self.kernel.seats[id.0 as usize].group;
        self.kernel.groups[group.0 as usize].name.clone()
    }

    /// The group of a component.
    pub fn group_of(&self, id: ComponentId) -> GroupId {
        self.kernel.seats[id.0 as usize].group
    }

    /// A way from one component to all members of a group. Its delays come from a stream named
    /// after the caller and the group, so that other links never change them.
    pub fn link(&mut self, from: ComponentId, to: GroupId) -> LinkId {
        let caller = &self.kernel.seats[from.0 as usize];
        let (caller_group, member) = (caller.group, caller.member);
        let [from_name, to_name] =
            [caller_group, to].map(|group| self.kernel.groups[group.0 as usize].name.clone());
        let first = self.kernel.groups[to.0 as usize].first;
        let next = LinkId(self.kernel.links.len() as u32);
        let known = *self.links.entry((from, to)).or_insert(next);
        if known != next {
            return known;
        }
        let edge = self.kernel.meter.add_edge(&from_name, &to_name);
        let owner = format!("{from_name}/{member} to {to_name}");
        let stream = self.kernel.chance.stream(&owner, "network");
        let delay = self.delay_of(from, to);
        self.kernel.links.push(Link { from, first, edge, stream, delay });
        next
    }

    fn delay_of(&self, from: ComponentId, to: GroupId) -> Delay {
        let here = self.kernel.node_of(from);
        let callee = &self.kernel.groups[to.0 as usize];
        if callee.host.is_some() && callee.members().any(|id| self.kernel.node_of(id) == here) {
            return Delay::ByZone;
        }
        let zone = |id: ComponentId| {
            self.kernel.nodes[self.kernel.seats[id.0 as usize].node.0 as usize].zone
        };
        let mut delays = self.kernel.groups[to.0 as usize]
            .members()
            .map(|member| self.kernel.delays.between(zone(from), zone(member)));
        let first = delays.next().expect("a group has members");
        if delays.all(|delay| delay == first) { Delay::Uniform(first) } else { Delay::ByZone }
    }

    /// The number of an operation, by its full name: `"shop.buy"`.
    pub fn op(&mut self, name: &str) -> OpId {
        let next = OpId(self.ops.len() as u16);
        *self.ops.entry(name.into()).or_insert(next)
    }

    /// A stream of chance. Panics if the name was asked for before.
    pub fn stream(&mut self, owner: &str, purpose: &str) -> StreamId {
        self.kernel.chance.stream(owner, purpose)
    }

    /// The tables behind empirical distributions and Zipf draws.
    pub fn chance(&mut self) -> &mut Chance {
        &mut self.kernel.chance
    }

    /// The tables and logs.
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.kernel.ledger
    }

    /// A counter of a group.
    pub fn counter(&mut self, group: GroupId, name: &str) -> CounterId {
        self.kernel.meter.add_counter(Some(group.0 as u32), name)
    }

    /// A counter of the scenario: `Count("sold")`, shared by all who count it.
    pub fn shared_counter(&mut self, name: &str) -> CounterId {
        self.kernel.meter.add_counter(None, name)
    }

    /// An operation or a journey that is all that a request of users does.
    pub fn whole_request(&mut self, name: &str) -> OperationId {
        self.kernel.meter.add_request(name)
    }

    /// An operation of users whose latency is recorded; the same name gives the same record.
    pub fn operation(&mut self, name: &str) -> OperationId {
        self.kernel.meter.add_operation(name, false)
    }

    /// The end of a flow whose age is recorded.
    pub fn age(&mut self, name: &str) -> OperationId {
        self.kernel.meter.add_operation(name, true)
    }

    /// Puts a component in its place.
    pub fn put(&mut self, id: ComponentId, component: impl Component) {
        self.kernel.seats[id.0 as usize].hears = component.hears();
        self.components[id.0 as usize] = Some(Box::new(Slot::new(component)));
    }

    /// Plans an action.
    pub fn action(&mut self, action: Action) {
        self.chancy(action, Rhythm::default());
    }

    /// Plans an action that leaves something to chance.
    pub fn chancy(&mut self, action: Action, rhythm: Rhythm) {
        self.actions.push((action, rhythm));
    }

    /// The CPU of a component's node may be used for so much of each period and no longer. Panics
    /// if the node's CPU is unlimited.
    pub fn limit_cpu(&mut self, id: ComponentId, quota: Quota) {
        let place = self.kernel.node_of(id);
        let node = &mut self.kernel.nodes[place.0 as usize];
        node.station.as_mut().expect("a CPU with a number of cores").limit(quota, place.0);
        node.cores = node.cores.min(quota.cores);
    }

    /// Whom an action may slow or pause needs a CPU that can be slowed in mid-work.
    fn give_stations(&mut self) {
        for (action, _) in &self.actions {
            let Target::Members { pool, .. } = &action.target else { continue };
            if !matches!(action.deed, Deed::Pause | Deed::Speed(_)) {
                continue;
            }
            for id in pool {
                let node = self.kernel.seats[id.0 as usize].node;
                let station = &mut self.kernel.nodes[node.0 as usize].station;
                station.get_or_insert_with(|| Box::new(Station::new(Discipline::Delay)));
            }
        }
    }

    /// The finished world. Panics if a declared member has no component.
    pub fn build(mut self) -> World {
        self.give_stations();
        let place = |(index, slot): (usize, Option<Box<dyn AnyComponent>>)| {
            slot.unwrap_or_else(|| panic!("nothing was put in place {index}"))
        };
        let components: Vec<_> = self.components.into_iter().enumerate().map(place).collect();
        let every = self.frame.sample_every;
        self.kernel.queue.after(Time::ZERO, every, Event::Sample);
        self.actions.sort_by_key(|(action, _)| action.at);
        for (index, (action, rhythm)) in self.actions.iter().enumerate() {
            let after = rhythm.every.map_or(Span::ZERO, |it| self.kernel.chance.sample(it));
            let at = action.at + after;
            if rhythm.every.is_none() || at < Time::ZERO + self.frame.duration {
                self.kernel.queue.at(at, Event::Action(index as u32));
            }
        }
        World {
            sampling: Sampling::new(every, self.kernel.groups.len(), components.len()),
            components,
            kernel: self.kernel,
            actions: self.actions.into_iter().map(PlannedAction::new).collect(),
            started: false,
            events: 0,
            gauge_rows: Vec::new(),
            marks: Vec::new(),
            frame: self.frame,
        }
    }
}
