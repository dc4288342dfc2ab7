//! The catalogue is whole, and says what the code does.

use super::*;

/// Every parameter of a type, by a name to be told by.
fn parameters(item: &Item) -> impl Iterator<Item = (String, &Member)> {
    let nested = item.members.iter().flat_map(|member| &member.fields);
    let all = item.members.iter().chain(nested).filter(|member| member.is_parameter());
    all.map(|member| (format!("{}.{}", item.name, member.name), member))
}

/// Every page has its type, and every parameter and choice of every type a comment.
#[test]
fn nothing_is_without_a_word() {
    let catalogue = catalogue();
    for (page, of, _, what) in catalogue.pages() {
        assert!(catalogue.item(&of).is_some(), "{page}: no type `{of}` among the sources");
        assert!(!what.is_empty(), "{page}");
    }
    let mut mute = Vec::new();
    for item in &catalogue.items {
        let all = parameters(item).chain(item.members.iter().map(|it| (it.name.clone(), it)));
        let silent = all.filter(|(_, member)| member.words.text.is_empty());
        mute.extend(silent.map(|(name, _)| format!("{}: {name}", item.name)));
        if item.words.text.is_empty() {
            mute.push(item.name.clone());
        }
    }
    assert!(mute.is_empty(), "without a comment: {mute:?}");
}

/// Whose behaviour it is, what is left out, and how it is written.
#[test]
fn every_kind_says_what_it_stands_for() {
    let catalogue = catalogue();
    for (page, of, ..) in catalogue.pages().filter(|(_, _, group, _)| *group != "Language") {
        let words = &catalogue.item(&of).unwrap().words;
        assert!(!words.source.is_empty(), "{page}: a comment `Source: …`");
        assert!(!words.not_modelled.is_empty(), "{page}: a comment `Not modelled: …`");
        assert!(words.example.starts_with(page), "{page}: a comment `Example: …`");
    }
    let mut without = Vec::new();
    let takes = |it: &Member| !it.types.is_empty() || !it.fields.is_empty();
    for (item, member) in catalogue.choices().filter(|(_, member)| takes(member)) {
        if !member.words.example.starts_with(&member.name) {
            without.push(format!("{}.{}", item.name, member.name));
        }
    }
    assert!(without.is_empty(), "each needs a comment `Example: …`: {without:?}");
}

/// What can be left out says what happens then; lists and maps are empty then, and true-or-false
/// and choices have a word for it like the others.
#[test]
fn every_default_is_told() {
    let catalogue = catalogue();
    let mut silent = Vec::new();
    for (name, member) in catalogue.items.iter().flat_map(parameters) {
        let told = member.words.text.contains("efault");
        let empty = ["Vec<", "BTreeMap<"].iter().any(|it| member.types.starts_with(it));
        if !told && !member.needed && !empty {
            silent.push(name);
        } else if told && member.needed {
            silent.push(format!("{name} (is required)"));
        }
    }
    assert!(silent.is_empty(), "which default? {silent:?}");
}

/// The numbers of a default are those of the code.
#[test]
fn defaults_are_as_told() {
    let catalogue = catalogue();
    let mut compared = 0;
    for (item, source) in catalogue.items.iter().zip(&catalogue.sources) {
        for (name, member) in parameters(item) {
            let Some(default) = default_in(source, item, member) else { continue };
            let digits: String =
                as_written(&default).chars().filter(char::is_ascii_digit).collect();
            let told = member.words.text.split_once("efault").map_or("", |(_, told)| told);
            let told = told.replace([' ', '_'], "").replace("..", " ");
            let mut numbers = told.split(|c: char| !c.is_ascii_digit() && c != '.');
            if !digits.is_empty() {
                compared += 1;
                let same = numbers.any(|number| number.replace('.', "") == digits);
                assert!(same, "{name}: the code says `{default}`: {told}");
            }
        }
    }
    assert!(compared > 20, "only {compared} defaults were found in the sources");
}

/// A number as scenarios write it: `Share(0.84)` is 84 %, and `3.0` is 3.
fn as_written(default: &str) -> String {
    let share = default.strip_prefix("Share(").and_then(|it| it.strip_suffix(')')?.parse().ok());
    let shown = share.map_or(default.to_string(), |share: f64| (share * 100.0).to_string());
    shown.trim_end_matches(".0").to_string()
}

/// The expression that gives a default: the body of a function, or a field of `fn default`.
fn default_in(source: &str, item: &Item, member: &Member) -> Option<String> {
    if let Some(function) = &member.default {
        let (_, rest) = source.split_once(&format!("fn {function}() -> "))?;
        return Some(rest.lines().nth(1)?.trim().to_string());
    }
    let (_, body) = source.split_once(&format!("impl Default for {} {{", item.name))?;
    let body = body.split("\n}").next()?;
    let (_, rest) = body.split_once(&format!("{}: ", member.name))?;
    rest.split([',', '\n', '}']).next().map(str::to_string)
}

#[test]
fn a_page_shows_parameters_and_what_they_are_made_of() {
    let page = catalogue().page("Cache").unwrap();
    for line in ["Cache(nodes: 3", "capacity", "whole number", "Modulo", "virtual_nodes", "Redis"] {
        assert!(page.contains(line), "no `{line}` in\n{page}");
    }
    // Names in brackets have a page, too.
    let by = catalogue().page("By").unwrap();
    assert!(by.contains("Ring") && by.contains("virtual_nodes"), "{by}");
    assert!(catalogue().page("Exp").unwrap().contains("Exp(\"5ms\")"));
    assert!(catalogue().page("latency").unwrap().contains("latency{[op=…]}"));
    let both = catalogue().page("Uniform").unwrap();
    assert!(both.contains("choice of Dist") && both.contains("choice of Draw"), "{both}");
}

/// Each parameter of each type is on a page, as text and for programs.
#[test]
fn nothing_is_missing_from_the_pages() {
    let (catalogue, mut missing) = (catalogue(), Vec::new());
    let (text, json) = (catalogue.document(), catalogue.whole_json().to_string());
    for item in &catalogue.items {
        for member in &item.members {
            let first: String = member.words.text.split(' ').take(3).collect::<Vec<_>>().join(" ");
            let mut lines = text.lines().map(str::trim_start);
            // Parameters begin a line; so do choices, with what they take behind them.
            let written = lines.any(|line| {
                let rest = line.strip_prefix(&member.name);
                rest.is_some_and(|rest| {
                    !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_')
                })
            });
            let there = written && json.contains(&first.replace('"', "\\\""));
            if !there {
                missing.push(format!("{}.{}", item.name, member.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn unknown_names_are_helped() {
    for (wrong, right) in [("Cahce", "`Cache`"), ("cache", "`Cache`"), ("latncy", "`latency`")] {
        assert!(catalogue().page(wrong).unwrap_err().contains(right), "{wrong}");
        assert!(catalogue().page_json(wrong).is_err());
    }
    assert!(catalogue().page("qqq").unwrap_err().contains("sim components"));
}

#[test]
fn the_document_is_up_to_date() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/components.md");
    let written = std::fs::read_to_string(file).unwrap_or_default();
    let same = written == catalogue().document();
    assert!(same, "write it anew: cargo run -- components --markdown > docs/components.md");
}
