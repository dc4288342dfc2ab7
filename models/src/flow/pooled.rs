//! Flows that borrow connections: a question to a pooled callee is asked when there is one.
//!
//! A transaction keeps its connection until it lets go of it; what is asked inside it goes over
//! the same one. Everything else brings it back with each answer.

use engine::chance::{Coin, Dist as Draw, Sampler, StreamId};
use engine::{Answer, Ask, CounterId, Cx, Gauges, GroupId, Key, MemberState, OpId, Outcome, Port};
use engine::{Request, Span, Time};

use super::compile::Compiler;
use super::frame::{Ended, Host, Token};
use super::machine::{Machine, Step};
use super::program::Op;
use crate::policy::pool::{Borrowed, HOUSEKEEPING, Pool};
use crate::policy::spec::Policy;

/// A pool with what it needs at hand.
#[derive(Clone, Debug)]
pub struct Kept {
    pub(super) pool: Pool<Key>,
    /// How long it takes to make a connection.
    pub(super) create: Sampler,
    pub(super) lifetime: Span,
    pub(super) patience: Span,
    pub(super) leak: Coin,
    pub(super) stream: StreamId,
    pub(super) timeouts: CounterId,
    pub(super) failures: CounterId,
    /// Where they all lead to, if that is one process: they end with it.
    pub(super) only: Option<Only>,
}

/// The one process that all connections of a pool lead to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Only {
    group: GroupId,
    port: Port,
    /// How long the round trip at the beginning of a connection may take.
    connect: Span,
    /// How much of the group's history has been read.
    read: usize,
}

impl Kept {
    /// Reads on in the history of whom the connections lead to.
    fn hear<C: Host>(&mut self, cx: &Cx<'_, C>) {
        let Some(only) = &mut self.only else { return };
        while let Some(change) = cx.group(only.group).history.get(only.read) {
            only.read += 1;
            if matches!(change.state, MemberState::Down | MemberState::Gone) {
                self.pool.process_ended(change.at);
            }
        }
    }
}

/// What a timer of a pool means.
#[derive(Clone, Copy)]
enum Due {
    Made,
    GaveUp,
    House,
    Again,
}

const DUES: [Due; 4] = [Due::Made, Due::GaveUp, Due::House, Due::Again];

/// Lifetimes are shorter by up to this part, so that not all connections end at once.
const VARIANCE: f64 = 0.025;

/// Tickets of pools stand where no frame's can: at the place of [`Key::NONE`].
const PLACE: u64 = Key::NONE.bits();

/// The ticket of a connection that is being made.
fn ticket(pool: u16) -> Key {
    Key::from_bits((u64::from(pool) + 1) * (PLACE + 1) + PLACE)
}

fn pool_of(ticket: Key) -> Option<u16> {
    let bits = ticket.bits();
    let number = (bits & PLACE == PLACE).then_some(bits / (PLACE + 1))?;
    number.checked_sub(1).map(|pool| pool as u16)
}

fn token<C: Host>(pool: u16, due: Due) -> C::Timer {
    C::timer(Token::Pool((pool, due as u32)))
}

impl Compiler<'_, '_> {
    /// The pool of connections to `callee` under the policy of this name, whatever it is asked for.
    /// `None`: there is no limit.
    pub(super) fn pool(&mut self, callee: &str, name: &str, policy: &Policy) -> Option<u16> {
        let spec = policy.pool.as_ref()?;
        let known =
            self.pools.iter().position(|(to, by)| (to.as_str(), by.as_str()) == (callee, name));
        if let Some(known) = known {
            return Some(known as u16);
        }
        let by = if name == callee { String::new() } else { format!(" by {name}") };
        let owner = format!("{} pool for {callee}{by}", self.wiring.builder.name(self.me));
        let me = self.wiring.builder.group_of(self.me);
        let builder = &mut self.wiring.builder;
        let [create, leak, lifetime] =
            ["create", "leak", "lifetime"].map(|purpose| builder.stream(&owner, purpose));
        let [timeouts, failures] =
            ["pool_timeouts", "pool_failures"].map(|name| builder.counter(me, name));
        let only = builder.find(callee).filter(|group| builder.declared(*group).size == 1);
        let only = only.map(|group| {
            let port = Port { link: builder.link(self.me, group), member: 0 };
            Only { group, port, connect: spec.connect(), read: 0 }
        });
        // What is wrong with it is reported once, where policies are checked.
        let time = self.wiring.quietly(|w| spec.create.as_ref().and_then(|dist| dist.build(w)));
        self.program.pools.push(Kept {
            pool: Pool::new(spec),
            create: Sampler { dist: time.unwrap_or(Draw::Fixed(Span::ZERO)), stream: create },
            lifetime: spec.lifetime.0,
            patience: spec.timeout.0,
            leak: Coin { probability: spec.leak.map_or(0.0, |share| share.0), stream: leak },
            stream: lifetime,
            timeouts,
            failures,
            only,
        });
        self.pools.push((callee.into(), name.into()));
        Some(self.pools.len() as u16 - 1)
    }
}

impl Machine {
    /// The process begins: pools fill.
    pub fn open_pools<C: Host>(&mut self, cx: &mut Cx<'_, C>) {
        for pool in 0..self.program.pools.len() as u16 {
            self.make(cx, pool);
            cx.after_fixed(HOUSEKEEPING, token::<C>(pool, Due::House));
        }
    }

    /// Frame `key` needs a connection for what it is about to ask: it asks, or waits for one.
    #[cold]
    pub(super) fn borrow<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key, pool: u16) -> Step {
        let frame = self.frames.get_mut(key).expect("in progress");
        if frame.tries.made == 0 {
            frame.since = cx.now();
        }
        let kept = &mut self.program.pools[pool as usize];
        let (now, patience) = (cx.now(), kept.patience);
        let wait = match &self.program.code[frame.pc as usize].op {
            Op::Acquire { wait: Some(wait), .. } => frame.since + *wait,
            _ => Time::NEVER,
        };
        kept.hear(cx);
        let until = (now + patience).min(wait).min(frame.request.deadline);
        if kept.pool.borrow(key, now, until) == Borrowed::Lent {
            frame.tries.lent = true;
            return self.step(cx, key);
        }
        let due = token::<C>(pool, Due::GaveUp);
        match until.since(now) {
            span if span == patience => cx.after_fixed(patience, due),
            sooner => cx.after(sooner, due),
        }
        self.make(cx, pool);
        Step::Wait
    }

    /// What was borrowed for a question over `channel`, or for what that was granted, comes back.
    /// Who takes it goes on with an event of its own.
    #[cold]
    pub(super) fn bring_back<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        channel: u16,
        outcome: Outcome,
    ) {
        let pool = self.program.channels[channel as usize].pool.expect("it was borrowed");
        use Outcome::{Refused, Reset, TimedOut};
        let Machine { program, frames, .. } = self;
        let kept = &mut program.pools[pool as usize];
        if kept.leak.probability > 0.0 && cx.toss(kept.leak) {
            return;
        }
        if outcome == Refused && kept.only.is_some() {
            kept.pool.die();
        }
        let broken = matches!(outcome, Refused | Reset | TimedOut);
        let taken = kept.pool.give_back(cx.now(), broken, |key| frames.get(key).is_some());
        self.taken(cx, taken);
        self.make(cx, pool);
    }

    /// A frame that waited has a connection.
    fn taken<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Option<Key>) {
        let Some(key) = key else { return };
        self.frames.get_mut(key).expect("asked just now").tries.lent = true;
        cx.after_fixed(Span::ZERO, C::timer(Token::Frame(key)));
    }

    /// Makes the next connection, if one is wanted.
    fn make<C: Host>(&mut self, cx: &mut Cx<'_, C>, pool: u16) {
        if self.program.pools[pool as usize].pool.makes() {
            self.connect(cx, pool);
        }
    }

    /// Begins to make a connection: by a round trip to where it leads to.
    fn connect<C: Host>(&mut self, cx: &mut Cx<'_, C>, pool: u16) {
        let Some(only) = self.program.pools[pool as usize].only else {
            return self.log_in(cx, pool);
        };
        let request = Request::internal(OpId::PROBE, cx.now());
        let ask = Ask { request, arg: 0, timeout: Some(only.connect), cancel: false };
        cx.call(only.port, ask, C::ticket(ticket(pool)));
    }

    fn log_in<C: Host>(&mut self, cx: &mut Cx<'_, C>, pool: u16) {
        let span = cx.sample(self.program.pools[pool as usize].create);
        cx.after(span, token::<C>(pool, Due::Made));
    }

    /// An answer for no frame in progress: it may be that of a connection that is being made.
    #[cold]
    pub(super) fn connected<C: Host>(&mut self, cx: &mut Cx<'_, C>, of: Key, answer: Answer) {
        let Some(pool) = pool_of(of) else { return };
        if answer.outcome == Outcome::Done {
            return self.log_in(cx, pool);
        }
        let kept = &mut self.program.pools[pool as usize];
        cx.count(kept.failures, 1);
        cx.after(kept.pool.failed(), token::<C>(pool, Due::Again));
    }

    /// A timer of a pool has fired.
    pub(super) fn pool_due<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        pool: u16,
        what: u32,
    ) -> Option<Ended> {
        let Machine { program, frames, .. } = self;
        let kept = &mut program.pools[pool as usize];
        let now = cx.now();
        match DUES[what as usize] {
            Due::Made => {
                let part = 1.0 - VARIANCE * cx.unit(kept.stream);
                let until = now + Span::from_f64(kept.lifetime.0 as f64 * part);
                let taken = kept.pool.made(until, now, |key| frames.get(key).is_some());
                self.taken(cx, taken);
                self.make(cx, pool);
            }
            Due::House => {
                kept.pool.keep_house(now);
                cx.after_fixed(HOUSEKEEPING, token::<C>(pool, Due::House));
                self.make(cx, pool);
            }
            Due::Again => {
                if kept.pool.makes_again() {
                    self.connect(cx, pool);
                }
            }
            Due::GaveUp => {
                let key = kept.pool.gives_up(now)?;
                frames.get(key)?;
                cx.count(kept.timeouts, 1);
                let step = self.conclude(cx, key, Answer::of(Outcome::TimedOut));
                return self.go_on(cx, key, step);
            }
        }
        None
    }

    /// What its pools look like, all together.
    pub fn observe_pools(&self, out: &mut Gauges) {
        if self.program.pools.is_empty() {
            return;
        }
        let sum = |of: fn(&Pool<Key>) -> usize| -> f64 {
            self.program.pools.iter().map(|kept| of(&kept.pool) as f64).sum()
        };
        out.level("pool_active", sum(Pool::lent));
        out.level("pool_idle", sum(Pool::idle));
        out.level("pool_waiting", sum(Pool::waiting));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest number of a pool fits, and no key of a frame is taken for one.
    #[test]
    fn tickets_of_pools_are_no_frames() {
        for pool in [0, 1, u16::MAX] {
            let key = ticket(pool);
            assert_eq!((pool_of(key), key.bits() >> 56), (Some(pool), 0));
        }
        let mut frames = engine::Slab::default();
        assert_eq!((pool_of(frames.insert(())), pool_of(Key::NONE)), (None, None));
        assert!(frames.get(ticket(7)).is_none());
    }
}
