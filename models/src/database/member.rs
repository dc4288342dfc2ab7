//! What a member of a database with replicas has to know: from the scenario to its rules.

use std::collections::BTreeMap;

use engine::chance::Sampler;
use engine::ledger::{FollowerId, Store};
use engine::{CounterId, GroupId, LinkId, OpId, Span};

use super::copies::{Acks, FailoverSpec, ReplicasSpec, Roles, Wrote};
use super::program::Stored;
use crate::stores::dist_or;
use crate::wiring::Wiring;

/// What a member is, as known once the scenario is read.
#[derive(Clone)]
pub(super) struct CopyRules {
    pub me: u16,
    pub group: GroupId,
    pub members: u16,
    /// To the others of its group.
    pub peers: LinkId,
    pub roles: Roles,
    pub wrote: Option<Wrote>,
    pub apply: Sampler,
    pub ship: Span,
    pub acks: Acks,
    pub acks_timeout: Option<Span>,
    pub failover: Option<FailoverSpec>,
    /// How far it has applied the log, and received it.
    pub followers: [FollowerId; 2],
    /// Says how far the log has come.
    pub log: OpId,
    /// Says how far a replica has come.
    pub ack: OpId,
    pub failovers: CounterId,
    pub lost_writes: CounterId,
    pub split_brain: CounterId,
    pub acks_timeouts: CounterId,
}

impl ReplicasSpec {
    /// The rules of one member of the database `name`, which holds `stored`.
    pub(super) fn rules(
        &self,
        name: &str,
        (group, me): (GroupId, u16),
        stored: &BTreeMap<String, Stored>,
        wiring: &mut Wiring<'_>,
    ) -> CopyRules {
        let members = self.members();
        let roles = Roles::of(wiring.builder.ledger(), name, members);
        let stores: Vec<Store> = stored.values().map(|it| it.store()).collect();
        let ledger = wiring.builder.ledger();
        let followers = [0, 1].map(|_| ledger.follow(&stores));
        roles.follow(ledger, me, followers);
        let wrote = Wrote::of(name, &self.own_writes, wiring);
        let apply = wiring.at_name("replicas", |wiring| {
            dist_or(wiring, "apply", self.apply.as_ref(), Span::ZERO)
        });
        let id = wiring.builder.declared(group).member(me);
        let stream = wiring.builder.stream(&format!("{name}/{me}"), "apply");
        let counter = |counter, wiring: &mut Wiring<'_>| wiring.builder.counter(group, counter);
        CopyRules {
            me,
            group,
            members,
            peers: wiring.builder.link(id, group),
            roles,
            wrote,
            apply: Sampler { dist: apply, stream },
            ship: self.ship.0,
            acks: self.acks,
            acks_timeout: self.acks_timeout.map(|span| span.0),
            failover: self.failover,
            followers,
            log: wiring.builder.op(&format!("{name}.log")),
            ack: wiring.builder.op(&format!("{name}.ack")),
            failovers: counter("failovers", wiring),
            lost_writes: counter("lost_writes", wiring),
            split_brain: counter("split_brain_writes", wiring),
            acks_timeouts: counter("acks_timeouts", wiring),
        }
    }
}
