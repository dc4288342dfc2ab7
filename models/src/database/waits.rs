//! Sessions that wait for a row: for how long, and what ends a circle of them.

use engine::{Answer, CallId, Cx, Key, Outcome, Span};

use super::shard::{Shard, Timer};
use crate::stores::locks::Name;

impl Shard {
    pub(super) fn wait_for(&mut self, key: Key, row: Name, cx: &mut Cx<'_, Self>) {
        self.session(key).waits = Some((row, cx.now()));
        if let Some(limit) = self.rules.lock_timeout {
            cx.after_fixed(limit, Timer::WaitedEnough(key));
        }
        match self.rules.deadlock_after {
            Span::ZERO => self.break_circle(key, cx),
            patience => cx.after_fixed(patience, Timer::LookForDeadlock(key)),
        }
    }

    /// It has waited for a row, perhaps long enough.
    pub(super) fn waited(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let limit = self.rules.lock_timeout.expect("somebody set the timer");
        let waits = self.sessions.get(key).and_then(|session| session.waits);
        if waits.is_some_and(|(_, since)| cx.now().since(since) >= limit) {
            cx.count(self.rules.counters.lock_timeouts, 1);
            self.roll_back(key, cx);
        }
    }

    /// It has waited for a row, perhaps long enough to look whether that is a deadlock.
    pub(super) fn look_for_deadlock(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let waits = self.sessions.get(key).and_then(|session| session.waits);
        if waits.is_some_and(|(_, since)| cx.now().since(since) >= self.rules.deadlock_after) {
            self.break_circle(key, cx);
        }
    }

    /// Follows who waits for whom. Whoever finds itself at the end of the chain is rolled back.
    fn break_circle(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let waits_for = |who: Key| {
            let (row, _) = self.sessions.get(who)?.waits?;
            self.locks.holder(row)
        };
        let mut at = waits_for(key);
        // A circle that this one is not part of is somebody else's to find.
        for _ in 0..self.sessions.len() {
            match at {
                Some(who) if who == key => {
                    cx.count(self.rules.counters.deadlocks, 1);
                    return self.roll_back(key, cx);
                }
                Some(who) => at = waits_for(who),
                None => return,
            }
        }
    }

    /// The server ends a transaction that waits for a row: its locks are free at once.
    pub(super) fn roll_back(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let asked = self.stop_waiting(key);
        cx.reply(asked, Answer::of(Outcome::Failed));
        self.spoil(key, asked, cx);
    }

    pub(super) fn stop_waiting(&mut self, key: Key) -> CallId {
        self.locks.leave_line(key);
        let session = self.session(key);
        session.waits = None;
        std::mem::replace(&mut session.asked, Key::NONE)
    }
}
