//! Requests in progress: frames with a program counter, and what moves them on.
//!
//! A timer and a ticket carry the frame's key and nothing else: what an event means follows from
//! the instruction at the frame's program counter. A frame that ends leaves its key stale, and
//! every event still on its way to it misses.

use engine::{Answer, Cx, Key, Outcome, Request, Slab, Span, Time, Word as _};

pub(crate) use super::frame::runs_flows;
pub use super::frame::{Ended, Found, Host, Origin, Token, of_record};
use super::frame::{Extra, Frame, Join, asked, question};
use super::program::{NOWHERE, Op, Place, Program};
use crate::cache::is_nothing;
use crate::channel::{Next, Try};

/// All frames of one component.
#[derive(Clone)]
pub struct Machine {
    pub(super) program: Program,
    pub(super) frames: Slab<Frame>,
    pub(super) extras: Slab<Extra>,
    pub(super) joins: Slab<Join>,
    /// Lists of children that forks have finished with.
    pub(super) spare: Vec<Vec<Key>>,
    /// How many times as long work takes: above 1 in a process that is new.
    pub slowness: f64,
}

/// What became of one instruction.
pub(super) enum Step {
    /// Go on with the next one.
    Next,
    /// Go on elsewhere.
    Goto(Place),
    /// Wait for an event.
    Wait,
    /// It did not end `Done`.
    Throw(Outcome),
    /// The frame is over.
    End,
}

/// Who goes on after a frame has ended.
pub(super) enum Over {
    /// The host, which started it.
    Host(Ended),
    /// The frame that waited for it; or it fails in turn.
    Frame(Key, Option<Outcome>),
    /// Nobody yet.
    Nobody,
}

impl Machine {
    /// A machine without frames.
    pub fn new(program: Program) -> Machine {
        let (frames, extras, joins) = (Slab::default(), Slab::default(), Slab::default());
        Machine { program, frames, extras, joins, spare: Vec::new(), slowness: 1.0 }
    }

    /// Frames in progress, children included.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The frame that a call or the host has started, if it is in progress. Linear.
    pub fn frame_of(&self, origin: Origin) -> Option<Key> {
        let origin = origin.pack();
        self.frames.iter().find(|(_, frame)| frame.origin == origin).map(|(key, _)| key)
    }

    /// The channels, for health checks and forwarded hang-ups.
    pub fn channels(&mut self) -> &mut [crate::channel::Channel] {
        &mut self.program.channels
    }

    /// Starts a flow. If it comes to its end at once, that is returned.
    #[inline]
    pub fn start<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        entry: Place,
        request: Request,
        origin: Origin,
    ) -> Option<Ended> {
        let key = self.spawn(cx.now(), entry, request, origin);
        self.run(cx, key)
    }

    /// As [`Machine::start`], with values for the first variables of the flow.
    pub fn start_with<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        entry: Place,
        request: Request,
        origin: Origin,
        values: &[i64],
    ) -> Option<Ended> {
        let key = self.spawn(cx.now(), entry, request, origin);
        let variables = &mut self.extra(key).variables;
        variables.iter_mut().zip(values).for_each(|(variable, value)| *variable = *value);
        self.run(cx, key)
    }

    #[inline(always)]
    pub(super) fn spawn(&mut self, now: Time, pc: Place, request: Request, origin: Origin) -> Key {
        self.frames.insert(Frame {
            request,
            tries: Try::NONE,
            since: now,
            origin: origin.pack(),
            extra: Key::NONE,
            value: 0,
            version: 0,
            pc,
        })
    }

    /// The timer of a frame has fired.
    #[inline]
    pub fn wake<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Option<Ended> {
        let frame = self.frames.get(key)?;
        // A question that waits for its next try is asked again; anything else is done.
        match question(&self.program.code[frame.pc as usize].op) {
            Some(_) => self.run(cx, key),
            None => self.go_on(cx, key, Step::Next),
        }
    }

    /// One of the machine's timers has fired.
    pub fn on_timer<C: Host>(&mut self, cx: &mut Cx<'_, C>, token: Token) -> Option<Ended> {
        match token {
            Token::Frame(key) => self.wake(cx, key),
            Token::Join(key) => {
                let parent = self.joins.get(key)?.parent;
                let step = self.time_is_up(cx, key);
                self.go_on(cx, parent, step)
            }
            Token::Pool((pool, what)) => self.pool_due(cx, pool, what),
        }
    }

    /// The answer to a question of frame `key`.
    pub fn on_return<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: Key,
        answer: Answer,
    ) -> Option<Ended> {
        let Some(frame) = self.frames.get_mut(key) else {
            self.connected(cx, key, answer);
            return None;
        };
        let op = &self.program.code[frame.pc as usize].op;
        let asked_now = question(op).filter(|_| frame.tries.call != Key::NONE);
        // A grant that is taken back while the flow goes on has the same ticket.
        let Some(call) = asked_now.filter(|_| answer.more || !cx.waits(frame.tries.call)) else {
            self.broken_hold(cx, key);
            return None;
        };
        let channel = &mut self.program.channels[call.channel as usize];
        if answer.more && answer.outcome == Outcome::Done {
            let Op::Acquire { slot, .. } = *op else { return None };
            let mut tries = frame.tries;
            (tries.channel, tries.grant) = (call.channel, answer.value as u16);
            frame.tries = Try::NONE;
            frame.pc += 1;
            self.extra(key).holds[slot as usize] = tries;
            return self.run(cx, key);
        }
        if channel.goes_on(&answer, &frame.tries) {
            let asked = asked(frame, call, &self.extras);
            let (ticket, again) = (C::ticket(key), C::timer(Token::Frame(key)));
            return match channel.go_on(cx, &asked, &answer, &mut frame.tries, ticket, again) {
                Ok(()) => None,
                Err(answer) => {
                    let step = self.conclude(cx, key, answer);
                    self.go_on(cx, key, step)
                }
            };
        }
        let next = channel.done(cx, &mut frame.tries, answer.outcome);
        if std::mem::take(&mut frame.tries.lent) {
            let channel = call.channel;
            self.bring_back(cx, channel, answer.outcome);
        }
        if let Next::Again(pause) = next {
            if pause.is_zero() {
                return self.run(cx, key);
            }
            cx.after(pause, C::timer(Token::Frame(key)));
            return None;
        }
        let step = self.conclude(cx, key, answer);
        self.go_on(cx, key, step)
    }

    /// A question has its last answer: what that means for the frame.
    #[inline]
    pub(super) fn conclude<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: Key,
        answer: Answer,
    ) -> Step {
        let Some(frame) = self.frames.get_mut(key) else { return Step::Wait };
        let lent = frame.tries.lent;
        frame.tries = Try::NONE;
        let op = &self.program.code[frame.pc as usize].op;
        let call = question(op).expect("only questions are answered");
        if let Some(operation) = call.record {
            cx.record(operation, frame.request.born, frame.since, answer.outcome);
        }
        if answer.outcome != Outcome::Done {
            let step = match op {
                Op::Lookup { miss, .. } if !is_nothing(&answer) => Step::Goto(*miss),
                _ => Step::Throw(answer.outcome),
            };
            if lent {
                // Nobody was asked.
                let channel = call.channel;
                self.bring_back(cx, channel, Outcome::Done);
            }
            return step;
        }
        (frame.value, frame.version) = (answer.value, answer.version);
        if let Some(place) = call.into {
            self.extra(key).variables[place as usize] = answer.value;
        }
        Step::Next
    }

    pub(super) fn extra(&mut self, key: Key) -> &mut Extra {
        let frame = self.frames.get_mut(key).expect("a frame in progress");
        if frame.extra == Key::NONE {
            frame.extra = self.extras.insert(Extra::NONE);
        }
        self.extras.get_mut(frame.extra).expect("lives as long as its frame")
    }

    #[inline]
    fn run<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Option<Ended> {
        let step = self.step(cx, key);
        self.go_on(cx, key, step)
    }

    /// Runs a frame, of whose present instruction this has become, until it waits or ends; then
    /// whoever waited for it, if that can go on.
    pub(super) fn go_on<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        mut key: Key,
        mut step: Step,
    ) -> Option<Ended> {
        loop {
            let ends = match step {
                Step::Wait => return None,
                Step::Next => {
                    self.frames.get_mut(key)?.pc += 1;
                    None
                }
                Step::Goto(place) => {
                    self.frames.get_mut(key)?.pc = place;
                    None
                }
                Step::Throw(outcome) => self.unwind(key, outcome),
                Step::End => Some(Outcome::Done),
            };
            let mut fails = None;
            if let Some(outcome) = ends {
                match self.end(cx, key, outcome) {
                    Over::Host(ended) => return Some(ended),
                    Over::Nobody => return None,
                    Over::Frame(waited, with) => (key, fails) = (waited, with),
                }
            }
            step = match fails {
                None => self.step(cx, key),
                Some(outcome) => Step::Throw(outcome),
            };
        }
    }

    /// What a frame is doing has not ended `Done`: its handler goes on, or it ends so.
    #[cold]
    fn unwind(&mut self, key: Key, outcome: Outcome) -> Option<Outcome> {
        let frame = self.frames.get_mut(key)?;
        let rescue = self.program.code[frame.pc as usize].rescue;
        if rescue == NOWHERE {
            return Some(outcome);
        }
        frame.pc = rescue;
        self.extra(key).pending = outcome;
        None
    }

    /// A frame is over: whoever started it learns how. In line: what a call returns through the
    /// stack is written in small pieces and read in large ones, which takes its time.
    #[inline(always)]
    pub(super) fn end<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key, outcome: Outcome) -> Over {
        let Some(frame) = self.frames.remove(key) else { return Over::Nobody };
        self.extras.discard(frame.extra);
        match Origin::unpack(frame.origin) {
            Origin::Child(join) => self.child_ended(cx, join, outcome),
            Origin::Record(parent) => {
                let extra = self.extra(parent);
                match outcome {
                    Outcome::Done => extra.offset += 1,
                    // Those behind it wait for the next time.
                    _ => extra.end = extra.offset,
                }
                Over::Frame(parent, None)
            }
            origin => {
                let (born, found) = (frame.request.born, frame.found());
                Over::Host(Ended { origin, born, outcome, found })
            }
        }
    }

    #[inline]
    pub(super) fn step<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let Some(frame) = self.frames.get_mut(key) else { return Step::Wait };
        let timer = Token::Frame(key);
        match &self.program.code[frame.pc as usize].op {
            Op::Work(sampler) => {
                let mut span = cx.sample(*sampler);
                if self.slowness != 1.0 {
                    span = Span::from_f64(span.0 as f64 * self.slowness);
                }
                cx.work(span, C::timer(timer));
                Step::Wait
            }
            Op::Wait(sampler) => {
                let span = cx.sample(*sampler);
                cx.after(span, C::timer(timer));
                Step::Wait
            }
            Op::Call(call) | Op::Lookup { call, .. } => {
                let channel = &mut self.program.channels[call.channel as usize];
                if let Some(pool) = channel.pool
                    && !frame.tries.lent
                {
                    return self.borrow(cx, key, pool);
                }
                let asked = asked(frame, call, &self.extras);
                if frame.tries.made == 0 && !frame.tries.lent {
                    frame.since = cx.now();
                }
                let channel = &mut self.program.channels[call.channel as usize];
                match channel.ask(cx, &asked, &mut frame.tries, C::ticket(key), C::timer(timer)) {
                    Ok(()) => Step::Wait,
                    Err(answer) => self.conclude(cx, key, answer),
                }
            }
            Op::Fill { channel, op, value } => {
                let request = Request { op: *op, ..frame.request };
                // What does not fit the word is not put in: a hit never differs from a miss.
                if let Some(word) = if *value { frame.found().word() } else { Some(0) } {
                    self.program.channels[*channel as usize].tell(cx, request, word);
                }
                Step::Next
            }
            Op::Toss { coin, otherwise } => {
                if cx.toss(*coin) {
                    Step::Next
                } else {
                    Step::Goto(*otherwise)
                }
            }
            Op::Jump(place) => Step::Goto(*place),
            Op::Count(counter) => {
                cx.count(*counter, 1);
                Step::Next
            }
            Op::End => Step::End,
            _ => self.rare_step(cx, key),
        }
    }
}
