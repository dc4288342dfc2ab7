//! Decisions: each a small enum with a `match`, in a file of its own, tested alone.

pub mod backoff;
pub mod balance;
mod check;
pub mod connections;
pub mod health;
pub mod partition;
pub mod placement;
pub mod pool;
pub mod retry;
pub mod ring;
pub mod spec;
pub mod view;

#[cfg(test)]
mod played;
#[cfg(test)]
mod played_balance;
#[cfg(test)]
mod played_connections;
#[cfg(test)]
mod played_health;
