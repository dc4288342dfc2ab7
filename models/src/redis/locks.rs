//! Who holds which lock, and who waits for it. Pure bookkeeping: no time passes here.
//!
//! Locks are fair: whoever waits is served in order of arrival, when the lock is released or its
//! lease ends. A plain Redisson lock wakes one waiter per process and lets newcomers barge in; its
//! fair variant keeps a list, as here.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use engine::{CallId, Key, Slab, Span};

/// Names a lock.
pub(super) type Name = u64;

/// Names one holding of a lock, until that is over.
pub(super) type Holding = Key;

/// Somebody who wants, or has, a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub call: CallId,
    pub name: Name,
    /// `None`: the lock is the connection's.
    pub lease: Option<Span>,
}

/// A claim that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub claim: Claim,
    pub holding: Holding,
    /// Grows with every grant: what a resource checks to refuse a holder that is not one any more.
    pub token: u64,
}

#[derive(Clone)]
struct Lock {
    holding: Holding,
    line: VecDeque<Claim>,
}

/// All locks of one server.
#[derive(Clone, Default)]
pub(super) struct Locks {
    held: Slab<Claim>,
    locks: BTreeMap<Name, Lock>,
    /// Which holding a call stands for.
    holdings: BTreeMap<CallId, Holding>,
    /// Calls in a line. Who has left is still in the line itself.
    waiting: BTreeSet<CallId>,
    tokens: u64,
}

impl Locks {
    /// Nothing is held. Tokens go on after `token`: the counter is on disk.
    pub(super) fn after(token: u64) -> Locks {
        Locks { tokens: token, ..Locks::default() }
    }

    /// Takes the lock if it is free, else waits in line.
    pub(super) fn acquire(&mut self, claim: Claim) -> Option<Grant> {
        let Some(lock) = self.locks.get_mut(&claim.name) else {
            let grant = self.grant(claim);
            let (holding, line) = (grant.holding, VecDeque::new());
            self.locks.insert(claim.name, Lock { holding, line });
            return Some(grant);
        };
        lock.line.push_back(claim);
        self.waiting.insert(claim.call);
        None
    }

    /// A holding is over: the next in line gets the lock. Nothing happens if it was over already.
    pub(super) fn release(&mut self, holding: Holding) -> Option<Grant> {
        let over = self.held.remove(holding)?;
        self.holdings.remove(&over.call);
        let lock = self.locks.get_mut(&over.name).expect("what is held is a lock");
        while let Some(claim) = lock.line.pop_front() {
            if self.waiting.remove(&claim.call) {
                let grant = self.grant(claim);
                self.locks.get_mut(&over.name).expect("it is there").holding = grant.holding;
                return Some(grant);
            }
        }
        self.locks.remove(&over.name);
        None
    }

    /// What `call` holds, and on what terms.
    pub(super) fn held_by(&self, call: CallId) -> Option<(Holding, Claim)> {
        let holding = *self.holdings.get(&call)?;
        self.held.get(holding).map(|claim| (holding, *claim))
    }

    /// Whether the holding is not over.
    pub(super) fn is_held(&self, holding: Holding) -> bool {
        self.held.get(holding).is_some()
    }

    /// The token given last.
    pub(super) fn token(&self) -> u64 {
        self.tokens
    }

    /// How many locks are held.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// `call` does not wait any more, if it did.
    pub(super) fn leave_line(&mut self, call: CallId) {
        self.waiting.remove(&call);
    }

    /// How many claims wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn grant(&mut self, claim: Claim) -> Grant {
        self.tokens += 1;
        let holding = self.held.insert(claim);
        self.holdings.insert(claim.call, holding);
        Grant { claim, holding, token: self.tokens }
    }
}
