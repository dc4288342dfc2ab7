//! A source at work: makes requests, waits for their ends, writes down what users lived through.

use engine::chance::{NumberSampler, Sampler, StreamId};
use engine::{
    Answer, CallId, Component, Cx, DRAWS, Gauges, Key, Never, OpId, OperationId, Outcome, Request,
    Slab, Span, Time, word,
};

use super::profile::Profile;
use crate::channel::{Asked, Channel, Next, Try};
use crate::flow::machine::{Ended, Machine, Origin, Token, runs_flows};
use crate::flow::program::Place;

/// How a number comes to a request at its birth.
#[derive(Clone, Copy, Debug)]
pub enum Draw {
    /// 0, 1, 2 … in the order of birth.
    Counter,
    /// By chance.
    Drawn(NumberSampler),
}

/// When users come.
#[derive(Clone)]
pub enum Arrivals {
    /// By the clock.
    Open {
        /// How many when.
        profile: Profile,
        /// Evenly, not by chance.
        even: bool,
        /// By which chance.
        stream: StreamId,
    },
    /// When they have thought.
    Closed(Loop),
}

/// Users who ask again and again.
#[derive(Clone, Copy, Debug)]
pub struct Loop {
    /// How many.
    pub users: u32,
    /// How long each thinks.
    pub think: Option<Sampler>,
    /// Over how long they begin.
    pub ramp: Span,
}

/// What users do.
#[derive(Clone)]
pub enum Plan {
    /// Each asks for one thing.
    Mix {
        /// What they ask for, with the weights added up.
        choices: Vec<Choice>,
        /// Whom they ask.
        channels: Vec<Channel>,
        /// The sum of all weights.
        total: f64,
        /// Who asks for what.
        stream: StreamId,
    },
    /// Each follows a flow.
    Journey {
        /// Their frames.
        machine: Box<Machine>,
        /// Where the flow begins.
        entry: Place,
        /// Where the whole journey is recorded.
        operation: OperationId,
    },
}

/// One thing that users ask for.
#[derive(Clone, Copy, Debug)]
pub struct Choice {
    /// Its weight and those of all before it.
    pub up_to: f64,
    /// What is asked.
    pub op: OpId,
    /// Where it is recorded.
    pub operation: OperationId,
    /// Of whom.
    pub channel: u16,
}

word! {
    /// What its timers mean.
    pub enum Timer {
        /// The next user comes.
        Arrive,
        /// A user has thought, and comes again.
        Again,
        /// The pause before the next try of a request is over.
        Retry(Key),
        /// Of a frame of a journey.
        Frame(Key),
        /// A fork of a journey has waited long enough.
        Join(Key),
        /// A health check of a member (second) of a channel (first) is due.
        Check((u16, u32)),
        /// Something is due in a pool of connections.
        Pool((u16, u32)),
    }
}

word! {
    /// What it remembers about its calls.
    pub enum Ticket {
        /// A request.
        Shot(Key),
        /// Of a frame of a journey.
        Frame(Key),
        /// A health check.
        Check((u16, u32)),
    }
}

/// A request that has not ended; what else it consists of follows from its choice. Small, because
/// there may be a million.
#[derive(Clone, Copy, Debug)]
struct Shot {
    root: u64,
    born: Time,
    draws: [u32; DRAWS],
    tries: Try,
    choice: u16,
}

impl Shot {
    #[inline]
    fn asked(&self, op: OpId) -> Asked {
        let &Shot { root, born, draws, .. } = self;
        let request = Request { root, draws, ..Request::internal(op, born) };
        Asked { request, arg: 0 }
    }
}

/// What a user takes who neither waits nor thinks.
const BREATH: Span = Span::millis(1);

/// One source.
#[derive(Clone)]
pub struct Source {
    arrivals: Arrivals,
    draws: Vec<Draw>,
    plan: Plan,
    shots: Slab<Shot>,
    born: u32,
}

impl Source {
    /// A source that has not begun.
    pub fn new(arrivals: Arrivals, draws: Vec<Draw>, plan: Plan) -> Source {
        Source { arrivals, draws, plan, shots: Slab::default(), born: 0 }
    }

    /// Plans the next arrival.
    #[inline]
    fn plan_next(&mut self, cx: &mut Cx<'_, Self>) {
        let Arrivals::Open { profile, even, stream } = &mut self.arrivals else { return };
        let step = || if *even { 1.0 } else { cx.exponential(*stream) };
        if let Some(at) = profile.next(step)
            && at < cx.traffic_ends()
        {
            cx.after(at.since(cx.now()), Timer::Arrive);
        }
    }

    /// A user comes.
    #[inline]
    fn arrive(&mut self, cx: &mut Cx<'_, Self>) {
        let mut draws = [0; DRAWS];
        for (place, draw) in self.draws.iter().enumerate() {
            draws[place] = match draw {
                Draw::Counter => self.born,
                Draw::Drawn(sampler) => cx.number(*sampler),
            };
        }
        self.born = self.born.wrapping_add(1);
        let now = cx.now();
        match &mut self.plan {
            Plan::Mix { choices, total, stream, .. } => {
                let choice = match choices.len() {
                    1 => 0,
                    _ => {
                        let at = cx.unit(*stream) * *total;
                        choices.partition_point(|choice| choice.up_to <= at)
                    }
                };
                let request = cx.new_request(choices[choice].op, now, draws);
                let choice = choice as u16;
                let Request { root, born, draws, .. } = request;
                let shot = Shot { root, born, draws, tries: Try::NONE, choice };
                let key = self.shots.insert(shot);
                self.ask(key, cx);
            }
            Plan::Journey { machine, entry, .. } => {
                let request = cx.new_request(OpId::PROBE, now, draws);
                let ended = machine.start(cx, *entry, request, Origin::Host(0));
                self.over(ended, cx);
            }
        }
    }

    #[inline]
    fn ask(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let Plan::Mix { choices, channels, .. } = &mut self.plan else { return };
        let Some(shot) = self.shots.get_mut(key) else { return };
        let Choice { op, channel, .. } = choices[shot.choice as usize];
        let asked = shot.asked(op);
        let channel = &mut channels[channel as usize];
        let (ticket, again) = (Ticket::Shot(key), Timer::Retry(key));
        if let Err(answer) = channel.ask(cx, &asked, &mut shot.tries, ticket, again) {
            self.finish(key, answer.outcome, cx);
        }
    }

    #[inline]
    fn finish(&mut self, key: Key, outcome: Outcome, cx: &mut Cx<'_, Self>) {
        let Plan::Mix { choices, .. } = &self.plan else { return };
        let Some(shot) = self.shots.get(key) else { return };
        let (born, operation) = (shot.born, choices[shot.choice as usize].operation);
        self.shots.discard(key);
        cx.record(operation, born, born, outcome);
        cx.finish_request(outcome);
        self.think(born, cx);
    }

    fn over(&mut self, ended: Option<Ended>, cx: &mut Cx<'_, Self>) {
        let Plan::Journey { operation, .. } = &self.plan else { return };
        let Some(Ended { born, outcome, .. }) = ended else { return };
        cx.record(*operation, born, born, outcome);
        cx.finish_request(outcome);
        self.think(born, cx);
    }

    /// A user of a closed loop has an answer to what it asked at `born`. If neither that nor
    /// thinking took any time, it pauses: else it would ask in this one instant for ever.
    #[inline]
    fn think(&mut self, born: Time, cx: &mut Cx<'_, Self>) {
        let Arrivals::Closed(users) = &self.arrivals else { return };
        let mut span = users.think.map_or(Span::ZERO, |think| cx.sample(think));
        if span.is_zero() && born == cx.now() {
            span = BREATH;
        }
        if cx.now() + span < cx.traffic_ends() {
            cx.after(span, Timer::Again);
        }
    }
}

runs_flows!(Source);

impl Component for Source {
    type Timer = Timer;
    type Ticket = Ticket;
    type Lever = Never;

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        let channels = match &mut self.plan {
            Plan::Mix { channels, .. } => &mut channels[..],
            Plan::Journey { machine, .. } => machine.channels(),
        };
        for (index, channel) in channels.iter_mut().enumerate() {
            channel.start(cx, index as u16, |member| Timer::Check((index as u16, member)));
        }
        if let Plan::Journey { machine, .. } = &mut self.plan {
            machine.open_pools(cx);
        }
        self.plan_next(cx);
        if let Arrivals::Closed(users) = self.arrivals {
            for user in 0..u64::from(users.users) {
                let begin = Time(users.ramp.0 / u64::from(users.users) * user);
                cx.after(begin.since(Time::ZERO), Timer::Again);
            }
        }
    }

    fn on_call(&mut self, _: CallId, _: &mut Cx<'_, Self>) {
        unreachable!("nobody calls users")
    }

    #[inline]
    fn on_timer(&mut self, timer: Timer, cx: &mut Cx<'_, Self>) {
        match timer {
            Timer::Arrive => {
                self.arrive(cx);
                self.plan_next(cx);
            }
            Timer::Again => self.arrive(cx),
            Timer::Retry(key) => self.ask(key, cx),
            Timer::Frame(key) => self.frame(Token::Frame(key), cx),
            Timer::Join(key) => self.frame(Token::Join(key), cx),
            Timer::Pool(due) => self.frame(Token::Pool(due), cx),
            Timer::Check((channel, member)) => {
                let check = (channel, member);
                let channel = self.channel(channel);
                channel.check(cx, member, Timer::Check(check), Ticket::Check(check));
            }
        }
    }

    #[inline]
    fn on_return(&mut self, ticket: Ticket, answer: Answer, cx: &mut Cx<'_, Self>) {
        match ticket {
            Ticket::Shot(key) => self.answered(key, answer, cx),
            Ticket::Check(check) => {
                let channel = self.channel(check.0);
                channel.checked(cx, check.1, answer, Timer::Check(check));
            }
            Ticket::Frame(frame) => {
                let Plan::Journey { machine, .. } = &mut self.plan else { return };
                let ended = machine.on_return(cx, frame, answer);
                self.over(ended, cx);
            }
        }
    }

    fn observe(&self, out: &mut Gauges) {
        let waiting = match &self.plan {
            Plan::Mix { .. } => self.shots.len(),
            Plan::Journey { machine, .. } => machine.frames(),
        };
        out.level("users", waiting as f64);
    }
}

impl Source {
    fn channel(&mut self, index: u16) -> &mut Channel {
        match &mut self.plan {
            Plan::Mix { channels, .. } => &mut channels[index as usize],
            Plan::Journey { machine, .. } => &mut machine.channels()[index as usize],
        }
    }

    fn frame(&mut self, token: Token, cx: &mut Cx<'_, Self>) {
        let Plan::Journey { machine, .. } = &mut self.plan else { return };
        let ended = machine.on_timer(cx, token);
        self.over(ended, cx);
    }

    #[inline]
    fn answered(&mut self, key: Key, answer: Answer, cx: &mut Cx<'_, Self>) {
        let Plan::Mix { choices, channels, .. } = &mut self.plan else { return };
        let Some(shot) = self.shots.get_mut(key) else { return };
        let Choice { op, channel, .. } = choices[shot.choice as usize];
        let channel = &mut channels[channel as usize];
        if channel.goes_on(&answer, &shot.tries) {
            let (asked, ticket, again) = (shot.asked(op), Ticket::Shot(key), Timer::Retry(key));
            if let Err(answer) = channel.go_on(cx, &asked, &answer, &mut shot.tries, ticket, again)
            {
                self.finish(key, answer.outcome, cx);
            }
            return;
        }
        match channel.done(cx, &mut shot.tries, answer.outcome) {
            Next::Over => self.finish(key, answer.outcome, cx),
            Next::Again(pause) if pause.is_zero() => self.ask(key, cx),
            Next::Again(pause) => cx.after(pause, Timer::Retry(key)),
        }
    }
}
