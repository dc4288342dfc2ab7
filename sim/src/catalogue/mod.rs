//! The catalogue: everything that a scenario can say, with its parameters, for `sim components`
//! and `docs/components.md`. Taken from the sources of what scenarios are read into.

mod page;
mod source;

use std::collections::BTreeSet;

use models::KINDS;
use models::wiring::did_you_mean;

use crate::prepare::metrics;
use source::{Item, Member, items};

/// Where scenarios' types stand: the comment at the top of a file belongs to its first type.
const SOURCES: [&str; 19] = [
    include_str!("../scenario/spec.rs"),
    include_str!("../../../models/src/gateway.rs"),
    include_str!("../../../models/src/service/spec.rs"),
    include_str!("../../../models/src/service/consumer.rs"),
    include_str!("../../../models/src/service/admission.rs"),
    include_str!("../../../models/src/cache/mod.rs"),
    include_str!("../../../models/src/cache/eviction/mod.rs"),
    include_str!("../../../models/src/database/mod.rs"),
    include_str!("../../../models/src/database/tables.rs"),
    include_str!("../../../models/src/redis/mod.rs"),
    include_str!("../../../models/src/waiting_room/mod.rs"),
    include_str!("../../../models/src/topic/mod.rs"),
    include_str!("../../../models/src/by.rs"),
    include_str!("../../../models/src/policy/placement/ranges.rs"),
    include_str!("../../../models/src/policy/spec.rs"),
    include_str!("../../../models/src/dist.rs"),
    include_str!("../../../models/src/flow/spec.rs"),
    include_str!("../../../models/src/traffic/spec.rs"),
    include_str!("../../../models/src/units.rs"),
];

/// What else there is beside components: the name of its page, its type, and what it is.
const TOPICS: [(&str, &str, &str); 9] = [
    ("Scenario", "Scenario", "a whole file: its fields"),
    ("Open", "OpenSpec", "traffic: users who arrive by the clock"),
    ("Closed", "ClosedSpec", "traffic: users who wait for an answer before they ask again"),
    ("Step", "Step", "what flows are made of"),
    ("Statement", "StatementSpec", "what flows ask of stores with `Do`"),
    ("Policy", "Policy", "how calls to one component are made"),
    ("Dist", "Dist", "how long something takes"),
    ("Draw", "NumberSpec", "whole numbers that requests are born with"),
    ("Act", "Act", "what the timeline can do to a system"),
];

/// The catalogue, read.
pub struct Catalogue {
    items: Vec<Item>,
    /// The first comment of the file of each item.
    files: Vec<&'static str>,
}

/// Reads it.
pub fn catalogue() -> Catalogue {
    let (mut all, mut files) = (Vec::new(), Vec::new());
    for source in SOURCES {
        for item in items(source) {
            all.push(item);
            files.push(source);
        }
    }
    Catalogue { items: all, files }
}

impl Catalogue {
    fn item(&self, name: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.name == name)
    }

    /// All pages: the name, the type behind it, and what it is in a line.
    fn pages(&self) -> impl Iterator<Item = (&'static str, String, &'static str)> {
        let kinds = KINDS.iter().map(|(kind, what)| (*kind, format!("{kind}Spec"), what.trim()));
        let topics = TOPICS.iter().map(|(name, of, what)| (*name, of.to_string(), *what));
        kinds.chain(topics)
    }

    /// A choice by its name alone, such as `Exp` or `Crash`, and the page it is on.
    fn choice(&self, name: &str) -> Option<(&Item, &Member)> {
        let choices = self.items.iter().filter(|item| item.is_choice);
        let mut named = choices.flat_map(|item| item.members.iter().map(move |it| (item, it)));
        named.find(|(_, member)| member.name == name)
    }

    /// What the type of a page can be, by name: every step of `Step`, every action of `Act`.
    pub fn choices(&self, page: &str) -> impl Iterator<Item = &str> {
        let of = self.pages().find(|(title, ..)| *title == page).map(|(_, of, _)| of);
        let item = of.and_then(|of| self.item(&of));
        item.into_iter().flat_map(|item| item.members.iter().map(|member| member.name.as_str()))
    }

    /// The page of one name. `Err`: nothing is called so; what might have been meant.
    pub fn page(&self, name: &str) -> Result<String, String> {
        if let Some((title, of, what)) = self.pages().find(|(page, ..)| *page == name) {
            return Ok(self.whole(title, &of, what));
        }
        if let Some((item, member)) = self.choice(name) {
            return Ok(self.one_choice(item, member));
        }
        let choices = self.items.iter().filter(|item| item.is_choice);
        let members = choices.flat_map(|item| item.members.iter().map(|it| it.name.as_str()));
        let mut known: BTreeSet<&str> = members.collect();
        known.extend(self.pages().map(|(page, ..)| page));
        let known: Vec<&str> = known.into_iter().collect();
        let all = || self.pages().map(|(page, ..)| page).collect::<Vec<_>>().join(", ");
        Err(did_you_mean(name, &known).unwrap_or_else(|| format!("there are: {}", all())))
    }

    /// One line for everything.
    pub fn overview(&self) -> String {
        let mut text = String::from("Components:\n");
        KINDS.iter().for_each(|(kind, what)| text += &format!("  {kind:<13}{}\n", what.trim()));
        text += "\nThe rest of a scenario:\n";
        TOPICS.iter().for_each(|(name, _, what)| text += &format!("  {name:<13}{what}\n"));
        text += "\nWhat checks can measure:\n";
        metrics().for_each(|(metric, what)| text += &format!("  {metric:<13}{what}\n"));
        text +=
            "\n`sim components NAME` shows the parameters of any of these, and of their parts:\n";
        text + "`sim components Cache`, `sim components LogNormal`, `sim components Crash`.\n"
    }

    /// `docs/components.md`.
    pub fn document(&self) -> String {
        let mut text = String::from(
            "# Components, and all else that a scenario can say\n\n\
             Written by `sim components --markdown` from the sources: do not edit by hand.\n",
        );
        for (title, of, what) in self.pages() {
            text += &format!("\n## {title}\n\n```text\n{}```\n", self.whole(title, &of, what));
        }
        text += "\n## What checks can measure\n\n";
        metrics().for_each(|(metric, what)| text += &format!("- `{metric}`: {what}\n"));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every page has its type, and every parameter of every type a comment.
    #[test]
    fn nothing_is_without_a_word() {
        let catalogue = catalogue();
        for (page, of, what) in catalogue.pages() {
            assert!(catalogue.item(&of).is_some(), "{page}: no type `{of}` among the sources");
            assert!(!what.is_empty(), "{page}");
        }
        let mut mute = Vec::new();
        for item in &catalogue.items {
            let nested = item.members.iter().flat_map(|member| &member.fields);
            let silent = item.members.iter().chain(nested).filter(|member| member.doc.is_empty());
            mute.extend(silent.map(|member| format!("{}.{}", item.name, member.name)));
        }
        assert!(mute.is_empty(), "without a comment: {mute:?}");
    }

    #[test]
    fn a_page_shows_parameters_and_what_they_are_made_of() {
        let page = catalogue().page("Cache").unwrap();
        for line in ["Cache(nodes: 3", "capacity", "whole number", "Modulo", "virtual_nodes"] {
            assert!(page.contains(line), "no `{line}` in\n{page}");
        }
        assert!(catalogue().page("Exp").unwrap().contains("Exp(\"5ms\")"));
        assert!(catalogue().page("Cahce").unwrap_err().contains("`Cache`"));
    }

    #[test]
    fn the_document_is_up_to_date() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/components.md");
        let written = std::fs::read_to_string(file).unwrap_or_default();
        let same = written == catalogue().document();
        assert!(same, "write it anew: sim components --markdown > docs/components.md");
    }
}
