//! What a model implements (`Component`) and how its types are hidden from the kernel.

use crate::call::{Answer, CallId, Outcome};
use crate::cx::Cx;
use crate::group::ComponentId;
use crate::kernel::{Hears, Kernel, Port};
use crate::time::Time;
use crate::word::Word;

/// One simulated component: a state machine that the kernel drives.
///
/// `Clone` is how a crash forgets: the kernel keeps the component as it was built.
pub trait Component: Clone + 'static {
    /// What this component's own timers mean to it. `Never` if it sets none.
    type Timer: Word;
    /// What it remembers about a call while it waits for the answer. `Never` if it makes none.
    type Ticket: Word;
    /// What of it can be changed from outside. `Never` if nothing.
    type Lever: Word;

    /// Which optional news this very instance wants. Asked once, while building.
    fn hears(&self) -> Hears {
        Hears::default()
    }
    /// The run begins, or the component starts again after a crash.
    fn on_start(&mut self, _cx: &mut Cx<'_, Self>) {}
    /// A call has come. It must end exactly once: answered, forwarded, or let go.
    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>);
    /// A call of its own was answered, or timed out. With `answer.more`, the same ticket returns.
    fn on_return(&mut self, ticket: Self::Ticket, answer: Answer, cx: &mut Cx<'_, Self>);
    /// A timer has fired, or work is done.
    fn on_timer(&mut self, timer: Self::Timer, cx: &mut Cx<'_, Self>);
    /// The caller of a call it holds has left. Answering later is wasted work; `cx.let_go` ends it.
    fn on_hangup(&mut self, _call: CallId, _cx: &mut Cx<'_, Self>) {}
    /// A call that it forwarded is over. Exactly once per forward.
    fn on_settle(&mut self, _port: Port, _outcome: Outcome, _cx: &mut Cx<'_, Self>) {}
    /// Somebody pulls a lever.
    fn on_lever(&mut self, _lever: Self::Lever, _to: f64, _cx: &mut Cx<'_, Self>) {}
    /// A probe has come ([`OpId::PROBE`](crate::OpId::PROBE)): what the component says about
    /// itself. It takes no time; a health check only looks whether anything comes back.
    fn on_probe(&mut self, _probe: CallId, _cx: &mut Cx<'_, Self>) -> Answer {
        Answer::DONE
    }
    /// A crash: everything is as it was built. What has a disk copies it over; nothing else
    /// survives.
    fn on_crash(&mut self, fresh: &Self) {
        *self = fresh.clone();
    }
    /// Whether it leads this part of what its group keeps: `leader of orders/7`.
    fn leads(&self, _part: u16) -> bool {
        false
    }
    /// Levels worth charting, read at each sample: queue lengths, entries, bytes.
    fn observe(&self, _out: &mut Gauges) {}
}

/// What a component shows when it is looked at.
#[derive(Debug, Default)]
pub struct Gauges {
    pub(crate) now: Time,
    pub(crate) rows: Vec<(&'static str, f64)>,
}

impl Gauges {
    /// When that is.
    pub fn now(&self) -> Time {
        self.now
    }

    /// A level: what is there now. Never a running total: that would vanish in a crash
    /// (see [`Cx::count`]).
    pub fn level(&mut self, name: &'static str, value: f64) {
        self.rows.push((name, value));
    }
}

/// A component beside its pristine copy.
pub(crate) struct Slot<C: Component> {
    component: C,
    pristine: C,
}

impl<C: Component> Slot<C> {
    pub(crate) fn new(component: C) -> Self {
        Slot { pristine: component.clone(), component }
    }
}

/// `Component` with its types hidden, so that every kind shares one `Vec`.
pub(crate) trait AnyComponent {
    fn start(&mut self, me: ComponentId, kernel: &mut Kernel);
    fn call(&mut self, me: ComponentId, call: CallId, kernel: &mut Kernel);
    fn back(&mut self, me: ComponentId, ticket: u64, answer: Answer, kernel: &mut Kernel);
    fn timer(&mut self, me: ComponentId, word: u64, kernel: &mut Kernel);
    fn hangup(&mut self, me: ComponentId, call: CallId, kernel: &mut Kernel);
    fn settle(&mut self, me: ComponentId, port: Port, outcome: Outcome, kernel: &mut Kernel);
    fn lever(&mut self, me: ComponentId, word: u64, to: f64, kernel: &mut Kernel);
    fn probe(&mut self, me: ComponentId, probe: CallId, kernel: &mut Kernel) -> Answer;
    fn crash(&mut self);
    fn leads(&self, part: u16) -> bool;
    fn observe(&self, out: &mut Gauges);
}

impl<C: Component> AnyComponent for Slot<C> {
    fn start(&mut self, me: ComponentId, kernel: &mut Kernel) {
        self.component.on_start(&mut Cx::new(me, kernel));
    }

    fn call(&mut self, me: ComponentId, call: CallId, kernel: &mut Kernel) {
        self.component.on_call(call, &mut Cx::new(me, kernel));
    }

    fn back(&mut self, me: ComponentId, ticket: u64, answer: Answer, kernel: &mut Kernel) {
        let ticket = C::Ticket::unpack(ticket);
        self.component.on_return(ticket, answer, &mut Cx::new(me, kernel));
    }

    fn timer(&mut self, me: ComponentId, word: u64, kernel: &mut Kernel) {
        self.component.on_timer(C::Timer::unpack(word), &mut Cx::new(me, kernel));
    }

    fn hangup(&mut self, me: ComponentId, call: CallId, kernel: &mut Kernel) {
        self.component.on_hangup(call, &mut Cx::new(me, kernel));
    }

    fn settle(&mut self, me: ComponentId, port: Port, outcome: Outcome, kernel: &mut Kernel) {
        self.component.on_settle(port, outcome, &mut Cx::new(me, kernel));
    }

    fn lever(&mut self, me: ComponentId, word: u64, to: f64, kernel: &mut Kernel) {
        self.component.on_lever(C::Lever::unpack(word), to, &mut Cx::new(me, kernel));
    }

    fn probe(&mut self, me: ComponentId, probe: CallId, kernel: &mut Kernel) -> Answer {
        self.component.on_probe(probe, &mut Cx::new(me, kernel))
    }

    fn crash(&mut self) {
        self.component.on_crash(&self.pristine);
    }

    fn leads(&self, part: u16) -> bool {
        self.component.leads(part)
    }

    fn observe(&self, out: &mut Gauges) {
        self.component.observe(out);
    }
}
