//! A caller's own view of a group: who is there, who is well, and who can therefore be asked.
//!
//! One per caller and callee, so that several balancers disagree for a while, as in life. Callers
//! that just know who is up need none of this: see [`crate::channel::Channel`].

use engine::chance::StreamId;
use engine::{Belief, Change, Component, Cx, GroupId, MemberState, OpId, Outcome, Span, Time};

use super::health::checks::Checks;
use super::health::levels::{Level, shares};
use super::health::max_fails::MaxFails;
use super::health::names::Copy;
use super::health::outliers::{Outliers, Verdict};
use super::health::slow_start::SlowStart;
use super::health::source::{Known, Source};
use super::health::spec::{SlowStartSpec, ViewSpec};
use super::spec::Policy;

/// What a caller knows and concludes about the members of a group.
#[derive(Clone, Debug)]
pub struct View {
    source: Source,
    /// What is known of the group, in the order of time: of a crowd as much as somebody in it may
    /// still go by, of others the present only.
    copies: Vec<Known>,
    /// Which of them this request goes by.
    present: usize,
    /// How often what it knows at present or concludes of members has changed: who can be asked is
    /// worked out anew from each copy when that is used next.
    conclusions: u64,
    /// The copy by which the last request went, and the conclusions.
    last: (usize, u64),
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
    /// Of the chosen level those whom nginx's rule does not skip now.
    unskipped: Vec<u16>,
    skips: bool,
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
            copies: vec![Known::new(members)],
            present: 0,
            conclusions: 0,
            last: (0, u64::MAX),
            checks: view.and_then(|view| Checks::new(view, members, op)),
            passive: policy.passive.as_ref().map_or(Passive::None, |it| it.build(members)),
            panic: policy.panic.map(|share| share.0 * 100.0),
            slow: policy.slow_start.as_ref().map(SlowStartSpec::build),
            since: vec![Some(Time::ZERO); members as usize],
            warm_from: Time::ZERO,
            level_of,
            unskipped: Vec::with_capacity(members as usize),
            skips: false,
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
            Source::Truth | Source::Fixed | Source::Crowd(_) => {}
        }
    }

    /// Brings it up to date, for a request that is about to be made. Whether who can be asked may
    /// differ from the last time.
    pub fn update<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        group: GroupId,
        stream: StreamId,
    ) -> bool {
        let now = cx.now();
        let known = &mut self.copies[0];
        let news = match &mut self.source {
            Source::Truth => cx.catch_up(group, &mut known.belief, Span::ZERO),
            Source::Fixed => false,
            Source::Registry(it) => it.due(now) && it.read(&cx.group(group).history, now),
            Source::Names(names, copy) => {
                let lag = copy.age(now) + names.notice;
                cx.catch_up(group, &mut known.belief, lag)
            }
            Source::Crowd(names) => {
                let names = *names;
                let luck = if names.stubborn > 0.0 { cx.unit(stream) } else { 1.0 };
                let as_of = names.as_of(now, luck, cx.unit(stream));
                self.recall(&cx.group(group).history, now, as_of, names.oldest());
                false
            }
        };
        self.conclusions += u64::from(news);
        self.look(now)
    }

    /// Of a crowd: reads on in the history, and finds what was so at `as_of`. Nobody goes by
    /// anything older than `oldest`.
    fn recall(&mut self, history: &[Change], now: Time, as_of: Time, oldest: Span) {
        while let Some(next) = self.newest().next(history, now) {
            let from = next.from;
            self.copies.push(next);
            self.take_stock(from);
        }
        let outdated = |it: &&Known| now.since(it.from) >= oldest;
        let outdated = self.copies[1..].iter().take_while(outdated).count();
        if outdated > 0 {
            self.copies.drain(..outdated);
        }
        self.present = self.copies.partition_point(|it| it.from <= as_of).saturating_sub(1);
    }

    fn newest(&self) -> &Known {
        self.copies.last().expect("there is always one")
    }

    fn levels_now(&self) -> &[(u32, Vec<u16>)] {
        &self.copies[self.present].levels
    }

    /// Which level this request goes to; `None` if there is nobody to ask. `percent` draws below
    /// 100.
    pub fn level(&mut self, now: Time, percent: impl FnOnce() -> u32) -> Option<usize> {
        let levels = self.levels_now();
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
        let (_, ready) = &self.copies[self.present].levels[level];
        self.unskipped.extend(ready.iter().filter(|member| it.serves(**member, now)));
        self.skips = !self.unskipped.is_empty() || self.panic.is_none_or(|least| least == 0.0);
    }

    /// Who can be asked of the level chosen last.
    pub fn ready(&self, level: usize) -> &[u16] {
        if self.skips { &self.unskipped } else { &self.levels_now()[level].1 }
    }

    /// Works out who can be asked, if that is not known; whether it may be somebody else than the
    /// last time.
    #[inline]
    fn look(&mut self, now: Time) -> bool {
        let known = &self.copies[self.present];
        if known.worked_out != Some(self.conclusions) {
            self.work_out(now);
        }
        let this = (self.copies[self.present].read, self.conclusions);
        std::mem::replace(&mut self.last, this) != this
    }

    #[cold]
    fn work_out(&mut self, now: Time) {
        self.take_stock(now);
        let members = self.since.len() as u16;
        let belief = &self.copies[self.present].belief;
        let mut levels = vec![Level::default(); self.levels()];
        for member in (0..members).filter(|member| self.exists(*member, belief)) {
            let level = &mut levels[self.level_of(member)];
            level.total += 1;
            level.available += u32::from(self.well(member, belief));
        }
        let share = |(level, (share, panics)): (usize, (u32, bool))| {
            let exists = |it: u16| self.exists(it, belief);
            let believed = |it: u16| if panics { exists(it) } else { self.well(it, belief) };
            let here = |it: &u16| self.level_of(*it) == level && believed(*it);
            (share, (0..members).filter(here).collect())
        };
        let levels = shares(&levels, self.panic).into_iter().enumerate().map(share).collect();
        let known = &mut self.copies[self.present];
        (known.levels, known.worked_out) = (levels, Some(self.conclusions));
    }

    /// From the newest that is known: who has come into rotation, and whom outlier detection is
    /// about.
    fn take_stock(&mut self, now: Time) {
        for member in 0..self.since.len() as u16 {
            let belief = &self.newest().belief;
            let (well, there) = (self.well(member, belief), self.exists(member, belief));
            if let Passive::Outliers(it) = &mut self.passive {
                it.is_there(member, there);
            }
            let since = &mut self.since[member as usize];
            if well && since.is_none() {
                *since = Some(now);
                let window = self.slow.map_or(Span::ZERO, |slow| slow.window());
                self.warm_from = self.warm_from.max(now + window);
            } else if !well {
                *since = None;
            }
        }
    }

    /// Who is believed to be part of the group at all.
    pub fn present(&self) -> impl Iterator<Item = u16> {
        let belief = &self.copies[self.present].belief;
        (0..self.since.len() as u16).filter(|member| self.exists(*member, belief))
    }

    /// Whether a member is.
    fn exists(&self, member: u16, belief: &Belief) -> bool {
        match &self.source {
            Source::Registry(it) => it.lists(member),
            _ => belief.state(member) != MemberState::Gone,
        }
    }

    /// Whether a member is believed to be well.
    fn well(&self, member: u16, belief: &Belief) -> bool {
        let state = belief.state(member);
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
                self.conclusions += u64::from(it.heard(member, Verdict::of(outcome), now, unit));
            }
            Passive::MaxFails(it, failures) => it.heard(member, failures[outcome as usize], now),
        }
    }

    /// Whether a call that ended so is a failure as nginx counts them, and how many it takes.
    pub fn max_fails(&self, outcome: Outcome) -> Option<u32> {
        match &self.passive {
            Passive::MaxFails(it, failures) if failures[outcome as usize] => Some(it.most()),
            _ => None,
        }
    }

    /// A check has come back.
    pub fn checked(&mut self, member: u16, passed: bool) {
        if let Some(checks) = &mut self.checks {
            self.conclusions += u64::from(checks.checked(member, passed));
        }
        if let Passive::Outliers(it) = &mut self.passive
            && passed
        {
            self.conclusions += u64::from(it.passed(member));
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
            self.conclusions += u64::from(it.tick(now, unit));
        }
    }
}

#[cfg(test)]
#[path = "view_tests.rs"]
mod tests;
