//! Who holds which lock, and who waits for it. Pure bookkeeping: no time passes here. Redis keeps
//! the locks of its clients so, and a database those on its rows.
//!
//! Locks are fair: whoever waits is served in order of arrival, when the lock is released or its
//! lease ends. A plain Redisson lock wakes one waiter per process and lets newcomers barge in; its
//! fair variant keeps a list, as here, and so do the rows of a database.

use std::collections::{BTreeMap, VecDeque};

use engine::{Key, Slab, Span};

/// Names a lock: a table, or whatever it is in, and a key there.
pub(crate) type Name = (u16, u64);

/// Names whoever wants locks: a call, a session.
pub(crate) type Who = Key;

/// Names one holding of a lock, until that is over.
pub(crate) type Holding = Key;

/// Somebody who wants, or has, a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub who: Who,
    pub name: Name,
    /// `None`: the lock is the connection's.
    pub lease: Option<Span>,
}

/// A claim that was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
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
pub(crate) struct Locks {
    held: Slab<Claim>,
    locks: BTreeMap<Name, Lock>,
    /// Who holds what.
    holdings: BTreeMap<(Who, Name), Holding>,
    /// Who is in a line, of one lock at most.
    waiting: BTreeMap<Who, Name>,
    tokens: u64,
}

impl Locks {
    /// Nothing is held. Tokens go on after `token`: the counter is on disk.
    pub(crate) fn after(token: u64) -> Locks {
        Locks { tokens: token, ..Locks::default() }
    }

    /// Takes the lock if it is free, else waits in line.
    pub(crate) fn acquire(&mut self, claim: Claim) -> Option<Grant> {
        let Some(lock) = self.locks.get_mut(&claim.name) else {
            let grant = self.grant(claim);
            let (holding, line) = (grant.holding, VecDeque::new());
            self.locks.insert(claim.name, Lock { holding, line });
            return Some(grant);
        };
        lock.line.push_back(claim);
        self.waiting.insert(claim.who, claim.name);
        None
    }

    /// A holding is over: the next in line gets the lock. Nothing happens if it was over already.
    pub(crate) fn release(&mut self, holding: Holding) -> Option<Grant> {
        let over = self.held.remove(holding)?;
        self.holdings.remove(&(over.who, over.name));
        let lock = self.locks.get_mut(&over.name).expect("what is held is a lock");
        let Some(claim) = lock.line.pop_front() else {
            self.locks.remove(&over.name);
            return None;
        };
        self.waiting.remove(&claim.who);
        let grant = self.grant(claim);
        self.locks.get_mut(&over.name).expect("it is there").holding = grant.holding;
        Some(grant)
    }

    /// One of the locks that `who` holds, and on what terms.
    pub(crate) fn held_by(&self, who: Who) -> Option<(Holding, Claim)> {
        let own = self.holdings.range((who, (0, 0))..=(who, (u16::MAX, u64::MAX)));
        let (_, holding) = own.into_iter().next()?;
        self.held.get(*holding).map(|claim| (*holding, *claim))
    }

    /// Whether `who` holds this lock.
    pub(crate) fn holds(&self, who: Who, name: Name) -> bool {
        self.holdings.contains_key(&(who, name))
    }

    /// Who holds a lock.
    pub(crate) fn holder(&self, name: Name) -> Option<Who> {
        let lock = self.locks.get(&name)?;
        self.held.get(lock.holding).map(|claim| claim.who)
    }

    /// Whether the holding is not over.
    pub(crate) fn is_held(&self, holding: Holding) -> bool {
        self.held.get(holding).is_some()
    }

    /// The token given last.
    pub(crate) fn token(&self) -> u64 {
        self.tokens
    }

    /// How many locks are held.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// `who` does not wait any more, if it did.
    pub(crate) fn leave_line(&mut self, who: Who) {
        let Some(name) = self.waiting.remove(&who) else { return };
        let line = &mut self.locks.get_mut(&name).expect("who waits has a lock to wait for").line;
        let at = line.iter().position(|claim| claim.who == who).expect("it waits");
        line.remove(at);
    }

    /// How many claims wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn grant(&mut self, claim: Claim) -> Grant {
        self.tokens += 1;
        let holding = self.held.insert(claim);
        self.holdings.insert((claim.who, claim.name), holding);
        Grant { claim, holding, token: self.tokens }
    }
}
