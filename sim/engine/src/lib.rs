//! engine stub
pub mod call;
pub mod histogram;
pub mod ledger;
pub mod record;
pub mod slab;
pub mod station;
pub mod time;
pub mod word;
pub use call::*;
pub use histogram::Histogram;
pub use ledger::{
    FollowerId, Ledger, LogId, Lsn, Row, RowState, Statement, Store, TableId, TableSpec, Verb,
};
pub use record::*;
pub use slab::{Key, Slab};
pub use station::{Curve, Discipline, Station};
pub use time::{Span, Time};
pub use word::{Never, Word};
