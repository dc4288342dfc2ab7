//! What is shipped and what is written about it fit together: every part of the language stands in
//! some scenario or is known to be missing, and every scenario has its paragraph.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use models::KINDS;
use sim::catalogue::catalogue;

use crate::scenarios;

/// Parts of the language that no shipped scenario shows yet; whoever writes one that does takes
/// its name off this list.
const MISSING: [&str; 2] = ["Fail", "Loss"];

/// The names in a scenario, without those in comments and strings.
fn names(text: &str) -> BTreeSet<&str> {
    let mut found = BTreeSet::new();
    for line in text.lines() {
        // What stands between an even and an odd quote is code; none of the strings has a quote.
        for code in line.split("//").next().unwrap_or("").split('"').step_by(2) {
            found.extend(code.split(|c: char| !c.is_alphanumeric() && c != '_'));
        }
    }
    found
}

#[test]
fn every_part_of_the_language_is_shown_or_known_to_be_missing() {
    let texts: Vec<String> =
        scenarios().iter().map(|(_, file)| fs::read_to_string(file).unwrap()).collect();
    let shown: BTreeSet<&str> = texts.iter().flat_map(|text| names(text)).collect();
    let catalogue = catalogue();
    let mut parts: BTreeSet<&str> = KINDS.iter().map(|(kind, ..)| *kind).collect();
    for page in ["Step", "Statement", "Act"] {
        let before = parts.len();
        parts.extend(catalogue.choices_of(page));
        assert!(parts.len() > before + 5, "nothing is known of {page}");
    }
    let missing: Vec<&str> = parts.difference(&shown).copied().collect();
    assert_eq!(missing, MISSING);
}

#[test]
fn every_scenario_has_its_paragraph() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/scenarios.md");
    let document = fs::read_to_string(file).unwrap();
    let titles: Vec<&str> = document.lines().filter_map(|line| line.strip_prefix("## ")).collect();
    let mut shipped: Vec<String> = scenarios().into_iter().map(|(name, _)| name).collect();
    // In the order in which one looks for them: single files, then folders by name.
    shipped.sort_by_key(|name| (name.contains('/'), name.clone()));
    assert_eq!(titles, shipped);
}
