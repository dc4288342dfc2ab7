//! The pipeline from a scenario file to a report: Scenario → Topology → World → Run → Report,
//! each arrow one function in one file.

pub mod text;

pub mod scenario;

mod caches;
pub mod findings;
pub mod graph;
pub mod idle;
pub mod selector;
pub mod targets;
pub mod topology;

pub mod assemble;
pub mod run;
pub mod sweep;

pub mod check;

pub mod catalogue;
pub mod prepare;
pub mod report;
