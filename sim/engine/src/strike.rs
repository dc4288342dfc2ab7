//! Actions begin and end: the only place where the kernel's levers move.

use crate::action::{Deed, Lever, Target};
use crate::call::{Answer, CallId, Outcome};
use crate::calls::{Call, Caller, Phase};
use crate::event::{Event, NodeId};
use crate::group::{ComponentId, MemberState};
use crate::kernel::{Kernel, LinkId, Seat, Status};
use crate::network::Disturbance;
use crate::time::{Span, Time};
use crate::world::World;

/// Holds levers for a node that stands still of itself, in place of an action; the node's number
/// is below.
const STALL: u32 = 1 << 31;
/// Holds levers for a component that ends itself; its number is below.
const EXIT: u32 = 1 << 30;

impl World {
    /// An action begins; or, if it has begun, ends.
    pub(crate) fn act(&mut self, index: u32) {
        let now = self.kernel.now;
        if index & STALL != 0 {
            return self.kernel.go_on(index & !STALL);
        }
        if index & EXIT != 0 {
            return self.end_or_start(index);
        }
        let planned = &mut self.actions[index as usize];
        if planned.began.is_some() && planned.ended.is_none() {
            planned.ends(now);
            self.end(index);
            return self.plan_again(index);
        }
        planned.begins(now);
        let drawn = planned.rhythm.lasts.map(|lasts| self.kernel.chance.sample(lasts));
        match drawn.or(planned.action.lasts) {
            Some(span) => self.kernel.queue.at(now + span, Event::Action(index)),
            None if planned.rhythm.every.is_some() => {
                planned.ends(now);
                self.plan_again(index);
            }
            None => {}
        }
        let planned = &self.actions[index as usize];
        let (target, deed) = (planned.action.target.clone(), planned.action.deed.clone());
        match target {
            Target::Members { pool, pick } => {
                let chosen = self.kernel.pick(pool, pick);
                self.strike_all(index, &chosen, &deed);
            }
            Target::Leader { mut pool, part } => {
                pool.retain(|id| self.components[id.0 as usize].leads(part));
                self.strike_all(index, &pool, &deed);
            }
            Target::Links { from, to, both } => self.trouble(index, from, to, both, deed),
        }
    }

    /// The next time that an action begins, if it does so again while users come.
    fn plan_again(&mut self, index: u32) {
        let Some(every) = self.actions[index as usize].rhythm.every else { return };
        let next = self.kernel.now + self.kernel.chance.sample(every);
        if next < Time::ZERO + self.frame.duration {
            self.kernel.queue.at(next, Event::Action(index));
        }
    }

    fn strike_all(&mut self, action: u32, members: &[ComponentId], deed: &Deed) {
        for id in members {
            if self.kernel.is_so(*id, deed) {
                continue;
            }
            let name = self.kernel.name(*id);
            let touched = &mut self.actions[action as usize].touched;
            if !touched.contains(&name) {
                touched.push(name);
            }
            self.strike(action, *id, deed);
        }
    }

    fn strike(&mut self, action: u32, id: ComponentId, deed: &Deed) {
        let node = self.kernel.node_of(id).0;
        match *deed {
            Deed::Crash { silent } => {
                self.kernel.levers.hold(action, Lever::Down, id.0, 1.0);
                self.crash(id, silent);
                for guest in self.kernel.guests(id) {
                    self.strike(action, guest, deed);
                }
            }
            Deed::Pause => {
                self.kernel.levers.hold(action, Lever::Paused, node, 1.0);
                self.kernel.apply_node(node);
            }
            Deed::Speed(speed) => {
                self.kernel.levers.hold(action, Lever::Speed, node, speed);
                self.kernel.apply_node(node);
            }
            Deed::Errors(rate) => {
                self.kernel.levers.hold(action, Lever::Errors, id.0, rate);
                self.kernel.apply_errors(id);
            }
            Deed::Present(present) => self.join_or_leave(id, present),
            Deed::Drain => {
                self.kernel.levers.hold(action, Lever::Leaving, id.0, 1.0);
                if self.kernel.seat(id).status == Status::Up {
                    self.kernel.note(id, MemberState::Draining);
                }
            }
            Deed::Lever { word, to } => {
                if self.kernel.seat(id).status == Status::Up {
                    self.components[id.0 as usize].lever(id, word, to, &mut self.kernel);
                }
            }
            Deed::Link(_) => unreachable!("trouble is for links"),
        }
    }

    fn trouble(
        &mut self,
        action: u32,
        from: Vec<ComponentId>,
        to: Vec<ComponentId>,
        both: bool,
        deed: Deed,
    ) {
        let Deed::Link(trouble) = deed else { unreachable!("links know only trouble") };
        let touched = self.kernel.links_between(&from, &to, both);
        self.actions[action as usize].touched = touched;
        if both {
            let (from, to) = (to.clone(), from.clone());
            self.kernel.troubles.add(Disturbance { action, trouble, from, to });
        }
        self.kernel.troubles.add(Disturbance { action, trouble, from, to });
    }

    fn end(&mut self, action: u32) {
        self.kernel.troubles.remove(action);
        for (lever, target) in self.kernel.levers.release(action) {
            match lever {
                Lever::Down if !self.kernel.is_down(ComponentId(target)) => {}
                Lever::Down if !self.kernel.levers.held(Lever::Down, target) => {
                    self.restart(ComponentId(target));
                }
                Lever::Down => {}
                Lever::Paused | Lever::Speed => self.kernel.apply_node(target),
                Lever::Errors => self.kernel.apply_errors(ComponentId(target)),
                Lever::Leaving => self.join_or_leave(ComponentId(target), false),
            }
        }
    }

    /// The process ends: it forgets, and everything it had in hand breaks off. Whoever is out of
    /// its group stays out.
    fn crash(&mut self, id: ComponentId, silent: bool) {
        let now = self.kernel.now;
        let seat = self.kernel.seat(id);
        if matches!(seat.status, Status::Down { .. }) {
            return;
        }
        seat.settle_busy(now);
        seat.occupied = 0;
        seat.epoch = seat.epoch.wrapping_add(1);
        let out = seat.status == Status::Off;
        seat.status = if out { Status::Off } else { Status::Down { silent } };
        self.components[id.0 as usize].crash();
        self.kernel.ledger.crashed(id);
        if !out {
            self.kernel.note(id, MemberState::Down);
        }
        self.kernel.drop_jobs(id);
        self.kernel.break_calls(id, silent);
        // Whatever it stood still for ends with it.
        let node = self.kernel.node_of(id).0;
        self.kernel.nodes[node as usize].stalled = now;
        self.kernel.go_on(node);
    }

    /// A component that ends itself goes down; the second time, it starts again.
    fn end_or_start(&mut self, action: u32) {
        if self.kernel.levers.holds(action) {
            return self.end(action);
        }
        self.strike(action, ComponentId(action & !EXIT), &Deed::Crash { silent: false });
    }

    fn join_or_leave(&mut self, id: ComponentId, present: bool) {
        match (self.kernel.seat(id).status, present) {
            (Status::Off, true) => {
                self.components[id.0 as usize].crash();
                self.kernel.ledger.crashed(id);
                if self.kernel.levers.held(Lever::Down, id.0) {
                    self.kernel.seat(id).status = Status::Down { silent: false };
                    return self.kernel.note(id, MemberState::Down);
                }
                self.restart(id);
            }
            (Status::Up | Status::Paused | Status::Down { .. }, false) => {
                self.kernel.seat(id).status = Status::Off;
                self.kernel.note(id, MemberState::Gone);
            }
            _ => {}
        }
    }

    fn restart(&mut self, id: ComponentId) {
        let paused = self.kernel.levers.held(Lever::Paused, self.kernel.node_of(id).0);
        self.kernel.seat(id).status = if paused { Status::Paused } else { Status::Up };
        self.kernel.note(id, MemberState::Ready);
        self.components[id.0 as usize].start(id, &mut self.kernel);
    }
}

impl Kernel {
    /// All of `pool`, or `pick` of them, drawn.
    fn pick(&mut self, mut pool: Vec<ComponentId>, pick: Option<u16>) -> Vec<ComponentId> {
        let Some(wanted) = pick else { return pool };
        let mut chosen = Vec::new();
        while chosen.len() < wanted as usize && !pool.is_empty() {
            let index = self.chance.below(self.fate, pool.len() as u32);
            chosen.push(pool.remove(index as usize));
        }
        chosen.sort();
        chosen
    }

    /// Those inside of a member: they live and die with it.
    fn guests(&self, id: ComponentId) -> Vec<ComponentId> {
        let Seat { group, member, .. } = self.seats[id.0 as usize];
        let inside = self.groups.iter().filter(|guest| guest.host == Some(group));
        inside.map(|guest| guest.member(member)).collect()
    }

    /// Whether who should come is there already, or who should go is not.
    fn is_so(&self, id: ComponentId, deed: &Deed) -> bool {
        let off = self.seats[id.0 as usize].status == Status::Off;
        match deed {
            Deed::Present(true) => !off,
            Deed::Present(false) | Deed::Drain => off,
            _ => false,
        }
    }

    fn is_down(&self, id: ComponentId) -> bool {
        matches!(self.seats[id.0 as usize].status, Status::Down { .. })
    }

    pub(crate) fn name(&self, id: ComponentId) -> String {
        let seat = &self.seats[id.0 as usize];
        format!("{}/{}", self.groups[seat.group.0 as usize].name, seat.member)
    }

    /// The links that trouble from one set to the other touches, by name.
    fn links_between(&self, from: &[ComponentId], to: &[ComponentId], both: bool) -> Vec<String> {
        let mut touched = Vec::new();
        for link in &self.links {
            let group = self.seats[link.first.0 as usize].group;
            for member in self.groups[group.0 as usize].members() {
                let hit = |from: &[ComponentId], to: &[ComponentId]| {
                    from.binary_search(&link.from).is_ok() && to.binary_search(&member).is_ok()
                };
                // An answer crosses the link the other way: a one-way cut touches both kinds.
                if hit(from, to) || hit(to, from) {
                    let arrow = if both { "<->" } else { "->" };
                    let (a, b) = match hit(from, to) {
                        true => (link.from, member),
                        false => (member, link.from),
                    };
                    touched.push(format!("{} {arrow} {}", self.name(a), self.name(b)));
                }
            }
        }
        touched.sort();
        touched.dedup();
        touched
    }

    /// Brings a node's pause and speed in line with who holds its levers.
    fn apply_node(&mut self, node: u32) {
        let paused = self.levers.held(Lever::Paused, node);
        let speed = if paused { 0.0 } else { self.levers.product(Lever::Speed, node) };
        let now = self.now;
        let place = &mut self.nodes[node as usize];
        let station = place.station.as_mut();
        station.expect("nodes that actions may slow have a station").set_speed(now, speed);
        let was = std::mem::replace(&mut place.paused, paused);
        let backlog = if paused { Vec::new() } else { std::mem::take(&mut place.backlog) };
        self.replan(NodeId(node));
        if was == paused {
            return;
        }
        self.paused = if paused { self.paused + 1 } else { self.paused - 1 };
        for seat in self.seats.iter_mut().filter(|seat| seat.node.0 == node) {
            match seat.status {
                Status::Up if paused => seat.status = Status::Paused,
                Status::Paused if !paused => seat.status = Status::Up,
                _ => {}
            }
        }
        // Everything that came meanwhile is delivered now, in the order in which it was due.
        backlog.into_iter().for_each(|event| self.queue.at(now, event));
    }

    /// A node stands still of itself, as for a collection of garbage. One that does already is not
    /// stopped for longer.
    pub(crate) fn stall(&mut self, id: ComponentId, lasts: Span) {
        let (node, until) = (self.node_of(id).0, self.now + lasts);
        let place = &mut self.nodes[node as usize];
        if place.stalled > self.now || lasts.is_zero() {
            return;
        }
        place.stalled = until;
        self.levers.hold(STALL | node, Lever::Paused, node, 1.0);
        self.apply_node(node);
        self.queue.at(until, Event::Action(STALL | node));
    }

    /// A component ends itself as soon as what happens now is over, and starts again after `back`.
    pub(crate) fn exit(&mut self, id: ComponentId, back: Span) {
        self.queue.at(self.now, Event::Action(EXIT | id.0));
        self.queue.at(self.now + back, Event::Action(EXIT | id.0));
    }

    /// A node goes on. Crashes end a standstill early: the end that was planned for it is then
    /// stale, and may meet the next one.
    fn go_on(&mut self, node: u32) {
        let over = self.nodes[node as usize].stalled <= self.now;
        if over && !self.levers.release(STALL | node).is_empty() {
            self.apply_node(node);
        }
    }

    fn apply_errors(&mut self, id: ComponentId) {
        self.seat(id).errors = self.levers.either(Lever::Errors, id.0);
    }

    /// Work of a dead process is not done.
    fn drop_jobs(&mut self, id: ComponentId) {
        let now = self.now;
        let node = self.node_of(id);
        if let Some(station) = &mut self.nodes[node.0 as usize].station {
            station.retain(now, |job| job.owner != id);
            self.replan(node);
        }
    }

    /// The calls that a crashed process held, had made, or had passed on. Rare, so it walks.
    fn break_calls(&mut self, id: ComponentId, silent: bool) {
        self.accept_backlog(id);
        let all: Vec<CallId> = self.calls.iter().map(|(key, _)| key).collect();
        for call in all {
            let Some(&Call { at, phase, caller, .. }) = self.calls.get(call) else { continue };
            let in_hand = matches!(phase, Phase::Held | Phase::Granted | Phase::Open);
            if at == id && in_hand {
                if silent {
                    self.lose(call);
                } else {
                    self.reply(call, Answer::of(Outcome::Reset));
                }
                continue;
            }
            let from = self.first_leg(call).0.from;
            let on_the_way = |&(link, _): &_| self.link_from(link) == id;
            if from == id && caller == Caller::Waiting {
                self.leave(call, Outcome::Reset, !silent);
                if let Some(call) = self.calls.get_mut(call) {
                    call.caller = Caller::Died;
                }
            } else if from != id && self.legs_of(call).iter().any(on_the_way) {
                self.sever(call, !silent);
            }
        }
    }

    /// What has come to a process that stands still is in its socket's buffer: its connection is
    /// open, and breaks with the process.
    fn accept_backlog(&mut self, id: ComponentId) {
        let Kernel { nodes, seats, calls, .. } = self;
        let node = seats[id.0 as usize].node;
        nodes[node.0 as usize].backlog.retain(|event| {
            let Event::Arrive(call) = event else { return true };
            let Some(call) = calls.get_mut(*call) else { return true };
            let accepted = call.at == id && call.phase == Phase::Travelling;
            if accepted {
                call.phase = Phase::Held;
            }
            !accepted
        });
    }

    fn link_from(&self, link: LinkId) -> ComponentId {
        self.links[link.0 as usize].from
    }
}
