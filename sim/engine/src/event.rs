//! Everything that can happen. Closed: the main loop is one `match`.

use crate::call::CallId;
use crate::group::ComponentId;

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

/// A machine: what components run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(pub u32);

/// What a station works on: the timer to fire when it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    pub(crate) owner: ComponentId,
    pub(crate) epoch: u16,
    pub(crate) word: u64,
}

impl Job {
    pub(crate) fn timer(self) -> Event {
        Event::Timer { epoch: self.epoch, owner: self.owner, word: self.word }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_event_is_sixteen_bytes() {
        assert_eq!(size_of::<super::Event>(), 16);
    }
}
