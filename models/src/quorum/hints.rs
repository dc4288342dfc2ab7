//! What a coordinator keeps for replicas that did not take a write: in order, bounded, on disk
//! after a while.

use std::collections::VecDeque;

use super::cell::Mutation;

/// Hints by the member that they are for.
#[derive(Clone, Default)]
pub struct Hints {
    queues: Vec<Queue>,
    held: u64,
    most: u64,
}

#[derive(Clone, Default)]
struct Queue {
    hints: VecDeque<Mutation>,
    /// So many of them, from the front, are on disk.
    safe: usize,
}

impl Hints {
    /// For so many members, at most so many altogether.
    pub fn new(members: u16, most: u64) -> Hints {
        Hints { queues: vec![Queue::default(); members.into()], held: 0, most }
    }

    /// How many there are.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Whether there is one for `member`.
    pub fn any(&self, member: u16) -> bool {
        !self.queues[usize::from(member)].hints.is_empty()
    }

    /// Keeps one; false if there is no room.
    pub fn keep(&mut self, member: u16, hint: Mutation) -> bool {
        let room = self.held < self.most;
        if room {
            self.held += 1;
            self.queues[usize::from(member)].hints.push_back(hint);
        }
        room
    }

    /// Takes out the oldest for `member`.
    pub fn next(&mut self, member: u16) -> Option<Mutation> {
        let queue = &mut self.queues[usize::from(member)];
        let hint = queue.hints.pop_front()?;
        queue.safe = queue.safe.saturating_sub(1);
        self.held -= 1;
        Some(hint)
    }

    /// Puts one back that was not taken: it is still on disk.
    pub fn back(&mut self, member: u16, hint: Mutation) {
        let queue = &mut self.queues[usize::from(member)];
        queue.hints.push_front(hint);
        queue.safe += 1;
        self.held += 1;
    }

    /// Everything is on disk now.
    pub fn flush(&mut self) {
        self.queues.iter_mut().for_each(|queue| queue.safe = queue.hints.len());
    }

    /// What is not on disk is gone. Gives how many that were.
    pub fn crash(&mut self) -> u64 {
        let mut lost = 0;
        for queue in &mut self.queues {
            lost += (queue.hints.len() - queue.safe) as u64;
            queue.hints.truncate(queue.safe);
        }
        self.held -= lost;
        lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(key: u64) -> Mutation {
        Mutation { key, ..Mutation::default() }
    }

    #[test]
    fn hints_are_bounded_in_order_and_safe_after_a_flush() {
        let mut hints = Hints::new(2, 3);
        assert!(hints.keep(0, hint(1)) && hints.keep(1, hint(2)));
        hints.flush();
        assert!(hints.keep(1, hint(3)) && !hints.keep(0, hint(4)));
        assert_eq!((hints.held(), hints.any(0)), (3, true));
        assert_eq!(hints.next(1), Some(hint(2)));
        hints.back(1, hint(2));
        assert_eq!(hints.crash(), 1, "3 was not on disk");
        assert_eq!((hints.next(1), hints.next(1)), (Some(hint(2)), None));
        assert_eq!((hints.next(0), hints.held(), hints.any(0)), (Some(hint(1)), 0, false));
    }
}
