//! The discrete-event kernel of `sim`.
//!
//! Time passes from event to event ([`World::run`]); what can happen is one closed enum
//! ([`Event`]), what it happens to is an open set ([`Component`]). The kernel owns everything
//! that must be true whatever a component does: the clock and the queue, the calls with their two
//! ends, the nodes that do the work, the values in the [`ledger`], the levers that faults pull,
//! the streams of chance, and the books. It knows no model, no scenario file and no report.
//!
//! In reading order: what is asked and answered, the loop and what it drives, what models see,
//! what it stands on, what leaves a run.

pub mod call;
pub mod event;
pub mod world;

mod calls;
mod finish;
mod kernel;
mod mark;
mod series;
mod strike;

pub mod action;
pub mod build;
pub mod component;
pub mod cx;
pub mod group;
pub mod ledger;
mod meter;
pub mod network;
pub mod probe;
pub mod station;

pub mod chance;
pub mod histogram;
pub mod queue;
pub mod slab;
pub mod time;
pub mod window;
pub mod word;

pub mod record;

pub use action::{Action, Deed, Rhythm, Target};
pub use build::{Builder, Frame};
pub use call::{Answer, CallId, DRAWS, OpId, Outcome, Request};
pub use calls::Ask;
pub use component::{Component, Gauges};
pub use cx::Cx;
pub use event::{Event, NodeId, Packed};
pub use group::{Belief, Change, ComponentId, Group, GroupId, MemberState};
pub use histogram::Histogram;
pub use kernel::{Hears, LinkId, Port};
pub use meter::{CounterId, OperationId};
pub use network::{Delays, Trouble, ZoneId};
pub use probe::{Digest, Probe};
pub use record::RunRecord;
pub use slab::{Key, Slab};
pub use station::{Discipline, Quota};
pub use time::{Span, Time};
pub use window::Sparse;
pub use word::{Never, Word};
pub use world::World;
