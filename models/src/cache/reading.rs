//! Gets and puts: hits, misses and their causes, refreshes, and who is to fetch what.

use engine::{Answer, CallId, Cx, Outcome, Span, Time};

use super::fates::Cause;
use super::fills::{Lease, Miss};
use super::kept::{ABSENT, AHEAD, Entry};
use super::node::{CacheNode, Timer};
use crate::flow::machine::Ended;

/// Whether somebody in line is still there. Clients wait by asking again and again: who has given
/// up does not ask any more, whether it said so or not.
fn waits(call: CallId, cx: &mut Cx<'_, CacheNode>) -> bool {
    if !cx.holds(call) {
        return false;
    }
    let left = cx.has_left(call);
    if left {
        cx.let_go(call);
    }
    !left
}

/// The answer to a `get` that says: this key is known not to be there.
const NOTHING: i64 = 1;

/// Whether an answer to a `get` says that there is no such row, which is not a miss.
pub fn is_nothing(answer: &Answer) -> bool {
    answer.outcome == Outcome::Denied && answer.value == NOTHING
}

/// The argument of a `put`: a value and the version of the row it was read from. Values beyond 32
/// bits are cut to the nearest one that fits.
pub fn fill_word(value: i64, version: u32) -> i64 {
    let value = value.clamp(i64::from(i32::MIN), i64::from(i32::MAX));
    value << 32 | i64::from(version)
}

/// The value and the version in a [`fill_word`].
pub fn from_fill_word(word: i64) -> (i64, u32) {
    (word >> 32, word as u32)
}

/// What a caller is told of an entry.
pub(super) fn told(entry: Entry) -> Answer {
    match entry.version {
        ABSENT => Answer { value: NOTHING, ..Answer::of(Outcome::Denied) },
        version => Answer { value: entry.value, version, ..Answer::DONE },
    }
}

impl CacheNode {
    #[inline]
    pub(super) fn get(&mut self, call: CallId, key: u64, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        match self.kept.get(key, cx.now()) {
            Ok(entry) => self.found(call, key, entry, cx),
            Err(cause) => self.miss(call, key, cause, cx),
        }
    }

    fn hit(&mut self, call: CallId, key: u64, entry: Entry, cx: &mut Cx<'_, Self>) {
        cx.count(self.rules.counters.hits, 1);
        self.lately[0] += 1;
        self.look_back(key, entry, cx);
        if self.rules.life.sliding {
            let until = self.until(self.rules.life.ttl, cx);
            self.kept.prolong(key, until);
        }
        cx.reply(call, told(entry));
    }

    /// Counts what is older than the row.
    pub(super) fn look_back(&mut self, key: u64, entry: Entry, cx: &mut Cx<'_, Self>) {
        let version = if entry.version == ABSENT { 0 } else { entry.version };
        if let Some(table) = self.table
            && cx.ledger().stale(table, key, version)
        {
            cx.count(self.rules.counters.stale, 1);
        }
    }

    /// There is an entry: a hit, unless this caller is to fetch the value all the same. It has
    /// outlived its time or is due for a refresh and nobody fetches yet, or chance says that it is
    /// early but time.
    #[inline]
    fn found(
        &mut self,
        call: CallId,
        key: u64,
        entry: Entry,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        let (now, life) = (cx.now(), self.rules.life);
        let due = life.refresh.is_some_and(|after| now >= entry.born + after);
        if entry.until <= now || due {
            return match self.fills.begin_first(key) {
                Some(lease) => self.refresh(call, key, entry, lease, cx),
                None => {
                    self.hit(call, key, entry, cx);
                    None
                }
            };
        }
        if life.early.is_zero() || entry.until == Time::NEVER || !self.is_early(entry.until, cx) {
            self.hit(call, key, entry, cx);
            return None;
        }
        if self.rules.load.is_some() {
            let lease = self.fills.begin_first(key);
            if let Some(lease) = lease {
                return self.refresh(call, key, entry, lease, cx);
            }
            self.hit(call, key, entry, cx);
            return None;
        }
        cx.count(self.rules.counters.refreshed, 1);
        self.answer_miss(call, key, cx);
        None
    }

    fn is_early(&mut self, until: Time, cx: &mut Cx<'_, Self>) -> bool {
        let ahead = self.rules.life.early.0 as f64 * cx.exponential(self.rules.stream);
        cx.now() + Span::from_f64(ahead) >= until
    }

    /// The value is fetched again: by the node, if it knows how to, while the caller gets the old
    /// one; else by the caller.
    fn refresh(
        &mut self,
        call: CallId,
        key: u64,
        entry: Entry,
        lease: Lease,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        cx.count(self.rules.counters.refreshed, 1);
        if self.rules.load.is_none() {
            self.let_fill(call, key, lease, cx);
            return None;
        }
        let request = cx.request(call);
        self.hit(call, key, entry, cx);
        cx.after_fixed(self.rules.fill, Timer::RunOut(lease));
        self.depth.missed(key, cx.now());
        self.load(CallId::NONE, key, request, cx)
    }

    fn miss(
        &mut self,
        call: CallId,
        key: u64,
        cause: Cause,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        if let Some(value) = self.buffer.value(key) {
            // It had to go from the cache, but the store does not have it yet.
            let (until, born, tag) = (Time::NEVER, cx.now(), 0);
            self.hit(call, key, Entry { value, until, born, version: AHEAD, tag }, cx);
            return None;
        }
        let counters = self.rules.counters;
        let counter = match cause {
            Cause::Cold => counters.cold,
            Cause::Capacity => counters.capacity,
            Cause::Expired => counters.expired,
            Cause::Forgotten => counters.forgotten,
            Cause::Lost => counters.lost,
            Cause::Moved => counters.moved,
        };
        cx.count(counter, 1);
        if !self.rules.coalesce {
            return self.send(call, key, cx);
        }
        match self.fills.miss(key, call) {
            Miss::Fills(lease) => self.let_fill(call, key, lease, cx),
            Miss::Waits => {
                cx.count(counters.coalesced, 1);
                None
            }
        }
    }

    /// A miss: the caller is to fetch the value and to put it here while its lease lasts; or the
    /// node fetches it for the caller.
    fn let_fill(
        &mut self,
        call: CallId,
        key: u64,
        lease: Lease,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        cx.after_fixed(self.rules.fill, Timer::RunOut(lease));
        self.send(call, key, cx)
    }

    fn send(&mut self, call: CallId, key: u64, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        if self.rules.load.is_none() {
            self.answer_miss(call, key, cx);
            return None;
        }
        cx.count(self.rules.counters.misses, 1);
        self.lately[1] += 1;
        self.depth.missed(key, cx.now());
        let request = cx.request(call);
        self.load(call, key, request, cx)
    }

    fn answer_miss(&mut self, call: CallId, key: u64, cx: &mut Cx<'_, Self>) {
        cx.count(self.rules.counters.misses, 1);
        self.lately[1] += 1;
        self.depth.missed(key, cx.now());
        cx.reply(call, Answer::of(Outcome::Denied));
    }

    /// When what is put in now runs out.
    pub(super) fn until(&self, ttl: Option<Span>, cx: &mut Cx<'_, Self>) -> Time {
        let Some(ttl) = ttl else { return Time::NEVER };
        let jitter = self.rules.life.jitter;
        if jitter == 0.0 {
            return cx.now() + ttl;
        }
        let spread = jitter * (2.0 * cx.unit(self.rules.stream) - 1.0);
        cx.now() + Span::from_f64(ttl.0 as f64 * (1.0 + spread))
    }

    /// A caller has fetched a value.
    #[inline]
    pub(super) fn put(
        &mut self,
        call: CallId,
        key: u64,
        word: i64,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        let (value, version) = from_fill_word(word);
        let tag = self.rules.tag.map_or(0, |place| cx.request(call).draws[place as usize]);
        cx.reply(call, Answer::DONE);
        self.filled(key, value, version, tag, cx)
    }

    /// A caller has found that there is nothing.
    pub(super) fn absent(
        &mut self,
        call: CallId,
        key: u64,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        cx.reply(call, Answer::DONE);
        self.filled(key, 0, ABSENT, 0, cx)
    }

    /// A value was fetched: it is kept, unless the key was forgotten meanwhile, and those who wait
    /// for it get it.
    pub(super) fn filled(
        &mut self,
        key: u64,
        value: i64,
        version: u32,
        tag: u32,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        self.depth.filled(key);
        if let Some(lease) = self.fills.voided(key) {
            cx.count(self.rules.counters.refused, 1);
            return self.run_out(lease, cx);
        }
        self.keep(key, value, version, tag, cx);
        let fetched = match version {
            ABSENT => Answer { value: NOTHING, ..Answer::of(Outcome::Denied) },
            version => Answer { value, version, ..Answer::DONE },
        };
        while let Some(waiter) = self.fills.filled(key) {
            if waits(waiter, cx) {
                cx.reply(waiter, fetched);
            }
        }
        None
    }

    /// Keeps an entry, if policy and versions let it in. `None` if there is no room.
    pub(super) fn keep(
        &mut self,
        key: u64,
        value: i64,
        version: u32,
        tag: u32,
        cx: &mut Cx<'_, Self>,
    ) -> Option<()> {
        let life = self.rules.life;
        let ttl = if version == ABSENT { life.denied } else { life.ttl };
        let (born, until) = (cx.now(), self.until(ttl, cx));
        let entry = Entry { value, version, until, born, tag };
        if (self.rules.versioned || self.buffer.len() > 0)
            && let Some(there) = self.kept.peek(key)
            && is_newer(there.version, version)
        {
            cx.count(self.rules.counters.refused, 1);
            return Some(());
        }
        let gone = self.kept.put(key, entry, born);
        match gone {
            Some(gone) => cx.count(self.rules.counters.evicted, gone),
            None => cx.count(self.rules.counters.refused, 1),
        }
        gone.map(|_| ())
    }

    /// The lease of whoever fills has run out, or is void: the next in line who is still there
    /// fills.
    pub(super) fn run_out(&mut self, mut lease: Lease, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        while let Some((call, next)) = self.fills.run_out(lease) {
            if waits(call, cx) {
                let key = self.rules.key.of(&cx.request(call));
                return self.let_fill(call, key, next, cx);
            }
            lease = next;
        }
        None
    }

    /// Fetching has failed at a caller: it gets the old entry, if that is not too old; and the
    /// next in line may try.
    pub(super) fn rescue(
        &mut self,
        call: CallId,
        key: u64,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        match self.kept.rescue(key, cx.now()) {
            Some(entry) => {
                cx.count(self.rules.counters.rescued, 1);
                self.look_back(key, entry, cx);
                cx.reply(call, told(entry));
            }
            None => cx.reply(call, Answer::of(Outcome::Denied)),
        }
        let lease = self.fills.of(key)?;
        self.run_out(lease, cx)
    }
}

/// Whether `there` is a later version than `comes`. A value that the store has not seen yet is
/// later than all it has; that there is no row is no version.
fn is_newer(there: u32, comes: u32) -> bool {
    there != ABSENT && (comes == ABSENT && there == AHEAD || comes != ABSENT && there > comes)
}
