//! Reads: from as many replicas as must agree, near ones first; those that are behind are repaired
//! before the answer.

use engine::{Answer, Cx, Key, Outcome};

use super::cell::Cell;
use super::node::{Node, Timer};
use super::question::{Phase, Question, one};

impl Node {
    /// Asks as many replicas of those that are `up` as must agree.
    pub(super) fn read(&mut self, key: Key, up: u8, cx: &mut Cx<'_, Self>) {
        cx.after_fixed(self.rules.read_timeout, Timer::Over(key));
        let needed = self.questions.get(key).expect("it has just begun").needed;
        for _ in 0..needed {
            self.ask_another(key, up, cx);
        }
        if let Some(patience) = self.patient_for.filter(|_| up.count_ones() > needed.into()) {
            cx.after(patience, Timer::Hurry(key));
        }
    }

    /// Asks one more of those that are `up`, if there is one: this node itself, or one of its own
    /// zone, or any; of several that are equally near, chance decides.
    fn ask_another(&mut self, key: Key, up: u8, cx: &mut Cx<'_, Self>) -> bool {
        let question = self.questions.get(key).expect("it asks somebody");
        let (me, replicas, fresh) = (self.rules.me, question.replicas, up & !question.asked);
        let distance = |place: u8| match replicas.member(place) {
            member if member == me => 0,
            member => 1 + u8::from(!self.rules.places.near(me, member)),
        };
        let there = |place: &u8| fresh & one(*place) != 0;
        let least = (0..replicas.len()).filter(there).map(distance).min();
        let Some(least) = least else { return false };
        let nearest = (0..replicas.len()).filter(there).filter(|place| distance(*place) == least);
        let count = nearest.clone().count() as u32;
        let lot = if count > 1 { cx.below(self.rules.stream, count) } else { 0 };
        let place = nearest.clone().nth(lot as usize).expect("the lot is below their number");
        self.ask(key, place, cx);
        true
    }

    /// A read takes long: another replica may be faster.
    pub(super) fn hurry(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let Some(question) = self.questions.get(key) else { return };
        if question.phase != Phase::Read {
            return;
        }
        let up = self.up(&question.replicas, cx);
        if self.ask_another(key, up, cx) {
            cx.count(self.rules.counters.speculated, 1);
        }
    }

    /// A replica has answered, or will not: whether that is enough.
    pub(super) fn heard_some(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let question = *self.questions.get(key).expect("who answers is asked by a question");
        if question.answers() < question.needed {
            return;
        }
        self.leave(key, cx);
        if question.phase == Phase::Read {
            self.patience.took(cx.now().since(question.since));
        }
        let heard = || (0..question.replicas.len()).filter(|it| question.answered & one(*it) != 0);
        let cell = |place: u8| question.heard[usize::from(place)];
        let newest = heard().map(cell).max().expect("at least one has answered");
        let behind = heard().filter(|place| cell(*place) < newest);
        let behind = behind.fold(0, |set, place| set | one(place));
        match question.phase {
            Phase::Read if behind != 0 => {
                cx.count(self.rules.counters.mismatches, 1);
                self.next_phase(key, Phase::ReadInFull, question.answered, cx);
            }
            Phase::ReadInFull if behind != 0 && self.rules.repair => {
                self.questions.get_mut(key).expect("it was there").row.cell = newest;
                cx.count(self.rules.counters.repaired, behind.count_ones().into());
                self.next_phase(key, Phase::Repair, behind, cx);
            }
            Phase::Repair => self.found(key, question.row.cell, cx),
            _ => self.found(key, newest, cx),
        }
    }

    /// Asks these replicas again, and waits for all of them.
    fn next_phase(&mut self, key: Key, phase: Phase, who: u8, cx: &mut Cx<'_, Self>) {
        let question = self.questions.get_mut(key).expect("it goes on");
        (question.phase, question.asked, question.answered) = (phase, 0, 0);
        question.needed = who.count_ones() as u8;
        let places = question.replicas.len();
        for place in (0..places).filter(|place| who & one(*place) != 0) {
            self.ask(key, place, cx);
        }
    }

    /// Answers a read with what was found; whether that is the past is looked up and counted.
    fn found(&mut self, key: Key, cell: Cell, cx: &mut Cx<'_, Self>) {
        let Some(Question { call, row, known, .. }) = self.questions.remove(key) else { return };
        let kept = self.rules.tables[usize::from(row.table)];
        let now = kept.acknowledged(row.key, cx.ledger());
        let written = cx.ledger().read(kept.rows, row.key).map_or(0, |row| row.version);
        // Only what has been acknowledged has a version. What has not may be the next one.
        let version = match cell.cmp(&now) {
            std::cmp::Ordering::Less => written.saturating_sub(1),
            std::cmp::Ordering::Equal => written,
            std::cmp::Ordering::Greater => written + 1,
        };
        if cell < known {
            cx.count(self.rules.counters.stale, 1);
            cx.ledger().stale(kept.rows, row.key, version);
        }
        let (value, outcome) = match kept.exists(row.key, cell) {
            true => (cell.value, Outcome::Done),
            false => (0, Outcome::Denied),
        };
        cx.reply(call, Answer { value, version, outcome, more: false });
    }
}
