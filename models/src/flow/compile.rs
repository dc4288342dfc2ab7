//! From steps to a program. Handlers are emitted before the body they guard, so that every
//! instruction knows its own when it is written.

use std::rc::Rc;

use engine::chance::{Coin, Sampler, StreamId};
use engine::{ComponentId, OpId, OperationId, Outcome};

use super::expr::{Condition, Expr, Names, VARIABLES};
use super::program::{Argument, Call, Instruction, NOWHERE, Op, Place, Program, SLOTS, Source};
use super::spec::{
    CallOptions, EachOptions, HoldOptions, ParallelOptions, ReadOptions, Step, TryOptions, WaitFor,
};
use crate::channel::Channel;
use crate::dist::Dist;
use crate::procedure::Procedure;
use crate::units::Dur;
use crate::wiring::{Wiring, did_you_mean};

/// Compiles the flows of one component.
pub struct Compiler<'w, 'a> {
    pub(super) wiring: &'w mut Wiring<'a>,
    me: ComponentId,
    /// Journeys record what their calls take; services do not.
    journey: bool,
    program: Program,
    /// What distinguishes the channels of `program`: callee, policy, timeout.
    channels: Vec<(String, Option<String>, Option<Dur>)>,
    pub(super) variables: Vec<String>,
    /// Names of the flows being inlined: a flow may not contain itself.
    inlining: Vec<String>,
    rescue: Place,
    holds: usize,
    loops: usize,
    /// Where in the flow: names the streams of chance.
    trail: Vec<String>,
}

impl<'w, 'a> Compiler<'w, 'a> {
    /// For the flows of `me`.
    pub fn new(wiring: &'w mut Wiring<'a>, me: ComponentId, journey: bool) -> Self {
        Compiler {
            wiring,
            me,
            journey,
            program: Program::default(),
            channels: Vec::new(),
            variables: Vec::new(),
            inlining: Vec::new(),
            rescue: NOWHERE,
            holds: 0,
            loops: 0,
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

    /// Compiles one flow; `name` is its place in the scenario, for streams and problems.
    pub fn flow(&mut self, name: &str, steps: &[Step]) -> Place {
        self.variables.clear();
        self.trail = vec![name.into()];
        let entry = self.here();
        self.steps(steps);
        self.emit(Op::End);
        entry
    }

    fn here(&self) -> Place {
        self.program.code.len() as Place
    }

    fn emit(&mut self, op: Op) -> Place {
        let place = self.here();
        self.program.code.push(Instruction { op, rescue: self.rescue });
        place
    }

    /// Rewrites an instruction whose destination was not known when it was emitted.
    fn patch(&mut self, place: Place, op: Op) {
        self.program.code[place as usize].op = op;
    }

    fn steps(&mut self, steps: &[Step]) {
        for (index, step) in steps.iter().enumerate() {
            self.down(index, |this| this.step(step));
        }
    }

    /// One place further down, both in the scenario and in the names of streams.
    fn down(&mut self, index: usize, work: impl FnOnce(&mut Self)) {
        self.trail.push(index.to_string());
        self.wiring.enter_index(index);
        work(self);
        self.wiring.leave();
        self.trail.pop();
    }

    /// The body of a step: its last positional argument.
    fn body(&mut self, place: usize, steps: &[Step]) {
        self.down(place, |this| this.steps(steps));
    }

    /// A list of steps under an option.
    fn branch(&mut self, place: usize, name: &str, steps: &[Step]) {
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
                let sampler = self.sampler(dist, "work");
                self.emit(Op::Work(sampler));
            }
            Step::Wait(dist) => {
                let sampler = self.sampler(dist, "wait");
                self.emit(Op::Wait(sampler));
            }
            Step::Call(target, options) => self.call(target, options),
            Step::Do(store, statements) => self.statements(store, statements),
            Step::Read(draw, options) => self.read(draw, options),
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
    fn channel(&mut self, callee: &str, options: &CallOptions) -> Option<u16> {
        let key = (callee.to_string(), options.policy.clone(), options.timeout);
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
        let policy = self.wiring.policy(options.policy.as_deref().unwrap_or(callee));
        let purpose = format!("channel {}", self.channels.len());
        let mut channel = Channel::build(self.wiring, self.me, group, &policy, &purpose);
        if let Some(timeout) = options.timeout {
            channel.set_timeout(timeout.0);
        }
        self.program.channels.push(channel);
        self.channels.push(key);
        Some(self.channels.len() as u16 - 1)
    }

    /// `"shop.buy"`, checked against what `shop` offers.
    fn operation(&mut self, target: &str) -> Option<(String, OpId)> {
        let Some((callee, operation)) = target.split_once('.') else {
            self.wiring.problem_with(
                format!("`{target}` names no operation"),
                Some(format!("write `{target}.OPERATION`")),
            );
            return None;
        };
        self.wiring.group(callee)?;
        let offered = &self.wiring.offers[callee].operations;
        if !offered.iter().any(|known| known == operation) {
            let known: Vec<&str> = offered.iter().map(String::as_str).collect();
            let help = did_you_mean(operation, &known)
                .or_else(|| Some(format!("`{callee}` offers: {}", known.join(", "))));
            let message = format!("`{callee}` has no operation `{operation}`");
            self.wiring.problem_with(message, help);
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
        let known = self.wiring.procedures.entry(store.into()).or_default();
        let same = known.iter().find(|(_, known)| **known == procedure).map(|(op, _)| *op);
        let op = same.unwrap_or_else(|| {
            let op = self.wiring.builder.op(&format!("{store}.do#{}", known.len()));
            known.push((op, Rc::new(procedure)));
            op
        });
        self.question(store, op, &CallOptions { into, ..CallOptions::default() }, arg, None);
    }

    fn choice(
        &mut self,
        test: impl Fn(Place) -> Op,
        (body_at, body): (usize, &[Step]),
        (else_at, otherwise): (usize, &[Step]),
    ) {
        let start = self.emit(test(0));
        self.body(body_at, body);
        let jump = self.emit(Op::Jump(0));
        let other = self.here();
        self.branch(else_at, "else", otherwise);
        let end = self.here();
        self.patch(start, test(other));
        self.patch(jump, Op::Jump(end));
    }

    /// jump body · handler: caught → denied branch, else branch · body · end
    fn try_step(&mut self, body: &[Step], options: &TryOptions) {
        let start = self.emit(Op::Jump(0));
        let caught = self.emit(Op::Jump(0));
        let denied = self.here();
        if options.denied.is_empty() {
            self.branch(1, "else", &options.r#else);
        } else {
            self.branch(1, "denied", &options.denied);
        }
        let after_denied = self.emit(Op::Jump(0));
        let other = self.here();
        // Streams are named by place: the same branch compiled twice needs two names.
        self.trail.push("other".into());
        self.branch(1, "else", &options.r#else);
        self.trail.pop();
        let after_other = self.emit(Op::Jump(0));
        self.patch(start, Op::Jump(self.here()));
        self.patch(caught, Op::Caught { denied, other });
        let outer = std::mem::replace(&mut self.rescue, caught);
        self.body(0, body);
        self.rescue = outer;
        let end = self.here();
        self.patch(after_denied, Op::Jump(end));
        self.patch(after_other, Op::Jump(end));
    }

    /// acquire · jump body · handler: release, rethrow · body · release
    fn hold(&mut self, place: &str, options: &HoldOptions, body: &[Step]) {
        if self.holds == SLOTS {
            return self.wiring.problem("a fifth thing held at once: a flow holds four at most");
        }
        let slot = self.holds as u8;
        let arg = match &options.key {
            None => Argument::None,
            Some(key) => {
                let draw = self
                    .wiring
                    .at_index(1, |wiring| wiring.at_name("key", |wiring| wiring.draw(key)));
                let lease = options.lease.map(|lease| lease.0);
                Argument::Lock { draw: draw.unwrap_or(0) as u8, lease }
            }
        };
        let Some((callee, op)) = self.operation(&format!("{place}.acquire")) else { return };
        let patience = CallOptions { timeout: options.wait, ..CallOptions::default() };
        let Some(channel) = self.channel(&callee, &patience) else { return };
        self.program.channels[channel as usize].tell_when_leaving();
        let call = Call { channel, op, arg, into: None, record: None };
        self.emit(Op::Acquire { call, slot });
        let start = self.emit(Op::Jump(0));
        let handler = self.emit(Op::Release { slot, channel });
        self.emit(Op::Rethrow);
        self.patch(start, Op::Jump(self.here()));
        let outer = std::mem::replace(&mut self.rescue, handler);
        self.holds += 1;
        self.body(2, body);
        self.holds -= 1;
        self.rescue = outer;
        self.emit(Op::Release { slot, channel });
    }

    /// fork · child: start … end · child: start … end · join
    fn parallel(&mut self, options: &ParallelOptions, bodies: &[Vec<Step>]) {
        let count = bodies.len() as u32;
        let need = match options.wait {
            WaitFor::All => count,
            WaitFor::Any => 1,
            WaitFor::Quorum(need) => need,
        };
        if need > count || (need == 0 && count > 0) {
            self.wiring.problem(format!("waits for {need} of {count} bodies"));
        }
        let fork = self.emit(Op::Start);
        let (outer, held) = (std::mem::replace(&mut self.rescue, NOWHERE), self.holds);
        self.holds = 0;
        let mut children = Vec::new();
        for (index, body) in bodies.iter().enumerate() {
            children.push(self.emit(Op::Start));
            self.down(1, |this| this.down(index, |this| this.steps(body)));
            self.emit(Op::End);
        }
        (self.rescue, self.holds) = (outer, held);
        let timeout = options.timeout.map(|span| span.0);
        let join = self.here();
        self.patch(fork, Op::Fork { children, need, timeout, join });
    }

    fn repeat(&mut self, times: &str, body: &[Step]) {
        if self.loops == SLOTS {
            return self.wiring.problem("loops nest at most four deep");
        }
        let (slot, times) = (self.loops as u8, self.expr(times));
        self.emit(Op::Begin { times, slot });
        let start = self.emit(Op::Start);
        self.loops += 1;
        self.body(1, body);
        self.loops -= 1;
        self.emit(Op::Jump(start));
        let done = self.here();
        self.patch(start, Op::Loop { slot, done });
    }

    /// look up … miss … fill the levels that missed
    fn read(&mut self, draw: &str, options: &ReadOptions) {
        let _ = self.wiring.at_index(0, |wiring| wiring.draw(draw));
        let mut levels = Vec::new();
        for cache in &options.through {
            let Some((callee, get)) = self.operation(&format!("{cache}.get")) else { continue };
            let Some(channel) = self.channel(&callee, &CallOptions::default()) else { continue };
            let put = self.wiring.builder.op(&format!("{cache}.put"));
            let call = Call { channel, op: get, arg: Argument::None, into: None, record: None };
            let lookup = self.emit(Op::Start);
            let hit = self.emit(Op::Jump(0));
            self.patch(lookup, Op::Lookup { call, miss: self.here() });
            levels.push((channel, put, hit));
        }
        self.branch(1, "miss", &options.miss);
        for (channel, op, hit) in levels.into_iter().rev() {
            self.emit(Op::Fill { channel, op });
            self.patch(hit, Op::Jump(self.here()));
        }
    }

    /// read the log · jump loop · child … end · loop: each · mark · take off
    fn each(&mut self, target: &str, options: &EachOptions, body: &[Step]) {
        let Some((store, name)) = target.split_once('.') else {
            return self.wiring.problem(format!("`{target}` is no log: write `STORE.LOG`"));
        };
        if self.wiring.group(store).is_none() {
            return;
        }
        if self.wiring.offered(store, name, "log", |offer| &offer.logs).is_none() {
            return;
        }
        let reads = Procedure::default();
        self.procedure(store, reads.clone(), Argument::None, None);
        let start = self.emit(Op::Jump(0));
        let outer = std::mem::replace(&mut self.rescue, NOWHERE);
        let child = self.emit(Op::Start);
        self.body(2, body);
        self.emit(Op::End);
        self.rescue = outer;
        let log = self.wiring.log(target, 0);
        let reader = self.wiring.builder.group_name(self.me);
        let group = self.wiring.builder.ledger().join(log, &reader);
        let source = Source { log, group, up_to: options.up_to, child };
        let each = self.emit(Op::Start);
        self.patch(start, Op::Jump(each));
        let done = self.here();
        self.procedure(store, reads, Argument::None, None);
        self.emit(Op::TakeOff(source));
        self.patch(each, Op::Each { source, done, none: self.here() });
    }

    fn inline(&mut self, name: &str) {
        let Some(steps) = self.wiring.flows.get(name).cloned() else {
            let known: Vec<&str> = self.wiring.flows.keys().map(String::as_str).collect();
            let help = did_you_mean(name, &known);
            return self.wiring.problem_with(format!("there is no flow `{name}`"), help);
        };
        if self.inlining.iter().any(|outer| outer == name) {
            return self.wiring.problem(format!("the flow `{name}` contains itself"));
        }
        self.inlining.push(name.into());
        self.trail.push(name.into());
        let place = self.wiring.leave_to(&["flows", name]);
        self.steps(&steps);
        self.wiring.return_to(place);
        self.trail.pop();
        self.inlining.pop();
        let age = self.wiring.builder.age(name);
        self.emit(Op::Age(age));
    }
}
