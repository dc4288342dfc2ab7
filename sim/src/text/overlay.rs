//! Laying one text over another: how variants and includes combine.
//!
//! Maps merge by key, structs of the same name field by field; lists and scalars replace.

use std::collections::BTreeMap;

use super::diagnostic::Diagnostic;
use super::lexer::Read;
use super::value::{Entry, Kind, Value};

/// Lays `over` on `base`.
pub(super) fn lay(base: &mut Value, over: Value) {
    match (&mut base.kind, over.kind) {
        (Kind::Map(below), Kind::Map(above)) => lay_entries(below, above),
        (Kind::Struct(name, below), Kind::Struct(new, above)) if *name == new => {
            lay_entries(below, above);
        }
        // `()` over `Verb(a, b)` and the like: nothing is said, nothing changes.
        (Kind::Tuple(..), Kind::Struct(None, above)) if above.is_empty() => {}
        (_, kind) => *base = Value { spot: over.spot, kind },
    }
}

fn lay_entries(below: &mut Vec<Entry>, above: Vec<Entry>) {
    let names = below.iter().enumerate().map(|(at, entry)| (entry.key.text.clone(), at));
    let places: BTreeMap<String, usize> = names.collect();
    for entry in above {
        match places.get(&entry.key.text) {
            Some(&at) => lay(&mut below[at].value, entry.value),
            None => below.push(entry),
        }
    }
}

/// Refuses a key or field that is given twice in the same place: `ron` would drop one of two equal
/// keys in silence.
pub(super) fn refuse_duplicates(value: &Value) -> Read<()> {
    match &value.kind {
        Kind::Map(entries) | Kind::Struct(_, entries) => {
            let mut seen = BTreeMap::new();
            for Entry { key, value } in entries {
                if let Some(first) = seen.insert(&key.text, key.spot) {
                    let message = format!("`{}` is given twice", key.text);
                    let mistake = Diagnostic::here(key.spot, message);
                    return Err(mistake.note(first, "first given here"));
                }
                refuse_duplicates(value)?;
            }
            Ok(())
        }
        Kind::List(values) | Kind::Tuple(_, values) => {
            values.iter().try_for_each(refuse_duplicates)
        }
        Kind::Word(_) | Kind::Number(_) | Kind::Text(_) => Ok(()),
    }
}
