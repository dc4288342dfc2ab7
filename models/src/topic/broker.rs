//! A broker at work. It leads some partitions and copies others.
//!
//! The log of a partition is in the ledger, once; what each broker keeps is the end of its own
//! copy of it. A leader appends, tells its followers to copy up to its end (one call at a time to
//! each, so that whatever comes meanwhile goes with the next), and raises the high watermark as
//! they answer. Who may lead, and who is in sync, is the controller's decision
//! ([`super::leadership`]), which any broker can bring about.
//!
//! A crashed broker keeps its copies: they are in the page cache and on disk.

use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, GroupId, LinkId, OpId, Outcome, Request,
    Span, Time, chance::Sampler, ledger::LogId, word,
};

use super::lead::Lead;
use super::leadership::Leadership;
use super::murmur2::partition_of;
use super::{Acks, from_log_word};
use crate::key::KeyOf;

/// How often a broker looks after its followers and after the other brokers.
const TICK: Span = Span::secs(1);
/// How long a fetch waits for records (replica and consumer: fetch.max.wait.ms).
const FETCH_WAIT: Span = Span::millis(500);

/// What all brokers of a topic do, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct Rules {
    pub leaders: Leadership,
    pub logs: Vec<LogId>,
    pub group: GroupId,
    pub key: KeyOf,
    pub acks: Acks,
    pub min_in_sync: u32,
    /// CPU time of one append, on the leader and on each follower.
    pub append: Option<Sampler>,
    /// A broker that was down for so long loses its leaderships.
    pub session: Span,
    pub ops: Ops,
    pub counters: Counters,
}

/// What can be asked of a broker.
#[derive(Clone, Copy)]
pub(super) struct Ops {
    pub publish: OpId,
    pub fetch: OpId,
    pub replicate: OpId,
}

/// What a topic counts, over all its brokers.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub appended: CounterId,
    /// Appended, and gone because the next leader did not have it.
    pub lost: CounterId,
    /// Refused because too few replicas are in sync.
    pub not_enough: CounterId,
    /// Terms of leadership that began after the start, a leader's return within its session
    /// included.
    pub elections: CounterId,
}

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// Look after followers and brokers.
        Tick,
        /// A broker has been silent for a whole session.
        Fence(u32),
        /// The record of this call has been written.
        Written(CallId),
        /// The copy that this call asks for has been made.
        Copied(CallId),
        /// This fetch has waited long enough.
        Patience(CallId),
        /// CPU time that nobody waits for.
        Spent,
    }
}

/// One copy of a partition.
#[derive(Clone)]
pub(super) struct Replica {
    pub slot: u16,
    /// Durable: records before this offset are here.
    pub end: u64,
    /// Set while this broker leads.
    pub lead: Option<Lead>,
}

/// A broker with its copies.
#[derive(Clone)]
pub(super) struct Broker {
    pub(super) rules: Rules,
    pub(super) peers: LinkId,
    /// By partition.
    pub(super) replicas: Vec<Option<Replica>>,
    /// Up to where the group's history was read, and who is down since when.
    pub(super) read: usize,
    pub(super) down: Vec<Option<Time>>,
}

impl Broker {
    /// A broker that has an empty copy of every partition it has a slot in. `peers` is its link
    /// to its own group.
    pub(super) fn new(rules: Rules, member: u16, peers: LinkId) -> Broker {
        let Leadership { partitions, brokers, .. } = rules.leaders;
        let copy = |partition| {
            let slot = rules.leaders.slot(partition, member)?;
            Some(Replica { slot, end: 0, lead: None })
        };
        let replicas = (0..partitions).map(copy).collect();
        Broker { rules, peers, replicas, read: 0, down: vec![None; brokers as usize] }
    }

    fn partition(&self, request: &Request) -> u16 {
        partition_of(self.rules.key.of(request), self.rules.leaders.partitions)
    }

    pub(super) fn replica(&mut self, partition: u16) -> Option<&mut Replica> {
        self.replicas.get_mut(partition as usize)?.as_mut()
    }

    pub(super) fn lead(&mut self, partition: u16) -> Option<&mut Lead> {
        self.replica(partition)?.lead.as_mut()
    }

    /// Somebody else leads, or nobody does: then nothing can be done, and nothing was.
    pub(super) fn point_to_leader(&self, call: CallId, partition: u16, cx: &mut Cx<'_, Self>) {
        let leader = self.rules.leaders.leader(cx.ledger(), partition);
        let answer = match leader {
            Some(member) => Answer { value: i64::from(member), ..Answer::of(Outcome::Redirected) },
            None => Answer::of(Outcome::Refused),
        };
        cx.reply(call, answer);
    }

    fn publish(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let partition = self.partition(&cx.request(call));
        if !self.leads(partition, cx) {
            return self.point_to_leader(call, partition, cx);
        }
        let Rules { acks, min_in_sync, append, .. } = self.rules;
        let in_sync = self.rules.leaders.state(cx.ledger(), partition).in_sync.count_ones();
        if acks == Acks::All && in_sync < min_in_sync {
            cx.count(self.rules.counters.not_enough, 1);
            cx.turned_away();
            return cx.reply(call, Answer::of(Outcome::Shed));
        }
        let Some(append) = append else { return self.write(call, cx) };
        let span = cx.sample(append);
        if acks == Acks::None {
            cx.work(span, Timer::Spent);
            return self.write(call, cx);
        }
        cx.work(span, Timer::Written(call));
    }

    fn write(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let request = cx.request(call);
        let partition = self.partition(&request);
        if !self.leads(partition, cx) {
            return self.point_to_leader(call, partition, cx);
        }
        let (log, acks) = (self.rules.logs[partition as usize], self.rules.acks);
        let Some(Replica { end, lead: Some(lead), .. }) = self.replica(partition) else { return };
        if lead.moving {
            return lead.parked.push(call);
        }
        let offset = cx.ledger().append(log, request);
        debug_assert_eq!(offset, *end, "the leader has the whole log");
        *end = offset + 1;
        match acks {
            Acks::All => lead.pending.push_back((*end, call)),
            Acks::Leader | Acks::None => cx.reply(call, Answer::done(offset as i64)),
        }
        cx.count(self.rules.counters.appended, 1);
        self.copy(partition, cx);
        self.advance(partition, cx);
    }

    fn fetch(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (partition, from) = from_log_word(cx.argument(call));
        if !self.leads(partition, cx) {
            return self.point_to_leader(call, partition, cx);
        }
        let Some(lead) = self.lead(partition) else { return };
        if from < lead.high {
            return cx.reply(call, Answer::done(lead.high as i64));
        }
        lead.fetches.push((from, call));
        cx.after_fixed(FETCH_WAIT, Timer::Patience(call));
    }

    /// A fetch that has waited long enough is answered with nothing new.
    fn patience_ends(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        for lead in self.replicas.iter_mut().flatten().filter_map(|r| r.lead.as_mut()) {
            if let Some(at) = lead.fetches.iter().position(|(_, waits)| *waits == call) {
                lead.fetches.remove(at);
                return cx.reply(call, Answer::done(lead.high as i64));
            }
        }
    }
}

impl Component for Broker {
    type Timer = Timer;
    /// Which partition's copy by which slot.
    type Ticket = (u16, u32);
    type Lever = engine::Never;

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        cx.after_fixed(TICK, Timer::Tick);
        self.return_to_work(cx);
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (op, ops) = (cx.request(call).op, self.rules.ops);
        if op == ops.publish {
            self.publish(call, cx);
        } else if op == ops.fetch {
            self.fetch(call, cx);
        } else {
            debug_assert!(op == ops.replicate, "an operation of somebody else");
            self.replicate(call, cx);
        }
    }

    fn on_return(&mut self, of: (u16, u32), answer: Answer, cx: &mut Cx<'_, Self>) {
        self.copied_by(of.0, of.1 as u16, answer, cx);
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Tick => {
                cx.after_fixed(TICK, Timer::Tick);
                self.tick(cx);
            }
            Timer::Fence(member) => self.session_over(member as u16, cx),
            Timer::Written(call) => self.write(call, cx),
            Timer::Copied(call) => self.copied(call, cx),
            Timer::Patience(call) => self.patience_ends(call, cx),
            Timer::Spent => {}
        }
    }

    /// The copies are on disk; that it led is not remembered.
    fn on_crash(&mut self, fresh: &Self) {
        let mut replicas = std::mem::take(&mut self.replicas);
        replicas.iter_mut().flatten().for_each(|replica| replica.lead = None);
        *self = Broker { replicas, ..fresh.clone() };
    }

    fn leads(&self, part: u16) -> bool {
        self.replicas[usize::from(part)].as_ref().is_some_and(|replica| replica.lead.is_some())
    }

    fn observe(&self, out: &mut Gauges) {
        let leads = || self.replicas.iter().flatten().filter_map(|r| r.lead.as_ref());
        out.level("leads", leads().count() as f64);
        let waiting = leads().map(|lead| lead.pending.len() + lead.parked.len());
        out.level("queue", waiting.sum::<usize>() as f64);
    }
}
