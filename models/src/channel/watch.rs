//! How a channel learns about its members: checks of its own, and how calls end.

use engine::{Answer, Ask, Component, Cx, Outcome, Port, Request, Span, Word as _};

use super::{Caller, Channel, probes};

/// The number, instead of a member's, of the clock of outlier detection.
const TICK: u32 = u32::MAX;
/// And, with a place in line added, of the patience of who waits there for a connection.
const PATIENCE: u32 = 1 << 31;

/// The word of the clock of a place in line, from that of the first: words carry their number in
/// their low half.
pub(super) fn patience_of(clock: u64, place: u16) -> u64 {
    clock + u64::from(place)
}

impl Channel {
    /// How a call to a member has ended.
    pub(super) fn learn<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        member: u16,
        outcome: Outcome,
    ) {
        let (now, stream) = (cx.now(), self.stream);
        if let Some(view) = &mut self.view {
            view.heard(member, outcome, now, &mut || cx.unit(stream));
            if let Some(max_fails) = view.max_fails(outcome) {
                self.balance_of(member).failed(member, max_fails);
            }
        }
    }

    /// Starts watching, as its owner's channel number `place`; `timer` makes the owner's timer for
    /// a check of a member. The first checks are spread over one interval.
    pub fn start<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        place: u16,
        timer: impl Fn(u32) -> C::Timer,
    ) {
        self.place = place;
        if let Some(pool) = &mut self.connections {
            pool.clock = timer(PATIENCE).pack();
        }
        let (now, stream) = (cx.now(), self.stream);
        let Some(view) = &mut self.view else { return };
        view.begin(now, &mut || cx.unit(stream));
        if let Some(checks) = &view.checks {
            for member in 0..u32::from(self.members) {
                let phase = Span::from_f64(checks.every.0 as f64 * cx.unit(self.stream));
                cx.after(phase, timer(member));
            }
        }
        if let Some(interval) = view.interval() {
            cx.after_fixed(interval, timer(TICK));
        }
    }

    /// A check is due: asks the member. The next one is planned when this one has come back.
    pub fn check<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        member: u32,
        timer: C::Timer,
        ticket: C::Ticket,
    ) {
        let (now, stream) = (cx.now(), self.stream);
        if member != TICK && member >= PATIENCE {
            return self.lose_patience(cx, (member - PATIENCE) as u16);
        }
        let Some(view) = &mut self.view else { return };
        if member == TICK {
            view.tick(now, &mut || cx.unit(stream));
            cx.after_fixed(view.interval().expect("its clock runs"), timer);
            return;
        }
        let Some(checks) = &mut view.checks else { return };
        checks.begins(member as u16, now);
        let request = Request::internal(checks.op, now);
        let ask = Ask { request, arg: 0, timeout: Some(checks.timeout), cancel: false };
        cx.call(Port { link: self.link, member: member as u16 }, ask, ticket);
    }

    /// A check has come back, or not: plans the next one, as long after the beginning of this one
    /// as the member's state asks for.
    pub fn checked<C: Caller>(
        &mut self,
        cx: &mut Cx<'_, C>,
        member: u32,
        answer: Answer,
        timer: C::Timer,
    ) {
        if let Some(member) = probes::of(member) {
            return self.probed(cx, member, answer);
        }
        let stream = self.stream;
        let Some(view) = &mut self.view else { return };
        view.checked(member as u16, answer.outcome == Outcome::Done);
        let Some(checks) = &view.checks else { return };
        let mut due = checks.due(member as u16);
        if !checks.jitter.is_zero() {
            due = due + Span::from_f64(checks.jitter.0 as f64 * cx.unit(stream));
        }
        cx.after(due.since(cx.now()), timer);
    }
}
