//! How many replicas must answer before a caller does: consistency levels, as Cassandra names them.

use serde::Deserialize;

/// How many replicas of a row must have answered before the caller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Level {
    /// One.
    #[default]
    One,
    /// Two.
    Two,
    /// Three.
    Three,
    /// More than half of them.
    Quorum,
    /// All of them.
    All,
    /// None: a hint is enough. For writes only.
    Any,
    /// So many.
    /// Example: `Replicas(2)`
    Replicas(u16),
}

impl Level {
    /// How many that are, of `replicas`.
    pub fn of(self, replicas: u16) -> u16 {
        match self {
            Level::One | Level::Any => 1,
            Level::Two => 2,
            Level::Three => 3,
            Level::Quorum => replicas / 2 + 1,
            Level::All => replicas,
            Level::Replicas(count) => count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Level;

    #[test]
    fn quorums_are_more_than_half() {
        let quorums = [1, 2, 3, 4, 5, 6, 7].map(|replicas| Level::Quorum.of(replicas));
        assert_eq!(quorums, [1, 2, 2, 3, 3, 4, 4]);
        assert_eq!([Level::One, Level::Two, Level::All].map(|level| level.of(3)), [1, 2, 3]);
        assert_eq!(Level::Replicas(5).of(3), 5);
    }
}
