//! Whatever is written in a scenario gives a result or a diagnostic: the shipped scenarios,
//! damaged by chance in one to three places, neither panic nor hang nor eat all memory.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use engine::chance::Stream;
use engine::{Packed, Probe, Span, Time};
use rayon::prelude::*;
use sim::assemble::assemble;
use sim::check::verdict::judge;
use sim::prepare::{Wishes, prepare};
use sim::sweep::Runs;
use sim::text::Diagnostics;
use sim::topology::Topology;

use crate::scenarios;
use crate::theory::is_long;

/// Enough to come to everything that a scenario does at its beginning.
const MOST_EVENTS: u64 = 5_000;
const UNTIL: Span = Span::millis(2_000);

/// How a damaged scenario ended.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Played,
    Refused,
}

/// Stops a world that does more than a test has time for: how long a run takes is the scenario's
/// affair, and mutations ask for millions a second.
struct Enough(u64);

impl Probe for Enough {
    fn saw(&mut self, _: Time, _: Packed) {
        self.0 += 1;
    }

    fn wants_more(&self) -> bool {
        self.0 < MOST_EVENTS
    }
}

/// Words, numbers, single marks; what lies between two of them is a token too.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |c: char| match c {
        _ if c.is_ascii_digit() || c == '.' => 0,
        _ if c.is_alphabetic() || c == '_' => 1,
        _ if c.is_whitespace() => 2,
        _ => 3,
    };
    let mut tokens = Vec::new();
    let (mut start, mut last) = (0, None);
    for (at, c) in text.char_indices() {
        if at > start && (last != Some(kind(c)) || kind(c) == 3) {
            tokens.push(&text[start..at]);
            start = at;
        }
        last = Some(kind(c));
    }
    tokens.push(&text[start..]);
    tokens
}

const NUMBERS: [&str; 14] = [
    "0",
    "-1",
    "1",
    "0.5",
    "2",
    "65535",
    "65536",
    "1000000",
    "4294967296",
    "1e9",
    "1e18",
    "1e300",
    "18446744073709551616",
    "NaN",
];

/// One piece of damage.
fn damage(text: &str, others: &[String], stream: &mut Stream) -> String {
    let mut own: Vec<&str> = tokens(text);
    let mut any = |n: usize| stream.below(n.max(1) as u32) as usize;
    let other = &others[any(others.len())];
    let theirs = tokens(other);
    let (at, to) = (any(own.len()), any(own.len()));
    let odd = ["\u{0}", "é", "\"", "(", "}", "\\", "/*", "\u{feff}", "''", "r#"];
    match any(11) {
        0 => drop(own.remove(at)),
        1 => own.insert(at, own[to]),
        2 => own.swap(at, to),
        3 => own[at] = theirs[any(theirs.len())],
        4 => own.truncate(at),
        5 => {
            let end = (at + any(30)).min(own.len());
            own.drain(at..end);
        }
        6 => {
            let from = any(theirs.len());
            let piece = theirs[from..(from + any(30)).min(theirs.len())].to_vec();
            own.splice(at..at, piece);
        }
        7 => own.insert(at, odd[any(odd.len())]),
        // Nearly half of all damage: numbers, and words in the place of words.
        kind => {
            let fits = |token: &&str| match kind {
                10 => token.starts_with(char::is_alphabetic),
                _ => token.starts_with(|c: char| c.is_ascii_digit()),
            };
            let places: Vec<usize> = (0..own.len()).filter(|&at| fits(&own[at])).collect();
            let words: Vec<&str> = theirs.iter().copied().filter(fits).collect();
            if let Some(&place) = places.get(any(places.len())) {
                own[place] = match kind {
                    8 => NUMBERS[any(NUMBERS.len())],
                    _ => words.get(any(words.len())).copied().unwrap_or("x"),
                };
            }
        }
    }
    own.concat()
}

/// Reads, plays the beginning of, and judges every variant.
fn try_out(text: &str, file: &Path) -> End {
    fs::write(file, text).unwrap();
    let wishes = Wishes { until: Some(UNTIL), ..Wishes::default() };
    let mut diagnostics = Diagnostics::default();
    let Some(prepared) = prepare(file, &wishes, &mut diagnostics) else {
        assert!(diagnostics.fatal(), "refused without a reason");
        assert!(!diagnostics.render().is_empty(), "a reason without words");
        return End::Refused;
    };
    let play = |(variant, topology): &(String, Topology)| {
        let mut world = assemble(topology, prepared.seed).expect("it was tried");
        world.run(topology.end(), &mut Enough(0));
        let records = vec![world.finish(0, &prepared.missing)];
        Runs { variant: variant.clone(), records }
    };
    let runs: Vec<Runs> = prepared.variants.iter().map(play).collect();
    judge(&prepared.checks, &runs);
    End::Played
}

fn texts() -> Vec<String> {
    scenarios().iter().map(|(_, file)| fs::read_to_string(file).unwrap()).collect()
}

/// Tries all of them. Panics if any did, with where those are to be looked at.
fn ends(name: &str, count: usize, text: impl Fn(usize) -> String + Sync) -> Vec<End> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    let tried = (0..count).into_par_iter().map(|number| {
        let file = folder.join(format!("{number}.ron"));
        let end = catch_unwind(AssertUnwindSafe(|| try_out(&text(number), &file)));
        end.map_err(|_| file.clone()).inspect(|_| fs::remove_file(&file).unwrap())
    });
    let tried: Vec<Result<End, PathBuf>> = tried.collect();
    let wrong: Vec<&PathBuf> = tried.iter().filter_map(|it| it.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} of {count} panic: {wrong:?}", wrong.len());
    tried.into_iter().flatten().collect()
}

/// One number after the other: what chance would take a hundred thousand tries for.
#[test]
fn every_number_at_its_extremes_gives_a_result_or_a_diagnostic() {
    let plain = |line: &str| line.split("//").next().unwrap_or("").to_string() + "\n";
    let texts: Vec<String> = texts().iter().map(|text| text.lines().map(plain).collect()).collect();
    let cut: Vec<Vec<&str>> = texts.iter().map(|text| tokens(text)).collect();
    let mut cases = Vec::new();
    for (text, tokens) in cut.iter().enumerate() {
        let numbers = tokens.iter().enumerate().filter(|(_, it)| it.starts_with(char::is_numeric));
        for (place, _) in numbers {
            cases.extend(["0", "-1", "4294967295", "1e18"].map(|extreme| (text, place, extreme)));
        }
    }
    assert!(cases.len() > 800, "{}", cases.len());
    ends("extremes", cases.len(), |number| {
        let (text, place, extreme) = cases[number];
        let mut tokens = cut[text].clone();
        tokens[place] = extreme;
        tokens.concat()
    });
}

#[test]
fn damaged_scenarios_give_a_result_or_a_diagnostic() {
    let texts = texts();
    let count = if is_long() { 10_000 } else { 600 };
    let ends = ends("mutations", count, |number| {
        let mut stream = Stream::named(number as u64, "mutations", "damage");
        let mut text = texts[number % texts.len()].clone();
        for _ in 0..=stream.below(3) {
            text = damage(&text, &texts, &mut stream);
        }
        text
    });
    // Damage that is always refused, or never, tests nothing.
    let played = ends.iter().filter(|end| **end == End::Played).count();
    assert!((count / 20..count / 2).contains(&played), "{played} of {count} were played");
}
