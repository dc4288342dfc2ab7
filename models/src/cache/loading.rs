//! What a node fetches itself: values that were missed, values due for a refresh, and the list
//! that it warms up with.

use engine::{Answer, CallId, Cx, DRAWS, OpId, Outcome, Request, Time};

use super::fills::Filler;
use super::kept::ABSENT;
use super::node::{CacheNode, LOAD, Timer};
use super::reading::{Fetched, told};
use crate::flow::machine::{Ended, Found, Origin};

/// A flow under way: for which key, and who waits for it.
#[derive(Clone, Copy)]
pub(super) struct Load {
    pub key: u64,
    /// [`CallId::NONE`]: nobody.
    pub call: CallId,
    pub by: Filler,
    since: Time,
    /// It is of the list.
    warm: bool,
}

/// All of them, by number.
#[derive(Clone, Default)]
pub(super) struct Loads {
    loads: Vec<Option<Load>>,
    free: Vec<u32>,
    /// How much of the list was begun, and how many of it are under way.
    begun: usize,
    warming: usize,
}

impl Loads {
    /// Begins one for `call` at `since`; its number.
    pub(super) fn begin(&mut self, key: u64, call: CallId, by: Filler, since: Time) -> u32 {
        self.insert(Load { key, call, by, since, warm: false })
    }

    fn insert(&mut self, load: Load) -> u32 {
        match self.free.pop() {
            Some(number) => {
                self.loads[number as usize] = Some(load);
                number
            }
            None => {
                self.loads.push(Some(load));
                self.loads.len() as u32 - 1
            }
        }
    }

    /// One has ended.
    pub(super) fn end(&mut self, number: u32) -> Load {
        self.free.push(number);
        self.loads[number as usize].take().expect("it is under way")
    }
}

/// Answers a call, if there is one and it is still there.
pub(super) fn answer(call: CallId, answer: Answer, cx: &mut Cx<'_, CacheNode>) {
    if call != CallId::NONE && cx.holds(call) {
        cx.reply(call, answer);
    }
}

impl CacheNode {
    /// The tag of what `request` is about.
    pub(super) fn tag_of(&self, request: &Request) -> u32 {
        self.rules.tag.map_or(0, |place| request.draws[place as usize])
    }

    /// Fetches the value of `key`. The flow's end is returned, if it comes at once.
    pub(super) fn load(
        &mut self,
        call: CallId,
        key: u64,
        mut request: Request,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        if call == CallId::NONE {
            request.deadline = Time::NEVER;
        }
        let by = Filler { root: request.root, tag: self.tag_of(&request) };
        let number = self.loads.begin(key, call, by, cx.now());
        self.fetch(number, request, cx)
    }

    fn fetch(&mut self, number: u32, request: Request, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        let place = self.rules.load.expect("it knows how to load");
        self.machine.start(cx, place, request, Origin::Host(LOAD | number))
    }

    /// A value was fetched, or not.
    pub(super) fn loaded(
        &mut self,
        number: u32,
        end: Ended,
        cx: &mut Cx<'_, Self>,
    ) -> Option<Ended> {
        let load = self.loads.end(number);
        let next = self.came(load, end, cx);
        if load.warm {
            self.warm(cx);
        }
        next
    }

    fn came(&mut self, load: Load, end: Ended, cx: &mut Cx<'_, Self>) -> Option<Ended> {
        if load.warm {
            self.loads.warming -= 1;
            cx.count(self.rules.counters.warmed, u64::from(end.outcome == Outcome::Done));
        }
        let found = match end.outcome {
            Outcome::Done => end.found,
            Outcome::Denied => Found { value: 0, version: ABSENT },
            outcome => {
                self.failed(load, outcome, cx);
                return None;
            }
        };
        answer(load.call, told(found), cx);
        let Load { key, by, since, .. } = load;
        self.fetched(Fetched { key, by, since: Some(since), found }, cx)
    }

    /// All who wait for it share how it has ended, or get the old entry.
    fn failed(&mut self, load: Load, outcome: Outcome, cx: &mut Cx<'_, Self>) {
        self.depth.filled(load.key);
        let rescued = self.kept.rescue(load.key, cx.now());
        let said = rescued.map_or(Answer::of(outcome), |entry| told(entry.found()));
        let mine = self.fills.of(load.key, load.by.root).is_some();
        let mut next = Some(load.call);
        while let Some(call) = next {
            if let Some(entry) = rescued.filter(|_| call != CallId::NONE) {
                cx.count(self.rules.counters.rescued, 1);
                self.look_back(load.key, entry, cx);
            }
            answer(call, said, cx);
            next = if mine { self.fills.next_waiter(load.key) } else { None };
        }
        if mine {
            self.fills.filled(load.key);
        }
    }

    /// Begins the next batch of the list, when the last one is over.
    pub(super) fn warm(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(warm) = &self.rules.warm else { return };
        let (batch, draw, all) = (warm.batch, warm.draw as usize, warm.keys.len());
        while self.loads.warming == 0 && self.loads.begun < all {
            let from = self.loads.begun;
            let to = all.min(from + batch);
            self.loads.begun = to;
            self.loads.warming = to - from;
            for at in from..to {
                let key = self.rules.warm.as_ref().expect("it has a list").keys[at];
                let mut draws = [0; DRAWS];
                draws[draw] = key;
                let request = Request { draws, ..Request::internal(OpId::PROBE, cx.now()) };
                self.warm_one(u64::from(key), request, cx);
            }
        }
    }

    /// One of the list, unless somebody fetches it already.
    fn warm_one(&mut self, key: u64, request: Request, cx: &mut Cx<'_, Self>) {
        let by = Filler { root: request.root, tag: self.tag_of(&request) };
        if self.rules.coalesce {
            let Some(lease) = self.fills.begin_first(key, by) else {
                self.loads.warming -= 1;
                return;
            };
            cx.after_fixed(self.rules.fill, Timer::RunOut(lease));
        }
        let (call, since) = (CallId::NONE, cx.now());
        let number = self.loads.insert(Load { key, call, by, since, warm: true });
        if let Some(end) = self.fetch(number, request, cx) {
            // Nothing in the flow takes time: the batch goes on by itself.
            let load = self.loads.end(number);
            let next = self.came(load, end, cx);
            self.over(next, cx);
        }
    }
}
