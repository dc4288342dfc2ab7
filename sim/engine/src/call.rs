//! The words of a conversation: what is asked, what comes back, and how it ended.

use crate::slab::Key;
use crate::time::Time;

/// Names a call until both of its ends have let go.
pub type CallId = Key;

/// How a call ended. A failure of the simulated world is a value, never a Rust error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Outcome {
    /// It went well.
    Done,
    /// The system worked and the answer is no: sold out, declined, not the holder.
    /// No breaker, no retry, no error rate.
    Denied,
    /// Ask member `value` instead: MOVED, NOT_LEADER.
    Redirected,
    /// Refused on purpose: 429, 503.
    Shed,
    /// Nobody listened: certainly not executed.
    Refused,
    /// Broken off: may have been executed.
    Reset,
    /// The caller stopped waiting: may have been executed, or may yet be.
    TimedOut,
    /// Executed, and went wrong.
    Failed,
}

impl Outcome {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// All of them, in the order of their numbers.
    pub const ALL: [Outcome; Outcome::COUNT] = [
        Outcome::Done,
        Outcome::Denied,
        Outcome::Redirected,
        Outcome::Shed,
        Outcome::Refused,
        Outcome::Reset,
        Outcome::TimedOut,
        Outcome::Failed,
    ];

    /// The name in reports and series.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Denied => "denied",
            Outcome::Redirected => "redirected",
            Outcome::Shed => "shed",
            Outcome::Refused => "refused",
            Outcome::Reset => "reset",
            Outcome::TimedOut => "timed out",
            Outcome::Failed => "failed",
        }
    }

    /// Whether it counts into the error rate. A `Denied` is an answer, not an error.
    pub fn is_error(self) -> bool {
        self >= Outcome::Shed
    }
}

/// What comes back to the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// A word that caller and callee agree on: a value, a fencing token, an offset.
    pub value: i64,
    /// The version that was read or written; 0 where there is none.
    pub version: u32,
    /// How it ended.
    pub outcome: Outcome,
    /// The call stays open: more answers may follow (a grant, a subscription).
    pub more: bool,
}

impl Answer {
    /// `Done`, with nothing to say.
    pub const DONE: Answer = Answer::of(Outcome::Done);

    /// An outcome, with nothing to say.
    pub const fn of(outcome: Outcome) -> Answer {
        Answer { value: 0, version: 0, outcome, more: false }
    }

    /// `Done`, with a value.
    pub const fn done(value: i64) -> Answer {
        Answer { value, version: 0, outcome: Outcome::Done, more: false }
    }

    /// `Done`, and the call stays open until either end lets go: a lock, a permit, a place.
    pub const fn grant(value: i64) -> Answer {
        Answer { value, version: 0, outcome: Outcome::Done, more: true }
    }
}

/// Names an operation: `"shop.buy"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId(pub u16);

impl OpId {
    /// A health check: the kernel answers it for every component that is up.
    pub const PROBE: OpId = OpId(u16::MAX);
}

/// The most named numbers a request can carry.
pub const DRAWS: usize = 4;

/// What a user wants; the same through every call made and every retry taken on its behalf.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Numbered from 1 in the order of birth. 0 for work that no user asked for.
    pub root: u64,
    /// When the user wanted it: the intended time, whenever it was sent.
    pub born: Time,
    /// Nobody is interested after this.
    pub deadline: Time,
    /// Whole numbers drawn at birth: product, user …
    pub draws: [u32; DRAWS],
    /// Payload in bytes.
    pub size: u32,
    /// What is asked of the callee.
    pub op: OpId,
    /// Priority class; 0 is the most important.
    pub class: u8,
    /// 0 for the first try, then 1, 2 …
    pub attempt: u8,
}

impl Request {
    /// Work that no user asked for: a heartbeat, a fetch, a sweep.
    pub fn internal(op: OpId, now: Time) -> Request {
        Request {
            root: 0,
            born: now,
            deadline: Time::NEVER,
            draws: [0; DRAWS],
            size: 0,
            op,
            class: 0,
            attempt: 0,
        }
    }
}
