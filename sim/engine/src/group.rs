//! Groups: anything plural (replicas, cache nodes, shards, brokers), and the history of each.
//!
//! The kernel writes one append-only history per group. What a caller believes about a group is a
//! cursor into that history as of some time; the truth and every stale view read the same list.

use crate::time::Time;

/// Names one component: one member of one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ComponentId(pub u32);

/// Names a group: one entry under `components:` or `traffic:` of the scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupId(pub u16);

/// What state a member of a group is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberState {
    /// Created, and not yet taking calls.
    Starting,
    /// Taking calls.
    Ready,
    /// Finishing what it holds; takes no new calls.
    Draining,
    /// Crashed, and may come back.
    Down,
    /// Not part of the group: removed, or not yet added.
    Gone,
}

/// One line of a group's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it happened.
    pub at: Time,
    /// To which member.
    pub member: u16,
    /// What the member became.
    pub state: MemberState,
}

/// A group as the kernel keeps it.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name in the scenario.
    pub name: String,
    /// Its kind in the scenario.
    pub kind: String,
    /// Its members are `first`, `first + 1` … in order.
    pub first: ComponentId,
    /// How many members there are at most.
    pub size: u16,
    /// Everything that ever happened to its members, oldest first. At the start all are `Ready`
    /// unless a line at time zero says otherwise.
    pub history: Vec<Change>,
    /// The group that its members are inside of: caches in replicas, sidecars.
    pub host: Option<GroupId>,
}

impl Group {
    /// The component behind member `member`.
    pub fn member(&self, member: u16) -> ComponentId {
        debug_assert!(member < self.size);
        ComponentId(self.first.0 + member as u32)
    }

    /// All members, in order.
    pub fn members(&self) -> impl Iterator<Item = ComponentId> + use<> {
        (self.first.0..self.first.0 + self.size as u32).map(ComponentId)
    }
}

/// What somebody believes about a group: the history up to a moment.
#[derive(Clone, Debug)]
pub struct Belief {
    states: Vec<MemberState>,
    read: u32,
}

impl Belief {
    /// Everyone is ready, until the history says otherwise.
    pub fn new(size: u16) -> Belief {
        Belief { states: vec![MemberState::Ready; size as usize], read: 0 }
    }

    /// Reads on in `history` up to what had happened by `as_of`; whether anything was new.
    #[inline]
    pub fn catch_up(&mut self, history: &[Change], as_of: Time) -> bool {
        let before = self.read;
        while let Some(change) = history.get(self.read as usize)
            && change.at <= as_of
        {
            self.states[change.member as usize] = change.state;
            self.read += 1;
        }
        self.read != before
    }

    /// What it believes about member `member`.
    pub fn state(&self, member: u16) -> MemberState {
        self.states[member as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_belief_is_the_history_as_of_a_time() {
        let line = |secs: u64, member, state| Change { at: Time(secs), member, state };
        let history = [line(10, 1, MemberState::Down), line(20, 1, MemberState::Ready)];
        let mut belief = Belief::new(2);
        assert!(!belief.catch_up(&history, Time(9)));
        assert!(belief.catch_up(&history, Time(10)));
        assert_eq!(belief.state(1), MemberState::Down);
        assert!(belief.catch_up(&history, Time(99)));
        assert_eq!((belief.state(0), belief.state(1)), (MemberState::Ready, MemberState::Ready));
    }
}
