//! When the primary is gone: who notices, who takes its place, and what becomes of the old one.
//! Apart from the log that they pass on, which is in `replica`.

use engine::ledger::Lsn;
use engine::{Answer, Ask, CallId, Cx, Key, MemberState, OpId, Outcome, Port, Request, Span};

use super::copies::Acks;
use super::member::CopyRules;
use super::replica::{Copies, HEARTBEAT, IN_VAIN, Waiting};
use super::shard::{Shard, Ticket, Timer};

impl Shard {
    /// Once a second.
    pub(super) fn heartbeat(&mut self, cx: &mut Cx<'_, Self>) {
        cx.after_fixed(HEARTBEAT, Timer::Heartbeat);
        if self.copies().leads {
            return self.send_log(cx);
        }
        let now = cx.now();
        let copies = self.copies();
        let Some(failover) = copies.rules.failover else { return };
        let member = copies.rules.roles.primary(cx.ledger());
        if member == copies.rules.me {
            return;
        }
        if member != copies.watched {
            // Nobody has asked this one yet.
            (copies.watched, copies.reached) = (member, now);
        }
        let ask = Ask {
            request: Request::internal(OpId::PROBE, now),
            arg: 0,
            timeout: Some(HEARTBEAT),
            cancel: false,
        };
        cx.call(Port { link: copies.rules.peers, member }, ask, Ticket::Probe);
        let CopyRules { roles, me, .. } = copies.rules;
        let gone = now.since(copies.reached) >= failover.detect.0;
        roles.suspect(cx.ledger(), me, gone);
        if gone && !copies.promoting && copies.is_candidate(cx) {
            copies.promoting = true;
            cx.after_fixed(failover.promote.0, Timer::Promoted);
        }
    }

    /// The primary has answered a probe, or not.
    pub(super) fn probed(&mut self, answer: Answer, cx: &mut Cx<'_, Self>) {
        if answer.outcome == Outcome::Done {
            let copies = self.copies();
            copies.reached = cx.now();
            let CopyRules { roles, me, .. } = copies.rules;
            roles.suspect(cx.ledger(), me, false);
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
        let told = match copies.rules.acks {
            Acks::Async => Lsn(u64::MAX),
            _ => roles.confirmed(cx.ledger()),
        };
        let lost = cx.ledger().lose(received, told);
        cx.count(copies.rules.lost_writes, lost);
        cx.count(copies.rules.failovers, 1);
        roles.promote(cx.ledger(), me, now);
        copies.leads = true;
        copies.acked.fill(Lsn(0));
        self.send_all(cx);
    }

    /// Another has taken its place: what waited for replicas is lost, and said to have failed.
    pub(super) fn step_down(&mut self, cx: &mut Cx<'_, Self>) {
        let copies = self.copies();
        (copies.leads, copies.commits) = (false, None);
        copies.reached = cx.now();
        for Waiting { session, call, .. } in std::mem::take(&mut copies.waiting) {
            self.committed(session, call, Answer::of(Outcome::Failed), cx);
        }
    }

    /// A write has come to its commit here. `None` if this is the primary; else its answer,
    /// unless it waits for that.
    pub(super) fn not_primary(
        &mut self,
        (session, call): (Key, CallId),
        cx: &mut Cx<'_, Self>,
    ) -> Option<Option<Answer>> {
        let copies = self.copies.as_ref()?;
        if copies.rules.roles.primary(cx.ledger()) == copies.rules.me {
            return None;
        }
        let fenced = copies.rules.failover.is_none_or(|failover| failover.fencing);
        if fenced || !copies.leads {
            return Some(Some(Answer::of(Outcome::Failed)));
        }
        let split_brain = copies.rules.split_brain;
        // Replicas will never say that they have it.
        if self.waits_for_replicas(IN_VAIN, (session, call), Answer::DONE, cx) {
            return Some(None);
        }
        cx.count(split_brain, 1);
        Some(Some(Answer::DONE))
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
