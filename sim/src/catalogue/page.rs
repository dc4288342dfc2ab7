//! One page of the catalogue as text: what it is, an example, its parameters, and the types that
//! those are made of, each once.

use std::fmt::Write as _;

use super::Catalogue;
use super::source::{Item, Member};

/// Lines are broken before this column.
const WIDTH: usize = 98;
/// Where descriptions begin.
const INDENT: usize = 17;

impl Catalogue {
    pub(super) fn whole(&self, title: &str, of: &str, what: &str) -> String {
        let Some(place) = self.items.iter().position(|item| item.name == of) else {
            return format!("{title}: {what}\n");
        };
        let item = &self.items[place];
        let mut out = format!("{title}: {what}\n");
        let example = item.doc.iter().filter(|line| line.contains('`')).cloned();
        let example: Vec<String> = example.collect();
        let prose = item.doc.iter().filter(|line| !line.contains('`')).cloned();
        let prose = prose.collect::<Vec<_>>().join(" ");
        let file = comment_of_file(self.files[place]);
        for paragraph in [file, prose.trim().to_string()] {
            let same = what.get(..20).is_some_and(|words| paragraph.starts_with(words));
            if !paragraph.is_empty() && !same {
                out += "\n";
                wrapped(&mut out, 0, &paragraph);
            }
        }
        if !example.is_empty() {
            out += "\n";
            wrapped(&mut out, 2, &example.join(" ").replace('`', ""));
        }
        let mut shown = vec![item.name.clone()];
        self.members(&mut out, item);
        let mut next = 0;
        while next < shown.len() {
            for part in self.parts(&shown[next]) {
                if !shown.contains(&part) {
                    shown.push(part);
                }
            }
            next += 1;
        }
        for name in &shown[1..] {
            let part = self.item(name).expect("parts are items");
            if self.pages().any(|(page, of, _)| page != title && of == *name) {
                continue;
            }
            let _ = write!(out, "\n{}: {}\n", plain(name), part.doc.join(" "));
            self.members(&mut out, part);
        }
        out
    }

    pub(super) fn one_choice(&self, item: &Item, member: &Member) -> String {
        let kind = self.pages().find(|(_, of, _)| *of == item.name);
        let of = kind.map_or(plain(&item.name), |(page, ..)| page.to_string());
        let mut out = format!("{} (a choice of {of})\n\n", written(member));
        wrapped(&mut out, 0, &member.doc);
        if !member.fields.is_empty() {
            out += "\n";
            member.fields.iter().for_each(|field| line(&mut out, 2, field));
        }
        for part in self.parts_of(member) {
            let part = self.item(&part).expect("parts are items");
            let _ = write!(out, "\n{}: {}\n", plain(&part.name), part.doc.join(" "));
            self.members(&mut out, part);
        }
        out
    }

    fn members(&self, out: &mut String, item: &Item) {
        *out += "\n";
        for member in &item.members {
            line(out, 2, member);
            member.fields.iter().for_each(|field| line(out, 6, field));
        }
    }

    /// Types that the parameters of a type are made of; pages of their own are not repeated.
    fn parts(&self, of: &str) -> Vec<String> {
        let item = self.item(of).expect("parts are items");
        let has_page = self.pages().any(|(_, page, _)| page == of);
        let is_choice_of_many = item.is_choice && item.members.len() > 9;
        // A long list of choices is a page: its parts would fill another.
        if has_page && is_choice_of_many && of != "Step" && of != "Act" {
            return Vec::new();
        }
        item.members.iter().flat_map(|member| self.parts_of(member)).collect()
    }

    fn parts_of(&self, member: &Member) -> Vec<String> {
        let types = member.fields.iter().map(|field| field.types.as_str());
        let words = types.chain([member.types.as_str()]).flat_map(|types| {
            types.split(|c: char| !c.is_alphanumeric()).filter(|word| self.item(word).is_some())
        });
        let own = |word: &&str| !self.pages().any(|(_, of, _)| of == **word);
        words.filter(own).map(str::to_string).collect()
    }
}

/// What the first comment of a file says, beyond its first line, which the page's own says too.
fn comment_of_file(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text = lines.map(str::trim).collect::<Vec<_>>().join("\n");
    let paragraphs = text.split("\n\n").skip(1);
    paragraphs.map(|it| it.replace('\n', " ")).collect::<Vec<_>>().join(" ")
}

fn line(out: &mut String, indent: usize, member: &Member) {
    let name = match member.types.is_empty() || member.name.starts_with(char::is_lowercase) {
        true => member.name.clone(),
        false => written(member),
    };
    let kind = match member.name.starts_with(char::is_lowercase) {
        true => format!("[{}] ", said(&member.types)),
        false => String::new(),
    };
    let width = INDENT.saturating_sub(indent);
    let _ = write!(out, "{:indent$}{name:<width$}", "");
    if name.len() >= width {
        let _ = write!(out, "\n{:INDENT$}", "");
    }
    let mut rest = String::new();
    wrapped(&mut rest, INDENT, &format!("{kind}{}", member.doc));
    *out += rest.trim_start();
}

/// `Wait(distribution)`
fn written(member: &Member) -> String {
    if member.types.is_empty() {
        return member.name.clone();
    }
    format!("{}({})", member.name, said(&member.types))
}

/// A type in the words of scenarios.
fn said(types: &str) -> String {
    let mut words = types.to_string();
    for (code, word) in [
        ("BTreeMap<String, ", "{ name: "),
        ("Vec<Step>", "steps"),
        ("Box<", "<"),
        ("Option<", "<"),
        ("Vec<", "list of <"),
        ("NumberSpec", "draw"),
        ("RateSpec", "rate"),
        ("LegSpec", "leg"),
        ("StatementSpec", "statement"),
        ("Spec", ""),
        ("IgnoredAny", "part of a scenario"),
        ("Dist", "distribution"),
        ("Dur", "time"),
        ("Share", "share"),
        ("String", "text"),
        ("bool", "true or false"),
    ] {
        words = words.replace(code, word);
    }
    for number in ["u8", "u16", "u32", "u64", "usize", "i64"] {
        words = words.replace(number, "whole number");
    }
    let maps = words.matches("{ name: ").count();
    let words = words.replace("f64", "number").replace(['<', '>'], "");
    let words = if words.ends_with("{ name: ") { words + "component" } else { words };
    if maps > 0 { format!("{words} }}") } else { words }
}

fn plain(name: &str) -> String {
    name.trim_end_matches("Spec").to_string()
}

/// A paragraph, broken at spaces, each line that far in.
fn wrapped(out: &mut String, indent: usize, text: &str) {
    let mut column = WIDTH;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column + 1 + length > WIDTH {
            *out += if out.is_empty() || out.ends_with('\n') { "" } else { "\n" };
            let _ = write!(out, "{:indent$}{word}", "");
            column = indent + length;
        } else {
            let _ = write!(out, " {word}");
            column += 1 + length;
        }
    }
    *out += "\n";
}
