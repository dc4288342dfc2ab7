//! The cluster bus: what nodes say to each other ten times a second, and what follows from it.

use engine::{Answer, Ask, CallId, Cx, Outcome, Port, Request, Span};

use super::super::server::{Server, Ticket, Timer};
use super::vote::{delay, window};
use super::watch::{Belief, Watch};
use super::{Cluster, Peer};
use crate::policy::placement::slots::Change;

/// How often a node looks after the others (`clusterCron`).
pub(super) const TICK: Span = Span::millis(100);
/// Every so many ticks it pings the quietest of a few nodes drawn at random.
const GOSSIP: u32 = 10;
const DRAWN: u32 = 5;
/// What reading a message takes.
const READ: Span = Span::micros(1);

impl Server {
    pub(in super::super) fn cluster(&mut self) -> &mut Cluster {
        self.cluster.as_mut().expect("only a node of a cluster has to do with one")
    }

    pub(super) fn send(
        &mut self,
        to: u16,
        request: Request,
        ticket: Ticket,
        cx: &mut Cx<'_, Self>,
    ) {
        let (port, timeout) = {
            let rules = &self.cluster().rules;
            (Port { link: rules.link, member: to }, Span(rules.timeout.0 / 2))
        };
        let timeout = match ticket {
            Ticket::Link(_) => None,
            Ticket::Vote(_) => Some(window(Span(2 * timeout.0))),
            _ => Some(timeout),
        };
        cx.call(port, Ask { request, arg: 0, timeout, cancel: false }, ticket);
    }

    /// It begins, or begins again.
    pub(in super::super) fn join_cluster(&mut self, cx: &mut Cx<'_, Self>) {
        self.catch_up(cx);
        let now = cx.now();
        let cluster = self.cluster();
        let rules = &cluster.rules;
        cluster.watch = Watch::new(rules.me, cluster.map.members(), rules.timeout, now);
        let stream = rules.stream;
        let phase = Span::from_f64(TICK.0 as f64 * cx.unit(stream));
        cx.after(phase, Timer::Tick);
        if self.cluster().giving.is_some() {
            self.give_keys(cx);
        }
    }

    /// Looks after the others.
    pub(in super::super) fn tick(&mut self, cx: &mut Cx<'_, Self>) {
        self.catch_up(cx);
        let now = cx.now();
        self.connect(cx);
        let cluster = self.cluster();
        cluster.ticks = cluster.ticks.wrapping_add(1);
        let (me, members, stream) = (cluster.rules.me, cluster.map.members(), cluster.rules.stream);
        if cluster.ticks.is_multiple_of(GOSSIP) {
            let drawn = [(); DRAWN as usize].map(|()| cx.below(stream, members.into()) as u16);
            if let Some(peer) = self.cluster().watch.quietest(drawn.into_iter()) {
                self.ping(peer, cx);
            }
        }
        for peer in (0..members).filter(|peer| *peer != me) {
            let cluster = self.cluster();
            if cluster.watch.is_due(peer, now) || cluster.watch.owes_answer(peer) {
                self.ping(peer, cx);
            }
        }
        self.cluster().watch.suspect(now);
        self.judge(cx);
        self.cluster().look_around(now);
        cx.after_fixed(TICK, Timer::Tick);
    }

    fn catch_up(&mut self, cx: &mut Cx<'_, Self>) {
        let cluster = self.cluster();
        let lost = cluster.catch_up(cx.ledger());
        let counter = cluster.rules.counters.lost;
        cx.count(counter, lost);
    }

    /// Opens the connections that are not.
    fn connect(&mut self, cx: &mut Cx<'_, Self>) {
        let (me, op) = (self.cluster().rules.me, self.cluster().rules.ops.link);
        for peer in 0..self.cluster().map.members() {
            let Peer { linked, .. } = &mut self.cluster().peers[peer as usize];
            if peer != me && !std::mem::replace(linked, true) {
                self.send(peer, Request::internal(op, cx.now()), Ticket::Link(peer.into()), cx);
            }
        }
    }

    fn ping(&mut self, peer: u16, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let cluster = self.cluster();
        if std::mem::replace(&mut cluster.peers[peer as usize].pinged, true) {
            return;
        }
        cluster.watch.owes(peer, now);
        let suspects = cluster.watch.suspects();
        let draws =
            [cluster.rules.me.into(), suspects as u32, (suspects >> 32) as u32, cluster.writes];
        let request = Request { draws, ..Request::internal(cluster.rules.ops.ping, now) };
        self.send(peer, request, Ticket::Ping(peer.into()), cx);
    }

    /// What masters suspect together has failed: that is told to everybody.
    fn judge(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        loop {
            let Cluster { map, watch, rules, .. } = self.cluster();
            let verdict = watch.verdict(map.serving(), |member| map.serves(member), now);
            let Some(failed) = verdict else { return };
            let (me, link, members) = (rules.me, rules.link, map.members());
            let mut request = Request::internal(rules.ops.fail, now);
            request.draws[0] = failed.into();
            for member in (0..members).filter(|member| *member != me && *member != failed) {
                cx.tell(Port { link, member }, request, 0);
            }
            self.has_failed(failed, cx);
        }
    }

    /// A replica of a master that has failed stands for election soon.
    fn has_failed(&mut self, failed: u16, cx: &mut Cx<'_, Self>) {
        let Cluster { map, rules, peers, writes, .. } = self.cluster();
        if map.follows(rules.me) != Some(failed) || !map.serves(failed) {
            return;
        }
        let others = map.replicas(failed).filter(|replica| *replica != rules.me);
        let fresher = others.filter(|replica| peers[*replica as usize].writes > *writes);
        let (rank, stream) = (fresher.count() as u16, rules.stream);
        let span = delay(cx.unit(stream), rank);
        cx.after(span, Timer::Stand(failed.into()));
    }

    /// Asks all masters for their votes, unless it is too late.
    pub(in super::super) fn stand(&mut self, failed: u16, cx: &mut Cx<'_, Self>) {
        self.catch_up(cx);
        let Cluster { map, rules, watch, votes, .. } = self.cluster();
        let is_mine = map.follows(rules.me) == Some(failed) && map.serves(failed);
        if !is_mine || !matches!(watch.belief(failed), Belief::Failed(_)) {
            return;
        }
        let epoch = votes.stand();
        let voters: Vec<u16> = (0..map.members()).filter(|member| map.serves(*member)).collect();
        let mut request = Request::internal(rules.ops.vote, cx.now());
        request.draws = [epoch, failed.into(), 0, 0];
        let again = Span(2 * window(rules.timeout).0);
        for member in voters.into_iter().filter(|member| *member != failed) {
            self.send(member, request, Ticket::Vote(epoch), cx);
        }
        cx.after(again, Timer::Stand(failed.into()));
    }

    /// The answer to something that was said.
    pub(in super::super) fn heard(
        &mut self,
        ticket: Ticket,
        answer: Answer,
        cx: &mut Cx<'_, Self>,
    ) {
        let (now, done) = (cx.now(), answer.outcome == Outcome::Done);
        let cluster = self.cluster();
        match ticket {
            Ticket::Link(peer) => {
                cluster.peers[peer as usize].linked = false;
                cluster.watch.owes(peer as u16, now);
            }
            Ticket::Ping(peer) => {
                let peer = peer as u16;
                cluster.peers[peer as usize].pinged = false;
                if done {
                    cluster.watch.heard(peer, cluster.map.serves(peer), now);
                    self.told(peer, answer.value as u64, answer.version, cx);
                }
            }
            Ticket::Vote(epoch) => {
                if done && cluster.votes.wins(epoch, cluster.map.serving()) {
                    self.take_over(cx);
                }
            }
            Ticket::Taken => self.given(done, cx),
        }
    }

    /// Somebody says whom it suspects, and how many writes it has.
    fn told(&mut self, by: u16, suspects: u64, writes: u32, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let Cluster { map, watch, peers, .. } = self.cluster();
        peers[by as usize].writes = writes;
        if map.serves(by) {
            watch.reported(by, suspects, now);
            self.judge(cx);
        }
    }

    fn take_over(&mut self, cx: &mut Cx<'_, Self>) {
        let now = cx.now();
        let Cluster { map, rules, writes, .. } = self.cluster();
        let Some(from) = map.follows(rules.me) else { return };
        let counters = rules.counters;
        let lost = rules.written.taken_over(from, rules.me, *writes);
        let change = Change::TookOver { from, to: rules.me, writes: *writes };
        map.announce(change, cx.ledger(), now);
        cx.count(counters.failovers, 1);
        cx.count(counters.lost, lost);
        self.catch_up(cx);
        self.cluster().look_around(now);
    }

    /// Something was said to this node. Connections are held; everything else is read first.
    pub(in super::super) fn bus(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (op, ops) = (cx.request(call).op, self.cluster().rules.ops);
        if op == ops.link {
            return;
        }
        let keys = match op {
            op if op == ops.copy || op == ops.slots => 1,
            op if op == ops.take => cx.request(call).draws[3],
            _ => 0,
        };
        let work = self.commands(keys as usize, cx);
        cx.work(READ + work, Timer::Read(call));
    }

    /// It has been read.
    pub(in super::super) fn read(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if !cx.holds(call) {
            return;
        }
        let (request, now) = (cx.request(call), cx.now());
        let (draws, ops) = (request.draws, self.cluster().rules.ops);
        let mut answer = Answer::DONE;
        if request.op == ops.ping {
            let suspects = u64::from(draws[2]) << 32 | u64::from(draws[1]);
            self.told(draws[0] as u16, suspects, draws[3], cx);
            let cluster = self.cluster();
            let value = cluster.watch.suspects() as i64;
            answer = Answer { value, version: cluster.writes, ..Answer::DONE };
        } else if request.op == ops.fail {
            if self.cluster().watch.fail(draws[0] as u16, now) {
                self.has_failed(draws[0] as u16, cx);
            }
        } else if request.op == ops.vote {
            let Cluster { map, watch, votes, rules, .. } = self.cluster();
            let failed = matches!(watch.belief(draws[1] as u16), Belief::Failed(_));
            let mine = map.serves(rules.me);
            let when = (rules.timeout, now);
            if !mine || !votes.grants(draws[0], draws[1] as u16, failed, when) {
                answer = Answer::of(Outcome::Denied);
            }
        } else if request.op == ops.copy {
            // It may come from whoever has stood in for this node, which may not know yet.
            self.catch_up(cx);
            self.cluster().writes = draws[0];
        } else if request.op == ops.take {
            self.take(draws);
        }
        cx.reply(call, answer);
    }

    /// A write was executed: the replicas are told, and nobody waits for them.
    pub(in super::super) fn copy(&mut self, cx: &mut Cx<'_, Self>) {
        let Some(cluster) = &mut self.cluster else { return };
        cluster.writes = cluster.writes.wrapping_add(1);
        cluster.rules.written.one_more(cluster.rules.me);
        let mut request = Request::internal(cluster.rules.ops.copy, cx.now());
        request.draws[0] = cluster.writes;
        let link = cluster.rules.link;
        for member in cluster.map.replicas(cluster.rules.me) {
            cx.tell(Port { link, member }, request, 0);
        }
    }
}
