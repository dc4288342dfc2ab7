//! From steps to a program. Handlers are emitted before the body they guard, so that every
//! instruction knows its own when it is written.

use std::rc::Rc;

use engine::chance::{Coin, Sampler, StreamId};
use engine::{ComponentId, OpId, OperationId, Outcome};

use super::expr::{Condition, Expr, Names, VARIABLES};
use super::program::{Argument, Call, Instruction, NOWHERE, Op, Place, Program};
use super::spec::{CallOptions, Step};
use super::transaction::INSIDE;
use crate::channel::Channel;
use crate::database::copies::Route;
use crate::dist::Dist;
use crate::policy::spec::Policy;
use crate::procedure::Procedure;
use crate::units::Dur;
use crate::wiring::{Wiring, did_you_mean};

/// What a channel is used for that may go to a replica.
const READS: &str = "reads";

/// Compiles the flows of one component.
pub struct Compiler<'w, 'a> {
    pub(super) wiring: &'w mut Wiring<'a>,
    pub(super) me: ComponentId,
    /// Journeys record what their calls take; services do not.
    journey: bool,
    /// How important the work of the next flow is: 0 for nothing in particular.
    pub importance: u8,
    pub(super) program: Program,
    /// What distinguishes the channels of `program`: callee, policy, timeout, use.
    channels: Vec<(String, Option<String>, Option<Dur>, &'static str)>,
    /// Whom the pools of `program` are for, and the name of the policy.
    pub(super) pools: Vec<(String, String)>,
    pub(super) variables: Vec<String>,
    /// Those that the next flow begins with.
    given: Vec<String>,
    /// Names of the flows being inlined: a flow may not contain itself.
    pub(super) inlining: Vec<String>,
    pub(super) rescue: Place,
    pub(super) holds: usize,
    /// Transactions around this place, the outermost first.
    pub(super) transactions: Vec<super::transaction::Open>,
    pub(super) loops: usize,
    /// How many turns the loops around this place take together, as far as is known.
    pub(super) turns: i64,
    /// Where in the flow: names the streams of chance.
    pub(super) trail: Vec<String>,
}

impl<'w, 'a> Compiler<'w, 'a> {
    /// For the flows of `me`.
    pub fn new(wiring: &'w mut Wiring<'a>, me: ComponentId, journey: bool) -> Self {
        Compiler {
            wiring,
            me,
            journey,
            importance: 0,
            program: Program::default(),
            channels: Vec::new(),
            pools: Vec::new(),
            variables: Vec::new(),
            given: Vec::new(),
            inlining: Vec::new(),
            rescue: NOWHERE,
            holds: 0,
            transactions: Vec::new(),
            loops: 0,
            turns: 1,
            trail: Vec::new(),
        }
    }

    /// The finished program.
    pub fn finish(self) -> Program {
        self.program
    }

    /// The number of an operation.
    pub fn op(&mut self, name: &str) -> OpId {
        self.wiring.builder.op(name)
    }

    /// Compiles the flow at a path below the component.
    pub fn flow_at(&mut self, path: &[&str], steps: &[Step]) -> Place {
        path.iter().for_each(|name| self.wiring.enter_name(name));
        let entry = self.flow(&path.join(" "), steps);
        path.iter().for_each(|_| self.wiring.leave());
        entry
    }

    /// As [`Compiler::flow_at`], for a flow whose first variables have values when it starts.
    pub fn flow_given(&mut self, path: &str, given: &[&str], steps: &[Step]) -> Place {
        self.given = given.iter().map(|name| (*name).into()).collect();
        let entry = self.flow_at(&[path], steps);
        self.given.clear();
        entry
    }

    /// Compiles one flow; `name` is its place in the scenario, for streams and problems.
    pub fn flow(&mut self, name: &str, steps: &[Step]) -> Place {
        self.variables = self.given.clone();
        self.trail = vec![name.into()];
        let entry = self.here();
        self.steps(steps);
        self.emit(Op::End);
        entry
    }

    pub(super) fn here(&self) -> Place {
        self.program.code.len() as Place
    }

    pub(super) fn emit(&mut self, op: Op) -> Place {
        let place = self.here();
        self.program.code.push(Instruction { op, rescue: self.rescue });
        place
    }

    /// Rewrites an instruction whose destination was not known when it was emitted.
    pub(super) fn patch(&mut self, place: Place, op: Op) {
        self.program.code[place as usize].op = op;
    }

    pub(super) fn steps(&mut self, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            self.down(index, |this| this.step(step));
        }
    }

    /// One place further down, both in the scenario and in the names of streams.
    pub(super) fn down(&mut self, index: usize, work: impl FnOnce(&mut Self)) {
        self.trail.push(index.to_string());
        self.wiring.enter_index(index);
        work(self);
        self.wiring.leave();
        self.trail.pop();
    }

    /// The body of a step: its last positional argument.
    pub(super) fn body(&mut self, place: usize, steps: &[Step]) {
        self.down(place, |this| this.steps(steps));
    }

    /// A list of steps under an option.
    pub(super) fn branch(&mut self, place: usize, name: &str, steps: &[Step]) {
        self.trail.push(name.into());
        self.wiring.enter_index(place);
        self.wiring.enter_name(name);
        self.steps(steps);
        self.wiring.leave();
        self.wiring.leave();
        self.trail.pop();
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Work(dist) => {
                let work = self.sampler(dist, "work");
                self.emit(match self.importance {
                    0 => Op::Work(work),
                    importance => Op::WorkAhead { work, importance },
                });
            }
            Step::Wait(dist) => {
                let sampler = self.sampler(dist, "wait");
                self.emit(Op::Wait(sampler));
            }
            Step::Call(target, options) => self.call(target, options),
            Step::Do(store, statements) => self.statements(store, statements),
            Step::Scatter(target, options, statements) => self.scatter(target, options, statements),
            Step::Batch(store, options, statements) => self.batch(store, options, statements),
            Step::Read(draw, options) => self.read(draw, options),
            Step::Put(draw, options) => self.put(draw, options),
            Step::Forget(draw, options) => self.forget(draw, options),
            Step::Publish(topic, options) => {
                self.call_op(topic, "publish", options, Argument::None)
            }
            Step::Count(name) => {
                let counter = self.wiring.builder.shared_counter(name);
                self.emit(Op::Count(counter));
            }
            Step::Chance(share, body, options) => {
                let coin = Coin { probability: share.0, stream: self.stream("chance") };
                let toss = |otherwise| Op::Toss { coin, otherwise };
                self.choice(toss, (1, body), (2, &options.r#else));
            }
            Step::If(text, body, options) => {
                let condition = self.condition(text);
                let test = |otherwise| Op::Test { condition: condition.clone(), otherwise };
                self.choice(test, (1, body), (2, &options.r#else));
            }
            Step::Deny(_) => drop(self.emit(Op::Throw(Outcome::Denied))),
            Step::Fail(_) => drop(self.emit(Op::Throw(Outcome::Failed))),
            Step::Reply => drop(self.emit(Op::Reply)),
            Step::Hold(room, options, body) => self.hold(room, options, body),
            Step::Lock(store, options, body) => self.hold(store, options, body),
            Step::Transaction(store, options, body) => self.transaction(store, options, body),
            Step::Try(body, options) => self.try_step(body, options),
            Step::Parallel(options, bodies) => self.parallel(options, bodies),
            Step::Each(log, options, body) => self.each(log, options, body),
            Step::Repeat(times, body) => self.repeat(times, body),
            Step::Flow(name) => self.inline(name),
        }
    }

    fn stream(&mut self, purpose: &str) -> StreamId {
        let owner = self.wiring.builder.name(self.me);
        let purpose = format!("{} {purpose}", self.trail.join("."));
        self.wiring.builder.stream(&owner, &purpose)
    }

    fn sampler(&mut self, dist: &Dist, purpose: &str) -> Sampler {
        let stream = self.stream(purpose);
        Sampler { dist: self.wiring.dist(dist), stream }
    }

    fn condition(&mut self, text: &str) -> Condition {
        let names = Names { draws: &self.wiring.draws, variables: &self.variables };
        Condition::parse(text, &names).unwrap_or_else(|why| {
            self.wiring.problem(why);
            Condition::always()
        })
    }

    pub(super) fn expr(&mut self, text: &str) -> Expr {
        let names = Names { draws: &self.wiring.draws, variables: &self.variables };
        Expr::parse(text, &names).unwrap_or_else(|why| {
            self.wiring.problem(why);
            Expr::number(0)
        })
    }

    /// The place of a variable, new or known.
    pub(super) fn variable(&mut self, name: &str) -> u8 {
        if let Some(place) = self.variables.iter().position(|known| known == name) {
            return place as u8;
        }
        if self.variables.len() == VARIABLES {
            let known = self.variables.join("`, `");
            self.wiring.problem(format!("a fifth variable `{name}`: a flow has four, `{known}`"));
            return 0;
        }
        self.variables.push(name.into());
        self.variables.len() as u8 - 1
    }

    /// The channel to a component under the policies and timeout given.
    pub(super) fn channel(&mut self, callee: &str, options: &CallOptions) -> Option<u16> {
        self.channel_for(callee, options, "")
    }

    /// As [`Compiler::channel`]; another `usage` has a channel of its own.
    pub(super) fn channel_for(
        &mut self,
        callee: &str,
        options: &CallOptions,
        usage: &'static str,
    ) -> Option<u16> {
        let key = (callee.to_string(), options.policy.clone(), options.timeout, usage);
        if let Some(index) = self.channels.iter().position(|known| *known == key) {
            return Some(index as u16);
        }
        let group = self.wiring.group(callee)?;
        if let Some(name) = &options.policy
            && !self.wiring.policies.contains_key(name)
        {
            let known: Vec<&str> = self.wiring.policies.keys().map(String::as_str).collect();
            let help = did_you_mean(name, &known);
            self.wiring.problem_with(format!("there is no policy `{name}`"), help);
        }
        let name = options.policy.as_deref().unwrap_or(callee);
        let mut policy = self.wiring.policy(name);
        if usage == INSIDE {
            let Policy { timeout, total, .. } = policy;
            policy = Policy { timeout, total, cancel: Some(true), ..Policy::default() };
        }
        let purpose = format!("channel {}", self.channels.len());
        let mut channel = Channel::build(self.wiring, self.me, group, &policy, &purpose);
        if let Some(timeout) = options.timeout {
            channel.set_timeout(timeout.0);
        }
        if let Some(copies) = self.wiring.offers[callee].copies.clone() {
            let route = Route::new(callee, &copies, usage == READS, self.wiring);
            channel.route = Some(Box::new(route));
        }
        if let Some(pool) = self.pool(callee, name, &policy) {
            channel.pool = Some(pool);
        }
        self.program.channels.push(channel);
        self.channels.push(key);
        Some(self.channels.len() as u16 - 1)
    }

    /// `"shop.buy"`, checked against what `shop` offers.
    pub(super) fn operation(&mut self, target: &str) -> Option<(String, OpId)> {
        let Some((callee, operation)) = target.split_once('.') else {
            self.wiring.problem_with(
                format!("`{target}` names no operation"),
                Some(format!("write `{target}.OPERATION`")),
            );
            return None;
        };
        self.wiring.group(callee)?;
        if !self.wiring.knows_operation(callee, operation) {
            return None;
        }
        let op = self.wiring.builder.op(target);
        Some((callee.into(), op))
    }

    fn call(&mut self, target: &str, options: &CallOptions) {
        let Some((callee, op)) = self.operation(target) else { return };
        let record = self.journey.then(|| self.wiring.builder.operation(target));
        self.question(&callee, op, options, Argument::None, record);
    }

    /// An operation that a kind of component always has: `publish` of a topic.
    fn call_op(&mut self, callee: &str, name: &str, options: &CallOptions, arg: Argument) {
        if let Some((callee, op)) = self.operation(&format!("{callee}.{name}")) {
            self.question(&callee, op, options, arg, None);
        }
    }

    fn question(
        &mut self,
        callee: &str,
        op: OpId,
        options: &CallOptions,
        arg: Argument,
        record: Option<OperationId>,
    ) {
        let Some(channel) = self.channel(callee, options) else { return };
        let into = options.into.as_deref().map(|name| self.variable(name));
        self.emit(Op::Call(Call { channel, op, arg, into, record }));
    }

    /// A transaction, registered with the store that executes it.
    pub(super) fn procedure(
        &mut self,
        store: &str,
        procedure: Procedure,
        arg: Argument,
        into: Option<String>,
    ) {
        let writes = procedure.statements.iter().any(|named| named.asked.writes());
        let copied = self.wiring.offers.get(store).is_some_and(|offer| offer.copies.is_some());
        let usage = if copied && !writes { READS } else { "" };
        let op = self.registered(store, procedure);
        let Some(channel) = self.channel_for(store, &CallOptions::default(), usage) else { return };
        let into = into.as_deref().map(|name| self.variable(name));
        self.emit(Op::Call(Call { channel, op, arg, into, record: None }));
    }
    /// The operation by which flows ask a store for `procedure`.
    pub(super) fn registered(&mut self, store: &str, procedure: Procedure) -> OpId {
        let known = self.wiring.procedures.entry(store.into()).or_default();
        if let Some((op, _)) = known.iter().find(|(_, known)| **known == procedure) {
            return *op;
        }
        let op = self.wiring.builder.op(&format!("{store}.do#{}", known.len()));
        known.push((op, Rc::new(procedure)));
        op
    }
}
