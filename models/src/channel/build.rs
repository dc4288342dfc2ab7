//! From a policy to a channel.

use engine::{Belief, ComponentId, GroupId, OpId};

use super::Channel;
use super::connections::Connections;
use crate::policy::balance::Balance;
use crate::policy::retry::Retry;
use crate::policy::spec::{BalanceSpec, LocalitySpec, Policy, ViewSpec};
use crate::policy::view::View;
use crate::redis::client::Reader;
use crate::wiring::Wiring;

impl Channel {
    /// The channel of `from` to `to` under a policy.
    pub fn build(
        wiring: &mut Wiring<'_>,
        from: ComponentId,
        to: GroupId,
        policy: &Policy,
        purpose: &str,
    ) -> Channel {
        let group = wiring.builder.declared(to);
        let (name, members) = (group.name.clone(), group.size);
        let link = wiring.builder.link(from, to);
        let owner = format!("{} to {name}", wiring.builder.name(from));
        let stream = wiring.builder.stream(&owner, purpose);
        let offer = wiring.offers.get(&name);
        let moves = offer.is_some_and(|offer| offer.kind == "Redis" && offer.by.is_some());
        let by = offer.and_then(|offer| offer.by.clone());
        let host = offer.and_then(|offer| offer.inside.clone());
        let own = host.and_then(|host| wiring.builder.find(&host)).and_then(|host| {
            wiring.builder.declared(host).members().position(|member| member == from)
        });
        let slots = moves.then(|| Reader::new(&name, wiring));
        // What is wrong with a rule is reported once: by the store, or where policies are checked.
        let known = wiring.problems.len();
        let spread = by.and_then(|by| by.build(members, wiring));
        // Where keys have their members, nobody is nearer than another, or fresher.
        let bound = Policy { locality: None, slow_start: None, ..policy.clone() };
        let policy = if spread.is_some() { &bound } else { policy };
        let elsewhere = policy.retry.as_ref().is_some_and(|it| it.elsewhere) && spread.is_none();
        let balance = spread.unwrap_or_else(|| {
            let rule = policy.balance.clone().unwrap_or(BalanceSpec::RoundRobin);
            rule.build(members, from.0, wiring).unwrap_or(Balance::Random)
        });
        wiring.problems.truncate(known);
        let probe = match policy.view.as_ref().and_then(ViewSpec::asks) {
            Some(operation) => wiring.builder.op(&format!("{name}.{operation}")),
            None => OpId::PROBE,
        };
        let levels = levels(wiring, from, to, policy);
        let crowd = !wiring.offers.contains_key(&wiring.builder.group_name(from));
        let view = View::new(policy, probe, levels, crowd).filter(|_| own.is_none()).map(Box::new);
        let lower = view.as_ref().map_or(0, |view| view.levels() - 1);
        let counts = balance.counts();
        let alone = (members == 1 && view.is_none()).then_some(0);
        let told = view.is_some() || counts || slots.is_some() || policy.connections.is_some();
        Channel {
            group: to,
            link,
            belief: Belief::new(members),
            ready: (0..members).collect(),
            others: Vec::new(),
            lower: vec![balance.clone(); lower],
            balance,
            slots,
            view,
            in_hand: vec![0; if counts { members as usize } else { 0 }],
            counts,
            connections: connections(policy, members),
            timeout: policy.timeout.map(|span| span.0),
            total: policy.total.map(|span| span.0),
            cancel: policy.cancel.unwrap_or(false),
            retry: policy.retry.as_ref().map(Retry::new),
            elsewhere,
            stream,
            members,
            place: 0,
            pool: None,
            route: None,
            only: alone.or(own.map(|member| member as u16)),
            plain: !told && policy.retry.is_none(),
        }
    }
}

fn connections(policy: &Policy, members: u16) -> Option<Box<Connections>> {
    policy.connections.as_ref().map(|spec| Box::new(Connections::new(spec, members)))
}

/// In which level of priority each member is, as seen by a caller.
fn levels(wiring: &mut Wiring<'_>, from: ComponentId, to: GroupId, policy: &Policy) -> Vec<u8> {
    let builder = &wiring.builder;
    let zones: Vec<&str> = builder.declared(to).members().map(|it| builder.zone_of(it)).collect();
    match &policy.locality {
        None => vec![0; zones.len()],
        Some(LocalitySpec::Order(order)) => {
            let place = |zone: &&str| order.iter().position(|it| it == zone);
            zones.iter().map(|zone| place(zone).unwrap_or(order.len()) as u8).collect()
        }
        Some(LocalitySpec::SameZone) => {
            let near = wiring.near.clone().unwrap_or_else(|| builder.zone_of(from).to_string());
            let levels = zones.iter().map(|zone| u8::from(*zone != near)).collect();
            if near.is_empty() && builder.zones().len() > 1 {
                let help = Some("say where they are: near: \"a\"".to_string());
                wiring.problem_with("these users are in no zone, and prefer their own", help);
            }
            levels
        }
    }
}
