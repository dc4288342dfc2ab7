//! Everything that can happen. Closed: the main loop is one `match`.

use crate::call::CallId;
use crate::group::ComponentId;
use crate::station::Important;

/// One event: 16 bytes, `Copy`, and nothing behind a pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A call reaches its callee.
    Arrive(CallId),
    /// An answer reaches the caller, or the forwarder on the way to it.
    Return(CallId),
    /// The caller has waited long enough.
    Expire(CallId),
    /// The news that the caller has left reaches the callee.
    HangUp(ComponentId, CallId),
    /// A timer of a component, or work done on a node that nothing limits.
    Timer {
        /// Which life of the owner set it: a crash begins a new one, and old timers miss.
        epoch: u16,
        /// Whose timer it is.
        owner: ComponentId,
        /// What it means to the owner.
        word: u64,
    },
    /// A station has finished a job, unless its plans have changed since turn `turn`.
    Station {
        /// Which node.
        node: NodeId,
        /// The plan this event belongs to.
        turn: u32,
    },
    /// An action begins, or ends.
    Action(u32),
    /// Gauges are read.
    Sample,
}

/// An event as it lies in the queue: two whole words. An enum is copied field by field, and what
/// was written as small fields and is read as a larger one at once makes the processor wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packed {
    /// The kind in the lowest byte; for a timer its epoch above, then who.
    head: u64,
    /// What, in the event's own terms.
    word: u64,
}

#[repr(u8)]
enum Kind {
    Arrive = 1,
    Return,
    Expire,
    HangUp,
    Timer,
    Station,
    Action,
    Sample,
}

impl From<Event> for Packed {
    #[inline]
    fn from(event: Event) -> Packed {
        let packed = |kind: Kind, who: u32, word: u64| Packed {
            head: kind as u64 | u64::from(who) << 32,
            word,
        };
        match event {
            Event::Arrive(call) => packed(Kind::Arrive, 0, call.bits()),
            Event::Return(call) => packed(Kind::Return, 0, call.bits()),
            Event::Expire(call) => packed(Kind::Expire, 0, call.bits()),
            Event::HangUp(who, call) => packed(Kind::HangUp, who.0, call.bits()),
            Event::Timer { epoch, owner, word } => {
                let Packed { head, word } = packed(Kind::Timer, owner.0, word);
                Packed { head: head | u64::from(epoch) << 8, word }
            }
            Event::Station { node, turn } => packed(Kind::Station, node.0, turn.into()),
            Event::Action(index) => packed(Kind::Action, 0, index.into()),
            Event::Sample => packed(Kind::Sample, 0, 0),
        }
    }
}

impl Packed {
    const TIMEOUT: u8 = Kind::Expire as u8;

    /// Both words, for a fingerprint.
    #[inline]
    pub fn words(self) -> [u64; 2] {
        [self.head, self.word]
    }

    /// The call whose caller has waited long enough, if that is what has happened.
    #[inline]
    pub(crate) fn expired(self) -> Option<CallId> {
        (self.head as u8 == Packed::TIMEOUT).then_some(CallId::from_bits(self.word))
    }

    /// What has happened.
    #[inline]
    pub fn event(self) -> Event {
        let Packed { head, word } = self;
        let (call, who) = (CallId::from_bits(word), (head >> 32) as u32);
        match head as u8 {
            1 => Event::Arrive(call),
            2 => Event::Return(call),
            3 => Event::Expire(call),
            4 => Event::HangUp(ComponentId(who), call),
            5 => Event::Timer { epoch: (head >> 8) as u16, owner: ComponentId(who), word },
            6 => Event::Station { node: NodeId(who), turn: word as u32 },
            7 => Event::Action(word as u32),
            _ => Event::Sample,
        }
    }
}

/// A machine: what components run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// What a station works on: the timer to fire when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    pub(crate) owner: ComponentId,
    pub(crate) epoch: u16,
    pub(crate) importance: u8,
    pub(crate) word: u64,
}

impl Important for Job {
    fn importance(&self) -> u8 {
        self.importance
    }
}

impl Job {
    pub(crate) fn timer(self) -> Event {
        Event::Timer { epoch: self.epoch, owner: self.owner, word: self.word }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_sixteen_bytes_and_come_back_as_they_were() {
        assert_eq!((size_of::<Event>(), size_of::<Packed>()), (16, 16));
        let call = CallId::from_bits(0x00ab_cdef_1234_5678);
        let (who, word) = (ComponentId(u32::MAX), u64::MAX);
        for event in [
            Event::Arrive(call),
            Event::Return(call),
            Event::Expire(call),
            Event::HangUp(who, call),
            Event::Timer { epoch: u16::MAX, owner: who, word },
            Event::Timer { epoch: 0, owner: ComponentId(1), word: 2 },
            Event::Station { node: NodeId(7), turn: u32::MAX },
            Event::Action(9),
            Event::Sample,
        ] {
            assert_eq!(Packed::from(event).event(), event);
        }
        assert_eq!(Packed::from(Event::Expire(call)).expired(), Some(call));
        assert_eq!(Packed::from(Event::Return(call)).expired(), None);
    }
}
