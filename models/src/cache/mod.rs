//! A cache: nodes that keep recent values by key, in memory only.
//!
//! Callers ask `get` (done: a hit, with value and version; denied: a miss), `put` and `forget`;
//! which node to ask is theirs to know, from `by`. A node can also fetch and write by itself
//! (`load`, `store`), in flows of its own.

mod behind;
mod build;
mod check;
mod depth;
pub mod eviction;
mod fates;
mod fills;
mod index;
mod kept;
mod loading;
mod moving;
mod node;
mod reading;
mod rules;
mod sizes;
pub mod spec;
mod tags;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_moving;
#[cfg(test)]
mod tests_patterns;
#[cfg(test)]
mod tests_truth;
mod tune;
mod writing;

pub use reading::{fill_word, is_nothing};
pub use spec::CacheSpec;
