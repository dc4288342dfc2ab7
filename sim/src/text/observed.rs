//! Observed values: `Empirical(file: "times.txt")` becomes `Empirical(values: […])`, so that what
//! runs is all in the effective scenario, and a bad line is shown where it is.

use std::path::Path;

use super::MAX_INCLUDES;
use super::diagnostic::{Diagnostic, Spot};
use super::includes::Loader;
use super::lexer::Read;
use super::value::{Entry, Kind, Value, Word};

/// More values than this say nothing more.
const MOST_VALUES: usize = 100_000;

impl Loader<'_> {
    /// Puts the values of files in the place of their names, everywhere below `value`. Names are
    /// relative to `scenario`. The tree's depth was bounded when it was read.
    pub(super) fn observed(&mut self, value: &mut Value, scenario: &Path) -> Read<()> {
        match &mut value.kind {
            Kind::Word(_) | Kind::Number(_) | Kind::Text(_) => Ok(()),
            Kind::List(items) | Kind::Tuple(_, items) => {
                items.iter_mut().try_for_each(|item| self.observed(item, scenario))
            }
            Kind::Struct(Some(name), entries) if name.text == "Empirical" => {
                self.values(entries, scenario)
            }
            Kind::Map(entries) | Kind::Struct(_, entries) => {
                entries.iter_mut().try_for_each(|entry| self.observed(&mut entry.value, scenario))
            }
        }
    }

    fn values(&mut self, entries: &mut [Entry], scenario: &Path) -> Read<()> {
        let Some(place) = entries.iter().position(|entry| entry.key.text == "file") else {
            return Ok(());
        };
        let Kind::Text(file) = &entries[place].value.kind else { return Ok(()) };
        let spot = entries[place].value.spot;
        if let Some(other) = entries.iter().find(|entry| entry.key.text == "values") {
            let message = "values here and in a file: which?";
            return Err(Diagnostic::here(other.key.spot, message).help("leave one of them out"));
        }
        self.included += 1;
        if self.included > MAX_INCLUDES {
            let message = format!("more than {MAX_INCLUDES} files are read");
            return Err(Diagnostic::here(spot, message));
        }
        let path = scenario.parent().unwrap_or(Path::new("")).join(file);
        let text = self.text(&path).map_err(|why| Diagnostic::here(spot, why))?;
        let id = self.sources.add(path.display().to_string(), text);
        let values = lines(self.sources.text(id), id);
        if values.is_empty() || values.len() > MOST_VALUES {
            let message = format!("{} values: from 1 to {MOST_VALUES} can be used", values.len());
            return Err(Diagnostic::here(spot, message));
        }
        let key = Word { spot: entries[place].key.spot, text: "values".into() };
        entries[place] = Entry { key, value: Value { spot, kind: Kind::List(values) } };
        Ok(())
    }
}

/// One value a line; blank lines and lines that begin with `#` are skipped.
fn lines(text: &str, file: u16) -> Vec<Value> {
    let mut start = 0;
    let mut values = Vec::new();
    for line in text.split_inclusive('\n') {
        let said = line.trim();
        if !said.is_empty() && !said.starts_with('#') {
            let from = start + (line.len() - line.trim_start().len());
            let spot = Spot { file, start: from as u32, end: (from + said.len()) as u32 };
            values.push(Value { spot, kind: Kind::Text(said.into()) });
        }
        start += line.len();
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::spec::Scenario;
    use crate::text::{Diagnostics, Document};

    const MAIN: &str = r#"(components: { "s": Service(operations: {
        "get": [Work(Empirical(file: "seen/times.txt"))] }) },
        traffic: { "users": Open(rate: "1/s", to: "s.get") })"#;

    fn read(times: Option<&str>) -> Result<String, String> {
        let read = |path: &Path| match (path.to_str(), times) {
            (Some("x/main.ron"), _) => Ok(MAIN.as_bytes().to_vec()),
            (Some("x/seen/times.txt"), Some(times)) => Ok(times.as_bytes().to_vec()),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        let mut all = Diagnostics::default();
        let read = Document::read_by(&read, Path::new("x/main.ron"), &[], &mut all.sources);
        let document = read.and_then(|document| {
            document.typed::<Scenario>()?;
            Ok(document)
        });
        document.map(|it| it.text()).map_err(|mistake| {
            all.found.push(mistake);
            all.render()
        })
    }

    #[test]
    fn values_take_the_place_of_their_file() {
        let text = read(Some("# seen on Monday\n1ms\n\n  2.5ms \n")).unwrap();
        assert!(text.contains(r#"Empirical(values: ["1ms", "2.5ms"])"#), "{text}");
    }

    #[test]
    fn mistakes_name_the_file_and_the_line() {
        let missing = read(None).unwrap_err();
        assert!(missing.contains("there is no such file") && missing.contains("main.ron:2:38"));
        let empty = read(Some("# nothing\n")).unwrap_err();
        assert!(empty.contains("0 values"), "{empty}");
        let odd = read(Some("1ms\n5 parsecs\n")).unwrap_err();
        assert!(odd.contains("times.txt:2:1") && odd.contains("5 parsecs"), "{odd}");
    }
}
