//! What a store does for one kind of call: statements with everything filled in that can be known
//! before the run. What is left is in the request: its keys, and one number.

use engine::ledger::{LogId, Statement, TableId, Verb};
use engine::{OpId, Request, Span};

use crate::key::KeyOf;

/// A number that a statement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Known before the run.
    Number(i64),
    /// What the caller worked out: the argument of the call.
    Argument,
}

/// One statement, but for its key and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// On a row, or on a whole table.
    Table(TableId, KeyOf, VerbTemplate),
    /// Appends the request to a log.
    Append(LogId),
}

/// A verb of the ledger, but for its number. See [`Verb`] for what each does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerbTemplate {
    /// [`Verb::Get`]
    Get,
    /// [`Verb::Set`]; the second number: the version that the row must have.
    Set(Operand, Option<Operand>),
    /// [`Verb::Take`]
    Take(Operand),
    /// [`Verb::Put`]
    Put(Operand),
    /// [`Verb::Add`]
    Add(Operand),
    /// [`Verb::Claim`]
    Claim(Span),
    /// [`Verb::Confirm`]
    Confirm,
    /// [`Verb::Free`]
    Free,
    /// [`Verb::Insert`]
    Insert(Operand),
    /// [`Verb::Expire`]
    Expire(u32),
    /// [`Verb::Page`]
    Page(u32),
    /// [`Verb::Scan`]
    Scan,
}

impl Operand {
    fn value(self, argument: i64) -> i64 {
        match self {
            Operand::Number(number) => number,
            Operand::Argument => argument,
        }
    }
}

impl VerbTemplate {
    /// Whether it changes anything, and so has to be committed.
    fn writes(self) -> bool {
        !matches!(self, VerbTemplate::Get | VerbTemplate::Page(_) | VerbTemplate::Scan)
    }

    fn fill(self, argument: i64) -> Verb {
        let value = |operand: Operand| operand.value(argument);
        match self {
            VerbTemplate::Get => Verb::Get,
            VerbTemplate::Set(to, version) => {
                let if_version = version.map(|version| value(version) as u32);
                Verb::Set { to: value(to), if_version }
            }
            VerbTemplate::Take(n) => Verb::Take { n: value(n) },
            VerbTemplate::Put(n) => Verb::Put { n: value(n) },
            VerbTemplate::Add(n) => Verb::Add { n: value(n) },
            VerbTemplate::Claim(hold) => Verb::Claim { hold },
            VerbTemplate::Confirm => Verb::Confirm,
            VerbTemplate::Free => Verb::Free,
            VerbTemplate::Insert(n) => Verb::Insert { value: value(n) },
            VerbTemplate::Expire(limit) => Verb::Expire { limit },
            VerbTemplate::Page(limit) => Verb::Page { limit },
            VerbTemplate::Scan => Verb::Scan,
        }
    }
}

impl Template {
    fn writes(self) -> bool {
        match self {
            Template::Table(_, _, verb) => verb.writes(),
            Template::Append(_) => true,
        }
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

/// All that a store can be asked to do, by operation.
#[derive(Clone, Default)]
pub struct Programs {
    /// Sorted by operation.
    programs: Vec<(OpId, std::rc::Rc<[Template]>)>,
    scratch: Vec<Statement>,
}

impl Programs {
    /// A store that knows `programs`.
    pub fn new(mut programs: Vec<(OpId, Vec<Template>)>) -> Programs {
        programs.sort_by_key(|(op, _)| *op);
        let shared = |(op, program): (_, Vec<_>)| (op, program.into());
        Programs { programs: programs.into_iter().map(shared).collect(), scratch: Vec::new() }
    }

    /// The statements behind an operation. Panics if the store was never told of it: flows are
    /// compiled before stores are built.
    fn templates(&self, op: OpId) -> &[Template] {
        let at = self.programs.binary_search_by_key(&op, |(op, _)| *op);
        &self.programs[at.expect("an operation of this store")].1
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
