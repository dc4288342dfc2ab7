//! Active health checks: what HAProxy calls `fall` and `rise`.

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
