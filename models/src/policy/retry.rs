//! Whether to try again: attempts, causes, and a budget for the whole channel.

use engine::Outcome;

use super::backoff::Backoff;
use super::spec::{Cause, RetrySpec};

/// Retries of one channel. The budget is a bucket of tokens, as Finagle's: each first try puts a
/// fraction of a token in, each retry takes one out; it starts with ten and holds a hundred.
#[derive(Clone, Debug)]
pub struct Retry {
    attempts: u8,
    on: [bool; Outcome::COUNT],
    /// How long to wait.
    pub backoff: Backoff,
    budget: Option<Budget>,
}

#[derive(Clone, Copy, Debug)]
struct Budget {
    /// Thousandths of a token.
    tokens: u64,
    deposit: u64,
}

const TOKEN: u64 = 1_000;
const AT_FIRST: u64 = 10 * TOKEN;
const AT_MOST: u64 = 100 * TOKEN;

impl Retry {
    /// As a scenario writes it.
    pub fn new(spec: &RetrySpec) -> Retry {
        let mut on = [false; Outcome::COUNT];
        for cause in &spec.on {
            on[outcome(*cause) as usize] = true;
        }
        let deposit = spec.budget.map(|share| (share.0 * TOKEN as f64).round() as u64);
        let budget = deposit.map(|deposit| Budget { tokens: AT_FIRST, deposit });
        Retry { attempts: spec.attempts, on, backoff: Backoff::new(&spec.backoff), budget }
    }

    /// A first try is made.
    #[inline]
    pub fn first_try(&mut self) {
        if let Some(budget) = &mut self.budget {
            budget.tokens = (budget.tokens + budget.deposit).min(AT_MOST);
        }
    }

    /// Whether to try again after `made` tries, the last of which ended so.
    pub fn may(&self, made: u8, outcome: Outcome) -> bool {
        made < self.attempts
            && self.on[outcome as usize]
            && self.budget.is_none_or(|budget| budget.tokens >= TOKEN)
    }

    /// It is tried again: the budget pays for that. A retry that would come too late costs nothing.
    pub fn pay(&mut self) {
        if let Some(budget) = &mut self.budget {
            budget.tokens -= TOKEN;
        }
    }
}

/// The outcome behind a cause.
pub(super) fn outcome(cause: Cause) -> Outcome {
    match cause {
        Cause::Refused => Outcome::Refused,
        Cause::Reset => Outcome::Reset,
        Cause::TimedOut => Outcome::TimedOut,
        Cause::Failed => Outcome::Failed,
        Cause::Shed => Outcome::Shed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::spec::BackoffSpec;
    use crate::units::Share;

    fn retry(on: Vec<Cause>, budget: Option<f64>) -> Retry {
        let backoff = BackoffSpec::None;
        Retry::new(&RetrySpec {
            attempts: 3,
            on,
            backoff,
            budget: budget.map(Share),
            elsewhere: false,
        })
    }

    #[test]
    fn attempts_count_the_first_and_causes_decide() {
        let retry = retry(vec![Cause::Refused], None);
        let tries = [1, 2, 3].map(|made| retry.may(made, Outcome::Refused));
        assert_eq!(tries, [true, true, false]);
        assert!(!retry.may(1, Outcome::TimedOut) && !retry.may(1, Outcome::Denied));
    }

    /// Ten tokens at first; 100 first tries at 10 % put ten in: twenty retries, and no more.
    #[test]
    fn a_budget_of_ten_percent() {
        let mut retry = retry(vec![Cause::TimedOut], Some(0.1));
        (0..100).for_each(|_| retry.first_try());
        let mut allowed = 0;
        while retry.may(1, Outcome::TimedOut) {
            retry.pay();
            allowed += 1;
        }
        assert_eq!(allowed, 20);
    }
}
