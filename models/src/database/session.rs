//! Connections in use: statements one after the other, the rows that they lock, and what becomes
//! of the transaction they belong to.
//!
//! Rows are locked where anybody could notice: if some flow has a `Transaction` here, or if the
//! scenario wants it. A row is locked when a statement is about to write it, and until the end of
//! the transaction, as in PostgreSQL and InnoDB; whoever wants it meanwhile waits in order of
//! arrival. Reads wait for nobody: they see what was committed, and what their own transaction
//! has written.

use std::ops::Range;

use engine::ledger::{Draft, Lsn, Statement, Verb};
use engine::{Answer, CallId, Cx, Key, Outcome, Span, Time};

use super::costs::Cost;
use super::shard::{Shard, Timer};
use crate::procedure::{Part, from_inside_word};
use crate::stores::locks::{Claim, Name};

/// A connection in use.
#[derive(Clone, Default)]
pub(super) struct Session {
    /// The call that took the connection: a transaction of its own, or the begin of one.
    pub open: CallId,
    /// The call whose statements are executed; none: it is the client's turn.
    pub asked: CallId,
    /// The next statement of it.
    next: usize,
    /// What a transaction of several calls has written so far.
    written: Written,
    /// What it will use of the CPU when the disk has read what it needs.
    work: Span,
    /// The row it waits for, and since when.
    pub waits: Option<(Name, Time)>,
    /// Since when it has been the client's turn.
    idle: Time,
    /// Rolled back by the server, or one of its calls was given up: nothing more can be done in it.
    spoilt: bool,
    /// The client has hung up: it ends as soon as it can.
    left: bool,
}

/// What a transaction of several calls has written.
#[derive(Clone, Default)]
pub(super) struct Written {
    /// What is done when it commits.
    statements: Vec<Statement>,
    /// What has come of it so far.
    draft: Draft,
}

impl Written {
    fn clear(&mut self) {
        self.statements.clear();
        self.draft.clear();
    }
}

impl Session {
    pub(super) fn new(call: CallId, written: Written) -> Session {
        Session { open: call, asked: call, written, ..Session::default() }
    }
}

impl Shard {
    pub(super) fn session(&mut self, key: Key) -> &mut Session {
        self.sessions.get_mut(key).expect("it ends only when nothing is executed in it")
    }

    /// The next statement begins, or waits for its row; after the last one, the call is executed.
    pub(super) fn proceed(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let &mut Session { asked, next, .. } = self.session(key);
        let request = cx.request(asked);
        let count = self.rules.programs.statements(request.op);
        if !self.rules.row_locks {
            self.session(key).next = count;
            return self.execute(key, 0..count, cx);
        }
        if next == count {
            return self.executed(key, cx);
        }
        if let Some(row) = self.rules.programs.templates(request.op)[next].row(&request)
            && !self.locks.holds(key, row)
            && self.locks.acquire(Claim { who: key, name: row, lease: None }).is_none()
        {
            return self.wait_for(key, row, cx);
        }
        self.session(key).next += 1;
        self.execute(key, next..next + 1, cx);
    }

    /// Some of its statements: what they have to read is read first.
    fn execute(&mut self, key: Key, statements: Range<usize>, cx: &mut Cx<'_, Self>) {
        let mut cost = Cost::default();
        for _ in statements.clone() {
            cost.work += cx.sample(self.rules.statement);
        }
        if !self.costs.is_plain() {
            let call = self.session(key).asked;
            let request = cx.request(call);
            let number = match self.rules.programs.part(request.op) {
                Part::Whole => cx.argument(call),
                _ => from_inside_word(cx.argument(call)).1,
            };
            let Shard { rules, costs, .. } = self;
            for template in &rules.programs.templates(request.op)[statements] {
                let more = costs.of(*template, &request, number, cx);
                cost.work += more.work;
                cost.read += more.read;
            }
        }
        if cost.read.is_zero() {
            return cx.work(cost.work, Timer::Executed(key));
        }
        self.session(key).work = cost.work;
        cx.after(cost.read, Timer::Read(key));
    }

    /// What its statements need is in memory: they use the CPU.
    pub(super) fn read(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let work = self.session(key).work;
        cx.work(work, Timer::Executed(key));
    }

    /// A statement has been executed, or all of them.
    pub(super) fn statement_done(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let &mut Session { asked, open, left, .. } = self.session(key);
        if left {
            if asked != open {
                cx.reply(asked, Answer::of(Outcome::Reset));
            }
            return self.end(key, cx);
        }
        if self.rules.row_locks { self.proceed(key, cx) } else { self.executed(key, cx) }
    }

    fn executed(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let asked = self.session(key).asked;
        let op = cx.request(asked).op;
        let durable = match self.rules.programs.part(op) {
            Part::Whole => !self.rules.programs.writes(op),
            Part::Commit => self.session(key).written.statements.is_empty(),
            Part::Inside => return self.inside(key, cx),
            Part::Begin => {
                self.session(key).asked = Key::NONE;
                self.turn_of_client(key, cx);
                return cx.reply(asked, Answer::grant(key.index() as i64));
            }
        };
        match self.rules.fsync {
            Some(_) if !durable => {
                self.next.push(key);
                self.flush(cx);
            }
            _ => self.commit(key, cx),
        }
    }

    /// What a call inside a transaction has to say is known: its writes are seen by the same
    /// transaction from now on, and by others when it commits.
    fn inside(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let session = self.sessions.get_mut(key).expect("it executes");
        let call = std::mem::replace(&mut session.asked, Key::NONE);
        let (request, now) = (cx.request(call), cx.now());
        let (_, number) = from_inside_word(cx.argument(call));
        let Written { statements: written, draft } = &mut session.written;
        let statements = self.rules.programs.fill(&request, number);
        let answer = cx.ledger().rehearse(draft, statements, &request, now);
        let writes = statements.iter().any(|statement| statement.writes());
        if answer.outcome == Outcome::Done && writes {
            written.extend_from_slice(statements);
        }
        if session.spoilt {
            cx.reply(call, Answer::of(Outcome::Failed));
            return self.spoil(key, call, cx);
        }
        self.turn_of_client(key, cx);
        cx.reply(call, answer);
    }

    /// The client has to say what comes next.
    fn turn_of_client(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let Some(limit) = self.rules.idle_timeout else { return };
        self.session(key).idle = cx.now();
        cx.after_fixed(limit, Timer::Idle(key));
    }

    /// The client may have said nothing for too long: its transaction is over.
    pub(super) fn idle(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let limit = self.rules.idle_timeout.expect("somebody set the timer");
        let Some(session) = self.sessions.get(key) else { return };
        if session.asked != Key::NONE || cx.now().since(session.idle) < limit {
            return;
        }
        cx.count(self.rules.counters.idle_timeouts, 1);
        cx.reply(session.open, Answer::of(Outcome::Reset));
        self.end(key, cx);
    }

    pub(super) fn commit(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        let call = self.session(key).asked;
        let request = cx.request(call);
        let written = !self.session(key).written.statements.is_empty();
        let writes = written || self.rules.programs.writes(request.op);
        let lost = if writes { self.not_primary((key, call), cx) } else { None };
        let as_of = if writes { None } else { self.as_of(cx) };
        let answer = match (lost, as_of) {
            (Some(None), _) => return,
            (Some(Some(answer)), _) => answer,
            (None, Some(position)) => self.read_past(call, position, cx),
            (None, None) => self.apply(key, call, cx),
        };
        let changed = writes && lost.is_none() && answer.outcome == Outcome::Done;
        if !changed || !self.replicate((key, call), answer, cx) {
            self.committed(key, call, answer, cx);
        }
    }

    /// Its statements take effect, all or none.
    fn apply(&mut self, key: Key, call: CallId, cx: &mut Cx<'_, Self>) -> Answer {
        let session = self.sessions.get_mut(key).expect("it executes");
        let (request, now) = (cx.request(call), cx.now());
        if call == session.open {
            let argument = cx.argument(call);
            let statements = self.rules.programs.fill(&request, argument);
            return cx.ledger().apply(statements, &request, now);
        }
        cx.ledger().apply(&session.written.statements, &request, now)
    }

    /// A transaction that only reads, on a replica: what it has not applied has not happened. What
    /// is stale is counted.
    fn read_past(&mut self, call: CallId, position: Lsn, cx: &mut Cx<'_, Self>) -> Answer {
        let (mut answer, now) = (Answer::DONE, cx.now());
        let (request, number) = (cx.request(call), cx.argument(call));
        for statement in self.rules.programs.fill(&request, number) {
            let ledger = cx.ledger();
            answer = match *statement {
                Statement::Table { table, key, verb: Verb::Get } => {
                    let row = ledger.read_as_of(table, key, position);
                    ledger.stale(table, key, row.map_or(0, |row| row.version));
                    row.map_or(Answer::of(Outcome::Denied), |row| Answer {
                        version: row.version,
                        ..Answer::done(row.value)
                    })
                }
                Statement::Table { table, key, verb: verb @ (Verb::Page { .. } | Verb::Scan) } => {
                    ledger.list_as_of(table, key, verb, position)
                }
                statement => ledger.apply(&[statement], &request, now),
            };
            if answer.outcome != Outcome::Done {
                break;
            }
        }
        answer
    }

    /// It stands, or was denied: its caller learns, and its rows are free.
    pub(super) fn committed(
        &mut self,
        key: Key,
        call: CallId,
        answer: Answer,
        cx: &mut Cx<'_, Self>,
    ) {
        let session = self.session(key);
        session.asked = Key::NONE;
        session.written.clear();
        let over = session.left || call == session.open;
        cx.reply(call, answer);
        if over {
            return self.end(key, cx);
        }
        self.turn_of_client(key, cx);
        self.unlock(key, cx);
    }

    /// A call inside a transaction has come.
    pub(super) fn go_on(&mut self, call: CallId, cx: &mut Cx<'_, Self>) {
        let (number, _) = from_inside_word(cx.argument(call));
        let key = self.numbers.get(usize::from(number)).copied().unwrap_or(Key::NONE);
        let whose = |call: CallId| (cx.caller(call), cx.request(call).root);
        let Some(session) = self.sessions.get_mut(key).filter(|s| whose(s.open) == whose(call))
        else {
            return cx.reply(call, Answer::of(Outcome::Reset));
        };
        if session.spoilt || session.asked != Key::NONE {
            return cx.reply(call, Answer::of(Outcome::Failed));
        }
        (session.asked, session.next) = (call, 0);
        self.proceed(key, cx);
    }

    /// Its call has ended otherwise than well.
    pub(super) fn spoil(&mut self, key: Key, asked: CallId, cx: &mut Cx<'_, Self>) {
        let session = self.session(key);
        if session.open == asked {
            return self.end(key, cx);
        }
        session.spoilt = true;
        session.written.clear();
        self.turn_of_client(key, cx);
        self.unlock(key, cx);
    }

    /// Its rows are free: who waited for them goes on.
    pub(super) fn unlock(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        while let Some((holding, _)) = self.locks.held_by(key) {
            if let Some(grant) = self.locks.release(holding) {
                self.session(grant.claim.who).waits = None;
                self.proceed(grant.claim.who, cx);
            }
        }
    }

    /// The caller of a session's call has hung up. What runs, runs on; who waits does not.
    pub(super) fn hung_up(&mut self, key: Key, call: CallId, cx: &mut Cx<'_, Self>) {
        let &mut Session { open, asked, waits, .. } = self.session(key);
        let begins = self.rules.programs.part(cx.request(open).op) == Part::Begin;
        if open != call {
            // A statement inside a transaction is cancelled: if it runs already, when it is done.
            if waits.is_some() {
                self.stop_waiting(key);
                cx.let_go(call);
                self.spoil(key, call, cx);
            } else if self.rules.programs.part(cx.request(call).op) == Part::Inside {
                self.session(key).spoilt = true;
            }
            return;
        }
        if waits.is_some() {
            self.stop_waiting(key);
            if asked != open {
                cx.reply(asked, Answer::of(Outcome::Reset));
            }
        } else if !begins {
            return;
        }
        self.session(key).left = true;
        if waits.is_some() || asked == Key::NONE {
            self.end(key, cx);
        }
    }

    /// The connection is free.
    pub(super) fn end(&mut self, key: Key, cx: &mut Cx<'_, Self>) {
        self.unlock(key, cx);
        let mut session = self.sessions.take(key).expect("it ends once");
        if session.left {
            cx.let_go(session.open);
        }
        session.written.clear();
        self.spare.push(session.written);
        self.connection_free(cx);
    }
}
