//! `--set PATH=VALUE`: one value changed from the command line.

use models::wiring::{Segment, did_you_mean};

use super::diagnostic::{Diagnostic, Sources, Spot};
use super::lexer::Read;
use super::parser;
use super::path;
use super::value::{Entry, Kind, Value, Word};

/// An override, read and ready to be applied.
#[derive(Clone, Debug)]
pub(super) struct Override {
    path: Vec<Segment>,
    path_spot: Spot,
    value: Value,
}

impl Override {
    /// Reads `PATH=VALUE`. What is no value of the language is taken as text: `duration=10s`.
    pub fn read(text: &str, sources: &mut Sources) -> Read<Override> {
        let file = sources.add("--set", text);
        let whole = Spot { file, start: 0, end: text.len() as u32 };
        let equals = end_of_path(text);
        let path = match equals {
            Some(at) => path::parse(&text[..at]),
            None => Err("there is no `=`".to_string()),
        };
        let (at, path) = match (equals, path) {
            (Some(at), Ok(path)) => (at, path),
            (_, Err(why)) => {
                let help = "write PATH=VALUE, like components.shop.replicas=8";
                return Err(Diagnostic::here(whole, why).help(help));
            }
            (None, Ok(_)) => unreachable!("without `=` there is an error"),
        };
        let path_spot = Spot { end: at as u32, ..whole };
        Ok(Override { path, path_spot, value: value(text, file, at + 1)? })
    }

    /// Whether it changes what variants are, rather than the scenario.
    pub fn is_of_variants(&self) -> bool {
        self.path.first() == Some(&Segment::Name("variants".into()))
    }

    /// Changes the document. The error says how far the path leads.
    pub fn apply(&self, root: &mut Value) -> Read<()> {
        let (last, parents) = self.path.split_last().expect("a path has a segment");
        let mut at = root;
        for (depth, segment) in parents.iter().enumerate() {
            if path::down(at, segment).is_none() {
                return Err(self.unknown(at, depth));
            }
            at = path::down_mut(at, segment).expect("found above");
        }
        if let Some(old) = path::down_mut(at, last) {
            let quoted = matches!(old.kind, Kind::Text(_));
            *old = match (&self.value.kind, quoted) {
                (Kind::Word(word), true) => {
                    Value { kind: Kind::Text(word.clone()), ..self.value.clone() }
                }
                _ => self.value.clone(),
            };
            return Ok(());
        }
        self.insert(at)
    }

    /// A field that the text leaves to its default: whether it exists, its type will say. A map
    /// knows all its keys, so a new one would be a slip.
    fn insert(&self, at: &mut Value) -> Read<()> {
        let depth = self.path.len() - 1;
        let Segment::Name(name) = &self.path[depth] else { return Err(self.unknown(at, depth)) };
        let inner = match &mut at.kind {
            Kind::Tuple(_, values) => {
                values.iter_mut().find(|v| matches!(v.kind, Kind::Struct(..)))
            }
            _ => Some(&mut *at),
        };
        if let Some(Value { kind: Kind::Struct(_, fields), .. }) = inner {
            let key = Word { spot: self.path_spot, text: name.clone() };
            fields.push(Entry { key, value: self.value.clone() });
            return Ok(());
        }
        Err(self.unknown(at, depth))
    }

    fn unknown(&self, at: &Value, depth: usize) -> Diagnostic {
        let place = match depth {
            0 => "the scenario".into(),
            _ => format!("`{}`", shown(&self.path[..depth])),
        };
        let known = at.entries().unwrap_or_default();
        let names: Vec<&str> = known.iter().map(|entry| entry.key.text.as_str()).collect();
        let listed = || (!names.is_empty() && names.len() <= 12).then(|| names.join(", "));
        let (message, help) = match (&self.path[depth], &at.kind) {
            (Segment::Name(name), _) => (
                format!("{place} has no `{name}`"),
                did_you_mean(name, &names)
                    .or_else(|| listed().map(|names| format!("it has: {names}"))),
            ),
            (Segment::Index(index), Kind::List(values) | Kind::Tuple(_, values)) => (
                format!("{place} has no [{index}]"),
                Some(format!("it has {}, counted from [0]", values.len())),
            ),
            (Segment::Index(index), _) => {
                (format!("{place} has no [{index}]: it is {}", at.describe()), None)
            }
        };
        Diagnostic::here(self.path_spot, message).maybe_help(help)
    }
}

/// The `=` behind the path: the first that is not in quotes.
fn end_of_path(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(at, c)| {
        quoted ^= c == '"';
        (c == '=' && !quoted).then_some(at)
    })
}

fn value(text: &str, file: u16, from: usize) -> Read<Value> {
    let raw = text[from..].trim();
    let parsed = parser::parse(text, file, from);
    if parsed.is_err() && !raw.starts_with(['"', '(', '[', '{']) && !raw.contains('(') {
        let spot = Spot { file, start: from as u32, end: text.len() as u32 };
        return Ok(Value { spot, kind: Kind::Text(raw.into()) });
    }
    parsed
}

/// A path as it is written.
fn shown(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Index(index) => text += &format!("[{index}]"),
            Segment::Name(name) if text.is_empty() => text += name,
            Segment::Name(name) => text += &format!(".{name}"),
        }
    }
    text
}
