//! How many writes each master has acknowledged, to count what a failover loses. It outlives the
//! nodes, since the one that knew may never come back; nobody decides anything by it.

use std::cell::Cell;
use std::rc::Rc;

/// What each member has executed as a master, in the numbers that replicas count copies by.
#[derive(Clone, Debug)]
pub(in super::super) struct Written(Rc<[Cell<u32>]>);

impl Written {
    /// Nobody has written anything.
    pub(in super::super) fn new(members: u16) -> Written {
        Written((0..members).map(|_| Cell::new(0)).collect())
    }

    /// A master has executed a write.
    pub(super) fn one_more(&self, master: u16) {
        let cell = &self.0[master as usize];
        cell.set(cell.get().wrapping_add(1));
    }

    /// A replica that has so many `writes` stands in for its master; how many it lacks.
    pub(super) fn taken_over(&self, from: u16, to: u16, writes: u32) -> u64 {
        let written = self.0[from as usize].replace(0);
        self.0[to as usize].set(writes);
        written.saturating_sub(writes).into()
    }

    /// A master has learnt that another stands in for it; what it executed since that was so.
    pub(super) fn too_late(&self, member: u16) -> u64 {
        self.0[member as usize].replace(0).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Member 0 has executed 7 writes, of which its replica 2 has 5: two are lost. Before it knows,
    /// it executes another: lost too. Of the new master's next three its own replica has two.
    #[test]
    fn what_the_replacement_lacks_is_lost() {
        let written = Written::new(3);
        (0..7).for_each(|_| written.one_more(0));
        assert_eq!(written.taken_over(0, 2, 5), 2);
        written.one_more(0);
        assert_eq!((written.too_late(0), written.too_late(0)), (1, 0));
        (0..3).for_each(|_| written.one_more(2));
        assert_eq!(written.taken_over(2, 0, 7), 1);
    }
}
