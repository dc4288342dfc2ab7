//! How callers learn who can be asked, as a scenario writes it.

use engine::Span;
use serde::Deserialize;

use crate::policy::spec::Cause;
use crate::units::{Dur, Share};

/// How a caller learns which members can be asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum ViewSpec {
    /// It knows at once who is up: an idealised registry.
    Instant,
    /// It has a list from a file and hears of nothing: what nginx does without checks.
    Static,
    /// It reads a registry, in which members renew their leases. Who dies without a word is on
    /// the list until the lease has run out, and in the caller's copy until it reads again.
    /// Example: `Registry(renew: "10s", expire: "30s", poll: "30s")`
    Registry {
        /// How often members renew. Default: 10s.
        #[serde(default = "ten_seconds")]
        renew: Dur,
        /// How long a lease lasts after a renewal. Default: 30s.
        #[serde(default = "thirty_seconds")]
        expire: Dur,
        /// How often the caller reads the list. Default: 30s, as Eureka's clients.
        #[serde(default = "thirty_seconds")]
        poll: Dur,
    },
    /// It resolves a name. Of users each has a copy of some age: any age up to `ttl` is equally
    /// likely, request by request. What `passive` concludes from calls holds for all of them.
    /// Example: `Names(ttl: "60s", notice: "30s", stubborn: "5%")`
    Names {
        /// How long an answer is kept.
        ttl: Dur,
        /// How long the name servers take to notice who is up: by checks of their own. Default: 0s.
        #[serde(default)]
        notice: Dur,
        /// The share of callers that keep an answer longer. Default: 0%.
        #[serde(default)]
        stubborn: Share,
        /// How long those keep it. Default: 3600s, an hour.
        #[serde(default = "an_hour")]
        keep: Dur,
    },
    /// It checks each member itself.
    /// Example: `Checked(every: "2s", timeout: "1s", fall: 3, rise: 2, ask: "health")`
    Checked {
        /// How often.
        every: Dur,
        /// A check without an answer has failed after this. Default: 1s.
        #[serde(default = "one_second")]
        timeout: Dur,
        /// Failures in a row until a member is out. Default: 3, as HAProxy.
        #[serde(default = "three")]
        fall: u32,
        /// Successes in a row until it is in again. Default: 2, as HAProxy.
        #[serde(default = "two")]
        rise: u32,
        /// What is asked: an operation of the component, which waits and fails as any other does.
        /// Default: nothing but a connection, which whoever is up accepts, however badly it serves.
        #[serde(default)]
        ask: Option<String>,
        /// Up to so much is added to each interval by chance. Default: 0s.
        #[serde(default)]
        jitter: Dur,
        /// How often a member is checked that is out (HAProxy's `downinter`, Envoy's
        /// `unhealthy_interval`). Default: as `every`.
        #[serde(default)]
        every_down: Option<Dur>,
        /// How often a member is checked whose last checks did not agree with its state (HAProxy's
        /// `fastinter`). Default: as `every`, or as `every_down`.
        #[serde(default)]
        every_unsure: Option<Dur>,
    },
}

/// What a caller concludes from how its calls end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum PassiveSpec {
    /// Outlier detection as Envoy does it. Shed, refused and broken calls and timeouts count as
    /// gateway errors (502, 503, 504), failed ones as 500.
    /// Example: `Outliers(consecutive_5xx: 5, max_ejection_percent: "50%")`
    Outliers {
        /// So many errors in a row eject a member; 0: never. Default: 5.
        #[serde(default = "five")]
        consecutive_5xx: u32,
        /// So many gateway errors in a row eject a member; 0: never. Default: 0, as Envoy counts
        /// to 5 and then enforces it 0 % of the time.
        #[serde(default)]
        consecutive_gateway: u32,
        /// How often members may come back and success rates are compared. Default: 10s.
        #[serde(default = "ten_seconds")]
        interval: Dur,
        /// How long a first ejection lasts; the k-th in a row lasts k times as long. Default: 30s.
        #[serde(default = "thirty_seconds")]
        base_ejection: Dur,
        /// No ejection lasts longer. Default: 300s, or `base_ejection` if that is longer.
        #[serde(default = "five_minutes")]
        max_ejection: Dur,
        /// Up to so much longer by chance. Default: 0s.
        #[serde(default)]
        jitter: Dur,
        /// No more of the members are out at a time. Default: 10%: of nine members nobody.
        #[serde(default = "a_tenth")]
        max_ejection_percent: Share,
        /// One member may be out whatever the percentage says. Default: false.
        #[serde(default)]
        always_eject_one: bool,
        /// Ejects who succeeds far less often than the others. Default: `(hosts: 5, volume: 100,
        /// stdev_factor: 1.9)`; `None`: no such comparison.
        #[serde(default = "success_rate")]
        success_rate: Option<SuccessRateSpec>,
        /// Ejects whose failures exceed a limit. Default: not at all, as Envoy enforces it 0 % of
        /// the time.
        #[serde(default)]
        failure_percentage: Option<FailurePercentageSpec>,
    },
    /// As nginx: a member that has failed so often is not asked for a while; then one request
    /// tries it. If all are out, nobody is asked (502). Its clock counts whole seconds. Under
    /// `Weighted`, and `LeastConnections` as nginx does it, failures lower weights, too.
    /// Example: `MaxFails(fails: 3, timeout: "30s")`
    MaxFails {
        /// Failures until a member is out: at least 1. Default: 1.
        #[serde(default = "one")]
        fails: u32,
        /// For how long, and the window in which failures count together. Default: 10s.
        #[serde(default = "ten_seconds")]
        timeout: Dur,
        /// What counts as a failure. Default: `[Refused, Reset, TimedOut]`, as
        /// `proxy_next_upstream error timeout`: answers that say 500 are none.
        #[serde(default = "error_timeout")]
        on: Vec<Cause>,
    },
}

/// Ejects members whose success rate in an interval is below the mean by so many standard
/// deviations.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SuccessRateSpec {
    /// At least so many members have enough requests. Default: 5.
    pub hosts: u32,
    /// Enough requests of a member in an interval. Default: 100.
    pub volume: u32,
    /// How many standard deviations. Default: 1.9, which Envoy writes as 1900.
    pub stdev_factor: f64,
}

impl Default for SuccessRateSpec {
    fn default() -> Self {
        SuccessRateSpec { hosts: 5, volume: 100, stdev_factor: 1.9 }
    }
}

/// Ejects members of whose requests in an interval at least this part has failed.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FailurePercentageSpec {
    /// The part. Default: 85%.
    pub threshold: Share,
    /// At least so many members have enough requests. Default: 5.
    pub hosts: u32,
    /// Enough requests of a member in an interval. Default: 50.
    pub volume: u32,
}

impl Default for FailurePercentageSpec {
    fn default() -> Self {
        FailurePercentageSpec { threshold: Share(0.85), hosts: 5, volume: 50 }
    }
}

/// Which members are asked first. Those of the next level are asked as well when fewer than 71 %
/// (100 / 140) of this one are well, and the more the fewer there are, as Envoy spreads load over
/// priorities.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum LocalitySpec {
    /// Those in the caller's zone, then all others.
    SameZone,
    /// By the zones they are in, in this order; zones that are not named come last.
    /// Example: `Order(["a", "b"])`
    Order(Vec<String>),
}

/// How the share of a member grows that has come into rotation. Those that are there at the start
/// have their full share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum SlowStartSpec {
    /// (t / window) to the power 1 / aggression, and at least `least`.
    /// Example: `Envoy(window: "60s", aggression: 1.5)`
    Envoy {
        /// Its full share after this.
        window: Dur,
        /// 1 is a straight line; above it grows fast first. Default: 1.
        #[serde(default = "straight")]
        aggression: f64,
        /// At least this part of a share. Default: 10%.
        #[serde(default = "a_tenth")]
        least: Share,
    },
    /// In sixteenths, by the whole second (`slowstart`).
    /// Example: `Haproxy("60s")`
    Haproxy(Dur),
    /// A straight line from nothing (`slow_start` of nginx Plus).
    /// Example: `Nginx("30s")`
    Nginx(Dur),
}

fn one_second() -> Dur {
    Dur(Span::secs(1))
}

fn ten_seconds() -> Dur {
    Dur(Span::secs(10))
}

fn thirty_seconds() -> Dur {
    Dur(Span::secs(30))
}

fn an_hour() -> Dur {
    Dur(Span::secs(3600))
}

fn five_minutes() -> Dur {
    Dur(Span::secs(300))
}

fn a_tenth() -> Share {
    Share(0.1)
}

fn success_rate() -> Option<SuccessRateSpec> {
    Some(SuccessRateSpec::default())
}

fn error_timeout() -> Vec<Cause> {
    vec![Cause::Refused, Cause::Reset, Cause::TimedOut]
}

fn straight() -> f64 {
    1.0
}

fn one() -> u32 {
    1
}

fn two() -> u32 {
    2
}

fn three() -> u32 {
    3
}

fn five() -> u32 {
    5
}
