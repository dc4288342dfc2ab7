//! Scripts of outlier detection, worked out by hand from Envoy's rules.

use super::*;

use Verdict::{Error, Fine, Gateway};

/// Envoy's defaults, with the success rate left out.
const PLAIN: Rules = Rules {
    consecutive_5xx: 5,
    consecutive_gateway: 0,
    interval: Span::secs(10),
    base: Span::secs(30),
    max: Span::secs(300),
    jitter: Span::ZERO,
    max_percent: 10.0,
    always_one: false,
    success_rate: None,
    failure_percentage: None,
};

fn at(seconds: u64) -> Time {
    Time::ZERO + Span::secs(seconds)
}

fn hear(it: &mut Outliers, member: u16, verdicts: &[Verdict], now: Time) -> Vec<bool> {
    verdicts.iter().map(|verdict| it.heard(member, *verdict, now, &mut || 0.0)).collect()
}

fn ticks(it: &mut Outliers, seconds: std::ops::RangeInclusive<u64>) -> Option<u64> {
    seconds.step_by(10).find(|second| it.tick(at(*second), &mut || 0.0))
}

/// Five errors at 3 s on one of twenty (5 % of 10 %): out, due at 33 s, back at the tick at 40 s.
/// Ejected again before a tick passes: twice 30 s, from 41 s: due at 101 s, back at 110 s.
#[test]
fn an_ejection_ends_at_a_tick_and_the_next_lasts_longer() {
    let mut it = Outliers::new(20, PLAIN);
    assert_eq!(hear(&mut it, 7, &[Error; 5], at(3)), [false, false, false, false, true]);
    assert!(it.is_out(7) && !it.is_out(6));
    assert_eq!(ticks(&mut it, 10..=100), Some(40));
    assert!(!it.is_out(7));
    hear(&mut it, 7, &[Error; 5], at(41));
    assert_eq!(ticks(&mut it, 50..=200), Some(110));
    assert_eq!(it.ejections(), 2);
}

/// Each interval in rotation takes one base time off: after 40 s, ticks at 50 and 60 s find it
/// well, so that the next ejection is a first one again: 61 s + 30 s, back at 100 s.
#[test]
fn good_behaviour_shortens_the_next_ejection() {
    let mut it = Outliers::new(20, PLAIN);
    hear(&mut it, 7, &[Error; 5], at(3));
    assert_eq!(ticks(&mut it, 10..=60), Some(40));
    assert_eq!(ticks(&mut it, 50..=60), None);
    hear(&mut it, 7, &[Error; 5], at(61));
    assert_eq!(ticks(&mut it, 70..=200), Some(100));
}

/// Thirteen ejections, each right after the return: 30, 60, … 300 s, and then 300 s for ever.
/// The factor itself stops at 11: 10 × 30 < 300 + 30, 11 × 30 is not.
#[test]
fn ejections_have_a_longest() {
    let mut it = Outliers::new(20, PLAIN);
    let mut now = 0;
    let mut lengths = Vec::new();
    for _ in 0..13 {
        hear(&mut it, 0, &[Error; 5], at(now));
        let back = ticks(&mut it, now + 10..=now + 1000).unwrap();
        lengths.push(back - now);
        now = back;
    }
    assert_eq!(lengths[..4], [30, 60, 90, 120]);
    assert_eq!(lengths[9..], [300, 300, 300, 300]);
}

/// A success resets both counts, an error that is no gateway error the one of the gateway.
#[test]
fn what_resets_which_count() {
    let mut it = Outliers::new(20, PLAIN);
    assert!(!hear(&mut it, 0, &[Error, Error, Error, Error, Fine, Error], at(1)).contains(&true));
    assert!(!it.is_out(0));
    let rules = Rules { consecutive_5xx: 0, consecutive_gateway: 3, ..PLAIN };
    let mut it = Outliers::new(20, rules);
    let verdicts = [Gateway, Gateway, Error, Gateway, Gateway, Gateway];
    assert_eq!(hear(&mut it, 0, &verdicts, at(1)), [false, false, false, false, false, true]);
}

/// 10 % of nine is nobody, of ten one, of twenty two; unless one is always allowed.
#[test]
fn a_tenth_may_be_out() {
    let ejected = |members, always_one| {
        let mut it = Outliers::new(members, Rules { always_one, ..PLAIN });
        (0..4).filter(|m| hear(&mut it, *m, &[Error; 5], at(1)).contains(&true)).count()
    };
    assert_eq!([9, 10, 19, 20].map(|members| ejected(members, false)), [0, 1, 1, 2]);
    assert_eq!([9, 20].map(|members| ejected(members, true)), [1, 2]);
}

/// A count that fires without an ejection begins anew: member 1 of ten is refused its ejection at
/// the fifth error while member 0 is out, and is ejected at the tenth, when 0 is back.
#[test]
fn a_count_that_fired_begins_anew() {
    let mut it = Outliers::new(10, PLAIN);
    hear(&mut it, 0, &[Error; 5], at(1));
    assert!(!hear(&mut it, 1, &[Error; 9], at(2)).contains(&true));
    ticks(&mut it, 40..=40);
    assert_eq!(hear(&mut it, 1, &[Error], at(41)), [true]);
}

fn rated(rules: Rules, percents: &[u32], volume: u32) -> Vec<u16> {
    let mut it = Outliers::new(percents.len() as u16, rules);
    for (member, percent) in percents.iter().enumerate() {
        for number in 0..volume {
            let fine = number % 100 < *percent;
            it.heard(member as u16, if fine { Fine } else { Error }, at(1), &mut || 0.0);
        }
    }
    it.tick(at(10), &mut || 0.0);
    (0..percents.len() as u16).filter(|member| it.is_out(*member)).collect()
}

/// 50 100 100 100 100: mean 90, deviation 20, limit 90 − 1.9 × 20 = 52: the 50 goes. With 53 it is
/// 90.6 − 1.9 × 18.8 = 54.88: it goes too; the limit moves with it, and only the volume and the
/// number of members keep it in.
#[test]
fn the_success_rate_is_compared_with_the_others() {
    let rate = SuccessRate { hosts: 5, volume: 100, factor: 1.9 };
    let rules = Rules { consecutive_5xx: 0, max_percent: 100.0, success_rate: Some(rate), ..PLAIN };
    assert_eq!(rated(rules, &[50, 100, 100, 100, 100], 100), [0]);
    assert_eq!(rated(rules, &[53, 100, 100, 100, 100], 100), [0]);
    assert!(rated(rules, &[50, 100, 100, 100], 100).is_empty(), "four are too few");
    assert!(rated(rules, &[50, 100, 100, 100, 100], 99).is_empty(), "99 requests are too few");
    // All alike bad: nobody is an outlier.
    assert!(rated(rules, &[50, 50, 50, 50, 50], 100).is_empty());
}

/// 85 % of failures is enough, 84 is not.
#[test]
fn a_fixed_percentage_of_failures() {
    let limit = FailurePercentage { threshold: 85.0, hosts: 5, volume: 50 };
    let rules =
        Rules { consecutive_5xx: 0, max_percent: 100.0, failure_percentage: Some(limit), ..PLAIN };
    assert_eq!(rated(rules, &[15, 16, 15, 100, 100], 100), [0, 2]);
}

/// An active check that passes brings it back at once.
#[test]
fn a_check_that_passes_brings_it_back() {
    let mut it = Outliers::new(20, PLAIN);
    hear(&mut it, 3, &[Error; 5], at(3));
    assert!(it.passed(3) && !it.is_out(3) && !it.passed(3));
}

/// A jitter of up to 20 s, of which half is drawn: 3 + 30 + 10 = 43 s, back at 50 s.
#[test]
fn a_jitter_is_added() {
    let mut it = Outliers::new(20, Rules { jitter: Span::secs(20), ..PLAIN });
    (0..5).for_each(|_| _ = it.heard(0, Error, at(3), &mut || 0.5));
    assert_eq!(ticks(&mut it, 10..=100), Some(50));
}

/// Of ten six have left: of the four that are there one would be 25 %, which is more than 10 %.
/// They are counted again when they are back: one of ten is 10 %.
#[test]
fn who_has_left_does_not_count() {
    let mut it = Outliers::new(10, PLAIN);
    (4..10).for_each(|member| it.is_there(member, false));
    assert!(!hear(&mut it, 0, &[Error; 5], at(1)).contains(&true));
    (4..10).for_each(|member| it.is_there(member, true));
    assert!(hear(&mut it, 0, &[Error; 5], at(2))[4]);
}

/// Who leaves while it is ejected makes room for another at once, is not ejected for answers that
/// come after it has left, and comes back as a new member.
#[test]
fn who_leaves_is_forgotten() {
    let mut it = Outliers::new(20, Rules { max_percent: 6.0, ..PLAIN });
    assert!(hear(&mut it, 3, &[Error; 5], at(1))[4]);
    assert!(!hear(&mut it, 4, &[Error; 5], at(1)).contains(&true), "2 of 20 are 10 %");
    it.is_there(3, false);
    assert!(!it.is_out(3) && !hear(&mut it, 3, &[Error; 5], at(2)).contains(&true));
    assert!(hear(&mut it, 4, &[Error; 5], at(2))[4], "1 of 19 is 5.3 %");
    it.is_there(3, true);
    assert!(!it.is_out(3));
}
