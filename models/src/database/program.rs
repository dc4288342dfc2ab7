//! What a store does for one kind of call: the statements of a procedure, with its own tables and
//! logs in the place of their names.

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::ledger::{Ledger, LogId, Statement, Store, TableId};
use engine::{OpId, Request};

use super::costs::Examined;
use crate::key::KeyOf;
use crate::procedure::{Asked, Named, Part, Procedure, VerbTemplate};
use crate::stores::locks::Name;
use crate::wiring::Wiring;

/// One statement, but for its key and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// On a row, or on a whole table.
    Table(TableId, KeyOf, VerbTemplate),
    /// Appends the request to a log.
    Append(LogId),
}

impl Template {
    fn writes(self) -> bool {
        match self {
            Template::Table(_, _, verb) => verb.writes(),
            Template::Append(_) => true,
        }
    }

    /// Which row it keeps others from writing, if it does.
    pub fn row(self, request: &Request) -> Option<Name> {
        match self {
            Template::Table(table, key, verb) if verb.locks() => Some((table.0, key.of(request))),
            _ => None,
        }
    }

    /// The rows that it goes through.
    pub fn examined(self, request: &Request, argument: i64, ledger: &Ledger) -> Option<Examined> {
        let Template::Table(table, key, verb) = self else { return None };
        let (first, rows, each) = match verb {
            VerbTemplate::Scan => (0, ledger.rows(table), true),
            VerbTemplate::Page(limit, None) => {
                (key.of(request), u64::from(limit).min(ledger.rows(table)), true)
            }
            VerbTemplate::Page(limit, Some(offset)) => {
                let rows = offset.value(argument).max(0) as u64 + u64::from(limit);
                (0, rows.min(ledger.rows(table)), true)
            }
            VerbTemplate::Expire(_) => return None,
            _ => (key.of(request), 1, false),
        };
        Some(Examined { table: table.0, first, rows, each })
    }

    fn fill(self, request: &Request, argument: i64) -> Statement {
        match self {
            Template::Table(table, key, verb) => {
                Statement::Table { table, key: key.of(request), verb: verb.fill(argument) }
            }
            Template::Append(log) => Statement::Append { log },
        }
    }
}

/// A table or a log of a store, by what the scenario calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// A table, and the key of its rows.
    Table(TableId, KeyOf),
    /// A log.
    Log(LogId),
}

impl Stored {
    /// Which it is, for the ledger.
    pub fn store(self) -> Store {
        match self {
            Stored::Table(table, _) => Store::Table(table),
            Stored::Log(log) => Store::Log(log),
        }
    }
}

/// All that a store can be asked to do, by operation.
#[derive(Clone, Default)]
pub struct Programs {
    /// Sorted by operation.
    programs: Vec<(OpId, Program)>,
    scratch: Vec<Statement>,
}

/// What is done for one operation.
#[derive(Clone)]
struct Program {
    part: Part,
    templates: Rc<[Template]>,
}

impl Programs {
    /// A store that knows `programs`.
    pub fn new(mut programs: Vec<(OpId, Part, Vec<Template>)>) -> Programs {
        programs.sort_by_key(|(op, _, _)| *op);
        let shared = |(op, part, templates): (_, _, Vec<_>)| {
            let templates = templates.into();
            (op, Program { part, templates })
        };
        Programs { programs: programs.into_iter().map(shared).collect(), scratch: Vec::new() }
    }

    /// What flows will ask of the store `name`, which holds `stored`. That it is declared is known
    /// from the flows: what is missing was declared wrongly, and that has been reported.
    pub fn of(name: &str, stored: &BTreeMap<String, Stored>, wiring: &Wiring<'_>) -> Programs {
        let asked = wiring.procedures.get(name).map_or(&[][..], Vec::as_slice);
        let program =
            |(op, asked): &(OpId, Rc<Procedure>)| (*op, asked.part, resolve(asked, stored));
        Programs::new(asked.iter().map(program).collect())
    }

    /// All statements that keep others from writing their rows: table, key and verb.
    pub fn locking(&self) -> impl Iterator<Item = (TableId, KeyOf, VerbTemplate)> {
        let all = self.programs.iter().flat_map(|(_, program)| program.templates.iter());
        all.filter_map(|template| match *template {
            Template::Table(table, key, verb) if verb.locks() => Some((table, key, verb)),
            _ => None,
        })
    }

    /// The statements behind an operation. Panics if the store was never told of it: flows are
    /// compiled before stores are built.
    fn program(&self, op: OpId) -> &Program {
        let at = self.programs.binary_search_by_key(&op, |(op, _)| *op);
        &self.programs[at.expect("an operation of this store")].1
    }

    /// Its statements, without their keys and numbers.
    pub fn templates(&self, op: OpId) -> &[Template] {
        &self.program(op).templates
    }

    /// What it has to do with transactions that take several calls.
    pub fn part(&self, op: OpId) -> Part {
        self.program(op).part
    }

    /// Whether any operation begins such a transaction.
    pub fn has_transactions(&self) -> bool {
        self.programs.iter().any(|(_, program)| program.part == Part::Begin)
    }

    /// How many statements an operation has.
    pub fn statements(&self, op: OpId) -> usize {
        self.templates(op).len()
    }

    /// Whether an operation changes anything.
    pub fn writes(&self, op: OpId) -> bool {
        self.templates(op).iter().any(|template| template.writes())
    }

    /// The statements that `request` stands for.
    pub fn fill(&mut self, request: &Request, argument: i64) -> &[Statement] {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let templates = self.templates(request.op).iter();
        scratch.extend(templates.map(|template| template.fill(request, argument)));
        self.scratch = scratch;
        &self.scratch
    }
}

fn resolve(procedure: &Procedure, stored: &BTreeMap<String, Stored>) -> Vec<Template> {
    let named = procedure.statements.iter();
    let template = |Named { subject, key, asked }: &Named| match (stored.get(subject)?, asked) {
        (Stored::Table(table, own), Asked::Table(verb)) => {
            Some(Template::Table(*table, key.unwrap_or(*own), *verb))
        }
        (Stored::Log(log), Asked::Append) => Some(Template::Append(*log)),
        _ => None,
    };
    named.filter_map(template).collect()
}
