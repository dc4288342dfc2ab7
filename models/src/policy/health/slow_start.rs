//! Slow start: a member that has come into rotation takes its full share only after a while.

use engine::Span;

/// How its share grows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum SlowStart {
    /// Envoy: (t / window) to the power 1 / aggression, and never less than `least`.
    Envoy {
        /// Full after this.
        window: Span,
        /// 1 is a straight line; above it grows fast first.
        aggression: f64,
        /// At least this part.
        least: f64,
    },
    /// HAProxy: in sixteenths, by the whole second.
    Haproxy(Span),
}

impl SlowStart {
    /// Full from here on.
    pub fn window(&self) -> Span {
        match self {
            SlowStart::Envoy { window, .. } | SlowStart::Haproxy(window) => *window,
        }
    }

    /// The part of its share that a member has after `age` in rotation, in [0, 1].
    pub fn factor(&self, age: Span) -> f64 {
        if age >= self.window() {
            return 1.0;
        }
        match *self {
            SlowStart::Envoy { window, aggression, least } => {
                let part = age.max(Span::millis(1)).0 as f64 / window.0 as f64;
                libm::pow(part.min(1.0), 1.0 / aggression).max(least)
            }
            SlowStart::Haproxy(window) => {
                let (age, window) = (age.0 / Span::secs(1).0, (window.0 / Span::secs(1).0).max(1));
                ((16 * age + window) / window).min(16) as f64 / 16.0
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server of weight 100, one minute: effective weights 100 200 500 900 1300 1600 of 1600 at
    /// 0 4 15 30 45 59 s, as HAProxy computes them.
    #[test]
    fn haproxy_counts_sixteenths() {
        let it = SlowStart::Haproxy(Span::secs(60));
        let weights = [0, 4, 15, 30, 45, 59].map(|s| it.factor(Span::secs(s)) * 1600.0);
        assert_eq!(weights, [100.0, 200.0, 500.0, 900.0, 1300.0, 1600.0]);
    }

    /// 15 s of 60: a quarter; with aggression 2 its root, a half. At first the least part.
    #[test]
    fn envoy_raises_time_to_a_power() {
        let window = Span::secs(60);
        let line = SlowStart::Envoy { window, aggression: 1.0, least: 0.1 };
        let root = SlowStart::Envoy { window, aggression: 2.0, least: 0.1 };
        let factors = |it: SlowStart| [0, 15, 30, 60].map(|s| it.factor(Span::secs(s)));
        assert_eq!(factors(line), [0.1, 0.25, 0.5, 1.0]);
        assert_eq!(factors(root)[..2], [0.1, 0.5]);
    }
}
