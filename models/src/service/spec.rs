//! A service as a scenario writes it, and how it is built.

use std::collections::BTreeMap;

use engine::{ComponentId, Discipline, GroupId, Span};
use serde::Deserialize;

use super::admission::{Admission, Order};
use super::consumer::{Consumer, ConsumerSpec};
use super::memory::MemorySpec;
use super::priority::{self, Importance};
use super::process::{self, PausesSpec, Process, Said, WarmUpSpec};
use super::worker::{Job, Worker, WorkerParts};
use crate::ComponentSpec;
use crate::cpu::{self, QuotaSpec, Scaling};
use crate::dist::Dist;
use crate::flow::compile::Compiler;
use crate::flow::machine::Machine;
use crate::flow::spec::Step;
use crate::units::Dur;
use crate::wiring::{Offer, Wiring};

/// A job does not begin more often than this: a run would take for ever.
const MOST_OFTEN: Span = Span::micros(10);

/// Replicas that run flows for their callers, by the clock, or for records of a topic.
///
/// Source: `Threads` as the worker pools of servlet containers (Tomcat: maxThreads, acceptCount);
/// `EventLoop` as servers that never block, `Loops` as Node.js, nginx workers and Redis; `scaling`
/// as Gunther's universal scalability law; `preempt` as Linux's real-time scheduling, sched(7);
/// `consumes` as the consumer of Kafka's Java client.
///
/// Not modelled: connection limits, autoscaling, deployments. `cpu` below 1 is a slower core; what
/// limits containers is `quota`.
///
/// Example: `Service(replicas: 3, cpu: 2, server: Threads(workers: 64),
/// operations: { "get": [Work(Exp("5ms"))] })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ServiceSpec {
    /// How many. Default: 1.
    pub replicas: u16,
    /// CPU cores of each replica, shared by all it works on. Default: unlimited.
    pub cpu: Option<f64>,
    /// What many busy cores cost one another: `(contention: 0.03, coherency: 0.0001)`. Default:
    /// nothing.
    pub scaling: Option<Scaling>,
    /// What it may use of the cores, by the period: `(cores: 1.5)`. What has used it up stands
    /// still until the next period. Default: all of them.
    pub quota: Option<QuotaSpec>,
    /// Operations whose work the cores do before all other work and interrupt it for, the most
    /// important first, as threads of Linux's `SCHED_FIFO`: `["pay"]`. Each core then works on one
    /// thing at a time, first come, first served among equals; who is interrupted goes on where it
    /// was. All other work is one class behind them. Needs `cpu`, a whole number. Default: none;
    /// all share the cores.
    pub preempt: Vec<String>,
    /// Who may begin. Default: `EventLoop`.
    pub server: ServerSpec,
    /// What it does for callers.
    pub operations: BTreeMap<String, Vec<Step>>,
    /// What it does by the clock.
    pub jobs: BTreeMap<String, JobSpec>,
    /// What it does with records of topics.
    pub consumes: BTreeMap<String, Vec<Step>>,
    /// How it consumes. Default: all that it says of itself.
    pub consumer: ConsumerSpec,
    /// What it does when it starts, and after each crash.
    pub at_start: Vec<Step>,
    /// When it stands still, as for collections of garbage. Default: never.
    pub pauses: Option<PausesSpec>,
    /// What it holds in memory, and what comes of it: collections that stop it, and its end.
    /// `(limit: "512MB", base: "120MB", request: "2MB")`. Default: memory does not matter.
    pub memory: Option<MemorySpec>,
    /// How slow it is after a restart: `(times: 5, requests: 10_000)`. Default: as ever. Those that
    /// are there when the run begins are warm.
    pub warm_up: Option<WarmUpSpec>,
    /// How long it takes to start again before it takes calls; until then it refuses them.
    /// Default: no time.
    pub start_up: Option<Dist>,
    /// Drop requests whose callers have left, if those say so (`cancel: true`). Default: false.
    pub drop_left: bool,
}

impl Default for ServiceSpec {
    fn default() -> Self {
        ServiceSpec {
            replicas: 1,
            cpu: None,
            scaling: None,
            quota: None,
            preempt: Vec::new(),
            server: ServerSpec::EventLoop,
            operations: BTreeMap::new(),
            jobs: BTreeMap::new(),
            consumes: BTreeMap::new(),
            consumer: ConsumerSpec::default(),
            at_start: Vec::new(),
            pauses: None,
            memory: None,
            warm_up: None,
            start_up: None,
            drop_left: false,
        }
    }
}

/// Who may begin.
#[derive(Clone, Debug, Deserialize)]
pub enum ServerSpec {
    /// Everyone: only the CPU limits it.
    EventLoop,
    /// Everyone; but each of so many loops, with a core of its own, computes one thing at a time
    /// and to its end, as Node.js, an nginx worker or Redis does: who computes long keeps all
    /// others waiting. Waiting for others costs a loop nothing.
    ///
    /// Example: `Loops(1)`
    Loops(u32),
    /// So many at a time, held for the whole request, waiting included.
    /// Example: `Threads(workers: 64, queue: 256, order: Lifo)`
    Threads {
        /// How many.
        workers: u32,
        /// How many may wait; more are shed. Default: 1024.
        #[serde(default = "queue")]
        queue: usize,
        /// Who waits first. Default: `Fifo`.
        #[serde(default)]
        order: Order,
    },
}

fn queue() -> usize {
    1024
}

/// How important the work of an operation is: 255 for the first that is named, 0 for all others.
fn importance(named: &[String], operation: &str) -> u8 {
    let place = named.iter().position(|known| known == operation);
    place.map_or(0, |place| u8::MAX - place.min(254) as u8)
}

/// Something done by the clock.
#[derive(Clone, Debug, Deserialize)]
pub enum JobSpec {
    /// Again and again, the first time after one period. A run that is due while the last one
    /// still goes on is skipped.
    /// Example: `Every("60s", [Do("db", [Expire("seat")])])`
    Every(Dur, Vec<Step>),
}

impl ComponentSpec for ServiceSpec {
    fn members(&self) -> u16 {
        self.replicas
    }

    fn cpu(&self) -> Option<Discipline> {
        match self.server {
            ServerSpec::Loops(servers) => Some(Discipline::Fifo { servers: servers.max(1) }),
            _ if !self.preempt.is_empty() => {
                self.cpu.map(|cores| Discipline::Fifo { servers: (cores as u32).max(1) })
            }
            // Who stands still needs a CPU that can be stopped.
            _ if self.stands_still() && self.cpu.is_none() => Some(Discipline::Delay),
            _ => cpu::shared(self.cpu, self.scaling),
        }
    }

    fn offer(&self) -> Offer {
        let operations = self.operations.keys().cloned().collect();
        Offer { kind: "Service", operations, ..Offer::default() }
    }

    fn build(&self, name: &str, group: GroupId, wiring: &mut Wiring<'_>) {
        self.check(wiring);
        let members: Vec<ComponentId> = wiring.builder.declared(group).members().collect();
        for id in members {
            let worker = self.worker(name, id, group, wiring);
            wiring.builder.put(id, worker);
            if let Some(quota) = self.quota.and_then(QuotaSpec::quota)
                && self.cores().is_some()
            {
                wiring.builder.limit_cpu(id, quota);
            }
        }
    }
}

impl ServiceSpec {
    /// The cores of its machine, if their number is known.
    fn cores(&self) -> Option<f64> {
        match self.server {
            ServerSpec::Loops(loops) => Some(f64::from(loops)),
            _ => self.cpu,
        }
    }

    fn check(&self, wiring: &mut Wiring<'_>) {
        if let ServerSpec::Threads { workers, order, .. } = &self.server {
            wiring.at_name("server", |w| {
                if *workers == 0 {
                    w.problem("a server without workers serves nobody");
                }
                w.at_name("order", |w| w.at_index(0, |w| self.check_order(order, w)));
            });
        }
        if let ServerSpec::Loops(loops) = self.server {
            if loops == 0 {
                wiring.at_name("server", |w| w.problem("a server without loops serves nobody"));
            }
            if self.cpu.is_some() || self.scaling.is_some() {
                let help = Some("leave out `cpu` and `scaling`".to_string());
                wiring.at_name("server", |w| w.problem_with("each loop is a core", help));
            }
        } else {
            cpu::check(self.cpu, self.scaling, wiring);
        }
        if let Some(quota) = self.quota {
            wiring.at_name("quota", |w| quota.check(self.cores(), w));
        }
        if !self.preempt.is_empty() {
            wiring.at_name("preempt", |w| self.check_preempt(w));
        }
        process::check(self.process(), wiring);
        if self.operations.is_empty() && self.jobs.is_empty() && self.consumes.is_empty() {
            let help = "give it operations: { \"get\": [Work(Exp(\"5ms\"))] }".to_string();
            wiring.problem_with("a service that does nothing", Some(help));
        }
        for (name, JobSpec::Every(period, _)) in &self.jobs {
            if period.0 < MOST_OFTEN {
                wiring.at_name("jobs", |w| {
                    w.at_name(name, |w| w.problem("a job needs a period of 10us or more"));
                });
            }
        }
    }

    fn check_order(&self, order: &Order, wiring: &mut Wiring<'_>) {
        match order {
            Order::Fifo | Order::Lifo => {}
            Order::Priority(named) => priority::check(named, self.operations.keys(), wiring),
            Order::PriorityBy(draw) => drop(wiring.draw(draw)),
        }
    }

    fn check_preempt(&self, wiring: &mut Wiring<'_>) {
        priority::check(&self.preempt, self.operations.keys(), wiring);
        let whole = |cores: f64| cores >= 1.0 && cores == libm::trunc(cores);
        let wrong = match (&self.server, self.cpu) {
            (ServerSpec::Loops(_), _) => Some("a loop is not interrupted: each ends what it does"),
            _ if self.scaling.is_some() => Some("`scaling` is for cores that all work shares"),
            (_, Some(cores)) if whole(cores) => None,
            _ => Some("`preempt` needs a whole number of cores"),
        };
        if let Some(message) = wrong {
            let help = Some("say `cpu: 2`, and neither `scaling` nor `Loops`".to_string());
            wiring.problem_with(message, help);
        }
    }

    fn process(&self) -> Said<'_> {
        let (pauses, start_up) = (self.pauses.as_ref(), self.start_up.as_ref());
        Said { pauses, warm_up: self.warm_up, start_up, memory: self.memory.as_ref() }
    }

    /// Whether there is anything that it stands still for.
    fn stands_still(&self) -> bool {
        self.pauses.is_some() || self.memory.as_ref().is_some_and(|it| it.heap.is_some())
    }

    /// What those who wait go by, if it is importance.
    fn importance(&self, name: &str, wiring: &mut Wiring<'_>) -> Importance {
        let order = match &self.server {
            ServerSpec::Threads { order, .. } => order,
            ServerSpec::EventLoop | ServerSpec::Loops(_) => &Order::Fifo,
        };
        match order {
            Order::Fifo | Order::Lifo => Importance::Operation(Vec::new()),
            Order::Priority(named) => {
                let op = |op: &String| wiring.builder.op(&format!("{name}.{op}"));
                Importance::Operation(named.iter().map(op).collect())
            }
            Order::PriorityBy(draw) => {
                Importance::Draw(wiring.quietly(|w| w.draw(draw)).unwrap_or(0))
            }
        }
    }

    fn worker(
        &self,
        name: &str,
        id: ComponentId,
        group: GroupId,
        wiring: &mut Wiring<'_>,
    ) -> Worker {
        let mut entries = Vec::new();
        let mut jobs = Vec::new();
        let mut starts = Vec::new();
        let mut compiler = Compiler::new(wiring, id, false);
        for (operation, steps) in &self.operations {
            let op = compiler.op(&format!("{name}.{operation}"));
            compiler.importance = importance(&self.preempt, operation);
            entries.push((op, compiler.flow_at(&["operations", operation], steps)));
        }
        compiler.importance = 0;
        for (job, JobSpec::Every(period, steps)) in &self.jobs {
            let entry = compiler.flow_at(&["jobs", job], steps);
            jobs.push(Job { period: period.0, entry, running: false });
        }
        if !self.at_start.is_empty() {
            starts.push(compiler.flow_at(&["at_start"], &self.at_start));
        }
        let mut consumes = Vec::new();
        for (topic, steps) in &self.consumes {
            consumes.push((topic.clone(), compiler.flow_at(&["consumes", topic], steps)));
        }
        let machine = Machine::new(compiler.finish());
        let consumer = Consumer::build(&self.consumer, &consumes, id, group, wiring);
        let importance = self.importance(name, wiring);
        let (admission, threads) = match &self.server {
            ServerSpec::EventLoop | ServerSpec::Loops(_) => (Admission::unlimited(), 0),
            ServerSpec::Threads { workers, queue, order } => {
                let classes = importance.classes();
                (Admission::threads(*workers, *queue, order, classes), *workers)
            }
        };
        let drop_left = self.drop_left;
        let owner = wiring.builder.name(id);
        let process = Process::build(self.process(), &owner, group, wiring);
        Worker::new(WorkerParts {
            machine,
            entries,
            jobs,
            starts,
            consumer,
            admission,
            importance,
            threads,
            drop_left,
            process,
        })
    }
}
