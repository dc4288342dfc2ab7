//! Replicas as a scenario writes them, and where the callers of a database with replicas go.
//!
//! Who is primary, who suspects it, and how far each copy has come stands in a small table of the
//! ledger: a consensus store that is always there (etcd behind Patroni), not modelled itself.

use engine::ledger::{FollowerId, Ledger, Lsn, Statement, TableId, TableSpec, Verb};
use engine::{OpId, Request, Span, Time};
use serde::Deserialize;

use crate::dist::Dist;
use crate::key::KeyOf;
use crate::units::Dur;
use crate::wiring::Wiring;

/// Copies of a database beside its primary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplicasSpec {
    /// How many, the primary not counted.
    pub count: u16,
    /// What it takes to apply one transaction, one after the other, on the replica's CPU (default
    /// 0s: a replica lags by the network alone).
    #[serde(default)]
    pub apply: Option<Dist>,
    /// Commits are sent to the replicas together, so long after the first of them (default 0s: each
    /// at once). What has not been sent is lost with the primary. Once a second the primary
    /// repeats what it has sent.
    #[serde(default = "none")]
    pub ship: Dur,
    /// What a commit waits for (default `Async`).
    #[serde(default)]
    pub acks: Acks,
    /// How long a commit waits for that; then it is answered all the same, and no other waits
    /// until so many replicas are up to date again (default: for ever, as PostgreSQL; MySQL: 10s,
    /// `rpl_semi_sync_source_timeout`).
    #[serde(default)]
    pub acks_timeout: Option<Dur>,
    /// Which members a `Do` that only reads goes to, outside of transactions (default `Primary`).
    #[serde(default)]
    pub reads: Reads,
    /// How users see what they have written themselves (default `Perhaps`).
    #[serde(default)]
    pub own_writes: OwnWrites,
    /// What happens when the primary is gone (default: it is waited for).
    #[serde(default)]
    pub failover: Option<FailoverSpec>,
}

/// What a commit waits for before it is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Acks {
    /// The primary's own disk: what a replica had not received is lost with the primary.
    #[default]
    Async,
    /// So many replicas have it: `remote_write` of PostgreSQL; with an `acks_timeout`, MySQL's
    /// semi-synchronous replication.
    Received(u16),
    /// So many replicas have applied it, so that it can be read there: `remote_apply`.
    Applied(u16),
}

/// Which members reads go to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub enum Reads {
    /// The primary.
    #[default]
    Primary,
    /// The replicas, in turn; the primary if there are none.
    Replica,
    /// All, in turn.
    Any,
}

/// How users see what they have written themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum OwnWrites {
    /// If the replica has it by then.
    #[default]
    Perhaps,
    /// Who has written reads from the primary for a while.
    Sticky {
        /// The draw that tells users apart.
        key: String,
        /// For how long.
        r#for: Dur,
    },
    /// Who has written reads from replicas that have that, else from the primary: by position in
    /// the log, as ProxySQL does with GTIDs.
    CaughtUp {
        /// The draw that tells users apart.
        key: String,
    },
}

/// A replica takes the place of a primary that is gone.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailoverSpec {
    /// The primary is given up when more than half of the replicas that are up have not reached it
    /// for so long (default 30s: the `ttl` of Patroni).
    #[serde(default = "ttl")]
    pub detect: Dur,
    /// What the promotion takes then (default 5s).
    #[serde(default = "five_seconds")]
    pub promote: Dur,
    /// How long callers go on asking the old primary (default 0s: a virtual address; longer: DNS).
    #[serde(default = "none")]
    pub notice: Dur,
    /// A primary that was given up takes no more writes: it loses its lease, or is shot. Without,
    /// it confirms writes that are lost (default true).
    #[serde(default = "yes")]
    pub fencing: bool,
}

fn ttl() -> Dur {
    Dur(Span::secs(30))
}

fn five_seconds() -> Dur {
    Dur(Span::secs(5))
}

fn none() -> Dur {
    Dur(Span::ZERO)
}

fn yes() -> bool {
    true
}

/// More replicas than anybody has.
pub(super) const MOST_REPLICAS: u16 = 100;

impl ReplicasSpec {
    /// The primary and its replicas.
    pub fn members(&self) -> u16 {
        self.count.min(MOST_REPLICAS) + 1
    }

    /// Reports mistakes at the present place.
    pub(super) fn complain(&self, wiring: &mut Wiring<'_>) {
        if self.count == 0 {
            let help = Some("leave `replicas` out".to_owned());
            wiring.at_name("count", |w| w.problem_with("no replicas at all", help));
        }
        if let Acks::Received(n) | Acks::Applied(n) = self.acks
            && !(1..=self.count).contains(&n)
        {
            let message = format!("waits for {n} replicas, and there are {}", self.count);
            wiring.at_name("acks", |w| w.problem(message));
        }
        if self.acks_timeout.is_some_and(|span| span.0.is_zero()) {
            let help = Some("leave out `acks`: then no commit waits".to_owned());
            wiring.at_name("acks_timeout", |w| w.problem_with("nobody could wait", help));
        }
        if self.acks_timeout.is_some() && self.acks == Acks::Async {
            let help = Some("say what for: acks: Received(1)".to_owned());
            wiring.at_name("acks_timeout", |w| w.problem_with("no commit waits", help));
        }
        let key = match &self.own_writes {
            OwnWrites::Perhaps => None,
            OwnWrites::Sticky { key, .. } | OwnWrites::CaughtUp { key } => Some(key),
        };
        wiring.at_name("own_writes", |w| key.and_then(|key| KeyOf::named(key, w)));
        if self.count > MOST_REPLICAS {
            let message = format!("{MOST_REPLICAS} replicas at most");
            wiring.at_name("count", |w| w.problem(message));
        }
        if self.failover.is_some_and(|failover| failover.detect.0 < Span::secs(2)) {
            let message = "replicas look once a second: 2s at least";
            wiring.at_name("failover", |w| w.at_name("detect", |w| w.problem(message)));
        }
    }
}

/// Rows of the table: the primary, the one before, when they changed, and up to where commits that
/// wait for replicas were answered; then one of each kind per member.
const PRIMARY: u64 = 0;
const BEFORE: u64 = 1;
const CHANGED: u64 = 2;
const CONFIRMED: u64 = 3;
const MEMBERS: u64 = 4;

/// What is known for sure about the members of a database.
#[derive(Clone, Copy, Debug)]
pub struct Roles {
    table: TableId,
    members: u16,
}

impl Roles {
    /// Of the database `name`; whoever asks first makes the table.
    pub fn of(ledger: &mut Ledger, name: &str, members: u16) -> Roles {
        let name = format!("__roles.{name}");
        let table = ledger.find(&name).unwrap_or_else(|| {
            let rows = Some(MEMBERS + 3 * u64::from(members));
            ledger.table(&name, TableSpec { rows, value: 0 })
        });
        Roles { table, members }
    }

    fn get(self, ledger: &Ledger, row: u64) -> i64 {
        ledger.read(self.table, row).map_or(0, |row| row.value)
    }

    fn set(self, ledger: &mut Ledger, row: u64, to: i64) {
        if self.get(ledger, row) == to {
            return;
        }
        let verb = Verb::Set { to, if_version: None };
        let set = Statement::Table { table: self.table, key: row, verb };
        ledger.apply(&[set], &Request::internal(OpId(0), Time::ZERO), Time::ZERO);
    }

    fn row(self, kind: u64, member: u16) -> u64 {
        MEMBERS + kind * u64::from(self.members) + u64::from(member)
    }

    /// Who is primary.
    pub fn primary(self, ledger: &Ledger) -> u16 {
        self.get(ledger, PRIMARY) as u16
    }

    /// Whom callers take for the primary: news takes a while.
    pub fn known_primary(self, ledger: &Ledger, now: Time, notice: Span) -> u16 {
        let changed = Time(self.get(ledger, CHANGED) as u64);
        let row = if now < changed + notice && changed > Time::ZERO { BEFORE } else { PRIMARY };
        self.get(ledger, row) as u16
    }

    /// There is another primary.
    pub fn promote(self, ledger: &mut Ledger, member: u16, now: Time) {
        let before = self.get(ledger, PRIMARY);
        self.set(ledger, BEFORE, before);
        self.set(ledger, PRIMARY, i64::from(member));
        self.set(ledger, CHANGED, now.0 as i64);
        (0..self.members).for_each(|member| self.suspect(ledger, member, false));
    }

    /// Up to where commits that wait for replicas were answered.
    pub fn confirmed(self, ledger: &Ledger) -> Lsn {
        Lsn(self.get(ledger, CONFIRMED) as u64)
    }

    /// The commit at `lsn` is answered.
    pub fn confirm(self, ledger: &mut Ledger, lsn: Lsn) {
        self.set(ledger, CONFIRMED, lsn.0 as i64);
    }

    /// Where it stands how far a member has applied the log, and how far it has received it.
    pub fn follow(self, ledger: &mut Ledger, member: u16, [applied, received]: [FollowerId; 2]) {
        self.set(ledger, self.row(0, member), i64::from(applied.0));
        self.set(ledger, self.row(1, member), i64::from(received.0));
    }

    /// How far a member has applied the log.
    pub fn applied(self, ledger: &Ledger, member: u16) -> FollowerId {
        FollowerId(self.get(ledger, self.row(0, member)) as u16)
    }

    /// How far a member has received it.
    pub fn received(self, ledger: &Ledger, member: u16) -> FollowerId {
        FollowerId(self.get(ledger, self.row(1, member)) as u16)
    }

    /// Whether a member takes the primary for gone.
    pub fn suspects(self, ledger: &Ledger, member: u16) -> bool {
        self.get(ledger, self.row(2, member)) != 0
    }

    /// A member takes the primary for gone, or not any more.
    pub fn suspect(self, ledger: &mut Ledger, member: u16, suspects: bool) {
        self.set(ledger, self.row(2, member), i64::from(suspects));
    }
}

/// What users have written last: when, and how far the log had come.
#[derive(Clone, Copy, Debug)]
pub struct Wrote {
    table: TableId,
    key: KeyOf,
    /// They read from the primary for so long; `None`: until a replica has it.
    sticky: Option<Span>,
}

impl Wrote {
    /// As the database `name` wants it.
    pub fn of(name: &str, spec: &OwnWrites, wiring: &mut Wiring<'_>) -> Option<Wrote> {
        let (key, sticky) = match spec {
            OwnWrites::Perhaps => return None,
            OwnWrites::Sticky { key, r#for } => (key, Some(r#for.0)),
            OwnWrites::CaughtUp { key } => (key, None),
        };
        // A key that is not there is reported by the database.
        let key = wiring.quietly(|wiring| KeyOf::named(key, wiring));
        let name = format!("__wrote.{name}");
        let ledger = wiring.builder.ledger();
        let table = ledger.find(&name);
        let table = table.unwrap_or_else(|| ledger.table(&name, TableSpec::default()));
        Some(Wrote { table, key: key?, sticky })
    }

    /// The user of `request` has written.
    pub fn note(self, ledger: &mut Ledger, request: &Request, now: Time) {
        let position = ledger.position().0 as i64;
        let to = if self.sticky.is_some() { now.0 as i64 } else { position };
        let verb = Verb::Set { to, if_version: None };
        let set = Statement::Table { table: self.table, key: self.key.of(request), verb };
        ledger.apply(&[set], request, now);
    }
}

/// Where the calls of one channel go.
#[derive(Clone, Debug)]
pub struct Route {
    roles: Roles,
    reads: Reads,
    wrote: Option<Wrote>,
    notice: Span,
    /// Whose turn it is.
    turn: u16,
}

impl Route {
    /// For calls to the database `name` that only read, or for others.
    pub fn new(name: &str, spec: &ReplicasSpec, reads: bool, wiring: &mut Wiring<'_>) -> Route {
        let roles = Roles::of(wiring.builder.ledger(), name, spec.members());
        let wrote = Wrote::of(name, &spec.own_writes, wiring);
        let notice = spec.failover.map_or(Span::ZERO, |failover| failover.notice.0);
        let reads = if reads { spec.reads } else { Reads::Primary };
        Route { roles, reads, wrote, notice, turn: 0 }
    }

    /// The member to ask, of those that are `ready`.
    pub fn pick(
        &mut self,
        ledger: &Ledger,
        now: Time,
        ready: &[u16],
        key: impl Fn(KeyOf) -> u64,
    ) -> u16 {
        let primary = self.roles.known_primary(ledger, now, self.notice);
        if self.reads == Reads::Primary {
            return primary;
        }
        let wrote = self.wrote.and_then(|wrote| {
            Some((ledger.read(wrote.table, key(wrote.key))?.value, wrote.sticky))
        });
        let will_do = |member: u16| match wrote {
            _ if member == primary => self.reads == Reads::Any,
            None => true,
            Some((at, Some(window))) => now >= Time(at as u64) + window,
            Some((position, None)) => {
                ledger.seen(self.roles.applied(ledger, member)).0 as i64 >= position
            }
        };
        let count = ready.len();
        let first = ready.iter().position(|member| *member >= self.turn).unwrap_or(0);
        let mut turns = (0..count).map(|step| ready[(first + step) % count]);
        let Some(member) = turns.find(|member| will_do(*member)) else { return primary };
        self.turn = member + 1;
        member
    }
}
