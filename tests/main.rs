//! All integration tests, in one binary.

mod cli;
mod determinism;
mod faults;
mod laws;
#[cfg(target_os = "linux")]
mod memory;
mod mutations;
mod shapes;
mod theory;
mod tidy;
