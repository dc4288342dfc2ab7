//! All integration tests, in one binary.

mod cli;
mod determinism;
mod laws;
mod shapes;
mod theory;
mod tidy;
