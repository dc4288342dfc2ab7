//! Writes of the application: here only, through to the store, or behind it.

use engine::{Answer, CallId, Cx, Outcome};

use super::behind::Dirty;
use super::kept::AHEAD;
use super::loading::answer;
use super::node::{BEHIND, CacheNode, THROUGH, Timer};
use super::reading::from_fill_word;
use super::rules::{Behind, Writes};
use crate::flow::machine::{Ended, Origin, of_record};

impl CacheNode {
    /// The application writes a value.
    pub(super) fn set(
        &mut self,
        call: CallId,
        key: u64,
        word: i64,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        cx.count(self.rules.counters.writes, 1);
        let (value, version) = from_fill_word(word);
        let request = cx.request(call);
        let tag = self.tag_of(&request);
        match self.rules.writes {
            Writes::Here => {
                let kept = self.set_here(key, value, version, tag, cx);
                let outcome = if kept { Outcome::Done } else { Outcome::Failed };
                cx.reply(call, Answer { value, version, ..Answer::of(outcome) });
                None
            }
            Writes::Through(place) => {
                let number = self.loads.begin(key, call, tag);
                let origin = Origin::Host(THROUGH | number);
                self.machine.start_with(cx, place, request, origin, &[value, 1]).1
            }
            Writes::Behind(behind) => {
                let request = of_record(request);
                let dirty = Dirty { key, request, value, writes: 1 };
                self.set_behind(call, behind, dirty, cx);
                None
            }
        }
    }

    /// Puts a written value in, and gives it to those who wait for the key. False if it is
    /// refused: there is no room, and nothing may go.
    fn set_here(
        &mut self,
        key: u64,
        value: i64,
        version: u32,
        tag: u32,
        cx: &mut Cx<'_, Self>,
    ) -> bool {
        self.depth.filled(key);
        let kept = self.keep(key, value, version, tag, cx);
        while let Some(waiter) = self.fills.filled(key) {
            answer(waiter, Answer { value, version, ..Answer::DONE }, cx);
        }
        kept.is_some()
    }

    /// The store has the value, or not.
    pub(super) fn written_through(
        &mut self,
        number: u32,
        end: Ended,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        let load = self.loads.end(number);
        if end.outcome != Outcome::Done {
            answer(load.call, Answer::of(end.outcome), cx);
            return None;
        }
        cx.count(self.rules.counters.written, 1);
        let (value, version) = from_fill_word(end.found);
        self.set_here(load.key, value, version, load.tag, cx);
        answer(load.call, Answer { value, version, ..Answer::DONE }, cx);
        None
    }

    fn set_behind(&mut self, call: CallId, behind: Behind, dirty: Dirty, cx: &mut Cx<'_, Self>) {
        if self.buffer.is_new(dirty.key) && self.buffer.waiting() >= behind.queue {
            if !behind.drops {
                cx.turned_away();
                return cx.reply(call, Answer::of(Outcome::Shed));
            }
            let gone = self.buffer.drop_oldest();
            cx.count(self.rules.counters.dropped, u64::from(gone));
        }
        cx.ledger().append(behind.log, dirty.request);
        self.buffer.write(dirty);
        let tag = self.tag_of(&dirty.request);
        self.set_here(dirty.key, dirty.value, AHEAD, tag, cx);
        cx.reply(call, Answer::done(dirty.value));
        if self.buffer.waiting() >= behind.batch {
            self.flush(behind, cx);
        }
    }

    pub(super) fn flush_is_due(&mut self, cx: &mut Cx<'_, Self>) {
        let Writes::Behind(behind) = self.rules.writes else { return };
        cx.after_fixed(behind.every, Timer::Flush);
        self.flush(behind, cx);
    }

    fn flush(&mut self, behind: Behind, cx: &mut Cx<'_, Self>) {
        if !self.buffer.is_flushing() && self.buffer.waiting() > 0 {
            self.buffer.begin();
            self.flush_more(behind, cx);
        }
    }

    fn flush_more(&mut self, behind: Behind, cx: &mut Cx<'_, Self>) {
        while let Some((number, dirty)) = self.buffer.next(behind.batch) {
            let origin = Origin::Host(BEHIND | number);
            let values = [dirty.value, i64::from(dirty.writes)];
            let started = self.machine.start_with(cx, behind.place, dirty.request, origin, &values);
            if let Some(end) = started.1 {
                self.stored(number, end, behind, cx);
            }
        }
    }

    /// A write of the buffer has ended.
    pub(super) fn written_behind(
        &mut self,
        number: u32,
        end: Ended,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        if let Writes::Behind(behind) = self.rules.writes {
            self.stored(number, end, behind, cx);
            self.flush_more(behind, cx);
        }
        None
    }

    /// What the store denies it will never take; what failed is tried again.
    fn stored(&mut self, number: u32, end: Ended, behind: Behind, cx: &mut Cx<'_, Self>) {
        let over = matches!(end.outcome, Outcome::Done | Outcome::Denied);
        let Some(dirty) = self.buffer.ended(number, over) else { return };
        let counters = self.rules.counters;
        if end.outcome == Outcome::Done {
            cx.count(counters.written, 1);
            if self.buffer.value(dirty.key).is_none() {
                self.kept.settle(dirty.key, from_fill_word(end.found).1);
            }
        } else {
            cx.count(counters.dropped, u64::from(dirty.writes));
        }
        let (ledger, log) = (cx.ledger(), behind.log);
        let safe = ledger.end(log).saturating_sub(self.buffer.writes());
        ledger.commit(log, behind.group, safe);
    }
}
