//! Many runs: variants × seeds on rayon, each run on one thread; the records come back in order,
//! whatever the threads did.

use std::cell::RefCell;

use engine::RunRecord;
use models::wiring::Problem;
use rayon::prelude::*;

use crate::run::{Watch, run};
use crate::topology::Topology;

/// All runs of one variant; the name is empty for a scenario without variants.
#[derive(Clone, Debug)]
pub struct Runs {
    /// The variant.
    pub variant: String,
    /// One record per seed, in the order of seeds.
    pub records: Vec<RunRecord>,
}

/// Which run it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Playing {
    /// The variant; empty for a scenario without variants.
    pub variant: String,
    /// The seed.
    pub seed: u64,
}

thread_local! {
    static PLAYING: RefCell<Option<Playing>> = const { RefCell::new(None) };
}

/// The run that this thread is in the middle of: for those who tell of a bug.
pub fn playing() -> Option<Playing> {
    PLAYING.with_borrow(Clone::clone)
}

/// How many threads play so many runs, if so many are wanted: those without a run would only wait.
pub fn threads(wanted: usize, runs: usize) -> usize {
    wanted.min(runs).max(1)
}

/// Plays every variant with every seed, `jobs` runs at a time.
///
/// The error is a mistake in the scenario that nobody found before.
pub fn sweep(
    variants: &[(String, Topology)],
    seeds: &[u64],
    missing: &[(String, String)],
    jobs: usize,
    watch: &Watch<'_>,
) -> Result<Vec<Runs>, Vec<Problem>> {
    let cases: Vec<(&(String, Topology), u64)> = variants
        .iter()
        .flat_map(|variant| seeds.iter().map(move |seed| (variant, *seed)))
        .collect();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads(jobs, cases.len())).build();
    let play = |((variant, topology), seed): &(&(String, Topology), u64)| {
        PLAYING.set(Some(Playing { variant: variant.clone(), seed: *seed }));
        let record = run(topology, *seed, missing, watch);
        PLAYING.set(None);
        record
    };
    let records: Result<Vec<RunRecord>, _> = match pool {
        Ok(pool) => pool.install(|| cases.par_iter().map(play).collect()),
        // No threads to be had: one after the other is as good.
        Err(_) => cases.iter().map(play).collect(),
    };
    let mut records = records?.into_iter();
    let runs = variants.iter().map(|(variant, _)| Runs {
        variant: variant.clone(),
        records: records.by_ref().take(seeds.len()).collect(),
    });
    Ok(runs.collect())
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_thread_is_without_a_run() {
        let cases = [((100_000, 1), 1), ((2, 16), 2), ((16, 16), 16), ((0, 3), 1), ((3, 0), 1)];
        for ((wanted, runs), expected) in cases {
            assert_eq!(super::threads(wanted, runs), expected, "{wanted} for {runs}");
        }
    }
}
