//! The last arrow of a run: from the world to the record of it.

use std::collections::BTreeMap;

use crate::group::{ComponentId, Group};
use crate::mark::Mark;
use crate::record::{ActionRecord, GroupRecord, MemberRecord, Requests, RunRecord};
use crate::time::{Span, Time};
use crate::world::World;

impl World {
    /// Ends the last interval and writes everything down. `digest` is the probe's fingerprint,
    /// `missing` the pairs of tables that a check compares.
    pub fn finish(&mut self, digest: u64, missing: &[(String, String)]) -> RunRecord {
        self.end_interval();
        let counted = self.counted();
        let meter = &self.kernel.meter;
        let mut requests = meter.requests;
        let ended = requests.completed + requests.denied + requests.failed;
        requests.in_flight = requests.generated - ended;
        RunRecord {
            seed: self.frame.seed,
            digest,
            events: self.events,
            duration: self.frame.duration,
            warmup: self.frame.warmup,
            ended: self.kernel.now,
            requests: Requests { ..requests },
            operations: meter.operation_records(false),
            edges: meter.edge_records(&counted.asked),
            series: self.series(),
            actions: self
                .actions
                .iter()
                .map(|planned| ActionRecord {
                    name: planned.action.name.clone(),
                    began: planned.began.unwrap_or(Time::NEVER),
                    ended: planned.ended,
                    times: planned.times,
                    spells: planned.spells.clone(),
                    touched: planned.touched.clone(),
                })
                .collect(),
            counters: self.shared_counters(),
            ages: meter.operation_records(true),
            tables: self.kernel.ledger.table_records(),
            logs: self.kernel.ledger.log_records(),
            missing: missing
                .iter()
                .map(|(from, other)| {
                    let count = self.kernel.ledger.missing(from, other);
                    ((from.clone(), other.clone()), count)
                })
                .collect(),
            groups: self.group_records(&counted),
        }
    }

    /// What happened from the first mark to the second.
    fn counted(&self) -> Mark {
        let now = self.happened(self.kernel.now);
        let Some(begin) = self.marks.first() else { return now };
        let end = self.marks.get(1).unwrap_or(&now);
        let asked = end.asked.iter().zip(&begin.asked).map(|(end, begin)| end - begin);
        let members = end.members.iter().zip(&begin.members);
        let between = |end: Span, begin: Span| Span(end.0 - begin.0);
        let members = members.map(|(end, begin)| {
            (end.0 - begin.0, between(end.1, begin.1), between(end.2, begin.2))
        });
        Mark { asked: asked.collect(), members: members.collect() }
    }

    fn shared_counters(&self) -> BTreeMap<String, u64> {
        let shared = self.kernel.meter.counters.iter().filter(|counter| counter.owner.is_none());
        shared.map(|counter| (counter.name.clone(), counter.value)).collect()
    }

    fn group_records(&mut self, counted: &Mark) -> Vec<GroupRecord> {
        let groups = self.kernel.groups.clone();
        let mut records: Vec<GroupRecord> = groups
            .iter()
            .enumerate()
            .map(|(index, group)| {
                let totals = self.totals(index as u32);
                let members =
                    group.members().map(|id| self.member_record(group, id, counted)).collect();
                GroupRecord { name: group.name.clone(), kind: group.kind.clone(), totals, members }
            })
            .collect();
        records.sort_by(|a, b| a.name.cmp(&b.name));
        records
    }

    fn totals(&self, group: u32) -> BTreeMap<String, u64> {
        let own = self.kernel.meter.counters.iter().filter(|c| c.owner == Some(group));
        own.map(|counter| (counter.name.clone(), counter.value)).collect()
    }

    fn member_record(&mut self, group: &Group, id: ComponentId, counted: &Mark) -> MemberRecord {
        let (arrived, occupied, computed) = counted.members[id.0 as usize];
        let seat = self.kernel.seat(id).clone();
        let cores = self.kernel.cores(id);
        let zone = self.kernel.nodes[seat.node.0 as usize].zone;
        // Of two limits, the one that was used more: threads, or the CPU under them.
        let threads = match seat.servers {
            0 => 0.0,
            servers => occupied.0 as f64 / f64::from(servers),
        };
        let cpu_is_tighter = cores > 0.0 && computed.0 as f64 / cores >= threads;
        let (busy, servers) = match cpu_is_tighter {
            true => (computed, cores),
            false => (occupied, f64::from(seat.servers)),
        };
        MemberRecord {
            name: format!("{}/{}", group.name, seat.member),
            zone: self.kernel.zones.get(zone.0 as usize).cloned().unwrap_or_default(),
            arrived: seat.arrived,
            counted: arrived,
            turned_away: seat.turned_away,
            busy,
            servers,
            queue_max: self.sampling.queue_max[id.0 as usize],
        }
    }
}
