//! Requests in progress: frames with a program counter, and what moves them on.
//!
//! A timer and a ticket carry the frame's key and nothing else: what an event means follows from
//! the instruction at the frame's program counter. A frame that ends leaves its key stale, and
//! every event still on its way to it misses.

use engine::{Answer, CallId, Component, Cx, Key, Outcome, Request, Slab, Span, Time};

use super::expr::{VARIABLES, Variables};
use super::program::{Argument, Call, NOWHERE, Op, Place, Program, SLOTS, Source};
use crate::cache::fill_word;
use crate::channel::{Asked, Next, Try};
use crate::redis::lock_word;

engine::word! {
    /// What a machine's timers and tickets name.
    pub enum Token {
        /// A frame: its step is done, or its pause is over.
        Frame(Key),
        /// A fork that has waited long enough.
        Join(Key),
    }
}

/// A component that runs flows: how the machine's tokens ride in its own timers and tickets.
pub trait Host: Component {
    /// A timer that comes back to [`Machine::on_timer`].
    fn timer(token: Token) -> Self::Timer;
    /// A ticket that comes back to [`Machine::on_return`].
    fn ticket(frame: Key) -> Self::Ticket;
}

/// What started a frame, and is told when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A call, which is answered.
    Call(CallId),
    /// A call that the flow has answered already.
    Answered,
    /// Something the host keeps under this number: a job, a partition, a user.
    Host(u32),
    /// A fork of another frame.
    Child(Key),
    /// A record of a log that another frame goes through.
    Record(Key),
}

/// A frame has come to its end.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// What had started it.
    pub origin: Origin,
    /// What it was done for.
    pub request: Request,
    /// How it ended.
    pub outcome: Outcome,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    request: Request,
    tries: Try,
    /// When the question was first asked.
    since: Time,
    origin: Origin,
    /// Variables, holds and loops; [`Key::NONE`] while there are none.
    extra: Key,
    /// The fork whose children it waits for.
    join: Key,
    /// Value and version of the last answer, for filling caches.
    found: i64,
    pc: Place,
    /// What is being unwound.
    pending: Outcome,
}

/// What only some frames need.
#[derive(Clone, Copy, Debug)]
struct Extra {
    variables: Variables,
    holds: [Try; SLOTS],
    loops: [i64; SLOTS],
    /// The next record of a log, and where to stop.
    offset: u64,
    end: u64,
}

impl Extra {
    const NONE: Extra = Extra {
        variables: [0; VARIABLES],
        holds: [Try::NONE; SLOTS],
        loops: [0; SLOTS],
        offset: 0,
        end: NO_END,
    };
}

/// No records have been read yet.
const NO_END: u64 = u64::MAX;

/// A fork: a frame that waits for its children.
#[derive(Clone, Debug)]
struct Join {
    parent: Key,
    children: Vec<Key>,
    done: u32,
    left: u32,
}

/// All frames of one component.
#[derive(Clone)]
pub struct Machine {
    program: Program,
    frames: Slab<Frame>,
    extras: Slab<Extra>,
    joins: Slab<Join>,
    /// Lists of children that forks have finished with.
    spare: Vec<Vec<Key>>,
}

/// What became of one instruction.
enum Step {
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
enum Over {
    /// The host, which started it.
    Host(Ended),
    /// The frame that waited for it; or it fails in turn.
    Frame(Key, Option<Outcome>),
    /// Nobody yet.
    Nobody,
}

/// The question that an instruction asks, if it does.
fn question(op: &Op) -> Option<&Call> {
    match op {
        Op::Call(call) | Op::Lookup { call, .. } | Op::Acquire { call, .. } => Some(call),
        _ => None,
    }
}

/// The question of a frame, ready to be asked.
#[inline]
fn asked(frame: &Frame, call: &Call, extras: &Slab<Extra>) -> Asked {
    let request = Request { op: call.op, ..frame.request };
    let arg = match &call.arg {
        Argument::None => 0,
        Argument::Lock { draw, lease } => {
            lock_word(*draw as usize, request.draws[*draw as usize], *lease)
        }
        Argument::Value(expr) => {
            let none = [0; VARIABLES];
            expr.value(&request, extras.get(frame.extra).map_or(&none, |extra| &extra.variables))
        }
    };
    Asked { request, arg }
}

impl Machine {
    /// A machine without frames.
    pub fn new(program: Program) -> Machine {
        let (frames, extras, joins) = (Slab::default(), Slab::default(), Slab::default());
        Machine { program, frames, extras, joins, spare: Vec::new() }
    }

    /// Frames in progress, children included.
    pub fn frames(&self) -> usize {
        self.frames.len()
    }

    /// The frame that a call or the host has started, if it is in progress. Linear.
    pub fn frame_of(&self, origin: Origin) -> Option<Key> {
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
    ) -> (Key, Option<Ended>) {
        let key = self.spawn(cx.now(), entry, request, origin);
        (key, self.run(cx, key))
    }

    #[inline]
    fn spawn(&mut self, now: Time, pc: Place, request: Request, origin: Origin) -> Key {
        self.frames.insert(Frame {
            request,
            tries: Try::NONE,
            since: now,
            origin,
            extra: Key::NONE,
            join: Key::NONE,
            found: 0,
            pc,
            pending: Outcome::Done,
        })
    }

    /// One of the machine's timers has fired.
    #[inline]
    pub fn on_timer<C: Host>(&mut self, cx: &mut Cx<'_, C>, token: Token) -> Option<Ended> {
        match token {
            Token::Frame(key) => {
                let frame = self.frames.get_mut(key)?;
                // A question that waits for its next try is asked again; anything else is done.
                if question(&self.program.code[frame.pc as usize].op).is_none() {
                    frame.pc += 1;
                }
                self.run(cx, key)
            }
            Token::Join(key) => {
                let parent = self.joins.get(key)?.parent;
                self.cancel_children(cx, key);
                self.throw(cx, parent, Outcome::TimedOut)
            }
        }
    }

    /// The answer to a question of frame `key`.
    pub fn on_return<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: Key,
        answer: Answer,
    ) -> Option<Ended> {
        let frame = self.frames.get_mut(key)?;
        let op = &self.program.code[frame.pc as usize].op;
        let (Op::Call(call) | Op::Lookup { call, .. } | Op::Acquire { call, .. }) = op else {
            // A grant has been taken back while the flow went on.
            return None;
        };
        let channel = &mut self.program.channels[call.channel as usize];
        if answer.more && answer.outcome == Outcome::Done {
            let Op::Acquire { slot, .. } = *op else { return None };
            let mut tries = frame.tries;
            tries.channel = call.channel;
            frame.tries = Try::NONE;
            frame.pc += 1;
            self.extra(key).holds[slot as usize] = tries;
            return self.run(cx, key);
        }
        if answer.outcome == Outcome::Redirected && frame.tries.made < 8 {
            let asked = asked(frame, call, &self.extras);
            let member = answer.value as u16;
            channel.done(cx, &mut frame.tries, Outcome::Redirected);
            channel.redirected(&asked.request, member);
            let ticket = C::ticket(key);
            return match channel.ask_member(cx, &asked, member, &mut frame.tries, ticket) {
                Ok(()) => None,
                Err(answer) => self.answered(cx, key, answer),
            };
        }
        if let Next::Again(pause) = channel.done(cx, &mut frame.tries, answer.outcome) {
            if pause.is_zero() {
                return self.run(cx, key);
            }
            cx.after(pause, C::timer(Token::Frame(key)));
            return None;
        }
        self.answered(cx, key, answer)
    }

    /// A question has its last answer.
    #[inline]
    fn answered<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key, answer: Answer) -> Option<Ended> {
        let frame = self.frames.get_mut(key)?;
        frame.tries = Try::NONE;
        let (since, born) = (frame.since, frame.request.born);
        match &self.program.code[frame.pc as usize].op {
            Op::Lookup { miss, .. } if answer.outcome != Outcome::Done => frame.pc = *miss,
            Op::Call(call) | Op::Lookup { call, .. } | Op::Acquire { call, .. } => {
                let into = call.into;
                if let Some(operation) = call.record {
                    cx.record(operation, born, since, answer.outcome);
                }
                if answer.outcome != Outcome::Done {
                    return self.throw(cx, key, answer.outcome);
                }
                frame.pc += 1;
                frame.found = fill_word(answer.value, answer.version);
                if let Some(place) = into {
                    self.extra(key).variables[place as usize] = answer.value;
                }
            }
            _ => unreachable!("only questions are answered"),
        }
        self.run(cx, key)
    }

    fn extra(&mut self, key: Key) -> &mut Extra {
        let frame = self.frames.get_mut(key).expect("a frame in progress");
        if frame.extra == Key::NONE {
            frame.extra = self.extras.insert(Extra::NONE);
        }
        self.extras.get_mut(frame.extra).expect("lives as long as its frame")
    }

    #[inline]
    fn run<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Option<Ended> {
        self.go_on(cx, key, None)
    }

    /// What happened under the frame's instruction did not end `Done`.
    fn throw<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key, outcome: Outcome) -> Option<Ended> {
        self.go_on(cx, key, Some(outcome))
    }

    /// Runs a frame until it waits or ends; then whoever waited for it, if that can go on.
    #[inline]
    fn go_on<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        mut key: Key,
        mut thrown: Option<Outcome>,
    ) -> Option<Ended> {
        loop {
            let step = match thrown.take() {
                Some(outcome) => Step::Throw(outcome),
                None => self.step(cx, key),
            };
            let frame = self.frames.get_mut(key)?;
            let over = match step {
                Step::Next => {
                    frame.pc += 1;
                    continue;
                }
                Step::Goto(place) => {
                    frame.pc = place;
                    continue;
                }
                Step::Wait => return None,
                Step::Throw(outcome) => {
                    let rescue = self.program.code[frame.pc as usize].rescue;
                    frame.pending = outcome;
                    if rescue != NOWHERE {
                        frame.pc = rescue;
                        continue;
                    }
                    self.end(cx, key, outcome)
                }
                Step::End => self.end(cx, key, Outcome::Done),
            };
            match over {
                Over::Host(ended) => return Some(ended),
                Over::Nobody => return None,
                Over::Frame(parent, outcome) => (key, thrown) = (parent, outcome),
            }
        }
    }

    /// A frame is over: whoever started it learns how.
    fn end<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key, outcome: Outcome) -> Over {
        let Some(frame) = self.frames.remove(key) else { return Over::Nobody };
        self.extras.discard(frame.extra);
        match frame.origin {
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
            origin => Over::Host(Ended { origin, request: frame.request, outcome }),
        }
    }

    fn child_ended<C: Host>(&mut self, cx: &mut Cx<'_, C>, id: Key, outcome: Outcome) -> Over {
        let Some(join) = self.joins.get_mut(id) else { return Over::Nobody };
        join.left -= 1;
        join.done += u32::from(outcome == Outcome::Done);
        let (parent, done, left) = (join.parent, join.done, join.left);
        let frame = self.frames.get_mut(parent).expect("waits for its children");
        let Op::Fork { need, join, .. } = self.program.code[frame.pc as usize].op else {
            unreachable!("only a fork has children")
        };
        if done >= need {
            frame.pc = join;
            self.cancel_children(cx, id);
            return Over::Frame(parent, None);
        }
        if done + left < need {
            self.cancel_children(cx, id);
            return Over::Frame(parent, Some(outcome));
        }
        Over::Nobody
    }

    /// Ends what is left of a fork: losers hang up on what they wait for.
    fn cancel_children<C: Host>(&mut self, cx: &mut Cx<'_, C>, id: Key) {
        let Some(mut join) = self.joins.remove(id) else { return };
        join.children.drain(..).for_each(|child| self.kill(cx, child));
        self.spare.push(join.children);
    }

    /// Ends a frame from outside: nothing more happens in it, and it lets go of everything.
    /// CPU work that it has begun is finished all the same, for nobody.
    pub fn kill<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) {
        let Some(mut frame) = self.frames.remove(key) else { return };
        if let Some(call) = question(&self.program.code[frame.pc as usize].op) {
            self.program.channels[call.channel as usize].abandon(cx, &mut frame.tries);
        }
        self.cancel_children(cx, frame.join);
        if let Some(mut extra) = self.extras.remove(frame.extra) {
            for hold in extra.holds.iter_mut().filter(|hold| hold.made > 0) {
                self.program.channels[hold.channel as usize].abandon(cx, hold);
            }
        }
    }

    #[inline]
    fn step<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let Some(frame) = self.frames.get_mut(key) else { return Step::Wait };
        let timer = Token::Frame(key);
        match &self.program.code[frame.pc as usize].op {
            Op::Work(sampler) => {
                let span = cx.sample(*sampler);
                cx.work(span, C::timer(timer));
                Step::Wait
            }
            Op::Wait(sampler) => {
                let span = cx.sample(*sampler);
                cx.after(span, C::timer(timer));
                Step::Wait
            }
            Op::Call(call) | Op::Lookup { call, .. } | Op::Acquire { call, .. } => {
                let asked = asked(frame, call, &self.extras);
                if frame.tries.made == 0 {
                    frame.since = cx.now();
                }
                let channel = &mut self.program.channels[call.channel as usize];
                match channel.ask(cx, &asked, &mut frame.tries, C::ticket(key)) {
                    Ok(()) => Step::Wait,
                    Err(answer) => {
                        frame.tries = Try::NONE;
                        Step::Throw(answer.outcome)
                    }
                }
            }
            Op::Fill { channel, op } => {
                let request = Request { op: *op, ..frame.request };
                let found = frame.found;
                self.program.channels[*channel as usize].tell(cx, request, found);
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

    /// The instructions of scopes, loops and ends.
    fn rare_step<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let Some(&Frame { pc, request, pending, origin, .. }) = self.frames.get(key) else {
            return Step::Wait;
        };
        match &self.program.code[pc as usize].op {
            Op::Test { condition, otherwise } => {
                let (condition, otherwise) = (condition.clone(), *otherwise);
                let holds = condition.holds(&request, &self.extra(key).variables);
                if holds { Step::Next } else { Step::Goto(otherwise) }
            }
            Op::Begin { times, slot } => {
                let (times, slot) = (times.clone(), *slot as usize);
                let extra = self.extra(key);
                extra.loops[slot] = times.value(&request, &extra.variables);
                Step::Next
            }
            &Op::Loop { slot, done } => {
                let left = &mut self.extra(key).loops[slot as usize];
                *left -= 1;
                if *left >= 0 { Step::Next } else { Step::Goto(done) }
            }
            &Op::Release { slot, channel } => {
                let extra = self.extra(key);
                let mut hold = std::mem::replace(&mut extra.holds[slot as usize], Try::NONE);
                self.program.channels[channel as usize].abandon(cx, &mut hold);
                Step::Next
            }
            &Op::Caught { denied, other } => {
                Step::Goto(if pending == Outcome::Denied { denied } else { other })
            }
            Op::Rethrow => Step::Throw(pending),
            Op::Throw(outcome) => Step::Throw(*outcome),
            Op::Age(operation) => {
                cx.record(*operation, request.born, request.born, Outcome::Done);
                Step::Next
            }
            Op::Reply => {
                if let Origin::Call(call) = origin {
                    cx.reply(call, Answer::DONE);
                    self.frames.get_mut(key).expect("in progress").origin = Origin::Answered;
                }
                Step::Next
            }
            Op::Fork { .. } => self.fork(cx, key),
            Op::Each { .. } => self.each(cx, key),
            &Op::TakeOff(source) => self.take_off(cx, key, source),
            Op::Start => Step::Wait,
            _ => unreachable!("handled by `step`"),
        }
    }

    /// Starts all children, and waits for them.
    fn fork<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let frame = *self.frames.get(key).expect("in progress");
        let Op::Fork { ref children, timeout, join, .. } = self.program.code[frame.pc as usize].op
        else {
            unreachable!("only a fork forks")
        };
        if children.is_empty() {
            return Step::Goto(join);
        }
        let count = children.len();
        let list = self.spare.pop().unwrap_or_default();
        let id =
            self.joins.insert(Join { parent: key, children: list, done: 0, left: count as u32 });
        self.frames.get_mut(key).expect("in progress").join = id;
        for place in 0..count {
            let Op::Fork { children, .. } = &self.program.code[frame.pc as usize].op else {
                unreachable!("only a fork forks")
            };
            let child = self.begin_child(cx, children[place], frame.request, Origin::Child(id));
            if frame.extra != Key::NONE {
                let variables = self.extra(key).variables;
                self.extra(child).variables = variables;
            }
            self.joins.get_mut(id).expect("just made").children.push(child);
        }
        if let Some(span) = timeout {
            cx.after_fixed(span, C::timer(Token::Join(id)));
        }
        Step::Wait
    }

    /// A child frame begins with an event of its own, so that no frame runs inside another.
    fn begin_child<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        entry: Place,
        request: Request,
        origin: Origin,
    ) -> Key {
        let child = self.spawn(cx.now(), entry, request, origin);
        cx.after_fixed(Span::ZERO, C::timer(Token::Frame(child)));
        child
    }

    /// The next record of a log, as a child; or on, if there are no more.
    fn each<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let pc = self.frames.get(key).expect("in progress").pc;
        let Op::Each { source, done, none } = self.program.code[pc as usize].op else {
            unreachable!("only `Each` goes through records")
        };
        let Source { log, group, up_to, child } = source;
        let ledger = cx.ledger();
        let first = ledger.committed(log, group).max(ledger.first(log));
        let end = ledger.end(log).min(first + u64::from(up_to));
        let extra = self.extra(key);
        if extra.end == NO_END {
            (extra.offset, extra.end) = (first, end);
        }
        if extra.offset >= extra.end {
            let any = extra.offset > first;
            extra.end = NO_END;
            return Step::Goto(if any { done } else { none });
        }
        let offset = extra.offset;
        let record = cx.ledger().record(log, offset).expect("kept until it is taken off");
        self.begin_child(cx, child, record, Origin::Record(key));
        Step::Wait
    }

    fn take_off<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key, source: Source) -> Step {
        let offset = self.extra(key).offset;
        cx.ledger().commit(source.log, source.group, offset);
        Step::Next
    }
}
