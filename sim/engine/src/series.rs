//! Sampling: at the end of each interval the gauges are read and become columns.
//!
//! A group always has a column per metric; its members have columns of their own only in small
//! groups, so that memory does not grow with the square of anything.

use crate::component::Gauges;
use crate::event::Event;
use crate::group::{ComponentId, GroupId};
use crate::kernel::{Kernel, Seat, Status};
use crate::record::{Column, Series};
use crate::time::{Span, Time};
use crate::world::World;

/// Members of larger groups have no columns of their own.
const MOST_MEMBERS: u16 = 16;
const WHOLE_GROUP: u16 = u16::MAX;

/// How the values of members become one value of the group.
#[derive(Clone, Copy, PartialEq)]
enum Fold {
    Sum,
    Mean,
}

struct ColumnMeter {
    member: u16,
    metric: &'static str,
    unit: &'static str,
    fold: Fold,
    values: Vec<f64>,
    sum: f64,
    count: u32,
}

/// The columns of all groups, and of whatever has a name of its own (operations, logs).
pub(crate) struct Sampling {
    every: Span,
    times: Vec<Time>,
    groups: Vec<Vec<ColumnMeter>>,
    named: Vec<(String, ColumnMeter)>,
    /// Per component: busy integral at the last sample, of the seat and of the node's station.
    last_busy: Vec<(Span, Span)>,
    last_throttled: Vec<Span>,
    pub queue_max: Vec<f64>,
    /// Per component: calls that had arrived at the last sample.
    last_arrived: Vec<u64>,
    last_generated: u64,
}

impl Sampling {
    pub(crate) fn new(every: Span, groups: usize, components: usize) -> Sampling {
        Sampling {
            every,
            times: Vec::new(),
            groups: (0..groups).map(|_| Vec::new()).collect(),
            named: Vec::new(),
            last_busy: vec![(Span::ZERO, Span::ZERO); components],
            last_throttled: vec![Span::ZERO; components],
            queue_max: vec![0.0; components],
            last_arrived: vec![0; components],
            last_generated: 0,
        }
    }

    pub(crate) fn last(&self) -> Time {
        self.times.last().copied().unwrap_or(Time::ZERO)
    }

    fn put(&mut self, group: GroupId, member: u16, what: Metric, value: f64) {
        let filled = self.times.len();
        let columns = &mut self.groups[group.0 as usize];
        let known = |c: &ColumnMeter| c.member == member && c.metric == what.name;
        let index = columns.iter().position(known).unwrap_or_else(|| {
            columns.push(ColumnMeter::new(member, what, filled));
            columns.len() - 1
        });
        columns[index].add(value);
    }

    fn put_named(&mut self, name: &str, what: Metric, value: f64) {
        let filled = self.times.len();
        let known = |(n, c): &(String, ColumnMeter)| n == name && c.metric == what.name;
        let index = self.named.iter().position(known).unwrap_or_else(|| {
            self.named.push((name.into(), ColumnMeter::new(WHOLE_GROUP, what, filled)));
            self.named.len() - 1
        });
        self.named[index].1.add(value);
    }

    fn end_interval(&mut self, now: Time) {
        self.times.push(now);
        let named = self.named.iter_mut().map(|(_, column)| column);
        self.groups.iter_mut().flatten().chain(named).for_each(ColumnMeter::end_interval);
    }
}

/// What is measured: its name in checks and charts, its unit, how members fold.
#[derive(Clone, Copy)]
struct Metric {
    name: &'static str,
    unit: &'static str,
    fold: Fold,
}

const fn metric(name: &'static str, unit: &'static str, fold: Fold) -> Metric {
    Metric { name, unit, fold }
}

const UTILISATION: Metric = metric("utilisation", "ratio", Fold::Mean);
const CPU: Metric = metric("cpu", "ratio", Fold::Mean);
const THROTTLED: Metric = metric("throttled", "ratio", Fold::Mean);
const OFFERED: Metric = metric("offered", "1/s", Fold::Sum);
const IMBALANCE: Metric = metric("imbalance", "ratio", Fold::Mean);
const HIT_RATIO: Metric = metric("hit_ratio", "ratio", Fold::Mean);
const LOOK_UPS: Metric = metric("look_ups", "", Fold::Sum);
const LAG: Metric = metric("lag", "", Fold::Sum);

impl ColumnMeter {
    fn new(member: u16, what: Metric, filled: usize) -> ColumnMeter {
        let Metric { name, unit, fold } = what;
        let values = vec![f64::NAN; filled];
        ColumnMeter { member, metric: name, unit, fold, values, sum: 0.0, count: 0 }
    }

    fn add(&mut self, value: f64) {
        self.sum += value;
        self.count += 1;
    }

    fn end_interval(&mut self) {
        let value = match self.fold {
            _ if self.count == 0 => f64::NAN,
            Fold::Sum => self.sum,
            Fold::Mean => self.sum / self.count as f64,
        };
        self.values.push(value);
        (self.sum, self.count) = (0.0, 0);
    }

    fn record(&self, component: &str) -> Column {
        let member = match self.member {
            WHOLE_GROUP => String::new(),
            member => format!("{component}/{member}"),
        };
        Column {
            component: component.into(),
            member,
            metric: self.metric.into(),
            unit: self.unit.into(),
            values: self.values.clone(),
        }
    }
}

impl World {
    /// Reads all gauges and ends the interval.
    pub(crate) fn sample(&mut self) {
        self.end_interval();
        let every = self.sampling.every;
        self.kernel.queue.after(self.kernel.now, every, Event::Sample);
    }

    pub(crate) fn end_interval(&mut self) {
        let took = self.kernel.now.since(self.sampling.last());
        if took.is_zero() {
            return;
        }
        for index in 0..self.components.len() {
            let id = ComponentId(index as u32);
            let mut gauges =
                Gauges { now: self.kernel.now, rows: std::mem::take(&mut self.gauge_rows) };
            self.components[index].observe(&mut gauges);
            for &(name, value) in &gauges.rows {
                if name == "queue" {
                    let most = &mut self.sampling.queue_max[index];
                    *most = most.max(value);
                }
                self.gauge(id, metric(name, "", Fold::Sum), value);
            }
            gauges.rows.clear();
            self.gauge_rows = gauges.rows;
            self.sample_busy(id, took);
            self.sample_throttling(id, took);
        }
        self.sample_balance();
        self.sample_counters(took);
        self.sample_ledger();
        self.kernel.meter.end_interval();
        self.sampling.end_interval(self.kernel.now);
    }

    fn gauge(&mut self, id: ComponentId, what: Metric, value: f64) {
        let &mut Seat { group, member, .. } = self.kernel.seat(id);
        self.sampling.put(group, WHOLE_GROUP, what, value);
        if (2..=MOST_MEMBERS).contains(&self.kernel.groups[group.0 as usize].size) {
            self.sampling.put(group, member, what, value);
        }
    }

    /// Utilisation is the kernel's integral: of occupied servers, or of the node's CPU,
    /// whichever is the tighter limit.
    fn sample_busy(&mut self, id: ComponentId, took: Span) {
        let (seat_busy, cpu_busy) = self.kernel.busy(id);
        let last = &mut self.sampling.last_busy[id.0 as usize];
        let share = |now: Span, before: Span| (now.0 - before.0) as f64 / took.0 as f64;
        let (occupied, computed) = (share(seat_busy, last.0), share(cpu_busy, last.1));
        *last = (seat_busy, cpu_busy);
        let servers = self.kernel.seat(id).servers;
        let cores = self.kernel.cores(id);
        let mut highest = f64::NAN;
        if servers > 0 {
            highest = highest.max(occupied / servers as f64);
        }
        if cores > 0.0 {
            highest = highest.max(computed / cores);
            self.gauge(id, CPU, computed / cores);
        }
        if !highest.is_nan() {
            self.gauge(id, UTILISATION, highest);
        }
    }

    /// The part of the time in which there was work to do and nothing left of a quota.
    fn sample_throttling(&mut self, id: ComponentId, took: Span) {
        let Some(throttled) = self.kernel.throttled(id) else { return };
        let last = std::mem::replace(&mut self.sampling.last_throttled[id.0 as usize], throttled);
        self.gauge(id, THROTTLED, (throttled.0 - last.0) as f64 / took.0 as f64);
    }

    /// Of the calls that came in this interval to the members of a group that are there: the most
    /// that one of them had, by the mean.
    fn sample_balance(&mut self) {
        for (index, group) in self.kernel.groups.iter().enumerate().filter(|(_, g)| g.size > 1) {
            let (mut most, mut all, mut there) = (0, 0, 0u64);
            for id in group.members() {
                let seat = &self.kernel.seats[id.0 as usize];
                let before = &mut self.sampling.last_arrived[id.0 as usize];
                let fresh = seat.arrived - std::mem::replace(before, seat.arrived);
                most = most.max(fresh);
                all += fresh;
                there += u64::from(seat.status != Status::Off);
            }
            if all > 0 && there > 1 {
                let ratio = most as f64 * there as f64 / all as f64;
                self.sampling.put(GroupId(index as u16), WHOLE_GROUP, IMBALANCE, ratio);
            }
        }
    }

    /// Counters become levels: what was counted in this interval; hits and misses also a ratio.
    fn sample_counters(&mut self, took: Span) {
        let generated = self.kernel.meter.requests.generated;
        let fresh = generated - std::mem::replace(&mut self.sampling.last_generated, generated);
        self.sampling.put_named("all", OFFERED, fresh as f64 / took.as_secs());
        let mut ratios: Vec<(u32, [u64; 2])> = Vec::new();
        for counter in &mut self.kernel.meter.counters {
            let value = counter.value;
            let counted = value - std::mem::replace(&mut counter.sampled, value);
            let place = ["hits", "misses"].iter().position(|name| *name == counter.name);
            let (Some(owner), Some(place)) = (counter.owner, place) else { continue };
            match ratios.iter_mut().find(|(group, _)| *group == owner) {
                Some((_, counts)) => counts[place] += counted,
                None => {
                    let mut counts = [0; 2];
                    counts[place] = counted;
                    ratios.push((owner, counts));
                }
            }
        }
        for (owner, [hits, misses]) in ratios {
            if hits + misses > 0 {
                let ratio = hits as f64 / (hits + misses) as f64;
                self.sampling.put(GroupId(owner as u16), WHOLE_GROUP, HIT_RATIO, ratio);
            }
            // The weight of the ratio, for whoever puts intervals together.
            let all = (hits + misses) as f64;
            self.sampling.put(GroupId(owner as u16), WHOLE_GROUP, LOOK_UPS, all);
        }
    }

    fn sample_ledger(&mut self) {
        for (name, record) in self.kernel.ledger.log_records() {
            let lag: u64 = record.lag.values().copied().max().unwrap_or(0);
            self.sampling.put_named(&name, LAG, lag as f64);
        }
    }

    pub(crate) fn series(&self) -> Series {
        let mut columns = Vec::new();
        for (group, meters) in self.kernel.groups.iter().zip(&self.sampling.groups) {
            columns.extend(meters.iter().map(|meter| meter.record(&group.name)));
        }
        columns.extend(self.sampling.named.iter().map(|(name, meter)| meter.record(name)));
        let key = |c: &Column| (c.component.clone(), c.member.clone(), c.metric.clone());
        columns.sort_by_cached_key(key);
        Series { every: self.sampling.every, times: self.sampling.times.clone(), columns }
    }
}

impl Kernel {
    /// Integrals of occupied servers and of the CPU, up to now.
    pub(crate) fn busy(&mut self, id: ComponentId) -> (Span, Span) {
        let now = self.now;
        self.seat(id).settle_busy(now);
        self.busy_by(id, now)
    }

    /// The same up to `at`, which is not before now.
    pub(crate) fn busy_by(&self, id: ComponentId, at: Time) -> (Span, Span) {
        let seat = &self.seats[id.0 as usize];
        let occupied = seat.busy + (at - seat.since) * seat.occupied as u64;
        let station = self.nodes[seat.node.0 as usize].station.as_ref();
        (occupied, station.map_or(Span::ZERO, |station| station.busy(at)))
    }

    /// How long its node's quota was used up with work to do; `None` if it has none.
    fn throttled(&self, id: ComponentId) -> Option<Span> {
        let station = self.nodes[self.node_of(id).0 as usize].station.as_ref()?;
        station.throttled(self.now)
    }

    pub(crate) fn cores(&self, id: ComponentId) -> f64 {
        self.nodes[self.node_of(id).0 as usize].cores
    }
}
