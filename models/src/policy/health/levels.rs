//! Priorities: who is asked while enough of the first level are well, and who when they are not.
//! And the panic threshold: when too few are well, health is not believed.
//!
//! Follows Envoy's documentation of priority levels and panic, whole percents included.

/// How many members of a level there are, and how many of them can be asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Believed well.
    pub available: u32,
    /// All.
    pub total: u32,
}

/// A level whose members are 100 / 140 well takes all the load meant for it.
const OVERPROVISIONING: u32 = 140;

impl Level {
    /// Its health in percent: 100 as long as about 71 % are well.
    fn health(&self) -> u32 {
        (OVERPROVISIONING * self.available).checked_div(self.total).unwrap_or(0).min(100)
    }

    /// Whether so few are well that health is ignored: fewer than `threshold` percent; or, without
    /// a threshold, nobody.
    fn panics(&self, threshold: Option<f64>) -> bool {
        let percent = 100.0 * f64::from(self.available) / f64::from(self.total.max(1));
        self.total > 0 && threshold.map_or(self.available == 0, |least| percent < least)
    }
}

/// The sum of the levels' health, at most 100.
fn whole(levels: &[Level]) -> u32 {
    levels.iter().map(Level::health).sum::<u32>().min(100)
}

/// Which part of the load each level takes, in percent; and whether its health is ignored.
pub fn shares(levels: &[Level], threshold: Option<f64>) -> Vec<(u32, bool)> {
    let whole = whole(levels);
    if whole == 0 {
        return in_total_panic(levels, threshold);
    }
    let mut left = 100;
    let mut shares: Vec<(u32, bool)> = Vec::new();
    for level in levels {
        let share = (level.health() * 100 / whole).min(left);
        left -= share;
        shares.push((share, whole < 100 && level.panics(threshold)));
    }
    // What rounding has left goes to the first level that is well at all.
    if let Some(first) = levels.iter().position(|level| level.health() > 0) {
        shares[first].0 += left;
    }
    shares
}

/// Nobody is well anywhere: by the number of members, if that is allowed.
fn in_total_panic(levels: &[Level], threshold: Option<f64>) -> Vec<(u32, bool)> {
    let panics = |level: &Level| level.panics(threshold);
    let total: u32 = levels.iter().filter(|it| panics(it)).map(|level| level.total).sum();
    let share = |level: &Level| if panics(level) { 100 * level.total / total } else { 0 };
    let mut shares: Vec<_> = levels.iter().map(|it| (share(it), panics(it))).collect();
    let given: u32 = shares.iter().map(|(share, _)| share).sum();
    if let Some(first) = shares.iter_mut().find(|(_, panics)| *panics) {
        first.0 += 100 - given;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(available: &[u32], threshold: f64) -> Vec<(u32, bool)> {
        let level = |available: &u32| Level { available: *available, total: 100 };
        let levels: Vec<Level> = available.iter().map(level).collect();
        shares(&levels, Some(threshold))
    }

    /// 71 % of the first: 140 × 0.71 = 99.4, truncated. 25, 25, 20 %: health 35, 35, 28, of 98
    /// each: 35, 35, 28; the 2 left go to the first.
    #[test]
    fn loads_as_envoys_documentation_has_them() {
        assert_eq!(load(&[72, 100], 50.0), [(100, false), (0, false)]);
        assert_eq!(load(&[71, 100], 50.0), [(99, false), (1, false)]);
        assert_eq!(load(&[50, 100], 50.0), [(70, false), (30, false)]);
        assert_eq!(load(&[0, 100], 50.0), [(0, false), (100, false)]);
        assert_eq!(load(&[25, 25], 50.0), [(50, true), (50, true)]);
        assert_eq!(load(&[25, 25, 20], 50.0), [(37, true), (35, true), (28, true)]);
    }

    /// One level: half of its members is not below half; 49 of 100 is, as 140 × 0.49 < 100. With a
    /// threshold of 0 there is no panic: nobody is asked.
    #[test]
    fn panic_is_below_the_threshold() {
        assert_eq!(load(&[50], 50.0), [(100, false)]);
        assert_eq!(load(&[49], 50.0), [(100, true)]);
        assert_eq!((load(&[0], 50.0), load(&[0], 0.0)), (vec![(100, true)], vec![(0, false)]));
        assert_eq!(load(&[0, 0], 50.0), [(50, true), (50, true)]);
    }

    /// Without a threshold only the last one's loss is panic; a level of nobody takes nothing.
    #[test]
    fn without_a_threshold() {
        let one = |available, total| shares(&[Level { available, total }], None);
        assert_eq!((one(1, 100), one(0, 100)), (vec![(100, false)], vec![(100, true)]));
        assert_eq!(one(0, 0), [(0, false)]);
        let levels = [Level { available: 0, total: 0 }, Level { available: 3, total: 3 }];
        assert_eq!(shares(&levels, None), [(0, false), (100, false)]);
    }
}
