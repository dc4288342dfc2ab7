//! Compiling the steps that go to caches: `Read`, `Put` and `Forget`.

use super::compile::Compiler;
use super::program::{Argument, Call, NOWHERE, Op, Place};
use super::spec::{CallOptions, ForgetBy, ForgetOptions, PutOptions, ReadOptions};

/// A cache that a `Read` looks into.
struct Level {
    name: String,
    channel: u16,
    /// Where it goes on after a hit.
    hit: Place,
    /// It remembers that there is nothing.
    negative: bool,
    /// It keeps old entries for the case that fetching fails.
    rescues: bool,
}

impl Compiler<'_, '_> {
    /// A question to a cache.
    fn cache_call(&mut self, name: &str, channel: u16, op: &str, arg: Argument) -> Call {
        let op = self.wiring.builder.op(&format!("{name}.{op}"));
        Call { channel, op, arg, into: None, record: None }
    }

    /// The channel to a cache, whose key must be `draw` unless that is a tag.
    fn cache(&mut self, name: &str) -> Option<u16> {
        self.operation(&format!("{name}.get"))?;
        self.channel(name, &CallOptions::default())
    }

    /// A problem unless the flow runs where it can ask this cache.
    fn is_near(&mut self, name: &str) -> bool {
        let host = self.wiring.offers.get(name).and_then(|offer| offer.inside.clone());
        let me = self.wiring.builder.group_name(self.me);
        let near = host.as_ref().is_none_or(|host| *host == me);
        if !near {
            let host = host.unwrap_or_default();
            let help = format!("others can tell it something: Forget(…, (tell: [\"{name}\"]))");
            let message = format!("`{name}` is inside `{host}`: only that can ask it");
            self.wiring.problem_with(message, Some(help));
        }
        near
    }

    /// look up … miss … fill the levels that missed. If something is to be done when the miss
    /// fails, a handler stands before it.
    pub(super) fn read(&mut self, draw: &str, options: &ReadOptions) {
        let _ = self.wiring.at_index(0, |wiring| wiring.draw(draw));
        let mut levels = Vec::new();
        for (index, name) in options.through.iter().enumerate() {
            let Some(channel) = self.cache(name) else { continue };
            self.wiring.enter_index(1);
            self.wiring.enter_name("through");
            self.wiring.enter_index(index);
            self.is_near(name);
            (0..3).for_each(|_| self.wiring.leave());
            let call = self.cache_call(name, channel, "get", Argument::None);
            let lookup = self.emit(Op::Start);
            let hit = self.emit(Op::Jump(0));
            self.patch(lookup, Op::Lookup { call, miss: self.here() });
            let offer = &self.wiring.offers[name];
            let (negative, rescues) = (offer.negative, offer.rescues);
            levels.push(Level { name: name.clone(), channel, hit, negative, rescues });
        }
        let outer = self.rescue;
        let skip = self.handler(&levels);
        self.branch(1, "miss", &options.miss);
        self.rescue = outer;
        for level in levels.iter().rev() {
            let op = self.wiring.builder.op(&format!("{}.put", level.name));
            self.emit(Op::Fill { channel: level.channel, op });
            self.patch(level.hit, Op::Jump(self.here()));
        }
        if let Some(rescued) = skip {
            self.patch(rescued, Op::Jump(self.here()));
        }
    }

    /// jump body · handler: caught → tell that there is nothing, rethrow; ask for old entries, on
    /// a hit jump to the end, rethrow · body. Gives the jump to the end.
    fn handler(&mut self, levels: &[Level]) -> Option<Place> {
        if !levels.iter().any(|level| level.negative || level.rescues) {
            return None;
        }
        let start = self.emit(Op::Jump(0));
        let caught = self.emit(Op::Jump(0));
        let denied = self.here();
        for level in levels.iter().filter(|level| level.negative) {
            let call = self.cache_call(&level.name, level.channel, "absent", Argument::None);
            self.emit(Op::Fill { channel: call.channel, op: call.op });
        }
        self.emit(Op::Rethrow);
        let other = self.here();
        let mut hits = Vec::new();
        for level in levels.iter().filter(|level| level.rescues) {
            let call = self.cache_call(&level.name, level.channel, "rescue", Argument::None);
            let lookup = self.emit(Op::Start);
            hits.push(self.emit(Op::Jump(0)));
            self.patch(lookup, Op::Lookup { call, miss: self.here() });
        }
        self.emit(Op::Rethrow);
        let end = self.emit(Op::Jump(NOWHERE));
        hits.into_iter().for_each(|hit| self.patch(hit, Op::Jump(end)));
        self.patch(caught, Op::Caught { denied, other });
        self.patch(start, Op::Jump(self.here()));
        self.rescue = caught;
        Some(end)
    }

    /// set, in one cache after the other
    pub(super) fn put(&mut self, draw: &str, options: &PutOptions) {
        let _ = self.wiring.at_index(0, |wiring| wiring.draw(draw));
        let to = options.to.as_ref().map(|to| self.expr(to));
        if options.r#in.is_empty() {
            self.wiring.problem("in which cache?");
        }
        for name in &options.r#in {
            let Some(channel) = self.cache(name) else { continue };
            self.is_near(name);
            let call = self.cache_call(name, channel, "set", Argument::Found(to.clone()));
            self.emit(Op::Call(call));
        }
    }

    /// forget, in one cache after the other; then tell the others
    pub(super) fn forget(&mut self, draw: &str, options: &ForgetOptions) {
        let place = self.wiring.at_index(0, |wiring| wiring.draw(draw));
        if options.r#in.is_empty() && options.tell.is_empty() {
            self.wiring.problem("in which cache?");
        }
        let (op, arg) = match options.by {
            ForgetBy::Key => ("forget", Argument::None),
            ForgetBy::Tag => ("forget_tag", Argument::Value(self.expr(draw))),
            ForgetBy::Prefix(digits) => {
                if !(1..=9).contains(&digits) {
                    self.wiring.problem("a prefix leaves out between 1 and 9 digits");
                }
                let block = 10i64.pow(u32::from(digits.min(9)));
                ("forget_block", Argument::Value(super::expr::Expr::number(block)))
            }
        };
        let all = options.r#in.iter().map(|name| (name, options.by == ForgetBy::Key));
        for (name, waits) in all.chain(options.tell.iter().map(|name| (name, false))) {
            let Some(channel) = self.cache(name) else { continue };
            if options.by == ForgetBy::Tag && place.is_some() {
                self.has_tag(name, draw);
            }
            let call = self.cache_call(name, channel, op, arg.clone());
            if waits {
                self.is_near(name);
                self.emit(Op::Call(call));
            } else {
                self.emit(Op::TellAll { call });
            }
        }
    }

    fn has_tag(&mut self, cache: &str, draw: &str) {
        let tag = self.wiring.offers[cache].tag.clone();
        if tag.as_deref() != Some(draw) {
            let help = match tag {
                Some(tag) => format!("its entries are tagged by `{tag}`"),
                None => format!("say what its entries are tagged by: Cache(tag: \"{draw}\")"),
            };
            let message = format!("`{cache}` has no tag `{draw}`");
            self.wiring.at_index(0, |w| w.problem_with(message, Some(help)));
        }
    }
}
