//! How a try ends: what is given back, what is learnt, and whether there is another.

use engine::{Answer, Component, Cx, Key, Outcome, Span};

use super::{Asked, Channel, Next, Try, connect};

impl Channel {
    /// A try has ended. Says whether there is another, and after which pause.
    #[inline]
    pub fn done<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        tries: &mut Try,
        outcome: Outcome,
    ) -> Next {
        tries.call = Key::NONE;
        if self.plain {
            return Next::Over;
        }
        self.ended(cx, tries, outcome)
    }

    /// The same, where a policy says more.
    #[inline(never)]
    fn ended<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        tries: &mut Try,
        outcome: Outcome,
    ) -> Next {
        self.release(cx, tries, connect::is_sound(outcome));
        if let Some(slots) = &mut self.slots
            && matches!(outcome, Outcome::Refused | Outcome::Reset | Outcome::TimedOut)
        {
            let another = (self.link, (tries.member + 1) % self.members);
            slots.refresh(cx, &mut self.balance, another);
        }
        self.lay_down(tries.member);
        if self.counts {
            let (took, now) = (cx.now().since(tries.since), cx.now());
            self.balance_of(tries.member).heard(tries.member, took, now);
        }
        if self.view.is_some() {
            self.learn(cx, tries.member, outcome);
        }
        self.another(cx, tries, outcome)
    }

    /// Whether there is another try after one that ended so.
    fn another<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        tries: &mut Try,
        outcome: Outcome,
    ) -> Next {
        let Some(retry) = &mut self.retry else { return Next::Over };
        if !retry.may(tries.made, outcome) {
            return Next::Over;
        }
        let stream = self.stream;
        let last = Span::micros(tries.pause.into());
        let pause = retry.backoff.pause(u32::from(tries.made), last, || cx.unit(stream));
        tries.pause = u32::try_from(pause.0 / 1000).unwrap_or(u32::MAX);
        if cx.now() + pause >= tries.deadline {
            return Next::Over;
        }
        retry.pay();
        Next::Again(pause)
    }

    /// There is nobody to ask: that was a try.
    #[cold]
    pub(super) fn nobody<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        asked: &Asked,
        tries: &mut Try,
        again: C::Timer,
    ) -> Result<(), Answer> {
        if tries.made == 0 {
            self.first_try(cx, asked, tries);
        }
        tries.made = tries.made.saturating_add(1);
        // No member is passed over for it.
        tries.member = u16::MAX;
        self.unsent(cx, tries, Outcome::Refused, again)
    }

    /// Nothing was sent in this try, so that nobody will call back: `again` brings the next one,
    /// if there is one.
    #[cold]
    pub(super) fn unsent<C: Component>(
        &mut self,
        cx: &mut Cx<'_, C>,
        tries: &mut Try,
        outcome: Outcome,
        again: C::Timer,
    ) -> Result<(), Answer> {
        match self.another(cx, tries, outcome) {
            Next::Over => Err(Answer::of(outcome)),
            Next::Again(pause) => {
                cx.after(pause, again);
                Ok(())
            }
        }
    }

    /// The caller gives up a try in flight: nobody knows any longer what comes over its
    /// connection.
    pub fn abandon<C: Component>(&mut self, cx: &mut Cx<'_, C>, tries: &mut Try) {
        self.hang_up(cx, tries, false);
    }

    /// The caller lets go of a grant, which is a request as any other: its connection stays open.
    pub fn let_go<C: Component>(&mut self, cx: &mut Cx<'_, C>, hold: &mut Try) {
        self.hang_up(cx, hold, true);
    }

    fn hang_up<C: Component>(&mut self, cx: &mut Cx<'_, C>, tries: &mut Try, sound: bool) {
        if tries.stands_in_line() {
            return self.step_out(cx, tries);
        }
        if cx.hang_up(tries.call) {
            self.lay_down(tries.member);
        }
        self.release(cx, tries, sound);
        tries.call = Key::NONE;
    }

    /// A grant in hand was broken by a crash of whoever gave it.
    pub fn broken<C: Component>(&mut self, cx: &mut Cx<'_, C>, tries: &mut Try) {
        self.release(cx, tries, false);
        self.lay_down(tries.member);
        tries.call = Key::NONE;
    }

    /// A call to a member is no longer in hand.
    #[inline]
    pub(super) fn lay_down(&mut self, member: u16) {
        if self.counts {
            self.in_hand[member as usize] -= 1;
        }
    }
}
