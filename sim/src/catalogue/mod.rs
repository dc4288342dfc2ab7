//! The catalogue: everything that a scenario can say, with its parameters, for `sim components`
//! and `docs/components.md`. Taken from the sources of what scenarios are read into.

mod json;
mod page;
mod source;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use models::KINDS;
use models::wiring::did_you_mean;

use crate::check::metric::METRICS;
use page::plain;
use source::{Item, Member, items};

/// Where scenarios' types stand: the comment at the top of a file belongs to its first type.
const SOURCES: [&str; 27] = [
    include_str!("../scenario/spec.rs"),
    include_str!("../../../models/src/gateway.rs"),
    include_str!("../../../models/src/service/spec.rs"),
    include_str!("../../../models/src/service/consumer.rs"),
    include_str!("../../../models/src/service/admission.rs"),
    include_str!("../../../models/src/service/process.rs"),
    include_str!("../../../models/src/service/memory.rs"),
    include_str!("../../../models/src/cache/spec.rs"),
    include_str!("../../../models/src/cache/sizes.rs"),
    include_str!("../../../models/src/cache/eviction/mod.rs"),
    include_str!("../../../models/src/database/mod.rs"),
    include_str!("../../../models/src/database/tables.rs"),
    include_str!("../../../models/src/redis/mod.rs"),
    include_str!("../../../models/src/quorum/mod.rs"),
    include_str!("../../../models/src/quorum/level.rs"),
    include_str!("../../../models/src/quorum/patience.rs"),
    include_str!("../../../models/src/waiting_room/mod.rs"),
    include_str!("../../../models/src/topic/mod.rs"),
    include_str!("../../../models/src/by.rs"),
    include_str!("../../../models/src/policy/placement/ranges.rs"),
    include_str!("../../../models/src/policy/spec.rs"),
    include_str!("../../../models/src/policy/health/spec.rs"),
    include_str!("../../../models/src/policy/pool.rs"),
    include_str!("../../../models/src/dist.rs"),
    include_str!("../../../models/src/flow/spec.rs"),
    include_str!("../../../models/src/traffic/spec.rs"),
    include_str!("../../../models/src/units.rs"),
];

/// What else there is beside components: the name of its page, its type, and what it is. The
/// parts of all but the first are listed one by one.
const TOPICS: [(&str, &str, &str); 13] = [
    ("Scenario", "Scenario", "a whole file: its fields"),
    ("Traffic", "TrafficSpec", "who asks"),
    ("Rate", "LegSpec", "the legs of a rate: how many arrive when"),
    ("Step", "Step", "what flows are made of"),
    ("Statement", "StatementSpec", "what flows ask of stores with `Do`"),
    ("Policy", "Policy", "how calls to one component are made"),
    ("Balance", "BalanceSpec", "which member a call goes to: the policy `balance`"),
    ("View", "ViewSpec", "how a caller learns who can be asked: the policy `view`"),
    ("Passive", "PassiveSpec", "what it concludes from its calls: the policy `passive`"),
    ("Backoff", "BackoffSpec", "the pause before another try: the policy `retry`"),
    ("Act", "Act", "what the timeline can do to a system"),
    ("Draw", "NumberSpec", "whole numbers that requests are born with"),
    ("Dist", "Dist", "how long something takes"),
];

/// The catalogue, read.
pub struct Catalogue {
    items: Vec<Item>,
    /// The source of each item.
    sources: Vec<&'static str>,
}

/// Something that `sim components` knows by its name.
enum Page<'a> {
    /// A type with all that it is made of.
    Whole { title: &'a str, group: &'a str, what: &'a str, item: usize },
    /// One choice of a type.
    Choice(&'a Item, &'a Member),
    /// What a check can measure.
    Measure(&'static crate::check::metric::Metric),
}

/// Reads it.
pub fn catalogue() -> Catalogue {
    let (mut all, mut sources) = (Vec::new(), Vec::new());
    for source in SOURCES {
        for item in items(source) {
            all.push(item);
            sources.push(source);
        }
    }
    Catalogue { items: all, sources }
}

impl Catalogue {
    fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }

    /// All pages: the name, the type behind it, its group, and what it is in a line.
    fn pages(&self) -> impl Iterator<Item = (&'static str, String, &'static str, &'static str)> {
        let kinds = KINDS
            .iter()
            .map(|(kind, group, what)| (*kind, format!("{kind}Spec"), *group, what.trim()));
        let users = [("Open", "OpenSpec"), ("Closed", "ClosedSpec")];
        let what = ["users who arrive by the clock", "users who wait for an answer"];
        let users = users.into_iter().zip(what);
        let users = users.map(|((name, of), what)| (name, of.to_string(), "Traffic", what));
        let topics =
            TOPICS.iter().map(|(name, of, what)| (*name, of.to_string(), "Language", *what));
        kinds.chain(users).chain(topics)
    }

    /// All that goes by this name: `Uniform` is a distribution and a draw.
    fn named(&self, name: &str) -> Vec<Page<'_>> {
        for (title, of, group, what) in self.pages() {
            if title == name
                && let Some(item) = self.items.iter().position(|item| item.name == of)
            {
                return vec![Page::Whole { title, group, what, item }];
            }
        }
        let choices = self.choices().filter(|(_, member)| member.name == name);
        let metrics = METRICS.iter().filter(|metric| metric.name == name);
        let choices = choices.map(|(item, member)| Page::Choice(item, member));
        let found: Vec<Page<'_>> = choices.chain(metrics.map(Page::Measure)).collect();
        if found.is_empty() { self.types(name) } else { found }
    }

    /// What pages show in brackets: `[By]`.
    fn types(&self, name: &str) -> Vec<Page<'_>> {
        let called = self.items.iter().enumerate().filter(|(_, item)| plain(&item.name) == name);
        let pages = called.map(|(place, item)| {
            let (title, what) = (item.name.trim_end_matches("Spec"), "what parameters are made of");
            Page::Whole { title, group: "Language", what, item: place }
        });
        pages.collect()
    }

    fn choices(&self) -> impl Iterator<Item = (&Item, &Member)> {
        let choices = self.items.iter().filter(|item| item.is_choice);
        choices.flat_map(|item| item.members.iter().map(move |it| (item, it)))
    }

    /// Every example: the type it is of, what it shows, and how a scenario writes it.
    pub fn examples(&self) -> Vec<(&str, &str, &str)> {
        let whole = self.items.iter().map(|item| (item, item.name.as_str(), &item.words));
        let parts = self.choices().map(|(item, it)| (item, it.name.as_str(), &it.words));
        let all = whole.chain(parts).filter(|(.., words)| !words.example.is_empty());
        all.map(|(item, name, words)| (item.name.as_str(), name, words.example.as_str())).collect()
    }

    /// What might have been meant by a name that nothing has.
    fn meant(&self, name: &str) -> String {
        let mut known: BTreeSet<&str> = self.choices().map(|(_, it)| it.name.as_str()).collect();
        known.extend(self.pages().map(|(page, ..)| page));
        known.extend(METRICS.iter().map(|metric| metric.name));
        let known: Vec<&str> = known.into_iter().collect();
        let same = known.iter().find(|it| it.eq_ignore_ascii_case(name));
        let same = same.map(|it| format!("did you mean `{it}`?"));
        same.or_else(|| did_you_mean(name, &known))
            .unwrap_or_else(|| "`sim components` without a name lists everything".into())
    }

    /// What the type of a page can be, by name: every step of `Step`, every action of `Act`.
    pub fn choices_of(&self, page: &str) -> impl Iterator<Item = &str> {
        let of = self.pages().find(|(title, ..)| *title == page).map(|(_, of, ..)| of);
        let item = of.and_then(|of| self.item(&of));
        item.into_iter().flat_map(|item| item.members.iter().map(|member| member.name.as_str()))
    }

    /// The page of one name. `Err`: nothing is called so; what might have been meant.
    pub fn page(&self, name: &str) -> Result<String, String> {
        let pages: Vec<String> = self.named(name).iter().map(|page| self.text(page)).collect();
        if pages.is_empty() { Err(self.meant(name)) } else { Ok(pages.join("\n")) }
    }

    /// The same for programs.
    pub fn page_json(&self, name: &str) -> Result<serde_json::Value, String> {
        let pages = self.named(name);
        let found: Vec<_> = pages.iter().map(|page| self.json(page)).collect();
        if found.is_empty() { Err(self.meant(name)) } else { Ok(found.into()) }
    }

    /// All pages for programs.
    pub fn whole_json(&self) -> serde_json::Value {
        let pages = self.pages().flat_map(|(page, ..)| self.named(page));
        let metrics = METRICS.iter().map(Page::Measure);
        pages.chain(metrics).map(|page| self.json(&page)).collect()
    }

    /// One line for everything.
    pub fn overview(&self) -> String {
        let mut text = String::new();
        let mut groups: Vec<&str> = Vec::new();
        for (_, _, group, _) in self.pages().filter(|(_, _, group, _)| *group != "Language") {
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        for group in groups {
            text += &format!("{group}:\n");
            for (page, .., what) in self.pages().filter(|(_, _, of, _)| *of == group) {
                text += &listed(page, what.trim_end_matches('.'));
            }
            text += "\n";
        }
        for (name, of, what) in TOPICS.iter().filter(|(_, of, _)| *of != "TrafficSpec") {
            text += &format!("{name}: {what}\n");
            let members = self.item(of).map_or(&[][..], |item| &item.members);
            for member in members {
                text += &listed(&member.name, member.words.first_sentence());
            }
            text += "\n";
        }
        text += "What checks can measure:\n";
        METRICS.iter().for_each(|metric| text += &listed(metric.name, metric.meaning));
        text += "\n`sim components NAME` shows the parameters of any of these that is written with \
                 a capital,\nand how any metric is written: `sim components Cache`, \
                 `sim components Crash`,\n`sim components latency`.\n";
        text
    }

    /// `docs/components.md`.
    pub fn document(&self) -> String {
        let mut text = String::from(
            "# Components, and all else that a scenario can say\n\n\
             Written by `sim components --markdown` from the sources: do not edit by hand.\n\
             How a scenario is put together is told in [language.md](language.md).\n",
        );
        for page in self.pages().flat_map(|(page, ..)| self.named(page)) {
            if let Page::Whole { title, .. } = page {
                text += &format!("\n## {title}\n\n```text\n{}```\n", self.text(&page));
            }
        }
        text += "\n## What checks can measure\n\n```text\n";
        let metrics: Vec<_> = METRICS.iter().map(|it| self.text(&Page::Measure(it))).collect();
        text + &metrics.join("\n") + "```\n"
    }
}

/// A line of the overview.
fn listed(name: &str, what: &str) -> String {
    format!("  {name:<14}{what}\n")
}
