//! Reads the types of a scenario out of their own sources: names, parameters, and the comments on
//! them. What the catalogue says is what the code says, and cannot drift from it.
//!
//! Not a parser of Rust: it knows how this repository's formatter writes an item, and a test asks
//! for every kind by name.

use super::words::Words;

/// A type that scenarios are read into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its name in the code.
    pub name: String,
    /// The comment on it.
    pub words: Words,
    /// Whether it is a choice between its members.
    pub is_choice: bool,
    /// Its fields, or what can be chosen.
    pub members: Vec<Member>,
}

/// A parameter, or one of several choices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// As scenarios write it.
    pub name: String,
    /// The comment on it.
    pub words: Words,
    /// The type of a parameter, or what stands in the brackets of a choice.
    pub types: String,
    /// A parameter that cannot be left out.
    pub needed: bool,
    /// The function in the same source that gives the default, if there is one.
    pub default: Option<String>,
    /// The parameters of a choice that has names for them.
    pub fields: Vec<Member>,
}

impl Member {
    /// A parameter, and not a choice.
    pub fn is_parameter(&self) -> bool {
        self.name.starts_with(char::is_lowercase)
    }
}

/// All types of a source file that are read from scenarios.
pub fn items(source: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut lines = source.lines();
    let mut above = Above::default();
    while let Some(line) = lines.next() {
        if above.takes(line) {
            continue;
        }
        let Above { doc, read, left_out, .. } = std::mem::take(&mut above);
        let declared = line.trim_start_matches("pub ");
        let (is_choice, rest) = match declared.split_once(' ') {
            Some(("enum", rest)) => (true, rest),
            Some(("struct", rest)) => (false, rest),
            _ => continue,
        };
        let Some(name) = rest.strip_suffix(" {") else { continue };
        if read && line.ends_with('{') {
            let mut members = members(&mut lines, "}");
            members.iter_mut().for_each(|member| member.needed &= !left_out);
            let words = Words::read(&doc);
            items.push(Item { name: name.to_string(), words, is_choice, members });
        }
    }
    items
}

/// What stands above an item or a member.
#[derive(Default)]
struct Above {
    doc: Vec<String>,
    /// It is read from scenarios.
    read: bool,
    /// It is worked out, not read.
    skip: bool,
    /// It may be left out.
    left_out: bool,
    /// The function that gives the default.
    default: Option<String>,
}

impl Above {
    /// Whether the line is one that says something about what comes below.
    fn takes(&mut self, line: &str) -> bool {
        let line = line.trim();
        if let Some(doc) = line.strip_prefix("///") {
            self.doc.push(doc.strip_prefix(' ').unwrap_or(doc).to_string());
            return true;
        }
        self.read |= line.starts_with("#[derive(") && line.contains("Deserialize");
        self.skip |= line.contains("serde(skip)");
        if line.starts_with("#[serde(") && line.contains("default") {
            self.left_out = true;
            self.default = line.split('"').nth(1).map(str::to_string);
        }
        line.starts_with("#[")
    }
}

/// The members up to the line that closes them.
fn members<'a>(lines: &mut impl Iterator<Item = &'a str>, close: &str) -> Vec<Member> {
    let mut found = Vec::new();
    let mut above = Above::default();
    while let Some(line) = lines.next() {
        if above.takes(line) {
            continue;
        }
        let line = line.trim();
        if line == close {
            break;
        }
        let Above { doc, skip, left_out, default, .. } = std::mem::take(&mut above);
        let Some(mut member) = member(line, lines) else { continue };
        member.words = Words::read(&doc);
        member.needed = member.is_parameter() && !left_out && !member.types.starts_with("Option<");
        member.default = default;
        if !skip {
            found.push(member);
        }
    }
    found
}

/// `pub name: Type,` or `Choice(Types),` or `Choice {` with fields below, or `Choice,`.
fn member<'a>(line: &str, lines: &mut impl Iterator<Item = &'a str>) -> Option<Member> {
    let line = line.trim_start_matches("pub ").trim_start_matches("r#");
    if let Some(name) = line.strip_suffix(" {") {
        let fields = members(lines, "},");
        return Some(Member { name: name.into(), fields, ..Member::default() });
    }
    let line = line.strip_suffix(',')?;
    if let Some((name, types)) = line.split_once(": ") {
        return Some(Member { name: name.into(), types: types.into(), ..Member::default() });
    }
    let (name, types) = match line.split_once('(') {
        Some((name, types)) => (name, types.trim_end_matches(')')),
        None => (line, ""),
    };
    Some(Member { name: name.into(), types: without_attributes(types), ..Member::default() })
}

fn without_attributes(types: &str) -> String {
    let mut text = types.to_string();
    while let Some((from, to)) = text.find("#[").zip(text.find("] ")) {
        text.replace_range(from..to + 2, "");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_read_as_they_are_written() {
        let source = r#"
/// A thing.
///
/// Example: `Thing(n: 1)`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    /// How many
    /// (default 1).
    #[serde(default)]
    pub r#for: Option<u32>,
    #[serde(skip)]
    inner: u8,
}
#[derive(Deserialize)]
enum Way {
    /// None.
    #[default]
    Straight,
    /// Bent.
    Bent(Dur, #[serde(default)] Option<Dur>),
    /// Both.
    Round {
        /// How far.
        radius: f64,
        /// How often. Default: 3.
        #[serde(default = "three")]
        turns: u32,
    },
}
#[derive(Clone)]
struct Internal {
    a: u8,
}
"#;
        let found = items(source);
        let names: Vec<&str> = found.iter().map(|item| item.name.as_str()).collect();
        assert_eq!(names, ["Thing", "Way"]);
        assert_eq!(found[0].words.text, "A thing.");
        assert_eq!(found[0].words.example, "Thing(n: 1)");
        let field = &found[0].members[..];
        assert_eq!((field.len(), field[0].name.as_str()), (1, "for"));
        assert_eq!(field[0].words.text, "How many (default 1).");
        assert_eq!((&*field[0].types, field[0].needed), ("Option<u32>", false));
        let way = &found[1].members;
        assert_eq!(
            way.iter().map(|it| &*it.name).collect::<Vec<_>>(),
            ["Straight", "Bent", "Round"]
        );
        assert_eq!(way[1].types, "Dur, Option<Dur>");
        let radius = &way[2].fields[0];
        assert_eq!((&*radius.name, &*radius.words.text), ("radius", "How far."));
        assert!(radius.needed && !way[2].needed);
        assert_eq!(
            (&*way[2].fields[1].name, way[2].fields[1].default.as_deref()),
            ("turns", Some("three"))
        );
    }
}
