//! Gets and puts: hits, misses and their causes, refreshes, and who is to fetch what.

use engine::{Answer, CallId, Cx, Outcome, Span, Time};

use super::fates::Cause;
use super::fills::{Filler, Lease, Miss, Right, RunOut};
use super::kept::{ABSENT, AHEAD, Entry};
use super::node::{CacheNode, Timer};
use crate::flow::machine::{Ended, Found};

/// A value that somebody has fetched for `key`.
#[derive(Clone, Copy)]
pub(super) struct Fetched {
    pub key: u64,
    pub by: Filler,
    /// When the node began to fetch it itself; nothing: a caller did.
    pub since: Option<Time>,
    /// The version [`ABSENT`] says that there is nothing.
    pub found: Found,
}

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

/// So it is said.
const NO_ROW: Answer = Answer { value: NOTHING, ..Answer::of(Outcome::Denied) };

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
pub(super) fn from_fill_word(word: i64) -> Found {
    Found { value: word >> 32, version: word as u32 }
}

/// What a caller is told of an entry.
pub(super) fn told(Found { value, version }: Found) -> Answer {
    match version {
        ABSENT => NO_ROW,
        version => Answer { value, version, ..Answer::DONE },
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
        let lives = entry.version != ABSENT && entry.until > cx.now();
        if self.rules.life.sliding && lives {
            let until = self.until(self.rules.life.ttl, cx);
            self.kept.prolong(key, until);
        }
        cx.reply(call, told(entry.found()));
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
            let by = self.filler(call, cx);
            return match self.fills.begin_first(key, by) {
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
        if self.rules.load.is_some() || self.rules.coalesce {
            let by = self.filler(call, cx);
            if let Some(lease) = self.fills.begin_first(key, by) {
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
        let by = self.filler(call, cx);
        match self.fills.miss(key, by, call) {
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

    /// Who fetches for a call.
    pub(super) fn filler(&self, call: CallId, cx: &Cx<'_, Self>) -> Filler {
        let request = cx.request(call);
        Filler { root: request.root, tag: self.tag_of(&request) }
    }

    /// A caller has fetched a value.
    #[inline]
    pub(super) fn put(
        &mut self,
        call: CallId,
        key: u64,
        found: Found,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        let by = self.filler(call, cx);
        cx.reply(call, Answer::DONE);
        self.fetched(Fetched { key, by, since: None, found }, cx)
    }

    /// A value was fetched: it is kept, unless the key was forgotten meanwhile or somebody else is
    /// to fetch it, and those who wait for it get it.
    pub(super) fn fetched(&mut self, it: Fetched, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        self.depth.filled(it.key);
        let sound = match self.fills.right(it.key, it.by.root) {
            Right::Holder => true,
            Right::Void(lease) => {
                cx.count(self.rules.counters.refused, 1);
                return self.run_out(lease, cx);
            }
            _ if !self.rules.coalesce => true,
            Right::Stranger => it.since.is_some_and(|since| self.fills.is_sound(it.key, since)),
            Right::Nobody => false,
        };
        if !sound {
            cx.count(self.rules.counters.refused, 1);
            return None;
        }
        self.keep(it.key, it.found, it.by.tag, cx);
        self.answer_waiters(it.key, told(it.found), cx);
        self.fills.filled(it.key);
        None
    }

    /// All who wait for `key` are told.
    pub(super) fn answer_waiters(&mut self, key: u64, answer: Answer, cx: &mut Cx<'_, Self>) {
        while let Some(waiter) = self.fills.next_waiter(key) {
            if waits(waiter, cx) {
                cx.reply(waiter, answer);
            }
        }
    }

    /// Keeps an entry, if policy and versions let it in. `None` if there is no room.
    pub(super) fn keep(
        &mut self,
        key: u64,
        found: Found,
        tag: u32,
        cx: &mut Cx<'_, Self>,
    ) -> Option<()> {
        let (life, Found { value, version }) = (self.rules.life, found);
        let ttl = if version == ABSENT { life.denied } else { life.ttl };
        let (born, until) = (cx.now(), self.until(ttl, cx));
        let entry = Entry { value, version, until, born, tag };
        if (self.rules.versioned || self.buffer.len() > 0)
            && let Some(there) = self.kept.peek(key)
            && (self.rules.versioned || there.version == AHEAD)
            && is_newer(there.version, version)
        {
            cx.count(self.rules.counters.refused, 1);
            return Some(());
        }
        if version == ABSENT && ttl.is_none() {
            // Not remembered; but what was there is not there any more.
            self.kept.remove(key);
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
        loop {
            lease = match self.fills.run_out(lease) {
                RunOut::Next(call, next) if waits(call, cx) => {
                    let key = self.rules.key.of(&cx.request(call));
                    return self.let_fill(call, key, next, cx);
                }
                RunOut::Next(_, next) => next,
                RunOut::Ripe => {
                    cx.after_fixed(self.rules.fill, Timer::RunOut(lease));
                    return None;
                }
                RunOut::Over => return None,
            }
        }
    }

    /// Fetching has failed at a caller: it gets the old entry, if that is not too old; and if it
    /// had the lease, the next in line may try.
    pub(super) fn rescue(
        &mut self,
        call: CallId,
        key: u64,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        let root = cx.request(call).root;
        match self.kept.rescue(key, cx.now()) {
            Some(entry) => {
                cx.count(self.rules.counters.rescued, 1);
                self.look_back(key, entry, cx);
                cx.reply(call, told(entry.found()));
            }
            None => cx.reply(call, Answer::of(Outcome::Denied)),
        }
        let lease = self.fills.of(key, root)?;
        self.run_out(lease, cx)
    }
}

/// Whether `there` is a later version than `comes`. A value that the store has not seen yet is
/// later than all it has; that there is no row is no version.
fn is_newer(there: u32, comes: u32) -> bool {
    there != ABSENT && (comes == ABSENT && there == AHEAD || comes != ABSENT && there > comes)
}
