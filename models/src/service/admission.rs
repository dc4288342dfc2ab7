//! Admission: who may begin, who waits, who is turned away.
//!
//! Threads are held for the whole request, waiting included, as in a servlet container or a
//! blocking worker pool; an event loop admits everyone, and its CPU is what limits it.

use std::collections::VecDeque;

/// Who waits first, begins first; or the other way round.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub enum Order {
    /// First come, first served.
    #[default]
    Fifo,
    /// Last come, first served: under overload, those who still wait for an answer.
    Lifo,
}

/// Threads and the queue in front of them. `T` is what waits.
#[derive(Clone, Debug)]
pub struct Admission<T> {
    /// `None`: no limit.
    workers: Option<u32>,
    busy: u32,
    queue: VecDeque<T>,
    bound: usize,
    order: Order,
}

/// What becomes of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It begins.
    Begins,
    /// It waits.
    Waits,
    /// The queue is full.
    Shed,
}

impl<T: PartialEq> Admission<T> {
    /// Everyone begins at once.
    pub fn unlimited() -> Admission<T> {
        let (queue, order) = (VecDeque::new(), Order::Fifo);
        Admission { workers: None, busy: 0, queue, bound: 0, order }
    }

    /// So many threads, and so many places to wait.
    pub fn threads(workers: u32, bound: usize, order: Order) -> Admission<T> {
        Admission { workers: Some(workers), busy: 0, queue: VecDeque::new(), bound, order }
    }

    /// Somebody arrives.
    #[inline]
    pub fn arrive(&mut self, who: T) -> Admitted {
        match self.workers {
            Some(workers) if self.busy >= workers => {
                if self.queue.len() >= self.bound {
                    return Admitted::Shed;
                }
                self.queue.push_back(who);
                Admitted::Waits
            }
            _ => {
                self.busy += 1;
                Admitted::Begins
            }
        }
    }

    /// Somebody is done; who begins in their place, if anybody waits.
    #[inline]
    pub fn leave(&mut self) -> Option<T> {
        let next = match self.order {
            Order::Fifo => self.queue.pop_front(),
            Order::Lifo => self.queue.pop_back(),
        };
        self.busy -= u32::from(next.is_none());
        next
    }

    /// Takes somebody out of the queue; whether they waited there.
    pub fn withdraw(&mut self, who: &T) -> bool {
        let place = self.queue.iter().position(|waiting| waiting == who);
        place.and_then(|place| self.queue.remove(place)).is_some()
    }

    /// How many are at work or wait.
    pub fn in_flight(&self) -> u32 {
        self.busy + self.queue.len() as u32
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many are at work.
    pub fn busy(&self) -> u32 {
        self.busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_threads_and_a_queue_of_two() {
        let story = |order| {
            let mut pool = Admission::threads(2, 2, order);
            let arrivals: Vec<Admitted> = (0..5).map(|who| pool.arrive(who)).collect();
            use Admitted::*;
            assert_eq!(arrivals, [Begins, Begins, Waits, Waits, Shed]);
            [pool.leave(), pool.leave(), pool.leave(), pool.leave()]
        };
        assert_eq!(story(Order::Fifo), [Some(2), Some(3), None, None]);
        assert_eq!(story(Order::Lifo), [Some(3), Some(2), None, None]);
    }

    #[test]
    fn who_leaves_the_queue_is_not_served() {
        let mut pool = Admission::threads(1, 5, Order::Fifo);
        for who in 0..4 {
            pool.arrive(who);
        }
        assert!(pool.withdraw(&2) && !pool.withdraw(&9));
        assert_eq!([pool.leave(), pool.leave(), pool.leave()], [Some(1), Some(3), None]);
        assert_eq!((pool.busy(), pool.waiting()), (0, 0));
    }
}
