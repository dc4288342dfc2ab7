//! The queue against a sorted list, by pop order: a hold model (pop one, push one) on delays that
//! break such structures: heavy ties, constants, sizes far apart, zeros, all of them mixed.

use std::collections::BTreeMap;

use super::EventQueue;
use crate::chance::Stream;
use crate::time::{Span, Time};

#[derive(Clone, Copy, Debug)]
enum Shape {
    Exponential,
    Ties,
    Constant,
    Bimodal,
    Zeros,
    Mixed,
}

/// A delay, and whether it is a fixed span of which there are few.
fn delay(shape: Shape, stream: &mut Stream) -> (Span, bool) {
    match shape {
        Shape::Exponential => (Span::from_f64(1e6 * stream.exponential()), false),
        Shape::Ties => (Span(u64::from(stream.below(4))), false),
        Shape::Constant => (Span(1000), true),
        Shape::Bimodal => {
            (Span([5, 1_000_000_000][stream.below(2) as usize] + u64::from(stream.below(3))), false)
        }
        Shape::Zeros => (Span([0, 0, 700][stream.below(3) as usize]), true),
        Shape::Mixed => {
            let shapes =
                [Shape::Exponential, Shape::Ties, Shape::Constant, Shape::Bimodal, Shape::Zeros];
            delay(shapes[stream.below(5) as usize], stream)
        }
    }
}

const SHAPES: [Shape; 6] =
    [Shape::Exponential, Shape::Ties, Shape::Constant, Shape::Bimodal, Shape::Zeros, Shape::Mixed];

/// The queue under test beside the sorted list that it must agree with.
#[derive(Default)]
struct Pair {
    queue: EventQueue<u64>,
    list: BTreeMap<(u64, u64), u64>,
    count: u64,
    now: u64,
}

impl Pair {
    fn push(&mut self, (span, fixed): (Span, bool)) {
        let (now, id) = (Time(self.now), self.count);
        if fixed {
            self.queue.after(now, span, id);
        } else {
            self.queue.at(now + span, id);
        }
        self.list.insert((self.now + span.0, id), id);
        self.count += 1;
    }

    fn pop(&mut self) {
        let (at, got) = self.queue.pop(Time::NEVER, |_| true).expect("as many as in the list");
        let ((time, _), id) = self.list.pop_first().expect("as many as in the queue");
        assert_eq!((at.0, got), (time, id));
        self.now = time;
    }
}

/// Fills up to `pending`, holds there for `steps`, empties.
fn agrees(shape: Shape, pending: u64, steps: u64) {
    let mut stream = Stream::named(pending, "queue", "test");
    let mut pair = Pair::default();
    (0..pending).for_each(|_| pair.push(delay(shape, &mut stream)));
    for _ in 0..steps {
        pair.pop();
        pair.push(delay(shape, &mut stream));
    }
    assert_eq!(pair.queue.len(), pair.list.len());
    (0..pending).for_each(|_| pair.pop());
    assert!(pair.queue.is_empty() && pair.queue.pop(Time::NEVER, |_| true).is_none());
}

#[test]
fn pops_as_a_sorted_list_would() {
    SHAPES.into_iter().for_each(|shape| agrees(shape, 10, 10_000));
    SHAPES.into_iter().for_each(|shape| agrees(shape, 1_000, 100_000));
    SHAPES.into_iter().for_each(|shape| agrees(shape, 100_000, 200_000));
}

/// A million pending: minutes in a debug build, so only where asked for.
#[test]
fn pops_as_a_sorted_list_would_with_a_million_pending() {
    if std::env::var_os("SIM_LONG_TESTS").is_some() {
        SHAPES.into_iter().for_each(|shape| agrees(shape, 1_000_000, 1_000_000));
    }
}

/// Crossing the threshold of the wheel again and again, up and down.
#[test]
fn grows_and_shrinks_across_the_wheel() {
    let mut stream = Stream::named(1, "waves", "test");
    let mut pair = Pair::default();
    for wave in 1..=12 {
        let shape = SHAPES[wave % SHAPES.len()];
        (0..wave * 2_000).for_each(|_| pair.push(delay(shape, &mut stream)));
        (0..wave * 1_900).for_each(|_| pair.pop());
    }
    while !pair.list.is_empty() {
        pair.pop();
    }
}

#[test]
fn what_is_due_later_stays() {
    let mut queue = EventQueue::default();
    queue.at(Time(10), "ten");
    queue.after(Time(0), Span(20), "twenty");
    assert_eq!(queue.pop(Time(9), |_| true), None);
    assert_eq!(queue.pop(Time(10), |_| true), Some((Time(10), "ten")));
    assert_eq!(queue.pop(Time(19), |_| true), None);
    assert_eq!(queue.pop(Time(20), |_| true), Some((Time(20), "twenty")));
}

#[test]
fn dead_events_are_dropped_at_the_front() {
    let mut queue = EventQueue::default();
    (0..10u64).for_each(|i| queue.at(Time(i), i));
    let odd = |event: &u64| event % 2 == 1;
    let left: Vec<u64> = std::iter::from_fn(|| queue.pop(Time::NEVER, odd)).map(|p| p.1).collect();
    assert_eq!((left, queue.len()), (vec![1, 3, 5, 7, 9], 0));
}

#[test]
fn a_shuffled_queue_keeps_time_and_shuffles_ties() {
    let order = |seed| -> Vec<(Time, u64)> {
        let mut queue = EventQueue::shuffled(seed);
        (0..100).for_each(|i| queue.after(Time(0), Span(i % 2), i));
        std::iter::from_fn(|| queue.pop(Time::NEVER, |_| true)).collect()
    };
    assert!(order(1).is_sorted_by_key(|(at, _)| *at));
    assert_ne!(order(1), order(2));
    assert_eq!(order(1), order(1));
}
