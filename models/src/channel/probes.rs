//! Asking members what load they have: apart from the channel, because one rule of choice alone
//! (Prequal) wants it.

use engine::{Answer, Ask, Component, Cx, OpId, Outcome, Port, Request, Span};

use super::Channel;
use crate::policy::balance::prequal::Probe;

/// A component that has channels: how their checks and probes ride in its tickets.
pub trait Caller: Component {
    /// A ticket that comes back to [`Channel::checked`]: the channel, and which check.
    fn check(check: (u16, u32)) -> Self::Ticket;
}

/// The argument of a probe that asks what load a member has, not only whether it lives.
pub const ASKS_FOR_LOAD: i64 = 1;
/// Marks such a probe's ticket beside the member.
const LOAD: u32 = 1 << 16;

/// The member of a check's ticket, if it is such a probe.
pub(super) fn of(check: u32) -> Option<u16> {
    (check & LOAD != 0).then_some((check & !LOAD) as u16)
}

impl Channel {
    /// Asks members what load they have, if the balance goes by that: those of the level of
    /// priority that `picked` is in, among which the next choice is.
    pub(super) fn probe<C: Caller>(&mut self, cx: &mut Cx<'_, C>, picked: u16) {
        let level = self.level_of(picked);
        let Channel { balance, lower, view, .. } = self;
        let balance = level.checked_sub(1).map_or(balance, |below| &mut lower[below]);
        let Some(prequal) = balance.prequal() else { return };
        let (stream, age) = (self.stream, prequal.age());
        let ready = view.as_ref().map_or(&self.ready[..], |view| view.ready(level));
        for &member in prequal.to_probe(ready, &mut |n| cx.below(stream, n)) {
            let request = Request::internal(OpId::PROBE, cx.now());
            let ask = Ask { request, arg: ASKS_FOR_LOAD, timeout: Some(age), cancel: false };
            let ticket = C::check((self.place, LOAD | u32::from(member)));
            cx.call(Port { link: self.link, member }, ask, ticket);
        }
    }

    /// Such a probe has come back, or not.
    pub(super) fn probed<C: Caller>(&mut self, cx: &mut Cx<'_, C>, member: u16, answer: Answer) {
        let stream = self.stream;
        let Some(prequal) = self.balance_of(member).prequal() else { return };
        if answer.outcome == Outcome::Done {
            let latency = Span(answer.value.max(0) as u64);
            let probe = Probe { member, in_flight: answer.version, latency, at: cx.now() };
            prequal.probed(probe, &mut |n| cx.below(stream, n));
        }
    }
}
