//! Active health checks: what HAProxy calls `inter`, `fall` and `rise`.

use engine::{OpId, Span, Time};

use super::spec::ViewSpec;

/// Counts checks of one member in a row.
#[derive(Clone, Copy, Debug)]
pub struct Health {
    /// Whether it is in rotation.
    pub healthy: bool,
    in_a_row: u32,
}

impl Health {
    /// Believed healthy until checks say otherwise.
    pub const NEW: Health = Health { healthy: true, in_a_row: 0 };

    /// One check's result. `fall` failures in a row take the member out, `rise` successes bring
    /// it back. Returns whether that changed anything.
    pub fn checked(&mut self, passed: bool, fall: u32, rise: u32) -> bool {
        if passed == self.healthy {
            self.in_a_row = 0;
            return false;
        }
        self.in_a_row += 1;
        if self.in_a_row < if self.healthy { fall } else { rise } {
            return false;
        }
        *self = Health { healthy: passed, in_a_row: 0 };
        true
    }
}

/// The checks of all members by one caller.
#[derive(Clone, Debug)]
pub struct Checks {
    /// What is asked.
    pub op: OpId,
    /// The interval in the usual case.
    pub every: Span,
    /// A check without an answer has failed after this.
    pub timeout: Span,
    /// Up to so much is added to each interval.
    pub jitter: Span,
    down: Span,
    /// Of a member that is in, and of one that is out.
    unsure: [Span; 2],
    fall: u32,
    rise: u32,
    health: Vec<Health>,
    /// When the last check of each member began.
    begun: Vec<Time>,
}

impl Checks {
    /// As a scenario writes it; `None` if nobody checks. `op` is what is asked.
    pub fn new(view: &ViewSpec, members: u16, op: OpId) -> Option<Checks> {
        let ViewSpec::Checked {
            every, timeout, fall, rise, jitter, every_down, every_unsure, ..
        } = view
        else {
            return None;
        };
        let down = every_down.unwrap_or(*every).0;
        Some(Checks {
            op,
            every: every.0,
            timeout: timeout.0,
            jitter: jitter.0,
            down,
            unsure: every_unsure.map_or([every.0, down], |unsure| [unsure.0; 2]),
            fall: *fall,
            rise: *rise,
            health: vec![Health::NEW; members as usize],
            begun: vec![Time::ZERO; members as usize],
        })
    }

    /// Whether a member is in rotation.
    pub fn healthy(&self, member: u16) -> bool {
        self.health[member as usize].healthy
    }

    /// A check has come back; whether that changed the member's state.
    pub fn checked(&mut self, member: u16, passed: bool) -> bool {
        self.health[member as usize].checked(passed, self.fall, self.rise)
    }

    /// A check of a member begins.
    pub fn begins(&mut self, member: u16, now: Time) {
        self.begun[member as usize] = now;
    }

    /// When the next check of a member is due, chance aside.
    pub fn due(&self, member: u16) -> Time {
        self.begun[member as usize] + self.interval(member)
    }

    /// How long after the beginning of the last check of a member the next one begins.
    fn interval(&self, member: u16) -> Span {
        match self.health[member as usize] {
            Health { healthy: true, in_a_row: 0 } => self.every,
            Health { healthy: false, in_a_row: 0 } => self.down,
            Health { healthy, .. } => self.unsure[usize::from(!healthy)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::parse;

    #[test]
    fn three_failures_out_two_successes_in() {
        let mut health = Health::NEW;
        let checks = [false, false, true, false, false, false, true, false, true, true];
        let states = checks.map(|passed| {
            health.checked(passed, 3, 2);
            health.healthy
        });
        let t = true;
        assert_eq!(states, [t, t, t, t, t, false, false, false, false, t]);
    }

    /// Every 2 s; every 1 s while it changes its mind; every 5 s when it is out. From one failure
    /// to being out, and back.
    #[test]
    fn intervals_depend_on_the_state() {
        let view =
            r#"Checked(every: "2s", every_unsure: "1s", every_down: "5s", fall: 2, rise: 2)"#;
        let mut checks = Checks::new(&parse(view), 1, OpId::PROBE).unwrap();
        let results = [true, false, false, false, true, true, true];
        let seconds = results.map(|passed| {
            checks.checked(0, passed);
            checks.interval(0).0 / 1_000_000_000
        });
        assert_eq!(seconds, [2, 1, 5, 5, 1, 2, 2]);
    }
}
