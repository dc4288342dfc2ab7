//! `Transaction`: a hold on a connection and a row of a database, over several calls.

use super::compile::Compiler;
use super::program::{Argument, Call, Op, SLOTS};
use super::spec::{CallOptions, Step, TransactionOptions};
use crate::key::KeyOf;
use crate::procedure::{Asked, Named, Part, Procedure, VerbTemplate};

/// What a channel is used for that carries the calls inside transactions: the connection is there
/// already, and no driver asks twice over the same one.
pub(super) const INSIDE: &str = "inside";

/// A transaction around the steps that are being compiled.
pub(super) struct Open {
    store: String,
    slot: u8,
}

impl Compiler<'_, '_> {
    /// begin · jump body · handler: roll back, rethrow · body · commit · let go
    pub(super) fn transaction(&mut self, store: &str, options: &TransactionOptions, body: &[Step]) {
        if self.holds == SLOTS {
            return self.wiring.problem("a fifth thing held at once: a flow holds four at most");
        }
        if options.wait.is_some_and(|span| span.0.is_zero()) {
            let message = "nobody could ever begin; leave it out to wait for ever";
            self.wiring.at_index(1, |w| w.at_name("wait", |w| w.problem(message)));
        }
        let Some(begin) = self.begin(store, options) else { return };
        let patience = CallOptions { timeout: options.wait, ..CallOptions::default() };
        let Some(channel) = self.channel_for(store, &patience, "begin") else { return };
        self.program.channels[channel as usize].tell_when_leaving();
        let slot = self.holds as u8;
        let call = Call { channel, op: begin, arg: Argument::None, into: None, record: None };
        let handler = self.acquire(call, slot, options.wait);
        let outer = std::mem::replace(&mut self.rescue, handler);
        self.holds += 1;
        self.transactions.push(Open { store: store.into(), slot });
        self.body(2, body);
        let commit = Procedure { part: Part::Commit, ..Procedure::default() };
        self.inside(store, commit, None, None);
        self.transactions.pop();
        self.holds -= 1;
        self.rescue = outer;
        self.emit(Op::Release { slot, channel, unwinds: false });
    }

    /// The call that begins it: with the row that is locked from the start, if there is one.
    fn begin(&mut self, store: &str, options: &TransactionOptions) -> Option<engine::OpId> {
        self.wiring.group(store)?;
        if !self.wiring.offers[store].transactions {
            self.wiring.problem(format!("`{store}` is no database: it has no transactions"));
            return None;
        }
        let mut procedure = Procedure { part: Part::Begin, ..Procedure::default() };
        self.wiring.enter_index(1);
        if let Some(table) = &options.lock {
            let known = self.wiring.at_name("lock", |wiring| {
                wiring.offered(store, table, "table", |offer| &offer.tables)
            });
            let key = options.key.as_deref();
            let key = key.and_then(|key| self.wiring.at_name("key", |w| KeyOf::named(key, w)));
            let asked = Asked::Table(VerbTemplate::Lock);
            known.iter().for_each(|()| {
                procedure.statements.push(Named { subject: table.clone(), key, asked });
            });
        } else if options.key.is_some() {
            self.wiring.at_name("key", |wiring| {
                let help = "add lock: the table of the row".to_owned();
                wiring.problem_with("the key of a row, and no table", Some(help));
            });
        }
        self.wiring.leave();
        Some(self.registered(store, procedure))
    }

    /// A `Do` on the database of the transaction that surrounds it is a part of that, on its
    /// connection. Whether there is one.
    pub(super) fn is_inside(&self, store: &str) -> bool {
        self.transactions.iter().any(|open| open.store == store)
    }

    /// A call on the connection of the innermost transaction on `store`.
    pub(super) fn inside(
        &mut self,
        store: &str,
        procedure: Procedure,
        number: Option<super::expr::Expr>,
        into: Option<String>,
    ) {
        let open = self.transactions.iter().rev().find(|open| open.store == store);
        let slot = open.expect("asked only inside one").slot;
        let op = self.registered(store, procedure);
        let Some(channel) = self.channel_for(store, &CallOptions::default(), INSIDE) else {
            return;
        };
        let into = into.as_deref().map(|name| self.variable(name));
        let arg = Argument::Inside { slot, number };
        self.emit(Op::Inside { call: Call { channel, op, arg, into, record: None }, slot });
    }
}
