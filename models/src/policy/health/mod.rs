//! Who can be asked: what callers learn from checks of their own, from the ends of their calls and
//! from registries, and how they use it. Each a pure structure, tested alone; [`super::view`] puts
//! them together.

pub mod build;
pub mod checks;
pub mod levels;
pub mod max_fails;
pub mod names;
pub mod outliers;
pub mod registry;
pub mod slow_start;
pub mod source;
pub mod spec;
