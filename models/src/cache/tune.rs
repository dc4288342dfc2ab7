//! A cache that adjusts itself: it grows while it misses and has room to, and changes its policy
//! when it hits well and is nearly full.

use engine::Span;

use super::eviction::Evict;

/// When a node looks at itself, and what it may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tune {
    pub every: Span,
    /// It grows below this hit ratio …
    pub grow_below: f64,
    /// … while it fills less than this share of the most it may have …
    pub room: f64,
    /// … by this factor,
    pub times: f64,
    /// up to this.
    pub most: u64,
    /// It changes to this policy if it hits more than 95 % and fills more than 80 % of the most.
    pub then: Option<Evict>,
}

/// What seldom misses and is nearly full has nothing to gain from room.
const WELL: f64 = 0.95;
const FULL: f64 = 0.8;

/// What a look at a node has led to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Turn {
    Stay,
    Grow(u64),
    Change(Evict),
}

impl Tune {
    /// What to do about a node with this hit ratio since the last look (`None`: nobody asked),
    /// this weight, capacity and policy.
    pub(super) fn look(&self, hits: Option<f64>, weight: u64, capacity: u64, evict: Evict) -> Turn {
        let Some(hits) = hits else { return Turn::Stay };
        let pressure = weight as f64 / self.most as f64;
        if hits < self.grow_below && pressure < self.room && capacity < self.most {
            let wanted = (capacity as f64 * self.times).ceil() as u64;
            return Turn::Grow(wanted.clamp(capacity + 1, self.most));
        }
        match self.then {
            Some(then) if then != evict && hits > WELL && pressure > FULL => Turn::Change(then),
            _ => Turn::Stay,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rule of A5: grow when hit ratio < 0.8 and pressure < 0.7; change the policy when hit
    /// ratio > 0.95 and pressure > 0.8.
    #[test]
    fn it_grows_when_it_misses_and_changes_when_it_is_full() {
        let tune = Tune {
            every: Span::secs(10),
            grow_below: 0.8,
            room: 0.7,
            times: 1.5,
            most: 1000,
            then: Some(Evict::Lfu),
        };
        let look = |hits, weight, capacity| tune.look(hits, weight, capacity, Evict::Lru);
        assert_eq!(look(Some(0.5), 400, 400), Turn::Grow(600));
        assert_eq!(look(Some(0.5), 690, 800), Turn::Grow(1000));
        assert_eq!(look(Some(0.5), 710, 800), Turn::Stay);
        assert_eq!(look(Some(0.85), 400, 400), Turn::Stay);
        assert_eq!(look(Some(0.96), 810, 1000), Turn::Change(Evict::Lfu));
        assert_eq!(look(Some(0.96), 790, 1000), Turn::Stay);
        assert_eq!(look(None, 0, 400), Turn::Stay);
        assert_eq!(tune.look(Some(0.96), 810, 1000, Evict::Lfu), Turn::Stay);
    }
}
