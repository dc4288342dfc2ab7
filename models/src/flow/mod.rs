//! The flow language: what a service does for a request, said as a short list of steps.
//!
//! Steps (`spec`) are compiled before the run (`compile`) into a flat program with an unwinding
//! table (`program`); a request in progress is a frame with a program counter (`machine`).

pub mod compile;
pub mod expr;
pub mod machine;
pub mod program;
pub mod spec;
mod statements;
