//! Entries that go to another node because their keys have: a node that joins is handed what is its
//! own by now, batch by batch, instead of beginning cold.
//!
//! Every node looks by itself who is in the group, as callers do, and gives away what they no
//! longer ask it for. Nobody waits: an entry that gets lost is a miss, and one that comes too late,
//! after somebody has filled its place, is dropped.

use engine::{Belief, CallId, Cx, GroupId, LinkId, MemberState, OpId, Port, Request, Span, Time};
use serde::Deserialize;

use super::kept::{AHEAD, Entry};
use super::node::{CacheNode, Timer};
use crate::key::KeyOf;
use crate::policy::balance::Balance;
use crate::units::Rate;

/// How often a node looks who is there.
const LOOK: Span = Span::millis(100);

/// What nodes do with keys that belong to others since somebody joined, left or came back.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovingSpec {
    /// How many keys a second each node gives away at most.
    pub rate: Rate,
    /// So many at a time; the node does nothing else while it packs them, one command each (default
    /// 10, as `redis-cli` moves them).
    #[serde(default = "ten")]
    pub batch: u32,
}

fn ten() -> u32 {
    10
}

/// How it gives them away.
#[derive(Clone)]
pub(super) struct Moving {
    /// Whose key is whose.
    pub placing: Balance,
    pub group: GroupId,
    /// To the other nodes.
    pub link: LinkId,
    /// Keys a second.
    pub rate: f64,
    pub batch: usize,
}

/// What is on its way out.
#[derive(Clone)]
pub(super) struct Leaving {
    belief: Belief,
    /// Who can be given something.
    ready: Vec<u16>,
    /// What is to go, the next one last.
    keys: Vec<u64>,
    /// A batch is packed, or the next one is waited for; when that began.
    since: Option<Time>,
}

impl Leaving {
    /// Nothing, in a group of so many.
    pub(super) fn new(members: u16) -> Leaving {
        Leaving { belief: Belief::new(members), ready: Vec::new(), keys: Vec::new(), since: None }
    }
}

/// The places of a request that its key does not take: for the version and for the tag.
fn places(key: KeyOf) -> [usize; 2] {
    match key {
        KeyOf::Draw(place) => [(place as usize + 1) % 4, (place as usize + 2) % 4],
        KeyOf::Pair(first, second) => {
            let mut free = (0..4).filter(|place| ![first, second].map(usize::from).contains(place));
            [(); 2].map(|()| free.next().expect("two of four are free"))
        }
        KeyOf::Root => unreachable!("keys that no draw tells do not move"),
    }
}

/// An entry, as it travels: its key, version and tag among the draws, its times as those of the
/// request; the value is the argument.
fn packed(key_of: KeyOf, key: u64, entry: Entry, op: OpId) -> Request {
    let mut request = Request::internal(op, entry.born);
    request.deadline = entry.until;
    let [version, tag] = places(key_of);
    (request.draws[version], request.draws[tag]) = (entry.version, entry.tag);
    match key_of {
        KeyOf::Pair(first, second) => {
            request.draws[first as usize] = (key >> 32) as u32;
            request.draws[second as usize] = key as u32;
        }
        KeyOf::Draw(place) => request.draws[place as usize] = key as u32,
        KeyOf::Root => {}
    }
    request
}

fn unpacked(key_of: KeyOf, request: &Request, value: i64) -> Entry {
    let [version, tag] = places(key_of).map(|place| request.draws[place]);
    Entry { value, version, tag, born: request.born, until: request.deadline }
}

impl CacheNode {
    /// Looks who is there, now and then.
    pub(super) fn watch_keys(&mut self, cx: &mut Cx<'_, Self>) {
        if self.rules.moving.is_some() {
            cx.after_fixed(LOOK, Timer::Look);
        }
    }

    /// Whose keys are whose, if the group is not what it was.
    pub(super) fn look(&mut self, cx: &mut Cx<'_, Self>) {
        self.watch_keys(cx);
        let (Some(moving), leaving) = (&mut self.rules.moving, &mut self.leaving) else { return };
        if !cx.catch_up(moving.group, &mut leaving.belief, Span::ZERO) {
            return;
        }
        let size = cx.group(moving.group).size;
        let state = |member: &u16| leaving.belief.state(*member);
        let present: Vec<u16> = (0..size).filter(|it| state(it) != MemberState::Gone).collect();
        leaving.ready = (0..size).filter(|it| state(it) == MemberState::Ready).collect();
        leaving.keys.clear();
        if present.is_empty() || leaving.ready.is_empty() {
            return;
        }
        moving.placing.members_are(&present);
        let (ready, me, now) = (&leaving.ready, cx.member(), cx.now());
        let goes = |key: &u64| moving.placing.pick(ready, *key, now, |_| 0, |_| 0) != me;
        leaving.keys.extend(self.kept.keys().filter(goes));
        if leaving.since.is_none() {
            self.pack(cx);
        }
    }

    /// Packs the next batch, if anything is to go.
    pub(super) fn pack(&mut self, cx: &mut Cx<'_, Self>) {
        let (Some(moving), leaving) = (&self.rules.moving, &mut self.leaving) else { return };
        let keys = leaving.keys.len().min(moving.batch);
        leaving.since = (keys > 0).then(|| cx.now());
        if keys > 0 {
            let spans = (0..keys).map(|_| cx.sample(self.rules.access));
            let work = spans.fold(Span::ZERO, |sum, span| sum + span);
            cx.work(work, Timer::Packed);
        }
    }

    /// Sends it, as far as it is still there. What the store does not have yet stays.
    pub(super) fn packed(&mut self, cx: &mut Cx<'_, Self>) {
        let (Some(moving), leaving) = (&mut self.rules.moving, &mut self.leaving) else { return };
        let (now, key_of, op) = (cx.now(), self.rules.key, self.rules.ops.take);
        let keys = leaving.keys.len().min(moving.batch);
        for key in leaving.keys.drain(leaving.keys.len() - keys..).rev() {
            let alive = |entry: &Entry| entry.version != AHEAD && entry.until > now;
            let Some(entry) = self.kept.peek(key).filter(alive) else { continue };
            let member = moving.placing.pick(&leaving.ready, key, now, |_| 0, |_| 0);
            if member != cx.member() {
                let port = Port { link: moving.link, member };
                cx.tell(port, packed(key_of, key, entry, op), entry.value);
                self.kept.hand_over(key);
            }
        }
        let pause = Span::from_f64(1e9 * keys as f64 / moving.rate);
        let since = leaving.since.unwrap_or(now);
        cx.after((since + pause).since(now), Timer::Move);
    }

    /// Another node gives an entry away. It is kept unless there is one by now.
    pub(super) fn take(&mut self, call: CallId, key: u64, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let entry = unpacked(self.rules.key, &cx.request(call), cx.argument(call));
        if entry.until <= now || self.kept.peek(key).is_some_and(|there| there.until > now) {
            return;
        }
        if let Some(gone) = self.kept.put(key, entry, now) {
            cx.count(self.rules.counters.evicted, gone);
            cx.count(self.rules.counters.taken, 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_arrives_as_it_was_sent() {
        let entry =
            Entry { value: -5_000_000_000, version: 7, tag: 9, born: Time(3), until: Time(8) };
        for (key_of, key) in [
            (KeyOf::Draw(0), 12),
            (KeyOf::Draw(3), 12),
            (KeyOf::Pair(2, 0), 5 << 32 | 6),
            (KeyOf::Pair(1, 3), 5 << 32 | 6),
        ] {
            let request = packed(key_of, key, entry, OpId::PROBE);
            assert_eq!(key_of.of(&request), key);
            assert_eq!(unpacked(key_of, &request, entry.value), entry);
        }
    }
}
