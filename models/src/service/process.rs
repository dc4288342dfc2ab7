//! What a process is besides its work: it takes time to start, is slow while it is new, stands
//! still now and then, holds memory, and ends of it. Apart from the worker, since most
//! services say nothing about it and pay nothing for it.

use engine::chance::Sampler;
use engine::{CounterId, Cx, Gauges, GroupId, Span, Time};
use serde::Deserialize;

use super::held::{Held, Restarts, Strain};
use super::memory::MemorySpec;
use super::worker::{Timer, Worker};
use crate::dist::Dist;
use crate::units::Bytes;
use crate::wiring::Wiring;

/// When a process stands still: nothing happens in it, and all that comes is served afterwards.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum PausesSpec {
    /// By the clock: so long after the last one.
    ///
    /// Example: `Every(gap: Uniform("1s", "3s"), lasts: "20ms")`
    Every {
        /// From the end of one to the next.
        gap: Dist,
        /// How long each lasts.
        lasts: Dist,
    },
    /// By what requests (calls, records, runs of jobs) allocate: when the young generation is full
    /// it is collected. `memory` knows more of collections.
    ///
    /// Example: `Allocation(per_request: "1MB", young: "256MB", lasts: "20ms")`
    Allocation {
        /// What a request allocates.
        per_request: Bytes,
        /// How much fits: at least what one request allocates.
        young: Bytes,
        /// How long a collection lasts.
        lasts: Dist,
    },
}

/// How slow a new process is: work takes 1 + (times − 1) · e^(−n / requests) times as long after n
/// requests: calls, records and runs of jobs alike.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUpSpec {
    /// How many times as long the first request's work takes: at least 1 (a JVM: 3 to 10).
    pub times: f64,
    /// After so many requests 37 % of the slowness is left (a JVM: 5 000 to 50 000).
    pub requests: u32,
}

/// What a scenario says of the process.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    pub pauses: Option<&'a PausesSpec>,
    pub warm_up: Option<WarmUpSpec>,
    pub start_up: Option<&'a Dist>,
    pub memory: Option<&'a MemorySpec>,
}

#[derive(Clone, Copy, Debug)]
enum Pauses {
    Clock { gap: Sampler, lasts: Sampler },
    Requests { every: u64, lasts: Sampler },
}

/// What it holds, and what came of that so far.
#[derive(Clone, Debug)]
struct Memory {
    held: Held,
    restarts: Restarts,
    /// It has started, and has not ended itself: it may live on to the end of what happens now.
    runs: bool,
    young_collections: CounterId,
    full_collections: CounterId,
    oom_kills: CounterId,
    out_of_memory: CounterId,
}

/// One process.
#[derive(Clone, Debug)]
pub struct Process {
    pauses: Option<Pauses>,
    warm_up: Option<WarmUpSpec>,
    start_up: Option<Sampler>,
    memory: Option<Memory>,
    /// It has started during the run; those that were there before it are warm.
    is_new: bool,
    is_starting: bool,
    /// Requests begun; records of topics, done.
    begun: u64,
}

impl Process {
    /// The process of one member, named `owner`; `None` if nothing is said about it.
    pub fn build(
        said: Said<'_>,
        owner: &str,
        group: GroupId,
        wiring: &mut Wiring<'_>,
    ) -> Option<Box<Process>> {
        let Said { pauses, warm_up, start_up, memory } = said;
        if pauses.is_none() && warm_up.is_none() && start_up.is_none() && memory.is_none() {
            return None;
        }
        let pauses = pauses.map(|it| wiring.at_name("pauses", |w| it.build(owner, w)));
        let start_up = start_up.map(|dist| Sampler {
            dist: wiring.at_name("start_up", |w| w.dist(dist)),
            stream: wiring.builder.stream(owner, "start-up"),
        });
        let memory = memory.map(|it| Memory::new(it, group, wiring));
        let (is_new, is_starting, begun) = (false, false, 0);
        Some(Box::new(Process { pauses, warm_up, start_up, memory, is_new, is_starting, begun }))
    }

    /// The run begins, or the process has been started again. Returns whether it is ready.
    pub fn start(&mut self, cx: &mut Cx<'_, Worker>) -> bool {
        self.is_new = cx.now() > Time::ZERO;
        if let Some(memory) = &mut self.memory {
            memory.restarts.started(cx.now());
            memory.runs = true;
        }
        if let Some(Pauses::Clock { gap, .. }) = self.pauses {
            let gap = cx.sample(gap);
            cx.after(gap, Timer::Pause);
        }
        if let Some(start_up) = self.start_up.filter(|_| self.is_new) {
            let takes = cx.sample(start_up);
            cx.after(takes, Timer::Started);
            cx.announce(false);
            self.is_starting = true;
        }
        !self.is_starting
    }

    /// It takes calls from now on.
    pub fn started(&mut self, cx: &mut Cx<'_, Worker>) {
        self.is_starting = false;
        cx.announce(true);
    }

    /// Whether it does not take calls yet.
    pub fn is_starting(&self) -> bool {
        self.is_starting
    }

    /// A pause by the clock is due.
    pub fn pause(&mut self, cx: &mut Cx<'_, Worker>) {
        let Some(Pauses::Clock { gap, lasts }) = self.pauses else { return };
        let (lasts, gap) = (cx.sample(lasts), cx.sample(gap));
        cx.stall(lasts);
        cx.after(lasts + gap, Timer::Pause);
    }

    /// How many times as long work takes now.
    pub fn slowness(&self) -> f64 {
        match self.warm_up {
            Some(WarmUpSpec { times, requests }) if self.is_new => {
                1.0 + (times - 1.0) * libm::exp(-(self.begun as f64) / f64::from(requests))
            }
            _ => 1.0,
        }
    }

    /// A request has come to so many others, and waits.
    pub fn waits(&mut self, others: u32, cx: &mut Cx<'_, Worker>) {
        if let Some(memory) = &mut self.memory {
            let strain = memory.held.waits(others.into());
            memory.strained(strain, cx);
        }
    }

    /// There are so many in hand now, and nobody was told of each.
    pub fn weighs(&mut self, in_hand: u32, cx: &mut Cx<'_, Worker>) {
        if let Some(memory) = &mut self.memory {
            let strain = memory.held.within(in_hand.into(), Strain::None);
            memory.strained(strain, cx);
        }
    }

    /// A request begins, or anything else that is done, one of so many in hand: how many times as
    /// long work takes from now on.
    pub fn begins(&mut self, in_hand: u32, waited: bool, cx: &mut Cx<'_, Worker>) -> f64 {
        if let Some(memory) = &mut self.memory {
            let strain = match waited {
                true => memory.held.begins(in_hand.into()),
                false => memory.held.comes(u64::from(in_hand).saturating_sub(1)),
            };
            memory.strained(strain, cx);
        }
        let slowness = self.slowness();
        self.begun += 1;
        if let Some(Pauses::Requests { every, lasts }) = self.pauses
            && self.begun.is_multiple_of(every)
        {
            let lasts = cx.sample(lasts);
            cx.stall(lasts);
        }
        slowness
    }
}

/// Its end, and how it looks.
impl Process {
    /// The process has ended: what whoever starts it again remembers of the last one.
    pub fn outlives(&mut self, last: &Process) {
        if let (Some(memory), Some(last)) = (&mut self.memory, &last.memory) {
            memory.restarts = last.restarts;
        }
    }

    /// What there is to see while so many are in hand.
    pub fn observe(&self, in_hand: u32, out: &mut Gauges) {
        let Some(Memory { held, runs, .. }) = &self.memory else { return };
        // Nobody holds anything while there is no process.
        let there = f64::from(u8::from(*runs));
        out.level("memory", there * held.bytes(in_hand.into()) as f64);
        if let Some(share) = held.share(in_hand.into()) {
            out.level("memory_share", there * share);
        }
    }
}

impl Memory {
    fn new(spec: &MemorySpec, group: GroupId, wiring: &mut Wiring<'_>) -> Memory {
        let mut counter = |name| wiring.builder.counter(group, name);
        Memory {
            held: Held::new(spec),
            restarts: Restarts::new(spec.back_off),
            runs: false,
            young_collections: counter("young_collections"),
            full_collections: counter("full_collections"),
            oom_kills: counter("oom_kills"),
            out_of_memory: counter("out_of_memory"),
        }
    }

    #[inline]
    fn strained(&mut self, strain: Strain, cx: &mut Cx<'_, Worker>) {
        match strain {
            Strain::None => {}
            Strain::Young(lasts) => {
                cx.count(self.young_collections, 1);
                cx.stall(lasts);
            }
            Strain::Full(lasts) => {
                cx.count(self.full_collections, 1);
                cx.stall(lasts);
            }
            Strain::OverLimit => self.end(self.oom_kills, cx),
            Strain::Exhausted => self.end(self.out_of_memory, cx),
        }
    }

    fn end(&mut self, why: CounterId, cx: &mut Cx<'_, Worker>) {
        if std::mem::replace(&mut self.runs, false) {
            cx.count(why, 1);
            cx.exit(self.restarts.ended(cx.now()));
        }
    }
}

impl PausesSpec {
    fn build(&self, owner: &str, wiring: &mut Wiring<'_>) -> Pauses {
        let mut sampler = |field: &str, dist: &Dist| Sampler {
            dist: wiring.at_name(field, |w| w.dist(dist)),
            stream: wiring.builder.stream(owner, &format!("pauses {field}")),
        };
        match self {
            PausesSpec::Every { gap, lasts } => {
                Pauses::Clock { gap: sampler("gap", gap), lasts: sampler("lasts", lasts) }
            }
            PausesSpec::Allocation { per_request, young, lasts } => {
                let every = young.0.checked_div(per_request.0).unwrap_or(1).max(1);
                Pauses::Requests { every, lasts: sampler("lasts", lasts) }
            }
        }
    }
}

/// Reports what makes no sense.
pub fn check(said: Said<'_>, wiring: &mut Wiring<'_>) {
    if let Some(WarmUpSpec { times, requests }) = said.warm_up {
        wiring.at_name("warm_up", |w| {
            if !(1.0..=1000.0).contains(&times) {
                w.at_name("times", |w| w.problem("a new process is 1 to 1000 times as slow"));
            }
            if requests == 0 {
                w.at_name("requests", |w| w.problem("it warms up over at least one request"));
            }
        });
    }
    if let Some(memory) = said.memory {
        wiring.at_name("memory", |w| memory.check(w));
    }
    wiring.at_name("pauses", |w| match said.pauses {
        Some(PausesSpec::Allocation { per_request, young, .. })
            if per_request.0 == 0 || young < per_request =>
        {
            w.problem("a request allocates something, and the young generation holds it");
        }
        Some(PausesSpec::Every { gap, .. }) => {
            let never_works = gap.build(w).is_some_and(|gap| gap.mean() < Span::micros(1).0 as f64);
            if never_works {
                w.at_name("gap", |w| w.problem("it works for at least 1us between two pauses"));
            }
        }
        _ => {}
    });
}
