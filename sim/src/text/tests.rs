//! What the text layer refuses, and that what it prints is what it read.

use super::{Diagnostics, Document};

fn complaint(text: &str) -> String {
    let mut all = Diagnostics::default();
    match Document::from_text(text, &mut all.sources) {
        Ok(_) => String::new(),
        Err(error) => {
            all.found.push(error);
            all.render()
        }
    }
}

#[test]
fn syntax_mistakes_are_shown_where_they_are() {
    let cases = [
        "(at: 30s)",
        "(a: 1 b: 2)",
        "(a: [1, 2)",
        "(a: \"open)",
        "(a: 1, a: 2)",
        "({ \"x\": 1, \"x\": 2 })",
        "(a: { \"x\" 1 })",
        "(a: Work(1, b: 2))",
        "(a: 1) b",
        "(a: ;)",
        "/* open",
        "(a: (",
        "",
    ];
    let shown: Vec<String> = cases.iter().map(|case| complaint(case)).collect();
    assert!(shown.iter().all(|text| text.starts_with("error: ")), "{shown:#?}");
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    assert!(complaint(&"[".repeat(100_000)).contains("64 deep"));
}

#[test]
fn what_is_printed_reads_back_the_same() {
    let text =
        "(name: \"a\", list: [1, Two(\"x\", (y: 3)), {\"k\": ()}], // why\n deep: Name(f: 1.5))";
    let mut sources = super::Sources::default();
    let once = Document::from_text(text, &mut sources).unwrap().text();
    let twice = Document::from_text(&once, &mut sources).unwrap().text();
    assert_eq!(once, twice);
}

#[test]
fn a_variant_is_laid_over_by_key_and_by_field() {
    let text = "(components: {\"a\": Service(replicas: 1, cpu: 2), \"b\": Cache(nodes: 3)},
        variants: {\"more\": (components: {\"a\": Service(replicas: 5)})})";
    let mut sources = super::Sources::default();
    let document = Document::from_text(text, &mut sources).unwrap();
    assert_eq!(document.variants(), ["more"]);
    let effective = document.variant("more").text();
    let expected = "(components: {\"a\": Service(replicas: 5, cpu: 2), \"b\": Cache(nodes: 3)})";
    assert_eq!(effective.trim(), expected);
}
