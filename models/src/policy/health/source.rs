//! Where a caller learns who is part of a group, and what is known of it from some moment on:
//! apart from the view, which makes of that whom it asks.

use engine::{Belief, Change, Time};

use super::names::{Copy, Names};
use super::registry::Registry;
use super::spec::ViewSpec;

/// Where it learns who is there.
#[derive(Clone, Debug)]
pub enum Source {
    /// It knows.
    Truth,
    /// It never hears of anything: a list in a file.
    Fixed,
    /// It reads a list of leases.
    Registry(Registry),
    /// It resolves a name.
    Names(Names, Copy),
    /// It is many users, each of whom has resolved a name.
    Crowd(Names),
}

/// What is known of a group from some moment on, and who can be asked if one goes by that.
#[derive(Clone, Debug)]
pub struct Known {
    /// Since when.
    pub from: Time,
    /// How much of the group's history that is.
    pub read: usize,
    /// Who was there and up.
    pub belief: Belief,
    /// By level, in order; and the part of the load of each level, in percent.
    pub levels: Vec<(u32, Vec<u16>)>,
    /// Worked out with these conclusions; `None`: not yet.
    pub worked_out: Option<u64>,
}

impl Known {
    /// Everybody is there and up.
    pub fn new(members: u16) -> Known {
        let (belief, levels) = (Belief::new(members), Vec::new());
        Known { from: Time::ZERO, read: 0, belief, levels, worked_out: None }
    }

    /// What is known after the next change in the history, if there was one.
    pub fn next(&self, history: &[Change], now: Time) -> Option<Known> {
        let from = history.get(self.read).map(|change| change.at).filter(|at| *at <= now)?;
        let read = history.partition_point(|change| change.at <= from);
        let (mut belief, levels) = (self.belief.clone(), Vec::new());
        belief.catch_up(history, from);
        Some(Known { from, read, belief, levels, worked_out: None })
    }
}

impl Source {
    /// As a policy says; `crowd`: the caller is many users.
    pub fn new(view: Option<&ViewSpec>, members: u16, crowd: bool) -> Source {
        match view {
            Some(ViewSpec::Static) => Source::Fixed,
            Some(ViewSpec::Registry { renew, expire, poll }) => {
                Source::Registry(Registry::new(members, renew.0, expire.0, poll.0))
            }
            Some(ViewSpec::Names { ttl, notice, stubborn, keep }) => {
                let (ttl, notice, keep) = (ttl.0, notice.0, keep.0);
                let names = Names { ttl, notice, stubborn: stubborn.0, keep };
                match crowd {
                    true => Source::Crowd(names),
                    false => Source::Names(names, Copy::new(ttl, Time::ZERO, 0.0)),
                }
            }
            Some(ViewSpec::Instant | ViewSpec::Checked { .. }) | None => Source::Truth,
        }
    }
}
