//! Traffic: users who arrive by the clock whatever happens (open), or who wait for an answer and
//! think before they ask again (closed).
//!
//! What belongs to a request is drawn at its birth, from streams of its source: variants of a
//! scenario share their workload draw for draw.

pub mod profile;
pub mod source;
pub mod spec;
#[cfg(test)]
mod tests;

pub use spec::TrafficSpec;
