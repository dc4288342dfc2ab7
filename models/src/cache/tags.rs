//! Tags: forgetting many entries at once without looking for them.
//!
//! A tag remembers when it was last forgotten; an entry with this tag that is older than that is
//! as good as gone. So are tags kept by most frameworks (a version per tag, compared at each hit).

use engine::Time;

use super::index::Index;

/// When each tag was last forgotten.
#[derive(Clone, Default)]
pub(super) struct Tags {
    index: Index,
    times: Vec<Time>,
}

impl Tags {
    /// Everything with this tag that is here now is forgotten.
    pub(super) fn forget(&mut self, tag: u32, now: Time) {
        let tag = u64::from(tag);
        match self.index.get(tag) {
            Some(place) => self.times[place as usize] = now,
            None => {
                self.index.insert(tag, self.times.len() as u32);
                self.times.push(now);
            }
        }
    }

    /// Whether what was born then, with this tag, has been forgotten since.
    #[inline]
    pub(super) fn forgot(&self, tag: u32, born: Time) -> bool {
        if self.times.is_empty() {
            return false;
        }
        self.index.get(u64::from(tag)).is_some_and(|place| born <= self.times[place as usize])
    }
}
