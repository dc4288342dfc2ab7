//! Files: reading one, and merging what it includes below it.

use std::io;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Sources, Spot};
use super::lexer::Read;
use super::sugar;
use super::value::{Kind, Value};
use super::{MAX_BYTES, MAX_INCLUDES, overlay, parser};

/// How a file is read; tests read from memory.
pub(super) type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// Reads files and what they include.
pub(super) struct Loader<'a> {
    read: ReadFile<'a>,
    pub(super) sources: &'a mut Sources,
    /// The files that are being read, each included by the one before.
    open: Vec<PathBuf>,
    pub(super) included: usize,
}

impl<'a> Loader<'a> {
    /// Nothing read yet.
    pub fn new(read: ReadFile<'a>, sources: &'a mut Sources) -> Self {
        Loader { read, sources, open: Vec::new(), included: 0 }
    }

    /// One file and all it includes, as one value. `wanted` is where it was asked for.
    pub fn load(&mut self, path: &Path, wanted: Option<Spot>) -> Read<Value> {
        let text = self.text(path).map_err(|why| match wanted {
            Some(spot) => Diagnostic::here(spot, why),
            None => Diagnostic::error(why),
        })?;
        let file = self.sources.add(path.display().to_string(), text);
        let mut value = scenario(parser::parse(self.sources.text(file), file, 0)?)?;
        sugar::write_out(&mut value);
        self.observed(&mut value, path)?;
        overlay::refuse_duplicates(&value)?;
        self.open.push(plain(path));
        let merged = self.with_includes(value, path);
        self.open.pop();
        merged
    }

    pub(super) fn text(&mut self, path: &Path) -> Result<String, String> {
        let name = path.display();
        let bytes = (self.read)(path)
            .map_err(|why| format!("`{name}` cannot be read: {}", reason(&why)))?;
        if bytes.len() > MAX_BYTES {
            return Err(format!("`{name}` is larger than {} MiB", MAX_BYTES >> 20));
        }
        String::from_utf8(bytes).map_err(|why| {
            let valid = &why.as_bytes()[..why.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|&&byte| byte == b'\n').count() + 1;
            format!("`{name}` is not text: line {line} is not UTF-8")
        })
    }

    fn with_includes(&mut self, mut value: Value, path: &Path) -> Read<Value> {
        let Some(list) = value.take("includes") else { return Ok(value) };
        let Kind::List(names) = list.kind else {
            let message = format!("`includes` is a list of files, not {}", list.describe());
            let help = "write includes: [\"shop.ron\"]";
            return Err(Diagnostic::here(list.spot, message).help(help));
        };
        let mut base = Value { spot: value.spot, kind: Kind::Struct(None, Vec::new()) };
        for name in names {
            overlay::lay(&mut base, self.include(&name, path)?);
        }
        overlay::lay(&mut base, value);
        Ok(base)
    }

    fn include(&mut self, name: &Value, from: &Path) -> Read<Value> {
        let refuse = |message: String| Err(Diagnostic::here(name.spot, message));
        let Kind::Text(file) = &name.kind else {
            let found = name.describe();
            return refuse(format!("an include is the name of a file in quotes, not {found}"));
        };
        let path = from.parent().unwrap_or(Path::new("")).join(file);
        self.included += 1;
        if self.included > MAX_INCLUDES {
            return refuse(format!("more than {MAX_INCLUDES} files are included"));
        }
        if self.open.contains(&plain(&path)) {
            return refuse(format!("`{file}` includes itself, by way of this file"));
        }
        self.load(&path, Some(name.spot))
    }
}

/// A scenario is a struct; a name before it says nothing.
fn scenario(value: Value) -> Read<Value> {
    if let Kind::Struct(_, fields) = value.kind {
        return Ok(Value { spot: value.spot, kind: Kind::Struct(None, fields) });
    }
    let first = Spot { end: value.spot.start + 1, ..value.spot };
    let found = value.describe();
    Err(Diagnostic::here(first, format!("a scenario is written as `(name: …)`, not as {found}")))
}

/// Why a file cannot be read, in the same words on every system.
fn reason(why: &io::Error) -> String {
    match why.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::IsADirectory => "it is a folder: name a scenario file in it".into(),
        io::ErrorKind::PermissionDenied => "it may not be read".into(),
        _ => why.to_string(),
    }
}

/// The path without `.` and `..`, so that two ways to one file are the same.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component::{CurDir, Normal, ParentDir};
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            CurDir => {}
            ParentDir if matches!(plain.components().next_back(), Some(Normal(_))) => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}
