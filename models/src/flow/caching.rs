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

    /// The channel to a cache. A problem unless `draw` is its key, or one of the two.
    fn cache(&mut self, name: &str, draw: Option<&str>) -> Option<u16> {
        self.operation(&format!("{name}.get"))?;
        let key = self.wiring.offers[name].key.clone();
        if let (Some(draw), Some(key)) = (draw, key)
            && key != "request"
            && self.wiring.draws.iter().any(|known| known == draw)
            && key.split(',').all(|part| part.trim() != draw)
        {
            let message = format!("`{name}` keeps its entries by `{key}`, not by `{draw}`");
            self.wiring.at_index(0, |wiring| wiring.problem(message));
        }
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
    /// fails, a handler stands before it. If there is none and the last cache loads, asking it is
    /// the miss.
    pub(super) fn read(&mut self, draw: &str, options: &ReadOptions) {
        let _ = self.wiring.at_index(0, |wiring| wiring.draw(draw));
        let outer = self.rescue;
        let (mut levels, mut last) = (Vec::new(), None);
        for (index, name) in options.through.iter().enumerate() {
            let Some(channel) = self.cache(name, Some(draw)) else { continue };
            self.wiring.enter_index(1);
            self.wiring.enter_name("through");
            self.wiring.enter_index(index);
            self.is_near(name);
            if options.through[..index].contains(name) {
                self.wiring.problem("it has been asked already");
            }
            (0..3).for_each(|_| self.wiring.leave());
            let is_last = index + 1 == options.through.len();
            if is_last && options.miss.is_empty() && self.wiring.offers[name].loads {
                last = Some(self.cache_call(name, channel, "get", Argument::None));
                continue;
            }
            self.pass_on(&levels);
            levels.push(self.look_up(name, channel));
            self.rescue = outer;
        }
        let skip = self.handler(&levels);
        match last {
            // It has fetched the value, or the step ends as that did.
            Some(call) => drop(self.emit(Op::Call(call))),
            None => self.branch(1, "miss", &options.miss),
        }
        self.rescue = outer;
        for level in levels.iter().rev() {
            let op = self.wiring.builder.op(&format!("{}.put", level.name));
            self.emit(Op::Fill { channel: level.channel, op, value: true });
            self.patch(level.hit, Op::Jump(self.here()));
        }
        if let Some(rescued) = skip {
            self.patch(rescued, Op::Jump(self.here()));
        }
    }

    /// look up · jump to behind the fill
    fn look_up(&mut self, name: &str, channel: u16) -> Level {
        let call = self.cache_call(name, channel, "get", Argument::None);
        let lookup = self.emit(Op::Start);
        let hit = self.emit(Op::Jump(0));
        self.patch(lookup, Op::Lookup { call, miss: self.here() });
        let offer = &self.wiring.offers[name];
        let (negative, rescues) = (offer.negative, offer.rescues);
        Level { name: name.to_owned(), channel, hit, negative, rescues }
    }

    /// For the look-up that comes next: if it says that there is nothing, those before it that
    /// remember such things are told. It throws nothing else.
    fn pass_on(&mut self, before: &[Level]) {
        if !before.iter().any(|level| level.negative) {
            return;
        }
        let start = self.emit(Op::Jump(0));
        let handler = self.here();
        self.tell_absent(before);
        self.emit(Op::Rethrow);
        self.patch(start, Op::Jump(self.here()));
        self.rescue = handler;
    }

    fn tell_absent(&mut self, levels: &[Level]) {
        for level in levels.iter().filter(|level| level.negative) {
            let op = self.wiring.builder.op(&format!("{}.absent", level.name));
            self.emit(Op::Fill { channel: level.channel, op, value: false });
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
        self.tell_absent(levels);
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
            let Some(channel) = self.cache(name, Some(draw)) else { continue };
            self.is_near(name);
            // For a store a value is whole; its version will be the store's.
            let (op, arg) = match &to {
                Some(to) if self.wiring.offers[name].stores => {
                    ("write", Argument::Value(to.clone()))
                }
                _ => ("set", Argument::Found(to.clone())),
            };
            let call = self.cache_call(name, channel, op, arg);
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
            let key = (options.by != ForgetBy::Tag).then_some(draw);
            let Some(channel) = self.cache(name, key) else { continue };
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
