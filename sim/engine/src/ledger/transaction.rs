//! Several statements, all or none.

use super::{Ledger, Statement};
use crate::call::{Answer, Outcome, Request};
use crate::time::Time;

impl Ledger {
    /// Does all `statements`, or none: the first that is denied undoes those before it. The
    /// answer carries value and version of the last statement; a denied one, of the row that
    /// stood in the way.
    pub fn apply(&mut self, statements: &[Statement], by: &Request, now: Time) -> Answer {
        let answer = self.try_all(statements, by, now);
        match answer.outcome {
            Outcome::Done => {
                if !self.promises.is_empty() && !self.steps.is_empty() {
                    self.wrote(by.root, None);
                }
                self.settle();
            }
            _ => self.roll_back(),
        }
        answer
    }

    fn try_all(&mut self, statements: &[Statement], by: &Request, now: Time) -> Answer {
        self.expired.clear();
        let mut answer = Answer::DONE;
        for statement in statements {
            answer = match *statement {
                Statement::Append { log } => self.put_record(log, by),
                Statement::Table { table, key, verb } => self.do_verb(table, key, verb, by, now),
            };
            if answer.outcome != Outcome::Done {
                break;
            }
        }
        answer
    }
}
