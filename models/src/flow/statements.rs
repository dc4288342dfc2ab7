//! `Do`: from statements to a procedure that the store executes.

use super::compile::Compiler;
use super::expr::Expr;
use super::program::Argument;
use super::spec::{RowOptions, StatementSpec};
use crate::key::KeyOf;
use crate::procedure::{Asked, Named, Operand, Part, Procedure, VerbTemplate as Do};

/// The one word of argument that a call can carry, and the one variable an answer can fill.
#[derive(Default)]
pub(super) struct Words {
    arg: Option<Expr>,
    into: Option<String>,
}

impl Compiler<'_, '_> {
    /// Compiles one `Do`.
    pub(super) fn statements(&mut self, store: &str, statements: &[StatementSpec]) {
        if self.wiring.group(store).is_none() {
            return;
        }
        if statements.is_empty() {
            return self.wiring.problem("a `Do` without statements does nothing");
        }
        let mut words = Words::default();
        let mut lines = Vec::new();
        for (index, statement) in statements.iter().enumerate() {
            self.wiring.enter_index(1);
            self.wiring.enter_index(index);
            lines.extend(self.line(store, statement, &mut words));
            self.wiring.leave();
            self.wiring.leave();
        }
        if self.is_inside(store) {
            let part = Procedure { statements: lines, part: Part::Inside };
            return self.inside(store, part, words.arg, words.into);
        }
        let arg = words.arg.map_or(Argument::None, Argument::Value);
        let whole = Procedure { statements: lines, part: Part::Whole };
        self.procedure(store, whole, arg, words.into);
    }

    pub(super) fn line(
        &mut self,
        store: &str,
        spec: &StatementSpec,
        words: &mut Words,
    ) -> Option<Named> {
        use StatementSpec as S;
        let (table, key, action) = match spec {
            S::Append(log) => return self.append(store, log),
            S::Get(table, options) => (table, self.row(options, words), Do::Get),
            S::Confirm(table, options) => (table, self.row(options, words), Do::Confirm),
            S::Free(table, options) => (table, self.row(options, words), Do::Free),
            S::Insert(table, options) => {
                (table, self.row(options, words), Do::Insert(Operand::Number(0)))
            }
            S::Set(table, options) => {
                let to = self.amount(Some(&options.to), words);
                (table, self.key(options.key.as_deref()), Do::Set(to, None))
            }
            S::Take(table, options) => {
                let n = self.amount(options.n.as_deref(), words);
                (table, self.key(options.key.as_deref()), Do::Take(n))
            }
            S::Put(table, options) => {
                let n = self.amount(options.n.as_deref(), words);
                (table, self.key(options.key.as_deref()), Do::Put(n))
            }
            S::Add(table, options) => {
                let n = self.amount(options.n.as_deref(), words);
                (table, self.key(options.key.as_deref()), Do::Add(n))
            }
            S::Claim(table, options) => {
                (table, self.key(options.key.as_deref()), Do::Claim(options.r#for.0))
            }
            S::Page(table, options) => {
                let offset = options.offset.as_deref();
                let offset = offset.map(|n| self.amount(Some(n), words));
                if options.size == 0 {
                    self.wiring.problem("a page without rows");
                }
                self.into(options.into.as_ref(), words);
                (table, self.key(options.key.as_deref()), Do::Page(options.size, offset))
            }
            S::Scan(table, options) => {
                self.into(options.into.as_ref(), words);
                (table, None, Do::Scan)
            }
            S::Expire(table) => (table, None, Do::Expire(u32::MAX)),
        };
        self.wiring.offered(store, table, "table", |offer| &offer.tables)?;
        Some(Named { subject: table.clone(), key, asked: Asked::Table(action) })
    }

    fn append(&mut self, store: &str, log: &str) -> Option<Named> {
        self.wiring.offered(store, log, "log", |offer| &offer.logs)?;
        Some(Named { subject: log.into(), key: None, asked: Asked::Append })
    }

    fn row(&mut self, options: &RowOptions, words: &mut Words) -> Option<KeyOf> {
        self.into(options.into.as_ref(), words);
        self.key(options.key.as_deref())
    }

    fn into(&mut self, name: Option<&String>, words: &mut Words) {
        let Some(name) = name else { return };
        self.variable(name);
        if words.into.replace(name.clone()).is_some() {
            self.wiring.problem("only the last answer comes back: one `into` for each `Do`");
        }
    }

    fn key(&mut self, name: Option<&str>) -> Option<KeyOf> {
        KeyOf::named(name?, self.wiring)
    }

    /// A number that is known before the run, or the argument of the call.
    fn amount(&mut self, text: Option<&str>, words: &mut Words) -> Operand {
        let Some(text) = text else { return Operand::Number(1) };
        let expr = self.expr(text);
        if let Some(number) = expr.as_number() {
            return Operand::Number(number);
        }
        match &words.arg {
            Some(known) if *known != expr => {
                self.wiring.problem("a `Do` can carry one computed number, and this is the second");
            }
            _ => words.arg = Some(expr),
        }
        Operand::Argument
    }
}
