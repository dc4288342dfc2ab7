//! What becomes of checks over seeds and variants.

use engine::RunRecord;

use super::{check, quiet};
use crate::check::verdict::{Judged, Verdict, judge};
use crate::sweep::Runs;

/// Seeds from 1 on, each with a count `x`; `None`: it has none.
fn runs(variant: &str, counts: &[Option<u64>]) -> Runs {
    let record = |(place, count): (usize, &Option<u64>)| {
        let counters = count.iter().map(|count| ("x".to_string(), *count)).collect();
        RunRecord { seed: place as u64 + 1, counters, ..quiet(8) }
    };
    let records = counts.iter().enumerate().map(record).collect();
    Runs { variant: variant.into(), records }
}

fn judged(text: &str, counts: &[Option<u64>]) -> Judged {
    judge(&[check(text)], &[runs("", counts)]).remove(0)
}

use Verdict::{Fail, Inconclusive, NoSamples, Pass};

#[test]
fn a_plain_check_holds_in_every_run() {
    let three = [Some(1), Some(2), Some(3)];
    let all = judged("count{x} < 4", &three);
    assert_eq!((all.verdict, all.observed, all.failing), (Pass, Some(2.0), vec![]));
    let one = judged("count{x} < 3", &three);
    assert_eq!((one.verdict, one.failing), (Fail, vec![3]));
    let most = judged("count{x} = 1", &three);
    assert_eq!((most.verdict, most.failing), (Fail, vec![2, 3]));
    // Both ends of a range belong to it.
    assert_eq!(judged("count{x} within 1..3", &three).verdict, Pass);
    assert_eq!(judged("count{x} within 2..3", &three).failing, [1]);
}

#[test]
fn no_samples_are_not_a_pass() {
    let nothing = judged("count{x} < 4", &[None]);
    assert_eq!((nothing.verdict, nothing.observed, nothing.interval), (NoSamples, None, None));
    assert_eq!(judged("count{x} < 4", &[Some(1), None]).verdict, NoSamples);
    assert_eq!(judged("mean count{x} < 4", &[Some(1), None]).verdict, NoSamples);
    // What fails in one seed fails, whatever another knows.
    let failing = judged("count{x} < 4", &[None, Some(5)]);
    assert_eq!((failing.verdict, failing.failing), (Fail, vec![2]));
    assert_eq!(judged("count{x} < 4", &[]).verdict, NoSamples);
}

/// Of 8, 10, 12 the deviation is 2, the error 2/√3 = 1.1547, t(2) = 4.303: 10 ± 4.9687.
#[test]
fn a_mean_passes_fails_or_is_not_known_well_enough() {
    let three = [Some(8), Some(10), Some(12)];
    let known = judged("mean count{x} < 15", &three);
    assert_eq!((known.verdict, known.observed), (Pass, Some(10.0)));
    let (low, high) = known.interval.unwrap();
    assert!((low - 5.0313).abs() < 1e-3 && (high - 14.9687).abs() < 1e-3, "{low} {high}");
    // 12 is above 11, but this is about the mean, of which 11 is not ruled out.
    let unsure = judged("mean count{x} < 11", &three);
    assert_eq!((unsure.verdict, unsure.failing), (Inconclusive, vec![]));
    assert_eq!(judged("mean count{x} < 9", &three).verdict, Inconclusive);
    assert_eq!(judged("mean count{x} < 5", &three).verdict, Fail);
    assert_eq!(judged("mean count{x} > 15", &three).verdict, Fail);
    assert_eq!(judged("mean count{x} = 10", &three).verdict, Inconclusive);
    // Of one seed there is no interval: its number is all there is.
    assert_eq!(judged("mean count{x} < 11", &[Some(10)]).verdict, Pass);
    assert_eq!(judged("mean count{x} < 9", &[Some(10)]).verdict, Fail);
}

#[test]
fn checks_are_of_the_variants_they_name() {
    let both = [runs("old", &[Some(9)]), runs("new", &[Some(3)])];
    let verdicts = |text: &str| -> Vec<(String, Verdict)> {
        judge(&[check(text)], &both).into_iter().map(|it| (it.variant, it.verdict)).collect()
    };
    let (old, new) = ("old".to_string(), "new".to_string());
    assert_eq!(verdicts("count{x} < 4"), [(old.clone(), Fail), (new.clone(), Pass)]);
    assert_eq!(verdicts("count{x} < 4 in new"), [(new.clone(), Pass)]);
    assert_eq!(verdicts("count{x} < 4 in new, old"), [(old, Fail), (new, Pass)]);
}

/// Seed by seed: 3/10, 6/10 and 4/8.
#[test]
fn a_comparison_divides_each_run_by_its_twin() {
    let (new, old) = ([Some(3), Some(6), Some(4)], [Some(10), Some(10), Some(8)]);
    let compared = |text: &str, old: &[Option<u64>]| {
        judge(&[check(text)], &[runs("old", old), runs("new", &new)]).remove(0)
    };
    let one = compared("count{x} in new < 0.55 × old", &old);
    assert_eq!((one.verdict, one.failing), (Fail, vec![2]));
    let observed = one.observed.unwrap();
    assert!((observed - 1.4 / 3.0).abs() < 1e-12, "{observed}");
    assert_eq!(compared("count{x} in new < 0.65 × old", &old).verdict, Pass);
    // Nothing is a multiple of nothing.
    let zero = [Some(10), Some(0), Some(8)];
    assert_eq!(compared("count{x} in new < 0.65 × old", &zero).verdict, NoSamples);
}
