//! Admission: who may begin, who waits, who is turned away.
//!
//! Threads are held for the whole request, waiting included, as in a servlet container or a
//! blocking worker pool; an event loop admits everyone, and its CPU is what limits it.

use std::collections::VecDeque;

use super::priority::Classes;

/// Who of those that wait begins first.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub enum Order {
    /// First come, first served.
    #[default]
    Fifo,
    /// Last come, first served: under overload, those who still wait for an answer.
    Lifo,
    /// The most important operation first, and first come, first served within one. Operations
    /// that are not named come last, as one. Who is at work is not interrupted. If the line is
    /// full, who came last of the least important is shed, be it who waits or who arrives. As
    /// HAProxy's priority classes; what gives way as in Linux's `skbprio`.
    /// Example: `Priority(["checkout", "browse"])`
    Priority(Vec<String>),
    /// The same, by a draw that requests are born with: the smallest first. 63 and all above it
    /// are one class. Requests of jobs, which no user made, have drawn nothing: they are among
    /// those with 0.
    /// Example: `PriorityBy("tier")`
    PriorityBy(String),
}

/// Threads and the queue in front of them. `T` is what waits.
#[derive(Clone, Debug)]
pub struct Admission<T> {
    /// `None`: no limit.
    workers: Option<u32>,
    busy: u32,
    /// Those who wait by the time when they came.
    queue: VecDeque<T>,
    /// How many they may be: none if all go by importance.
    bound: usize,
    /// Who came last begins first.
    lifo: bool,
    /// Those who wait by importance, and how many they may be. Asked only when there is no room
    /// in the queue, or nobody in it, so that nobody else pays for it.
    classes: Option<Box<(Classes<T>, usize)>>,
}

/// What becomes of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted {
    /// It begins.
    Begins,
    /// It waits.
    Waits,
    /// There is no room in order of arrival: see [`Admission::squeeze`].
    Full,
}

impl<T: PartialEq> Admission<T> {
    /// Everyone begins at once.
    pub fn unlimited() -> Admission<T> {
        Admission { workers: None, ..Admission::threads(0, 0, &Order::Fifo, 0) }
    }

    /// So many threads, and so many places to wait; `classes` are for orders by importance.
    pub fn threads(workers: u32, places: usize, order: &Order, classes: usize) -> Admission<T> {
        let (bound, classes) = match order {
            Order::Fifo | Order::Lifo => (places, None),
            Order::Priority(_) | Order::PriorityBy(_) => {
                (0, Some(Box::new((Classes::new(classes), places))))
            }
        };
        let (queue, lifo) = (VecDeque::new(), *order == Order::Lifo);
        Admission { workers: Some(workers), busy: 0, queue, bound, lifo, classes }
    }

    /// Somebody arrives.
    #[inline]
    pub fn arrive(&mut self, who: T) -> Admitted {
        match self.workers {
            Some(workers) if self.busy >= workers => {
                if self.queue.len() >= self.bound {
                    return Admitted::Full;
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

    /// Somebody of a class for whom there is no room in order of arrival: who is shed, if not
    /// everybody may wait.
    pub fn squeeze(&mut self, who: T, class: usize) -> Option<T> {
        match self.classes.as_deref_mut() {
            Some((classes, places)) => classes.join(who, class, *places),
            None => Some(who),
        }
    }

    /// Whether one more would wait, and nobody be shed for it.
    pub fn makes_wait(&self) -> bool {
        let places = self.classes.as_deref().map_or(self.bound, |&(_, places)| places);
        self.workers.is_some_and(|workers| self.busy >= workers) && self.waiting() < places
    }

    /// Somebody is done; who begins in their place, if anybody waits in order of arrival.
    #[inline]
    pub fn leave(&mut self) -> Option<T> {
        let next = if self.lifo { self.queue.pop_back() } else { self.queue.pop_front() };
        self.busy -= u32::from(next.is_none());
        next
    }

    /// Whether those who wait go by importance.
    #[inline]
    pub fn is_by_importance(&self) -> bool {
        self.classes.is_some()
    }

    /// After [`Admission::leave`]: the most important of those who wait, who begins.
    pub fn most_important(&mut self) -> Option<T> {
        let next = self.classes.as_deref_mut()?.0.next();
        self.busy += u32::from(next.is_some());
        next
    }

    /// Takes somebody out of the queue; whether they waited there.
    pub fn withdraw(&mut self, who: &T) -> bool {
        if let Some((classes, _)) = self.classes.as_deref_mut() {
            return classes.withdraw(who);
        }
        let place = self.queue.iter().position(|waiting| waiting == who);
        place.and_then(|place| self.queue.remove(place)).is_some()
    }

    /// How many are at work or wait.
    pub fn in_flight(&self) -> u32 {
        self.busy + self.waiting() as u32
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        match &self.classes {
            Some(classes) => classes.0.waiting(),
            None => self.queue.len(),
        }
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
            let mut pool = Admission::threads(2, 2, &order, 0);
            let arrivals: Vec<Admitted> = (0..5).map(|who| pool.arrive(who)).collect();
            use Admitted::*;
            assert_eq!(arrivals, [Begins, Begins, Waits, Waits, Full]);
            assert_eq!(pool.squeeze(4, 0), Some(4));
            [pool.leave(), pool.leave(), pool.leave(), pool.leave()]
        };
        assert_eq!(story(Order::Fifo), [Some(2), Some(3), None, None]);
        assert_eq!(story(Order::Lifo), [Some(3), Some(2), None, None]);
    }

    #[test]
    fn who_leaves_the_queue_is_not_served() {
        let mut pool = Admission::threads(1, 5, &Order::Fifo, 0);
        for who in 0..4 {
            pool.arrive(who);
        }
        assert!(pool.withdraw(&2) && !pool.withdraw(&9));
        assert_eq!([pool.leave(), pool.leave(), pool.leave()], [Some(1), Some(3), None]);
        assert_eq!((pool.busy(), pool.waiting()), (0, 0));
    }

    /// One thread, two places, two classes: 0 begins; 1 and 2 (less important) wait; 3 takes the
    /// place of 2 and begins before 1; 4, less important, finds no room.
    #[test]
    fn the_more_important_first() {
        let mut pool = Admission::threads(1, 2, &Order::Priority(Vec::new()), 2);
        assert_eq!(pool.arrive(0), Admitted::Begins);
        let shed = [(1, 1), (2, 1), (3, 0), (4, 1)].map(|(who, class)| {
            assert_eq!(pool.arrive(who), Admitted::Full);
            pool.squeeze(who, class)
        });
        assert_eq!(shed, [None, None, Some(2), Some(4)]);
        assert_eq!((pool.in_flight(), pool.waiting()), (3, 2));
        assert!(pool.withdraw(&1) && !pool.withdraw(&2));
        assert_eq!([pool.leave(), pool.most_important()], [None, Some(3)]);
        assert_eq!([pool.leave(), pool.most_important()], [None, None]);
        assert_eq!((pool.busy(), pool.waiting()), (0, 0));
    }
}
