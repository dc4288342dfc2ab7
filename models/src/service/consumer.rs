//! Consuming a topic: which partitions are mine, where I am in each, and one record at a time.
//!
//! Partitions are shared by range among the replicas of the service. A replica counts as gone
//! once it has been down for a whole session; one that comes back before keeps its partitions
//! (static membership). As Kafka's automatic commit does it, a poll takes so many of the records
//! that were fetched, and commits what has been worked through if the last time is some seconds
//! ago, so that what a crash interrupts is done again: at least once.

use std::collections::VecDeque;

use engine::ledger::LogId;
use engine::{
    Answer, Belief, ComponentId, Cx, GroupId, MemberState, OpId, Outcome, Request, Span, Time,
};
use serde::Deserialize;

use super::worker::{Ticket, Timer, Worker};
use crate::channel::{Asked, Channel, Try};
use crate::flow::machine::{Ended, Machine, Origin, of_record};
use crate::flow::program::Place;
use crate::policy::spec::Policy;
use crate::topic::log_word;
use crate::units::Dur;
use crate::wiring::Wiring;

/// Frames of consumers report from this number on.
pub(super) const CONSUMED: u32 = 1 << 16;
/// How often a member looks at its group (heartbeat.interval.ms).
pub(super) const HEARTBEAT: Span = Span::secs(3);
/// The pause after a fetch that failed (retry.backoff.ms).
const RETRY_PAUSE: Span = Span::millis(100);
/// How long a fetch may take (request.timeout.ms).
const PATIENCE: Span = Span::secs(30);
/// How often a record is tried before it is skipped (the default of Spring for Kafka).
const TRIES: u8 = 10;

/// How records are consumed.
///
/// Source: the consumer configuration of Kafka, and static membership (group.instance.id).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConsumerSpec {
    /// Records that one replica works on at a time. Default: 1, a plain poll loop.
    pub threads: u32,
    /// How often positions are committed, by the first poll after that. Default: 5s, as
    /// auto.commit.interval.ms; what a crash interrupts since is done again.
    pub commit: Dur,
    /// Records of a partition that one poll takes; nothing is committed before they are done.
    /// Default: 500, as max.poll.records; at least 1.
    pub poll: u32,
    /// A replica that was down for so long loses its partitions. Default: 45s.
    pub session: Dur,
}

impl Default for ConsumerSpec {
    fn default() -> Self {
        let (commit, session) = (Dur(Span::secs(5)), Dur(Span::secs(45)));
        ConsumerSpec { threads: 1, commit, poll: 500, session }
    }
}

/// One partition of one topic, as one replica sees it.
#[derive(Clone, Debug)]
struct Partition {
    channel: usize,
    fetch: OpId,
    log: LogId,
    group: u16,
    number: u16,
    brokers: u16,
    entry: Place,
    /// Number of the topic, and how many partitions it has.
    of: u16,
    /// The next record to work on, and the end of what may be read.
    position: u64,
    high: u64,
    /// Where the records of this poll end.
    polled: u64,
    /// When a position was committed last.
    committed: Time,
    /// Whom to ask.
    leader: u16,
    tries: Try,
    attempts: u8,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Somebody else's.
    Foreign,
    /// Asked for records, or about to.
    Fetching,
    /// Has records that wait for a thread.
    Ready,
    /// A record is being worked on. `leaving`: the partition is somebody else's afterwards.
    Working { leaving: bool },
}

impl Partition {
    fn commit(&mut self, cx: &mut Cx<'_, Worker>) {
        self.committed = cx.now();
        cx.ledger().commit(self.log, self.group, self.position);
    }

    /// Takes the next records of what was fetched.
    fn poll(&mut self, most: u32) {
        self.polled = self.high.min(self.position + u64::from(most));
    }

    /// Commits if the last time is at least `interval` ago.
    fn commit_every(&mut self, interval: Span, cx: &mut Cx<'_, Worker>) {
        if cx.now().since(self.committed) >= interval {
            self.commit(cx);
        }
    }
}

/// All partitions of all topics that a service consumes.
#[derive(Clone)]
pub struct Consumer {
    partitions: Vec<Partition>,
    channels: Vec<Channel>,
    ready: VecDeque<u32>,
    pub(super) working: u32,
    threads: u32,
    session: Span,
    commit: Span,
    poll: u32,
    own: GroupId,
    /// The group now, and a session ago.
    now: Belief,
    before: Belief,
}

impl Consumer {
    /// For replica `id` of a service; `topics` are names and entries of flows.
    pub fn build(
        spec: &ConsumerSpec,
        topics: &[(String, Place)],
        id: ComponentId,
        own: GroupId,
        wiring: &mut Wiring<'_>,
    ) -> Consumer {
        // Every replica watches all others: not worth it for those with nothing to share.
        let size = if topics.is_empty() { 0 } else { wiring.builder.declared(own).size };
        let mut consumer = Consumer {
            partitions: Vec::new(),
            channels: Vec::new(),
            ready: VecDeque::new(),
            working: 0,
            threads: spec.threads,
            session: spec.session.0,
            commit: spec.commit.0,
            poll: spec.poll,
            own,
            now: Belief::new(size),
            before: Belief::new(size),
        };
        for (topic, entry) in topics {
            wiring.enter_name("consumes");
            consumer.add(topic, *entry, id, wiring);
            wiring.leave();
        }
        if spec.threads == 0 && !topics.is_empty() {
            wiring.at_name("consumer", |w| w.problem("a consumer without threads reads nothing"));
        }
        if spec.poll == 0 {
            let message = "a poll that takes no records never ends";
            wiring.at_name("consumer", |w| w.at_name("poll", |w| w.problem(message)));
        }
        consumer
    }

    fn add(&mut self, topic: &str, entry: Place, id: ComponentId, wiring: &mut Wiring<'_>) {
        let Some(group) = wiring.group(topic) else { return };
        let parts = wiring.offers[topic].partitions;
        if parts == 0 {
            return wiring.problem(format!("`{topic}` is no topic: there is nothing to consume"));
        }
        let fetch = wiring.builder.op(&format!("{topic}.fetch"));
        let mut channel =
            Channel::build(wiring, id, group, &Policy::default(), &format!("consumes {topic}"));
        channel.set_timeout(PATIENCE);
        let brokers = wiring.builder.declared(group).size;
        let reader = wiring.builder.group_name(id);
        for number in 0..parts {
            let log = wiring.log(topic, number);
            let group = wiring.builder.ledger().join(log, &reader);
            self.partitions.push(Partition {
                channel: self.channels.len(),
                fetch,
                log,
                group,
                number,
                brokers,
                entry,
                of: parts,
                position: 0,
                high: 0,
                polled: 0,
                committed: Time::ZERO,
                leader: number % brokers,
                tries: Try::NONE,
                attempts: 0,
                state: State::Foreign,
            });
        }
        self.channels.push(channel);
    }

    /// Records that may be worked on at a time; 0 if it consumes nothing.
    pub fn threads(&self) -> u32 {
        if self.partitions.is_empty() { 0 } else { self.threads }
    }

    /// Begins to consume.
    pub fn start(&mut self, cx: &mut Cx<'_, Worker>) {
        if !self.partitions.is_empty() {
            self.assign(cx);
            cx.after_fixed(HEARTBEAT, Timer::Assign);
        }
    }

    /// Takes and gives up partitions, as the group is now.
    pub fn assign(&mut self, cx: &mut Cx<'_, Worker>) {
        cx.catch_up(self.own, &mut self.now, Span::ZERO);
        cx.catch_up(self.own, &mut self.before, self.session);
        let gone = |member: u16| {
            self.now.state(member) != MemberState::Ready
                && self.before.state(member) != MemberState::Ready
        };
        let size = cx.group(self.own).size;
        let alive: Vec<u16> = (0..size).filter(|&member| !gone(member)).collect();
        let me = alive.iter().position(|&member| member == cx.member());
        for index in 0..self.partitions.len() {
            let part = &mut self.partitions[index];
            let mine = me.is_some_and(|me| range(me, alive.len(), part.of).contains(&part.number));
            match part.state {
                State::Foreign if mine => {
                    part.position = cx.ledger().committed(part.log, part.group);
                    self.fetch(index as u32, cx);
                }
                State::Fetching | State::Ready if !mine => {
                    part.state = State::Foreign;
                    self.ready.retain(|&ready| ready != index as u32);
                }
                State::Working { .. } => part.state = State::Working { leaving: !mine },
                _ => {}
            }
        }
    }

    /// Asks for records from where it is.
    pub fn fetch(&mut self, index: u32, cx: &mut Cx<'_, Worker>) {
        let part = &mut self.partitions[index as usize];
        part.state = State::Fetching;
        part.tries = Try::NONE;
        let request = Request::internal(part.fetch, cx.now());
        let asked = Asked { request, arg: log_word(part.number, part.position) };
        let channel = &mut self.channels[part.channel];
        let (ticket, again) = (Ticket::Fetch(index), Timer::Fetch(index));
        let asks = channel.ask_member(cx, &asked, part.leader, &mut part.tries, ticket, again);
        debug_assert!(asks.is_ok(), "a fetch has no deadline");
    }

    /// A fetch has come back.
    pub fn fetched(
        &mut self,
        index: u32,
        answer: Answer,
        machine: &mut Machine,
        cx: &mut Cx<'_, Worker>,
    ) -> Option<Ended> {
        let part = &mut self.partitions[index as usize];
        if part.state != State::Fetching {
            return None;
        }
        match answer.outcome {
            Outcome::Done if answer.value as u64 > part.position => {
                part.high = answer.value as u64;
                part.poll(self.poll);
                part.state = State::Ready;
                self.ready.push_back(index);
                return self.work(machine, cx);
            }
            Outcome::Done => {
                part.commit_every(self.commit, cx);
                self.fetch(index, cx);
            }
            Outcome::Redirected if part.leader != answer.value as u16 => {
                part.leader = answer.value as u16;
                self.fetch(index, cx);
            }
            _ => {
                part.leader = (part.leader + 1) % part.brokers;
                cx.after_fixed(RETRY_PAUSE, Timer::Fetch(index));
            }
        }
        None
    }

    /// Gives records to free threads, partition by partition in turn.
    fn work(&mut self, machine: &mut Machine, cx: &mut Cx<'_, Worker>) -> Option<Ended> {
        while self.working < self.threads {
            let index = self.ready.pop_front()?;
            let part = &mut self.partitions[index as usize];
            let Some(record) = cx.ledger().record(part.log, part.position) else {
                // Lost with its leader: whoever leads now says what there is.
                part.position = part.position.min(cx.ledger().end(part.log));
                self.fetch(index, cx);
                continue;
            };
            part.state = State::Working { leaving: false };
            self.working += 1;
            cx.occupy();
            let origin = Origin::Host(CONSUMED + index);
            if let Some(ended) = machine.start(cx, part.entry, of_record(record), origin) {
                return Some(ended);
            }
        }
        None
    }

    /// A record has been worked on.
    pub fn consumed(
        &mut self,
        index: u32,
        outcome: Outcome,
        machine: &mut Machine,
        cx: &mut Cx<'_, Worker>,
    ) -> Option<Ended> {
        self.working -= 1;
        cx.vacate();
        let part = &mut self.partitions[index as usize];
        part.attempts += 1;
        if matches!(outcome, Outcome::Done | Outcome::Denied) || part.attempts == TRIES {
            part.position += 1;
            part.attempts = 0;
        }
        let leaving = part.state == State::Working { leaving: true };
        if leaving {
            part.commit(cx);
            part.state = State::Foreign;
        } else if part.position < part.high {
            if part.position == part.polled {
                part.commit_every(self.commit, cx);
                part.poll(self.poll);
            }
            part.state = State::Ready;
            self.ready.push_back(index);
        } else {
            part.commit_every(self.commit, cx);
            self.fetch(index, cx);
        }
        self.work(machine, cx)
    }
}

/// Kafka's range assignment: the first `parts % members` members get one partition more.
fn range(member: usize, members: usize, parts: u16) -> std::ops::Range<u16> {
    let (each, more) = (parts as usize / members, parts as usize % members);
    let from = member * each + member.min(more);
    from as u16..(from + each + usize::from(member < more)) as u16
}

#[cfg(test)]
mod tests {
    use engine::{OpId, Span};

    use super::range;
    use crate::testing::{Line, Stage};

    /// Worked example 9 of the Kafka sheet: ten partitions, three consumers: 4, 3, 3.
    #[test]
    fn ranges_of_ten_partitions_among_three() {
        assert_eq!([0, 1, 2].map(|member| range(member, 3, 10)), [0..4, 4..7, 7..10]);
        assert_eq!([0, 1].map(|member| range(member, 2, 1)), [0..1, 1..1]);
    }

    /// 400 records of 10 ms, ten a poll: one after 1 s commits 100 or a poll more, one after 2 s
    /// 200. At 2.55 s 180 to 200 are left, though it has not worked through what it fetched.
    #[test]
    fn who_is_behind_commits_after_each_poll() {
        let text = r#"{
            "web": Service(operations: { "say": [Publish("posts")] }),
            "posts": Topic(key: "post", partitions: 1),
            "it": Service(consumes: { "posts": [Wait(Always("10ms"))] },
                          consumer: (commit: "1s", poll: 10)),
        }"#;
        let mut stage = Stage::wired(&["post"], text);
        let web = stage.builder.find("web").expect("it is there");
        let op: OpId = stage.builder.op("web.say");
        let lines: Vec<Line> = (0..400).map(|_| Line::new(Span::ZERO, op, 1, 0)).collect();
        stage.script(web, &lines);
        let record = stage.play(Span::millis(2550)).finish(0, &[]);
        let lag = record.logs["posts"].lag["it"];
        assert!((170..=210).contains(&lag), "{lag}");
    }
}
