//! Many shards at once: the same question to all of them, and keys sorted by the shard that has
//! them. Both are forks with a child for each call.

use std::rc::Rc;

use engine::{Cx, Key, OpId, Request, Time};

use super::compile::Compiler;
use super::frame::{Host, asked};
use super::machine::{Machine, Step};
use super::program::{Argument, Call, NOWHERE, Op, Place};
use super::spec::{BatchOptions, CallOptions, ScatterOptions, StatementSpec};
use super::statements::Words;
use crate::channel::Channel;
use crate::policy::ring::scatter;
use crate::procedure::Procedure;

/// More keys than this are not one batch.
const MOST_KEYS: u32 = 1000;

/// Many keys that are wanted together.
#[derive(Clone, Debug)]
pub struct Batch {
    /// What a shard is asked for one key, for two, and so on.
    ops: Vec<OpId>,
    keys: u32,
    among: u64,
}

/// Which part of a batch one call is for.
#[derive(Clone, Copy, Debug)]
pub enum Which {
    /// All keys of a member.
    Member(u16),
    /// One key.
    Key(u32),
}

impl Batch {
    /// One of the keys of a request.
    fn key(&self, request: &Request, channel: &Channel, number: u32) -> u64 {
        scatter(channel.key_of(request) ^ scatter(number.into())) % self.among
    }

    /// Whom to ask, and for how many keys.
    fn part(
        &self,
        which: Which,
        request: &Request,
        channel: &mut Channel,
        now: Time,
    ) -> (u16, usize) {
        match which {
            Which::Key(number) => (channel.home(self.key(request, channel, number), now), 1),
            Which::Member(member) => {
                let its =
                    |number: &u32| channel.home(self.key(request, channel, *number), now) == member;
                (member, (0..self.keys).filter(its).count())
            }
        }
    }
}

impl Compiler<'_, '_> {
    /// Compiles one `Scatter`: a fork with a child for every member.
    pub(super) fn scatter(
        &mut self,
        target: &str,
        options: &ScatterOptions,
        statements: &[StatementSpec],
    ) {
        let Some((callee, op)) = self.asked_of_all(target, statements) else { return };
        let Some(channel) = self.channel(&callee, &CallOptions::default()) else { return };
        let group = self.wiring.builder.find(&callee).expect("a channel leads there");
        let members = self.wiring.builder.declared(group).size;
        let need = u32::from(members);
        let least = options.need.unwrap_or(need);
        if !(1..=need).contains(&least) {
            let message = format!("needs {least} answers of {members}");
            self.wiring.at_index(1, |w| w.at_name("need", |w| w.problem(message)));
        }
        let (fork, children) = self.fork((0..members).collect(), |member| {
            let call = Call { channel, op, arg: Argument::None, into: None, record: None };
            Op::Part { call, member }
        });
        let (join, timeout) = (self.here(), options.wait.map(|span| span.0));
        let partial = options.partial.as_deref();
        let partial = partial.map(|name| self.wiring.builder.shared_counter(name));
        self.patch(fork, Op::Fork { children, need, least, partial, timeout, join });
    }

    /// What all members are asked: an operation, or the same statements of a store.
    fn asked_of_all(
        &mut self,
        target: &str,
        statements: &[StatementSpec],
    ) -> Option<(String, OpId)> {
        if target.contains('.') && statements.is_empty() {
            return self.operation(target);
        }
        self.wiring.group(target)?;
        if statements.is_empty() {
            let help = format!("`{target}.OPERATION`, or statements: [Get(\"row\")]");
            self.wiring.problem_with("what all of them are asked is not said", Some(help));
            return None;
        }
        let mut lines = Vec::new();
        for (index, statement) in statements.iter().enumerate() {
            self.wiring.enter_index(2);
            self.wiring.enter_index(index);
            let plain = match statement {
                StatementSpec::Get(_, options) => options.into.is_none(),
                _ => false,
            };
            if !plain {
                self.wiring.problem("all shards can be asked for a row: Get, without `into`");
            }
            lines.extend(self.line(target, statement, &mut Words::default()));
            self.wiring.leave();
            self.wiring.leave();
        }
        Some((
            target.into(),
            self.registered(target, Procedure { statements: lines, ..Procedure::default() }),
        ))
    }

    /// Compiles one `Batch`: a fork with a child for every member, or for every key.
    pub(super) fn batch(
        &mut self,
        store: &str,
        options: &BatchOptions,
        statements: &[StatementSpec],
    ) {
        let Some((callee, _)) = self.asked_of_all(store, statements) else { return };
        let Some(channel) = self.channel(&callee, &CallOptions::default()) else { return };
        let group = self.wiring.builder.find(&callee).expect("a channel leads there");
        let members = self.wiring.builder.declared(group).size;
        let (keys, known) = (options.keys, self.wiring.problems.len());
        self.wiring.at_index(1, |w| {
            if !(1..=MOST_KEYS).contains(&keys) {
                w.at_name("keys", |w| w.problem(format!("a batch has 1 to {MOST_KEYS} keys")));
            }
            if options.among == 0 {
                w.at_name("among", |w| w.problem("there are no keys below 0"));
            }
        });
        if members > 1 && self.wiring.offers[&callee].by.is_none() {
            self.wiring.problem(format!("`{callee}` does not share its keys among its members"));
        }
        if self.wiring.problems.len() > known {
            return;
        }
        let ops = self.for_many(&callee, keys, statements);
        let op = ops[0];
        let batch = Rc::new(Batch { ops, keys, among: options.among.into() });
        let parts: Vec<Which> = match options.grouped {
            true => (0..members).map(Which::Member).collect(),
            false => (0..keys).map(Which::Key).collect(),
        };
        self.fork(parts, |which| {
            let call = Call { channel, op, arg: Argument::None, into: None, record: None };
            Op::Share { call, which, batch: batch.clone() }
        });
    }

    /// What a store is asked for one key, for two, and so on: so many times the same.
    fn for_many(&mut self, store: &str, keys: u32, statements: &[StatementSpec]) -> Vec<OpId> {
        let mut lines = Vec::new();
        for statement in statements {
            lines.extend(self.line(store, statement, &mut Words::default()));
        }
        let many = |n: u32| Procedure {
            statements: vec![lines.clone(); n as usize].concat(),
            ..Procedure::default()
        };
        (1..=keys).map(|n| self.registered(store, many(n))).collect()
    }

    /// A fork with a child for each of these, all of which must end `Done`.
    fn fork<T>(&mut self, parts: Vec<T>, ask: impl Fn(T) -> Op) -> (Place, Vec<Place>) {
        let fork = self.emit(Op::Start);
        let outer = std::mem::replace(&mut self.rescue, NOWHERE);
        let mut children = Vec::new();
        for part in parts {
            children.push(self.emit(Op::Start));
            self.emit(ask(part));
            self.emit(Op::End);
        }
        self.rescue = outer;
        let (join, need) = (self.here(), children.len() as u32);
        let all = children.clone();
        let least = need;
        self.patch(fork, Op::Fork { children, need, least, partial: None, timeout: None, join });
        (fork, all)
    }
}

impl Machine {
    /// Asks for the keys of a batch that are one call's; nobody, if there are none.
    pub(super) fn share<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let frame = self.frames.get(key).expect("in progress");
        let Op::Share { call, which, batch } = &self.program.code[frame.pc as usize].op else {
            unreachable!("only a share asks for a part of a batch")
        };
        let channel = &mut self.program.channels[call.channel as usize];
        let (member, keys) = batch.part(*which, &frame.request, channel, cx.now());
        if keys == 0 {
            return Step::Next;
        }
        let mut asked = asked(frame, call, &self.extras);
        asked.request.op = batch.ops[keys - 1];
        let channel = call.channel;
        self.ask_member(cx, key, channel, &asked, member)
    }
}
