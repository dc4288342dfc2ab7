//! What flows ask of stores: lists of statements, with everything filled in that can be known
//! before the run but for what only the store knows, its tables. What is left is in the request:
//! its keys, and one number.

use engine::Span;
use engine::ledger::Verb;

use crate::key::KeyOf;

/// The statements of one `Do`: one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Procedure {
    /// In their order.
    pub statements: Vec<Named>,
}

/// One statement, with its table or log by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// A table, or a log for [`Asked::Append`].
    pub subject: String,
    /// The key of the row, if it is not the table's own.
    pub key: Option<KeyOf>,
    /// What to do there.
    pub asked: Asked,
}

/// What a statement does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To a table.
    Table(VerbTemplate),
    /// Appends the request to a log.
    Append,
}

/// A number that a statement needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// Known before the run.
    Number(i64),
    /// What the caller worked out: the argument of the call.
    Argument,
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
    pub fn writes(self) -> bool {
        !matches!(self, VerbTemplate::Get | VerbTemplate::Page(_) | VerbTemplate::Scan)
    }

    /// The verb, with the number that the caller worked out.
    pub fn fill(self, argument: i64) -> Verb {
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
