//! Values as canonical RON, and from every place in it back to the source.

use super::diagnostic::Spot;
use super::value::{Entry, Kind, Value, Word};

/// How long a line gets before it is broken.
const LINE: usize = 100;

/// A printed document.
pub(super) struct Printed {
    /// The text.
    pub text: String,
    /// Printed ranges and where they were written, outer ones before inner ones.
    places: Vec<(usize, usize, Spot)>,
}

/// Prints a value; the same value always gives the same text.
pub(super) fn print(value: &Value) -> Printed {
    let mut printed = Printed { text: String::new(), places: Vec::new() };
    printed.value(value, 0, 1);
    printed.text.push('\n');
    printed
}

impl Printed {
    /// The innermost printed thing at a byte.
    pub fn place(&self, byte: usize) -> Option<(Spot, &str)> {
        let around = self.places.iter().filter(|(start, end, _)| (*start..*end).contains(&byte));
        let (start, end, spot) = around.min_by_key(|(start, end, _)| end - start)?;
        Some((*spot, &self.text[*start..*end]))
    }

    fn placed(&mut self, spot: Spot, write: impl FnOnce(&mut Self)) {
        let (place, start) = (self.places.len(), self.text.len());
        self.places.push((start, start, spot));
        write(self);
        self.places[place].1 = self.text.len();
    }

    /// `after`: how many characters will follow on the line.
    fn value(&mut self, value: &Value, indent: usize, after: usize) {
        self.placed(value.spot, |printed| match &value.kind {
            Kind::Word(text) => printed.text += text,
            Kind::Number(number) => printed.text += &plain_number(number),
            Kind::Text(text) => printed.text += &quoted(text),
            Kind::List(values) => printed.all("[", "]", values, indent, after),
            Kind::Map(entries) => printed.all("{", "}", &keyed(entries), indent, after),
            Kind::Struct(name, fields) => {
                printed.name(name.as_ref());
                printed.all("(", ")", fields, indent, after);
            }
            Kind::Tuple(name, values) => {
                printed.name(name.as_ref());
                printed.all("(", ")", values, indent, after);
            }
        });
    }

    fn name(&mut self, name: Option<&Word>) {
        if let Some(name) = name {
            self.placed(name.spot, |printed| printed.text += &name.text);
        }
    }

    /// Items between brackets: on one line if they fit, each on a line of its own if not.
    fn all<I: Item>(&mut self, open: &str, close: &str, items: &[I], indent: usize, after: usize) {
        let line_start = self.text.rfind('\n').map_or(0, |at| at + 1);
        let room = LINE.saturating_sub(self.text.len() - line_start + after);
        let fits = indent > 0 && width_of(items, room).is_some();
        self.text += open;
        for (number, item) in items.iter().enumerate() {
            if !fits {
                self.text.push('\n');
                self.text += &"    ".repeat(indent + 1);
            } else if number > 0 {
                self.text += ", ";
            }
            item.print(self, indent + 1);
            if !fits {
                self.text.push(',');
            }
        }
        if !fits && !items.is_empty() {
            self.text.push('\n');
            self.text += &"    ".repeat(indent);
        }
        self.text += close;
    }
}

/// What stands between two commas.
trait Item {
    fn print(&self, printed: &mut Printed, indent: usize);
    /// Its width on one line, if that is at most `room`.
    fn width(&self, room: usize) -> Option<usize>;
}

impl Item for Value {
    fn print(&self, printed: &mut Printed, indent: usize) {
        printed.value(self, indent, 1);
    }

    fn width(&self, room: usize) -> Option<usize> {
        let name = |name: &Option<Word>| name.as_ref().map_or(0, |name| name.text.len());
        let width = match &self.kind {
            Kind::Word(text) | Kind::Number(text) => text.len(),
            Kind::Text(text) => quoted(text).len(),
            Kind::List(values) => width_of(values, room)?,
            Kind::Map(entries) => width_of(&keyed(entries), room)?,
            Kind::Struct(word, fields) => name(word) + width_of(fields, room)?,
            Kind::Tuple(word, values) => name(word) + width_of(values, room)?,
        };
        (width <= room).then_some(width)
    }
}

/// A field of a struct.
impl Item for Entry {
    fn print(&self, printed: &mut Printed, indent: usize) {
        printed.placed(self.key.spot, |printed| printed.text += &self.key.text);
        printed.text += ": ";
        printed.value(&self.value, indent, 1);
    }

    fn width(&self, room: usize) -> Option<usize> {
        Some(self.key.text.len() + 2 + self.value.width(room)?)
    }
}

/// An entry of a map, its key in quotes.
struct Keyed<'a>(&'a Entry);

impl Item for Keyed<'_> {
    fn print(&self, printed: &mut Printed, indent: usize) {
        let key = &self.0.key;
        printed.placed(key.spot, |printed| printed.text += &quoted(&key.text));
        printed.text += ": ";
        printed.value(&self.0.value, indent, 1);
    }

    fn width(&self, room: usize) -> Option<usize> {
        Some(self.0.width(room)? + 2)
    }
}

fn keyed(entries: &[Entry]) -> Vec<Keyed<'_>> {
    entries.iter().map(Keyed).collect()
}

/// Brackets, items and commas on one line.
fn width_of<I: Item>(items: &[I], room: usize) -> Option<usize> {
    let mut width = 2;
    for item in items {
        width += item.width(room.checked_sub(width)?)? + 2;
    }
    (width <= room).then_some(width)
}

/// Underscores are kept in whole numbers only: elsewhere RON does not read them.
fn plain_number(number: &str) -> String {
    let number = number.strip_prefix('+').unwrap_or(number);
    match number.contains(['.', 'e', 'E']) {
        true => number.replace('_', ""),
        false => number.into(),
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted += "\\\"",
            '\\' => quoted += "\\\\",
            '\n' => quoted += "\\n",
            '\t' => quoted += "\\t",
            c if c.is_control() => quoted += &format!("\\u{{{:x}}}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
