//! Ways into a document: `components.shop.operations.buy[2]`.
//!
//! A name is a field or a key; an index counts list elements or positional arguments. Names look
//! through the arguments of a verb: `components.shop.replicas` passes through `Service(…)`.

use models::wiring::Segment;

use super::value::{Kind, Value};

/// One step down from a value.
enum Step {
    /// Into the entry or element at this place: the segment is used up.
    Into(usize),
    /// Into the argument at this place, where the same segment is looked for again.
    Through(usize),
}

fn step(value: &Value, segment: &Segment) -> Option<Step> {
    match (&value.kind, segment) {
        (Kind::Map(entries) | Kind::Struct(_, entries), Segment::Name(name)) => {
            entries.iter().position(|entry| entry.key.text == *name).map(Step::Into)
        }
        (Kind::Tuple(_, values), Segment::Name(_)) => {
            let leads = |inner: &Value| step(inner, segment).is_some();
            values.iter().position(leads).map(Step::Through)
        }
        (Kind::List(values) | Kind::Tuple(_, values), Segment::Index(index)) => {
            (*index < values.len()).then_some(Step::Into(*index))
        }
        _ => None,
    }
}

fn child(value: &Value, at: usize) -> &Value {
    match &value.kind {
        Kind::Map(entries) | Kind::Struct(_, entries) => &entries[at].value,
        Kind::List(values) | Kind::Tuple(_, values) => &values[at],
        Kind::Word(_) | Kind::Number(_) | Kind::Text(_) => unreachable!("step() finds no child"),
    }
}

fn child_mut(value: &mut Value, at: usize) -> &mut Value {
    match &mut value.kind {
        Kind::Map(entries) | Kind::Struct(_, entries) => &mut entries[at].value,
        Kind::List(values) | Kind::Tuple(_, values) => &mut values[at],
        Kind::Word(_) | Kind::Number(_) | Kind::Text(_) => unreachable!("step() finds no child"),
    }
}

/// The value one segment further down.
pub(super) fn down<'a>(value: &'a Value, segment: &Segment) -> Option<&'a Value> {
    match step(value, segment)? {
        Step::Into(at) => Some(child(value, at)),
        Step::Through(at) => down(child(value, at), segment),
    }
}

/// The same, to change it.
pub(super) fn down_mut<'a>(value: &'a mut Value, segment: &Segment) -> Option<&'a mut Value> {
    match step(value, segment)? {
        Step::Into(at) => Some(child_mut(value, at)),
        Step::Through(at) => down_mut(child_mut(value, at), segment),
    }
}

/// Reads `components.shop.operations.buy[2]`; names with other characters are quoted:
/// `traffic.users.mix."edge.buy"`. The error says what is wrong.
pub(super) fn parse(text: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let (index, after) = inner.split_once(']').ok_or("`[` is never closed")?;
            let bad = |_| format!("`{index}` is no index: write a number, like [0]");
            segments.push(Segment::Index(index.trim().parse().map_err(bad)?));
            rest = after;
        } else if let Some(inner) = rest.strip_prefix('"') {
            let (name, after) = inner.split_once('"').ok_or("`\"` is never closed")?;
            segments.push(Segment::Name(name.into()));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            if end == 0 {
                return Err(format!("a name is missing before `{rest}`"));
            }
            segments.push(Segment::Name(rest[..end].into()));
            rest = &rest[end..];
        }
        rest = match rest.strip_prefix('.') {
            Some("") => return Err("a name is missing at the end".into()),
            Some(after) => after,
            None if rest.is_empty() || rest.starts_with('[') => rest,
            None => return Err(format!("`.` is missing before `{rest}`")),
        };
    }
    if segments.is_empty() { Err("the path is empty".into()) } else { Ok(segments) }
}
