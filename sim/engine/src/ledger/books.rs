//! What the ledger says when a run is over: the numbers of tables and logs, by their names.

use std::collections::BTreeMap;

use super::{Ledger, Table};
use crate::record::{LogRecord, TableRecord};

impl Ledger {
    /// The numbers of all tables, by name, but for those that models keep for themselves: `__x`.
    pub fn table_records(&self) -> BTreeMap<String, TableRecord> {
        let mut records = BTreeMap::<_, TableRecord>::new();
        for table in self.tables.iter().filter(|table| !table.name.starts_with("__")) {
            table.add_to(records.entry(table.name.clone()).or_default());
        }
        records
    }

    /// The numbers of all logs, by name, but for those that models keep for themselves.
    pub fn log_records(&self) -> BTreeMap<String, LogRecord> {
        let mut records = BTreeMap::<_, LogRecord>::new();
        for log in self.logs.iter().filter(|log| !log.name.starts_with("__")) {
            log.add_to(records.entry(log.name.clone()).or_default());
        }
        records
    }

    /// How many keys are in table `from` and not in table `within`.
    pub fn missing(&self, from: &str, within: &str) -> u64 {
        let named = |name| self.tables.iter().filter(move |table: &&Table| table.name == name);
        let keys = named(from).flat_map(|table| table.keys());
        keys.filter(|key| !named(within).any(|table| table.get(*key).is_some())).count() as u64
    }
}
