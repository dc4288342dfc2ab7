//! What may be said to the ledger: a closed set of verbs, each with its guard inside.
//!
//! What a verb does to one row is one pure function here; that many rows change together or not
//! at all is the business of [`super::Ledger`].

use super::log::LogId;
use super::table::{Row, RowState, TableId};
use crate::call::Request;
use crate::time::{Span, Time};

/// One thing to do. A list of them is a transaction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Statement {
    /// To a row, or to a whole table: [`Verb::Expire`], [`Verb::Page`], [`Verb::Scan`].
    Table {
        /// Which table.
        table: TableId,
        /// Which row; where a page starts; nothing for the other verbs of whole tables.
        key: u64,
        /// What to do there.
        verb: Verb,
    },
    /// Puts the request that asks at the end of a log; the answer's value is its offset.
    Append {
        /// Which log.
        log: LogId,
    },
}

/// What to do to a table. "Denied" is the answer of the transaction it stands in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verb {
    /// Reads. Denied if there is no such row.
    Get,
    /// Writes; makes the row if need be.
    Set {
        /// The new value.
        to: i64,
        /// Denied if the row has another version (0: never written).
        if_version: Option<u32>,
    },
    /// Takes `n` away. Denied if fewer are left, or `n` is negative.
    Take {
        /// How many.
        n: i64,
    },
    /// Puts `n` back; makes the row if need be. Denied if `n` is negative.
    Put {
        /// How many.
        n: i64,
    },
    /// Adds `n` of either sign, without a guard; makes the row if need be.
    Add {
        /// How many.
        n: i64,
    },
    /// Holds the row for the request's user: if nobody holds it, or a hold ran out unswept, or
    /// the user holds it already (a retry renews). Makes the row if need be. Denied otherwise.
    Claim {
        /// For how long from now.
        hold: Span,
    },
    /// Turns the user's hold into a sale. Denied if there is none, or it has run out.
    Confirm,
    /// Gives up what the user holds or has bought. Denied if it is not the user's.
    Free,
    /// Makes a row. Denied if there is one.
    Insert {
        /// Its value.
        value: i64,
    },
    /// Frees the rows whose hold has run out, earliest first; value: how many.
    Expire {
        /// At most so many.
        limit: u32,
    },
    /// Reads rows in order of their keys; value: how many there were.
    Page {
        /// At most so many.
        limit: u32,
        /// Begins after so many rows; `None`: with the row of the key.
        after: Option<u64>,
    },
    /// Reads the whole table; value: how many rows it has.
    Scan,
}

impl Statement {
    /// Whether it changes anything.
    pub fn writes(&self) -> bool {
        use Verb::{Get, Page, Scan};
        !matches!(self, Statement::Table { verb: Get | Page { .. } | Scan, .. })
    }
}

/// What a verb does to one row.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Denied,
    Read(Row),
    Write(Row),
}

impl Effect {
    /// Hands a row that is to be written to `write`.
    pub(super) fn written_to(self, write: impl FnOnce(Row)) -> Effect {
        if let Effect::Write(row) = self {
            write(row);
        }
        self
    }
}

impl Verb {
    /// What this does to `row` (`None`: there is none), said by `by` at `now`. Only for verbs of
    /// single rows.
    pub(super) fn effect(self, row: Option<Row>, by: &Request, now: Time) -> Effect {
        let there = row.unwrap_or(Row::new(0, RowState::Present));
        let mine = there.owner == by.root;
        let held = there.state == RowState::Held && there.until > now;
        let next = match self {
            Verb::Get => return row.map_or(Effect::Denied, Effect::Read),
            Verb::Set { to, if_version } => (if_version.is_none_or(|v| v == there.version))
                .then_some(Row { value: to, ..there }),
            Verb::Take { n } => (row.is_some() && n >= 0 && there.value >= n)
                .then(|| there.plus(n.saturating_neg())),
            Verb::Put { n } => (n >= 0).then(|| there.plus(n)),
            Verb::Add { n } => Some(there.plus(n)),
            Verb::Claim { hold } => there.claim(by.root, now, hold),
            Verb::Confirm => {
                (mine && held).then_some(Row { state: RowState::Sold, until: Time::NEVER, ..there })
            }
            Verb::Free => (mine && there.is_taken()).then(|| there.freed()),
            Verb::Insert { value } => row.is_none().then_some(Row { value, ..there }),
            Verb::Expire { .. } | Verb::Page { .. } | Verb::Scan => {
                unreachable!("a verb of whole tables was asked about a row")
            }
        };
        next.map_or(Effect::Denied, |row| Effect::Write(row.written()))
    }
}
