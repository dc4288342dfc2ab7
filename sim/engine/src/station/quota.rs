//! So much CPU time in each period, whatever there is to do: what the limit of a container is.
//!
//! Apart from the station because it is a rule of its own about when a station stands still. As
//! Linux's CFS bandwidth control does it (`cpu.cfs_quota_us`, `cpu.max`): all threads together use
//! up what a period grants as fast as the cores allow, and then nothing runs until the next one
//! begins, in which all is granted anew; what was not used is lost. Not modelled: that cores fetch
//! their part in slices of 5 ms, which lets a period end with some of it unspent, and
//! `cpu.max.burst`.

use crate::time::{Span, Time};

use super::{CORE_FRACTION, fixed};

/// What a station may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quota {
    /// CPU time in each period, in periods of one core: 1.5 is 150 ms in 100. More than 0.
    pub cores: f64,
    /// How long one is. More than 0. Linux's default, which Kubernetes keeps, is 100 ms.
    pub period: Span,
}

/// What is left of a quota. Times of the station's work come as its integral of busy cores.
#[derive(Clone)]
pub(super) struct Budget {
    period: u64,
    grant: u128,
    /// When the next period begins.
    renewal: Time,
    /// The station's busy time when nothing will be left.
    limit: u128,
    /// Nothing is left.
    pub(super) spent: bool,
    /// How long there was work and nothing left, in nanoseconds.
    pub(super) throttled: u64,
}

impl Budget {
    pub(super) fn new(quota: Quota) -> Budget {
        let Quota { cores, period } = quota;
        assert!(cores > 0.0 && !period.is_zero(), "a quota of nothing serves nothing");
        let grant = u128::from(fixed(cores, CORE_FRACTION)) * u128::from(period.0);
        let (renewal, limit) = (Time::ZERO + period, grant);
        Budget { period: period.0, grant, renewal, limit, spent: false, throttled: 0 }
    }

    /// Its periods begin elsewhere than those of its neighbours, as those of containers do that
    /// were started one after the other: by the golden ratio, so that any number of them is spread.
    pub(super) fn stagger(&mut self, place: u32) {
        let part = u128::from(place.wrapping_mul(0x9e37_79b9));
        self.renewal =
            Time::ZERO + Span(self.period - ((u128::from(self.period) * part) >> 32) as u64);
    }

    /// How long of the time between nothing was left: until the next period at the latest, in
    /// which a station that is paused has not looked yet.
    pub(super) fn stands(&self, from: Time, to: Time) -> u64 {
        if self.spent { to.min(self.renewal).since(from).0 } else { 0 }
    }

    /// It is `now`, and the station has been busy for so long. Says whether that makes a
    /// difference to whether it may run.
    pub(super) fn look(&mut self, now: Time, busy: u128) -> bool {
        let before = self.spent;
        if now >= self.renewal {
            let periods = (now - self.renewal).0 / self.period + 1;
            self.renewal = self.renewal + Span(periods * self.period);
            self.limit = busy + self.grant;
            self.spent = false;
        } else {
            self.spent = busy >= self.limit;
        }
        before != self.spent
    }

    /// When a station with work to do that uses `load` cores from `now` on has to look again.
    pub(super) fn next(&self, now: Time, busy: u128, load: u64) -> Time {
        if self.spent || load == 0 {
            return self.renewal;
        }
        let left = self.limit.saturating_sub(busy).div_ceil(u128::from(load));
        let over = now + Span(u64::try_from(left).unwrap_or(u64::MAX));
        over.min(self.renewal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::station::tests::drain;
    use crate::station::{Curve, Discipline, Station};

    /// Four cores, of which one is granted in each period of 100.
    fn station() -> Station<char> {
        let mut station = Station::new(Discipline::Share { cores: 4.0, curve: Curve::None });
        station.limit(Quota { cores: 1.0, period: Span(100) }, 0);
        station
    }

    /// The sheet: n threads use a quota of q cores up after q · 100 / n, and stand still for the
    /// rest of the period. Four of 40 each: at 25 each has 15 left, and goes on at 100.
    #[test]
    fn a_burst_uses_a_period_up_and_waits_for_the_next() {
        let mut station = station();
        for job in ['a', 'b', 'c', 'd'] {
            station.arrive(Time(0), Span(40), job);
        }
        assert_eq!(station.next(), Some(Time(25)));
        assert_eq!(drain(&mut station), [('a', 115), ('b', 115), ('c', 115), ('d', 115)]);
        assert_eq!(station.busy(Time(200)), Span(160));
        assert_eq!(station.throttled(Time(200)), Some(Span(75)));
    }

    /// One thread never uses up a core's time: it runs as if there were no quota.
    #[test]
    fn who_stays_below_it_is_not_held_back() {
        let mut station = station();
        station.arrive(Time(30), Span(250), 'a');
        assert_eq!(drain(&mut station), [('a', 280)]);
        assert_eq!(station.throttled(Time(300)), Some(Span(0)));
    }

    /// Two threads from 60 on use 80 of the first period; what is left of it is lost. In the
    /// second they have 100: until 150, when 120 − 40 − 50 = 30 are left of each.
    #[test]
    fn what_a_period_leaves_is_lost() {
        let mut station = station();
        station.arrive(Time(60), Span(120), 'a');
        station.arrive(Time(60), Span(120), 'b');
        assert_eq!(drain(&mut station), [('a', 230), ('b', 230)]);
    }

    /// The quota is used up at 50, with nothing else to do: who comes at 70 waits until 100, and
    /// only that is time in which there was work and no quota.
    #[test]
    fn who_comes_when_nothing_is_left_waits() {
        let mut station = station();
        station.arrive(Time(0), Span(50), 'a');
        station.arrive(Time(0), Span(50), 'b');
        assert_eq!(drain(&mut station), [('a', 50), ('b', 50)]);
        station.arrive(Time(70), Span(10), 'c');
        assert_eq!(drain(&mut station), [('c', 110)]);
        assert_eq!(station.throttled(Time(120)), Some(Span(30)));
    }

    /// Nothing happens in an idle station: the periods go on all the same. At 1030 there is the
    /// whole grant of the period that began at 1000.
    #[test]
    fn periods_go_on_while_there_is_nothing_to_do() {
        let mut station = station();
        for job in ['a', 'b', 'c', 'd'] {
            station.arrive(Time(1030), Span(30), job);
        }
        assert_eq!(drain(&mut station), [('a', 1105), ('b', 1105), ('c', 1105), ('d', 1105)]);
    }

    /// Cores that are slow are as busy as others; those that stand still are not.
    #[test]
    fn slow_work_uses_a_quota_up_and_a_pause_does_not() {
        let mut station = station();
        station.arrive(Time(0), Span(40), 'a');
        station.arrive(Time(0), Span(40), 'b');
        station.set_speed(Time(0), 0.5);
        // 25 done of each at 50; 15 left take 30 more of the next period.
        assert_eq!(drain(&mut station), [('a', 130), ('b', 130)]);
        // At half speed 5 of c are done at 210, and the rest from 290 on.
        station.arrive(Time(200), Span(60), 'c');
        station.set_speed(Time(210), 0.0);
        assert_eq!(station.next(), None);
        station.set_speed(Time(290), 1.0);
        assert_eq!(drain(&mut station), [('c', 345)]);
    }

    /// Two threads use the quota up at 50, and pause from 70 to 250: in the periods from 100 on
    /// there is a quota, and nobody to use it.
    #[test]
    fn who_is_paused_stands_for_another_reason() {
        let mut station = station();
        station.arrive(Time(0), Span(90), 'a');
        station.arrive(Time(0), Span(90), 'b');
        assert_eq!(station.next(), Some(Time(50)));
        assert_eq!(station.complete(Time(50)), None);
        station.set_speed(Time(70), 0.0);
        assert_eq!(station.throttled(Time(200)), Some(Span(50)));
        station.set_speed(Time(250), 1.0);
        assert_eq!(station.throttled(Time(250)), Some(Span(50)));
        assert_eq!(drain(&mut station), [('a', 290), ('b', 290)]);
        assert_eq!(station.throttled(Time(300)), Some(Span(50)));
    }

    #[test]
    fn neighbours_begin_their_periods_at_other_times() {
        let begins = |place| {
            let mut budget = Budget::new(Quota { cores: 1.0, period: Span(1000) });
            budget.stagger(place);
            budget.renewal.0
        };
        // By the golden ratio: 1000 less the fraction of 0.618 · place.
        assert_eq!([0, 1, 2, 3].map(begins), [1000, 382, 764, 146]);
    }
}
