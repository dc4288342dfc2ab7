//! From text to tree: RON as scenarios use it, with comments, trailing commas and `_` in numbers.
//!
//! Only the first mistake is reported, as after it nothing can be trusted; repeated keys and
//! fields, which `ron` would drop in silence, are mistakes too. Depth and size are bounded, so
//! that no input can exhaust the stack.

use super::diagnostic::{Diagnostic, Spot};
use super::value::{Field, Node, Value};

/// Deeper than this nothing sensible nests.
const DEEPEST: u32 = 64;
/// Larger files are not scenarios.
const LARGEST: usize = 4 << 20;

/// Reads a whole file.
pub fn parse(text: &str, file: u16) -> Result<Value, Diagnostic> {
    let mut parser = Parser { text, at: 0, file, depth: 0 };
    if text.len() > LARGEST {
        return Err(Diagnostic::error("the file is larger than 4 MiB"));
    }
    parser.skip_attributes()?;
    let value = parser.value()?;
    parser.blank()?;
    if parser.at < text.len() {
        return Err(parser.error_here("nothing is expected after the end of the scenario"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    file: u16,
    depth: u32,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn spot(&self, start: usize) -> Spot {
        Spot { file: self.file, start: start as u32, end: self.at.max(start) as u32 }
    }

    fn error_here(&self, message: &str) -> Diagnostic {
        let width = self.peek().map_or(0, char::len_utf8);
        let end = (self.at + width) as u32;
        Diagnostic::error(message).at(Spot { file: self.file, start: self.at as u32, end })
    }

    /// `#![enable(…)]` lines are allowed and mean nothing here.
    fn skip_attributes(&mut self) -> Result<(), Diagnostic> {
        self.blank()?;
        while self.rest().starts_with("#!") {
            let end = self.rest().find('\n').map_or(self.text.len(), |end| self.at + end);
            self.at = end;
            self.blank()?;
        }
        Ok(())
    }

    /// White space and comments.
    fn blank(&mut self) -> Result<(), Diagnostic> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if self.rest().starts_with("//") {
                let line = self.rest().find('\n').unwrap_or(self.rest().len());
                self.at += line;
            } else if self.rest().starts_with("/*") {
                let Some(end) = self.rest().find("*/") else {
                    return Err(self.error_here("this comment is never closed: `*/` is missing"));
                };
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn value(&mut self) -> Result<Value, Diagnostic> {
        self.blank()?;
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error_here("values nest more than 64 deep"));
        }
        let start = self.at;
        let node = match self.peek() {
            Some('"') => self.string()?,
            Some('[') => self.list()?,
            Some('{') => self.map()?,
            Some('(') => self.parenthesis(None)?,
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number()?,
            Some(c) if c.is_alphabetic() || c == '_' => self.word()?,
            Some(c) => return Err(self.error_here(&format!("`{c}` begins no value"))),
            None => return Err(self.error_here("the file ends where a value is expected")),
        };
        self.depth -= 1;
        Ok(Value { node, spot: self.spot(start) })
    }

    fn string(&mut self) -> Result<Node, Diagnostic> {
        let start = self.at;
        self.at += 1;
        while let Some(c) = self.peek() {
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(Node::Atom(self.text[start..self.at].into())),
                '\\' => self.at += self.peek().map_or(0, char::len_utf8),
                '\n' => break,
                _ => {}
            }
        }
        self.at = start;
        Err(self.error_here("this string is never closed: a `\"` is missing"))
    }

    fn number(&mut self) -> Result<Node, Diagnostic> {
        let start = self.at;
        let part =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%' | '/');
        let length = self.rest().find(|c: char| !part(c)).unwrap_or(self.rest().len());
        let text = &self.text[start..start + length];
        self.at += length;
        let plain = text.replace('_', "");
        if plain.parse::<f64>().is_ok() && !plain.ends_with(|c: char| c.is_alphabetic()) {
            return Ok(Node::Atom(text.trim_start_matches('+').into()));
        }
        let spot = self.spot(start);
        let help = format!("values with units are quoted: write \"{text}\"");
        Err(Diagnostic::error(format!("`{text}` is no number")).at(spot).help(help))
    }

    fn identifier(&mut self) -> String {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        let length = self.rest().find(|c: char| !part(c)).unwrap_or(self.rest().len());
        let word = self.rest()[..length].to_string();
        self.at += length;
        word
    }

    fn word(&mut self) -> Result<Node, Diagnostic> {
        let word = self.identifier();
        let end = self.at;
        self.blank()?;
        if self.peek() == Some('(') {
            return self.parenthesis(Some(word));
        }
        self.at = end;
        Ok(Node::Atom(word))
    }

    /// One value after another up to `close`, each read by `one`.
    fn sequence(
        &mut self,
        close: char,
        mut one: impl FnMut(&mut Self) -> Result<(), Diagnostic>,
    ) -> Result<(), Diagnostic> {
        let open = self.at;
        self.at += 1;
        loop {
            self.blank()?;
            match self.peek() {
                Some(c) if c == close => {
                    self.at += 1;
                    return Ok(());
                }
                None => {
                    self.at = open;
                    return Err(
                        self.error_here(&format!("this is never closed: `{close}` is missing"))
                    );
                }
                _ => one(self)?,
            }
            let end = self.at;
            self.blank()?;
            match self.peek() {
                Some(',') => self.at += 1,
                Some(c) if c == close => {}
                Some(c) if matches!(c, ')' | ']' | '}') => {
                    return Err(self.error_here(&format!("`{c}` where `{close}` is expected")));
                }
                Some(_) => {
                    self.at = end;
                    return Err(self.error_here("a comma is missing here"));
                }
                None => {}
            }
        }
    }

    fn list(&mut self) -> Result<Node, Diagnostic> {
        let mut items = Vec::new();
        self.sequence(']', |this| {
            items.push(this.value()?);
            Ok(())
        })?;
        Ok(Node::List(items))
    }

    fn map(&mut self) -> Result<Node, Diagnostic> {
        let mut entries: Vec<(Value, Value)> = Vec::new();
        self.sequence('}', |this| {
            let key = this.value()?;
            this.colon("a map has `\"key\": value` entries")?;
            let value = this.value()?;
            if let Some((first, _)) = entries.iter().find(|(known, _)| known.text() == key.text()) {
                return Err(repeated(key.text(), key.spot, first.spot));
            }
            entries.push((key, value));
            Ok(())
        })?;
        Ok(Node::Map(entries))
    }

    fn colon(&mut self, why: &str) -> Result<(), Diagnostic> {
        self.blank()?;
        if self.peek() != Some(':') {
            return Err(self.error_here(&format!("a `:` is missing: {why}")));
        }
        self.at += 1;
        Ok(())
    }

    /// `(name: value, …)` or `(value, …)`
    fn parenthesis(&mut self, name: Option<String>) -> Result<Node, Diagnostic> {
        let (mut fields, mut items): (Vec<Field>, Vec<Value>) = (Vec::new(), Vec::new());
        self.sequence(')', |this| {
            let start = this.at;
            if this.peek().is_some_and(|c| c.is_alphabetic() || c == '_') {
                let field = this.identifier();
                let spot = this.spot(start);
                this.blank()?;
                if this.peek() == Some(':') {
                    this.at += 1;
                    if let Some(first) = fields.iter().find(|known| known.name == field) {
                        return Err(repeated(&field, spot, first.spot));
                    }
                    let value = this.value()?;
                    fields.push(Field { name: field, spot, value });
                    return Ok(());
                }
                this.at = start;
            }
            items.push(this.value()?);
            Ok(())
        })?;
        match (fields.is_empty(), items.is_empty()) {
            (true, _) => Ok(Node::Tuple { name, items }),
            (false, true) => Ok(Node::Struct { name, fields }),
            (false, false) => {
                let at = items[0].spot;
                let help = "give it a name, or put the named ones into a `( … )` of their own";
                Err(Diagnostic::error("values with and without names cannot be mixed")
                    .at(at)
                    .help(help))
            }
        }
    }
}

fn repeated(name: &str, again: Spot, first: Spot) -> Diagnostic {
    Diagnostic::error(format!("`{name}` is given twice")).at(again).note(first, "first given here")
}
