//! A member of a database with replicas: the primary sends each commit to all others, who apply
//! them one after the other; and one of those takes its place when it is gone.
//!
//! A commit is one message, which says how far the log has come. Messages may be lost in a cut;
//! the heartbeat brings a replica up to date. Values are in the ledger, which knows the present:
//! a replica reads them as of what it has applied, and so tells the past.

use std::collections::VecDeque;

use engine::ledger::Lsn;
use engine::{
    Answer, Ask, Belief, CallId, Cx, Key, MemberState, OpId, Outcome, Port, Request, Span, Time,
};

use super::copies::Acks;
use super::member::CopyRules;
use super::shard::{Shard, Ticket, Timer};

/// How often the primary says how far it is, and replicas look whether it is there.
pub(super) const HEARTBEAT: Span = Span::secs(1);

/// A commit that waits for replicas.
#[derive(Clone, Copy)]
struct Waiting {
    lsn: Lsn,
    session: Key,
    call: CallId,
    answer: Answer,
}

/// What a member keeps about the log.
#[derive(Clone)]
pub(super) struct Copies {
    pub rules: CopyRules,
    /// It takes itself for the primary.
    leads: bool,
    /// How many commits it knows of; `None`: it has yet to hear where the primary is.
    commits: Option<u32>,
    /// Who said so.
    from: u32,
    /// Received and not applied: up to where, and how many commits.
    queue: VecDeque<(Lsn, u32)>,
    applying: bool,
    acked: Vec<Lsn>,
    waiting: VecDeque<Waiting>,
    belief: Belief,
    /// Commits that are to be sent wait for others.
    shipping: bool,
    /// When it last reached the primary.
    reached: Time,
    promoting: bool,
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
            belief: Belief::new(rules.members),
            shipping: false,
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
    fn copies(&mut self) -> &mut Copies {
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
        cx.after_fixed(HEARTBEAT, Timer::Heartbeat);
        self.apply_next(cx);
    }

    /// Once a second.
    pub(super) fn heartbeat(&mut self, cx: &mut Cx<'_, Self>) {
        cx.after_fixed(HEARTBEAT, Timer::Heartbeat);
        if self.copies().leads {
            return self.send_log(cx);
        }
        let copies = self.copies();
        let Some(failover) = copies.rules.failover else { return };
        let member = copies.rules.roles.primary(cx.ledger());
        if member == copies.rules.me {
            return;
        }
        let ask = Ask {
            request: Request::internal(OpId::PROBE, cx.now()),
            arg: 0,
            timeout: Some(HEARTBEAT),
            cancel: false,
        };
        cx.call(Port { link: copies.rules.peers, member }, ask, Ticket::Probe);
        let CopyRules { roles, me, .. } = copies.rules;
        let gone = cx.now().since(copies.reached) >= failover.detect.0;
        roles.suspect(cx.ledger(), me, gone);
        if gone && !copies.promoting && copies.is_candidate(cx) {
            copies.promoting = true;
            cx.after_fixed(failover.promote.0, Timer::Promoted);
        }
    }

    /// The primary has answered a probe, or not.
    pub(super) fn probed(&mut self, answer: Answer, cx: &mut Cx<'_, Self>) {
        if answer.outcome == Outcome::Done {
            self.copies().reached = cx.now();
        }
    }

    /// Takes the place of the primary, if it is still gone.
    pub(super) fn promoted(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let copies = self.copies();
        copies.promoting = false;
        if !copies.is_candidate(cx) {
            return;
        }
        let CopyRules { roles, me, followers: [applied, received], .. } = copies.rules;
        let end = cx.ledger().seen(received);
        cx.ledger().advance(applied, end);
        copies.queue.clear();
        let lost = cx.ledger().lose(received);
        cx.count(copies.rules.lost_writes, lost);
        cx.count(copies.rules.failovers, 1);
        roles.promote(cx.ledger(), me, now);
        copies.leads = true;
        copies.acked.fill(Lsn(0));
        self.send_log(cx);
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
        let waits = copies.rules.acks != Acks::Async;
        if waits {
            copies.waiting.push_back(Waiting { lsn, session, call, answer });
        }
        match copies.rules.ship {
            Span::ZERO => self.send_log(cx),
            _ if copies.shipping => {}
            ship => {
                copies.shipping = true;
                cx.after_fixed(ship, Timer::Ship);
            }
        }
        waits
    }

    /// The commits of a while are sent.
    pub(super) fn ship(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        copies.shipping = false;
        if copies.leads {
            self.send_log(cx);
        }
    }

    fn send_log(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        let lsn = cx.ledger().position();
        copies.rules.followers.iter().for_each(|follower| cx.ledger().advance(*follower, lsn));
        let mut request = Request::internal(copies.rules.log, cx.now());
        request.draws[..2].copy_from_slice(&[copies.commits.unwrap_or(0), copies.rules.me.into()]);
        copies.others().for_each(|port| cx.tell(port, request, lsn.0 as i64));
    }

    /// A message of another member.
    pub(super) fn news(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (request, lsn) = (cx.request(call), Lsn(cx.argument(call) as u64));
        cx.let_go(call);
        let copies = self.copies();
        let number = request.draws[0];
        if request.op == copies.rules.ack {
            let acked = &mut copies.acked[number as usize];
            *acked = lsn.max(*acked);
            return self.release(cx);
        }
        if copies.leads {
            if copies.rules.roles.primary(cx.ledger()) != copies.rules.me {
                self.step_down(cx);
            }
            return;
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

    /// Answers the commits that enough replicas have.
    fn release(&mut self, cx: &mut Cx<'_, Self>) {
        let safe = self.copies().safe();
        while let Some(first) = self.copies().waiting.pop_front_if(|first| first.lsn <= safe) {
            self.committed(first.session, first.call, first.answer, cx);
        }
    }

    /// Another has taken its place: what waited for replicas is lost, and said to have failed.
    fn step_down(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        (copies.leads, copies.commits) = (false, None);
        copies.reached = cx.now();
        for Waiting { session, call, .. } in std::mem::take(&mut copies.waiting) {
            self.committed(session, call, Answer::of(Outcome::Failed), cx);
        }
    }

    /// A write has come to its commit here, and this is not the primary: what becomes of it.
    pub(super) fn not_primary(&mut self, cx: &mut Cx<'_, Self>) -> Option<Answer> {
        let copies = self.copies.as_ref()?;
        if copies.rules.roles.primary(cx.ledger()) == copies.rules.me {
            return None;
        }
        let fenced = copies.rules.failover.is_none_or(|failover| failover.fencing);
        if fenced || !copies.leads {
            return Some(Answer::of(Outcome::Failed));
        }
        cx.count(copies.rules.split_brain, 1);
        Some(Answer::DONE)
    }

    /// As of when it reads: `None` for the present.
    pub(super) fn as_of(&self, cx: &mut Cx<'_, Self>) -> Option<Lsn> {
        let copies = self.copies.as_ref().filter(|copies| !copies.leads)?;
        Some(cx.ledger().seen(copies.rules.followers[0]))
    }
}

impl Copies {
    /// Whether more than half of the replicas that are up take the primary for gone, and this one
    /// has received the most of them.
    fn is_candidate(&mut self, cx: &mut Cx<'_, Shard>) -> bool {
        cx.catch_up(self.rules.group, &mut self.belief, Span::ZERO);
        let (roles, me) = (self.rules.roles, self.rules.me);
        let ledger = cx.ledger();
        let primary = roles.primary(ledger);
        let (mut up, mut suspect, mut best) = (0, 0, None);
        for member in (0..self.rules.members).filter(|member| *member != primary) {
            if self.belief.state(member) != MemberState::Ready {
                continue;
            }
            up += 1;
            if roles.suspects(ledger, member) {
                suspect += 1;
                let received = ledger.seen(roles.received(ledger, member));
                if best.is_none_or(|(most, _)| received > most) {
                    best = Some((received, member));
                }
            }
        }
        2 * suspect > up && best.is_some_and(|(_, member)| member == me)
    }
}
