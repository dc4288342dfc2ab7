//! What a transaction of several calls has done so far, which nobody else sees: statements are
//! tried on top of it. That takes as long as they do, however many came before.

use super::{Effect, Ledger, Row, Statement, TableId, Verb};
use crate::call::{Answer, Outcome, Request};
use crate::time::Time;

type Place = (TableId, u64);

/// The rows as a transaction would leave them.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    /// In order of their places.
    rows: Vec<(Place, Row)>,
    /// What the statements under trial have changed: what was there before.
    undo: Vec<(Place, Option<Row>)>,
}

impl Draft {
    /// Nothing was done; keeps the memory.
    pub fn clear(&mut self) {
        self.rows.clear();
    }

    fn find(&self, place: Place) -> Result<usize, usize> {
        self.rows.binary_search_by_key(&place, |(place, _)| *place)
    }

    fn set(&mut self, place: Place, row: Option<Row>) -> Option<Row> {
        match (self.find(place), row) {
            (Ok(at), Some(row)) => Some(std::mem::replace(&mut self.rows[at].1, row)),
            (Ok(at), None) => Some(self.rows.remove(at).1),
            (Err(at), Some(row)) => {
                self.rows.insert(at, (place, row));
                None
            }
            (Err(_), None) => None,
        }
    }
}

impl Ledger {
    /// What [`Ledger::apply`] would answer now to `statements`, said after what is in `draft`; if
    /// it is not denied, `draft` holds them too. Nothing else changes: so a transaction sees its
    /// own writes before anybody else does. Rows in a draft must not be written by others.
    pub fn rehearse(
        &self,
        draft: &mut Draft,
        statements: &[Statement],
        by: &Request,
        now: Time,
    ) -> Answer {
        let mut answer = Answer::DONE;
        for statement in statements {
            answer = match *statement {
                Statement::Append { log } => Answer::done(self.end(log) as i64),
                Statement::Table { table, key, verb } => {
                    self.try_one(draft, (table, key), verb, by, now)
                }
            };
            if answer.outcome != Outcome::Done {
                while let Some((place, before)) = draft.undo.pop() {
                    draft.set(place, before);
                }
                break;
            }
        }
        draft.undo.clear();
        answer
    }

    fn try_one(
        &self,
        draft: &mut Draft,
        place: Place,
        verb: Verb,
        by: &Request,
        now: Time,
    ) -> Answer {
        let (id, key) = place;
        let table = &self.tables[id.0 as usize];
        match verb {
            Verb::Expire { limit } => {
                return Answer::done(table.count_overdue(now, limit) as i64);
            }
            Verb::Page { .. } | Verb::Scan => {
                let new = |((of, key), _): &&(Place, Row)| *of == id && table.get(*key).is_none();
                let new = draft.rows.iter().filter(new).map(|((_, key), _)| *key);
                return Answer::done(table.list_with(key, verb, new) as i64);
            }
            _ => {}
        }
        let before = draft.find(place).map_or_else(|_| table.get(key), |at| Some(draft.rows[at].1));
        let effect = match before {
            None if table.is_dense() => Effect::Denied,
            _ => verb.effect(before, by, now),
        };
        let (row, outcome) = match effect {
            Effect::Denied => (before, Outcome::Denied),
            Effect::Read(row) => (Some(row), Outcome::Done),
            Effect::Write(row) => {
                let before = draft.set(place, Some(row));
                draft.undo.push((place, before));
                (Some(row), Outcome::Done)
            }
        };
        let (value, version) = row.map_or((0, 0), |row| (row.value, row.version));
        Answer { value, version, outcome, more: false }
    }
}
