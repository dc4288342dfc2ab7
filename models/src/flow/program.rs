//! What steps are compiled into: a flat list of instructions, each with the place to go to when
//! what happens under it does not end `Done`. That place is static, so frames need no stack of
//! handlers.

use std::rc::Rc;

use engine::chance::{Coin, Sampler};
use engine::ledger::LogId;
use engine::{CounterId, OpId, OperationId, Outcome, Span};

use super::expr::{Condition, Expr};
use super::many::{Batch, Which};
use super::pooled::Kept;
use crate::channel::Channel;

/// A place in a program.
pub type Place = u32;

/// No handler: the flow ends.
pub const NOWHERE: Place = u32::MAX;

/// Deeper than this, holds and loops do not nest.
pub const SLOTS: usize = 4;

/// A loop takes no more turns than this: turns without calls take no simulated time, and a run
/// that does not get on cannot be told from one that never will.
pub const MOST_TURNS: i64 = 1_000_000;

/// One instruction.
#[derive(Clone, Debug)]
pub struct Instruction {
    /// What to do.
    pub op: Op,
    /// Where to go on if it does not end `Done`.
    pub rescue: Place,
}

/// What an instruction does.
#[derive(Clone, Debug)]
pub enum Op {
    /// Uses the CPU.
    Work(Sampler),
    /// Uses the CPU ahead of what is less important.
    WorkAhead {
        /// How long.
        work: Sampler,
        /// The greatest goes first.
        importance: u8,
    },
    /// Waits.
    Wait(Sampler),
    /// Asks, and waits for the answer.
    Call(Call),
    /// Asks a certain member, and waits for the answer.
    Part {
        /// What to ask.
        call: Call,
        /// Whom.
        member: u16,
    },
    /// Asks for some of many keys, and waits for the answer.
    Share {
        /// What to ask.
        call: Call,
        /// For which of the keys.
        which: Which,
        /// All of them.
        batch: Rc<Batch>,
    },
    /// Asks a cache; on anything but a hit goes to `miss`.
    Lookup {
        /// What to ask.
        call: Call,
        /// Where to go on without a hit.
        miss: Place,
    },
    /// Tells a cache what was found.
    Fill {
        /// Which channel.
        channel: u16,
        /// `put` or `absent` of the cache.
        op: OpId,
        /// The value goes along; without one that fits, nothing is told.
        value: bool,
    },
    /// Tells every member of a cache.
    TellAll {
        /// What is told.
        call: Call,
    },
    /// Asks for something to hold, in `slot`.
    Acquire {
        /// What to ask.
        call: Call,
        /// Where the grant is kept.
        slot: u8,
        /// How long to wait for it, connection and all.
        wait: Option<Span>,
    },
    /// Asks where the grant of `slot` is held: a part of the transaction that it stands for.
    Inside {
        /// What to ask.
        call: Call,
        /// Where the grant is kept.
        slot: u8,
    },
    /// Lets go of what `slot` holds.
    Release {
        /// Where the grant is kept.
        slot: u8,
        /// Over which channel it was asked for.
        channel: u16,
        /// What was done with it has not ended `Done`.
        unwinds: bool,
    },
    /// Starts child frames and waits for them.
    Fork {
        /// Where each child starts: at a `Start`, to end at an `End`.
        children: Vec<Place>,
        /// How many must end `Done`.
        need: u32,
        /// How many are enough when all have ended, or time is up.
        least: u32,
        /// Counts when that is all there is.
        partial: Option<CounterId>,
        /// How long to wait for them.
        timeout: Option<Span>,
        /// Where the parent goes on.
        join: Place,
    },
    /// Goes through the records of a log: one child frame after the other.
    Each {
        /// Which records.
        source: Source,
        /// Where to go on after the last one.
        done: Place,
        /// Where to go on if there was none.
        none: Place,
    },
    /// Takes the records that `Each` went through off the log.
    TakeOff(Source),
    /// Where a child frame begins.
    Start,
    /// Goes to `otherwise` if the coin does not fall.
    Toss {
        /// How often it falls.
        coin: Coin,
        /// Where to go on if not.
        otherwise: Place,
    },
    /// Goes to `otherwise` if the condition does not hold.
    Test {
        /// What must hold.
        condition: Condition,
        /// Where to go on if not.
        otherwise: Place,
    },
    /// Begins a loop: sets the counter of `slot`.
    Begin {
        /// How often.
        times: Expr,
        /// Which counter.
        slot: u8,
    },
    /// Goes to `done` if the loop of `slot` is over, else counts one.
    Loop {
        /// Which counter.
        slot: u8,
        /// Where to go on.
        done: Place,
    },
    /// Goes on elsewhere.
    Jump(Place),
    /// A handler of `Try`: where to go on, by what went wrong.
    Caught {
        /// If the answer was no.
        denied: Place,
        /// If anything else.
        other: Place,
    },
    /// A handler that has cleaned up: goes on unwinding.
    Rethrow,
    /// Counts one.
    Count(CounterId),
    /// Ends the flow, not `Done`.
    Throw(Outcome),
    /// Answers the caller.
    Reply,
    /// The end of a named flow: its age is recorded.
    Age(OperationId),
    /// The end.
    End,
}

/// A question.
#[derive(Clone, Debug)]
pub struct Call {
    /// Over which channel.
    pub channel: u16,
    /// What is asked.
    pub op: OpId,
    /// The word of argument.
    pub arg: Argument,
    /// The variable for the answer's value.
    pub into: Option<u8>,
    /// Where users' latency is recorded, in journeys.
    pub record: Option<OperationId>,
}

/// A word of argument.
#[derive(Clone, Debug)]
pub enum Argument {
    /// Nothing.
    None,
    /// An expression over draws and variables.
    Value(Expr),
    /// A part of a transaction.
    Inside {
        /// Where its grant is kept.
        slot: u8,
        /// The number that the statements need.
        number: Option<Expr>,
    },
    /// What was found last, for a cache; or this value with the version of what was found.
    Found(Option<Expr>),
    /// A lock: which draw is its key, and its lease.
    Lock {
        /// The place of the draw.
        draw: u8,
        /// When it ends by itself.
        lease: Option<Span>,
    },
}

/// Records of a log that a flow goes through.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Which log.
    pub log: LogId,
    /// As which group positions are kept.
    pub group: u16,
    /// At most so many in one go.
    pub up_to: u32,
    /// Where each record's child frame starts.
    pub child: Place,
}

/// A compiled program, with everything it needs at hand.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// All instructions of all flows of one component.
    pub code: Vec<Instruction>,
    /// Whom it talks to.
    pub channels: Vec<Channel>,
    /// Connections that it keeps open.
    pub(super) pools: Vec<Kept>,
}
