//! The flow language: what a service does for a request, said as a short list of steps.
//!
//! Steps (`spec`) are compiled before the run (`compile`) into a flat program with an unwinding
//! table (`program`); a request in progress is a frame with a program counter (`machine`).

mod blocks;
mod caching;
pub mod compile;
pub mod expr;
mod frame;
pub mod machine;
pub mod many;
mod pooled;
pub mod program;
mod scopes;
pub mod spec;
mod statements;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_pooled;
#[cfg(test)]
mod tests_reconnect;
#[cfg(test)]
mod tests_scatter;
mod transaction;
