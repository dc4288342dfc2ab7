//! Writes: to all replicas at once, answered when enough of them have it; hints for the others.

use engine::ledger::{Statement, Verb};
use engine::{Answer, Ask, Cx, Key, Outcome, Request};

use super::cell::Mutation;
use super::node::{Kept, Node, Ticket, Timer};
use super::question::{Question, one};

impl Node {
    /// Sends a write to the replicas that are `up`; the others get hints.
    pub(super) fn write(&mut self, key: Key, up: u8, cx: &mut Cx<'_, Self>) {
        cx.after_fixed(self.rules.write_timeout, Timer::Over(key));
        let replicas = self.questions.get(key).expect("it has just begun").replicas;
        let all = (0..replicas.len()).fold(0, |set, place| set | one(place));
        for place in (0..replicas.len()).filter(|place| up & one(*place) != 0) {
            self.ask(key, place, cx);
        }
        let question = *self.questions.get(key).expect("nobody has answered yet");
        if self.hint_all(&question, all & !up, cx) {
            self.hinted(key, cx);
        }
    }

    /// A replica has taken a write; or has not, and will hear of it later.
    pub(super) fn wrote(&mut self, key: Key, place: u8, done: bool, cx: &mut Cx<'_, Self>) {
        let question = *self.questions.get(key).expect("who answers is asked by a question");
        if !done && self.hint_all(&question, one(place), cx) {
            self.hinted(key, cx);
        }
        if done && !question.replied && question.answers() >= question.needed {
            self.acknowledge(key, cx);
        }
        let question = self.questions.get(key).expect("it is still there");
        if question.replied && question.is_quiet() {
            self.questions.discard(key);
        }
    }

    /// A hint was kept, which may be enough.
    fn hinted(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        if self.rules.any && self.questions.get(key).is_some_and(|it| !it.replied) {
            self.acknowledge(key, cx);
        }
    }

    /// Enough replicas have it: from now on everybody may expect to read it.
    fn acknowledge(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let question = self.questions.get_mut(key).expect("it has just been answered");
        question.replied = true;
        let &mut Question { call, request, row: Mutation { table, key, cell }, known, .. } =
            question;
        let kept = self.rules.tables[usize::from(table)];
        let Kept { rows, stamps, .. } = kept;
        let now = cx.now();
        if cell > kept.acknowledged(key, cx.ledger()) {
            let verb = |to| Verb::Set { to, if_version: None };
            let set = |table, to| Statement::Table { table, key, verb: verb(to) };
            let statements = [set(rows, cell.value), set(stamps, cell.stamp as i64)];
            cx.ledger().apply(&statements, &request, now);
        }
        if cell < known {
            cx.count(self.rules.counters.lost_updates, 1);
        }
        let version = cx.ledger().read(rows, key).map_or(0, |row| row.version);
        cx.reply(call, Answer { value: cell.value, version, outcome: Outcome::Done, more: false });
    }

    /// Keeps hints for these replicas of a write; whether it kept any.
    pub(super) fn hint_all(&mut self, question: &Question, who: u8, cx: &mut Cx<'_, Self>) -> bool {
        let mut any = false;
        for place in (0..question.replicas.len()).filter(|place| who & one(*place) != 0) {
            any |= self.hint(question.replicas.member(place), question.row, cx);
        }
        any
    }

    fn hint(&mut self, member: u16, row: Mutation, cx: &mut Cx<'_, Self>) -> bool {
        let silent = self.peers.silent_for(member, cx.now());
        let kept = silent <= self.rules.hints.window && self.hints.keep(member, row);
        let counters = self.rules.counters;
        cx.count(if kept { counters.hints } else { counters.hints_refused }, 1);
        kept
    }

    /// Time to look through the hints: all are on disk now, and who is back gets its own.
    pub(super) fn look(&mut self, cx: &mut Cx<'_, Self>) {
        self.hints.flush();
        for member in 0..self.rules.members {
            let idle = self.replaying & 1 << member == 0;
            if idle && self.hints.any(member) && self.peers.up(member, cx.now()) {
                self.replaying |= 1 << member;
                self.replay(member, cx);
            }
        }
        cx.after_fixed(self.rules.hints.every, Timer::Look);
    }

    /// Sends the next hint for `member`, and the one after it a while later.
    pub(super) fn replay(&mut self, member: u16, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let hint = match self.halted & 1 << member == 0 && self.peers.up(member, now) {
            true => self.hints.next(member),
            false => None,
        };
        let Some(row) = hint else {
            self.replaying &= !(1 << member);
            self.halted &= !(1 << member);
            return;
        };
        let internal = Request::internal(self.rules.ops.write, now);
        let request = row.request(self.rules.ops.write, &internal);
        let timeout = Some(self.rules.write_timeout);
        let ask = Ask { request, arg: row.cell.value, timeout, cancel: false };
        let sent = self.sent.insert((member, row));
        cx.call(self.port(member), ask, Ticket::Hint(sent));
        cx.after_fixed(self.rules.hints.gap, Timer::Replay(member.into()));
    }

    /// A hint was taken; or was not, and waits for another time.
    pub(super) fn hint_returned(&mut self, sent: Key, answer: &Answer, cx: &mut Cx<'_, Self>) {
        let Some((member, hint)) = self.sent.remove(sent) else { return };
        if answer.outcome == Outcome::Done {
            return cx.count(self.rules.counters.hints_replayed, 1);
        }
        self.hints.back(member, hint);
        self.halted |= self.replaying & 1 << member;
    }
}
