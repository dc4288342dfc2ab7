//! Timelines worked out by hand, and one comparison with a naive model.

use std::collections::BTreeMap;

use super::*;

fn share(cores: f64) -> Station<char> {
    Station::new(Discipline::Share { cores, curve: Curve::None })
}

/// Runs until nothing is left (or everything is paused): who was done, and when.
pub(super) fn drain(station: &mut Station<char>) -> Vec<(char, u64)> {
    let mut done = Vec::new();
    while let Some(at) = station.next() {
        while let Some(job) = station.complete(at) {
            done.push((job, at.0));
        }
    }
    done
}

#[test]
fn alone_at_speed_one_work_takes_exactly_as_long_as_it_is() {
    let fifo = Discipline::Fifo { servers: 1 };
    let shared = Discipline::Share { cores: 1.0, curve: Curve::None };
    for discipline in [Discipline::Delay, fifo, shared] {
        for work in [0, 1, 7, 999_999_999, 3_600_000_000_000, u64::MAX / 2] {
            let mut station = Station::new(discipline);
            station.arrive(Time(13), Span(work), 'a');
            assert_eq!(drain(&mut station), [('a', 13 + work)], "{discipline:?}");
            assert_eq!(station.busy(Time(13 + work)), Span(work));
        }
    }
}

/// a has the core to itself until 40 (60 left), then half of it until 80 (40 left; b: 80 left).
/// At half speed both run at a quarter: a needs 160 more. Then b has 40 left, alone at a half.
#[test]
fn two_on_one_core_slowed_in_mid_work() {
    let mut station = share(1.0);
    station.arrive(Time(0), Span(100), 'a');
    station.arrive(Time(40), Span(100), 'b');
    station.set_speed(Time(80), 0.5);
    assert_eq!(drain(&mut station), [('a', 240), ('b', 320)]);
    assert_eq!(station.busy(Time(400)), Span(320), "slow is not idle");
}

/// a has 70 left at the pause. After it both run at a half: b (10) is done at 1050, when a has
/// 60 left.
#[test]
fn a_pause_in_mid_work_loses_nothing_and_holds_back_who_arrives() {
    let mut station = share(1.0);
    station.arrive(Time(0), Span(100), 'a');
    station.set_speed(Time(30), 0.0);
    assert_eq!((station.next(), station.complete(Time(200))), (None, None));
    station.arrive(Time(500), Span(10), 'b');
    assert_eq!((station.next(), station.running()), (None, 2));
    assert_eq!(station.busy(Time(1030)), Span(30), "a paused core does nothing");
    station.set_speed(Time(1030), 1.0);
    assert_eq!(drain(&mut station), [('b', 1050), ('a', 1110)]);
}

/// a and b have a core each until 30 (60 left). Then three share two: 45 more until c (30) is
/// done, when a and b have 30 left and a core each again.
#[test]
fn a_third_job_on_two_cores() {
    let mut station = share(2.0);
    station.arrive(Time(0), Span(90), 'a');
    station.arrive(Time(0), Span(90), 'b');
    station.arrive(Time(30), Span(30), 'c');
    assert_eq!(drain(&mut station), [('c', 75), ('a', 105), ('b', 105)]);
    assert_eq!(station.busy(Time(105)), Span(210), "all the work there was");
}

/// A third of a nanosecond has no end in binary; the sum is whole all the same.
#[test]
fn three_on_one_core_end_on_the_nanosecond_and_in_order() {
    let mut station = share(1.0);
    for job in ['a', 'b', 'c'] {
        station.arrive(Time(0), Span(10), job);
    }
    assert_eq!(drain(&mut station), [('a', 30), ('b', 30), ('c', 30)]);
}

/// At 30 each of three has had 10, less the rounding of a third. d, with 20, ties with them all
/// the same, and comes last: four share the core for the 20 that each has left.
#[test]
fn a_tie_goes_to_who_came_first_whatever_the_rounding() {
    let mut station = share(1.0);
    for job in ['a', 'b', 'c'] {
        station.arrive(Time(0), Span(30), job);
    }
    station.arrive(Time(30), Span(20), 'd');
    assert_eq!(drain(&mut station), [('a', 110), ('b', 110), ('c', 110), ('d', 110)]);
}

#[test]
fn half_a_core_is_a_quota() {
    let mut station = share(0.5);
    station.arrive(Time(0), Span(100), 'a');
    assert_eq!(drain(&mut station), [('a', 200)]);
    assert_eq!(station.busy(Time(200)), Span(100));
}

/// Two servers: b ends first, at 20; c takes its place until 50, when a ends too; d then runs
/// until 60.
#[test]
fn servers_take_one_job_at_a_time_in_order_of_arrival() {
    let mut station = Station::new(Discipline::Fifo { servers: 2 });
    for (job, work) in [('a', 50), ('b', 20), ('c', 30), ('d', 10)] {
        station.arrive(Time(0), Span(work), job);
    }
    assert_eq!((station.running(), station.waiting()), (2, 2));
    assert_eq!(drain(&mut station), [('b', 20), ('a', 50), ('c', 50), ('d', 60)]);
    assert_eq!(station.busy(Time(60)), Span(110));
}

/// Five times slower from 10 on: 10 left take 50. b starts at 60 and needs 100, but the speed is
/// back at 110, half way.
#[test]
fn a_slow_server_is_slow_for_who_runs_and_for_who_waits() {
    let mut station = Station::new(Discipline::Fifo { servers: 1 });
    station.arrive(Time(0), Span(20), 'a');
    station.arrive(Time(0), Span(20), 'b');
    station.set_speed(Time(10), 0.2);
    assert_eq!(station.next(), Some(Time(60)));
    assert_eq!((station.complete(Time(60)), station.complete(Time(60))), (Some('a'), None));
    station.set_speed(Time(110), 1.0);
    assert_eq!(drain(&mut station), [('b', 120)]);
}

#[test]
fn a_delay_knows_no_company_but_is_slowed_too() {
    let mut station = Station::new(Discipline::Delay);
    station.arrive(Time(0), Span(100), 'a');
    station.arrive(Time(50), Span(100), 'b');
    assert_eq!((station.next(), station.running()), (Some(Time(100)), 2));
    station.set_speed(Time(60), 0.5); // 40 left of a, 90 of b
    assert_eq!(drain(&mut station), [('a', 140), ('b', 240)]);
}

/// Speed of a core in company of another: 1 / (1 + 0.1 + 0.01 × 2) = 1 / 1.12. A third job does
/// not make a third core busy: the same speed, shared 2 : 3.
#[test]
fn the_scalability_law_slows_busy_cores() {
    let curve = Curve::Usl { sigma: 0.1, kappa: 0.01 };
    let took = |jobs: usize| {
        let mut station = Station::new(Discipline::Share { cores: 2.0, curve });
        (0..jobs).for_each(|_| station.arrive(Time(0), Span(1000), 'j'));
        drain(&mut station)[0].1
    };
    assert_eq!((took(1), took(2), took(3)), (1000, 1120, 1680));
}

#[test]
fn a_crash_leaves_nothing_but_the_time_spent() {
    let mut station = Station::new(Discipline::Fifo { servers: 1 });
    station.arrive(Time(0), Span(100), 'a');
    station.arrive(Time(0), Span(100), 'b');
    station.clear(Time(30));
    assert_eq!((station.next(), station.running(), station.waiting()), (None, 0, 0));
    station.arrive(Time(50), Span(5), 'c');
    assert_eq!(drain(&mut station), [('c', 55)]);
    assert_eq!(station.busy(Time(99)), Span(35));
}

/// a is given up at 40, when each has had 20: b has 80 left, and the core to itself. With two
/// servers, c and d start in the places of who has gone.
#[test]
fn work_given_up_gives_back_its_share_or_its_server() {
    let mut station = share(1.0);
    station.arrive(Time(0), Span(100), 'a');
    station.arrive(Time(0), Span(100), 'b');
    station.retain(Time(40), |job| *job != 'a');
    assert_eq!(drain(&mut station), [('b', 120)]);

    let mut station = Station::new(Discipline::Fifo { servers: 2 });
    for job in ['a', 'b', 'a', 'c', 'd'] {
        station.arrive(Time(0), Span(100), job);
    }
    station.retain(Time(40), |job| !"ab".contains(*job));
    assert_eq!(drain(&mut station), [('c', 140), ('d', 140)]);
}

/// Behind two jobs that go on and on, ten million short ones take three times their work each.
/// The long ones got as much meanwhile; the 500 ns that each has left take 1000.
#[test]
fn ten_million_jobs_later_nothing_has_drifted() {
    const JOBS: u64 = 10_000_000;
    let mut station = share(1.0);
    station.arrive(Time(0), Span(JOBS * 1000 + 500), 'a');
    station.arrive(Time(0), Span(JOBS * 1000 + 500), 'b');
    let mut now = Time(0);
    for _ in 0..JOBS {
        station.arrive(now, Span(1000), 'c');
        now = station.next().expect("three jobs run");
        assert_eq!(station.complete(now), Some('c'));
    }
    let end = JOBS * 3000;
    assert_eq!(now, Time(end));
    assert_eq!(drain(&mut station), [('a', end + 1000), ('b', end + 1000)]);
    assert_eq!(station.busy(Time(end + 1000)), Span(end + 1000));
}

/// The same by keeping, for every job, what is left of it: slow and obvious.
struct Naive {
    left: BTreeMap<u32, f64>,
    cores: f64,
    speed: f64,
    seen: u64,
}

impl Naive {
    fn rate(&self) -> f64 {
        self.speed * (self.cores / self.left.len() as f64).min(1.0)
    }

    fn advance(&mut self, now: u64) {
        let served = self.rate() * (now - self.seen) as f64;
        self.left.values_mut().for_each(|left| *left -= served);
        self.seen = now;
    }

    /// `job` is said to be done now: nothing is left of it, a nanosecond ago there was, and of no
    /// other is there less.
    fn check(&mut self, job: u32) {
        let near = 0.01;
        let (rate, left) = (self.rate(), self.left[&job]);
        assert!(-rate - near <= left && left <= near, "{left} left of {job}, at {}", self.seen);
        let least = self.left.values().copied().min_by(f64::total_cmp);
        assert!(least.is_some_and(|least| least >= left - near), "{job} overtook another");
        self.left.remove(&job);
    }
}

#[test]
fn a_random_story_agrees_with_the_naive_model() {
    let mut state = 2026u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) % below
    };
    let mut station = Station::new(Discipline::Share { cores: 3.0, curve: Curve::None });
    let mut naive = Naive { left: BTreeMap::new(), cores: 3.0, speed: 1.0, seen: 0 };
    let (mut now, mut done) = (0, 0);
    for step in 0..20_000u32 {
        now += random(120);
        while let Some(at) = station.next().filter(|at| at.0 <= now) {
            naive.advance(at.0);
            naive.check(station.complete(at).expect("it was announced"));
            done += 1;
        }
        naive.advance(now);
        if random(20) == 0 {
            naive.speed = [0.2, 0.5, 1.0, 1.25][random(4) as usize];
            station.set_speed(Time(now), naive.speed);
        } else {
            let work = 1 + random(200);
            naive.left.insert(step, work as f64);
            station.arrive(Time(now), Span(work), step);
        }
    }
    assert!(done > 15_000, "most jobs are done: {done}");
    assert!(naive.left.values().all(|left| *left > 0.0), "nobody is forgotten");
}
