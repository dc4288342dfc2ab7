//! Whole texts in; values or rendered diagnostics out.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::Path;

use models::wiring::Segment::{self, Index, Name};
use serde::Deserialize;

use super::*;

/// Enough of a scenario to have every kind of type error.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Scenario {
    name: String,
    seeds: u32,
    duration: Option<models::units::Dur>,
    rate: Option<models::units::Rate>,
    share: Option<models::units::Share>,
    memory: Option<models::units::Bytes>,
    zones: Vec<String>,
    draws: BTreeMap<String, models::dist::NumberSpec>,
    components: BTreeMap<String, models::Spec>,
}

fn read_from<'a>(files: &'a [(&str, &str)]) -> impl Fn(&Path) -> io::Result<Vec<u8>> + 'a {
    |path| {
        let found = files.iter().find(|(name, _)| Path::new(name) == path);
        found.map(|(_, text)| text.as_bytes().to_vec()).ok_or(io::ErrorKind::NotFound.into())
    }
}

/// What the user sees; empty if all is well.
fn complaints(files: &[(&str, &str)], settings: &[&str]) -> String {
    let mut all = Diagnostics::default();
    let settings: Vec<String> = settings.iter().map(|set| set.to_string()).collect();
    let read = read_from(files);
    let document = Document::read_by(&read, Path::new(files[0].0), &settings, &mut all.sources);
    all.found.extend(document.and_then(|document| document.typed::<Scenario>()).err());
    all.render()
}

fn table(cases: &[&str]) -> String {
    let mut table = String::new();
    for case in cases {
        let shown = complaints(&[("shop.ron", case)], &[]);
        assert!(!shown.is_empty(), "accepted: {case}");
        let _ = writeln!(table, "{shown}");
    }
    table
}

fn good(text: &str) -> Document {
    Document::from_text(text, &mut Sources::default()).expect(text)
}

#[test]
fn mistakes_of_syntax() {
    let shown = table(&[
        "(at: 30s)",
        "(rate: 1200/s)",
        "(share: 0.5%)",
        "(\n    name: \"a\"\n    seeds: 3,\n)",
        "(zones: [\"a\", \"b\"), seeds: 3)",
        "(zones: [\"a\", \"b\"",
        "{ \"name\": \"a\" }",
        "(components: { shop: Service() })",
        "(components: { \"a\" })",
        "(components: (\"shop\": Service()))",
        "(zones: [a: \"b\"])",
        "(draws: { \"a\": Zipf(\"x\", exponent: 1) })",
        "(name = \"a\")",
        "(name: \"a\"; seeds: 3)",
        "(name: 'a')",
        "(name: shop/3)",
        "(name: order-db)",
        "(name: \"never closed)\n",
        "(name: \"a\\qb\")",
        "(name: r#\"never closed\")",
        "(seeds: 1.2.3)",
        "(seeds: 3, , name: \"a\")",
        "(seeds: )",
        "(seeds: 3) (seeds: 4)",
        "/* never closed\n(seeds: 3)",
        "",
        "(5: 3)",
        "(seeds:\t@)",
        "(name: \"ü\", näme: 3)",
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn mistakes_of_type() {
    let shown = table(&[
        "(nam: \"x\")",
        "(colour: \"x\")",
        "(name: 5)",
        "(seeds: 4.5)",
        "(seeds: -4)",
        "(seeds: 99999999999)",
        "(seeds: \"3\")",
        "(zones: (a: 3))",
        "(zones: [a])",
        "(components: [])",
        "(components: { \"a\": Servce(replicas: 3) })",
        "(components: { \"a\": Service(replcas: 3) })",
        "(components: { \"a\": Service })",
        "(components: { \"a\": \"Service\" })",
        "(components: { \"a\": Service(operations: { \"x\": [Wrok(Exp(\"5ms\"))] }) })",
        "(components: { \"a\": Service(operations: { \"x\": [Work(Exp(\"5ms\"), 7)] }) })",
        "(components: { \"a\": Service(operations: { \"x\": [Work(Gamma(mean: \"5ms\"))] }) })",
        "(components: { \"a\": Service(operations: { \"x\": [Call()] }) })",
        "(draws: { \"a\": Zipf(items: 10, exponent: \"much\") })",
    ]);
    insta::assert_snapshot!(shown);
}

/// A type is called in mistakes what it is called in the catalogue.
#[test]
fn types_have_the_names_of_the_catalogue() {
    for (quota, said) in [
        ("()", "the field `cores` of `Quota` is missing"),
        ("(cores: 1, time: \"1s\")", "`Quota` has no field `time`"),
    ] {
        let text = format!("(components: {{ \"a\": Service(cpu: 2, quota: {quota}) }})");
        let shown = complaints(&[("shop.ron", &text)], &[]);
        assert!(shown.contains(said), "{shown}");
    }
}

#[test]
fn mistakes_of_units() {
    let shown = table(&[
        "(duration: 5)",
        "(duration: \"5\")",
        "(duration: \"5 parsecs\")",
        "(rate: 1200)",
        "(rate: \"1200\")",
        "(rate: \"2/fortnight\")",
        "(share: 0.5)",
        "(share: \"150%\")",
        "(memory: 64)",
        "(memory: \"64 barrels\")",
    ]);
    insta::assert_snapshot!(shown);
}

#[test]
fn mistakes_across_places_and_files() {
    let mut shown = table(&[
        "(zones: [], seeds: 1,\n zones: [])",
        "(draws: {\n \"a\": Counter,\n \"a\": Always(3),\n})",
        "(includes: \"a.ron\")",
        "(includes: [5])",
        "(includes: [\"gone.ron\"])",
        "(includes: [\"./shop.ron\"])",
        "(variants: [])",
    ]);
    let main = ("a/main.ron", "(includes: [\"b/part.ron\"], name: \"x\")");
    for part in ["(seeds: oops)", "(seeds: 3", "(includes: [\"../main.ron\"])"] {
        let _ = writeln!(shown, "{}", complaints(&[main, ("a/b/part.ron", part)], &[]));
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn mistakes_of_set() {
    let text = "(duration: \"5s\", zones: [\"a\"], components: { \"shop\": Service(replicas: 3) })";
    let mut shown = String::new();
    for set in [
        "components.shop.replicas",
        "=3",
        "components..shop=3",
        "components.shop.=3",
        "zones[x]=b",
        "zones[1]=b",
        "duration[0]=5s",
        "components.shpo.replicas=3",
        "components.cart=Cache()",
        "components.shop.replcas=3",
        "components.shop.replicas=many",
        "components.shop=Service(replicas: 3",
        "duration=5 parsecs",
        "duration=5",
    ] {
        let one = complaints(&[("shop.ron", text)], &[set]);
        assert!(!one.is_empty(), "accepted: {set}");
        let _ = writeln!(shown, "{one}");
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn long_and_odd_lines_are_shown_around_the_place() {
    let long = format!("(zones: [{}\"x\" \"y\"])", "\"a\", ".repeat(200));
    let shown = table(&[&long, "(\tname:\t\u{7}@)"]);
    insta::assert_snapshot!(shown);
}

#[test]
fn too_much_is_refused() {
    let mut messages = Vec::new();
    let mut refused = |read: includes::ReadFile<'_>, name: &str| {
        let sources = &mut Sources::default();
        messages.push(Document::read_by(read, Path::new(name), &[], sources).unwrap_err().message);
    };
    for text in ["[".repeat(1_000_000), "(a:".repeat(1_000_000), "A(".repeat(1_000_000)] {
        refused(&|_| Ok(text.clone().into_bytes()), "deep.ron");
    }
    refused(&|_| Ok(vec![b' '; MAX_BYTES + 1]), "large.ron");
    refused(&|_| Ok(b"(\n name: \"\xfc\")".to_vec()), "latin.ron");
    let many = |path: &Path| match path.to_str() {
        Some("main.ron") => Ok(format!("(includes: [{}])", "\"b.ron\",".repeat(65)).into_bytes()),
        _ => Ok(b"()".to_vec()),
    };
    refused(&many, "main.ron");
    let deep = "nested deeper than 64 levels";
    let expected = [
        deep,
        deep,
        deep,
        "`large.ron` is larger than 4 MiB",
        "`latin.ron` is not text: line 2 is not UTF-8",
        "more than 64 files are included",
    ];
    assert_eq!(messages, expected);
}

/// Maps merge by key, structs field by field if their names agree, all else is replaced.
#[test]
fn variants_lie_over_the_scenario() {
    let base = good(
        "(zones: [\"a\", \"b\"],
          components: {
              \"shop\": Service(replicas: 8, cpu: 4, operations: { \"buy\": [A], \"view\": [B] }),
              \"db\": Database(shards: 2),
          },
          variants: { \"same\": (), \"other\": (zones: [\"c\"], components: {
              \"shop\": Service(replicas: 3, operations: { \"buy\": [C] }),
              \"db\": Redis(shards: 2),
              \"new\": Cache(),
          }) })",
    );
    assert_eq!(base.variants(), ["same", "other"]);
    assert_eq!(base.variant("same").text(), base.variant("none").text());
    let expected = good(
        "(zones: [\"c\"], components: {
              \"shop\": Service(replicas: 3, cpu: 4, operations: { \"buy\": [C], \"view\": [B] }),
              \"db\": Redis(shards: 2),
              \"new\": Cache(),
          })",
    );
    assert_eq!(base.variant("other").text(), expected.text());
}

/// The including file lies over what it includes; later includes over earlier ones.
#[test]
fn includes_lie_below() {
    let files = [
        ("x/main.ron", "(includes: [\"../one.ron\", \"two.ron\"], seeds: 3)"),
        ("x/../one.ron", "(name: \"one\", seeds: 1, draws: { \"a\": Counter })"),
        ("x/two.ron", "(name: \"two\", seeds: 2, draws: { \"b\": Counter })"),
    ];
    let (read, main) = (read_from(&files), Path::new("x/main.ron"));
    let whole = Document::read_by(&read, main, &[], &mut Sources::default()).unwrap();
    let expected =
        good("(name: \"two\", seeds: 3, draws: { \"a\": Counter, \"b\": Counter })").text();
    assert_eq!(whole.text(), expected);
}

#[test]
fn set_changes_values_and_holds_for_variants() {
    let text = "(name: \"x\", timeline: [(at: \"5s\", do: Slow(\"shop/3\", (times: 5)))],
        components: { \"shop\": Service(replicas: 8) }, mix: { \"edge.buy\": 8 },
        variants: { \"v\": (components: { \"shop\": Service(replicas: 2) }) })";
    let sets = [
        "name=flash",
        "duration=10s",
        "timeline[0].at=\"45s\"",
        "timeline[0].do.times=7",
        "timeline[0].do[0]=shop/4",
        "components.shop.replicas=16",
        "components.shop.cpu=2",
        "mix.\"edge.buy\"=9",
    ]
    .map(String::from);
    let files = [("shop.ron", text)];
    let (read, main) = (read_from(&files), Path::new("shop.ron"));
    let document = Document::read_by(&read, main, &sets, &mut Sources::default());
    let expected = "(name: \"flash\", timeline: [(at: \"45s\", do: Slow(\"shop/4\", (times: 7)))],
        components: { \"shop\": Service(replicas: 16, cpu: 2) }, mix: { \"edge.buy\": 9 },
        duration: \"10s\")";
    let variant = document.unwrap().variant("v");
    assert_eq!(variant.text(), good(expected).text());
}

#[test]
fn paths_lead_to_places() {
    let text = "(components: { \"shop\": Service(replicas: 8, operations: {
        \"buy\": [A, Do(\"db\", [Get(\"x\")]), Call(\"y\", (timeout: \"5s\"))] }) },
        variants: { \"v\": (zones: 7) })";
    let document = good(text);
    let at = |path: &[Segment]| {
        let spot = document.spot(path);
        &text[spot.start as usize..spot.end as usize]
    };
    let name = |name: &str| Name(name.into());
    let shop = [name("components"), name("shop")];
    let buy = [&shop[..], &[name("operations"), name("buy")]].concat();
    assert_eq!(at(&[&shop[..], &[name("replicas")]].concat()), "8");
    assert_eq!(at(&[&buy[..], &[Index(0)]].concat()), "A");
    assert_eq!(at(&[&buy[..], &[Index(1), Index(1), Index(0)]].concat()), "Get(\"x\")");
    assert_eq!(at(&[&buy[..], &[Index(2), name("timeout")]].concat()), "\"5s\"");
    assert_eq!(at(&[&buy[..], &[Index(0), name("none"), Index(9)]].concat()), "A");
    assert_eq!(at(&[name("variants"), name("v"), name("zones")]), "7");
    assert_eq!(at(&[name("none")]), text);
    let key = document.key_spot(&shop);
    assert_eq!(&text[key.start as usize..key.end as usize], "\"shop\"");
}

#[test]
fn json_names_the_place() {
    let mut all = Diagnostics::default();
    all.found.extend(Document::from_text("(\n  name: 30s)", &mut all.sources).err());
    let expected = serde_json::json!([{
        "level": "error", "message": "a value with a unit is written in quotes",
        "help": "write \"30s\"", "file": "scenario.ron",
        "line": 2, "column": 9, "end_line": 2, "end_column": 12,
    }]);
    assert_eq!(all.json(), expected);
}

const STORY: &str = r##"// A shop.
(
    name: "a \"quoted\" \\ name \u{e9}\t", /* nested /* comment */ */
    seed: 2_026, share: -1_0.5e-3, raw: r#"C:\x"#, zones: ["a", "b"],
    empty: (), none: [], m: {},
    components: {
        "shop": Service(replicas: 8, server: Threads(workers: 64, queue: 512), operations: {
            "view": [Work(LogNormal(mean: "1.5ms", cv: 0.6)), Read("p", (through: ["cache"]))],
            "buy": [Try([Do("db", [Take("product")])], (denied: [Deny("sold out")])), Reply],
        }),
    },
    variants: { "after": (components: { "shop": Service(replicas: 3) }) },
)
"##;

/// Canonical text reads back to the same, by this parser and by `ron`, and is a fixed point.
#[test]
fn what_is_printed_reads_back() {
    let document = good(STORY);
    let printed = document.text();
    assert!(printed.lines().all(|line| line.chars().count() <= 110), "{printed}");
    let again = good(&printed);
    assert_eq!(again.text(), printed);
    ron::from_str::<ron::Value>(&printed).unwrap();
}

/// Splitmix64: seeded mutations need nothing better.
fn random(state: &mut u64) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)) as usize >> 8
}

/// Any bytes give a document or a diagnostic; a document reads back from its text.
#[test]
fn mutations_never_break_it() {
    let pieces = ["(", ")", "[", "]", "{", "}", ",", ":", "\"", "//", "/*", "'", "5ms", "-", "\\"];
    let mut state = 7;
    for round in 0..2_000 {
        let mut bytes = STORY.as_bytes().to_vec();
        for _ in 0..1 + random(&mut state) % 4 {
            let from = random(&mut state) % bytes.len();
            let to = (from + random(&mut state) % 12).min(bytes.len());
            let piece = pieces[random(&mut state) % pieces.len()].as_bytes().to_vec();
            match random(&mut state) % 4 {
                0 => drop(bytes.splice(from..to, [])),
                1 => drop(bytes.splice(from..from, piece)),
                2 => bytes[from] = random(&mut state) as u8,
                _ => drop(bytes.splice(to..to, bytes[from..to].to_vec())),
            }
        }
        let read = |_: &Path| Ok(bytes.clone());
        let mut all = Diagnostics::default();
        let main = Path::new("mutant.ron");
        match Document::read_by(&read, main, &[], &mut all.sources) {
            Err(mistake) => all.found.push(mistake),
            Ok(document) => {
                all.found.extend(document.typed::<Scenario>().err());
                let printed = document.text();
                assert_eq!(good(&printed).text(), printed, "round {round}");
            }
        }
        let _ = (all.render(), all.json());
    }
}
