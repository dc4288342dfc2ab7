//! What the leader of a partition keeps in mind: how far its followers are, and who waits for
//! them. Pure bookkeeping: no time passes here.

use std::collections::VecDeque;

use engine::{CallId, Time};

use super::leadership::State;

/// What the leader is doing about a follower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Copying {
    /// Nothing: it may be asked.
    Idle,
    /// It was asked to copy and has not answered.
    Asked,
    /// It did not answer well: the next tick tries again.
    Failed,
}

/// One follower, as its leader knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Follower {
    pub slot: u16,
    /// The end of its copy, once it has said so.
    pub end: Option<u64>,
    pub copying: Copying,
    /// When it was last known to have everything.
    pub caught_up: Time,
}

/// One term of leadership.
#[derive(Clone, Debug)]
pub(super) struct Lead {
    pub followers: Vec<Follower>,
    /// Records before this offset are on all replicas in sync: consumers may read them.
    pub high: u64,
    /// Who published with `acks: All`, and the high watermark that each waits for.
    pub pending: VecDeque<(u64, CallId)>,
    /// Consumers that wait for records, and from which offset on.
    pub fetches: Vec<(u64, CallId)>,
    /// Leadership is about to move: who publishes now waits for the new leader's name.
    pub moving: bool,
    pub parked: Vec<CallId>,
}

impl Lead {
    /// A term that begins at `now`: it does not know yet how far anybody is.
    pub(super) fn new(own: u16, replication: u16, now: Time) -> Lead {
        let follower = |slot| Follower { slot, end: None, copying: Copying::Idle, caught_up: now };
        let followers = (0..replication).filter(|slot| *slot != own).map(follower).collect();
        let (pending, fetches, parked) = (VecDeque::new(), Vec::new(), Vec::new());
        Lead { followers, high: 0, pending, fetches, moving: false, parked }
    }

    pub(super) fn follower(&mut self, slot: u16) -> &mut Follower {
        let found = self.followers.iter_mut().find(|follower| follower.slot == slot);
        found.expect("every slot but the leader's is a follower")
    }

    /// Raises the high watermark to what all in sync have, the leader up to `end` included;
    /// whether it moved. It never falls: an answer once given stands.
    pub(super) fn advance(&mut self, state: State, end: u64) -> bool {
        let in_sync = self.followers.iter().filter(|follower| state.is_in_sync(follower.slot));
        let least = in_sync.map(|follower| follower.end.unwrap_or(0)).min().unwrap_or(end);
        let before = self.high;
        self.high = before.max(least.min(end));
        self.high > before
    }

    /// The next publisher whose record is on all replicas in sync, and the offset of the record.
    pub(super) fn next_acked(&mut self) -> Option<(u64, CallId)> {
        let &(wanted, call) = self.pending.front().filter(|(wanted, _)| *wanted <= self.high)?;
        self.pending.pop_front();
        Some((wanted - 1, call))
    }

    /// The next consumer for whom there are records now.
    pub(super) fn next_fetched(&mut self) -> Option<CallId> {
        let high = self.high;
        let at = self.fetches.iter().position(|(from, _)| *from < high)?;
        Some(self.fetches.remove(at).1)
    }
}
