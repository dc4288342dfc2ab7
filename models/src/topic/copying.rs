//! How a broker has its followers copy, and copies from a leader itself.

use engine::{Answer, Ask, CallId, Cx, Outcome, Port, Request, Span};

use super::broker::{Broker, Replica, Timer};
use super::lead::Copying;
use super::{from_log_word, log_word};

/// How long a leader waits for a follower before it asks again.
const COPY_TIMEOUT: Span = Span::secs(1);

impl Broker {
    /// Asks every follower that is behind, and is not busy with an earlier question, to copy up
    /// to the leader's end.
    pub(super) fn copy(&mut self, partition: u16, cx: &mut Cx<'_, Self>) {
        let Some(Some(replica)) = self.replicas.get_mut(partition as usize) else { return };
        let Replica { end, lead: Some(lead), .. } = replica else { return };
        for follower in &mut lead.followers {
            if follower.copying != Copying::Idle || follower.end == Some(*end) {
                continue;
            }
            follower.copying = Copying::Asked;
            let request = Request::internal(self.rules.ops.replicate, cx.now());
            let (arg, timeout) = (log_word(partition, *end), Some(COPY_TIMEOUT));
            let member = self.rules.leaders.member(partition, follower.slot);
            let port = Port { link: self.peers, member };
            let ask = Ask { request, arg, timeout, cancel: false };
            cx.call(port, ask, (partition, u32::from(follower.slot)));
        }
    }

    /// A leader asks this broker to copy.
    pub(super) fn replicate(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (partition, _) = from_log_word(cx.argument(call));
        let leads = self.leads(partition, cx);
        let leader = self.rules.leaders.leader(cx.ledger(), partition);
        let by = leader.map(|member| cx.group(self.rules.group).member(member));
        if leads || by != Some(cx.caller(call)) {
            return self.point_to_leader(call, partition, cx);
        }
        match self.rules.append {
            None => self.copied(call, cx),
            Some(append) => {
                let span = cx.sample(append);
                cx.work(span, Timer::Copied(call));
            }
        }
    }

    /// Its copy now ends where the leader's does: longer, or shorter if it had a tail that was
    /// never acknowledged by all.
    pub(super) fn copied(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (partition, end) = from_log_word(cx.argument(call));
        let replica = self.replica(partition).expect("leaders ask only who has a copy");
        replica.end = end;
        cx.reply(call, Answer::done(end as i64));
    }

    /// A follower has answered.
    pub(super) fn copied_by(&mut self, p: u16, slot: u16, answer: Answer, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let Some(lead) = self.lead(p) else { return };
        let (high, follower) = (lead.high, lead.follower(slot));
        if answer.outcome != Outcome::Done {
            follower.copying = Copying::Failed;
            return;
        }
        let end = answer.value as u64;
        (follower.copying, follower.end, follower.caught_up) = (Copying::Idle, Some(end), now);
        if end >= high {
            self.welcome(p, slot, cx);
        }
        self.copy(p, cx);
        self.advance(p, cx);
    }

    /// Raises the high watermark, answers who waited for it, and hands leadership over if that
    /// was all that was missing.
    pub(super) fn advance(&mut self, partition: u16, cx: &mut Cx<'_, Self>) {
        let state = self.rules.leaders.state(cx.ledger(), partition);
        let Some(Replica { end, lead: Some(lead), .. }) = self.replica(partition) else { return };
        lead.advance(state, *end);
        while let Some((offset, call)) = lead.next_acked() {
            cx.reply(call, Answer::done(offset as i64));
        }
        while let Some(call) = lead.next_fetched() {
            cx.reply(call, Answer::done(lead.high as i64));
        }
        if lead.moving && lead.pending.is_empty() && lead.follower(0).end == Some(*end) {
            self.hand_over(partition, cx);
        }
    }
}
