//! What flows ask of stores: lists of statements, with everything filled in that can be known
//! before the run but for what only the store knows, its tables. What is left is in the request:
//! its keys, and one number.

use engine::Span;
use engine::ledger::Verb;

use crate::key::KeyOf;

/// The statements of one `Do`: a transaction, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Procedure {
    /// In their order.
    pub statements: Vec<Named>,
    /// What it has to do with transactions that take several calls.
    pub part: Part,
}

/// What a call has to do with a transaction that takes several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Nothing: it is a transaction of its own.
    #[default]
    Whole,
    /// Begins one: the answer is a grant, whose value is the number of the session.
    Begin,
    /// Is a part of it. Its argument is made by [`inside_word`].
    Inside,
    /// Makes it durable, and ends it. Its argument is made by [`inside_word`].
    Commit,
}

/// Bits of the number that a statement inside a transaction can carry.
const NUMBER_BITS: u32 = 48;

/// The argument of a call inside a transaction: which session, and the number that its statements
/// need. That is of 48 bits, cut off at about 140 million millions in either direction.
pub fn inside_word(session: u16, number: i64) -> i64 {
    let most = (1i64 << (NUMBER_BITS - 1)) - 1;
    let number = number.clamp(-most, most) & ((1 << NUMBER_BITS) - 1);
    i64::from(session) << NUMBER_BITS | number
}

/// The inverse of [`inside_word`].
pub fn from_inside_word(word: i64) -> (u16, i64) {
    let rest = 64 - NUMBER_BITS;
    ((word >> NUMBER_BITS) as u16, word << rest >> rest)
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

impl Asked {
    /// Whether it changes anything.
    pub fn writes(self) -> bool {
        match self {
            Asked::Table(verb) => verb.writes(),
            Asked::Append => true,
        }
    }
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
    /// [`Verb::Get`], and nobody else writes the row until the transaction is over.
    Lock,
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
    /// [`Verb::Page`]: so many rows; from the row of the key on, or after so many others that are
    /// gone through to find it.
    Page(u32, Option<Operand>),
    /// [`Verb::Scan`]
    Scan,
}

impl Operand {
    /// The number, with what the caller worked out.
    pub fn value(self, argument: i64) -> i64 {
        match self {
            Operand::Number(number) => number,
            Operand::Argument => argument,
        }
    }
}

impl VerbTemplate {
    /// Whether it changes anything, and so has to be committed.
    pub fn writes(self) -> bool {
        use VerbTemplate::{Get, Lock, Page, Scan};
        !matches!(self, Get | Lock | Page(..) | Scan)
    }

    /// Whether it keeps others from writing its row until its transaction is over.
    pub fn locks(self) -> bool {
        let of_a_row = !matches!(self, VerbTemplate::Expire(_));
        self == VerbTemplate::Lock || (self.writes() && of_a_row)
    }

    /// The verb, with the number that the caller worked out.
    pub fn fill(self, argument: i64) -> Verb {
        let value = |operand: Operand| operand.value(argument);
        match self {
            VerbTemplate::Get | VerbTemplate::Lock => Verb::Get,
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
            VerbTemplate::Page(limit, offset) => {
                let after = offset.map(|offset| value(offset).max(0) as u64);
                Verb::Page { limit, after }
            }
            VerbTemplate::Scan => Verb::Scan,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn session_and_number_travel_in_one_word() {
        for (session, number) in [(0, 0), (1, -1), (u16::MAX, 12_345), (7, -(1 << 40))] {
            assert_eq!(from_inside_word(inside_word(session, number)), (session, number));
        }
        assert_eq!(from_inside_word(inside_word(3, i64::MAX)), (3, (1 << 47) - 1));
        assert_eq!(from_inside_word(inside_word(3, i64::MIN)), (3, 1 - (1 << 47)));
    }
}
