//! Values of the scenario language, each with the place it was read from.

use super::diagnostic::Spot;

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Where it was written.
    pub spot: Spot,
    /// What it is.
    pub kind: Kind,
}

/// The forms a value can take.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A bare word: `true`, `All`.
    Word(String),
    /// A number as it was written.
    Number(String),
    /// Text in quotes, escapes resolved.
    Text(String),
    /// `[a, b]`
    List(Vec<Value>),
    /// `{ "name": value }`
    Map(Vec<Entry>),
    /// `(field: value)` or `Name(field: value)`; `()` too.
    Struct(Option<Word>, Vec<Entry>),
    /// `(a, b)` or `Name(a, b)`
    Tuple(Option<Word>, Vec<Value>),
}

/// A word and its place.
#[derive(Clone, Debug)]
pub struct Word {
    /// Where it was written.
    pub spot: Spot,
    /// The word.
    pub text: String,
}

/// Two words are equal wherever they were written.
impl PartialEq for Word {
    fn eq(&self, other: &Word) -> bool {
        self.text == other.text
    }
}

/// A key or field with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key or the name of the field.
    pub key: Word,
    /// What it stands for.
    pub value: Value,
}

impl Value {
    /// The fields of a struct or the entries of a map.
    pub fn entries(&self) -> Option<&[Entry]> {
        match &self.kind {
            Kind::Map(entries) | Kind::Struct(_, entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of this name in a struct or map.
    pub fn get(&self, name: &str) -> Option<&Value> {
        let entry = self.entries()?.iter().find(|entry| entry.key.text == name)?;
        Some(&entry.value)
    }

    /// Takes a field out of a struct.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let Kind::Struct(_, fields) = &mut self.kind else { return None };
        let at = fields.iter().position(|field| field.key.text == name)?;
        Some(fields.remove(at).value)
    }

    /// What it is, for messages: ``the number `4.5` ``.
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Word(word) => format!("`{word}`"),
            Kind::Number(number) => format!("the number {number}"),
            Kind::Text(text) if text.chars().count() > 40 => "a text".into(),
            Kind::Text(text) => format!("the text {text:?}"),
            Kind::List(_) => "a list `[…]`".into(),
            Kind::Map(_) => "a map `{…}`".into(),
            Kind::Struct(Some(name), _) | Kind::Tuple(Some(name), _) => {
                format!("`{}(…)`", name.text)
            }
            Kind::Struct(None, _) => "fields `(…)`".into(),
            Kind::Tuple(None, _) => "a tuple `(…)`".into(),
        }
    }
}
