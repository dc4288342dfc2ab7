//! A service: replicas that run flows for their callers, by the clock, or for records of a topic.

mod admission;
mod consumer;
mod held;
mod load;
mod memory;
mod priority;
mod process;
pub mod spec;
#[cfg(test)]
mod tests_memory;
mod worker;

pub use spec::ServiceSpec;
