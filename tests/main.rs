//! All integration tests, in one binary.

mod cli;
mod determinism;
mod laws;
mod mutations;
mod shapes;
mod theory;
mod tidy;
