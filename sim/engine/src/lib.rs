//! engine stub
pub mod call;
pub mod histogram;
pub mod record;
pub mod slab;
pub mod time;
pub mod word;
pub use call::*;
pub use histogram::Histogram;
pub use record::*;
pub use slab::{Key, Slab};
pub use time::{Span, Time};
pub use word::{Never, Word};
