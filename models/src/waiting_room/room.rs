//! The room at work: a line in order of arrival, and places inside that are kept by holding on.

use std::collections::{BTreeMap, VecDeque};

use engine::{
    Answer, CallId, Component, CounterId, Cx, Gauges, Hears, Never, Outcome, Span, Time, word,
};

/// What the room does, as known once the scenario is read.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    /// How many may be inside at once.
    pub active: u32,
    /// How often the scheduler looks, and how many it lets in at most each time.
    pub every: Span,
    pub up_to: u32,
    /// How long a place lasts at most; `None`: until its holder leaves.
    pub stay: Option<Span>,
    /// How long the line may be; `None`: no limit.
    pub queue: Option<u32>,
    pub counters: Counters,
}

/// What the room counts.
#[derive(Clone, Copy)]
pub(super) struct Counters {
    pub admitted: CounterId,
    pub overstayed: CounterId,
}

word! {
    /// What its timers mean.
    pub(super) enum Timer {
        /// The scheduler looks.
        Admit,
        /// The place that this call holds has lasted long enough.
        Over(CallId),
    }
}

/// The line, and who is inside.
#[derive(Clone)]
pub(super) struct Room {
    rules: Rules,
    /// In order of arrival. Who has left the line is still in it, under a key that is stale.
    line: VecDeque<CallId>,
    waiting: u32,
    /// Who was let in and has not left; whether the place still lasts.
    inside: BTreeMap<CallId, bool>,
    active: u32,
    /// The scheduler will look; it sleeps while nobody waits.
    awake: bool,
}

impl Room {
    pub(super) fn new(rules: Rules) -> Room {
        let (line, inside) = (VecDeque::new(), BTreeMap::new());
        Room { rules, line, waiting: 0, inside, active: 0, awake: false }
    }

    /// The scheduler looks at whole multiples of its period, whenever it was that somebody came.
    fn wake(&mut self, cx: &mut Cx<'_, Self>) {
        if self.awake || self.waiting == 0 {
            return;
        }
        self.awake = true;
        let every = self.rules.every.0;
        let next = Time((cx.now().0 / every + 1).saturating_mul(every));
        cx.after(next - cx.now(), Timer::Admit);
    }

    fn admit(&mut self, cx: &mut Cx<'_, Self>) {
        self.awake = false;
        let mut left = self.rules.active.saturating_sub(self.active).min(self.rules.up_to);
        while let Some(&call) = self.line.front() {
            let waits = cx.holds(call);
            if waits && left == 0 {
                break;
            }
            self.line.pop_front();
            if waits {
                left -= 1;
                self.let_in(call, cx);
            }
        }
        self.wake(cx);
    }

    fn let_in(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        self.waiting -= 1;
        self.active += 1;
        self.inside.insert(call, true);
        cx.occupy();
        cx.count(self.rules.counters.admitted, 1);
        if let Some(stay) = self.rules.stay {
            cx.after_fixed(stay, Timer::Over(call));
        }
        cx.reply(call, Answer::grant(0));
    }

    fn free(&mut self, cx: &mut Cx<'_, Self>) {
        self.active -= 1;
        cx.vacate();
    }
}

impl Component for Room {
    type Timer = Timer;
    type Ticket = Never;
    type Lever = Never;

    /// Who leaves the line is not to be let in.
    fn hears(&self) -> Hears {
        Hears { hangup: true, settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        cx.servers(self.rules.active);
    }

    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if self.rules.queue.is_some_and(|limit| self.waiting >= limit) {
            cx.turned_away();
            return cx.reply(call, Answer::of(Outcome::Shed));
        }
        self.line.push_back(call);
        self.waiting += 1;
        self.wake(cx);
    }

    fn on_return(&mut self, ticket: Never, _: Answer, _: &mut Cx<'_, Self>) {
        match ticket {}
    }

    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Admit => self.admit(cx),
            // Nobody tells the holder: it finds out, or it leaves.
            Timer::Over(call) => {
                if let Some(lasts @ true) = self.inside.get_mut(&call) {
                    *lasts = false;
                    self.free(cx);
                    cx.count(self.rules.counters.overstayed, 1);
                }
            }
        }
    }

    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        match self.inside.remove(&call) {
            Some(true) => self.free(cx),
            Some(false) => {}
            None => self.waiting -= 1,
        }
        cx.let_go(call);
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", f64::from(self.waiting));
        out.level("active", f64::from(self.active));
    }
}
