//! Mistakes in what a scenario says about a store, apart from the making of it.

use engine::{OpId, Span};

use super::level::Level;
use super::patience::HurrySpec;
use super::place::{MOST_NODES, MOST_REPLICAS};
use super::{DOWN_AFTER, HintsSpec, StoreSpec, span};
use crate::database::program::{Programs, Template};
use crate::database::tables::TableSpec;
use crate::key::KeyOf;
use crate::procedure::VerbTemplate;
use crate::wiring::Wiring;

impl HintsSpec {
    fn complain(&self, wiring: &mut Wiring<'_>) {
        if self.rate.is_some_and(|rate| rate.0 <= 0.0) {
            let help = Some("window: \"0s\"".to_string());
            let message = "hints that are never replayed are not worth keeping";
            wiring.at_name("rate", |w| w.problem_with(message, help));
        }
        if self.every.is_some_and(|every| every.span() < Span::millis(1)) {
            wiring.at_name("every", |w| w.problem("at most every millisecond"));
        }
    }
}

impl StoreSpec {
    /// Whether there can be such a store; reports it if not.
    pub(super) fn complain(&self, wiring: &mut Wiring<'_>) -> bool {
        let before = wiring.problems.len();
        let nodes = self.nodes();
        let mut at = |field: &str, message: String, help: Option<&str>| {
            let help = help.map(str::to_string);
            wiring.at_name(field, |w| w.problem_with(message, help));
        };
        if !(1..=MOST_REPLICAS as u16).contains(&self.replicas) {
            at("replicas", format!("a row has 1 to {MOST_REPLICAS} replicas"), None);
        } else if self.nodes.is_some_and(|nodes| !(1..=MOST_NODES).contains(&nodes)) {
            at("nodes", format!("a store has 1 to {MOST_NODES} nodes"), None);
        } else if self.replicas > nodes {
            let message = format!("{} replicas of a row, and {nodes} nodes", self.replicas);
            at("replicas", message, Some("each replica is on a node of its own"));
        } else {
            self.levels(&mut at);
        }
        self.times(&mut at);
        if self.cpu.is_some_and(|cores| !(cores.is_finite() && cores > 0.0)) {
            at("cpu", "cores are a number above zero".into(), None);
        }
        for (name, table) in &self.tables {
            if matches!(table, TableSpec::Log { .. }) {
                let help = "a Database or a Topic keeps what is appended";
                at("tables", format!("`{name}` is a log: a store has tables only"), Some(help));
            }
        }
        wiring.at_name("hints", |w| self.hints.complain(w));
        if let Some(key) = &self.token_aware {
            wiring.at_name("token_aware", |w| _ = KeyOf::named(key, w));
        }
        wiring.problems.len() == before
    }

    fn levels(&self, at: &mut impl FnMut(&str, String, Option<&str>)) {
        let replicas = self.replicas;
        for (field, level) in [("reads", self.reads), ("writes", self.writes)] {
            let count = level.of(replicas);
            if count == 0 {
                at(field, "somebody must answer".into(), Some("One"));
            } else if count > replicas {
                let message = format!("{count} of {replicas} replicas can never answer");
                at(field, message, Some("All, or more replicas"));
            }
        }
        if self.reads == Level::Any {
            at("reads", "a hint cannot be read".into(), Some("One"));
        }
    }

    fn times(&self, at: &mut impl FnMut(&str, String, Option<&str>)) {
        for (field, said) in
            [("read_timeout", self.read_timeout), ("write_timeout", self.write_timeout)]
        {
            if said.is_some_and(|said| said.0.is_zero()) {
                at(field, "nobody answers in no time".into(), None);
            }
        }
        if self.heartbeat.is_some_and(|every| every.span() < Span::millis(1)) {
            at("heartbeat", "at most every millisecond".into(), None);
        }
        let heartbeat = span(self.heartbeat, Span::secs(1));
        if span(self.down_after, DOWN_AFTER) <= heartbeat {
            let message = format!("everybody would be down between two heartbeats of {heartbeat}");
            at("down_after", message, Some("Cassandra: 18.4 of them"));
        }
        let timeout = span(self.read_timeout, Span::secs(5));
        if matches!(self.speculate, HurrySpec::After(after) if after.span() >= timeout) {
            let message = format!("a read has failed after {timeout}");
            at("speculate", message, Some("less than read_timeout"));
        }
    }
}

/// Reports what flows ask that a store cannot do.
pub(super) fn asked(programs: &Programs, asked: &[OpId], wiring: &mut Wiring<'_>) {
    for op in asked {
        let single = match programs.templates(*op) {
            [] => continue, // Which has been reported.
            [single] => single,
            _ => {
                let message = "a store is asked for one row at a time: there are no transactions";
                let help = Some("one `Do` for each statement".to_string());
                wiring.problem_with(message, help);
                continue;
            }
        };
        use VerbTemplate::{Get, Insert, Set};
        if !matches!(single, Template::Table(_, _, Get | Set(_, None) | Insert(_))) {
            let message = "a store cannot decide by what a row holds, nor look at many";
            let help = Some("it can `Get`, `Set` and `Insert` one row".into());
            wiring.problem_with(message, help);
        }
    }
}
