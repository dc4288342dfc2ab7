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
    /// are one class.
    /// Example: `PriorityBy("tier")`
    PriorityBy(String),
}

/// Threads and the queue in front of them. `T` is what waits.
#[derive(Clone, Debug)]
pub struct Admission<T> {
    /// `None`: no limit.
    workers: Option<u32>,
    busy: u32,
    bound: usize,
    line: Line<T>,
}

/// Who waits, in order of arrival or by class.
#[derive(Clone, Debug)]
pub enum Line<T> {
    /// The first begins first.
    Fifo(VecDeque<T>),
    /// The last begins first.
    Lifo(VecDeque<T>),
    /// The most important begins first.
    Priority(Box<Classes<T>>),
}

/// What becomes of an arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admitted<T> {
    /// It begins.
    Begins,
    /// It waits.
    Waits,
    /// The queue is full, and there is no place for this one: who came, or somebody less
    /// important who waited until now.
    Shed(T),
}

impl<T: PartialEq> Line<T> {
    /// An empty one; `classes` are for those that go by importance.
    pub fn new(order: &Order, classes: usize) -> Line<T> {
        match order {
            Order::Fifo => Line::Fifo(VecDeque::new()),
            Order::Lifo => Line::Lifo(VecDeque::new()),
            Order::Priority(_) | Order::PriorityBy(_) => {
                Line::Priority(Box::new(Classes::new(classes)))
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Line::Fifo(queue) | Line::Lifo(queue) => queue.len(),
            Line::Priority(classes) => classes.waiting(),
        }
    }
}

impl<T: PartialEq> Admission<T> {
    /// Everyone begins at once.
    pub fn unlimited() -> Admission<T> {
        Admission { workers: None, busy: 0, bound: 0, line: Line::Fifo(VecDeque::new()) }
    }

    /// So many threads, and so many places to wait.
    pub fn threads(workers: u32, bound: usize, line: Line<T>) -> Admission<T> {
        Admission { workers: Some(workers), busy: 0, bound, line }
    }

    /// Somebody arrives; of which class matters only to who has to wait, where that counts.
    #[inline]
    pub fn arrive(&mut self, who: T, class: impl FnOnce() -> usize) -> Admitted<T> {
        match self.workers {
            Some(workers) if self.busy >= workers => match &mut self.line {
                Line::Fifo(queue) | Line::Lifo(queue) => {
                    if queue.len() >= self.bound {
                        return Admitted::Shed(who);
                    }
                    queue.push_back(who);
                    Admitted::Waits
                }
                Line::Priority(classes) => {
                    classes.join(who, class(), self.bound).map_or(Admitted::Waits, Admitted::Shed)
                }
            },
            _ => {
                self.busy += 1;
                Admitted::Begins
            }
        }
    }

    /// Somebody is done; who begins in their place, if anybody waits.
    #[inline]
    pub fn leave(&mut self) -> Option<T> {
        let next = match &mut self.line {
            Line::Fifo(queue) => queue.pop_front(),
            Line::Lifo(queue) => queue.pop_back(),
            Line::Priority(classes) => classes.next(),
        };
        self.busy -= u32::from(next.is_none());
        next
    }

    /// Takes somebody out of the queue; whether they waited there.
    pub fn withdraw(&mut self, who: &T) -> bool {
        match &mut self.line {
            Line::Fifo(queue) | Line::Lifo(queue) => {
                let place = queue.iter().position(|waiting| waiting == who);
                place.and_then(|place| queue.remove(place)).is_some()
            }
            Line::Priority(classes) => classes.withdraw(who),
        }
    }

    /// How many are at work or wait.
    pub fn in_flight(&self) -> u32 {
        self.busy + self.line.len() as u32
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.line.len()
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
            let mut pool = Admission::threads(2, 2, Line::new(&order, 0));
            let arrivals: Vec<Admitted<u32>> =
                (0..5).map(|who| pool.arrive(who, || unreachable!("no classes"))).collect();
            use Admitted::*;
            assert_eq!(arrivals, [Begins, Begins, Waits, Waits, Shed(4)]);
            [pool.leave(), pool.leave(), pool.leave(), pool.leave()]
        };
        assert_eq!(story(Order::Fifo), [Some(2), Some(3), None, None]);
        assert_eq!(story(Order::Lifo), [Some(3), Some(2), None, None]);
    }

    #[test]
    fn who_leaves_the_queue_is_not_served() {
        let mut pool = Admission::threads(1, 5, Line::new(&Order::Fifo, 0));
        for who in 0..4 {
            pool.arrive(who, || 0);
        }
        assert!(pool.withdraw(&2) && !pool.withdraw(&9));
        assert_eq!([pool.leave(), pool.leave(), pool.leave()], [Some(1), Some(3), None]);
        assert_eq!((pool.busy(), pool.waiting()), (0, 0));
    }

    /// One thread, two places, two classes: 0 begins; 1 and 2 (less important) wait; 3 takes the
    /// place of 2 and begins before 1; 4, less important, finds no room.
    #[test]
    fn the_more_important_first() {
        let order = Order::Priority(Vec::new());
        let mut pool = Admission::threads(1, 2, Line::new(&order, 2));
        let arrivals = [1, 1, 1, 0, 1].iter().enumerate();
        let seen: Vec<Admitted<usize>> =
            arrivals.map(|(who, &class)| pool.arrive(who, || class)).collect();
        use Admitted::*;
        assert_eq!(seen, [Begins, Waits, Waits, Shed(2), Shed(4)]);
        assert_eq!((pool.in_flight(), pool.waiting()), (3, 2));
        assert!(pool.withdraw(&1) && !pool.withdraw(&2));
        assert_eq!([pool.leave(), pool.leave()], [Some(3), None]);
    }
}
