//! x
mod locks;
mod server;
#[cfg(test)]
mod tests;
pub use server::lock_word;
