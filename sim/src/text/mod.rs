//! The text layer of the scenario language: from files to one merged document, and back to the
//! line and column of every value in it.
//!
//! A file is read into a tree whose values remember where they stand ([`parse`]); includes,
//! variants and `--set` are merges of trees ([`merge`]); the merged tree is printed as the
//! *effective scenario* ([`print`]), and that very text is what `ron` reads into types
//! ([`document`]). What the types refuse is shown where it was written ([`diagnostic`]).

pub mod diagnostic;
pub mod document;
mod merge;
mod parse;
mod print;
mod value;

#[cfg(test)]
mod tests;

pub use diagnostic::{Diagnostic, Diagnostics, Sources, Spot};
pub use document::Document;
