//! Active checks: a caller that asks each member by the clock whether it lives. Apart from the
//! channel, which only wants to know who does.

use engine::{Answer, Ask, Cx, OpId, Outcome, Port, Request, Span};

use super::{Caller, Channel, probes};
use crate::policy::health::Health;
use crate::policy::spec::ViewSpec;

/// Active checks of every member.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    every: Span,
    timeout: Span,
    fall: u32,
    rise: u32,
    pub(super) health: Vec<Health>,
}

impl Checks {
    pub(super) fn new(view: &ViewSpec, members: u16) -> Option<Checks> {
        let ViewSpec::Checked { every, timeout, fall, rise } = view else { return None };
        let health = vec![Health::NEW; members as usize];
        Some(Checks { every: every.0, timeout: timeout.0, fall: *fall, rise: *rise, health })
    }
}

impl Channel {
    /// Starts checking, as its owner's channel number `place`; `timer` makes the owner's timer for
    /// a check of a member. The first checks are spread over one interval.
    pub fn start<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        place: u16,
        timer: impl Fn(u32) -> C::Timer,
    ) {
        self.place = place;
        let Some(checks) = &self.checks else { return };
        for member in 0..u32::from(self.members) {
            let phase = Span::from_f64(checks.every.0 as f64 * cx.unit(self.stream));
            cx.after(phase, timer(member));
        }
    }

    /// A check is due: asks the member, and plans the next check.
    pub fn check<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        member: u32,
        timer: C::Timer,
        ticket: C::Ticket,
    ) {
        let Some(checks) = &self.checks else { return };
        let request = Request::internal(OpId::PROBE, cx.now());
        let ask = Ask { request, arg: 0, timeout: Some(checks.timeout), cancel: false };
        cx.call(Port { link: self.link, member: member as u16 }, ask, ticket);
        cx.after_fixed(checks.every, timer);
    }

    /// A check has come back, or not.
    pub fn checked<C: Caller>(&mut self, cx: &mut Cx<'_, C>, member: u32, answer: Answer) {
        if let Some(member) = probes::of(member) {
            return self.probed(cx, member, answer);
        }
        let Some(checks) = &mut self.checks else { return };
        let (fall, rise) = (checks.fall, checks.rise);
        let passed = answer.outcome == Outcome::Done;
        if checks.health[member as usize].checked(passed, fall, rise) {
            self.believe();
        }
    }
}
