//! One replica at work.

use engine::{
    Answer, CallId, Component, Cx, Gauges, Hears, Key, Never, OpId, Outcome, Request, Span, word,
};

use super::admission::{Admission, Admitted};
use super::consumer::{CONSUMED, Consumer};
use super::load::Load;
use super::priority::Importance;
use super::process::Process;
use crate::channel::ASKS_FOR_LOAD;
use crate::flow::machine::{Ended, Machine, Origin, Token, runs_flows};
use crate::flow::program::Place;

word! {
    /// What its timers mean.
    pub enum Timer {
        /// A frame's step is done, or its pause over.
        Frame(Key),
        /// A fork has waited long enough.
        Join(Key),
        /// Something is due in a pool of connections.
        Pool((u16, u32)),
        /// A health check of a member (second) of a channel (first) is due.
        Check((u16, u32)),
        /// A job is due.
        Job(u32),
        /// A partition is to be fetched from.
        Fetch(u32),
        /// Who consumes what is to be looked at again.
        Assign,
        /// It is time to stand still.
        Pause,
        /// It has started, and takes calls.
        Started,
    }
}

word! {
    /// What it remembers about its calls.
    pub enum Ticket {
        /// Of a frame.
        Frame(Key),
        /// A health check.
        Check((u16, u32)),
        /// A fetch from a partition.
        Fetch(u32),
    }
}

/// Something done by the clock.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    pub(super) period: Span,
    pub(super) entry: Place,
    pub(super) running: bool,
}

/// What a replica is made of.
#[derive(Clone)]
pub struct WorkerParts {
    pub(super) machine: Machine,
    pub(super) entries: Vec<(OpId, Place)>,
    pub(super) jobs: Vec<Job>,
    pub(super) starts: Vec<Place>,
    pub(super) consumer: Consumer,
    pub(super) admission: Admission<CallId>,
    /// Of those that wait, if they go by that.
    pub(super) importance: Importance,
    /// 0: no limit.
    pub(super) threads: u32,
    pub(super) drop_left: bool,
    /// Only if there is something to say about it.
    pub(super) process: Option<Box<Process>>,
}

/// One replica of a service.
#[derive(Clone)]
pub struct Worker {
    parts: WorkerParts,
    /// Only if somebody asks what load it has.
    load: Option<Box<Load>>,
}

/// What a caller is told: with the version of what the flow has found last, so that caches in
/// front know how old it is.
fn answer_of(end: &Ended) -> Answer {
    let version = if end.outcome == Outcome::Done { end.found.version } else { 0 };
    Answer { version, ..Answer::of(end.outcome) }
}

/// What a frame of `at_start` reports to.
const STARTED: u32 = u32::MAX;

impl Worker {
    pub(super) fn new(parts: WorkerParts) -> Worker {
        Worker { parts, load: None }
    }

    #[inline]
    fn begin(&mut self, call: CallId, waited: bool, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        cx.occupy();
        let asked = cx.request(call).op;
        let known = self.parts.entries.iter().find(|(op, _)| *op == asked);
        let (_, entry) = *known.expect("callers ask for what is offered");
        self.begins(waited, cx);
        self.parts.machine.start(cx, entry, cx.request(call), Origin::Call(call))
    }

    /// Calls in the process, records and runs of jobs at work.
    fn in_hand(&self) -> u32 {
        let WorkerParts { admission, consumer, jobs, .. } = &self.parts;
        let running = jobs.iter().filter(|job| job.running).count() as u32;
        admission.in_flight() + consumer.working + running
    }

    /// The process, if there is something to say about it, begins with something.
    #[inline]
    fn begins(&mut self, waited: bool, cx: &mut Cx<'_, Self>) {
        if self.parts.process.is_some() {
            self.burdens(waited, cx);
        }
    }

    #[inline(never)]
    fn burdens(&mut self, waited: bool, cx: &mut Cx<'_, Self>) {
        let in_hand = self.in_hand();
        if let Some(process) = &mut self.parts.process {
            self.parts.machine.slowness = process.begins(in_hand, waited, cx);
        }
    }

    /// Records may have begun.
    fn weighs(&mut self, cx: &mut Cx<'_, Self>) {
        let in_hand = self.in_hand();
        if let Some(process) = &mut self.parts.process {
            process.weighs(in_hand, cx);
        }
    }

    /// A call has come to a process about which there is something to say: whether it takes it.
    #[inline(never)]
    fn takes(&mut self, call: CallId, cx: &mut Cx<'_, Self>) -> bool {
        let others = self.in_hand();
        let Some(process) = &mut self.parts.process else { return true };
        if process.is_starting() {
            cx.reply(call, Answer::of(Outcome::Refused));
            return false;
        }
        if self.parts.admission.makes_wait() {
            process.waits(others, cx);
        }
        true
    }

    /// Frames that have ended: their callers are answered, and who waited takes their place.
    #[inline]
    fn over(&mut self, mut ended: Option<Ended>, cx: &mut Cx<'_, Self>) {
        while let Some(end) = ended.take() {
            match end.origin {
                Origin::Call(call) => {
                    if let Some(load) = &mut self.load {
                        load.answered(call, cx.now());
                    }
                    cx.reply(call, answer_of(&end));
                    ended = self.next(cx);
                }
                Origin::Answered => ended = self.next(cx),
                Origin::Host(STARTED) => {}
                Origin::Host(number) if number >= CONSUMED => {
                    // Records count when they are done: they begin where nobody knows the process.
                    self.begins(false, cx);
                    let WorkerParts { consumer, machine, .. } = &mut self.parts;
                    ended = consumer.consumed(number - CONSUMED, end.outcome, machine, cx);
                }
                Origin::Host(job) => self.parts.jobs[job as usize].running = false,
                Origin::Child(_) | Origin::Record(_) => unreachable!("they end in their parents"),
            }
        }
    }

    /// There is no room in order of arrival.
    #[cold]
    fn squeeze(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let class = self.parts.importance.class(&cx.request(call));
        if let Some(shed) = self.parts.admission.squeeze(call, class) {
            cx.turned_away();
            cx.reply(shed, Answer::of(Outcome::Shed));
        }
    }

    fn next(&mut self, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        cx.vacate();
        match self.parts.admission.leave() {
            Some(call) => self.begin(call, true, cx),
            None if self.parts.admission.is_by_importance() => self.next_by_importance(cx),
            None => None,
        }
    }

    #[cold]
    fn next_by_importance(&mut self, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        let call = self.parts.admission.most_important()?;
        self.begin(call, true, cx)
    }

    /// It takes calls from now on, and does what it does of itself.
    fn open(&mut self, cx: &mut Cx<'_, Self>) {
        cx.servers(self.parts.threads.max(self.parts.consumer.threads()));
        let WorkerParts { machine, consumer, process, .. } = &mut self.parts;
        machine.slowness = process.as_ref().map_or(1.0, |process| process.slowness());
        for (index, channel) in machine.channels().iter_mut().enumerate() {
            channel.start(cx, index as u16, |member| Timer::Check((index as u16, member)));
        }
        machine.open_pools(cx);
        consumer.start(cx);
        for (index, job) in self.parts.jobs.iter().enumerate() {
            cx.after_fixed(job.period, Timer::Job(index as u32));
        }
        for entry in self.parts.starts.clone() {
            let request = Request::internal(OpId::PROBE, cx.now());
            let origin = Origin::Host(STARTED);
            self.begins(false, cx);
            let ended = self.parts.machine.start(cx, entry, request, origin);
            self.over(ended, cx);
        }
    }

    /// Something about the process itself.
    #[cold]
    fn lives(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        let Some(process) = &mut self.parts.process else { return };
        if let Timer::Pause = timer {
            return process.pause(cx);
        }
        process.started(cx);
        self.open(cx);
    }

    fn job(&mut self, index: u32, cx: &mut Cx<'_, Self>) {
        let job = &mut self.parts.jobs[index as usize];
        cx.after_fixed(job.period, Timer::Job(index));
        if std::mem::replace(&mut job.running, true) {
            return;
        }
        let request = Request::internal(OpId::PROBE, cx.now());
        let entry = job.entry;
        self.begins(false, cx);
        let ended = self.parts.machine.start(cx, entry, request, Origin::Host(index));
        self.over(ended, cx);
    }
}

runs_flows!(Worker);

impl Component for Worker {
    type Timer = Timer;
    type Ticket = Ticket;
    type Lever = Never;

    fn hears(&self) -> Hears {
        Hears { hangup: self.parts.drop_left, settle: false }
    }

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        if self.parts.process.as_mut().is_none_or(|process| process.start(cx)) {
            self.open(cx);
        }
    }

    #[inline]
    fn on_call(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if let Some(load) = &mut self.load {
            load.came(call, self.parts.admission.in_flight(), cx.now());
        }
        if self.parts.process.is_some() && !self.takes(call, cx) {
            return;
        }
        match self.parts.admission.arrive(call) {
            Admitted::Begins => {
                let ended = self.begin(call, false, cx);
                self.over(ended, cx);
            }
            Admitted::Waits => {}
            Admitted::Full => self.squeeze(call, cx),
        }
    }

    #[inline]
    fn on_return(&mut self, ticket: Ticket, answer: Answer, cx: &mut Cx<'_, Self>) {
        match ticket {
            Ticket::Frame(frame) => {
                let ended = self.parts.machine.on_return(cx, frame, answer);
                self.over(ended, cx);
            }
            Ticket::Check(check) => {
                let channel = &mut self.parts.machine.channels()[check.0 as usize];
                channel.checked(cx, check.1, answer, Timer::Check(check));
            }
            Ticket::Fetch(partition) => {
                let WorkerParts { consumer, machine, .. } = &mut self.parts;
                let ended = consumer.fetched(partition, answer, machine, cx);
                self.over(ended, cx);
                if self.parts.process.is_some() {
                    self.weighs(cx);
                }
            }
        }
    }

    #[inline]
    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        let ended = match timer {
            Timer::Frame(key) => self.parts.machine.wake(cx, key),
            Timer::Join(key) => self.parts.machine.on_timer(cx, Token::Join(key)),
            Timer::Pool(due) => self.parts.machine.on_timer(cx, Token::Pool(due)),
            Timer::Check((channel, member)) => {
                let check = (channel, member);
                let channel = &mut self.parts.machine.channels()[channel as usize];
                channel.check(cx, member, Timer::Check(check), Ticket::Check(check));
                None
            }
            Timer::Job(index) => return self.job(index, cx),
            Timer::Pause | Timer::Started => return self.lives(timer, cx),
            Timer::Fetch(partition) => {
                self.parts.consumer.fetch(partition, cx);
                None
            }
            Timer::Assign => {
                self.parts.consumer.assign(cx);
                cx.after_fixed(super::consumer::HEARTBEAT, Timer::Assign);
                None
            }
        };
        self.over(ended, cx);
    }

    fn on_crash(&mut self, fresh: &Self) {
        let last = self.parts.process.take();
        *self = fresh.clone();
        if let (Some(process), Some(last)) = (&mut self.parts.process, last) {
            process.outlives(&last);
        }
    }

    /// The caller has left: its request leaves the queue, or ends where it stands.
    fn on_hangup(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        cx.let_go(call);
        if self.parts.admission.withdraw(&call) {
            return;
        }
        if let Some(frame) = self.parts.machine.frame_of(Origin::Call(call)) {
            self.parts.machine.kill(cx, frame);
            let ended = self.next(cx);
            self.over(ended, cx);
        }
    }

    fn on_probe(&mut self, probe: CallId, cx: &mut Cx<'_, Self>) -> Answer {
        if self.parts.process.as_ref().is_some_and(|process| process.is_starting()) {
            return Answer::of(Outcome::Refused);
        }
        if cx.argument(probe) != ASKS_FOR_LOAD {
            return Answer::DONE;
        }
        let in_flight = self.parts.admission.in_flight();
        let latency = self.load.get_or_insert_default().latency(in_flight);
        Answer { version: in_flight, ..Answer::done(latency.0 as i64) }
    }

    fn observe(&self, out: &mut Gauges) {
        out.level("queue", self.parts.admission.waiting() as f64);
        out.level("running", f64::from(self.parts.admission.busy()));
        self.parts.machine.observe_pools(out);
        if let Some(process) = &self.parts.process {
            process.observe(self.in_hand(), out);
        }
    }
}
