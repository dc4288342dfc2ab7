//! From tokens to values, by recursive descent of bounded depth.
//!
//! Not left to `ron`, which keeps no spans of good values and whose syntax errors point behind
//! the mistake.

use super::MAX_DEPTH;
use super::diagnostic::Diagnostic;
use super::diagnostic::Spot;
use super::lexer::{Lexer, Read, Token};
use super::value::{Entry, Kind, Value, Word};

/// Reads one value that fills the text from byte `at` on.
pub(super) fn parse(text: &str, file: u16, at: usize) -> Read<Value> {
    let mut lexer = Lexer::new(text, file, at);
    let next = lexer.next()?;
    let mut parser = Parser { lexer, next, last: Spot { file, start: 0, end: 0 }, depth: 0 };
    let value = parser.value()?;
    match parser.next.0 {
        Token::End => Ok(value),
        _ => Err(Diagnostic::here(parser.next.1, "nothing may follow the closing bracket")),
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    next: (Token, Spot),
    /// The place of the token before `next`.
    last: Spot,
    depth: usize,
}

/// One thing between two commas: a value, perhaps with a field name or a key before it.
enum Item {
    Plain(Value),
    Field(Entry),
    Keyed(Entry),
}

impl Parser<'_> {
    fn advance(&mut self) -> Read<Token> {
        let next = self.lexer.next()?;
        let (token, spot) = std::mem::replace(&mut self.next, next);
        self.last = spot;
        Ok(token)
    }

    fn sees(&self, mark: char) -> bool {
        self.next.0 == Token::Mark(mark)
    }

    fn value(&mut self) -> Read<Value> {
        let start = self.next.1;
        if self.depth == MAX_DEPTH {
            return Err(Diagnostic::here(start, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.depth += 1;
        let kind = match self.next.0 {
            Token::Mark('(') => self.fields(None)?,
            Token::Mark('[') => self.list()?,
            Token::Mark('{') => self.map()?,
            Token::Mark(_) | Token::End => return self.no_value(),
            _ => self.scalar()?,
        };
        self.depth -= 1;
        Ok(Value { spot: start.to(self.last), kind })
    }

    fn no_value(&self) -> Read<Value> {
        let message = match &self.next.0 {
            Token::Mark(',') => "there is nothing between two commas".into(),
            Token::Mark(mark) => format!("a value is expected here, not `{mark}`"),
            _ => "a value is expected here, but the text ends".into(),
        };
        Err(Diagnostic::here(self.next.1, message))
    }

    fn scalar(&mut self) -> Read<Kind> {
        Ok(match self.advance()? {
            Token::Word(text) if self.sees('(') => {
                let name = Word { spot: self.last, text };
                return self.fields(Some(name));
            }
            Token::Word(word) => Kind::Word(word),
            Token::Number(number) => Kind::Number(number),
            Token::Text(text) => Kind::Text(text),
            Token::Mark(_) | Token::End => unreachable!("value() takes them"),
        })
    }

    fn fields(&mut self, name: Option<Word>) -> Read<Kind> {
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for item in self.items(')')? {
            match item {
                Item::Field(entry) if values.is_empty() => fields.push(entry),
                Item::Plain(value) if fields.is_empty() => values.push(value),
                Item::Keyed(entry) => {
                    let help = "keys in quotes belong in a map: `{ \"name\": … }`; \
                                fields are bare: `(name: …)`";
                    let message = "a quoted key stands between parentheses";
                    return Err(Diagnostic::here(entry.key.spot, message).help(help));
                }
                Item::Field(Entry { key: Word { spot, .. }, .. })
                | Item::Plain(Value { spot, .. }) => {
                    let help = "options have parentheses of their own: \
                                `Verb(\"subject\", (option: …), [body])`";
                    let message = "named and positional arguments do not mix";
                    return Err(Diagnostic::here(spot, message).help(help));
                }
            }
        }
        Ok(if values.is_empty() { Kind::Struct(name, fields) } else { Kind::Tuple(name, values) })
    }

    fn list(&mut self) -> Read<Kind> {
        let mut values = Vec::new();
        for item in self.items(']')? {
            match item {
                Item::Plain(value) => values.push(value),
                Item::Field(entry) | Item::Keyed(entry) => {
                    let help = "a map is written `{ \"name\": … }`, fields are `(name: …)`";
                    let message = "a list has no keys";
                    return Err(Diagnostic::here(entry.key.spot, message).help(help));
                }
            }
        }
        Ok(Kind::List(values))
    }

    fn map(&mut self) -> Read<Kind> {
        let mut entries = Vec::new();
        for item in self.items('}')? {
            match item {
                Item::Keyed(entry) => entries.push(entry),
                Item::Field(entry) => {
                    let name = &entry.key.text;
                    let help = format!("write \"{name}\": …, or `( )` around fields");
                    let message = "the keys of a map are written in quotes";
                    return Err(Diagnostic::here(entry.key.spot, message).help(help));
                }
                Item::Plain(value) => {
                    let message = "a map needs a key before each value";
                    let help = "write \"name\": …, or `[ ]` around a list";
                    return Err(Diagnostic::here(value.spot, message).help(help));
                }
            }
        }
        Ok(Kind::Map(entries))
    }

    /// All items up to the closing bracket, which is read too.
    fn items(&mut self, close: char) -> Read<Vec<Item>> {
        self.advance()?;
        let open = self.last;
        let mut items = Vec::new();
        while !self.sees(close) {
            self.refuse_wrong_end(open, close)?;
            items.push(self.item()?);
            if self.sees(',') {
                self.advance()?;
            } else if !self.sees(close) {
                self.refuse_wrong_end(open, close)?;
                return self.no_comma();
            }
        }
        self.advance()?;
        Ok(items)
    }

    fn item(&mut self) -> Read<Item> {
        let value = self.value()?;
        if !self.sees(':') {
            return Ok(Item::Plain(value));
        }
        let (spot, quoted, text) = match value {
            Value { spot, kind: Kind::Word(text) } => (spot, false, text),
            Value { spot, kind: Kind::Text(text) } => (spot, true, text),
            Value { spot, .. } => {
                let message = "a key is a name in quotes, a field is a bare word";
                return Err(Diagnostic::here(spot, message));
            }
        };
        self.advance()?;
        let entry = Entry { key: Word { spot, text }, value: self.value()? };
        Ok(if quoted { Item::Keyed(entry) } else { Item::Field(entry) })
    }

    fn no_comma<T>(&self) -> Read<T> {
        let after = self.last.after();
        Err(Diagnostic::here(after, "a comma is missing here").help("add `,`"))
    }

    /// The wrong closing bracket, or the end of the text inside brackets.
    fn refuse_wrong_end(&self, open: Spot, close: char) -> Read<()> {
        let opened = match close {
            ')' => '(',
            ']' => '[',
            _ => '{',
        };
        let diagnostic = match self.next.0 {
            Token::End => Diagnostic::here(open, format!("this `{opened}` is never closed")),
            Token::Mark(mark @ (')' | ']' | '}')) => {
                let message = format!("`{mark}` cannot close `{opened}`");
                Diagnostic::here(self.next.1, message).note(open, "opened here")
            }
            _ => return Ok(()),
        };
        Err(diagnostic.help(format!("close it with `{close}`")))
    }
}
