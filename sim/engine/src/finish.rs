//! The last arrow of a run: from the world to the record of it.

use std::collections::BTreeMap;

use crate::group::{ComponentId, Group};
use crate::record::{ActionRecord, GroupRecord, MemberRecord, Requests, RunRecord};
use crate::time::Time;
use crate::world::World;

impl World {
    /// Ends the last interval and writes everything down. `digest` is the probe's fingerprint,
    /// `missing` the pairs of tables that a check compares.
    pub fn finish(&mut self, digest: u64, missing: &[(String, String)]) -> RunRecord {
        self.end_interval();
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
            edges: meter.edge_records(),
            series: self.series(),
            actions: self
                .actions
                .iter()
                .map(|planned| ActionRecord {
                    name: planned.action.name.clone(),
                    began: planned.began.unwrap_or(Time::NEVER),
                    ended: planned.ended,
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
            groups: self.group_records(),
        }
    }

    fn shared_counters(&self) -> BTreeMap<String, u64> {
        let shared = self.kernel.meter.counters.iter().filter(|counter| counter.owner.is_none());
        shared.map(|counter| (counter.name.clone(), counter.value)).collect()
    }

    fn group_records(&mut self) -> Vec<GroupRecord> {
        let groups = self.kernel.groups.clone();
        let mut records: Vec<GroupRecord> = groups
            .iter()
            .enumerate()
            .map(|(index, group)| {
                let totals = self.totals(index as u32);
                let members = group.members().map(|id| self.member_record(group, id)).collect();
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

    fn member_record(&mut self, group: &Group, id: ComponentId) -> MemberRecord {
        let (occupied, computed) = self.kernel.busy(id);
        let seat = self.kernel.seat(id).clone();
        let cores = self.kernel.cores(id);
        let zone = self.kernel.nodes[seat.node.0 as usize].zone;
        // Of two limits, the one that was used more: threads, or the CPU under them.
        let threads = occupied.0 as f64 / (seat.servers.max(1)) as f64;
        let cpu_is_tighter = cores > 0.0 && computed.0 as f64 / cores >= threads;
        let (busy, servers) = match cpu_is_tighter {
            true => (computed, cores as u64),
            false => (occupied, seat.servers as u64),
        };
        MemberRecord {
            name: format!("{}/{}", group.name, seat.member),
            zone: self.kernel.zones.get(zone.0 as usize).cloned().unwrap_or_default(),
            arrived: seat.arrived,
            turned_away: seat.turned_away,
            busy,
            servers,
            queue_max: self.sampling.queue_max[id.0 as usize],
        }
    }
}
