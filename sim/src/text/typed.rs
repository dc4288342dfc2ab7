//! From the canonical text to types by `ron`, and from its errors back to the source.

use models::wiring::did_you_mean;
use ron::error::{Error, Position, SpannedError};
use ron::extensions::Extensions;
use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Spot};
use super::lexer::Read;
use super::print::{Printed, print};
use super::value::Value;

/// Reads a value as a type.
pub(super) fn typed<T: DeserializeOwned>(root: &Value) -> Read<T> {
    let printed = print(root);
    let options = ron::Options::default().with_default_extension(
        Extensions::IMPLICIT_SOME
            | Extensions::UNWRAP_NEWTYPES
            | Extensions::UNWRAP_VARIANT_NEWTYPES,
    );
    options.from_str(&printed.text).map_err(|error| {
        let (spot, text) = place(&printed, &error).unwrap_or((root.spot, &printed.text));
        explained(&error.code, spot, &shortened(text))
    })
}

/// The innermost thing around an error of `ron`: where it was written, and how it is printed.
fn place<'a>(printed: &'a Printed, error: &SpannedError) -> Option<(Spot, &'a str)> {
    let (start, end) = (error.span.start, error.span.end);
    let form = matches!(error.code, Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_));
    let byte = |at: Position| {
        let mut lines = printed.text.split_inclusive('\n');
        let before: usize = lines.by_ref().take(at.line - 1).map(str::len).sum();
        let line = lines.next().unwrap_or_default();
        before + line.char_indices().nth(at.col - 1).map_or(line.len(), |(byte, _)| byte)
    };
    let (mut at, end) = (byte(start), byte(end));
    let text = printed.text.as_bytes();
    // `ron` reads blanks together with what is before them; what is wrong comes after.
    while text.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    // A bare word that should have gone on: `ron` is behind it already.
    let word_ended = at == end && matches!(text.get(at), Some(b',' | b')' | b']' | b'}'));
    match word_ended && form {
        true => printed.place(at.saturating_sub(1)),
        false => printed.place(at),
    }
}

/// The error in our words: what was found, and what to write instead.
fn explained(code: &Error, spot: Spot, written: &str) -> Diagnostic {
    match code {
        Error::NoSuchStructField { expected, found, outer } => {
            let message = match outer {
                Some(outer) => format!("`{}` has no field `{found}`", title(outer)),
                None => format!("there is no field `{found}` here"),
            };
            Diagnostic::here(spot, message).help(suggestion(found, expected, "its fields are"))
        }
        Error::NoSuchEnumVariant { expected, found, outer } => {
            let message = match outer {
                Some(outer) => format!("there is no {} `{found}`", noun(outer)),
                None => format!("`{found}` is not known here"),
            };
            Diagnostic::here(spot, message).help(suggestion(found, expected, "there are"))
        }
        Error::MissingStructField { field, outer } => {
            let of = |outer: &String| format!(" of `{}`", title(outer));
            let whose = outer.as_ref().map_or(String::new(), of);
            Diagnostic::here(spot, format!("the field `{field}`{whose} is missing"))
                .help(format!("add `{field}: …`"))
        }
        Error::Message(message) => Diagnostic::here(spot, message.clone()),
        Error::InvalidValueForType { expected, .. } => {
            Diagnostic::here(spot, format!("expected {expected}, found {written}"))
        }
        Error::ExpectedDifferentLength { found: 0, .. } => {
            Diagnostic::here(spot, format!("{written} lacks its arguments"))
        }
        Error::ExpectedDifferentLength { found, .. } => {
            Diagnostic::here(spot, format!("{written} needs more than {found} arguments"))
        }
        Error::ExpectedStructLikeEnd => Diagnostic::here(spot, "this is one argument too many"),
        Error::ExpectedComma if word_with_arguments(written).is_some() => {
            let word = word_with_arguments(written).unwrap_or_default();
            let message = format!("`{word}` takes no arguments");
            Diagnostic::here(spot, message).help(format!("write `{word}`"))
        }
        Error::ExceededRecursionLimit => Diagnostic::here(spot, "this is nested too deeply"),
        code => wrong_form(code, spot, written),
    }
}

/// `Word` of `` `Word(…` ``.
fn word_with_arguments(written: &str) -> Option<&str> {
    let (word, _) = written.strip_prefix('`')?.split_once('(')?;
    let is_word = word.starts_with(char::is_alphabetic);
    (is_word && word.chars().all(|c| c.is_alphanumeric() || c == '_')).then_some(word)
}

/// A value of the wrong form.
fn wrong_form(code: &Error, spot: Spot, written: &str) -> Diagnostic {
    let is_number_start = |c: char| c.is_ascii_digit() || "+-.".contains(c);
    let number = written.trim_start_matches('`').starts_with(is_number_start);
    let (expected, help) = match code {
        Error::IntegerOutOfBounds => {
            let negative = written.starts_with("`-");
            let why = if negative { "must not be negative" } else { "is too large" };
            return Diagnostic::here(spot, format!("{written} {why}"));
        }
        Error::ExpectedInteger | Error::ExpectedComma if number => ("a whole number", None),
        Error::ExpectedInteger | Error::InvalidIntegerDigit { .. } => ("a whole number", None),
        Error::ExpectedFloat => ("a number", None),
        Error::ExpectedBoolean => ("true or false", None),
        Error::ExpectedString => ("text in quotes", None),
        Error::ExpectedArray => ("a list", Some("write [ … ]")),
        Error::ExpectedMap => ("a map", Some("write { \"name\": … }")),
        Error::ExpectedStructLike | Error::ExpectedNamedStructLike(_) => {
            ("fields", Some("write (name: …)"))
        }
        Error::ExpectedIdentifier => ("a bare word or a verb", Some("write Verb(…)")),
        _ => return Diagnostic::here(spot, format!("{code}")),
    };
    let diagnostic = Diagnostic::here(spot, format!("expected {expected}, found {written}"));
    diagnostic.maybe_help(help.map(String::from))
}

/// The name of a type as the catalogue has it: `Spec` is what a component is written as.
fn title(outer: &str) -> &str {
    match outer {
        "Spec" => "Component",
        outer => outer.strip_suffix("Spec").unwrap_or(outer),
    }
}

/// The name of a type as a word of the language.
fn noun(outer: &str) -> String {
    let name = title(outer);
    let mut noun = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !noun.is_empty() {
            noun.push(' ');
        }
        noun.extend(c.to_lowercase());
    }
    noun
}

/// What was written, for a message.
fn shortened(text: &str) -> String {
    match text.lines().next() {
        Some(line) if line.len() < text.len() || line.chars().count() > 40 => {
            format!("`{}…`", line.chars().take(24).collect::<String>())
        }
        _ => format!("`{text}`"),
    }
}

/// "did you mean `x`?", or all there is.
fn suggestion(found: &str, known: &[&str], listed: &str) -> String {
    did_you_mean(found, known).unwrap_or_else(|| format!("{listed}: {}", known.join(", ")))
}
