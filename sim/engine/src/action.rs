//! What changes a run from outside: actions, what they pull at, and how overlapping ones compose.
//!
//! No component mentions a fault. An action pulls a lever of the kernel (up, pause, speed, errors,
//! links) or of a component; it holds it for a while, and when it ends it removes its own effect
//! and no other: speeds multiply, delays add, error rates combine as 1 − ∏(1 − p), down dominates.

use crate::chance::Sampler;
use crate::group::ComponentId;
use crate::network::Trouble;
use crate::time::{Span, Time};

/// Something done to the world at a time.
#[derive(Clone, Debug)]
pub struct Action {
    /// As in the scenario, for the report: `"Crash(shop/3)"`.
    pub name: String,
    /// When it begins.
    pub at: Time,
    /// How long it lasts; `None` for good.
    pub lasts: Option<Span>,
    /// To whom.
    pub target: Target,
    /// What.
    pub deed: Deed,
}

/// What an action leaves to chance: a process of faults, as by mean times between failures and to
/// repair.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rhythm {
    /// It begins so long after its time, and again so long after each end, as long as users come.
    pub every: Option<Sampler>,
    /// How long it lasts, each time.
    pub lasts: Option<Sampler>,
}

/// Whom an action touches. Resolved when it begins.
#[derive(Clone, Debug)]
pub enum Target {
    /// Members: all of `pool`, or `pick` of them drawn from the stream of actions.
    Members {
        /// Whom the selector can mean, sorted.
        pool: Vec<ComponentId>,
        /// `any N of`.
        pick: Option<u16>,
    },
    /// Whoever of `pool` leads a part of what the group keeps when the action begins; nobody, if
    /// nobody does.
    Leader {
        /// All members of a group.
        pool: Vec<ComponentId>,
        /// A partition.
        part: u16,
    },
    /// All links from one set to another.
    Links {
        /// Where messages come from, sorted.
        from: Vec<ComponentId>,
        /// Where they go, sorted.
        to: Vec<ComponentId>,
        /// Also the other way.
        both: bool,
    },
}

/// What an action does.
#[derive(Clone, Debug, PartialEq)]
pub enum Deed {
    /// The process ends: memory, timers and tickets are gone. Calls it held are reset, arriving
    /// ones refused; `silent` is the loss of the whole machine, where nobody hears anything.
    /// When the action ends, it starts again.
    Crash {
        /// No resets, no refusals.
        silent: bool,
    },
    /// Nothing happens on the node; everything is delivered late, in order.
    Pause,
    /// The node's CPU runs at this many times its speed, work already begun included.
    Speed(f64),
    /// This fraction of arriving calls fails at once.
    Errors(f64),
    /// Trouble on links.
    Link(Trouble),
    /// The member joins its group, fresh (`true`), or leaves it: takes no new calls and finishes
    /// what it holds. Lasts until another such action.
    Present(bool),
    /// The member is on its way out of its group: everybody may know, and it still takes calls.
    /// When the action ends, it leaves.
    Drain,
    /// A lever of the component's own: its word, and what to set it to. Set once, when it begins.
    Lever {
        /// Which lever, as the component packs it.
        word: u64,
        /// To what.
        to: f64,
    },
}

/// A kernel lever that several actions may hold at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lever {
    /// Held by a crash: the component is down.
    Down,
    /// Held by a pause: the node stands still.
    Paused,
    /// The node's speed.
    Speed,
    /// The component's error rate.
    Errors,
    /// Held by a drain: the component will leave its group.
    Leaving,
}

#[derive(Clone, Copy, Debug)]
struct Hold {
    action: u32,
    lever: Lever,
    target: u32,
    value: f64,
}

/// Which action holds which lever of whom: few entries, only while actions last.
#[derive(Clone, Debug, Default)]
pub struct Levers {
    holds: Vec<Hold>,
}

impl Levers {
    /// `action` takes hold of a lever.
    pub fn hold(&mut self, action: u32, lever: Lever, target: u32, value: f64) {
        self.holds.push(Hold { action, lever, target, value });
    }

    /// `action` lets go of everything it held; what that was.
    pub fn release(&mut self, action: u32) -> Vec<(Lever, u32)> {
        let of = |hold: &&Hold| hold.action == action;
        let released = self.holds.iter().filter(of).map(|h| (h.lever, h.target)).collect();
        self.holds.retain(|hold| hold.action != action);
        released
    }

    /// Whether `action` holds anything.
    pub fn holds(&self, action: u32) -> bool {
        self.holds.iter().any(|hold| hold.action == action)
    }

    fn values(&self, lever: Lever, target: u32) -> impl Iterator<Item = f64> {
        let mine = move |hold: &&Hold| hold.lever == lever && hold.target == target;
        self.holds.iter().filter(mine).map(|hold| hold.value)
    }

    /// Whether anyone holds it: down and pause dominate.
    pub fn held(&self, lever: Lever, target: u32) -> bool {
        self.values(lever, target).next().is_some()
    }

    /// Speeds multiply.
    pub fn product(&self, lever: Lever, target: u32) -> f64 {
        self.values(lever, target).product()
    }

    /// Error rates combine: an event escapes all of them or is hit.
    pub fn either(&self, lever: Lever, target: u32) -> f64 {
        1.0 - self.values(lever, target).map(|p| 1.0 - p).product::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_actions_compose_and_each_removes_only_its_own() {
        let mut levers = Levers::default();
        levers.hold(0, Lever::Speed, 7, 0.5);
        levers.hold(1, Lever::Speed, 7, 0.2);
        levers.hold(1, Lever::Errors, 7, 0.5);
        levers.hold(2, Lever::Errors, 7, 0.5);
        assert_eq!(levers.product(Lever::Speed, 7), 0.1);
        assert_eq!(levers.either(Lever::Errors, 7), 0.75);
        assert_eq!(levers.release(1), [(Lever::Speed, 7), (Lever::Errors, 7)]);
        assert_eq!(levers.product(Lever::Speed, 7), 0.5);
        assert_eq!(levers.either(Lever::Errors, 7), 0.5);
        assert_eq!((levers.product(Lever::Speed, 8), levers.held(Lever::Errors, 8)), (1.0, false));
    }
}
