//! Whatever is written in a scenario gives a result or a diagnostic: the shipped scenarios,
//! damaged by chance in one to three places, neither panic nor hang nor eat all memory.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use engine::chance::Stream;
use engine::{Packed, Probe, Span, Time};
use rayon::prelude::*;
use sim::assemble::assemble;
use sim::prepare::{Wishes, prepare};
use sim::text::Diagnostics;

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
    match any(10) {
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
        // Half of all damage: numbers, and words in the place of words.
        kind => {
            let fits = |token: &&str| match kind {
                9 => token.starts_with(char::is_alphabetic),
                _ => token.starts_with(|c: char| c.is_ascii_digit()),
            };
            let places: Vec<usize> = (0..own.len()).filter(|&at| fits(&own[at])).collect();
            let words: Vec<&str> = theirs.iter().copied().filter(fits).collect();
            if let Some(&place) = places.get(any(places.len())) {
                own[place] = match kind {
                    7 => NUMBERS[any(NUMBERS.len())],
                    _ => words.get(any(words.len())).copied().unwrap_or("x"),
                };
            }
        }
    }
    own.concat()
}

/// Reads, and plays the beginning of, every variant.
fn try_out(text: &str, file: &Path) -> End {
    fs::write(file, text).unwrap();
    let wishes = Wishes { until: Some(UNTIL), ..Wishes::default() };
    let mut diagnostics = Diagnostics::default();
    let Some(prepared) = prepare(file, &wishes, &mut diagnostics) else {
        assert!(diagnostics.fatal(), "refused without a reason");
        assert!(!diagnostics.render().is_empty(), "a reason without words");
        return End::Refused;
    };
    for (_, topology) in &prepared.variants {
        let mut world = assemble(topology, prepared.seed).expect("it was tried");
        world.run(topology.end(), &mut Enough(0));
        world.finish(0, &prepared.missing);
    }
    End::Played
}

#[test]
fn damaged_scenarios_give_a_result_or_a_diagnostic() {
    let read = |(_, file): &(String, PathBuf)| fs::read_to_string(file).unwrap();
    let texts: Vec<String> = scenarios().iter().map(read).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutations");
    fs::create_dir_all(&folder).unwrap();
    let count: u64 = if is_long() { 10_000 } else { 600 };
    let tried: Vec<Result<End, PathBuf>> = (0..count)
        .into_par_iter()
        .map(|number| {
            let mut stream = Stream::named(number, "mutations", "damage");
            let mut text = texts[number as usize % texts.len()].clone();
            for _ in 0..=stream.below(3) {
                text = damage(&text, &texts, &mut stream);
            }
            let file = folder.join(format!("{number}.ron"));
            let end = catch_unwind(AssertUnwindSafe(|| try_out(&text, &file)));
            // What went wrong stays, to be looked at.
            end.map_err(|_| file.clone()).inspect(|_| fs::remove_file(&file).unwrap())
        })
        .collect();
    let wrong: Vec<&PathBuf> = tried.iter().filter_map(|it| it.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{} of {count} panic: {wrong:?}", wrong.len());
    // Damage that is always refused, or never, tests nothing.
    let played = tried.iter().filter(|it| **it == Ok(End::Played)).count() as u64;
    assert!((count / 20..count / 2).contains(&played), "{played} of {count} were played");
}
