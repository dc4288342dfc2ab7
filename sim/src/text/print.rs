//! From tree to text: the effective scenario, with a table back to where each piece was written.

use super::diagnostic::Spot;
use super::value::{Node, Value};

/// A printed document.
#[derive(Debug, Default)]
pub struct Printed {
    pub text: String,
    /// (from, to) in `text`, and where that was written. Outer values come before inner ones.
    pieces: Vec<(usize, usize, Spot)>,
}

/// Values shorter than this stay on one line.
const LINE: usize = 90;

impl Printed {
    /// Prints a tree.
    pub fn new(value: &Value) -> Printed {
        let mut printed = Printed::default();
        printed.value(value, 0);
        printed.text.push('\n');
        printed
    }

    /// Where the innermost piece around `offset` was written.
    pub fn written(&self, offset: usize) -> Option<Spot> {
        let around = self.pieces.iter().filter(|(from, to, _)| (*from..=*to).contains(&offset));
        around.min_by_key(|(from, to, _)| to - from).map(|(_, _, spot)| *spot)
    }

    fn piece(&mut self, from: usize, spot: Spot) {
        self.pieces.push((from, self.text.len(), spot));
    }

    fn value(&mut self, value: &Value, indent: usize) {
        let from = self.text.len();
        match &value.node {
            Node::Atom(text) => self.text.push_str(text),
            Node::List(items) => {
                self.block("[", "]", items.len(), flat(value), indent, |this, place, indent| {
                    this.value(&items[place], indent);
                });
            }
            Node::Map(entries) => {
                self.block("{", "}", entries.len(), flat(value), indent, |this, place, indent| {
                    let (key, value) = &entries[place];
                    this.value(key, indent);
                    this.text.push_str(": ");
                    this.value(value, indent);
                });
            }
            Node::Struct { name, fields } => {
                self.text.push_str(name.as_deref().unwrap_or(""));
                self.block("(", ")", fields.len(), flat(value), indent, |this, place, indent| {
                    let field = &fields[place];
                    let from = this.text.len();
                    this.text.push_str(&field.name);
                    this.piece(from, field.spot);
                    this.text.push_str(": ");
                    this.value(&field.value, indent);
                });
            }
            Node::Tuple { name, items } => {
                self.text.push_str(name.as_deref().unwrap_or(""));
                self.block("(", ")", items.len(), flat(value), indent, |this, place, indent| {
                    this.value(&items[place], indent);
                });
            }
        }
        self.piece(from, value.spot);
    }

    /// `count` pieces between brackets, on one line or on one each.
    fn block(
        &mut self,
        open: &str,
        close: &str,
        count: usize,
        flat: bool,
        indent: usize,
        mut one: impl FnMut(&mut Self, usize, usize),
    ) {
        self.text.push_str(open);
        for place in 0..count {
            match flat {
                true if place > 0 => self.text.push_str(", "),
                true => {}
                false => self.new_line(indent + 1),
            }
            one(self, place, indent + 1);
            if !flat {
                self.text.push(',');
            }
        }
        if !flat && count > 0 {
            self.new_line(indent);
        }
        self.text.push_str(close);
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        (0..indent).for_each(|_| self.text.push_str("    "));
    }
}

/// Whether a value fits on one line.
fn flat(value: &Value) -> bool {
    width(value) < LINE
}

fn width(value: &Value) -> usize {
    match &value.node {
        Node::Atom(text) => text.len(),
        Node::List(items) | Node::Tuple { items, .. } => {
            items.iter().map(|item| width(item) + 2).sum::<usize>() + 2
        }
        Node::Map(entries) => {
            entries.iter().map(|(key, value)| width(key) + width(value) + 4).sum::<usize>() + 2
        }
        Node::Struct { fields, .. } => {
            fields.iter().map(|f| f.name.len() + width(&f.value) + 4).sum::<usize>() + 2
        }
    }
}
