//! How leadership moves: brokers that fall silent, that come back, and that catch up.
//!
//! Every broker watches the others and carries out what the controller would decide; decisions
//! are the same whoever makes them, and making one twice changes nothing. A broker that is paused
//! or cut off is not noticed (it is not down); its partitions stand still.

use engine::{Answer, Cx, MemberState, Outcome, Span, Time};

use super::broker::{Broker, Replica, Timer};
use super::lead::{Copying, Lead};

/// A follower that has not had everything for so long is not in sync (replica.lag.time.max.ms).
const LAG_MAX: Span = Span::secs(30);

impl Broker {
    /// Whether this broker leads a partition, by the controller's decision: its term begins, or
    /// ends, when it finds out.
    pub(super) fn leads(&mut self, partition: u16, cx: &mut Cx<'_, Self>) -> bool {
        let leads = self.rules.leaders.leader(cx.ledger(), partition) == Some(cx.member());
        let knows = self.lead(partition).is_some();
        if leads && !knows {
            self.begin_term(partition, cx);
        } else if knows && !leads {
            self.end_term(partition, cx);
        }
        leads
    }

    /// Whatever the leader before had more than this broker is lost.
    fn begin_term(&mut self, partition: u16, cx: &mut Cx<'_, Self>) {
        let (now, replication) = (cx.now(), self.rules.leaders.replication);
        let replica = self.replica(partition).expect("only who has a copy leads");
        replica.lead = Some(Lead::new(replica.slot, replication, now));
        let end = replica.end;
        let log = self.rules.logs[partition as usize];
        let lost = cx.ledger().truncate(log, end);
        cx.count(self.rules.counters.lost, lost);
        if now > Time::ZERO {
            cx.count(self.rules.counters.elections, 1);
        }
        self.copy(partition, cx);
        self.advance(partition, cx);
    }

    /// Who waits for something that was not done is sent to the new leader. A record that was
    /// appended may or may not be there.
    fn end_term(&mut self, partition: u16, cx: &mut Cx<'_, Self>) {
        let Some(lead) = self.replica(partition).and_then(|replica| replica.lead.take()) else {
            return;
        };
        for (_, call) in lead.pending {
            cx.reply(call, Answer::of(Outcome::Reset));
        }
        let fetches = lead.fetches.iter().map(|(_, call)| call);
        for call in lead.parked.iter().chain(fetches) {
            self.point_to_leader(*call, partition, cx);
        }
    }

    /// A follower has caught up. If it is the preferred leader, it is to lead again: from now on
    /// nothing is appended until all it still misses is there, which takes about a round trip.
    /// (Kafka looks for partitions to give back every five minutes.)
    pub(super) fn welcome(&mut self, partition: u16, slot: u16, cx: &mut Cx<'_, Self>) {
        let (leaders, now) = (self.rules.leaders, cx.now());
        let state = leaders.state(cx.ledger(), partition);
        if state.is_in_sync(slot) {
            return;
        }
        leaders.decide(cx.ledger(), partition, state.with(slot), now);
        if let Some(lead) = self.lead(partition)
            && slot == 0
        {
            lead.moving = true;
        }
    }

    /// The preferred leader has everything, and nobody waits for an acknowledgement.
    pub(super) fn hand_over(&mut self, partition: u16, cx: &mut Cx<'_, Self>) {
        let (leaders, now) = (self.rules.leaders, cx.now());
        let state = leaders.state(cx.ledger(), partition);
        if let Some(lead) = self.lead(partition) {
            lead.moving = false;
        }
        if state.is_in_sync(0) {
            leaders.decide(cx.ledger(), partition, state.led_by(0), now);
            self.end_term(partition, cx);
        }
    }

    /// It starts, or starts again: partitions that waited for it have a leader, and those that
    /// nobody took from it go on.
    pub(super) fn return_to_work(&mut self, cx: &mut Cx<'_, Self>) {
        let (leaders, now) = (self.rules.leaders, cx.now());
        for partition in 0..leaders.partitions {
            let Some(replica) = self.replica(partition) else { continue };
            let slot = replica.slot;
            let state = leaders.state(cx.ledger(), partition);
            leaders.decide(cx.ledger(), partition, state.returned(slot), now);
            self.leads(partition, cx);
        }
    }

    /// Notes who went down and who came back; a session later the former are given up.
    fn watch(&mut self, cx: &mut Cx<'_, Self>) {
        let history = &cx.group(self.rules.group).history;
        let news = history[self.read..].to_vec();
        self.read += news.len();
        for change in news {
            let down = change.state == MemberState::Down;
            self.down[change.member as usize] = down.then_some(change.at);
            if down {
                let left = (change.at + self.rules.session).since(cx.now());
                cx.after(left, Timer::Fence(u32::from(change.member)));
            }
        }
    }

    /// If the broker has been down all the while, it loses its leaderships and its place among
    /// those in sync.
    pub(super) fn session_over(&mut self, member: u16, cx: &mut Cx<'_, Self>) {
        self.watch(cx);
        let (leaders, now) = (self.rules.leaders, cx.now());
        let since = self.down[member as usize];
        if since.is_none_or(|since| since + self.rules.session > now) {
            return;
        }
        for partition in 0..leaders.partitions {
            let Some(slot) = leaders.slot(partition, member) else { continue };
            let state = leaders.state(cx.ledger(), partition);
            leaders.decide(cx.ledger(), partition, state.without(slot), now);
            if self.leads(partition, cx) {
                self.forget_end(partition, slot);
                self.advance(partition, cx);
            }
        }
    }

    fn forget_end(&mut self, partition: u16, slot: u16) {
        let Some(lead) = self.lead(partition) else { return };
        lead.moving &= slot != 0;
        let follower = lead.follower(slot);
        (follower.end, follower.copying) = (None, Copying::Failed);
    }

    /// Watches the others, gives up followers that lag too long, and asks again those that did
    /// not answer.
    pub(super) fn tick(&mut self, cx: &mut Cx<'_, Self>) {
        self.watch(cx);
        for partition in 0..self.rules.leaders.partitions {
            if self.replica(partition).is_some() && self.leads(partition, cx) {
                self.look_after_followers(partition, cx);
                self.copy(partition, cx);
                self.advance(partition, cx);
            }
        }
    }

    fn look_after_followers(&mut self, partition: u16, cx: &mut Cx<'_, Self>) {
        let (leaders, now) = (self.rules.leaders, cx.now());
        let mut state = leaders.state(cx.ledger(), partition);
        let Some(Some(replica)) = self.replicas.get_mut(partition as usize) else { return };
        let Replica { end, lead: Some(lead), .. } = replica else { return };
        for follower in &mut lead.followers {
            let member = leaders.member(partition, follower.slot);
            if follower.copying == Copying::Failed && self.down[member as usize].is_none() {
                follower.copying = Copying::Idle;
            }
            let lags = follower.end != Some(*end) && now.since(follower.caught_up) > LAG_MAX;
            if lags {
                state = state.without(follower.slot);
            }
        }
        leaders.decide(cx.ledger(), partition, state, now);
    }
}
