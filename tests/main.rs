//! All integration tests, in one binary.

mod cli;
mod determinism;
mod shapes;
mod theory;
mod tidy;
