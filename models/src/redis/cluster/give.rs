//! Slots move while both masters serve: batch by batch, not faster than asked for. The source is
//! busy while it packs a batch, the target while it restores it, as `MIGRATE` blocks both; that the
//! source also stands still until the target has answered is not modelled.

use engine::{Cx, Request, Span};

use super::super::server::{Server, Ticket, Timer};
use super::Cluster;
use super::moving::{Giving, Part};
use crate::policy::placement::slots::Change;

/// A batch that was not answered is sent again after this.
const AGAIN: Span = Span::secs(1);

impl Server {
    /// Gives `slots` of its slots to another master, `rate` keys a second; first what it was told
    /// before. Nothing happens if it has none, or the other is no master by now.
    pub(in super::super) fn give(&mut self, to: u16, slots: u16, rate: f64, cx: &mut Cx<'_, Self>) {
        let Some(cluster) = &mut self.cluster else { return };
        let me = cluster.rules.me;
        if to == me || cluster.map.follows(to).is_some() || !cluster.map.serves(me) {
            return;
        }
        let part = Part { slot: 0, moved: 0, of: 0 };
        let slots = slots.saturating_add(1);
        let order = Giving { to, slots, rate, part, since: cx.now() };
        if cluster.giving.is_some() {
            return cluster.orders.push_back(order);
        }
        cluster.giving = Some(order);
        self.next_slot(cx);
    }

    /// Goes on with the next slot that has keys.
    fn next_slot(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        loop {
            let cluster = self.cluster();
            let Cluster { map, rules, giving: Some(giving), .. } = cluster else { return };
            giving.slots -= 1;
            let slot = map.last_slot(rules.me).filter(|_| giving.slots > 0);
            let Some(slot) = slot else {
                cluster.giving = cluster.orders.pop_front();
                continue;
            };
            giving.part = Part { slot, moved: 0, of: rules.keys[slot as usize] };
            if giving.part.of > 0 {
                return self.give_keys(cx);
            }
            map.announce(Change::Moved { slot, to: giving.to }, cx.ledger(), now);
            cluster.catch_up(cx.ledger());
        }
    }

    /// Packs the next batch.
    pub(in super::super) fn give_keys(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let Some(giving) = &mut self.cluster().giving else { return };
        giving.since = now;
        let keys = giving.batch();
        let work = self.commands(keys as usize, cx);
        cx.work(work, Timer::Packed);
    }

    /// Sends it.
    pub(in super::super) fn packed(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let Cluster { giving: Some(giving), rules, .. } = self.cluster() else { return };
        let (part, keys, to) = (giving.part, giving.batch(), giving.to);
        let draws = [part.slot.into(), part.moved + keys, part.of, keys];
        let request = Request { draws, ..Request::internal(rules.ops.take, now) };
        self.send(to, request, Ticket::Taken, cx);
    }

    /// The target has it, or has not said so.
    pub(super) fn given(&mut self, done: bool, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let Cluster { giving: Some(giving), rules, map, .. } = self.cluster() else { return };
        if !done {
            return cx.after(AGAIN, Timer::Packed);
        }
        let keys = giving.batch();
        giving.part.moved += keys;
        let left = (giving.since + giving.pause(keys)).since(now);
        let counter = rules.counters.keys;
        if giving.part.moved == giving.part.of {
            let change = Change::Moved { slot: giving.part.slot, to: giving.to };
            map.announce(change, cx.ledger(), now);
            self.cluster().catch_up(cx.ledger());
        }
        cx.count(counter, keys.into());
        cx.after(left, Timer::GoOn);
    }

    /// The next batch may go.
    pub(in super::super) fn go_on(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(giving) = &self.cluster().giving else { return };
        match giving.part.moved == giving.part.of {
            true => self.next_slot(cx),
            false => self.give_keys(cx),
        }
    }

    /// Keys of a slot have come.
    pub(super) fn take(&mut self, [slot, moved, of, _]: [u32; 4]) {
        let part = Part { slot: slot as u16, moved, of };
        let cluster = self.cluster();
        cluster.taking.retain(|known| known.slot != part.slot);
        cluster.taking.push(part);
    }
}
