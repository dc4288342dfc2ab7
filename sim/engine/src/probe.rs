//! Who watches the main loop. A probe is a generic argument: `()` costs nothing.

use crate::event::Packed;
use crate::time::Time;

/// Sees every event, just before it is handled, and can end the run.
pub trait Probe {
    /// One event, and when.
    fn saw(&mut self, at: Time, event: Packed);

    /// Whether the run goes on: it can be stopped between two events.
    #[inline]
    fn wants_more(&self) -> bool {
        true
    }
}

impl Probe for () {
    #[inline]
    fn saw(&mut self, _: Time, _: Packed) {}
}

/// Fingerprints a run: the same scenario and seed give the same digest on any machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Digest(u64);

impl Digest {
    /// The fingerprint of everything seen so far.
    pub fn value(&self) -> u64 {
        self.0
    }

    /// Folds a word in: multiplication carries low bits up, the rotation brings high ones down.
    #[inline]
    pub fn fold(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }
}

impl Probe for Digest {
    #[inline]
    fn saw(&mut self, at: Time, event: Packed) {
        let [head, word] = event.words();
        self.fold(at.0 ^ head.rotate_left(40));
        self.fold(word);
    }
}
