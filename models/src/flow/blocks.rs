//! Compiling the steps that have bodies: branches, scopes, loops, named flows.

use super::compile::Compiler;
use super::program::{Argument, Call, MOST_TURNS, NOWHERE, Op, Place, SLOTS, Source};
use super::spec::{
    CallOptions, EachOptions, HoldOptions, ParallelOptions, Step, TryOptions, WaitFor,
};
use crate::procedure::Procedure;
use crate::units::Dur;
use crate::wiring::did_you_mean;

impl Compiler<'_, '_> {
    pub(super) fn choice(
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
    pub(super) fn try_step(&mut self, body: &[Step], options: &TryOptions) {
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
    pub(super) fn hold(&mut self, place: &str, options: &HoldOptions, body: &[Step]) {
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
        let handler = self.acquire(call, slot, options.wait);
        let outer = std::mem::replace(&mut self.rescue, handler);
        self.holds += 1;
        self.body(2, body);
        self.holds -= 1;
        self.rescue = outer;
        self.emit(Op::Release { slot, channel, unwinds: false });
    }

    /// Asks for something to hold. Gives the handler that lets go of it again when the body that
    /// follows does not end `Done`.
    pub(super) fn acquire(&mut self, call: Call, slot: u8, wait: Option<Dur>) -> Place {
        let channel = call.channel;
        let wait = wait.map(|span| span.0);
        self.emit(Op::Acquire { call, slot, wait });
        let start = self.emit(Op::Jump(0));
        let handler = self.emit(Op::Release { slot, channel, unwinds: true });
        self.emit(Op::Rethrow);
        self.patch(start, Op::Jump(self.here()));
        handler
    }

    /// fork · child: start … end · child: start … end · join
    pub(super) fn parallel(&mut self, options: &ParallelOptions, bodies: &[Vec<Step>]) {
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
        // Children are frames of their own: what the parent holds is not theirs.
        let transactions = std::mem::take(&mut self.transactions);
        self.holds = 0;
        let mut children = Vec::new();
        for (index, body) in bodies.iter().enumerate() {
            children.push(self.emit(Op::Start));
            self.down(1, |this| this.down(index, |this| this.steps(body)));
            self.emit(Op::End);
        }
        (self.rescue, self.holds) = (outer, held);
        self.transactions = transactions;
        let timeout = options.timeout.map(|span| span.0);
        let (join, least) = (self.here(), need);
        self.patch(fork, Op::Fork { children, need, least, partial: None, timeout, join });
    }

    pub(super) fn repeat(&mut self, times: &str, body: &[Step]) {
        if self.loops == SLOTS {
            return self.wiring.problem("loops nest at most four deep");
        }
        let (slot, times) = (self.loops as u8, self.expr(times));
        // What depends on the request counts as one turn here, and is cut when it is known.
        let outer = self.turns;
        self.turns = outer.saturating_mul(times.as_number().unwrap_or(1).max(1));
        if self.turns > MOST_TURNS {
            let message =
                format!("{} turns of a loop; at most {MOST_TURNS} are possible", self.turns);
            self.wiring.problem(message);
        }
        self.emit(Op::Begin { times, slot });
        let start = self.emit(Op::Start);
        self.loops += 1;
        self.body(1, body);
        self.loops -= 1;
        self.turns = outer;
        self.emit(Op::Jump(start));
        let done = self.here();
        self.patch(start, Op::Loop { slot, done });
    }

    /// read the log · jump loop · child … end · loop: each · mark · take off
    pub(super) fn each(&mut self, target: &str, options: &EachOptions, body: &[Step]) {
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
        let transactions = std::mem::take(&mut self.transactions);
        let child = self.emit(Op::Start);
        self.body(2, body);
        self.emit(Op::End);
        self.rescue = outer;
        self.transactions = transactions;
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

    pub(super) fn inline(&mut self, name: &str) {
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
