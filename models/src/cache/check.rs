//! What makes no sense in a cache, and what to write instead.

use engine::Span;

use super::sizes::Sizes;
use super::spec::{CacheSpec, MOST_WARM, TuneSpec, WritesSpec};
use crate::by::By;
use crate::units::{Bytes, Dur};
use crate::wiring::Wiring;

/// More entries than this do not fit the numbers that link them.
pub(super) const MOST_ENTRIES: u64 = 1 << 31;

/// What a node does by the clock it does not do more often than this: a run would take for ever.
const MOST_OFTEN: Span = Span::millis(1);

/// Says that a field means nothing without another.
fn lone(wiring: &mut Wiring<'_>, given: &[(&str, bool)], without: &str) {
    for (name, _) in given.iter().filter(|(_, given)| *given) {
        let message = format!("`{name}` means something with {without}");
        wiring.at_name(name, |w| w.problem(message));
    }
}

impl CacheSpec {
    pub(super) fn complain(&self, wiring: &mut Wiring<'_>) {
        self.complain_of_nodes(wiring);
        self.complain_of_room(wiring);
        self.complain_of_times(wiring);
        self.complain_of_flows(wiring);
        self.complain_of_tuning(wiring);
        self.complain_of_moving(wiring);
        if self.connections == Some(0) {
            wiring.at_name("connections", |w| w.problem("nobody can ask without a connection"));
        }
        if let Some(tag) = &self.tag {
            wiring.at_name("tag", |w| w.draw(tag));
        }
    }

    fn complain_of_nodes(&self, wiring: &mut Wiring<'_>) {
        if self.nodes == 0 {
            wiring.at_name("nodes", |w| w.problem("a cache needs at least one node"));
        }
        if self.nodes > 1 && self.by.is_none() && self.key.is_some() && self.inside.is_none() {
            let help = "say it: by: Ring(key: \"product\")".to_owned();
            wiring.problem_with("which of the nodes keeps which key is not said", Some(help));
        }
        if self.key.is_some() && self.by.as_ref().map(By::key) == self.key.as_deref() {
            wiring.at_name("key", |w| w.problem("`by` names the key already"));
        }
        if self.by.is_some() && self.inside.is_some() {
            let help = Some("write key: instead of by:".to_owned());
            let message = "inside a component every node keeps what its own member asks for";
            wiring.at_name("by", |w| w.problem_with(message, help));
        }
    }

    fn complain_of_moving(&self, wiring: &mut Wiring<'_>) {
        let Some(moving) = &self.moving else { return };
        let wrong = [
            ("rate", moving.rate.0 <= 0.0, "nothing moves at this rate"),
            ("batch", moving.batch == 0, "entries move some at a time"),
        ];
        for (name, _, message) in wrong.into_iter().filter(|(_, wrong, _)| *wrong) {
            wiring.at_name("moving", |w| w.at_name(name, |w| w.problem(message)));
        }
        let by_key = self.by.as_ref().is_some_and(|by| by.key() != "request");
        if !by_key || self.key.is_some() {
            let message = "entries move to the node of their key, which no `by` tells here";
            let help = Some("say it: by: Ring(key: \"product\")".to_owned());
            wiring.at_name("moving", |w| w.problem_with(message, help));
        }
    }

    /// It may be inside a component or inside traffic: a browser.
    pub(super) fn complain_of_host(&self, wiring: &mut Wiring<'_>) {
        if let Some(host) = self.inside.as_ref().filter(|host| wiring.builder.find(host).is_none())
        {
            wiring.at_name("inside", |w| w.group(host));
        }
    }

    fn complain_of_room(&self, wiring: &mut Wiring<'_>) {
        if self.capacity.is_some_and(|most| !(1..=MOST_ENTRIES).contains(&most)) {
            let message = format!("a node holds between 1 and {MOST_ENTRIES} entries");
            wiring.at_name("capacity", |w| w.problem(message));
        }
        if self.capacity.is_some() && self.memory.is_some() {
            let message = "room is measured in entries or in bytes, not in both";
            wiring.at_name("memory", |w| w.problem(message));
        }
        if self.memory.is_none() {
            let given = [("size", self.size.is_some()), ("overhead", self.overhead.is_some())];
            lone(wiring, &given, "`memory`");
        }
    }

    /// What is larger than a node is never kept.
    pub(super) fn complain_of_sizes(&self, sizes: Sizes, wiring: &mut Wiring<'_>) {
        if let Some(memory) = self.memory.filter(|memory| memory.0 < sizes.least()) {
            let least = Bytes(sizes.least());
            let message = format!("the smallest object takes {least} and a node holds {memory}");
            wiring.at_name("memory", |w| w.problem(message));
        }
    }

    fn complain_of_times(&self, wiring: &mut Wiring<'_>) {
        let is_zero = |dur: Option<Dur>| dur.is_some_and(|dur| dur.span().is_zero());
        for (name, ttl) in [("ttl", self.ttl), ("ttl_denied", self.ttl_denied)] {
            if is_zero(ttl) {
                wiring.at_name(name, |w| w.problem("an entry that lives for no time is never hit"));
            }
        }
        if self.ttl.is_none() {
            let given = [
                ("sliding", self.sliding),
                ("jitter", self.jitter.is_some()),
                ("stale", self.stale.is_some()),
                ("stale_if_error", self.stale_if_error.is_some()),
                ("early", self.early.is_some()),
            ];
            lone(wiring, &given, "a `ttl`");
        }
        if let (Some(refresh), Some(ttl)) = (self.refresh, self.ttl)
            && refresh >= ttl
        {
            let message = format!("at the age of {refresh} an entry with a ttl of {ttl} is gone");
            wiring.at_name("refresh", |w| w.problem(message));
        }
        if let (Some(early), Some(ttl)) = (self.early, self.ttl)
            && early >= ttl
        {
            let message = format!("{early} before the time is always: entries live for {ttl}");
            let help = Some("it is about as long as fetching takes: early: \"100ms\"".to_owned());
            wiring.at_name("early", |w| w.problem_with(message, help));
        }
        if is_zero(self.fill) {
            wiring.at_name("fill", |w| w.problem("nobody can fetch a value in no time"));
        }
        let leases = self.coalesce || self.stale.is_some() || self.refresh.is_some();
        if self.fill.is_some() && !leases {
            lone(wiring, &[("fill", true)], "`coalesce: true`, `stale` or `refresh`");
        }
    }

    /// An entry that has expired before the command that reads it is over is never hit.
    pub(super) fn complain_of_access(&self, access: Span, wiring: &mut Wiring<'_>) {
        for (name, ttl) in [("ttl", self.ttl), ("ttl_denied", self.ttl_denied)] {
            if let Some(ttl) = ttl.filter(|ttl| !ttl.span().is_zero() && ttl.span() <= access) {
                let message = format!("an entry lives for {ttl}, and one command takes {access}");
                let help = Some(format!("nothing can be hit: write a longer `{name}`"));
                wiring.at_name(name, |w| w.problem_with(message, help));
            }
        }
    }

    fn complain_of_flows(&self, wiring: &mut Wiring<'_>) {
        if self.store.is_empty() && self.writes.is_some() {
            let help = "store: [Do(\"db\", [Set(\"product\", (to: \"value\"))])]".to_owned();
            let message = "`writes` means something with a `store`";
            wiring.at_name("writes", |w| w.problem_with(message, Some(help)));
        }
        if let Some(WritesSpec::Behind { every, batch, queue, .. }) = self.writes {
            let zeros = [
                ("every", every.span() < MOST_OFTEN, "a buffer is emptied every 1ms at most"),
                ("batch", batch == 0, "nothing is written no key at a time"),
                ("queue", queue == 0, "a buffer without room is none: write Through"),
            ];
            for (name, _, message) in zeros.into_iter().filter(|(_, wrong, _)| *wrong) {
                wiring.at_name("writes", |w| w.at_name(name, |w| w.problem(message)));
            }
        }
        let Some(warm) = self.warm else { return };
        if self.load.is_empty() {
            let help = "load: [Do(\"db\", [Get(\"product\")])]".to_owned();
            let message = "a node without a `load` cannot warm itself up";
            wiring.at_name("warm", |w| w.problem_with(message, Some(help)));
        }
        if warm.top > MOST_WARM {
            let message = format!("a list of more than {MOST_WARM} keys is not kept");
            wiring.at_name("warm", |w| w.at_name("top", |w| w.problem(message)));
        }
        for (name, number) in [("top", warm.top), ("batch", warm.batch)] {
            if number == 0 {
                let message = "a list is loaded some keys at a time";
                wiring.at_name("warm", |w| w.at_name(name, |w| w.problem(message)));
            }
        }
    }

    fn complain_of_tuning(&self, wiring: &mut Wiring<'_>) {
        let Some(TuneSpec { every, most, times, .. }) = self.tune else { return };
        let least = self.memory.map_or(self.entries(), |memory| memory.0);
        let factor = times.unwrap_or(1.5);
        let wrong = [
            ("every", every.span() < MOST_OFTEN, "it looks at itself every 1ms at most".to_owned()),
            ("most", most < least, format!("it holds {least} to begin with")),
            (
                "times",
                !(factor.is_finite() && factor > 1.0),
                "what grows does so by a factor above 1".to_owned(),
            ),
        ];
        for (name, _, message) in wrong.into_iter().filter(|(_, wrong, _)| *wrong) {
            wiring.at_name("tune", |w| w.at_name(name, |w| w.problem(message)));
        }
    }

    /// How many entries a node holds, if room is measured in entries.
    pub fn entries(&self) -> u64 {
        self.capacity.unwrap_or(10_000).clamp(1, MOST_ENTRIES)
    }
}
