//! Mistakes, shown as a compiler shows them: file, line, column, the line itself, a caret, what is
//! wrong, what to write instead.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::excerpt::excerpt;

/// A stretch of bytes of one source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Which source.
    pub file: u16,
    /// From this byte …
    pub start: u32,
    /// … up to this one.
    pub end: u32,
}

impl Spot {
    /// From here to the end of `other`, which is later in the same source.
    pub(super) fn to(self, other: Spot) -> Spot {
        Spot { end: other.end, ..self }
    }

    /// The empty place right behind this.
    pub(super) fn after(self) -> Spot {
        Spot { start: self.end, ..self }
    }
}

/// All texts that were read, by number: files, and the arguments of `--set`.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<(String, String)>,
}

impl Sources {
    /// Adds a text; its number.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> u16 {
        self.files.push((name.into(), text.into()));
        self.files.len() as u16 - 1
    }

    /// The text of a source.
    pub fn text(&self, file: u16) -> &str {
        &self.files[file as usize].1
    }

    /// File, line and column (from 1) where a spot begins.
    pub fn position(&self, spot: Spot) -> (&str, usize, usize) {
        let (start, _) = self.line(spot);
        let text = self.text(spot.file);
        let line = text[..start].bytes().filter(|byte| *byte == b'\n').count() + 1;
        let column = text[start..floor(text, spot.start as usize)].chars().count() + 1;
        (&self.files[spot.file as usize].0, line, column)
    }

    /// The line where a spot begins, without its end, and the byte where that line begins.
    pub(super) fn line(&self, spot: Spot) -> (usize, &str) {
        let text = self.text(spot.file);
        let at = floor(text, spot.start as usize);
        let start = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let end = text[at..].find('\n').map_or(text.len(), |more| at + more);
        (start, text[start..end].trim_end_matches('\r'))
    }
}

/// The last character boundary at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

/// One mistake, or one doubt.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Whether the scenario cannot be run.
    pub fatal: bool,
    /// What is wrong.
    pub message: String,
    /// Where.
    pub spot: Option<Spot>,
    /// What to write instead.
    pub help: Option<String>,
    /// Another place that has to do with it, and why.
    pub note: Option<(Spot, String)>,
}

impl Diagnostic {
    /// A mistake.
    pub fn error(message: impl Into<String>) -> Diagnostic {
        let message = message.into();
        Diagnostic { fatal: true, message, spot: None, help: None, note: None }
    }

    /// A doubt.
    pub fn warning(message: impl Into<String>) -> Diagnostic {
        Diagnostic { fatal: false, ..Diagnostic::error(message) }
    }

    /// A mistake at a place.
    pub(super) fn here(spot: Spot, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message).at(spot)
    }

    /// With its place.
    pub fn at(self, spot: Spot) -> Diagnostic {
        Diagnostic { spot: Some(spot), ..self }
    }

    /// With what to write instead.
    pub fn help(self, help: impl Into<String>) -> Diagnostic {
        Diagnostic { help: Some(help.into()), ..self }
    }

    /// With what to write instead, if that is known.
    pub fn maybe_help(self, help: Option<String>) -> Diagnostic {
        Diagnostic { help: help.or(self.help), ..self }
    }

    /// With another place.
    pub fn note(self, spot: Spot, why: impl Into<String>) -> Diagnostic {
        Diagnostic { note: Some((spot, why.into())), ..self }
    }

    fn render(&self, sources: &Sources) -> String {
        let level = if self.fatal { "error" } else { "warning" };
        let mut text = format!("{level}: {}\n", self.message);
        if let Some(spot) = self.spot {
            excerpt(&mut text, sources, spot);
        }
        if let Some((spot, why)) = &self.note {
            let _ = writeln!(text, "note: {why}");
            excerpt(&mut text, sources, *spot);
        }
        if let Some(help) = &self.help {
            let _ = writeln!(text, "help: {help}");
        }
        text
    }

    fn json(&self, sources: &Sources) -> Json {
        let place = self.spot.map(|spot| sources.position(spot));
        let end = self.spot.map(|spot| sources.position(spot.after()));
        json!({
            "level": if self.fatal { "error" } else { "warning" },
            "file": place.map(|(file, ..)| file),
            "line": place.map(|(_, line, _)| line),
            "column": place.map(|(.., column)| column),
            "end_line": end.map(|(_, line, _)| line),
            "end_column": end.map(|(.., column)| column),
            "message": self.message,
            "help": self.help,
        })
    }
}

/// All that is wrong with a scenario.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    /// The texts they point into.
    pub sources: Sources,
    /// In the order in which they were found.
    pub found: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Whether the scenario cannot be run.
    pub fn fatal(&self) -> bool {
        self.found.iter().any(|diagnostic| diagnostic.fatal)
    }

    /// For a person: by place, each one once.
    pub fn render(&self) -> String {
        let mut sorted: Vec<&Diagnostic> = self.found.iter().collect();
        sorted.sort_by_key(|found| (!found.fatal, found.spot));
        let mut shown: Vec<String> = sorted.iter().map(|d| d.render(&self.sources)).collect();
        shown.dedup();
        shown.join("\n")
    }

    /// For a program.
    pub fn json(&self) -> Json {
        self.found.iter().map(|diagnostic| diagnostic.json(&self.sources)).collect()
    }
}
