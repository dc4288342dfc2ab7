//! What a specification may ask of the scenario while it is turned into components, and how it
//! reports mistakes: a [`Problem`] names the place by path, and the scenario layer finds the line.

use std::collections::BTreeMap;
use std::rc::Rc;

use engine::chance::Dist as Draw;
use engine::ledger::LogId;
use engine::{Builder, DRAWS, GroupId, OpId, Span};

use crate::by::By;
use crate::database::copies::ReplicasSpec;
use crate::dist::Dist;
use crate::flow::spec::Step;
use crate::policy::ring::{Ring, RingKind};
use crate::policy::spec::Policy;
use crate::procedure::Procedure;

/// One step down into a scenario.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Segment {
    /// A field of a struct or the key of a map.
    Name(String),
    /// A place in a list, or among the positional arguments of a verb.
    Index(usize),
}

/// A place in a scenario: `components.shop.operations.buy[2]`.
pub type Path = Vec<Segment>;

/// A mistake in a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub path: Path,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead, if that is known.
    pub help: Option<String>,
}

/// What one component offers to others.
#[derive(Clone, Debug, Default)]
pub struct Offer {
    /// Its kind: `"Service"`.
    pub kind: &'static str,
    /// The operations that others may call: `buy` of `shop.buy`.
    pub operations: Vec<String>,
    /// Names of its tables.
    pub tables: Vec<String>,
    /// Names of its logs.
    pub logs: Vec<String>,
    /// How many partitions it has, if it is a topic.
    pub partitions: u16,
    /// Which member keeps which key, if that is by key: callers' channels go by it.
    pub by: Option<By>,
    /// How it is copied: callers go to the primary, or to a replica.
    pub copies: Option<ReplicasSpec>,
    /// Whether a flow can hold a transaction open there: `Transaction`.
    pub transactions: bool,
    /// It is inside each member of this component, which asks the one of its own.
    pub inside: Option<String>,
    /// The draw that is the key of a cache, or two: `"user,item"`.
    pub key: Option<String>,
    /// The draw that entries of a cache are tagged with.
    pub tag: Option<String>,
    /// It is a cache that remembers that there is nothing.
    pub negative: bool,
    /// It is a cache that keeps old entries for the case that fetching fails.
    pub rescues: bool,
    /// It is a cache that fetches what it does not have.
    pub loads: bool,
    /// It is a cache that writes to a store.
    pub stores: bool,
}

/// The scenario as the builders of components see it.
pub struct Wiring<'a> {
    /// The world under construction; every group is declared before any component is built.
    pub builder: &'a mut Builder,
    /// The names of the draws; the place of a name is its place in `Request::draws`.
    pub draws: Vec<String>,
    /// Every component's offer, traffic sources excluded.
    pub offers: BTreeMap<String, Offer>,
    /// Named step lists, for `Flow("name")`.
    pub flows: BTreeMap<String, Vec<Step>>,
    /// Named policies; `default` holds for every callee without one of its own.
    pub policies: BTreeMap<String, Policy>,
    /// The statement lists that flows send to stores: filled by flows, read by the stores,
    /// which are built after all flows.
    pub procedures: BTreeMap<String, Vec<(OpId, Rc<Procedure>)>>,
    /// Rings by their kind and by how many points each member has: all callers go by the same one.
    pub rings: BTreeMap<(RingKind, Vec<u32>), Rc<Ring>>,
    /// Which zone the users are near whose traffic is being built, if they are near one.
    pub near: Option<String>,
    /// Mistakes found so far.
    pub problems: Vec<Problem>,
    logs: BTreeMap<(String, u16), LogId>,
    path: Path,
}

impl<'a> Wiring<'a> {
    /// Nothing known yet but the builder and the draws. Panics beyond four draws: the scenario
    /// layer refuses a fifth.
    pub fn new(builder: &'a mut Builder, draws: Vec<String>) -> Self {
        assert!(draws.len() <= DRAWS);
        Wiring {
            builder,
            draws,
            offers: BTreeMap::new(),
            flows: BTreeMap::new(),
            policies: BTreeMap::new(),
            procedures: BTreeMap::new(),
            rings: BTreeMap::new(),
            near: None,
            problems: Vec::new(),
            logs: BTreeMap::new(),
            path: Vec::new(),
        }
    }

    /// Does `work` one step further down: problems reported meanwhile are placed there.
    pub fn at<T>(&mut self, segment: Segment, work: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(segment);
        let result = work(self);
        self.path.pop();
        result
    }

    /// As [`Wiring::at`], for a field or a key.
    pub fn at_name<T>(&mut self, name: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        self.at(Segment::Name(name.into()), work)
    }

    /// As [`Wiring::at`], for a place in a list.
    pub fn at_index<T>(&mut self, index: usize, work: impl FnOnce(&mut Self) -> T) -> T {
        self.at(Segment::Index(index), work)
    }

    /// Goes one place down a list; [`Wiring::leave`] comes back.
    pub fn enter_index(&mut self, index: usize) {
        self.path.push(Segment::Index(index));
    }

    /// Goes down to a field or key; [`Wiring::leave`] comes back.
    pub fn enter_name(&mut self, name: &str) {
        self.path.push(Segment::Name(name.into()));
    }

    /// Comes one step back up.
    pub fn leave(&mut self) {
        self.path.pop();
    }

    /// Goes to another place altogether, and returns this one for [`Wiring::return_to`].
    pub fn leave_to(&mut self, path: &[&str]) -> Path {
        let there = path.iter().map(|name| Segment::Name((*name).into())).collect();
        std::mem::replace(&mut self.path, there)
    }

    /// Comes back from [`Wiring::leave_to`].
    pub fn return_to(&mut self, path: Path) {
        self.path = path;
    }

    /// Reports a mistake at the present place.
    pub fn problem(&mut self, message: impl Into<String>) {
        self.problem_with(message, None);
    }

    /// Whether `callee`, which is there, offers this operation; a problem if not.
    pub fn knows_operation(&mut self, callee: &str, operation: &str) -> bool {
        let known: Vec<&str> = self.offers[callee].operations.iter().map(String::as_str).collect();
        if known.contains(&operation) {
            return true;
        }
        let offered = || format!("`{callee}` offers: {}", known.join(", "));
        let help = did_you_mean(operation, &known).or_else(|| Some(offered()));
        let help = help.filter(|_| !known.is_empty());
        self.problem_with(format!("`{callee}` has no operation `{operation}`"), help);
        false
    }

    /// Reports a mistake, and what to write instead.
    pub fn problem_with(&mut self, message: impl Into<String>, help: Option<String>) {
        let (path, message) = (self.path.clone(), message.into());
        self.problems.push(Problem { path, message, help });
    }

    /// The compiled form of a distribution; a problem, and no delay, if it makes no sense.
    pub fn dist(&mut self, spec: &Dist) -> Draw {
        spec.build(self).unwrap_or(Draw::Fixed(Span::ZERO))
    }

    /// The log of a store (`orders-db.outbox`), or one partition of a topic: made when it is first
    /// asked for, by whoever reads it or by whoever keeps it.
    pub fn log(&mut self, name: &str, part: u16) -> LogId {
        let key = (name.to_string(), part);
        if let Some(log) = self.logs.get(&key) {
            return *log;
        }
        let log = self.builder.ledger().log(name);
        self.logs.insert(key, log);
        log
    }

    /// Checks that `store` offers a table or log of this name; a problem if not.
    pub fn offered(
        &mut self,
        store: &str,
        name: &str,
        what: &str,
        names: impl Fn(&Offer) -> &Vec<String>,
    ) -> Option<()> {
        let offered = names(&self.offers[store]);
        if offered.iter().any(|known| known == name) {
            return Some(());
        }
        let known: Vec<&str> = offered.iter().map(String::as_str).collect();
        let help = did_you_mean(name, &known);
        self.problem_with(format!("`{store}` has no {what} `{name}`"), help);
        None
    }

    /// The group behind a component's name; a problem if there is none.
    pub fn group(&mut self, name: &str) -> Option<GroupId> {
        let found = self.builder.find(name).filter(|_| self.offers.contains_key(name));
        if found.is_none() {
            let names: Vec<&str> = self.offers.keys().map(String::as_str).collect();
            let help = did_you_mean(name, &names);
            self.problem_with(format!("there is no component `{name}`"), help);
        }
        found
    }

    /// Does something whose problems are reported elsewhere.
    pub fn quietly<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let known = self.problems.len();
        let result = work(self);
        self.problems.truncate(known);
        result
    }

    /// The place of a draw; a problem if there is none of that name.
    pub fn draw(&mut self, name: &str) -> Option<usize> {
        let found = self.draws.iter().position(|draw| draw == name);
        if found.is_none() {
            let names: Vec<&str> = self.draws.iter().map(String::as_str).collect();
            let help = did_you_mean(name, &names)
                .or_else(|| Some(format!("add it: draws: {{ \"{name}\": Uniform(1000) }}")));
            self.problem_with(format!("there is no draw `{name}`"), help);
        }
        found
    }

    /// Reports what makes no sense in the policies. Once, before anything is built with them.
    pub fn check_policies(&mut self) {
        for (name, policy) in self.policies.clone() {
            let here = self.leave_to(&["policies", &name]);
            let callee = self.builder.find(&name);
            let members = callee.map(|group| self.builder.declared(group).size);
            policy.check(&name, members, self);
            self.return_to(here);
        }
    }

    /// The members of the largest component: what holds for `default` holds for it.
    pub fn most_members(&self) -> u16 {
        let groups = self.offers.keys().filter_map(|name| self.builder.find(name));
        groups.map(|group| self.builder.declared(group).size).max().unwrap_or(1)
    }

    /// The policy for calls to `callee`: its own over `default`, field by field.
    pub fn policy(&self, callee: &str) -> Policy {
        let own = self.policies.get(callee).cloned().unwrap_or_default();
        own.over(self.policies.get("default"))
    }

    /// The same, for a caller that runs no flows and so lends no connections: a pool would do
    /// nothing.
    pub fn policy_without_pool(&mut self, callee: &str) -> Policy {
        if self.policies.get(callee).is_some_and(|policy| policy.pool.is_some()) {
            let help = "`connections` limits those of users and gateways".to_owned();
            let message = format!("the `pool` of the policy `{callee}` is for flows");
            self.problem_with(message, Some(help));
        }
        self.policy(callee)
    }
}

/// "did you mean `x`?", if one of `known` is close enough to `word`.
pub fn did_you_mean(word: &str, known: &[&str]) -> Option<String> {
    let score = |name: &&&str| (strsim::jaro_winkler(word, name) * 1000.0) as u64;
    let best = known.iter().max_by_key(score)?;
    (score(&best) >= 750).then(|| format!("did you mean `{best}`?"))
}
