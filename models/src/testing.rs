//! Scripts for the tests of components: who asks what and when, and what came back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use engine::{
    Answer, Ask, Builder, CallId, Component, ComponentId, Cx, Frame, GroupId, LinkId, OpId,
    Outcome, Port, Request, Span, Time, World,
};

use ron::extensions::Extensions;

use crate::wiring::{Problem, Segment, Wiring};
use crate::{ComponentSpec as _, Spec};

/// One line of a script.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// When it is said.
    pub at: Span,
    /// To which member.
    pub member: u16,
    /// What is asked.
    pub op: OpId,
    /// The first draw of the request; its root is the number of the line, from 1.
    pub key: u32,
    /// The argument.
    pub arg: i64,
    /// How long the caller waits.
    pub timeout: Option<Span>,
    /// It tells the callee when it stops waiting.
    pub cancel: bool,
    /// When it hangs up, if it still waits or holds a grant.
    pub until: Option<Span>,
}

impl Line {
    /// Asks member 0 and waits for ever.
    pub fn new(at: Span, op: OpId, key: u32, arg: i64) -> Line {
        Line { at, member: 0, op, key, arg, timeout: None, cancel: true, until: None }
    }
}

/// What came back: when (in nanoseconds), to which line of the script, and what.
pub type Log = Rc<RefCell<Vec<(Time, usize, Answer)>>>;

engine::word! {
    /// Which line is due.
    pub enum Due { Say(u32), HangUp(u32) }
}

/// A caller that says the lines of a script.
#[derive(Clone)]
pub struct Script {
    lines: Vec<Line>,
    calls: Vec<CallId>,
    link: LinkId,
    log: Log,
}

impl Component for Script {
    type Timer = Due;
    type Ticket = u32;
    type Lever = engine::Never;

    fn on_start(&mut self, cx: &mut Cx<'_, Self>) {
        for (index, line) in self.lines.iter().enumerate() {
            if Time::ZERO + line.at >= cx.now() {
                cx.after(line.at, Due::Say(index as u32));
            }
        }
    }

    fn on_call(&mut self, _: CallId, _: &mut Cx<'_, Self>) {
        unreachable!("nobody calls a script");
    }

    fn on_return(&mut self, line: u32, answer: Answer, cx: &mut Cx<'_, Self>) {
        self.log.borrow_mut().push((cx.now(), line as usize, answer));
    }

    fn on_timer(&mut self, due: Due, cx: &mut Cx<'_, Self>) {
        match due {
            Due::Say(index) => {
                let line = self.lines[index as usize];
                let mut request = Request::internal(line.op, cx.now());
                request.root = index as u64 + 1;
                request.draws[0] = line.key;
                let Line { arg, timeout, cancel, .. } = line;
                let ask = Ask { request, arg, timeout, cancel };
                let port = Port { link: self.link, member: line.member };
                self.calls[index as usize] = cx.call(port, ask, index);
                if let Some(until) = line.until {
                    cx.after(Span(until.0 - line.at.0), Due::HangUp(index));
                }
            }
            Due::HangUp(index) => {
                cx.hang_up(self.calls[index as usize]);
            }
        }
    }
}

/// A small world: the component under test, and callers that follow scripts.
pub struct Stage {
    /// To be wired further before [`Stage::world`].
    pub builder: Builder,
    callers: u32,
}

impl Stage {
    /// No network delays, a minute, and so many nodes behind the group `"it"`.
    pub fn new(members: u16, cpu: Option<engine::Discipline>) -> (Stage, GroupId) {
        let mut builder = Builder::new(Frame::plain(1, Span::secs(60)));
        let zone = builder.zone("a");
        let nodes: Vec<_> = (0..members).map(|_| builder.node(zone, cpu)).collect();
        let group = builder.group("it", "Tested", &nodes);
        (Stage { builder, callers: 0 }, group)
    }

    /// The components of a map, wired as a scenario would.
    pub fn wired(draws: &[&str], components: &str) -> Stage {
        Stage::scenario(draws, "{}", "{}", components)
    }

    /// As [`Stage::wired`], with named flows and policies.
    pub fn scenario(draws: &[&str], flows: &str, policies: &str, components: &str) -> Stage {
        let mut builder = Builder::new(Frame::plain(1, Span::secs(60)));
        let problems = wire(&mut builder, draws, [flows, policies, components]);
        assert_eq!(problems, []);
        Stage { builder, callers: 0 }
    }

    /// The place of a member of the tested group.
    pub fn member(&self, group: GroupId, member: u16) -> ComponentId {
        self.builder.declared(group).member(member)
    }

    /// Adds a caller; what it hears is in the log.
    pub fn script(&mut self, to: GroupId, lines: &[Line]) -> Log {
        let zone = self.builder.zone("a");
        let node = self.builder.node(zone, None);
        let name = format!("script{}", self.callers);
        self.callers += 1;
        let group = self.builder.group(&name, "Script", &[node]);
        let me = self.builder.declared(group).first;
        let link = self.builder.link(me, to);
        let (log, calls) = (Log::default(), vec![CallId::NONE; lines.len()]);
        self.builder.put(me, Script { lines: lines.to_vec(), calls, link, log: log.clone() });
        log
    }

    /// Plays everything up to `until`.
    pub fn play(self, until: Span) -> World {
        let mut world = self.builder.build();
        world.run(Time::ZERO + until, &mut ());
        world
    }
}

/// What a log says, in milliseconds: `(5, 0, Done, 7)`: line 0 heard `Done` with value 7 at 5 ms.
pub fn heard(log: &Log) -> Vec<(u64, usize, Outcome, i64)> {
    let row = |(at, line, answer): &(Time, usize, Answer)| {
        (at.0 / 1_000_000, *line, answer.outcome, answer.value)
    };
    log.borrow().iter().map(row).collect()
}

/// Reads RON with the extensions of scenarios. Panics if it does not parse.
pub fn parse<T: serde::de::DeserializeOwned>(text: &str) -> T {
    let extensions = Extensions::IMPLICIT_SOME
        | Extensions::UNWRAP_NEWTYPES
        | Extensions::UNWRAP_VARIANT_NEWTYPES;
    let options = ron::Options::default().with_default_extension(extensions);
    options.from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// What is wrong with a scenario: the place and the message of each problem.
pub fn problems(draws: &[&str], flows: &str, components: &str) -> Vec<(String, String)> {
    problems_under("{}", draws, flows, components)
}

/// As [`problems`], under policies.
pub fn problems_under(
    policies: &str,
    draws: &[&str],
    flows: &str,
    components: &str,
) -> Vec<(String, String)> {
    let mut builder = Builder::new(Frame::plain(1, Span::secs(60)));
    let found = wire(&mut builder, draws, [flows, policies, components]);
    let segment = |segment: &Segment| match segment {
        Segment::Name(name) => name.clone(),
        Segment::Index(index) => index.to_string(),
    };
    let place = |path: &[Segment]| path.iter().map(segment).collect::<Vec<_>>().join(".");
    let help = |help: &Option<String>| help.as_ref().map_or(String::new(), |h| format!("; {h}"));
    let row = |p: &Problem| (place(&p.path), format!("{}{}", p.message, help(&p.help)));
    found.iter().map(row).collect()
}

/// Wires up flows, policies and components as a scenario would: all groups first, then what runs
/// flows, then stores.
fn wire(
    builder: &mut Builder,
    draws: &[&str],
    [flows, policies, components]: [&str; 3],
) -> Vec<Problem> {
    let mut specs: BTreeMap<String, Spec> = parse(components);
    let offers = specs.iter().map(|(name, spec)| (name.clone(), spec.offer())).collect();
    for spec in specs.values_mut() {
        if let Spec::Gateway(gateway) = spec {
            gateway.resolve(&offers);
        }
    }
    let zone = builder.zone("a");
    let mut groups = Vec::new();
    for (name, spec) in &specs {
        let nodes: Vec<_> = (0..spec.members()).map(|_| builder.node(zone, spec.cpu())).collect();
        groups.push((name, spec, builder.group(name, spec.offer().kind, &nodes)));
    }
    let mut wiring = Wiring::new(builder, draws.iter().map(|draw| (*draw).into()).collect());
    (wiring.flows, wiring.policies) = (parse(flows), parse(policies));
    for (name, spec, _) in &groups {
        wiring.offers.insert((*name).clone(), spec.offer());
    }
    wiring.check_policies();
    groups.sort_by_key(|(_, spec, _)| !spec.runs_flows());
    for (name, spec, group) in groups {
        spec.build(name, group, &mut wiring);
    }
    wiring.problems
}
