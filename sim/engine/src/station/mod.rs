//! What serves work on one node: a CPU, later a disk or a network card.
//!
//! One mechanism for all disciplines: jobs in service advance together at one rate, so that each
//! needs to know only the amount of *virtual time* (service given to every running job) at which
//! it is done. A change of speed, an arrival or a departure changes the rate, never a job: work
//! already begun is slowed, paused and hurried like any other, at O(log n) per operation.
//!
//! Virtual time is fixed point, 48 bits below the nanosecond, so that nothing drifts however long
//! the run; only rates are ever rounded.

mod ahead;
mod curve;
mod quota;

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

use crate::time::{Span, Time};

pub use ahead::Important;
pub use curve::Curve;
use quota::Budget;
pub use quota::Quota;

/// Bits below the nanosecond in virtual time, and below 1 in rates.
const FRACTION: u32 = 48;

/// The rate of a job alone on a core at speed 1.
const ONE: u64 = 1 << FRACTION;

/// Bits below 1 in the number of busy cores; what is left of 64 is enough for any number of jobs.
const CORE_FRACTION: u32 = 32;

/// The finest difference that counts, about 0.004 ns. Rates such as 1/3 are rounded to the
/// nearest; without some grain a job that ends on a whole nanosecond could end one late, and two
/// that end together could swap. A job has to be in service for a quarter of an hour before the
/// rounding of rates can show.
const GRAIN: u128 = 1 << (FRACTION - 8);

/// How work shares a node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Discipline {
    /// As many cores as there are jobs: work is a plain delay.
    Delay,
    /// Each server takes one job at a time, in order of arrival, and finishes it first: an event
    /// loop (one server), a disk.
    Fifo {
        /// At least 1.
        servers: u32,
    },
    /// All jobs run at once and share the cores equally, at most one core each: an operating
    /// system's scheduler with a small quantum.
    Share {
        /// More than 0; fractions are quotas.
        cores: f64,
        /// How speed depends on the load.
        curve: Curve,
    },
}

/// A job in service: done when virtual time reaches `finish`.
#[derive(Clone)]
struct Running<J> {
    finish: u128,
    sequence: u64,
    job: J,
}

/// The earliest finish is the greatest, for the heap; ties go to who arrived first.
impl<J> Ord for Running<J> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.finish, other.sequence).cmp(&(self.finish, self.sequence))
    }
}
impl<J> PartialOrd for Running<J> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<J> PartialEq for Running<J> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl<J> Eq for Running<J> {}

/// Serves jobs. It knows no event queue: after every change its owner asks [`Station::next`] and
/// sees to it that [`Station::complete`] is called then.
#[derive(Clone)]
pub struct Station<J> {
    running: BinaryHeap<Running<J>>,
    waiting: VecDeque<(Span, J)>,
    /// How many jobs may be in service at once.
    places: usize,
    /// How many of them get a core to themselves.
    cores: f64,
    curve: Curve,
    speed: f64,
    /// Virtual time per nanosecond, in fixed point.
    rate: u64,
    /// Busy cores, in fixed point.
    load: u64,
    virtual_time: u128,
    busy: u128,
    /// Up to when `virtual_time` and `busy` are right.
    seen: Time,
    sequence: u64,
    quota: Option<Box<Budget>>,
}

impl<J: Copy> Station<J> {
    /// An empty station at speed 1. Panics if it has no server, or no core.
    pub fn new(discipline: Discipline) -> Station<J> {
        let (places, cores, curve) = match discipline {
            Discipline::Delay => (usize::MAX, f64::INFINITY, Curve::None),
            Discipline::Fifo { servers } => (servers as usize, f64::from(servers), Curve::None),
            Discipline::Share { cores, curve } => (usize::MAX, cores, curve),
        };
        assert!(places > 0 && cores > 0.0, "a station without servers serves nothing");
        let (running, waiting) = (BinaryHeap::new(), VecDeque::new());
        Station {
            running,
            waiting,
            places,
            cores,
            curve,
            speed: 1.0,
            rate: 0,
            load: 0,
            virtual_time: 0,
            busy: 0,
            seen: Time::ZERO,
            sequence: 0,
            quota: None,
        }
    }

    /// From the start of the run on it may use no more than this. `place` says which of many it
    /// is: their periods do not begin at once.
    pub fn limit(&mut self, quota: Quota, place: u32) {
        let mut budget = Budget::new(quota);
        budget.stagger(place);
        self.quota = Some(Box::new(budget));
    }

    /// `job` wants `work`: CPU time at speed 1, alone. No work at all is done at once.
    pub fn arrive(&mut self, now: Time, work: Span, job: J) {
        self.advance(now);
        if self.running.len() < self.places {
            self.start(work, job);
            self.pace();
        } else {
            self.waiting.push_back((work, job));
        }
    }

    /// When the next job is done if nothing changes, rounded up to a whole nanosecond. `None` if
    /// nothing is in service, or all of it is paused.
    pub fn next(&self) -> Option<Time> {
        let left = self.left(self.running.peek()?);
        let done = match (left, self.rate) {
            (0, _) => Some(self.seen),
            (_, 0) => None,
            (left, rate) => {
                let nanos = match rate {
                    ONE => (left + u128::from(ONE - 1)) >> FRACTION, // spares a long division
                    rate => left.div_ceil(u128::from(rate)),
                };
                Some(self.seen + Span(u64::try_from(nanos).unwrap_or(u64::MAX)))
            }
        };
        let Some(budget) = self.quota.as_ref().filter(|_| self.speed > 0.0) else { return done };
        let look = budget.next(self.seen, self.busy, self.load);
        Some(done.map_or(look, |done| done.min(look)))
    }

    /// Takes one job that is done at `now`, and starts one that waits in its place. To be called
    /// at the time that [`Station::next`] names, until it gives `None`.
    pub fn complete(&mut self, now: Time) -> Option<J> {
        self.advance(now);
        if self.left(self.running.peek()?) > 0 {
            return None;
        }
        let done = self.running.pop()?;
        self.refill();
        Some(done.job)
    }

    /// Changes the speed, of work already begun too: 1 is normal, 0.2 five times slower, 0 a
    /// pause. Panics if it is negative, not a number, or above 32768.
    pub fn set_speed(&mut self, now: Time, speed: f64) {
        assert!((0.0..=32_768.0).contains(&speed), "not a speed: {speed}");
        self.advance(now);
        self.speed = speed;
        self.pace();
    }

    /// Takes out all jobs that are not to be kept, in service or waiting: their owner has given
    /// them up, or is gone. Linear in the number of jobs.
    pub fn retain(&mut self, now: Time, keep: impl Fn(&J) -> bool) {
        self.advance(now);
        self.waiting.retain(|(_, job)| keep(job));
        self.running.retain(|running| keep(&running.job));
        self.refill();
    }

    /// A crash: all jobs are gone. Busy time and speed stay.
    pub fn clear(&mut self, now: Time) {
        self.advance(now);
        self.running.clear();
        self.waiting.clear();
        self.pace();
    }

    /// The integral of busy cores (or servers) from the start to `now`. A slow core is busy, a
    /// paused one is not.
    pub fn busy(&self, now: Time) -> Span {
        let since = u128::from(now.since(self.seen).0);
        Span(((self.busy + u128::from(self.load) * since) >> CORE_FRACTION) as u64)
    }

    /// How long until `now` there was work to do and nothing left of the quota; `None` if there is
    /// no quota.
    pub fn throttled(&self, now: Time) -> Option<Span> {
        let budget = self.quota.as_ref()?;
        let stands = if self.running.is_empty() { 0 } else { budget.stands(self.seen, now) };
        Some(Span(budget.throttled + stands))
    }

    /// Jobs in service.
    pub fn running(&self) -> usize {
        self.running.len()
    }

    /// Jobs that wait for a server.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Cores or servers; infinite for [`Discipline::Delay`].
    pub fn capacity(&self) -> f64 {
        self.cores
    }

    /// The service that `job` still needs before it counts as done.
    fn left(&self, job: &Running<J>) -> u128 {
        job.finish.saturating_sub(self.virtual_time + GRAIN)
    }

    fn advance(&mut self, now: Time) {
        let since = u128::from((now - self.seen).0);
        self.virtual_time += u128::from(self.rate) * since;
        self.busy += u128::from(self.load) * since;
        self.seen = now;
        if self.quota.is_some() {
            self.ration(Span(since as u64));
        }
    }

    /// Looks at what is left of its quota after `since`.
    #[cold]
    fn ration(&mut self, since: Span) {
        let Some(budget) = &mut self.quota else { return };
        if !self.running.is_empty() {
            budget.throttled += budget.stands(Time(self.seen.0 - since.0), self.seen);
        }
        if budget.look(self.seen, self.busy) {
            self.pace();
        }
    }

    fn start(&mut self, work: Span, job: J) {
        let exact = self.virtual_time + (u128::from(work.0) << FRACTION);
        let finish = (exact + GRAIN / 2) / GRAIN * GRAIN;
        self.running.push(Running { finish, sequence: self.sequence, job });
        self.sequence += 1;
    }

    /// Somebody left: who waits may start.
    fn refill(&mut self) {
        while self.running.len() < self.places {
            let Some((work, job)) = self.waiting.pop_front() else { break };
            self.start(work, job);
        }
        self.pace();
    }

    /// Sets rate and load by what runs now.
    fn pace(&mut self) {
        let running = self.running.len() as f64;
        let cores = running.min(self.cores);
        let share = if running > cores { cores / running } else { 1.0 };
        self.rate = fixed(self.speed * share * self.curve.efficiency(cores), FRACTION);
        self.load = if self.speed > 0.0 { fixed(cores, CORE_FRACTION) } else { 0 };
        if self.quota.as_ref().is_some_and(|budget| budget.spent) {
            (self.rate, self.load) = (0, 0);
        }
    }
}

/// To the nearest number in fixed point with so many `bits` below 1.
fn fixed(value: f64, bits: u32) -> u64 {
    (value * (1u64 << bits) as f64 + 0.5) as u64
}

#[cfg(test)]
mod tests;
