//! The pipeline from a scenario file to a report: text, scenario, topology, world, run, checks.

pub mod text;
