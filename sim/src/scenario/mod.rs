//! The scenario: its types.

pub mod spec;
