//! What scopes, loops and ends do: forks and their children, holds, records one by one.

use engine::{Answer, Cx, Key, Outcome, Request, Span, Time, Word as _};

use super::expr::Variables;
use super::frame::{Extra, Frame, Host, Join, NO_END, Origin, Token, asked, of_record, question};
use super::machine::{Machine, Over, Step};
use super::program::{MOST_TURNS, Op, Place, Source};
use crate::channel::{Asked, Try};

impl Machine {
    fn variables(&self, key: Key) -> &Variables {
        let extra = self.frames.get(key).and_then(|frame| self.extras.get(frame.extra));
        extra.map_or(&Extra::NONE.variables, |extra| &extra.variables)
    }

    /// The instructions of scopes, loops and ends.
    pub(super) fn rare_step<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let Some(&Frame { pc, request, .. }) = self.frames.get(key) else {
            return Step::Wait;
        };
        match &self.program.code[pc as usize].op {
            Op::Test { condition, otherwise } => {
                let holds = condition.holds(&request, self.variables(key));
                if holds { Step::Next } else { Step::Goto(*otherwise) }
            }
            &Op::WorkAhead { work, importance } => {
                let span = Span::from_f64(cx.sample(work).0 as f64 * self.slowness);
                cx.work_ahead(span, importance, C::timer(Token::Frame(key)));
                Step::Wait
            }
            Op::Begin { times, slot } => {
                let (times, slot) = (times.value(&request, self.variables(key)), *slot as usize);
                self.extra(key).loops[slot] = times.min(MOST_TURNS);
                Step::Next
            }
            &Op::Loop { slot, done } => {
                let left = &mut self.extra(key).loops[slot as usize];
                *left -= 1;
                if *left >= 0 { Step::Next } else { Step::Goto(done) }
            }
            Op::Acquire { .. } => self.ask_to_hold(cx, key),
            Op::Inside { .. } => self.ask_inside(cx, key),
            &Op::Release { slot, channel, unwinds } => {
                let extra = self.extra(key);
                let outcome = if unwinds { extra.pending } else { Outcome::Done };
                let mut hold = std::mem::replace(&mut extra.holds[slot as usize], Try::NONE);
                self.program.channels[channel as usize].let_go(cx, &mut hold);
                if hold.lent {
                    self.bring_back(cx, channel, outcome);
                }
                Step::Next
            }
            &Op::Caught { denied, other } => {
                let pending = self.extra(key).pending;
                Step::Goto(if pending == Outcome::Denied { denied } else { other })
            }
            Op::Rethrow => Step::Throw(self.extra(key).pending),
            Op::TellAll { call } => {
                let frame = self.frames.get(key).expect("in progress");
                let asked = asked(frame, call, &self.extras);
                self.program.channels[call.channel as usize].tell_all(cx, &asked);
                Step::Next
            }
            Op::Throw(outcome) => Step::Throw(*outcome),
            Op::Age(operation) => {
                cx.record(*operation, request.born, request.born, Outcome::Done);
                Step::Next
            }
            Op::Reply => self.reply(cx, key),
            Op::Fork { .. } => self.fork(cx, key),
            Op::Part { .. } => self.part(cx, key),
            Op::Share { .. } => self.share(cx, key),
            Op::Each { .. } => self.each(cx, key),
            &Op::TakeOff(source) => self.take_off(cx, key, source),
            Op::Start => Step::Wait,
            _ => unreachable!("handled by `step`"),
        }
    }

    /// Answers before the flow has ended.
    fn reply<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let frame = self.frames.get_mut(key).expect("in progress");
        if let Origin::Call(call) = Origin::unpack(frame.origin) {
            cx.reply(call, Answer::DONE);
            frame.origin = Origin::Answered.pack();
            // Nobody waits for the rest.
            frame.request.deadline = Time::NEVER;
        }
        Step::Next
    }

    /// Asks the member that has granted something, and no other.
    fn ask_inside<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let frame = self.frames.get(key).expect("in progress");
        let Op::Inside { call, slot } = &self.program.code[frame.pc as usize].op else {
            unreachable!("only what is inside a grant asks there")
        };
        let (asked, channel) = (asked(frame, call, &self.extras), call.channel);
        let held = self.extras.get(frame.extra).expect("it holds a grant");
        let member = held.holds[*slot as usize].member;
        self.ask_member(cx, key, channel, &asked, member)
    }

    /// Asks a certain member, as soon as there is a connection for it.
    pub(super) fn ask_member<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: Key,
        channel: u16,
        asked: &Asked,
        member: u16,
    ) -> Step {
        let frame = self.frames.get_mut(key).expect("in progress");
        let channel = &mut self.program.channels[channel as usize];
        if let Some(pool) = channel.pool
            && !frame.tries.lent
        {
            return self.borrow(cx, key, pool);
        }
        let (ticket, again) = (C::ticket(key), C::timer(Token::Frame(key)));
        match channel.ask_member(cx, asked, member, &mut frame.tries, ticket, again) {
            Ok(()) => Step::Wait,
            Err(answer) => self.conclude(cx, key, answer),
        }
    }

    /// Asks for something to hold. Whoever does not want to wait for long does not wait longer
    /// for a connection and then for what it is about, both together.
    pub(super) fn ask_to_hold<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let frame = self.frames.get_mut(key).expect("in progress");
        let Op::Acquire { call, wait, .. } = &self.program.code[frame.pc as usize].op else {
            unreachable!("only who acquires asks for something to hold")
        };
        if frame.tries.made == 0 && !frame.tries.lent {
            frame.since = cx.now();
        }
        let channel = &mut self.program.channels[call.channel as usize];
        if let Some(pool) = channel.pool
            && !frame.tries.lent
        {
            return self.borrow(cx, key, pool);
        }
        let mut asked = asked(frame, call, &self.extras);
        if let Some(wait) = wait {
            asked.request.deadline = asked.request.deadline.min(frame.since + *wait);
        }
        let (ticket, again) = (C::ticket(key), C::timer(Token::Frame(key)));
        match channel.ask(cx, &asked, &mut frame.tries, ticket, again) {
            Ok(()) => Step::Wait,
            Err(answer) => self.conclude(cx, key, answer),
        }
    }

    /// Starts all children, and waits for them.
    fn fork<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let frame = *self.frames.get(key).expect("in progress");
        let Op::Fork { ref children, timeout, join, .. } = self.program.code[frame.pc as usize].op
        else {
            unreachable!("only a fork forks")
        };
        if children.is_empty() {
            return Step::Goto(join);
        }
        let count = children.len();
        let list = self.spare.pop().unwrap_or_default();
        let id =
            self.joins.insert(Join { parent: key, children: list, done: 0, left: count as u32 });
        self.extra(key).join = id;
        for place in 0..count {
            let Op::Fork { children, .. } = &self.program.code[frame.pc as usize].op else {
                unreachable!("only a fork forks")
            };
            let (entry, origin) = (children[place], Origin::Child(id));
            let child = self.begin_child(cx, key, entry, frame.request, origin);
            self.joins.get_mut(id).expect("just made").children.push(child);
        }
        if let Some(span) = timeout {
            cx.after_fixed(span, C::timer(Token::Join(id)));
        }
        Step::Wait
    }

    /// Asks a certain member.
    fn part<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let frame = self.frames.get(key).expect("in progress");
        let Op::Part { call, member } = &self.program.code[frame.pc as usize].op else {
            unreachable!("only a part asks a certain member")
        };
        let (asked, channel, member) = (asked(frame, call, &self.extras), call.channel, *member);
        self.ask_member(cx, key, channel, &asked, member)
    }

    /// Nobody waits any longer for the children of a fork: what there is may be enough.
    pub(super) fn time_is_up<C: Host>(&mut self, cx: &mut Cx<'_, C>, id: Key) -> Step {
        let Some(&Join { parent, done, .. }) = self.joins.get(id) else { return Step::Wait };
        self.cancel_children(cx, id);
        let pc = self.frames.get(parent).expect("waits for its children").pc;
        let Op::Fork { least, partial, join, .. } = self.program.code[pc as usize].op else {
            unreachable!("only a fork has children")
        };
        if done < least {
            return Step::Throw(Outcome::TimedOut);
        }
        partial.iter().for_each(|counter| cx.count(*counter, 1));
        Step::Goto(join)
    }

    /// A child frame begins with an event of its own, so that no frame runs inside another. It
    /// knows what its parent knows.
    fn begin_child<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        parent: Key,
        entry: Place,
        request: Request,
        origin: Origin,
    ) -> Key {
        let child = self.spawn(cx.now(), entry, request, origin);
        let variables = *self.variables(parent);
        if variables != Extra::NONE.variables {
            self.extra(child).variables = variables;
        }
        cx.after_fixed(Span::ZERO, C::timer(Token::Frame(child)));
        child
    }

    /// The next record of a log, as a child; or on, if there are no more.
    fn each<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) -> Step {
        let pc = self.frames.get(key).expect("in progress").pc;
        let Op::Each { source, done, none } = self.program.code[pc as usize].op else {
            unreachable!("only `Each` goes through records")
        };
        let Source { log, group, up_to, child } = source;
        let ledger = cx.ledger();
        let first = ledger.committed(log, group).max(ledger.first(log));
        let end = ledger.end(log).min(first + u64::from(up_to));
        let extra = self.extra(key);
        if extra.end == NO_END {
            (extra.offset, extra.end) = (first, end);
        }
        if extra.offset >= extra.end {
            let any = extra.offset > first;
            extra.end = NO_END;
            return Step::Goto(if any { done } else { none });
        }
        let offset = extra.offset;
        let Some(record) = cx.ledger().record(log, offset) else {
            // Another reader has taken it off, or a failover has lost it: so much for this batch.
            self.extra(key).end = NO_END;
            return Step::Goto(done);
        };
        let child = self.begin_child(cx, key, child, of_record(record), Origin::Record(key));
        self.extra(key).child = child;
        Step::Wait
    }

    fn take_off<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key, source: Source) -> Step {
        // Others of the same group may have come further meanwhile.
        let Source { log, group, .. } = source;
        let offset = self.extra(key).offset.max(cx.ledger().committed(log, group));
        cx.ledger().commit(log, group, offset);
        Step::Next
    }

    pub(super) fn child_ended<C: Host>(
        &mut self,
        cx: &mut Cx<'_, C>,
        id: Key,
        outcome: Outcome,
    ) -> Over {
        let Some(join) = self.joins.get_mut(id) else { return Over::Nobody };
        join.left -= 1;
        join.done += u32::from(outcome == Outcome::Done);
        let (parent, done, left) = (join.parent, join.done, join.left);
        let frame = self.frames.get_mut(parent).expect("waits for its children");
        let Op::Fork { need, least, partial, join, .. } = self.program.code[frame.pc as usize].op
        else {
            unreachable!("only a fork has children")
        };
        if done >= need || (left == 0 && done >= least) {
            partial.iter().filter(|_| done < need).for_each(|counter| cx.count(*counter, 1));
            frame.pc = join;
            self.cancel_children(cx, id);
            return Over::Frame(parent, None);
        }
        if done + left < least {
            self.cancel_children(cx, id);
            return Over::Frame(parent, Some(outcome));
        }
        Over::Nobody
    }

    /// Ends what is left of a fork: losers hang up on what they wait for.
    pub(super) fn cancel_children<C: Host>(&mut self, cx: &mut Cx<'_, C>, id: Key) {
        let Some(mut join) = self.joins.take(id) else { return };
        join.children.drain(..).for_each(|child| self.kill(cx, child));
        self.spare.push(join.children);
    }

    /// Whoever had granted something has crashed: the flow goes on without noticing, as a program
    /// does that holds a broken connection, but its channel knows.
    #[cold]
    pub(super) fn broken_hold<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) {
        let Some(frame) = self.frames.get(key) else { return };
        let Some(extra) = self.extras.get_mut(frame.extra) else { return };
        let held = extra.holds.iter_mut().filter(|hold| hold.call != Key::NONE);
        for hold in held {
            if !cx.waits(hold.call) {
                self.program.channels[hold.channel as usize].broken(cx, hold);
            }
        }
    }

    /// Ends a frame from outside: nothing more happens in it, and it lets go of everything.
    /// CPU work that it has begun is finished all the same, for nobody.
    pub fn kill<C: Host>(&mut self, cx: &mut Cx<'_, C>, key: Key) {
        let Some(mut frame) = self.frames.remove(key) else { return };
        if let Some(call) = question(&self.program.code[frame.pc as usize].op) {
            let channel = call.channel;
            self.program.channels[channel as usize].abandon(cx, &mut frame.tries);
            if frame.tries.lent {
                self.bring_back(cx, channel, Outcome::Done);
            }
        }
        if let Some(mut extra) = self.extras.remove(frame.extra) {
            self.cancel_children(cx, extra.join);
            self.kill(cx, extra.child);
            for hold in extra.holds.iter_mut().filter(|hold| hold.made > 0) {
                self.program.channels[hold.channel as usize].abandon(cx, hold);
                if hold.lent {
                    self.bring_back(cx, hold.channel, Outcome::Done);
                }
            }
        }
    }
}
