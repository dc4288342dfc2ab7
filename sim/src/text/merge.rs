//! Merging trees: includes, variants and `--set` are all the same thing.

use models::wiring::did_you_mean;

use super::diagnostic::{Diagnostic, Spot};
use super::parse::parse;
use super::value::{Field, Node, Value};

/// `over` laid over `base`: maps by key, structs of one name by field, anything else replaced.
pub fn merge(base: Value, over: Value) -> Value {
    let spot = over.spot;
    let node = match (base.node, over.node) {
        (Node::Map(base), Node::Map(over)) => Node::Map(merge_entries(base, over)),
        (Node::Struct { name, fields }, Node::Struct { name: over_name, fields: over })
            if over_name.is_none() || over_name == name =>
        {
            Node::Struct { name, fields: merge_fields(fields, over) }
        }
        // `()` says nothing.
        (base @ Node::Struct { .. }, Node::Tuple { name: None, items }) if items.is_empty() => base,
        (_, over) => over,
    };
    Value { node, spot }
}

fn merge_entries(mut base: Vec<(Value, Value)>, over: Vec<(Value, Value)>) -> Vec<(Value, Value)> {
    for (key, value) in over {
        match base.iter().position(|(known, _)| known.text() == key.text()) {
            Some(place) => {
                let (_, old) = base.remove(place);
                base.insert(place, (key, merge(old, value)));
            }
            None => base.push((key, value)),
        }
    }
    base
}

fn merge_fields(mut base: Vec<Field>, over: Vec<Field>) -> Vec<Field> {
    for field in over {
        match base.iter().position(|known| known.name == field.name) {
            Some(place) => {
                let old = base.remove(place);
                let value = merge(old.value, field.value);
                base.insert(place, Field { value, ..field });
            }
            None => base.push(field),
        }
    }
    base
}

/// One step of a `--set` path.
enum Step {
    Name(String),
    Index(usize),
}

/// `--set PATH=VALUE`. `text` is source number `file`, for messages.
pub fn set(root: &mut Value, text: &str, file: u16) -> Result<(), Diagnostic> {
    let whole = Spot { file, start: 0, end: text.len() as u32 };
    let Some((path, value)) = text.split_once('=') else {
        let help = "write --set 'components.shop.replicas=8'";
        return Err(Diagnostic::error("a setting is PATH=VALUE").at(whole).help(help));
    };
    let steps =
        steps(path).ok_or_else(|| Diagnostic::error(format!("`{path}` is no path")).at(whole))?;
    let value = parse(value.trim(), file).unwrap_or_else(|_| Value {
        node: Node::Atom(format!("\"{}\"", value.trim().replace(['"', '\\'], ""))),
        spot: whole,
    });
    let mut place = root;
    for (number, step) in steps.iter().enumerate() {
        let last = number + 1 == steps.len();
        let known: Vec<String> = place.names().into_iter().map(String::from).collect();
        if let (true, Step::Name(name), Node::Struct { fields, .. }) = (last, step, &mut place.node)
            && !known.contains(name)
        {
            // A field that has its default so far; a wrong name is found when types are read.
            fields.push(Field { name: name.clone(), spot: whole, value });
            return Ok(());
        }
        let next = match step {
            Step::Name(name) => place.child_mut(name),
            Step::Index(index) => place.item_mut(*index),
        };
        place = next.ok_or_else(|| unknown(step, &known, whole))?;
    }
    *place = Value { spot: whole, ..value };
    Ok(())
}

fn unknown(step: &Step, known: &[String], whole: Spot) -> Diagnostic {
    match step {
        Step::Index(index) => Diagnostic::error(format!("there is no element {index}")).at(whole),
        Step::Name(name) => {
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let error = Diagnostic::error(format!("there is no `{name}` here")).at(whole);
            error.maybe_help(did_you_mean(name, &names))
        }
    }
}

/// `a.b[2]."c.d"`
fn steps(path: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (name, after) = quoted.split_once('"')?;
            steps.push(Step::Name(name.into()));
            rest = after;
        } else if let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']')?;
            steps.push(Step::Index(number.trim().parse().ok()?));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(Step::Name(rest[..end].into()));
            rest = &rest[end..];
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    (!steps.is_empty()).then_some(steps)
}
