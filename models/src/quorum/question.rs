//! A question under way at its coordinator: which replicas it has asked, who has answered what,
//! and what a caller hears when. Writes and reads have files of their own.

use engine::ledger::{TableId, Verb};
use engine::{Answer, Ask, CallId, Cx, Key, Outcome, Request, Time};

use super::cell::{Cell, Mutation};
use super::node::{Node, Ticket, Timer};
use super::place::{MOST_REPLICAS, Replicas};
use crate::database::program::Template;
use crate::key::KeyOf;

/// What a question is about to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// That replicas have taken a write.
    Write,
    /// What replicas have: one says it, the others a digest.
    Read,
    /// The same in full, for they differed.
    ReadInFull,
    /// That those have been repaired that were behind.
    Repair,
}

/// A question under way.
#[derive(Clone, Copy)]
pub(super) struct Question {
    pub call: CallId,
    pub request: Request,
    pub phase: Phase,
    /// The row; and what is written, or the newest that was read.
    pub row: Mutation,
    pub since: Time,
    /// The newest write that had been acknowledged when it began.
    pub known: Cell,
    pub replicas: Replicas,
    /// What each replica has said.
    pub heard: [Cell; MOST_REPLICAS],
    /// What was asked of each, while it has not answered.
    pub legs: [Key; MOST_REPLICAS],
    /// Sets of places: who has been asked in this phase, who has answered.
    pub asked: u8,
    pub answered: u8,
    /// How many answers it waits for.
    pub needed: u8,
    /// Its caller has been answered.
    pub replied: bool,
}

/// One replica asked for one question.
#[derive(Clone, Copy)]
pub(super) struct Leg {
    pub question: Key,
    place: u8,
    call: CallId,
}

/// The place of a replica as a set.
pub(super) fn one(place: u8) -> u8 {
    1 << place
}

impl Question {
    /// How many have answered.
    pub(super) fn answers(&self) -> u8 {
        self.answered.count_ones() as u8
    }

    /// Whether nobody is still to answer.
    pub(super) fn is_quiet(&self) -> bool {
        self.legs.iter().all(|leg| *leg == Key::NONE)
    }
}

impl Node {
    /// A caller's question has been looked at.
    pub(super) fn begin(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        if !cx.holds(call) {
            return;
        }
        let (request, argument) = (cx.request(call), cx.argument(call));
        let [Template::Table(id, key, verb)] = *self.rules.programs.templates(request.op) else {
            unreachable!("anything else was refused when the store was built");
        };
        let (table, key) = self.place_of(id, key, &request);
        let kept = self.rules.tables[usize::from(table)];
        let known = kept.acknowledged(key, cx.ledger());
        let replicas = self.rules.places.of(key);
        let (phase, cell, needed) = match verb.fill(argument) {
            Verb::Get => (Phase::Read, Cell::default(), self.rules.reads),
            Verb::Set { to: value, .. } | Verb::Insert { value } => {
                if kept.from_start.is_some_and(|rows| key >= rows) {
                    return cx.reply(call, Answer::of(Outcome::Denied));
                }
                (Phase::Write, Cell::new(self.stamp(cx.now()), value), self.rules.writes)
            }
            _ => unreachable!("anything else was refused when the store was built"),
        };
        let up = self.up(&replicas, cx);
        let enough = if phase == Phase::Write && self.rules.any { 0 } else { u32::from(needed) };
        if up.count_ones() < enough {
            cx.count(self.rules.counters.unavailable, 1);
            return cx.reply(call, Answer::of(Outcome::Refused));
        }
        let question = self.questions.insert(Question {
            call,
            request,
            phase,
            row: Mutation { table, key, cell },
            since: cx.now(),
            known,
            replicas,
            heard: [Cell::default(); MOST_REPLICAS],
            legs: [Key::NONE; MOST_REPLICAS],
            asked: 0,
            answered: 0,
            needed,
            replied: false,
        });
        match phase {
            Phase::Write => self.write(question, up, cx),
            _ => self.read(question, up, cx),
        }
    }

    fn place_of(&self, id: TableId, key: KeyOf, request: &Request) -> (u16, u64) {
        let place = self.rules.tables.iter().position(|kept| kept.rows == id);
        (place.expect("programs are about tables of this store") as u16, key.of(request))
    }

    /// Which replicas are believed alive.
    pub(super) fn up(&self, replicas: &Replicas, cx: &Cx<'_, Self>) -> u8 {
        let now = cx.now();
        let is_up = |place: &u8| self.peers.up(replicas.member(*place), now);
        (0..replicas.len()).filter(is_up).fold(0, |set, place| set | one(place))
    }

    /// Asks the replica at `place` of a question what its phase is about.
    pub(super) fn ask(&mut self, key: Key, place: u8, cx: &mut Cx<'_, Self>) {
        let question = self.questions.get(key).expect("a question under way asks");
        let (member, row) = (question.replicas.member(place), question.row);
        let reads = matches!(question.phase, Phase::Read | Phase::ReadInFull);
        let (sampler, op) = match reads {
            true => (self.rules.read, self.rules.ops.read),
            false => (self.rules.write, self.rules.ops.write),
        };
        let request = row.request(op, &question.request);
        let leg = self.legs.insert(Leg { question: key, place, call: Key::NONE });
        if member == self.rules.me {
            let work = cx.sample(sampler);
            cx.work(work, Timer::Local(leg));
        } else {
            let ask = Ask { arg: row.cell.value, ..Ask::patient(request) };
            let call = cx.call(self.port(member), ask, Ticket::Leg(leg));
            self.legs.get_mut(leg).expect("it was made above").call = call;
        }
        let question = self.questions.get_mut(key).expect("a question under way asks");
        question.asked |= one(place);
        question.legs[usize::from(place)] = leg;
    }

    /// Another replica has answered, or will not.
    pub(super) fn returned(&mut self, leg: Key, answer: &Answer, cx: &mut Cx<'_, Self>) {
        let heard = (answer.outcome == Outcome::Done).then(|| Cell::from_answer(answer));
        self.settle(leg, heard, cx);
    }

    /// It has read or written for itself.
    pub(super) fn served_itself(&mut self, leg: Key, cx: &mut Cx<'_, Self>) {
        let asked = self.legs.get(leg).and_then(|leg| self.questions.get(leg.question));
        let Some(&Question { phase, row, .. }) = asked else { return };
        let heard = match phase {
            Phase::Read | Phase::ReadInFull => self.row(row.table, row.key),
            Phase::Write | Phase::Repair => {
                self.take(row);
                row.cell
            }
        };
        self.settle(leg, Some(heard), cx);
    }

    fn settle(&mut self, leg: Key, heard: Option<Cell>, cx: &mut Cx<'_, Self>) {
        let Some(Leg { question: key, place, .. }) = self.legs.remove(leg) else { return };
        let question = self.questions.get_mut(key).expect("legs end with their question");
        question.legs[usize::from(place)] = Key::NONE;
        if let Some(cell) = heard {
            question.answered |= one(place);
            question.heard[usize::from(place)] = cell;
        }
        match question.phase {
            Phase::Write => self.wrote(key, place, heard.is_some(), cx),
            _ => self.heard_some(key, cx),
        }
    }

    /// Stops waiting for the replicas that have not answered, and gives who they are.
    pub(super) fn leave(&mut self, key: Key, cx: &mut Cx<'_, Self>) -> u8 {
        let Some(question) = self.questions.get_mut(key) else { return 0 };
        let mut left = 0;
        for leg in question.legs.iter_mut().filter(|leg| **leg != Key::NONE) {
            if let Some(Leg { place, call, .. }) = self.legs.remove(*leg) {
                left |= one(place);
                cx.hang_up(call);
            }
            *leg = Key::NONE;
        }
        left
    }

    /// A question has taken too long.
    pub(super) fn over(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let left = self.leave(key, cx);
        let Some(question) = self.questions.remove(key) else { return };
        if question.phase == Phase::Write {
            self.hint_all(&question, left, cx);
        }
        if !question.replied {
            cx.count(self.rules.counters.timeouts, 1);
            cx.reply(question.call, Answer::of(Outcome::TimedOut));
        }
    }
}
