//! The memory of a process as a scenario writes it. Apart from what becomes of it in a run, which
//! is `held`.

use engine::Span;
use serde::Deserialize;

use crate::units::{Bytes, Dur};
use crate::wiring::Wiring;

/// What a process holds in memory: `base`, and `request` for each call in it, at work or waiting,
/// each record and each run of a job at work. Above `limit` it is killed.
///
/// What was in hand is lost (callers hear `Reset`), and it starts again after `back_off` and
/// `start_up`. Counted (`tally`) as `oom_kills`; charted and checked as `memory` (bytes) and
/// `memory_share` (of `limit`).
///
/// Source: memory limits of Linux control groups and the kernel's OOM killer; the back-off as
/// Kubernetes restarts containers.
///
/// Not modelled: swap, slowing down before the limit (`memory.high`), what other processes of a
/// machine hold, copies that a fork makes of pages written meanwhile, connections and caches
/// `inside` (count them in `base`).
///
/// Example: `(limit: "512MB", base: "120MB", request: "2MB")`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemorySpec {
    /// It is killed when it holds more. Default: no limit.
    #[serde(default)]
    pub limit: Option<Bytes>,
    /// What it holds without any requests. Default: nothing.
    #[serde(default)]
    pub base: Bytes,
    /// What each request holds from when it comes until it ends. Default: nothing.
    #[serde(default)]
    pub request: Bytes,
    /// Memory that a collector frees, standing still meanwhile. `base` and `request` are what is
    /// alive in it, and what it has ever filled is what the process holds. Default: what ends
    /// is freed at once.
    #[serde(default)]
    pub heap: Option<HeapSpec>,
    /// How soon it starts again after it has ended itself. Default: at once the first time, then
    /// after 10s, doubling to 5m; at once again after 10m without.
    #[serde(default)]
    pub back_off: BackOffSpec,
}

/// A heap whose collector stops the process: what requests allocate fills the young space; a young
/// collection frees it but for what is alive; what does not fit the survivors' space is moved to
/// the rest of the heap, until only a collection of the whole helps.
///
/// With A bytes a second coming to the heap, of which L are alive of H, and c of collection per
/// byte alive, collections of the whole take A · c · L / (H − L) of the time: beyond any measure
/// where what is alive comes near the heap. Where less is free after one than a request allocates,
/// the process ends (`out_of_memory`). Collections are counted (`tally`) as `young_collections`
/// and `full_collections`. An `EventLoop` begins at once with all who have come meanwhile, and they
/// allocate before any work is done; with `Threads` only so many do.
///
/// Source: HotSpot's serial and parallel collectors, which stop all threads; collectors that work
/// beside the program (ZGC, Shenandoah, Go) pause for less than 1 ms: leave `heap` out, and say
/// `pauses` and more `Work` if it matters. G1 is between the two: its young collections are these,
/// its whole ones the last resort.
///
/// Not modelled: promotion by age, memory outside the heap, a heap that shrinks, the JVM's giving
/// up at 98 % of the time.
///
/// Example: `(size: "1GB", allocates: "4MB", young: "256MB")`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeapSpec {
    /// How much it can hold (-Xmx).
    pub size: Bytes,
    /// What a request allocates in all, `request` included: that when it comes, the rest when it
    /// begins.
    pub allocates: Bytes,
    /// Room for what is new. `"0B"`: there is none, and every collection is of the whole heap.
    /// Default: a third of `size` (NewRatio 2).
    #[serde(default)]
    pub young: Option<Bytes>,
    /// If more of the young space is alive when it is collected, all that is moves on. Default:
    /// a sixteenth of `young` (SurvivorRatio 8, TargetSurvivorRatio 50).
    #[serde(default)]
    pub survivors: Option<Bytes>,
    /// How long a young collection lasts, by what is alive of requests that came since those
    /// before moved on. Default: 5ms and 1s for each GB: 5 to 50 ms for up to 45 MB.
    #[serde(default = "young_takes")]
    pub young_takes: CollectionSpec,
    /// How long a collection of the whole heap lasts, by all that is alive. Default: 1s for each
    /// GB.
    #[serde(default)]
    pub full_takes: CollectionSpec,
}

/// How long a collection lasts.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CollectionSpec {
    /// Without anything alive. Default: nothing.
    pub least: Dur,
    /// So much more for each GB (1e9 bytes) that is alive. Default: 1s.
    pub per_gb: Dur,
}

impl Default for CollectionSpec {
    fn default() -> Self {
        CollectionSpec { least: Dur(Span::ZERO), per_gb: Dur(Span::secs(1)) }
    }
}

fn young_takes() -> CollectionSpec {
    CollectionSpec { least: Dur(Span::millis(5)), ..CollectionSpec::default() }
}

/// How soon a process that has ended starts again: at once the first time, then later and later.
///
/// Source: the kubelet's back-off for containers (CrashLoopBackOff).
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackOffSpec {
    /// The second time; doubled each time after. Default: 10s.
    pub first: Dur,
    /// At most. Default: 5m.
    pub most: Dur,
    /// Who has run for so long begins anew. Default: 10m.
    pub forget: Dur,
}

impl Default for BackOffSpec {
    fn default() -> Self {
        let [first, most, forget] = [10, 300, 600].map(|secs| Dur(Span::secs(secs)));
        BackOffSpec { first, most, forget }
    }
}

impl HeapSpec {
    /// Room for what is new; 0: none.
    pub fn young(&self) -> u64 {
        self.young.map_or(self.size.0 / 3, |young| young.0)
    }

    /// How much may survive without moving on.
    pub fn survivors(&self) -> u64 {
        self.survivors.map_or(self.young() / 16, |survivors| survivors.0)
    }

    fn check(&self, base: Bytes, request: Bytes, wiring: &mut Wiring<'_>) {
        if self.size < base {
            let message = "the heap is smaller than what is alive in it without any requests";
            wiring.at_name("size", |w| w.problem(message));
        } else if self.allocates.0 > self.size.0 - base.0 {
            let message = "a heap without room for what one request allocates";
            wiring.at_name("size", |w| w.problem(message));
        }
        if self.allocates.0 == 0 {
            let message = "requests that allocate nothing leave nothing to collect";
            wiring.at_name("allocates", |w| w.problem(message));
        } else if self.allocates < request {
            let message = "a request holds no more than it allocates";
            wiring.at_name("allocates", |w| w.problem(message));
        }
        if let Some(young) = self.young {
            let wrong = match young {
                _ if young > self.size => Some("the young space is a part of the heap"),
                _ if young.0 > 0 && young < self.allocates => {
                    Some("the young space holds what one request allocates")
                }
                _ => None,
            };
            wiring.at_name("young", |w| wrong.into_iter().for_each(|it| w.problem(it)));
        }
        if self.survivors.is_some_and(|survivors| survivors.0 > self.young()) {
            let message = "the survivors' space is a part of the young one";
            wiring.at_name("survivors", |w| w.problem(message));
        }
    }
}

impl MemorySpec {
    /// Reports what makes no sense.
    pub fn check(&self, wiring: &mut Wiring<'_>) {
        let &MemorySpec { limit, base, request, .. } = self;
        if let Some(limit) = limit {
            let first = self.heap.as_ref().map_or(request, |heap| heap.allocates);
            if base.0.saturating_add(first.0) > limit.0 {
                let message = "`base` and one request are above the limit: it is killed at once";
                wiring.at_name("limit", |w| w.problem(message));
            }
            if request.0 == 0 && self.heap.is_none() {
                let help = Some("say what each holds: request: \"2MB\"".to_string());
                let message = "requests that hold nothing never reach the limit";
                wiring.at_name("limit", |w| w.problem_with(message, help));
            }
        }
        if let Some(heap) = &self.heap {
            wiring.at_name("heap", |w| heap.check(base, request, w));
        }
        if self.back_off.most < self.back_off.first {
            let message = "`most` is less than `first`";
            wiring.at_name("back_off", |w| w.at_name("most", |w| w.problem(message)));
        }
    }
}
