//! Short forms: what a colleague would say, in place of what the types want to hear.

use super::value::{Kind, Value, Word};

/// Steps that take a distribution; a plain time says "always this": `Wait("10s")`.
const TIMED: [&str; 2] = ["Wait", "Work"];

/// Writes short forms out, everywhere below `value`. The tree's depth was bounded when it was
/// read.
pub fn write_out(value: &mut Value) {
    match &mut value.kind {
        Kind::Word(_) | Kind::Number(_) | Kind::Text(_) => {}
        Kind::List(items) => items.iter_mut().for_each(write_out),
        Kind::Map(entries) | Kind::Struct(_, entries) => {
            entries.iter_mut().for_each(|entry| write_out(&mut entry.value));
        }
        Kind::Tuple(name, items) => {
            items.iter_mut().for_each(write_out);
            let timed = name.as_ref().is_some_and(|name| TIMED.contains(&name.text.as_str()));
            if let (true, [item]) = (timed, &mut items[..])
                && matches!(item.kind, Kind::Text(_))
            {
                let always = Word { spot: item.spot, text: "Always".into() };
                item.kind = Kind::Tuple(Some(always), vec![item.clone()]);
            }
        }
    }
}
