//! Whom a channel asks next.

use engine::{Component, Cx, MemberState, Span};

use super::Channel;
use crate::key::KeyOf;
use crate::policy::balance::Balance;

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
            return self.pick_in_view(cx, key);
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
        self.balance.ready_changed();
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
    fn pick_in_view<C: Component>(&mut self, cx: &mut Cx<'_, C>, key: u64) -> Option<u16> {
        let Channel { view, balance, lower, in_hand, stream, group, .. } = self;
        let (view, now, stream) = (view.as_mut()?, cx.now(), *stream);
        if view.update(cx, *group, stream) {
            let present: Vec<u16> = view.present().collect();
            if !present.is_empty() {
                balance.members_are(&present);
                lower.iter_mut().for_each(|balance| balance.members_are(&present));
            }
            balance.ready_changed();
            lower.iter_mut().for_each(Balance::ready_changed);
        }
        let level = view.level(now, || cx.below(stream, 100))?;
        let balance = level.checked_sub(1).map_or(balance, |below| &mut lower[below]);
        let ready = view.ready(level);
        let warms = view.warms(now);
        // Rules that go by calls in hand see a member in slow start as loaded more, as if it had
        // a lower weight; with the others it gives turns away.
        let count = |member: u16| {
            let count = in_hand[member as usize];
            match warms {
                true => scaled(count, view.factor(member, now)),
                false => count,
            }
        };
        let turns = if warms && in_hand.is_empty() { TURNS } else { 1 };
        let mut picked = None;
        for _ in 0..turns {
            let member = balance.pick(ready, key, now, count, |n| cx.below(stream, n));
            picked = Some(member);
            let factor = if turns > 1 { view.factor(member, now) } else { 1.0 };
            if factor >= 1.0 || cx.unit(stream) < factor {
                break;
            }
        }
        view.picked(picked?, now);
        picked
    }
}

/// How many calls in hand a member seems to have that takes this part of its share: n + 1 calls
/// weigh as much as (n + 1) / part.
fn scaled(in_hand: u32, part: f64) -> u32 {
    let weighs = (f64::from(in_hand) + 1.0) / part.max(1e-3);
    libm::ceil(weighs) as u32 - 1
}

#[cfg(test)]
mod tests {
    use super::scaled;

    /// At a tenth of its share an idle member seems to have 9 in hand: (0 + 1) / 0.1 − 1.
    #[test]
    fn slow_starters_seem_busier() {
        assert_eq!([scaled(0, 0.1), scaled(1, 0.5), scaled(7, 1.0)], [9, 3, 7]);
    }
}
