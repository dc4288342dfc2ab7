//! The pipeline from a scenario file to a report.
