//! x
pub mod program;
mod shard;
#[cfg(test)]
mod tests;
