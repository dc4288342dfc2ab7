//! The tree: RON values, each with the place where it was written.

use super::diagnostic::Spot;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub node: Node,
    pub spot: Spot,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A number, a word, or a string with its quotes: kept as written.
    Atom(String),
    /// `[a, b]`
    List(Vec<Value>),
    /// `{ "key": value }`
    Map(Vec<(Value, Value)>),
    /// `Name(field: value)` or `(field: value)`
    Struct { name: Option<String>, fields: Vec<Field> },
    /// `Name(a, b)` or `(a, b)`
    Tuple { name: Option<String>, items: Vec<Value> },
}

/// One field of a struct.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    pub spot: Spot,
    pub value: Value,
}

impl Value {
    /// The text of a string without its quotes; of a bare word as it is.
    pub fn text(&self) -> &str {
        match &self.node {
            Node::Atom(text) => text.trim_matches('"'),
            _ => "",
        }
    }

    /// The value of a field or of a key; also through a variant with one unnamed value.
    pub fn child(&self, name: &str) -> Option<&Value> {
        match &self.node {
            Node::Struct { fields, .. } => {
                fields.iter().find(|field| field.name == name).map(|field| &field.value)
            }
            Node::Map(entries) => {
                entries.iter().find(|(key, _)| key.text() == name).map(|(_, value)| value)
            }
            Node::Tuple { items, .. } if items.len() == 1 => items[0].child(name),
            _ => None,
        }
    }

    /// As [`Value::child`], to change it.
    pub fn child_mut(&mut self, name: &str) -> Option<&mut Value> {
        match &mut self.node {
            Node::Struct { fields, .. } => {
                fields.iter_mut().find(|field| field.name == name).map(|field| &mut field.value)
            }
            Node::Map(entries) => {
                entries.iter_mut().find(|(key, _)| key.text() == name).map(|(_, value)| value)
            }
            Node::Tuple { items, .. } if items.len() == 1 => items[0].child_mut(name),
            _ => None,
        }
    }

    /// A place in a list, or among positional arguments.
    pub fn item(&self, index: usize) -> Option<&Value> {
        match &self.node {
            Node::List(items) | Node::Tuple { items, .. } => items.get(index),
            _ => None,
        }
    }

    /// As [`Value::item`], to change it.
    pub fn item_mut(&mut self, index: usize) -> Option<&mut Value> {
        match &mut self.node {
            Node::List(items) | Node::Tuple { items, .. } => items.get_mut(index),
            _ => None,
        }
    }

    /// The names of fields or keys, for suggestions.
    pub fn names(&self) -> Vec<&str> {
        match &self.node {
            Node::Struct { fields, .. } => fields.iter().map(|field| field.name.as_str()).collect(),
            Node::Map(entries) => entries.iter().map(|(key, _)| key.text()).collect(),
            _ => Vec::new(),
        }
    }
}
