//! A merged scenario: its tree, its effective text, and its types.

use std::io::Read as _;
use std::path::Path as FilePath;

use models::wiring::Segment;
use serde::de::DeserializeOwned;

use super::diagnostic::{Diagnostic, Sources, Spot};
use super::includes::{Loader, ReadFile};
use super::overlay;
use super::path;
use super::print;
use super::set::Override;
use super::typed;
use super::value::{Entry, Kind, Value, Word};

/// A scenario, merged from its files and settings; every value knows where it was written.
#[derive(Clone, Debug)]
pub struct Document {
    /// Everything but the variants.
    root: Value,
    /// The field `variants`, if there is one.
    variants: Option<Value>,
    settings: Vec<Override>,
}

impl Document {
    /// Reads a file with everything it includes, and applies settings (`PATH=VALUE`).
    pub fn read(
        file: &FilePath,
        settings: &[String],
        sources: &mut Sources,
    ) -> Result<Document, Diagnostic> {
        Document::read_by(&read_file, file, settings, sources)
    }

    /// From text that stands nowhere: for tests.
    pub fn from_text(text: &str, sources: &mut Sources) -> Result<Document, Diagnostic> {
        let name = FilePath::new("scenario.ron");
        let read = |path: &FilePath| match path == name {
            true => Ok(text.as_bytes().to_vec()),
            false => Err(std::io::ErrorKind::NotFound.into()),
        };
        Document::read_by(&read, name, &[], sources)
    }

    /// As [`Document::read`], however files are read.
    pub(super) fn read_by(
        read: ReadFile<'_>,
        file: &FilePath,
        settings: &[String],
        sources: &mut Sources,
    ) -> Result<Document, Diagnostic> {
        let mut root = Loader::new(read, sources).load(file, None)?;
        let settings: Result<Vec<Override>, Diagnostic> =
            settings.iter().map(|setting| Override::read(setting, sources)).collect();
        let settings = settings?;
        settings.iter().try_for_each(|setting| setting.apply(&mut root))?;
        let variants = root.take("variants");
        match &variants {
            Some(Value { spot, kind }) if !matches!(kind, Kind::Map(_)) => {
                let message = "`variants` is a map: { \"name\": (changes…) }";
                Err(Diagnostic::here(*spot, message))
            }
            Some(map) => {
                named(map)?;
                shared(map)?;
                Ok(Document { root, variants, settings })
            }
            None => Ok(Document { root, variants, settings }),
        }
    }

    /// The names of its variants, in the order of the text.
    pub fn variants(&self) -> Vec<String> {
        let entries = self.variants.as_ref().and_then(Value::entries).unwrap_or_default();
        entries.iter().map(|entry| entry.key.text.clone()).collect()
    }

    /// The scenario with one of its variants laid over it (itself, if there is none of that name),
    /// and without the others. Settings hold for it too.
    pub fn variant(&self, name: &str) -> Document {
        let over = self.variants.as_ref().and_then(|variants| variants.get(name)).cloned();
        let mut root = self.root.clone();
        if let Some(over) = over {
            overlay::lay(&mut root, over);
        }
        for setting in self.settings.iter().filter(|setting| !setting.is_of_variants()) {
            // A path that the variant took away was good in the scenario: nothing to report.
            let _ = setting.apply(&mut root);
        }
        Document { root, variants: None, settings: Vec::new() }
    }

    /// With this name, if it has none: so that its text is the same scenario in another file.
    pub fn named(mut self, name: &str) -> Document {
        let spot = self.root.spot;
        if let Kind::Struct(_, fields) = &mut self.root.kind
            && !fields.iter().any(|field| field.key.text == "name")
        {
            let key = Word { spot, text: "name".into() };
            let value = Value { spot, kind: Kind::Text(name.into()) };
            fields.insert(0, Entry { key, value });
        }
        self
    }

    /// The effective scenario as text: canonical RON that reads back to the same.
    pub fn text(&self) -> String {
        let mut whole = self.root.clone();
        if let (Kind::Struct(_, fields), Some(variants)) = (&mut whole.kind, &self.variants) {
            let key = Word { spot: variants.spot, text: "variants".into() };
            fields.push(Entry { key, value: variants.clone() });
        }
        print::print(&whole).text
    }

    /// Where the value at a path was written, or the nearest value around it.
    pub fn spot(&self, path: &[Segment]) -> Spot {
        let (found, _) = self.nearest(path);
        found.spot
    }

    /// The same; or, if a message about it begins by naming one of its arguments or fields, where
    /// that was written: of `Do("catalgo", […])`, which names no component, the `"catalgo"`.
    pub fn spot_of(&self, path: &[Segment], message: &str) -> Spot {
        let (found, _) = self.nearest(path);
        let named = message.split('`').nth(1).unwrap_or_default();
        // An operation is named with its component before it.
        let is_it = |text: &str| text.split('.').next() == Some(named) || text == named;
        let parts: Vec<&Value> = match &found.kind {
            Kind::Tuple(_, values) => values.iter().collect(),
            Kind::Struct(_, fields) => fields.iter().map(|field| &field.value).collect(),
            _ => Vec::new(),
        };
        let mut parts = parts.into_iter();
        let told = parts.find(|part| matches!(&part.kind, Kind::Text(text) if is_it(text)));
        told.map_or(found.spot, |part| part.spot)
    }

    /// Where the name of the field or key at the end of a path was written: the place for what is
    /// wrong with all of a component. As [`Document::spot`] for a place in a list.
    pub fn key_spot(&self, path: &[Segment]) -> Spot {
        let Some((Segment::Name(name), parents)) = path.split_last() else {
            return self.spot(path);
        };
        let (parent, complete) = self.nearest(parents);
        let entries = parent.entries().filter(|_| complete).unwrap_or_default();
        let found = entries.iter().find(|entry| entry.key.text == *name);
        found.map_or_else(|| self.spot(path), |entry| entry.key.spot)
    }

    /// How far a path leads, and whether that is all the way.
    fn nearest(&self, path: &[Segment]) -> (&Value, bool) {
        let (mut at, mut rest) = (&self.root, path);
        if let (Some(variants), [Segment::Name(first), after @ ..]) = (&self.variants, path)
            && first == "variants"
        {
            (at, rest) = (variants, after);
        }
        for segment in rest {
            match path::down(at, segment) {
                Some(inner) => at = inner,
                None => return (at, false),
            }
        }
        (at, true)
    }

    /// The scenario as types, without the field `variants`: each variant is read by itself. What
    /// the types refuse is placed where it was written.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, Diagnostic> {
        typed::typed(&self.root)
    }
}

/// Reads a file, but never much more than is allowed.
fn read_file(path: &FilePath) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path)?;
    file.take(super::MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What variants have in common: they are judged by one list of checks, and play the same requests.
fn shared(variants: &Value) -> Result<(), Diagnostic> {
    const COMMON: [&str; 6] = ["checks", "seed", "seeds", "name", "variants", "includes"];
    for variant in variants.entries().unwrap_or_default() {
        let fields = variant.value.entries().unwrap_or_default();
        if let Some(Entry { key, .. }) = fields.iter().find(|it| COMMON.contains(&&*it.key.text)) {
            let message = format!("`{}` cannot differ between variants", key.text);
            let help = match &*key.text {
                "checks" => format!("write it below, ending in `in {}`", variant.key.text),
                _ => "say it once, outside of `variants`".to_string(),
            };
            return Err(Diagnostic::here(key.spot, message).help(help));
        }
    }
    Ok(())
}

/// Variants are folders of results: a name must not lead out of them.
fn named(variants: &Value) -> Result<(), Diagnostic> {
    let plain = |c: char| c.is_alphanumeric() || "-_ ".contains(c);
    let mut entries = variants.entries().unwrap_or_default().iter();
    let odd = |key: &Word| key.text.trim().is_empty() || !key.text.chars().all(plain);
    match entries.find(|entry| odd(&entry.key)) {
        Some(Entry { key, .. }) => {
            let message = format!("`{}` is no name for a variant", key.text);
            Err(Diagnostic::here(key.spot, message).help("letters, digits, spaces, `-` and `_`"))
        }
        None => Ok(()),
    }
}
