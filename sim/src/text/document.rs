//! A merged scenario: its tree, its effective text, and its types.

use std::path::{Path as FilePath, PathBuf};

use models::wiring::{Path, Segment, did_you_mean};
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Sources, Spot};
use super::merge::{merge, set};
use super::parse::parse;
use super::print::Printed;
use super::value::{Node, Value};

/// More includes than this are a mistake.
const MOST_INCLUDES: usize = 64;

/// A scenario, merged from its files and settings.
#[derive(Clone, Debug)]
pub struct Document {
    root: Value,
}

impl Document {
    /// Reads a file with everything it includes, and applies settings.
    pub fn read(
        file: &FilePath,
        settings: &[String],
        sources: &mut Sources,
    ) -> Result<Document, Diagnostic> {
        let mut open = Vec::new();
        let mut root = read_file(file, None, sources, &mut open)?;
        for setting in settings {
            let number = sources.add("--set", setting.clone());
            set(&mut root, setting, number)?;
        }
        Ok(Document { root })
    }

    /// From text that stands nowhere: for tests.
    pub fn from_text(text: &str, sources: &mut Sources) -> Result<Document, Diagnostic> {
        let file = sources.add("scenario.ron", text);
        Ok(Document { root: parse(text, file)? })
    }

    /// The names of its variants, in order.
    pub fn variants(&self) -> Vec<String> {
        let names = self.root.child("variants").map(Value::names).unwrap_or_default();
        names.into_iter().map(String::from).collect()
    }

    /// The scenario with one of its variants laid over it, and without the others.
    pub fn variant(&self, name: &str) -> Document {
        let over = self.root.child("variants").and_then(|variants| variants.child(name)).cloned();
        let mut root = self.root.clone();
        if let Node::Struct { fields, .. } = &mut root.node {
            fields.retain(|field| field.name != "variants");
        }
        Document { root: over.map_or(root.clone(), |over| merge(root, over)) }
    }

    /// The effective scenario as text.
    pub fn text(&self) -> String {
        Printed::new(&self.root).text
    }

    /// Where the value at a path was written, or the nearest value around it.
    pub fn spot(&self, path: &Path) -> Spot {
        let mut value = &self.root;
        for segment in path {
            let next = match segment {
                Segment::Name(name) => value.child(name),
                Segment::Index(index) => value.item(*index),
            };
            match next {
                Some(next) => value = next,
                None => break,
            }
        }
        value.spot
    }

    /// The scenario as types. What they refuse is placed where it was written.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        let printed = Printed::new(&self.root);
        let extensions = Extensions::IMPLICIT_SOME
            | Extensions::UNWRAP_NEWTYPES
            | Extensions::UNWRAP_VARIANT_NEWTYPES;
        let options = ron::Options::default().with_default_extension(extensions);
        options.from_str(&printed.text).map_err(|error| {
            let start = error.span.start;
            let line: usize = printed.text.lines().take(start.line - 1).map(|l| l.len() + 1).sum();
            let within = printed.text[line.min(printed.text.len())..].chars();
            let column: usize = within.take(start.col - 1).map(char::len_utf8).sum();
            let spot = printed.written(line + column).unwrap_or(self.root.spot);
            explain(error.code).at(spot)
        })
    }
}

/// In the words of the language instead of those of the library.
fn explain(error: ron::Error) -> Diagnostic {
    let listed = |names: &[&'static str]| names.join(", ");
    match error {
        ron::Error::NoSuchStructField { expected, found, .. } => {
            let help = did_you_mean(&found, expected);
            Diagnostic::error(format!("there is no field `{found}` here"))
                .help(help.unwrap_or_else(|| format!("fields: {}", listed(expected))))
        }
        ron::Error::NoSuchEnumVariant { expected, found, .. } => {
            let help = did_you_mean(&found, expected);
            Diagnostic::error(format!("`{found}` is unknown here"))
                .help(help.unwrap_or_else(|| format!("one of: {}", listed(expected))))
        }
        ron::Error::MissingStructField { field, .. } => {
            Diagnostic::error(format!("the field `{field}` is missing"))
        }
        ron::Error::Message(message) => Diagnostic::error(message),
        ron::Error::InvalidValueForType { expected, found } => {
            Diagnostic::error(format!("expected {expected}, found {found}"))
        }
        ron::Error::IntegerOutOfBounds => {
            Diagnostic::error("this number is out of range for what is counted here")
        }
        ron::Error::ExpectedInteger | ron::Error::ExpectedComma => {
            Diagnostic::error("a whole number is expected here")
        }
        other => {
            let text = other.to_string();
            Diagnostic::error(text[..1].to_lowercase() + &text[1..])
        }
    }
}

/// Reads one file; what it includes lies beneath what it says itself.
fn read_file(
    file: &FilePath,
    from: Option<Spot>,
    sources: &mut Sources,
    open: &mut Vec<PathBuf>,
) -> Result<Value, Diagnostic> {
    let place = |error: Diagnostic| match from {
        Some(spot) => error.at(spot),
        None => error,
    };
    let shown = file.display();
    if open.iter().any(|known| known == file) {
        return Err(place(Diagnostic::error(format!("`{shown}` includes itself"))));
    }
    if open.len() > MOST_INCLUDES {
        return Err(place(Diagnostic::error("more than 64 files include one another")));
    }
    let text = std::fs::read_to_string(file)
        .map_err(|why| place(Diagnostic::error(format!("cannot read `{shown}`: {why}"))))?;
    let number = sources.add(file.display().to_string(), text.clone());
    let mut root = parse(&text, number)?;
    open.push(file.to_path_buf());
    for (name, spot) in take_includes(&mut root) {
        let next = file.parent().unwrap_or(FilePath::new("")).join(name);
        let base = read_file(&next, Some(spot), sources, open)?;
        root = merge(base, root);
    }
    open.pop();
    Ok(root)
}

/// The files that `includes` names; the field itself is gone afterwards.
fn take_includes(root: &mut Value) -> Vec<(String, Spot)> {
    let Node::Struct { fields, .. } = &mut root.node else { return Vec::new() };
    let Some(place) = fields.iter().position(|field| field.name == "includes") else {
        return Vec::new();
    };
    match fields.remove(place).value.node {
        Node::List(items) => {
            items.iter().map(|item| (item.text().to_string(), item.spot)).collect()
        }
        _ => Vec::new(),
    }
}
