//! The text layer of the scenario language: from files to one merged document, and back to the
//! line and column of every value in it.
//!
//! ```text
//! file -> values with places -> includes merged -> --set applied -> variant laid over
//!      -> canonical RON (the effective scenario) -> types, their refusals placed in the source
//! ```
//!
//! It knows nothing of what a scenario means. Whatever bytes it is given, it answers with a
//! document or with a diagnostic.

pub mod diagnostic;
pub mod document;
mod excerpt;
mod includes;
mod lexer;
mod observed;
mod overlay;
mod parser;
mod path;
mod print;
mod set;
mod sugar;
mod typed;
mod value;

#[cfg(test)]
mod tests;

pub use diagnostic::{Diagnostic, Diagnostics, Sources, Spot};
pub use document::Document;

/// How deeply values may be nested.
pub const MAX_DEPTH: usize = 64;
/// How large one file may be, in bytes.
pub const MAX_BYTES: usize = 4 << 20;
/// How many files one scenario may include, each time counted.
pub const MAX_INCLUDES: usize = 64;
