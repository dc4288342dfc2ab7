//! The scenario as types: plain structs and enums, one field per word of the language. What is
//! allowed to be left out has its default here and nowhere else.

use std::collections::BTreeMap;

use engine::Span;
use models::Spec;
use models::dist::{Dist, NumberSpec};
use models::flow::spec::Step;
use models::policy::spec::Policy;
use models::traffic::TrafficSpec;
use models::units::{Dur, Rate, Share};
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::selector::EACH;

/// Everything that a scenario file says, after includes, variants and `--set`.
///
/// Example: `(components: { "api": Service(operations: { "get": [Work(Exp("5ms"))] }) },
/// traffic: { "users": Open(rate: "100/s", to: "api.get") })`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scenario {
    /// Its name. Default: the file's.
    pub name: String,
    /// The seed of the first run. Default: 1.
    pub seed: u64,
    /// How many runs, with seeds from `seed` on. Default: 1.
    pub seeds: u32,
    /// How long users come. Default: 60s.
    pub duration: Dur,
    /// Latencies and totals leave out requests born before. Default: none.
    pub warmup: Dur,
    /// How long the world may go on after the users have stopped. Default: not at all.
    pub settle: Dur,
    /// The length of an interval of the series. Default: a round one that gives at most 600.
    pub sample: Option<Dur>,
    /// Names of availability zones; members are spread over them in turn. Default: one.
    pub zones: Vec<String>,
    /// How long messages travel. Default: no time.
    pub network: Network,
    /// Whole numbers drawn once for each request, at its birth; at most four.
    pub draws: BTreeMap<String, NumberSpec>,
    /// What there is.
    pub components: BTreeMap<String, Spec>,
    /// Named lists of steps, for `Flow("name")`.
    pub flows: BTreeMap<String, Vec<Step>>,
    /// How calls to a component are made; `default` holds for all without one of their own.
    pub policies: BTreeMap<String, Policy>,
    /// Who asks.
    pub traffic: BTreeMap<String, TrafficSpec>,
    /// What changes the run from outside, and when.
    pub timeline: Vec<Entry>,
    /// Changes by name, each laid over the rest: `{ "before": (), "after": (policies: …) }`.
    pub variants: BTreeMap<String, IgnoredAny>,
    /// What must hold.
    pub checks: Vec<String>,
    /// Files beside this one that it goes over: maps are merged by key.
    pub includes: Vec<String>,
}

impl Default for Scenario {
    fn default() -> Self {
        Scenario {
            name: String::new(),
            seed: 1,
            seeds: 1,
            duration: Dur(Span::secs(60)),
            warmup: Dur::default(),
            settle: Dur::default(),
            sample: None,
            zones: Vec::new(),
            network: Network::default(),
            draws: BTreeMap::new(),
            components: BTreeMap::new(),
            flows: BTreeMap::new(),
            policies: BTreeMap::new(),
            traffic: BTreeMap::new(),
            timeline: Vec::new(),
            variants: BTreeMap::new(),
            checks: Vec::new(),
            includes: Vec::new(),
        }
    }
}

/// How long a message travels one way.
///
/// Example: `(any: "1ms", cross_zone: LogNormal(median: "0.8ms", p99: "3ms"), internet: "30ms")`
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Wherever nothing more special is said. Default: no time at all.
    pub any: Option<Dist>,
    /// Between machines of one zone. Default: as `any`.
    pub same_zone: Option<Dist>,
    /// Between zones. Default: as `same_zone`.
    pub cross_zone: Option<Dist>,
    /// Between users and the system. Default: as `any`.
    pub internet: Option<Dist>,
}

/// One line of the timeline.
///
/// Example: `(at: "60s", for: "20s", do: Crash("api/1"), as: "the crash")`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// When it begins.
    pub at: Dur,
    /// It happens again and again, as long as users come: so long after `at`, and so long after
    /// each time that it is over. With `every: Exp("1000h"), for: Exp("2h")` it is a process of
    /// faults, by the mean times between failures and to repair. Default: once, at that time.
    #[serde(default)]
    pub every: Option<Dist>,
    /// How long it lasts. Default: for good.
    #[serde(default)]
    pub r#for: Option<Dist>,
    /// What happens.
    pub r#do: Act,
    /// Its name in checks and reports. Default: as it is written: `Crash(shop/3)`.
    #[serde(default)]
    pub r#as: Option<String>,
}

/// What can be done to a system from outside.
#[derive(Clone, Debug, Deserialize)]
pub enum Act {
    /// The process ends; when the action ends, it starts again, fresh.
    /// Example: `Crash("api/1")`
    Crash(String, #[serde(default)] CrashOptions),
    /// The process ends and starts again at once, or after `for`.
    /// Example: `Restart("api/0..1")`
    Restart(String),
    /// Nothing happens there; everything is delivered late.
    /// Example: `Pause("db")`
    Pause(String),
    /// Work takes so many times as long.
    /// Example: `Slow("api/2", (times: 5))`
    Slow(String, SlowOptions),
    /// This share of arriving calls fails at once.
    /// Example: `Errors("any 1 of api", (rate: "20%"))`
    Errors(String, RateOptions),
    /// Messages do not arrive: `a -> b` one way, `a <-> b` both.
    /// Example: `Cut("api -> db")`
    Cut(String),
    /// This share of packets is lost, and sent again by TCP.
    /// Example: `Loss("api <-> db", (rate: "1%"))`
    Loss(String, RateOptions),
    /// Messages take longer by this.
    /// Example: `Delay("api -> db", (by: "50ms"))`
    Delay(String, DelayOptions),
    /// These on one side, all other components on the other: nothing passes.
    /// Example: `Partition(["zone:a"])`
    Partition(Vec<String>),
    /// All machines of a zone are lost, and nobody hears anything from them.
    /// Example: `ZoneLoss("b")`
    ZoneLoss(String),
    /// A cache forgets everything.
    /// Example: `Flush("cache")`
    Flush(String),
    /// Members come into their group, fresh; those whose first line in the timeline this is were
    /// not in it until then.
    /// Example: `Join("api/2")`
    Join(String),
    /// Members leave their group: they finish what they have, and get nothing new.
    /// Example: `Leave("api/2", (drain: "30s"))`
    Leave(String, #[serde(default)] LeaveOptions),
    /// Masters of a Redis Cluster give slots to another, key by key, while all of them serve.
    /// Example: `Reshard("redis/0..2", (to: 3, slots: 1_365, rate: "500/s"))`
    Reshard(String, ReshardOptions),
}

/// Options of `Leave`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LeaveOptions {
    /// For so long they are known to be leaving, and still serve whoever asks them all the same.
    /// Default: 0s; AWS waits 300s, Kubernetes' grace is 30s.
    pub drain: Dur,
}

/// Options of `Crash`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CrashOptions {
    /// The machine is lost: no resets, no refusals. Default: false.
    pub silent: bool,
}

/// Options of `Slow`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SlowOptions {
    /// So many times as long.
    pub times: f64,
}

/// Options of `Reshard`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReshardOptions {
    /// To which member.
    pub to: u16,
    /// How many slots each of the masters gives.
    pub slots: u16,
    /// How many keys a second each of them sends at most.
    pub rate: Rate,
}

/// Options of `Errors` and `Loss`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateOptions {
    /// Which share.
    pub rate: Share,
}

/// Options of `Delay`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelayOptions {
    /// How much longer.
    pub by: Dist,
}

impl Act {
    /// The verb and its subject, as the scenario writes them.
    pub fn parts(&self) -> (&'static str, String) {
        match self {
            Act::Crash(subject, _) => ("Crash", subject.clone()),
            Act::Restart(subject) => ("Restart", subject.clone()),
            Act::Pause(subject) => ("Pause", subject.clone()),
            Act::Slow(subject, _) => ("Slow", subject.clone()),
            Act::Errors(subject, _) => ("Errors", subject.clone()),
            Act::Cut(subject) => ("Cut", subject.clone()),
            Act::Loss(subject, _) => ("Loss", subject.clone()),
            Act::Delay(subject, _) => ("Delay", subject.clone()),
            Act::Partition(subjects) => ("Partition", subjects.join(", ")),
            Act::ZoneLoss(subject) => ("ZoneLoss", subject.clone()),
            Act::Flush(subject) => ("Flush", subject.clone()),
            Act::Join(subject) => ("Join", subject.clone()),
            Act::Leave(subject, _) => ("Leave", subject.clone()),
            Act::Reshard(subject, _) => ("Reshard", subject.clone()),
        }
    }
}

impl Entry {
    /// How long it lasts, if that is known.
    pub fn lasts(&self) -> Option<Span> {
        match &self.r#for {
            Some(Dist::Always(lasts)) => Some(lasts.0),
            _ => None,
        }
    }

    /// Whether it happens to each of its members at times of their own.
    pub fn is_each(&self) -> bool {
        self.r#do.parts().1.trim().starts_with(EACH)
    }

    /// What reports and checks call it.
    pub fn label(&self) -> String {
        let (verb, subject) = self.r#do.parts();
        self.r#as.clone().unwrap_or_else(|| format!("{verb}({subject})"))
    }
}
