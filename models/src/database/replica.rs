//! A member of a database with replicas: the primary sends each commit to all others, who apply
//! them one after the other. That one of those takes its place is in `failover`.
//!
//! A commit is one message, which says how far the log has come. Messages may be lost in a cut;
//! the heartbeat brings a replica up to date. Values are in the ledger, which knows the present:
//! a replica reads rows and lists as of what it has applied, and so tells the past.

use std::collections::VecDeque;

use engine::ledger::Lsn;
use engine::{Answer, Belief, CallId, Cx, Key, OpId, Port, Request, Span, Time};

use super::copies::Acks;
use super::member::CopyRules;
use super::shard::{Shard, Timer};

/// How often the primary says how far it is, and replicas look whether it is there; a look ends
/// when the next one begins.
pub(super) const HEARTBEAT: Span = Span::secs(1);

/// Where a commit is in the log that a primary makes which is none any more.
pub(super) const IN_VAIN: Lsn = Lsn(u64::MAX);

/// A commit that waits for replicas.
#[derive(Clone, Copy)]
pub(super) struct Waiting {
    pub(super) lsn: Lsn,
    pub(super) since: Time,
    pub(super) session: Key,
    pub(super) call: CallId,
    pub(super) answer: Answer,
}

/// What a member keeps about the log.
#[derive(Clone)]
pub(super) struct Copies {
    pub(super) rules: CopyRules,
    /// It takes itself for the primary.
    pub(super) leads: bool,
    /// How many commits it knows of; `None`: it has yet to hear where the primary is.
    pub(super) commits: Option<u32>,
    /// Who said so.
    pub(super) from: u32,
    /// Received and not applied: up to where, and how many commits.
    pub(super) queue: VecDeque<(Lsn, u32)>,
    pub(super) applying: bool,
    pub(super) acked: Vec<Lsn>,
    pub(super) waiting: VecDeque<Waiting>,
    /// Replicas were too slow: commits do not wait until they are up to date.
    pub(super) degraded: bool,
    pub(super) belief: Belief,
    /// Commits that are to be sent wait for others.
    pub(super) shipping: bool,
    /// What was sent last: where the log was, and how many commits that were.
    pub(super) sent: (Lsn, u32),
    /// Whom it takes for the primary, and when it last reached that one.
    pub(super) watched: u16,
    pub(super) reached: Time,
    pub(super) promoting: bool,
}

impl Copies {
    pub(super) fn new(rules: CopyRules) -> Copies {
        Copies {
            leads: rules.me == 0,
            commits: Some(0),
            from: 0,
            queue: VecDeque::new(),
            applying: false,
            acked: vec![Lsn(0); rules.members as usize],
            waiting: VecDeque::new(),
            degraded: false,
            belief: Belief::new(rules.members),
            shipping: false,
            sent: (Lsn(0), 0),
            watched: 0,
            reached: Time::ZERO,
            promoting: false,
            rules,
        }
    }

    /// What is on disk outlives a crash: how far it has come, and what it has yet to apply.
    pub(super) fn after_crash(&mut self, before: &mut Copies) {
        self.leads = before.leads;
        (self.commits, self.from) = (before.commits, before.from);
        self.queue = std::mem::take(&mut before.queue);
    }

    /// Whether a call to this operation is a message of another member.
    pub(super) fn is_news(&self, op: OpId) -> bool {
        op == self.rules.log || op == self.rules.ack
    }

    fn others(&self) -> impl Iterator<Item = Port> {
        let (peers, me) = (self.rules.peers, self.rules.me);
        let port = move |member| Port { link: peers, member };
        (0..self.rules.members).filter(move |member| *member != me).map(port)
    }

    /// How far enough replicas have come.
    fn safe(&self) -> Lsn {
        let needed = match self.rules.acks {
            Acks::Async => return Lsn(u64::MAX),
            Acks::Received(n) | Acks::Applied(n) => n as usize,
        };
        let mut acked = self.acked.clone();
        acked.sort_unstable_by(|a, b| b.cmp(a));
        acked[needed - 1]
    }
}

impl Shard {
    pub(super) fn copies(&mut self) -> &mut Copies {
        self.copies.as_mut().expect("only members with replicas get such news")
    }

    /// The process begins, or begins again: it is the primary if nobody has taken its place.
    pub(super) fn join(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let Some(copies) = &mut self.copies else { return };
        let led = copies.leads;
        copies.leads = copies.rules.roles.primary(cx.ledger()) == copies.rules.me;
        copies.reached = now;
        if led && !copies.leads {
            copies.commits = None;
        }
        copies.sent = (cx.ledger().position(), copies.commits.unwrap_or(0));
        if copies.leads || copies.rules.failover.is_some() {
            cx.after_fixed(HEARTBEAT, Timer::Heartbeat);
        }
        self.apply_next(cx);
    }

    /// Something was committed here: the others are told. Whether the answer has to wait for them.
    pub(super) fn replicate(
        &mut self,
        (session, call): (Key, CallId),
        answer: Answer,
        cx: &mut Cx<'_, Self>,
    ) -> bool {
        let (request, now) = (cx.request(call), cx.now());
        let Some(copies) = &mut self.copies else { return false };
        if let Some(wrote) = copies.rules.wrote {
            wrote.note(cx.ledger(), &request, now);
        }
        copies.commits = Some(copies.commits.unwrap_or(0).wrapping_add(1));
        let lsn = cx.ledger().position();
        let waits = self.waits_for_replicas(lsn, (session, call), answer, cx);
        let copies = self.copies();
        match copies.rules.ship {
            Span::ZERO => self.send_all(cx),
            _ if copies.shipping => {}
            ship => {
                copies.shipping = true;
                cx.after_fixed(ship, Timer::Ship);
            }
        }
        waits
    }

    /// Whether the answer to a commit has to wait for replicas; then it does.
    pub(super) fn waits_for_replicas(
        &mut self,
        lsn: Lsn,
        (session, call): (Key, CallId),
        answer: Answer,
        cx: &mut Cx<'_, Self>,
    ) -> bool {
        let since = cx.now();
        let copies = self.copies();
        if copies.rules.acks == Acks::Async {
            return false;
        }
        if copies.degraded {
            if lsn != IN_VAIN {
                copies.rules.roles.confirm(cx.ledger(), lsn);
            }
            return false;
        }
        copies.waiting.push_back(Waiting { lsn, since, session, call, answer });
        if let Some(limit) = copies.rules.acks_timeout {
            cx.after_fixed(limit, Timer::NotAcknowledged);
        }
        true
    }

    /// A commit may have waited for replicas for too long: then none waits any more.
    pub(super) fn not_acknowledged(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let copies = self.copies();
        let limit = copies.rules.acks_timeout.expect("somebody set the timer");
        if copies.waiting.front().is_none_or(|first| now.since(first.since) < limit) {
            return;
        }
        copies.degraded = true;
        cx.count(copies.rules.acks_timeouts, 1);
        self.answer_up_to(Lsn(u64::MAX), cx);
    }

    /// The commits of a while are sent.
    pub(super) fn ship(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        copies.shipping = false;
        if copies.leads {
            self.send_all(cx);
        }
    }

    /// Sends what was committed so far, unless another has taken its place: then the log is not
    /// its own any more.
    pub(super) fn send_all(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        if copies.rules.roles.primary(cx.ledger()) == copies.rules.me {
            let lsn = cx.ledger().position();
            copies.sent = (lsn, copies.commits.unwrap_or(0));
            copies.rules.followers.iter().for_each(|follower| cx.ledger().advance(*follower, lsn));
        }
        self.send_log(cx);
    }

    /// Says how far the log has come that was sent: messages may have been lost.
    pub(super) fn send_log(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        let (lsn, commits) = copies.sent;
        let mut request = Request::internal(copies.rules.log, cx.now());
        request.draws[..2].copy_from_slice(&[commits, copies.rules.me.into()]);
        copies.others().for_each(|port| cx.tell(port, request, lsn.0 as i64));
    }

    /// A message of another member.
    pub(super) fn news(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (request, lsn) = (cx.request(call), Lsn(cx.argument(call) as u64));
        cx.let_go(call);
        cx.is_among_us();
        let copies = self.copies();
        let number = request.draws[0];
        if request.op == copies.rules.ack {
            let acked = &mut copies.acked[number as usize];
            *acked = lsn.max(*acked);
            let safe = copies.safe();
            copies.degraded &= safe < copies.sent.0;
            return self.answer_up_to(safe, cx);
        }
        if copies.leads {
            if copies.rules.roles.primary(cx.ledger()) != copies.rules.me {
                self.step_down(cx);
            }
            return;
        }
        if request.draws[1] != u32::from(copies.rules.roles.primary(cx.ledger())) {
            return; // It was given up: nobody follows it any more.
        }
        let mut new = copies.commits.map_or(1, |known| number.wrapping_sub(known));
        let overtaken = new > u32::MAX / 2;
        if overtaken && request.draws[1] == copies.from {
            return;
        }
        if overtaken {
            new = 1; // the new primary knows less than the old one did
        }
        copies.from = request.draws[1];
        copies.commits = Some(number);
        let [applied, received] = copies.rules.followers;
        cx.ledger().advance(received, lsn);
        if new == 0 && copies.queue.is_empty() && !copies.applying {
            // A heartbeat: there is nothing that it has not applied.
            cx.ledger().advance(applied, lsn);
            return self.acknowledge(lsn, cx);
        }
        copies.queue.push_back((lsn, new));
        if matches!(copies.rules.acks, Acks::Received(_)) {
            self.acknowledge(lsn, cx);
        }
        self.apply_next(cx);
    }

    fn apply_next(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(copies) = &mut self.copies else { return };
        let Some(&(_, commits)) = copies.queue.front().filter(|_| !copies.applying) else { return };
        copies.applying = true;
        let mut work = Span::ZERO;
        for _ in 0..commits {
            work += cx.sample(copies.rules.apply);
        }
        cx.work(work, Timer::Applied);
    }

    /// What came first has been applied.
    pub(super) fn applied(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        copies.applying = false;
        // A promotion has applied it already.
        if let Some((lsn, _)) = copies.queue.pop_front() {
            let [applied, _] = copies.rules.followers;
            cx.ledger().advance(applied, lsn);
            if matches!(copies.rules.acks, Acks::Applied(_)) {
                self.acknowledge(lsn, cx);
            }
        }
        self.apply_next(cx);
    }

    fn acknowledge(&mut self, lsn: Lsn, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        if copies.rules.acks == Acks::Async {
            return;
        }
        let member = copies.rules.roles.primary(cx.ledger());
        let mut request = Request::internal(copies.rules.ack, cx.now());
        request.draws[0] = u32::from(copies.rules.me);
        let port = Port { link: copies.rules.peers, member };
        cx.tell(port, request, lsn.0 as i64);
    }

    /// Answers the commits up to `safe`.
    fn answer_up_to(&mut self, safe: Lsn, cx: &mut Cx<'_, Self>) {
        while let Some(first) = self.copies().waiting.pop_front_if(|first| first.lsn <= safe) {
            let rules = &self.copies().rules;
            match first.lsn {
                IN_VAIN => cx.count(rules.split_brain, 1),
                lsn => rules.roles.confirm(cx.ledger(), lsn),
            }
            self.committed(first.session, first.call, first.answer, cx);
        }
    }

    /// As of when it reads: `None` for the present, which is the primary's alone. One that was
    /// given up, and does not know it, knows what there was until then.
    pub(super) fn as_of(&self, cx: &mut Cx<'_, Self>) -> Option<Lsn> {
        let copies = self.copies.as_ref()?;
        if copies.leads && copies.rules.roles.primary(cx.ledger()) == copies.rules.me {
            return None;
        }
        Some(cx.ledger().seen(copies.rules.followers[0]))
    }
}
