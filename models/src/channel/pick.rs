//! Whom a channel asks next.

use engine::{Component, Cx, MemberState, Span};

use super::{Asked, Channel};
use crate::key::KeyOf;

/// So many times somebody in slow start gives the turn away; then it takes it.
const TURNS: u32 = 64;

impl Channel {
    /// Whose turn it is; `None` if there is nobody to ask.
    #[inline]
    pub(super) fn pick<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: impl Fn(KeyOf) -> u64,
    ) -> Option<u16> {
        if self.only.is_some() {
            return self.only;
        }
        if self.view.is_some() {
            if self.route.is_some() {
                return self.pick_on_route(cx, key);
            }
            let key = self.balance.key().map_or(0, key);
            return self.pick_in_view(cx, key, None);
        }
        if cx.catch_up(self.group, &mut self.belief, Span::ZERO) {
            self.believe();
        }
        if let Some(route) = &mut self.route {
            let now = cx.now();
            return Some(route.pick(cx.ledger(), now, &self.ready, key));
        }
        let key = self.balance.key().map_or(0, key);
        let (in_hand, stream) = (&self.in_hand, self.stream);
        let count = |member: u16| in_hand[member as usize];
        Some(self.balance.pick(&self.ready, key, cx.now(), count, |n| cx.below(stream, n)))
    }

    /// Whose turn it is after a try at `last`: somebody else's, if that is wanted.
    #[cold]
    #[inline(never)]
    pub(super) fn pick_again<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        last: u16,
        asked: &Asked,
    ) -> Option<u16> {
        if !self.elsewhere || self.only.is_some() || self.route.is_some() {
            return self.pick(cx, |key| key.of(&asked.request));
        }
        let key = self.balance.key().map_or(0, |key| key.of(&asked.request));
        if self.view.is_some() {
            return self.pick_in_view(cx, key, Some(last));
        }
        if cx.catch_up(self.group, &mut self.belief, Span::ZERO) {
            self.believe();
        }
        let Channel { balance, ready, others, in_hand, stream, .. } = self;
        let ready = without(Some(last), ready, others);
        let count = |member: u16| in_hand[member as usize];
        Some(balance.pick(ready, key, cx.now(), count, |n| cx.below(*stream, n)))
    }

    /// What it has learnt changes who can be asked. If nobody can, everybody is.
    #[cold]
    fn believe(&mut self) {
        let present = |member: &u16| self.belief.state(*member) != MemberState::Gone;
        let present: Vec<u16> = (0..self.members).filter(present).collect();
        if !present.is_empty() {
            self.balance.members_are(&present);
        }
        let ready = |member: &u16| self.belief.state(*member) == MemberState::Ready;
        self.ready = (0..self.members).filter(ready).collect();
        if self.ready.is_empty() {
            self.ready = present;
        }
        if self.ready.is_empty() {
            self.ready = (0..self.members).collect();
        }
    }

    /// Of a database with replicas, those it believes well.
    fn pick_on_route<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: impl Fn(KeyOf) -> u64,
    ) -> Option<u16> {
        let (view, route) = (self.view.as_mut()?, self.route.as_mut()?);
        view.update(cx, self.group, self.stream);
        let now = cx.now();
        let level = view.level(now, || cx.below(self.stream, 100))?;
        Some(route.pick(cx.ledger(), now, view.ready(level), key))
    }

    #[inline(never)]
    fn pick_in_view<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: u64,
        not: Option<u16>,
    ) -> Option<u16> {
        let Channel { view, balance, lower, in_hand, stream, group, others, .. } = self;
        let (view, now, stream) = (view.as_mut()?, cx.now(), *stream);
        if view.update(cx, *group, stream) {
            others.clear();
            others.extend(view.present());
            if !others.is_empty() {
                balance.members_are(others);
                lower.iter_mut().for_each(|balance| balance.members_are(others));
            }
        }
        let level = view.level(now, || cx.below(stream, 100))?;
        let balance = level.checked_sub(1).map_or(balance, |below| &mut lower[below]);
        let count = |member: u16| in_hand[member as usize];
        let draw = |n| cx.below(stream, n);
        let ready = without(not, view.ready(level), others);
        let mut member = balance.pick(ready, key, now, count, draw);
        if view.warms(now) {
            member = self.give_way(cx, key, level, member);
        }
        self.view.as_mut()?.picked(member, now);
        Some(member)
    }

    /// Who takes the turn of `member`, which may be in slow start: it takes as many of its turns as
    /// its part of a share says. Rules that compare members would name it again, and choose
    /// without it; the others go on to whoever is next.
    #[cold]
    fn give_way<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        key: u64,
        level: usize,
        mut member: u16,
    ) -> u16 {
        let Channel { view, balance, lower, in_hand, stream, others, .. } = self;
        let (Some(view), now) = (view, cx.now()) else { return member };
        let balance = level.checked_sub(1).map_or(balance, |below| &mut lower[below]);
        let compares = balance.compares();
        others.clear();
        others.extend_from_slice(view.ready(level));
        for _ in 0..TURNS {
            let part = view.factor(member, now);
            if others.len() == 1 || part >= 1.0 || cx.unit(*stream) < part {
                break;
            }
            if compares {
                others.retain(|other| *other != member);
            }
            let count = |member: u16| in_hand[member as usize];
            member = balance.pick(others, key, now, count, |n| cx.below(*stream, n));
        }
        member
    }
}

/// Those who are `ready`, but for one, if that leaves anybody; in `room`, if there is one.
#[inline]
fn without<'a>(not: Option<u16>, ready: &'a [u16], room: &'a mut Vec<u16>) -> &'a [u16] {
    let Some(not) = not else { return ready };
    room.clear();
    room.extend(ready.iter().copied().filter(|member| *member != not));
    if room.is_empty() { ready } else { room }
}
