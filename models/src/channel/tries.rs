//! What whoever asks keeps about one question: small, because there may be a million of them.

use engine::{CallId, Key, Request, Span, Time};

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The request, with the operation of the callee.
    pub request: Request,
    /// One word of argument.
    pub arg: i64,
}

/// The tries made for one question: kept by whoever asks.
#[derive(Clone, Copy, Debug)]
pub struct Try {
    /// The call in flight.
    pub call: CallId,
    /// All tries together end here.
    pub deadline: Time,
    /// When the present try was made; kept only where the balance asks for it.
    pub(super) since: Time,
    /// The last pause in microseconds, for the next one to go by.
    pub(super) pause: u32,
    /// Over which of its owner's channels a grant is held.
    pub channel: u16,
    /// What was granted, if the callee tells one from the other by a number.
    pub grant: u16,
    /// The member asked last.
    pub member: u16,
    /// Where it waits for a connection, from 1 on; 0: nowhere.
    pub(super) place: u16,
    /// Tries made.
    pub made: u8,
    /// Redirections followed: no tries of their own.
    pub(super) hops: u8,
    /// It has a connection of a pool.
    pub lent: bool,
    /// How far it is with its connection: see [`super::connect`].
    pub(super) stage: u8,
}

impl Try {
    /// Nothing asked yet.
    pub const NONE: Try = Try {
        call: Key::NONE,
        deadline: Time::NEVER,
        since: Time::ZERO,
        pause: 0,
        channel: 0,
        grant: 0,
        member: 0,
        place: 0,
        made: 0,
        hops: 0,
        lent: false,
        stage: 0,
    };
}

/// What comes after a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// That was the last one: its outcome stands.
    Over,
    /// Ask again after this pause.
    Again(Span),
}
