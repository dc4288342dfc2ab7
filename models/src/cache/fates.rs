//! What became of keys that are not there, so that a miss has a cause. It is bookkeeping only:
//! nobody decides anything by it, and it outlives the nodes, since what a crash takes is one cause.

use std::cell::RefCell;
use std::rc::Rc;

use super::index::Index;

/// Why a key is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was never put in.
    Cold,
    /// It had to go for others, or was refused.
    Capacity,
    /// It outlived its time.
    Expired,
    /// It was taken out.
    Forgotten,
    /// Whoever kept it lost everything: a flush or a crash.
    Lost,
    /// Another node keeps it, or did: its place has changed since.
    Moved,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was put in; if it is gone, it had to go.
    Kept,
    Expired,
    Forgotten,
    Lost,
}

/// So many keys are remembered of all nodes that share their fates: at most 128 MiB. Others count
/// as cold.
pub(super) const REMEMBERED: usize = 1 << 22;

/// The fates of the keys of one node, or of all nodes among which each key has its own.
#[derive(Clone)]
pub(super) struct Fates {
    /// The member with this number, and the fate: `member << 2 | fate`.
    of: Rc<RefCell<Index>>,
    member: u16,
    most: usize,
}

impl Fates {
    /// Nothing has happened yet. `most` keys are remembered.
    pub(super) fn new(most: usize) -> Fates {
        Fates { of: Rc::default(), member: 0, most }
    }

    /// The same, as `member` sees and writes them.
    pub(super) fn at(&self, member: u16) -> Fates {
        Fates { member, ..self.clone() }
    }

    /// What has become of `key` here.
    pub(super) fn note(&self, key: u64, fate: Fate) {
        let mut of = self.of.borrow_mut();
        if of.len() < self.most || of.get(key).is_some() {
            of.insert(key, u32::from(self.member) << 2 | fate as u32);
        }
    }

    /// The node has lost `key`, unless another keeps it by now.
    pub(super) fn lose(&self, key: u64) {
        if self.of.borrow().get(key) == Some(u32::from(self.member) << 2 | Fate::Kept as u32) {
            self.note(key, Fate::Lost);
        }
    }

    /// Why `key` is not here. `crashed`: this node has lost entries, and others stood in for it.
    pub(super) fn why(&self, key: u64, crashed: bool) -> Cause {
        let Some(word) = self.of.borrow().get(key) else { return Cause::Cold };
        let is_here = word >> 2 == u32::from(self.member);
        match word & 3 {
            1 => Cause::Expired,
            2 => Cause::Forgotten,
            3 => Cause::Lost,
            _ if is_here => Cause::Capacity,
            _ if crashed => Cause::Lost,
            _ => Cause::Moved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_one_fate_wherever_it_is() {
        let fates = Fates::new(3);
        let (one, two) = (fates.at(1), fates.at(2));
        one.note(7, Fate::Kept);
        assert_eq!((one.why(7, false), one.why(8, false)), (Cause::Capacity, Cause::Cold));
        assert_eq!((two.why(7, false), two.why(7, true)), (Cause::Moved, Cause::Lost));
        two.lose(7);
        assert_eq!(one.why(7, false), Cause::Capacity, "it was not there to be lost");
        one.lose(7);
        assert_eq!((one.why(7, false), two.why(7, false)), (Cause::Lost, Cause::Lost));
        two.note(7, Fate::Kept);
        one.lose(7);
        assert_eq!(two.why(7, false), Cause::Capacity, "another has it by now");
        for (fate, cause) in [(Fate::Expired, Cause::Expired), (Fate::Forgotten, Cause::Forgotten)]
        {
            two.note(u64::MAX, fate);
            assert_eq!(one.why(u64::MAX, true), cause);
        }
    }

    /// Three are remembered; the fourth is not, and the others go on.
    #[test]
    fn memory_has_an_end() {
        let fates = Fates::new(3);
        (0..5).for_each(|key| fates.note(key, Fate::Kept));
        fates.note(2, Fate::Expired);
        let causes = [0, 2, 3, 4].map(|key| fates.why(key, false));
        assert_eq!(causes, [Cause::Capacity, Cause::Expired, Cause::Cold, Cause::Cold]);
    }
}
