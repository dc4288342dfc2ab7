//! Writes of the application: here only, through to the store, or behind it.

use engine::{Answer, CallId, Cx, Outcome};

use super::behind::Dirty;
use super::kept::AHEAD;
use super::loading::answer;
use super::node::{BEHIND, CacheNode, THROUGH, Timer};
use super::reading::told;
use super::rules::{Behind, Writes};
use crate::flow::machine::{Ended, Found, Origin, of_record};

impl CacheNode {
    /// The application writes a value.
    pub(super) fn set(
        &mut self,
        call: CallId,
        key: u64,
        found: Found,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        cx.count(self.rules.counters.writes, 1);
        let (request, by, value) = (cx.request(call), self.filler(call, cx), found.value);
        match self.rules.writes {
            Writes::Here => {
                let kept = self.set_here(key, found, by.tag, cx);
                let outcome = if kept { Outcome::Done } else { Outcome::Failed };
                cx.reply(call, Answer { outcome, ..told(found) });
                None
            }
            Writes::Through(place) => {
                let number = self.loads.begin(key, call, by, cx.now());
                let origin = Origin::Host(THROUGH | number);
                self.machine.start_with(cx, place, request, origin, &[value, 1])
            }
            Writes::Behind(behind) => {
                let request = of_record(request);
                let dirty = Dirty { key, request, value, writes: 1 };
                self.set_behind(call, behind, dirty, cx);
                None
            }
        }
    }

    /// Puts a written value in, and gives it to those who wait for the key; what somebody fetches
    /// meanwhile is old. False if it is refused: there is no room, and nothing may go.
    fn set_here(&mut self, key: u64, found: Found, tag: u32, cx: &mut Cx<'_, Self>) -> bool {
        self.depth.filled(key);
        let kept = self.keep(key, found, tag, cx);
        self.answer_waiters(key, told(found), cx);
        self.fills.void(key, cx.now());
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
        self.set_here(load.key, end.found, load.by.tag, cx);
        answer(load.call, told(end.found), cx);
        None
    }

    fn set_behind(&mut self, call: CallId, behind: Behind, dirty: Dirty, cx: &mut Cx<'_, Self>) {
        if !self.buffer.waits(dirty.key) && self.buffer.len() >= behind.queue {
            let oldest = if behind.drops { self.buffer.drop_oldest() } else { None };
            let Some(oldest) = oldest else {
                cx.turned_away();
                return cx.reply(call, Answer::of(Outcome::Shed));
            };
            self.give_up(oldest, behind, cx);
        }
        cx.ledger().append(behind.log, dirty.request);
        self.buffer.write(dirty);
        let (tag, found) =
            (self.tag_of(&dirty.request), Found { value: dirty.value, version: AHEAD });
        self.set_here(dirty.key, found, tag, cx);
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
            cx.ledger().promise(behind.log, dirty.request.root, u64::from(dirty.writes));
            let ended = self.machine.start_with(cx, behind.place, dirty.request, origin, &values);
            if let Some(end) = ended {
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
        let dirty = self.buffer.ended(number, over);
        cx.ledger().promise_over(behind.log, dirty.request.root);
        match end.outcome {
            Outcome::Done => {
                cx.count(self.rules.counters.written, 1);
                if self.buffer.value(dirty.key).is_none() {
                    self.kept.settle(dirty.key, end.found.version);
                }
                self.commit(behind, cx);
            }
            Outcome::Denied => self.give_up(dirty, behind, cx),
            _ => {}
        }
    }

    /// Writes that will never reach the store, although they were acknowledged. What they wrote is
    /// not served any more, unless something else has been written since.
    fn give_up(&mut self, dirty: Dirty, behind: Behind, cx: &mut Cx<'_, Self>) {
        cx.count(self.rules.counters.dropped, u64::from(dirty.writes));
        cx.ledger().give_up(behind.log, u64::from(dirty.writes));
        if !self.buffer.waits(dirty.key) {
            self.kept.disown(dirty.key);
        }
        self.commit(behind, cx);
    }

    fn commit(&mut self, behind: Behind, cx: &mut Cx<'_, Self>) {
        let (ledger, log) = (cx.ledger(), behind.log);
        let safe = ledger.end(log).saturating_sub(self.buffer.writes());
        ledger.commit(log, behind.group, safe);
    }
}
