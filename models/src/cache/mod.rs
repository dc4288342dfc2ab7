//! x
mod fills;
mod index;
mod lru;
mod node;
#[cfg(test)]
mod tests;
pub use node::fill_word;
