//! What a request in progress is: frames, what only some of them need, and forks.

use engine::{CallId, Key, Outcome, Request, Slab, Time};

use super::expr::{Expr, VARIABLES, Variables};
use super::program::{Argument, Call, Op, Place, SLOTS};
use crate::cache::fill_word;
use crate::channel::{Asked, Caller, Try};
use crate::procedure::inside_word;
use crate::redis::lock_word;

engine::word! {
    /// What a machine's timers and tickets name.
    pub enum Token {
        /// A frame: its step is done, or its pause is over.
        Frame(Key),
        /// A fork that has waited long enough.
        Join(Key),
        /// A pool of connections (first), and what is due there (second).
        Pool((u16, u32)),
    }
}

/// A component that runs flows: how the machine's tokens ride in its own timers and tickets.
pub trait Host: Caller {
    /// A timer that comes back to [`Machine::on_timer`].
    fn timer(token: Token) -> Self::Timer;
    /// A ticket that comes back to [`Machine::on_return`].
    fn ticket(frame: Key) -> Self::Ticket;
}

/// Makes a component a [`Host`]: its `Timer` has `Frame`, `Join` and `Pool`, its `Ticket` `Frame`
/// and `Check`. Words are of eight bytes with one tag, so that the machine's cannot stand inside
/// others.
macro_rules! runs_flows {
    ($component:ty) => {
        impl $crate::channel::Caller for $component {
            #[inline]
            fn check(check: (u16, u32)) -> Ticket {
                Ticket::Check(check)
            }
        }

        impl $crate::flow::machine::Host for $component {
            #[inline]
            fn timer(token: $crate::flow::machine::Token) -> Timer {
                use $crate::flow::machine::Token;
                match token {
                    Token::Frame(key) => Timer::Frame(key),
                    Token::Join(key) => Timer::Join(key),
                    Token::Pool(due) => Timer::Pool(due),
                }
            }

            #[inline]
            fn ticket(frame: engine::Key) -> Ticket {
                Ticket::Frame(frame)
            }
        }
    };
}
pub(crate) use runs_flows;

engine::word! {
    /// What started a frame, and is told when it ends.
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
}

/// A frame has come to its end.
#[derive(Clone, Copy, Debug)]
pub struct Ended {
    /// What had started it.
    pub origin: Origin,
    /// When it was wanted.
    pub born: Time,
    /// How it ended.
    pub outcome: Outcome,
    /// The last answer it had.
    pub found: Found,
}

/// What an answer said: the value and the version of a row, for filling caches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The value.
    pub value: i64,
    /// The version; 0 where there is none.
    pub version: u32,
}

impl Found {
    /// Both in the one word that a call carries; nothing if the value takes more than 32 bits.
    pub(super) fn word(self) -> Option<i64> {
        i32::try_from(self.value).is_ok().then(|| fill_word(self.value, self.version))
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) request: Request,
    pub(super) tries: Try,
    /// When the question was first asked.
    pub(super) since: Time,
    /// An [`Origin`], packed.
    pub(super) origin: u64,
    /// Variables, holds, loops and forks; [`Key::NONE`] while there are none.
    pub(super) extra: Key,
    /// The last answer, as [`Found`] has it.
    pub(super) value: i64,
    pub(super) version: u32,
    pub(super) pc: Place,
}

/// A larger frame is copied by a call, which the bench scenarios feel.
const _: () = assert!(size_of::<Frame>() <= 128);

impl Frame {
    /// The last answer, for filling caches.
    pub(super) fn found(&self) -> Found {
        Found { value: self.value, version: self.version }
    }
}

/// What only some frames need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extra {
    pub(super) variables: Variables,
    pub(super) holds: [Try; SLOTS],
    pub(super) loops: [i64; SLOTS],
    /// What is being unwound.
    pub(super) pending: Outcome,
    /// The fork whose children it waits for.
    pub(super) join: Key,
    /// The next record of a log, and where to stop.
    pub(super) offset: u64,
    pub(super) end: u64,
    /// The frame that works on it.
    pub(super) child: Key,
}

impl Extra {
    pub(super) const NONE: Extra = Extra {
        variables: [0; VARIABLES],
        holds: [Try::NONE; SLOTS],
        loops: [0; SLOTS],
        pending: Outcome::Done,
        join: Key::NONE,
        offset: 0,
        end: NO_END,
        child: Key::NONE,
    };
}

/// No records have been read yet.
pub(super) const NO_END: u64 = u64::MAX;

/// A fork: a frame that waits for its children.
#[derive(Clone, Debug, Default)]
pub(super) struct Join {
    pub(super) parent: Key,
    pub(super) children: Vec<Key>,
    pub(super) done: u32,
    pub(super) left: u32,
}

/// The question that an instruction asks, if it does.
pub(super) fn question(op: &Op) -> Option<&Call> {
    match op {
        Op::Call(call) | Op::Part { call, .. } | Op::Share { call, .. } => Some(call),
        Op::Lookup { call, .. } | Op::Acquire { call, .. } | Op::Inside { call, .. } => Some(call),
        _ => None,
    }
}

/// The question of a frame, ready to be asked.
#[inline]
pub(super) fn asked(frame: &Frame, call: &Call, extras: &Slab<Extra>) -> Asked {
    let request = Request { op: call.op, ..frame.request };
    let arg = match &call.arg {
        Argument::None => 0,
        Argument::Lock { draw, lease } => {
            lock_word(*draw as usize, request.draws[*draw as usize], *lease)
        }
        Argument::Inside { slot, number } => {
            let extra = extras.get(frame.extra).unwrap_or(&Extra::NONE);
            let number = number.as_ref().map_or(0, |expr| expr.value(&request, &extra.variables));
            inside_word(extra.holds[*slot as usize].grant, number)
        }
        Argument::Value(expr) => worked_out(expr, frame, extras),
        Argument::Found(to) => {
            let Found { value, version } = frame.found();
            fill_word(to.as_ref().map_or(value, |to| worked_out(to, frame, extras)), version)
        }
    };
    Asked { request, arg }
}

fn worked_out(expr: &Expr, frame: &Frame, extras: &Slab<Extra>) -> i64 {
    let extra = extras.get(frame.extra).unwrap_or(&Extra::NONE);
    expr.value(&frame.request, &extra.variables)
}

/// The request of a record, for whoever works on it: those who published it had deadlines and
/// tries of their own.
pub fn of_record(record: Request) -> Request {
    Request { deadline: Time::NEVER, attempt: 0, ..record }
}
