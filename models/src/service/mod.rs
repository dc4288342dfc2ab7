//! A service: replicas that run flows for their callers, by the clock, or for records of a topic.

mod admission;
mod consumer;
mod load;
mod priority;
mod process;
pub mod spec;
mod worker;

pub use spec::ServiceSpec;
