//! x
mod broker;
mod control;
mod copying;
mod lead;
mod leadership;
mod murmur2;
#[cfg(test)]
mod tests;

pub use murmur2::partition_of;

/// x
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acks {
    /// x
    None,
    /// x
    Leader,
    /// x
    All,
}

/// A place in a partition, as the argument of `fetch` carries it: which partition, and the first
/// offset that the consumer has not read. 48 bits of offset.
pub fn log_word(partition: u16, offset: u64) -> i64 {
    ((u64::from(partition) << 48) | (offset & ((1 << 48) - 1))) as i64
}

fn from_log_word(word: i64) -> (u16, u64) {
    ((word as u64 >> 48) as u16, word as u64 & ((1 << 48) - 1))
}
