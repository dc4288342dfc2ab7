//! All that a component may do to the world.

use std::marker::PhantomData;

use crate::call::{Answer, CallId, DRAWS, OpId, Outcome, Request};
use crate::calls::{Ask, Call, Caller, Phase};
use crate::chance::{Coin, NumberSampler, Sampler, StreamId};
use crate::component::Component;
use crate::event::{Event, Job};
use crate::group::{Belief, ComponentId, Group, GroupId, MemberState};
use crate::kernel::{Kernel, Port};
use crate::ledger::Ledger;
use crate::meter::{CounterId, OperationId};
use crate::time::{Span, Time};
use crate::word::Word;

/// The kernel, lent to one component for one event.
pub struct Cx<'a, C: Component> {
    kernel: &'a mut Kernel,
    me: ComponentId,
    component: PhantomData<C>,
}

/// Time and chance.
impl<'a, C: Component> Cx<'a, C> {
    #[inline]
    pub(crate) fn new(me: ComponentId, kernel: &'a mut Kernel) -> Self {
        Cx { kernel, me, component: PhantomData }
    }

    /// The simulated time.
    #[inline]
    pub fn now(&self) -> Time {
        self.kernel.now
    }

    /// Sources make no more requests from here on.
    pub fn traffic_ends(&self) -> Time {
        self.kernel.traffic_ends
    }

    /// Which component this is.
    pub fn me(&self) -> ComponentId {
        self.me
    }

    /// Which member of its group it is.
    pub fn member(&self) -> u16 {
        self.kernel.seats[self.me.0 as usize].member
    }

    fn timer_event(&self, timer: C::Timer) -> Event {
        let epoch = self.kernel.seats[self.me.0 as usize].epoch;
        Job { owner: self.me, epoch, importance: 0, word: timer.pack() }.timer()
    }

    /// Fires `timer` after a span that was drawn. A slow node does not stretch it, a crash drops
    /// it, a pause delays it. There is no way to take it back: let what it names go stale.
    #[inline]
    pub fn after(&mut self, span: Span, timer: C::Timer) {
        let event = self.timer_event(timer);
        self.kernel.queue.at(self.kernel.now + span, event);
    }

    /// As [`Cx::after`], for a span that is the same every time: cheaper.
    #[inline]
    pub fn after_fixed(&mut self, span: Span, timer: C::Timer) {
        let event = self.timer_event(timer);
        self.kernel.queue.after(self.kernel.now, span, event);
    }

    /// Fires `timer` when the node's CPU has done `amount` of work, however long that takes.
    #[inline]
    pub fn work(&mut self, amount: Span, timer: C::Timer) {
        self.kernel.work(self.me, amount, timer.pack());
    }

    /// As [`Cx::work`], before all work that is less important, which it interrupts, if the node's
    /// CPU takes one thing at a time: [`Discipline::Fifo`]. The greatest importance goes first;
    /// work without one has 0.
    ///
    /// [`Discipline::Fifo`]: crate::Discipline::Fifo
    pub fn work_ahead(&mut self, amount: Span, importance: u8, timer: C::Timer) {
        self.kernel.work_ahead(self.me, amount, importance, timer.pack());
    }

    /// Draws a span.
    #[inline]
    pub fn sample(&mut self, sampler: Sampler) -> Span {
        self.kernel.chance.sample(sampler)
    }

    /// Draws a whole number.
    #[inline]
    pub fn number(&mut self, sampler: NumberSampler) -> u32 {
        self.kernel.chance.number(sampler)
    }

    /// Tosses a coin.
    #[inline]
    pub fn toss(&mut self, coin: Coin) -> bool {
        self.kernel.chance.toss(coin)
    }

    /// A number below `n`, all equally likely.
    #[inline]
    pub fn below(&mut self, stream: StreamId, n: u32) -> u32 {
        self.kernel.chance.below(stream, n)
    }

    /// An exponential number with mean 1.
    #[inline]
    pub fn exponential(&mut self, stream: StreamId) -> f64 {
        self.kernel.chance.exponential(stream)
    }

    /// A number in (0, 1).
    #[inline]
    pub fn unit(&mut self, stream: StreamId) -> f64 {
        self.kernel.chance.unit(stream)
    }
}

/// Calls.
impl<C: Component> Cx<'_, C> {
    /// Asks the member at the other end of `to`; `ticket` comes back with the answer.
    #[inline]
    pub fn call(&mut self, to: Port, ask: Ask, ticket: C::Ticket) -> CallId {
        self.kernel.call(to, ask, ticket.pack(), Caller::Waiting)
    }

    /// A one-way call: nobody waits, so nobody can time out, and it outlives its maker.
    pub fn tell(&mut self, to: Port, request: Request, arg: i64) {
        let ask = Ask { arg, ..Ask::patient(request) };
        self.kernel.call(to, ask, 0, Caller::Nobody);
    }

    /// Answers a call it holds.
    #[inline]
    pub fn reply(&mut self, call: CallId, answer: Answer) {
        self.kernel.reply(call, answer);
    }

    /// Changes what a call it holds asks for, before it is passed on: the next callee has names
    /// of its own for its operations.
    #[inline]
    pub fn readdress(&mut self, call: CallId, op: OpId) {
        if let Some(call) = self.kernel.calls.get_mut(call) {
            call.request.op = op;
        }
    }

    /// Passes on a call it holds: the answer and the hang-up pass this component by.
    #[inline]
    pub fn forward(&mut self, call: CallId, to: Port) {
        self.kernel.forward(call, to);
    }

    /// Stops waiting for a call of its own, or ends a grant it holds: no `on_return` will come,
    /// and the callee is told. False if the call is already over.
    pub fn hang_up(&mut self, call: CallId) -> bool {
        self.kernel.leave(call, Outcome::Reset, true).is_some()
    }

    /// Whether it still waits for the answer to a call of its own, or holds the grant of it.
    pub fn waits(&self, call: CallId) -> bool {
        self.kernel.calls.get(call).is_some_and(|call| call.caller == Caller::Waiting)
    }

    /// Ends a call whose caller has left, without an answer. Only from `on_hangup` on.
    pub fn let_go(&mut self, call: CallId) {
        self.kernel.let_go(call);
    }

    /// The request behind a call it holds. Panics if it holds no such call.
    #[inline]
    pub fn request(&self, call: CallId) -> Request {
        self.held(call).request
    }

    /// The word of argument that came with a call it holds and has not answered yet.
    #[inline]
    pub fn argument(&self, call: CallId) -> i64 {
        self.held(call).value
    }

    /// Whether it still holds this call: a crash of its own drops all.
    pub fn holds(&self, call: CallId) -> bool {
        let at_me = |call: &Call| call.at == self.me;
        self.kernel.calls.get(call).is_some_and(|call| at_me(call) && call.phase != Phase::Lost)
    }

    /// Whether the caller of a call it holds has stopped waiting, told or not. Only for what
    /// happens at the caller's own side, such as the line in front of its connection pool.
    pub fn has_left(&self, call: CallId) -> bool {
        matches!(self.held(call).caller, Caller::Left | Caller::Died)
    }

    /// Whether the caller of a call it holds has left because its process died, and not because
    /// it wanted to: its connection breaks, but a lease that it took stands.
    pub fn caller_died(&self, call: CallId) -> bool {
        self.held(call).caller == Caller::Died
    }

    /// Which component made this call (the last forwarder, if it was forwarded).
    pub fn caller(&self, call: CallId) -> ComponentId {
        self.kernel.links[self.held(call).link.0 as usize].from
    }

    fn held(&self, call: CallId) -> &Call {
        self.kernel.calls.get(call).expect("the callee's end of a call lives until it lets go")
    }
}

/// Other members, values, and what is measured.
impl<C: Component> Cx<'_, C> {
    /// A group, with everything that ever happened to its members.
    #[inline]
    pub fn group(&self, group: GroupId) -> &Group {
        &self.kernel.groups[group.0 as usize]
    }

    /// Brings a belief about `group` up to what had happened `lag` ago; whether that was news.
    #[inline]
    pub fn catch_up(&self, group: GroupId, belief: &mut Belief, lag: Span) -> bool {
        let as_of = Time(self.kernel.now.0.saturating_sub(lag.0));
        belief.catch_up(&self.kernel.groups[group.0 as usize].history, as_of)
    }

    /// The values: tables and logs.
    #[inline]
    pub fn ledger(&mut self) -> &mut Ledger {
        &mut self.kernel.ledger
    }

    /// A new request of a user, wanted at `born`. Counted as generated.
    #[inline]
    pub fn new_request(&mut self, op: OpId, born: Time, draws: [u32; DRAWS]) -> Request {
        let root = self.kernel.meter.generated();
        Request { root, born, draws, ..Request::internal(op, born) }
    }

    /// What became of a user's request in the end, after all attempts.
    #[inline]
    pub fn finish_request(&mut self, outcome: Outcome) {
        self.kernel.meter.finished(outcome);
    }

    /// One end of an operation, of a journey or of a named flow: what it took since `since`, and
    /// how it ended. `born` decides whether the warm-up hides it.
    #[inline]
    pub fn record(&mut self, operation: OperationId, born: Time, since: Time, outcome: Outcome) {
        self.kernel.meter.record(operation, born, self.kernel.now - since, outcome);
    }

    /// Adds to a counter. Counters belong to the kernel and outlive crashes.
    #[inline]
    pub fn count(&mut self, counter: CounterId, n: u64) {
        self.kernel.meter.count(counter, n);
    }

    /// Occupies one server (thread, connection, command loop): the kernel integrates utilisation.
    #[inline]
    pub fn occupy(&mut self) {
        let now = self.kernel.now;
        let seat = self.kernel.seat(self.me);
        seat.settle_busy(now);
        seat.occupied += 1;
    }

    /// Frees one server.
    #[inline]
    pub fn vacate(&mut self) {
        let now = self.kernel.now;
        let seat = self.kernel.seat(self.me);
        seat.settle_busy(now);
        seat.occupied -= 1;
    }

    /// Says how many servers there are; 0: no limit, no utilisation.
    pub fn servers(&mut self, servers: u32) {
        self.kernel.seat(self.me).servers = servers;
    }

    /// Its node stands still for so long: nothing happens there, and everything that comes is
    /// delivered afterwards, late. The node needs a CPU, if only [`Discipline::Delay`].
    ///
    /// [`Discipline::Delay`]: crate::Discipline::Delay
    pub fn stall(&mut self, lasts: Span) {
        self.kernel.stall(self.me, lasts);
    }

    /// Its process ends, as by a crash, as soon as what happens now is over, and starts again
    /// after `back`. To be said once in a life.
    pub fn exit(&mut self, back: Span) {
        self.kernel.exit(self.me, back);
    }

    /// Tells its group that it is starting, and does not take calls yet; or that it does.
    pub fn announce(&mut self, ready: bool) {
        let state = if ready { MemberState::Ready } else { MemberState::Starting };
        self.kernel.note(self.me, state);
    }

    /// Counts one call that this component turned away on purpose.
    #[inline]
    pub fn turned_away(&mut self) {
        self.kernel.seat(self.me).turned_away += 1;
    }

    /// What has just arrived is a message among the members of its group, and nothing that is
    /// asked of it: it does not count as a call that arrived.
    pub fn is_among_us(&mut self) {
        self.kernel.seat(self.me).arrived -= 1;
    }
}
