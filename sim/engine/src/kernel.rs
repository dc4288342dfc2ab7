//! What all components share: the clock, the queue, the calls, the nodes, the streams, the truth.

use crate::action::{Lever, Levers};
use crate::call::CallId;
use crate::calls::{Call, Leg, Settled};
use crate::chance::{Chance, Dist, Sampler, StreamId};
use crate::event::{Event, Job, NodeId, Packed};
use crate::group::{Change, ComponentId, Group, GroupId, MemberState};
use crate::ledger::Ledger;
use crate::meter::{EdgeId, Meter};
use crate::network::{Delays, Troubles, ZoneId};
use crate::queue::EventQueue;
use crate::slab::Slab;
use crate::station::Station;
use crate::time::{Span, Time};

/// A component's way to one group: which edge it is, and from whose stream its delays come.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub(crate) from: ComponentId,
    pub(crate) first: ComponentId,
    pub(crate) edge: EdgeId,
    pub(crate) stream: StreamId,
    pub(crate) delay: Delay,
}

/// How long messages take on a link.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Delay {
    /// The same whichever member: known when the world is built.
    Uniform(Dist),
    /// By the zones of the two ends.
    ByZone,
}

/// Names a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkId(pub(crate) u32);

/// One member at the other end of a link: whom a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Over which link.
    pub link: LinkId,
    /// To which member of its group.
    pub member: u16,
}

/// Whether a component can react.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    Up,
    /// Its node stands still: everything for it waits.
    Paused,
    /// Crashed. `silent`: nobody is told.
    Down {
        silent: bool,
    },
    /// Removed from its group: takes no new calls, finishes what it holds.
    Off,
}

/// News that costs an event, or a dispatch, and therefore has to be asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hears {
    /// `on_hangup` for calls that are not grants. Holders' hang-ups are always heard.
    pub hangup: bool,
    /// `on_settle`.
    pub settle: bool,
}

/// What the kernel keeps about a component.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub node: NodeId,
    pub group: GroupId,
    pub member: u16,
    pub epoch: u16,
    pub status: Status,
    pub hears: Hears,
    pub errors: f64,
    /// Servers occupied now, how many there are (0: no limit), and the integral so far.
    pub occupied: u32,
    pub servers: u32,
    pub since: Time,
    pub busy: Span,
    pub arrived: u64,
    pub turned_away: u64,
}

impl Seat {
    /// Brings the integral of occupied servers up to `now`.
    #[inline]
    pub(crate) fn settle_busy(&mut self, now: Time) {
        self.busy += (now - self.since) * self.occupied as u64;
        self.since = now;
    }
}

/// A machine. Without a station its CPU is unlimited, and work is a plain timer.
pub(crate) struct Node {
    pub zone: ZoneId,
    pub station: Option<Box<Station<Job>>>,
    /// How many CPU servers it has; 0: unlimited.
    pub cores: f64,
    /// Which plan of the station is in force, and for when.
    pub turn: u32,
    pub planned: Option<Time>,
    pub paused: bool,
    /// Until when it stands still of itself.
    pub stalled: Time,
    /// What came while it was paused.
    pub backlog: Vec<Event>,
}

/// Everything but the components.
pub struct Kernel {
    pub(crate) now: Time,
    pub(crate) queue: EventQueue<Packed>,
    pub(crate) calls: Slab<Call>,
    pub(crate) legs: Vec<Leg>,
    pub(crate) free_legs: Vec<u32>,
    /// Forwarded calls that ended during this event; delivered right after it.
    pub(crate) settled: Vec<Settled>,
    pub(crate) links: Vec<Link>,
    pub(crate) seats: Vec<Seat>,
    pub(crate) nodes: Vec<Node>,
    pub(crate) groups: Vec<Group>,
    /// Names of zones; the first is nowhere in particular.
    pub(crate) zones: Vec<String>,
    pub(crate) delays: Delays,
    pub(crate) troubles: Troubles,
    pub(crate) levers: Levers,
    pub(crate) chance: Chance,
    /// Decides about errors, losses and random targets.
    pub(crate) fate: StreamId,
    pub(crate) ledger: Ledger,
    pub(crate) meter: Meter,
    /// How many nodes stand still: none is the fast path.
    pub(crate) paused: u32,
    /// Sources make no more requests from here on.
    pub(crate) traffic_ends: Time,
}

impl Kernel {
    #[inline]
    pub(crate) fn seat(&mut self, id: ComponentId) -> &mut Seat {
        &mut self.seats[id.0 as usize]
    }

    pub(crate) fn node_of(&self, id: ComponentId) -> NodeId {
        self.seats[id.0 as usize].node
    }

    #[inline]
    fn delay(&self, link: &Link, to: ComponentId) -> Dist {
        match link.delay {
            Delay::Uniform(dist) => dist,
            Delay::ByZone => {
                let (here, there) = (self.node_of(link.from), self.node_of(to));
                if here == there {
                    return Dist::Fixed(Span::ZERO);
                }
                let zone = |node: NodeId| self.nodes[node.0 as usize].zone;
                self.delays.between(zone(here), zone(there))
            }
        }
    }

    /// Sends `event` over a link, towards member `to` or `back` from it. False if it is lost.
    #[inline(always)]
    pub(crate) fn travel(&mut self, id: LinkId, to: ComponentId, back: bool, event: Event) -> bool {
        match self.links[id.0 as usize].delay {
            Delay::Uniform(Dist::Fixed(span)) if self.troubles.is_empty() => {
                self.queue.after(self.now, span, event);
                true
            }
            _ => self.travel_by_chance(id, to, back, event),
        }
    }

    /// Whether both ends are on one node: what is inside another component has no network between.
    fn is_within(&self, link: &Link, to: ComponentId) -> bool {
        matches!(link.delay, Delay::ByZone) && self.node_of(link.from) == self.node_of(to)
    }

    /// As [`Kernel::travel`], where the delay is drawn, depends on the place, or is disturbed.
    fn travel_by_chance(&mut self, id: LinkId, to: ComponentId, back: bool, event: Event) -> bool {
        let link = self.links[id.0 as usize];
        let mut extra = Span::ZERO;
        if !self.troubles.is_empty() && !self.is_within(&link, to) {
            let (from, to) = if back { (to, link.from) } else { (link.from, to) };
            match self.troubles.meet(from, to, &mut self.chance, self.fate) {
                Some(span) => extra = span,
                None => return false,
            }
        }
        match self.delay(&link, to) {
            Dist::Fixed(span) if extra.is_zero() => self.queue.after(self.now, span, event),
            dist => {
                let sampler = Sampler { dist, stream: link.stream };
                let span = self.chance.sample(sampler) + extra;
                self.queue.at(self.now + span, event);
            }
        }
        true
    }

    /// Whether messages on a link take no time at all now.
    #[inline]
    pub(crate) fn is_instant(&self, id: LinkId, to: ComponentId) -> bool {
        let dist = self.delay(&self.links[id.0 as usize], to);
        self.troubles.is_empty() && matches!(dist, Dist::Fixed(Span::ZERO))
    }

    /// A delay that a message would meet on a link now; `None` if it would be lost.
    pub(crate) fn hop(&mut self, id: LinkId, to: ComponentId, back: bool) -> Option<Span> {
        let link = self.links[id.0 as usize];
        let (from, dest) = if back { (to, link.from) } else { (link.from, to) };
        let extra = match self.troubles.is_empty() {
            true => Span::ZERO,
            false => self.troubles.meet(from, dest, &mut self.chance, self.fate)?,
        };
        let dist = self.delay(&link, to);
        Some(self.chance.sample(Sampler { dist, stream: link.stream }) + extra)
    }

    /// Hands `amount` of CPU time to the node of `owner`; the timer fires when it is done.
    #[inline]
    pub(crate) fn work(&mut self, owner: ComponentId, amount: Span, word: u64) {
        let Seat { node, epoch, .. } = self.seats[owner.0 as usize];
        let job = Job { owner, epoch, importance: 0, word };
        match &mut self.nodes[node.0 as usize].station {
            None => self.queue.at(self.now + amount, job.timer()),
            Some(station) => {
                station.arrive(self.now, amount, job);
                self.replan(node);
            }
        }
    }

    /// As [`Kernel::work`], ahead of what is less important.
    pub(crate) fn work_ahead(
        &mut self,
        owner: ComponentId,
        amount: Span,
        importance: u8,
        word: u64,
    ) {
        let Seat { node, epoch, .. } = self.seats[owner.0 as usize];
        let job = Job { owner, epoch, importance, word };
        match &mut self.nodes[node.0 as usize].station {
            None => self.queue.at(self.now + amount, job.timer()),
            Some(station) => {
                station.arrive_ahead(self.now, amount, job);
                self.replan(node);
            }
        }
    }

    /// The station's next completion has changed: what was planned before is stale.
    pub(crate) fn replan(&mut self, id: NodeId) {
        let node = &mut self.nodes[id.0 as usize];
        let Some(station) = &node.station else { return };
        let next = station.next();
        if next == node.planned {
            return;
        }
        node.planned = next;
        node.turn = node.turn.wrapping_add(1);
        if let Some(at) = next {
            self.queue.at(at, Event::Station { node: id, turn: node.turn });
        }
    }

    /// Writes a line into a group's history. Who is to leave soon is not asked any more, even if it
    /// has been started again meanwhile.
    pub(crate) fn note(&mut self, id: ComponentId, state: MemberState) {
        let leaves = state == MemberState::Ready && self.levers.held(Lever::Leaving, id.0);
        let state = if leaves { MemberState::Draining } else { state };
        let &mut Seat { group, member, .. } = self.seat(id);
        let line = Change { at: self.now, member, state };
        self.groups[group.0 as usize].history.push(line);
    }

    /// Who a call is for, and which event may not be lost on a paused node.
    #[inline]
    pub(crate) fn addressee(&self, event: &Event) -> Option<ComponentId> {
        match *event {
            Event::Arrive(call) => self.calls.get(call).map(|call| call.at),
            Event::Return(call) | Event::Expire(call) => self.receiver(call),
            Event::HangUp(id, _) => Some(id),
            Event::Timer { owner, .. } => Some(owner),
            Event::Station { .. } | Event::Action(_) | Event::Sample => None,
        }
    }

    fn receiver(&self, call: CallId) -> Option<ComponentId> {
        self.calls.get(call).map(|call| self.links[call.link.0 as usize].from)
    }
}
