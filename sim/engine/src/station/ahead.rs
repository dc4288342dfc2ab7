//! Work that goes before other work and interrupts it: apart, because the disciplines themselves
//! need to know nothing of it. Those who wait stand in the order of their importance, and whoever
//! came by the plain way is the least important and stands behind.
//!
//! As Linux's `SCHED_FIFO` (sched(7)): who is interrupted stays at the head of its class, and goes
//! on where it was. With one server and Poisson arrivals this is the preemptive-resume queue.

use std::cmp::Reverse;

use super::{FRACTION, ONE, Running, Station};
use crate::time::{Span, Time};

/// Something that can be more important than another.
pub trait Important {
    /// The greatest goes first; 0 is for those who came by [`Station::arrive`].
    fn importance(&self) -> u8;
}

impl<J: Copy + Important> Station<J> {
    /// As [`Station::arrive`], before all that is less important: if no server is free, it takes
    /// that of the least important, and among those of who began last. Costs a look at each server
    /// and the search for a place among those who wait; without a limit of servers nothing.
    pub fn arrive_ahead(&mut self, now: Time, work: Span, job: J) {
        self.advance(now);
        if self.running.len() == self.places {
            let Some(victim) = self.victim(&job) else {
                let ahead = |it: &(Span, J)| it.1.importance() >= job.importance();
                let place = self.waiting.partition_point(ahead);
                return self.waiting.insert(place, (work, job));
            };
            self.interrupt(victim);
        }
        self.start(work, job);
        self.pace();
    }

    /// Who gives way to `job`. Whoever is done at this very moment does not.
    fn victim(&self, job: &J) -> Option<u64> {
        let gives_way = |running: &&Running<J>| {
            running.job.importance() < job.importance() && self.left(running) > 0
        };
        let running = self.running.iter().filter(gives_way);
        let least = running.min_by_key(|it| (it.job.importance(), Reverse(it.sequence)));
        least.map(|running| running.sequence)
    }

    /// Takes a job out of service; it goes on before all others of its importance. What is left of
    /// it is rounded to the nanosecond, which matters only if the speed is not 1.
    fn interrupt(&mut self, victim: u64) {
        let found = self.running.iter().find(|running| running.sequence == victim);
        let Running { finish, job, .. } = found.expect("it is in service").clone();
        self.running.retain(|running| running.sequence != victim);
        let left = finish.saturating_sub(self.virtual_time) + u128::from(ONE / 2);
        let left = Span((left >> FRACTION) as u64);
        let ahead = |it: &(Span, J)| it.1.importance() > job.importance();
        let place = self.waiting.partition_point(ahead);
        self.waiting.insert(place, (left, job));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::Discipline;

    impl Important for (char, u8) {
        fn importance(&self) -> u8 {
            self.1
        }
    }

    fn servers(servers: u32) -> Station<(char, u8)> {
        Station::new(Discipline::Fifo { servers })
    }

    fn drain(mut station: Station<(char, u8)>) -> Vec<(char, u64)> {
        let mut done = Vec::new();
        while let Some(at) = station.next() {
            while let Some(job) = station.complete(at) {
                done.push((job.0, at.0));
            }
        }
        done
    }

    /// a (plain, 100) runs until 10, when b (1, 50) interrupts it; c (2, 20) interrupts b at 30,
    /// and is done at 50. b has 30 left: done at 80. d (1, 5) came at 40, behind b: done at 85.
    /// a has 90 left: done at 175. e, plain, came at 20 and waits behind it: 10 more.
    #[test]
    fn who_is_interrupted_goes_on_where_it_was() {
        let mut station = servers(1);
        station.arrive(Time(0), Span(100), ('a', 0));
        station.arrive_ahead(Time(10), Span(50), ('b', 1));
        station.arrive(Time(20), Span(10), ('e', 0));
        station.arrive_ahead(Time(30), Span(20), ('c', 2));
        station.arrive_ahead(Time(40), Span(5), ('d', 1));
        assert_eq!(station.busy(Time(40)), Span(40), "an interruption costs nothing");
        let done = [('c', 50), ('b', 80), ('d', 85), ('a', 175), ('e', 185)];
        assert_eq!(drain(station), done);
    }

    /// Two servers, with a (plain) and b (1) from 0 on. c (1) at 10 takes the server of a. d (1) at
    /// 20 finds nobody less important. At 30 the machine halves its speed: b and c have 70 and
    /// 80 left, until 170 and 190; d (50) from 170 to 270, a (90 left) from 190 to 370.
    #[test]
    fn the_least_important_of_two_gives_way() {
        let mut station = servers(2);
        station.arrive_ahead(Time(0), Span(100), ('b', 1));
        station.arrive(Time(0), Span(100), ('a', 0));
        station.arrive_ahead(Time(10), Span(100), ('c', 1));
        station.arrive_ahead(Time(20), Span(50), ('d', 1));
        station.set_speed(Time(30), 0.5);
        assert_eq!(drain(station), [('b', 170), ('c', 190), ('d', 270), ('a', 370)]);
    }

    /// a is done at the moment when b comes: there is nothing left to interrupt. c, plain, is as
    /// unimportant as a and began later: it is c that gives way.
    #[test]
    fn who_is_done_is_done() {
        let mut station = servers(1);
        station.arrive(Time(0), Span(10), ('a', 0));
        station.arrive_ahead(Time(10), Span(10), ('b', 9));
        assert_eq!(drain(station), [('a', 10), ('b', 20)]);
        let mut station = servers(2);
        station.arrive(Time(0), Span(20), ('a', 0));
        station.arrive(Time(5), Span(20), ('c', 0));
        station.arrive_ahead(Time(10), Span(20), ('b', 9));
        assert_eq!(drain(station), [('a', 20), ('b', 30), ('c', 35)]);
    }

    /// Where nobody waits, nobody goes ahead.
    #[test]
    fn without_a_limit_all_run() {
        let mut station = Station::new(Discipline::Delay);
        station.arrive(Time(0), Span(20), ('a', 0));
        station.arrive_ahead(Time(5), Span(20), ('b', 9));
        assert_eq!(drain(station), [('a', 20), ('b', 25)]);
    }
}
