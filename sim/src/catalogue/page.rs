//! One page of the catalogue as text: what it is, an example, its parameters, and the types that
//! those are made of, each once.

use std::fmt::Write as _;

use super::source::{Item, Member};
use super::words::Words;
use super::{Catalogue, Page};
use crate::check::metric::{Label, Metric};

/// Lines are broken before this column.
const WIDTH: usize = 98;
/// Where descriptions begin.
const INDENT: usize = 17;

impl Catalogue {
    pub(super) fn text(&self, page: &Page<'_>) -> String {
        match *page {
            Page::Whole { title, what, item, .. } => self.whole(title, what, item),
            Page::Choice(item, member) => self.one_choice(item, member),
            Page::Measure(metric) => measure(metric),
        }
    }

    fn whole(&self, title: &str, what: &str, place: usize) -> String {
        let item = &self.items[place];
        let mut out = format!("{title}: {what}\n");
        let file = match item.name.strip_suffix("Spec") == Some(title) {
            true => comment_of_file(self.sources[place]),
            false => String::new(),
        };
        for paragraph in [&file, &item.words.text] {
            let same = what.get(..20).is_some_and(|words| paragraph.starts_with(words));
            if !paragraph.is_empty() && !same {
                out += "\n";
                wrapped(&mut out, 0, paragraph);
            }
        }
        for (label, said) in labelled(&item.words) {
            out += "\n";
            wrapped(&mut out, 0, &format!("{label}: {said}"));
        }
        self.members(&mut out, item);
        for part in self.all_parts(item) {
            let _ = write!(out, "\n{}: ", plain(&part.name));
            let mut said = part.words.text.clone();
            labelled(&part.words).for_each(|(label, it)| said += &format!(" {label}: {it}"));
            let mut rest = String::new();
            wrapped(&mut rest, 0, &said);
            out += rest.trim_start();
            self.members(&mut out, part);
        }
        out
    }

    /// The types that a type is made of, and those that they are made of, without such as have
    /// pages of their own.
    pub(super) fn all_parts(&self, item: &Item) -> Vec<&Item> {
        let mut shown = vec![item.name.clone()];
        let mut next = 0;
        while next < shown.len() {
            for part in self.parts(&shown[next]) {
                if !shown.contains(&part) {
                    shown.push(part);
                }
            }
            next += 1;
        }
        shown[1..].iter().filter_map(|name| self.item(name)).collect()
    }

    fn one_choice(&self, item: &Item, member: &Member) -> String {
        let mut out = format!("{} (a choice of {})\n\n", written(member), self.choice_of(item));
        wrapped(&mut out, 0, &member.words.text);
        for (label, said) in labelled(&member.words) {
            out += "\n";
            wrapped(&mut out, 0, &format!("{label}: {said}"));
        }
        if !member.fields.is_empty() {
            out += "\n";
            member.fields.iter().for_each(|field| line(&mut out, 2, field));
        }
        for part in self.parts_of(member) {
            let part = self.item(&part).expect("parts are items");
            let _ = write!(out, "\n{}: {}\n", plain(&part.name), part.words.text);
            self.members(&mut out, part);
        }
        out
    }

    /// What a type is called where its choices stand.
    pub(super) fn choice_of(&self, item: &Item) -> String {
        let page = self.pages().find(|(_, of, ..)| *of == item.name);
        page.map_or(plain(&item.name), |(page, ..)| page.to_string())
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
        item.members.iter().flat_map(|member| self.parts_of(member)).collect()
    }

    fn parts_of(&self, member: &Member) -> Vec<String> {
        let types = member.fields.iter().map(|field| field.types.as_str());
        let words = types.chain([member.types.as_str()]).flat_map(|types| {
            types.split(|c: char| !c.is_alphanumeric()).filter(|word| self.item(word).is_some())
        });
        let own = |word: &&str| !self.pages().any(|(_, of, ..)| of == **word);
        words.filter(own).map(str::to_string).collect()
    }
}

/// The labelled paragraphs that a comment has.
fn labelled(words: &Words) -> impl Iterator<Item = (&'static str, &str)> {
    let all = [
        ("Source", &words.source),
        ("Not modelled", &words.not_modelled),
        ("Example", &words.example),
    ];
    all.into_iter().filter(|(_, said)| !said.is_empty()).map(|(label, said)| (label, &**said))
}

fn measure(metric: &Metric) -> String {
    let braces: Vec<String> = metric.labels.iter().map(in_braces).collect();
    let braces =
        if braces.is_empty() { String::new() } else { format!("{{{}}}", braces.join(", ")) };
    let stats = metric.stats.iter().map(|it| if it.is_empty() { "(nothing)" } else { it });
    let stats = stats.collect::<Vec<_>>().join(", ");
    let when = if metric.windows { "of the whole run or a part of it" } else { "of the whole run" };
    format!("{}{braces}: {}\n  numbers: {stats}; {when}\n", metric.name, metric.meaning)
}

/// `op=…`; in brackets if it may be left out.
fn in_braces(label: &Label) -> String {
    let name = match label.name {
        "" => "…".to_string(),
        name => format!("{name}=…"),
    };
    if label.needed { name } else { format!("[{name}]") }
}

/// What the first comment of a file says, beyond its first line, which the page's own says too.
fn comment_of_file(source: &str) -> String {
    let lines = source.lines().map_while(|line| line.strip_prefix("//!"));
    let text = lines.map(str::trim).collect::<Vec<_>>().join("\n");
    let paragraphs = text.split("\n\n").skip(1);
    paragraphs.map(|it| it.replace('\n', " ")).collect::<Vec<_>>().join(" ")
}

fn line(out: &mut String, indent: usize, member: &Member) {
    let (name, kind) = match member.is_parameter() {
        false => (written(member), String::new()),
        true => (member.name.clone(), format!("[{}] ", kind_of(member))),
    };
    let width = INDENT.saturating_sub(indent);
    let _ = write!(out, "{:indent$}{name:<width$}", "");
    if name.len() >= width {
        let _ = write!(out, "\n{:INDENT$}", "");
    }
    let mut said = format!("{kind}{}", member.words.text);
    labelled(&member.words).for_each(|(label, it)| said += &format!(" {label}: {it}"));
    let mut rest = String::new();
    wrapped(&mut rest, INDENT, &said);
    *out += rest.trim_start();
}

/// The type of a parameter, and whether it must be there.
fn kind_of(member: &Member) -> String {
    let needed = if member.needed { ", required" } else { "" };
    format!("{}{needed}", said(&member.types))
}

/// `Wait(distribution)`
fn written(member: &Member) -> String {
    if member.types.is_empty() {
        return member.name.clone();
    }
    format!("{}({})", member.name, said(&member.types))
}

/// A type in the words of scenarios.
pub(super) fn said(types: &str) -> String {
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

pub(super) fn plain(name: &str) -> String {
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
