//! A caller's own view of a group: who is there, who is well, and who can therefore be asked.
//!
//! One per caller and callee, so that several balancers disagree for a while, as in life. Callers
//! that just know who is up need none of this: see [`crate::channel::Channel`].

use engine::chance::StreamId;
use engine::{Belief, Change, Component, Cx, GroupId, MemberState, OpId, Outcome, Span, Time};

use super::health::checks::Checks;
use super::health::levels::{Level, shares};
use super::health::max_fails::MaxFails;
use super::health::names::{Copy, Names};
use super::health::outliers::{Outliers, Verdict};
use super::health::registry::Registry;
use super::health::slow_start::SlowStart;
use super::health::spec::{SlowStartSpec, ViewSpec};
use super::spec::Policy;

/// What a caller knows and concludes about the members of a group.
#[derive(Clone, Debug)]
pub struct View {
    source: Source,
    belief: Belief,
    /// It looks for itself.
    pub checks: Option<Checks>,
    /// It draws conclusions from its calls.
    pub passive: Passive,
    /// In percent: with fewer members in rotation it asks all.
    panic: Option<f64>,
    slow: Option<SlowStart>,
    /// Who was in rotation when it looked last, and since when.
    since: Vec<Option<Time>>,
    /// From here on nobody is in slow start.
    warm_from: Time,
    /// In which level of priority each member is.
    level_of: Vec<u8>,
    /// Who can be asked now.
    rotation: Rotation,
    /// Of a crowd: who could be asked from when on.
    past: Vec<(Time, Rotation)>,
    /// Which of them it is now.
    present: usize,
    /// Of the chosen level those whom nginx's rule does not skip now.
    unskipped: Vec<u16>,
    skips: bool,
    /// Who can be asked has to be worked out anew.
    dirty: bool,
}

/// Where it learns who is there.
#[derive(Clone, Debug)]
enum Source {
    /// It knows.
    Truth,
    /// It never hears of anything: a list in a file.
    Fixed,
    /// It reads a list of leases.
    Registry(Registry),
    /// It resolves a name.
    Names(Names, Copy),
    /// It is many users, each of whom has resolved a name; so much of the history is known.
    Crowd(Names, usize),
}

/// Who can be asked, in order, by level; and the part of the load of each level, in percent.
#[derive(Clone, Debug, Default)]
struct Rotation {
    levels: Vec<(u32, Vec<u16>)>,
}

/// What a caller concludes from how its calls end.
#[derive(Clone, Debug)]
pub enum Passive {
    /// Nothing.
    None,
    /// As Envoy.
    Outliers(Box<Outliers>),
    /// As nginx; which outcomes are failures.
    MaxFails(MaxFails, [bool; Outcome::COUNT]),
}

impl View {
    /// As a policy says; `None` if the caller just knows who is up. `op` is what checks ask,
    /// `level_of` says which level of priority each member is in, `crowd` whether the caller is
    /// many users.
    pub fn new(policy: &Policy, op: OpId, level_of: Vec<u8>, crowd: bool) -> Option<View> {
        let (view, members) = (policy.view.as_ref(), level_of.len() as u16);
        if view.is_none_or(|view| matches!(view, ViewSpec::Instant))
            && policy.passive.is_none()
            && policy.panic.is_none()
            && policy.slow_start.is_none()
            && policy.locality.is_none()
        {
            return None;
        }
        Some(View {
            source: Source::new(view, members, crowd),
            belief: Belief::new(members),
            checks: view.and_then(|view| Checks::new(view, members, op)),
            passive: policy.passive.as_ref().map_or(Passive::None, |it| it.build(members)),
            panic: policy.panic.map(|share| share.0 * 100.0),
            slow: policy.slow_start.as_ref().map(SlowStartSpec::build),
            since: vec![Some(Time::ZERO); members as usize],
            warm_from: Time::ZERO,
            level_of,
            rotation: Rotation::default(),
            past: Vec::new(),
            present: 0,
            unskipped: Vec::with_capacity(members as usize),
            skips: false,
            dirty: true,
        })
    }

    /// Whether it wants to hear how calls end.
    pub fn listens(&self) -> bool {
        !matches!(self.passive, Passive::None)
    }

    /// How many levels of priority there are.
    pub fn levels(&self) -> usize {
        usize::from(self.level_of.iter().copied().max().unwrap_or(0)) + 1
    }

    /// The level of a member.
    pub fn level_of(&self, member: u16) -> usize {
        usize::from(self.level_of[usize::from(member)])
    }

    /// The owner begins. At the start of a run it is somewhere between two looks; after a crash
    /// it looks at once.
    pub fn begin(&mut self, now: Time, unit: &mut dyn FnMut() -> f64) {
        let mut phase = || if now == Time::ZERO { unit() } else { 0.0 };
        match &mut self.source {
            Source::Registry(it) => it.begin(now, Span::from_f64(it.poll().0 as f64 * phase())),
            Source::Names(names, copy) => {
                let age = phase();
                *copy = Copy::new(names.kept(unit()), now, age);
            }
            Source::Truth | Source::Fixed | Source::Crowd(..) => {}
        }
    }

    /// Brings it up to date, for a request that is about to be made. Whether who can be asked has
    /// been worked out anew.
    pub fn update<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        group: GroupId,
        stream: StreamId,
    ) -> bool {
        let now = cx.now();
        self.dirty |= match &mut self.source {
            Source::Truth => cx.catch_up(group, &mut self.belief, Span::ZERO),
            Source::Fixed => false,
            Source::Registry(it) => it.due(now) && it.read(&cx.group(group).history, now),
            Source::Names(names, copy) => {
                let lag = copy.age(now) + names.notice;
                cx.catch_up(group, &mut self.belief, lag)
            }
            Source::Crowd(names, _) => {
                let luck = if names.stubborn > 0.0 { cx.unit(stream) } else { 1.0 };
                let as_of = names.as_of(now, luck, cx.unit(stream));
                self.recall(&cx.group(group).history, now, as_of);
                return false;
            }
        };
        let news = self.dirty;
        if news {
            self.look(now);
        }
        news
    }

    /// Of a crowd: what was so at `as_of`.
    fn recall(&mut self, history: &[Change], now: Time, as_of: Time) {
        let Source::Crowd(_, mut known) = self.source else { return };
        while self.past.is_empty() || history.get(known).is_some_and(|it| it.at <= now) {
            let at = if self.past.is_empty() { Time::ZERO } else { history[known].at };
            known += history[known..].iter().take_while(|change| change.at <= at).count();
            self.belief.catch_up(history, at);
            self.look(at);
            self.past.push((at, self.rotation.clone()));
        }
        if let Source::Crowd(_, read) = &mut self.source {
            *read = known;
        }
        self.present = self.past.partition_point(|(at, _)| *at <= as_of).saturating_sub(1);
    }

    fn rotation(&self) -> &Rotation {
        self.past.get(self.present).map_or(&self.rotation, |(_, rotation)| rotation)
    }

    /// Which level this request goes to; `None` if there is nobody to ask. `percent` draws below
    /// 100.
    pub fn level(&mut self, now: Time, percent: impl FnOnce() -> u32) -> Option<usize> {
        let levels = &self.rotation().levels;
        let level = match levels.iter().position(|(share, _)| *share == 100) {
            Some(level) => level,
            None if levels.iter().all(|(share, _)| *share == 0) => return None,
            None => {
                let mut drawn = percent();
                levels.iter().position(|(share, _)| match drawn < *share {
                    true => true,
                    false => {
                        drawn -= share;
                        false
                    }
                })?
            }
        };
        self.skip(level, now);
        (!self.ready(level).is_empty()).then_some(level)
    }

    /// Leaves out those whom nginx would not ask now.
    fn skip(&mut self, level: usize, now: Time) {
        self.skips = false;
        let Passive::MaxFails(it, _) = &self.passive else { return };
        if !it.skips() {
            return;
        }
        self.unskipped.clear();
        let (_, ready) = &self.rotation.levels[level];
        self.unskipped.extend(ready.iter().filter(|member| it.serves(**member, now)));
        self.skips = !self.unskipped.is_empty() || self.panic.is_none_or(|least| least == 0.0);
    }

    /// Who can be asked of the level chosen last.
    pub fn ready(&self, level: usize) -> &[u16] {
        if self.skips { &self.unskipped } else { &self.rotation().levels[level].1 }
    }

    /// Works out anew who can be asked.
    #[cold]
    fn look(&mut self, now: Time) {
        self.dirty = false;
        let members = self.since.len() as u16;
        for member in 0..members {
            let well = self.well(member);
            let since = &mut self.since[member as usize];
            if well && since.is_none() {
                *since = Some(now);
                let window = self.slow.map_or(Span::ZERO, |slow| slow.window());
                self.warm_from = self.warm_from.max(now + window);
            } else if !well {
                *since = None;
            }
        }
        let well = |member: u16| self.since[member as usize].is_some();
        let mut levels = vec![Level::default(); self.levels()];
        for member in (0..members).filter(|member| self.exists(*member)) {
            let level = &mut levels[self.level_of(member)];
            level.total += 1;
            level.available += u32::from(well(member));
        }
        let share = |(level, (share, panics)): (usize, (u32, bool))| {
            let believed = |it: u16| if panics { self.exists(it) } else { well(it) };
            let here = |it: &u16| self.level_of(*it) == level && believed(*it);
            (share, (0..members).filter(here).collect())
        };
        let levels = shares(&levels, self.panic).into_iter().enumerate().map(share).collect();
        self.rotation = Rotation { levels };
    }

    /// Who is believed to be part of the group at all.
    pub fn present(&self) -> impl Iterator<Item = u16> {
        (0..self.since.len() as u16).filter(|member| self.exists(*member))
    }

    /// Whether a member is.
    fn exists(&self, member: u16) -> bool {
        match &self.source {
            Source::Registry(it) => it.lists(member),
            _ => self.belief.state(member) != MemberState::Gone,
        }
    }

    /// Whether a member is believed to be well.
    fn well(&self, member: u16) -> bool {
        let state = self.belief.state(member);
        let up = match (&self.source, &self.checks) {
            (Source::Registry(it), _) => it.lists(member),
            // Somebody who checks for itself does not hear of crashes.
            (_, Some(checks)) => {
                checks.healthy(member) && matches!(state, MemberState::Ready | MemberState::Down)
            }
            (_, None) => state == MemberState::Ready,
        };
        up && !matches!(&self.passive, Passive::Outliers(it) if it.is_out(member))
    }

    /// Whether anybody is in slow start.
    pub fn warms(&self, now: Time) -> bool {
        now < self.warm_from
    }

    /// The part of its share that a member takes.
    pub fn factor(&self, member: u16, now: Time) -> f64 {
        match (self.slow, self.since[member as usize]) {
            (Some(slow), Some(since)) if since > Time::ZERO => slow.factor(now.since(since)),
            _ => 1.0,
        }
    }

    /// A member is asked.
    pub fn picked(&mut self, member: u16, now: Time) {
        if let Passive::MaxFails(it, _) = &mut self.passive {
            it.picked(member, now);
        }
    }

    /// A call to a member has ended.
    pub fn heard(
        &mut self,
        member: u16,
        outcome: Outcome,
        now: Time,
        unit: &mut dyn FnMut() -> f64,
    ) {
        match &mut self.passive {
            Passive::None => {}
            Passive::Outliers(it) => {
                self.dirty |= it.heard(member, Verdict::of(outcome), now, unit);
            }
            Passive::MaxFails(it, failures) => it.heard(member, failures[outcome as usize], now),
        }
    }

    /// A check has come back.
    pub fn checked(&mut self, member: u16, passed: bool) {
        if let Some(checks) = &mut self.checks {
            self.dirty |= checks.checked(member, passed);
        }
        if let Passive::Outliers(it) = &mut self.passive
            && passed
        {
            self.dirty |= it.passed(member);
        }
    }

    /// How often [`View::tick`] is due, if at all.
    pub fn interval(&self) -> Option<Span> {
        match &self.passive {
            Passive::Outliers(it) => Some(it.interval()),
            _ => None,
        }
    }

    /// The clock of outlier detection.
    pub fn tick(&mut self, now: Time, unit: &mut dyn FnMut() -> f64) {
        if let Passive::Outliers(it) = &mut self.passive {
            self.dirty |= it.tick(now, unit);
        }
    }
}

impl Source {
    fn new(view: Option<&ViewSpec>, members: u16, crowd: bool) -> Source {
        match view {
            Some(ViewSpec::Static) => Source::Fixed,
            Some(ViewSpec::Registry { renew, expire, poll }) => {
                Source::Registry(Registry::new(members, renew.0, expire.0, poll.0))
            }
            Some(ViewSpec::Names { ttl, notice, stubborn, keep }) => {
                let (ttl, notice, keep) = (ttl.0, notice.0, keep.0);
                let names = Names { ttl, notice, stubborn: stubborn.0, keep };
                match crowd {
                    true => Source::Crowd(names, 0),
                    false => Source::Names(names, Copy::new(ttl, Time::ZERO, 0.0)),
                }
            }
            Some(ViewSpec::Instant | ViewSpec::Checked { .. }) | None => Source::Truth,
        }
    }
}
