//! What had happened by an instant: so that whatever is told per second is of the time that
//! counts, from the end of the warm-up to the end of the traffic, however long a run goes on.

use crate::group::ComponentId;
use crate::time::{Span, Time};
use crate::world::World;

/// What had happened by an instant.
pub(crate) struct Mark {
    /// Calls, by edge of the meter.
    pub asked: Vec<u64>,
    /// By component: calls that arrived, and the integrals of occupied servers and of the CPU.
    pub members: Vec<(u64, Span, Span)>,
}

impl World {
    /// Remembers what has happened by `at`, of which nothing may be left to happen. The first mark
    /// is where what counts begins, the second where it ends; without them it is the whole run.
    pub fn mark(&mut self, at: Time) {
        let mark = self.happened(at);
        self.marks.push(mark);
    }

    /// What has happened by `at`, which is not before the last event.
    pub(crate) fn happened(&self, at: Time) -> Mark {
        let member = |index: usize| {
            let (occupied, computed) = self.kernel.busy_by(ComponentId(index as u32), at);
            (self.kernel.seats[index].arrived, occupied, computed)
        };
        let members = (0..self.kernel.seats.len()).map(member).collect();
        Mark { asked: self.kernel.meter.all_asked(), members }
    }
}
