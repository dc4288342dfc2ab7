//! The tables and logs that a store declares.

use std::collections::BTreeMap;

use engine::ledger::TableSpec as Begin;
use serde::Deserialize;

use super::program::Stored;
use crate::key::KeyOf;
use crate::wiring::{Offer, Wiring};

/// Rows that exist from the start take memory from the start: 32 bytes each.
const MOST_ROWS: u64 = 50_000_000;

/// One entry under `tables:`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum TableSpec {
    /// Rows by key.
    /// Example: `Table(key: "product", rows: 100_000, value: 50)`
    Table {
        /// The draw that is the key of a row, or `"request"`: one row per request of a user.
        key: String,
        /// With a number: rows `0..rows` exist from the start, and no others ever. Default: rows
        /// come to be as they are written.
        rows: Option<u64>,
        /// What the rows that exist from the start hold (default 0).
        #[serde(default)]
        value: i64,
    },
    /// Requests in the order in which they were appended: an outbox, an event store.
    /// Example: `Log(retain: 10_000)`
    Log {
        /// How many it keeps, read or not (default: until all readers are done with them).
        retain: Option<u64>,
    },
}

/// What a store declares, by name.
pub type Tables = BTreeMap<String, TableSpec>;

/// The names of the tables and logs, as the store offers them.
pub fn offer(kind: &'static str, tables: &Tables) -> Offer {
    let names = |logs: bool| {
        let wanted =
            tables.iter().filter(|(_, spec)| matches!(spec, TableSpec::Log { .. }) == logs);
        wanted.map(|(name, _)| name.clone()).collect()
    };
    Offer { kind, tables: names(false), logs: names(true), ..Offer::default() }
}

/// Adds the tables and logs of the store `name` to the ledger. A table goes by its own name there
/// (`low{table=product}`), a log by that of the store too (`orders-db.outbox`).
pub fn declare(name: &str, tables: &Tables, wiring: &mut Wiring<'_>) -> BTreeMap<String, Stored> {
    let mut stored = BTreeMap::new();
    wiring.at_name("tables", |wiring| {
        for (table, spec) in tables {
            if let Some(it) = wiring.at_name(table, |w| one(name, table, spec, w)) {
                stored.insert(table.clone(), it);
            }
        }
    });
    stored
}

fn one(store: &str, name: &str, spec: &TableSpec, wiring: &mut Wiring<'_>) -> Option<Stored> {
    match spec {
        TableSpec::Table { key, rows, value } => {
            if rows.is_some_and(|rows| !(1..=MOST_ROWS).contains(&rows)) {
                let message = format!("a table starts with between 1 and {MOST_ROWS} rows");
                wiring.at_name("rows", |w| w.problem(message));
                return None;
            }
            if rows.is_none() && *value != 0 {
                let help = "add rows: how many exist from the start".to_owned();
                let message = "no row exists from the start that could have this value";
                wiring.at_name("value", |w| w.problem_with(message, Some(help)));
            }
            let key = wiring.at_name("key", |w| KeyOf::named(key, w))?;
            let begin = Begin { rows: *rows, value: *value };
            Some(Stored::Table(wiring.builder.ledger().table(name, begin), key))
        }
        TableSpec::Log { retain } => {
            let log = wiring.log(&format!("{store}.{name}"), 0);
            let ledger = wiring.builder.ledger();
            retain.iter().for_each(|records| ledger.retain(log, *records));
            Some(Stored::Log(log))
        }
    }
}
