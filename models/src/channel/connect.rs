//! From a try to a connection: one that is open, a new one with its handshake, or a place in line.

use engine::{Answer, Ask, Component, Cx, OpId, Outcome, Port, Request, Span, Time, Word};

use super::connections::Waiting;
use super::{Asked, Channel, Try, watch};

/// A try's stage while it holds a connection that is open. Between this and none stand the round
/// trips of a handshake that are left.
const OPEN: u8 = u8::MAX;

impl Try {
    /// Whether it waits for a step of a handshake.
    pub(super) fn shakes_hands(&self) -> bool {
        self.stage != 0 && self.stage != OPEN
    }

    /// Whether it waits for a connection.
    pub(super) fn stands_in_line(&self) -> bool {
        self.place != 0
    }
}

impl Channel {
    /// A try needs a connection before anything can be sent.
    #[inline(never)]
    pub(super) fn acquire<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
        again: C::Timer,
    ) -> Result<(), Answer> {
        let now = cx.now();
        let Some(pool) = &mut self.connections else { return Ok(()) };
        pool.hear(&cx.group(self.group).history);
        let state = pool.take(tries.member, now);
        if state != Waiting::Still {
            self.connected(cx, asked, tries, ticket, state);
            return Ok(());
        }
        let until = pool.wait.map_or(Time::NEVER, |wait| now + wait).min(tries.deadline);
        let Some(place) = pool.join(tries.member, again.pack(), until) else {
            self.lay_down(tries.member);
            return self.unsent(cx, tries, Outcome::Refused, again);
        };
        tries.place = place + 1;
        if until != Time::NEVER {
            let clock = watch::patience_of(pool.clock, place);
            cx.after(until.since(now), C::Timer::unpack(clock));
        }
        Ok(())
    }

    /// Somebody in line was woken: it has a connection, or has waited long enough.
    #[inline(never)]
    pub(super) fn woken<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
        again: C::Timer,
    ) -> Result<(), Answer> {
        let Some(pool) = &mut self.connections else { return Ok(()) };
        let state = pool.leave(tries.place - 1);
        tries.place = 0;
        if matches!(state, Waiting::Expired | Waiting::Still) {
            self.lay_down(tries.member);
            let late = tries.deadline <= cx.now();
            let outcome = if late { Outcome::TimedOut } else { Outcome::Refused };
            return self.unsent(cx, tries, outcome, again);
        }
        self.connected(cx, asked, tries, ticket, state);
        Ok(())
    }

    fn connected<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
        state: Waiting,
    ) {
        let trips = self.connections.as_ref().map_or(0, |pool| pool.trips);
        tries.stage = if state == Waiting::New { trips } else { 0 };
        self.greet(cx, asked, tries, ticket);
    }

    /// A round trip of a handshake is over.
    pub(super) fn shaken<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
    ) {
        tries.stage -= 1;
        self.greet(cx, asked, tries, ticket);
    }

    /// The next round trip of a handshake; after the last one, the question.
    fn greet<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        ticket: C::Ticket,
    ) {
        if tries.stage == 0 {
            tries.stage = OPEN;
            return self.send(cx, asked, tries, ticket);
        }
        let connect = self.connections.as_ref().map_or(Span::ZERO, |pool| pool.connect);
        let timeout = Some(connect.min(tries.deadline.since(cx.now())));
        let request = Request::internal(OpId::PROBE, cx.now());
        let ask = Ask { request, arg: 0, timeout, cancel: false };
        tries.call = cx.call(Port { link: self.link, member: tries.member }, ask, ticket);
    }

    /// A try lets go of its connection, which is `sound` or broken; whoever waits for one has it.
    #[inline]
    pub(super) fn release<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        tries: &mut Try,
        sound: bool,
    ) {
        if tries.stage != 0
            && let Some(pool) = &mut self.connections
        {
            pool.give(tries.member, sound, cx.now());
            tries.stage = 0;
            self.serve(cx);
        }
    }

    /// A try in line gives up.
    pub(super) fn step_out<C: Component>(&mut self, cx: &mut Cx<'_, C>, tries: &mut Try) {
        if let Some(pool) = &mut self.connections {
            pool.withdraw(tries.place - 1, cx.now());
            tries.place = 0;
            self.lay_down(tries.member);
            self.serve(cx);
        }
    }

    fn serve<C: Component>(&mut self, cx: &mut Cx<'_, C>) {
        let Some(pool) = &mut self.connections else { return };
        while let Some(word) = pool.serve(cx.now()) {
            cx.after(Span::ZERO, C::Timer::unpack(word));
        }
    }

    /// Whoever stands at this place in line may have waited long enough.
    pub(super) fn lose_patience<C: Component>(&mut self, cx: &mut Cx<'_, C>, place: u16) {
        let Some(pool) = &mut self.connections else { return };
        if let Some(word) = pool.expire(place, cx.now()) {
            cx.after(Span::ZERO, C::Timer::unpack(word));
        }
    }
}

/// Whether a connection can be used again after a request that ended so: one whose answer did not
/// come, or came in part, cannot.
pub(super) fn is_sound(outcome: Outcome) -> bool {
    !matches!(outcome, Outcome::TimedOut | Outcome::Reset | Outcome::Refused)
}
