//! A waiting room: users wait in line, and a scheduler lets them in as places come free.
//!
//! A user asks `acquire` and hears nothing until it is let in; the place is a grant, kept until
//! the user hangs up or its stay is over.

mod room;
#[cfg(test)]
mod tests;

use engine::{Discipline, GroupId};
use serde::Deserialize;

use crate::ComponentSpec;
use crate::units::Dur;
use crate::wiring::{Offer, Wiring};

use room::{Counters, Room, Rules};

/// Served in order of arrival. Who stops waiting loses the place in line.
///
/// Source: the virtual waiting rooms of ticket shops, as Cloudflare and Queue-it document theirs.
///
/// Not modelled: pages that poll, estimated waits, users who stand in line twice.
///
/// Example: `WaitingRoom(active: 100, admit: (every: "1s", up_to: 100), stay: "5m")`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaitingRoomSpec {
    /// How many may be inside at once.
    active: u32,
    /// How often the scheduler looks, and how many it lets in at most each time.
    admit: Admit,
    /// How long a place lasts at most (default: until its holder leaves).
    stay: Option<Dur>,
    /// How long the line may be; who comes then is shed (default: no limit).
    queue: Option<u32>,
}

/// When users are let in.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Admit {
    /// How often the scheduler looks.
    every: Dur,
    /// How many it lets in at most each time.
    up_to: u32,
}

impl WaitingRoomSpec {
    fn complain(&self, wiring: &mut Wiring<'_>) {
        if self.active == 0 {
            wiring.at_name("active", |w| w.problem("nobody could ever come in"));
        }
        wiring.at_name("admit", |wiring| {
            if self.admit.every.span().is_zero() {
                wiring.at_name("every", |w| w.problem("the scheduler needs a period above zero"));
            }
            if self.admit.up_to == 0 {
                wiring.at_name("up_to", |w| w.problem("nobody could ever come in"));
            }
        });
        if self.stay.is_some_and(|stay| stay.span().is_zero()) {
            wiring.at_name("stay", |w| w.problem("a place has to last for some time"));
        }
    }
}

impl ComponentSpec for WaitingRoomSpec {
    fn members(&self) -> u16 {
        1
    }

    fn cpu(&self) -> Option<Discipline> {
        None
    }

    fn offer(&self) -> Offer {
        Offer { kind: "WaitingRoom", operations: vec!["acquire".into()], ..Offer::default() }
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        self.complain(wiring);
        if self.admit.every.span().is_zero() {
            return;
        }
        wiring.builder.op(&format!("{name}.acquire"));
        let [admitted, overstayed] =
            ["admitted", "overstayed"].map(|counter| wiring.builder.counter(group, counter));
        let rules = Rules {
            active: self.active,
            every: self.admit.every.span(),
            up_to: self.admit.up_to,
            stay: self.stay.map(Dur::span),
            queue: self.queue,
            counters: Counters { admitted, overstayed },
        };
        let id = wiring.builder.declared(group).member(0);
        wiring.builder.put(id, Room::new(rules));
    }
}
