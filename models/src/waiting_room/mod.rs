//! x
mod room;
#[cfg(test)]
mod tests;
