//! Every example that users are shown is one that `sim` takes: those of the catalogue, and those
//! of the pages of the documentation. Parts are put where they belong in a small scenario.

use std::path::{Path, PathBuf};

use sim::catalogue::catalogue;
use sim::prepare::{Wishes, prepare};
use sim::text::Diagnostics;

/// A small world in which every example finds what it speaks of, field by field.
const WORLD: [(&str, &str); 7] = [
    ("duration", r#""10m""#),
    ("zones", r#"["a", "b"]"#),
    ("draws", r#"{ "product": Uniform(1_000), "user": Counter, "seat": Always(17) }"#),
    (
        "components",
        r#"{
            "api": Service(replicas: 3, operations: {
                "get": [
                    Read("product", (through: ["cache"], miss: [Do("db", [Get("product")])])),
                    Publish("orders"),
                ],
                "buy": [Flow("pay")],
            }),
            "bank": Service(replicas: 3, operations: {
                "charge": [Wait("1ms")],
                "health": [Wait("1ms")],
            }),
            "cache": Cache(nodes: 3, by: Ring(key: "product")),
            "redis": Redis(nodes: 4, by: Slots(key: "product")),
            "room": WaitingRoom(active: 100, admit: (every: "1s", up_to: 100)),
            "orders": Topic(key: "user", partitions: 12, brokers: 3, replication: 3),
            "db": Database(tables: {
                "product": Table(key: "product", rows: 1_000, value: 50),
                "seat": Table(key: "seat", rows: 100, value: 1),
                "order": Table(key: "request"),
                "stock": Table(key: "product", rows: 1_000, value: 5),
                "outbox": Log(),
            }),
        }"#,
    ),
    ("flows", r#"{ "pay": [Call("bank.charge")] }"#),
    ("traffic", r#"{ "users": Open(rate: "9/s", mix: { "api.get": 1, "api.buy": 1 }) }"#),
    ("timeline", "[]"),
];

/// The world with other fields; what is said in braces is said besides.
fn world(other: &str) -> String {
    let own = |name: &str| other.lines().any(|line| line.trim().starts_with(&format!("{name}:")));
    let rest = WORLD.iter().filter(|(name, _)| !own(name));
    let rest: String = rest.map(|(name, value)| format!("    {name}: {value},\n")).collect();
    format!("(\n{}{}{rest})\n", other.trim_end().trim_end_matches(','), comma(other))
}

fn comma(text: &str) -> &str {
    if text.trim().is_empty() { "" } else { ",\n" }
}

/// The world with one more entry in a map.
fn with(field: &str, entry: &str) -> String {
    let (_, map) = WORLD.iter().find(|(name, _)| *name == field).expect("a map of the world");
    let inside = map.trim_end_matches('}').trim_end().trim_end_matches(',');
    world(&format!("    {field}: {inside}, {entry} }}"))
}

/// A scenario in which an example of a type stands where that type belongs.
fn scenario(of: &str, example: &str) -> String {
    let component = |text: String| with("components", &format!("\"x\": {text}"));
    let get = "operations: { \"get\": [Work(\"5ms\")] }";
    let service = |text: String| component(format!("Service({text}, {get})"));
    let policy = |text: String| world(&format!("    policies: {{ \"bank\": {text} }}"));
    let step = |text: String| component(format!("Service(operations: {{ \"try\": [{text}] }})"));
    match of {
        "Scenario" => example.to_string(),
        "fields" => world(example),
        "Network" => world(&format!("    network: {example}")),
        "Entry" => world(&format!("    timeline: [{example}]")),
        "Act" => world(&format!("    timeline: [(at: \"1s\", do: {example})]")),
        "NumberSpec" => with("draws", &format!("\"x\": {example}")),
        "OpenSpec" | "ClosedSpec" | "TrafficSpec" => with("traffic", &format!("\"x\": {example}")),
        "LegSpec" => with("traffic", &format!("\"x\": Open(rate: [{example}], to: \"api.get\")")),
        "Policy" => policy(example.into()),
        "BackoffSpec" => policy(format!("(retry: (attempts: 3, backoff: {example}))")),
        "BalanceSpec" => policy(format!("(balance: {example})")),
        "LocalitySpec" => policy(format!("(locality: {example})")),
        "PassiveSpec" => policy(format!("(passive: {example})")),
        "SlowStartSpec" => policy(format!("(slow_start: {example})")),
        "ViewSpec" => policy(format!("(view: {example})")),
        "Step" => step(example.into()),
        "StatementSpec" => step(format!("Do(\"db\", [{example}])")),
        "Dist" => step(format!("Work({example})")),
        "WaitFor" => {
            let two = "[[Call(\"bank.charge\")], [Call(\"api.buy\")]]";
            step(format!("Parallel((wait: {example}), {two})"))
        }
        "ServerSpec" => service(format!("server: {example}")),
        "PausesSpec" => service(format!("pauses: {example}")),
        "MemorySpec" => service(format!("memory: {example}")),
        "HeapSpec" => service(format!("memory: (heap: {example})")),
        "Order" => {
            let two = "\"checkout\": [Wait(\"1ms\")], \"browse\": [Wait(\"1ms\")]";
            let server = format!("server: Threads(workers: 1, order: {example})");
            let example = component(format!("Service({server}, operations: {{ {two} }})"));
            example.replacen("draws: {", "draws: { \"tier\": Uniform(3),", 1)
        }
        "JobSpec" => component(format!("Service(jobs: {{ \"j\": {example} }})")),
        "ForgetBy" => step(format!("Forget(\"product\", (in: [\"cache\"], by: {example}))")),
        "SizeSpec" => {
            component(format!("Cache(key: \"product\", memory: \"64MiB\", size: {example})"))
        }
        "WritesSpec" => {
            let store = "store: [Do(\"db\", [Set(\"product\", (to: \"value\"))])]";
            component(format!("Cache(key: \"product\", {store}, writes: {example})"))
        }
        "By" => component(format!("Database(shards: (count: 2, by: {example}))")),
        "Level" => component(format!("Store(reads: {example})")),
        "HurrySpec" => component(format!("Store(speculate: {example})")),
        "Commit" => component(format!("Database(commit: {example})")),
        "TableSpec" => component(format!("Database(tables: {{ \"t\": {example} }})")),
        kind if models::KINDS.iter().any(|(name, ..)| kind == format!("{name}Spec")) => {
            component(example.into())
        }
        other => panic!("where does an example of `{other}` belong? Say so here"),
    }
}

/// A folder with the files that examples name; tests run at once, each in a folder of its own.
fn folder(of: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("examples").join(of);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("shop.ron"), "(draws: { \"user\": Counter })\n").unwrap();
    std::fs::write(folder.join("observed.txt"), "1ms\n1.5ms\n40ms\n").unwrap();
    folder
}

/// What `sim validate` would say; nothing if all is well.
fn mistakes(of: &str, text: &str) -> String {
    let file = folder(of).join("example.ron");
    std::fs::write(&file, text).unwrap();
    let mut diagnostics = Diagnostics::default();
    let prepared = prepare(&file, &Wishes::default(), &mut diagnostics);
    if prepared.is_some() { String::new() } else { diagnostics.render() }
}

#[test]
fn examples_of_the_catalogue_are_valid() {
    let catalogue = catalogue();
    let mut bad = String::new();
    for (of, name, example) in catalogue.examples() {
        let said = mistakes("catalogue", &scenario(of, example));
        if !said.is_empty() {
            bad += &format!("{of} {name}: {example}\n{said}\n");
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

/// Blocks of a page that are marked as RON, with what they are an example of: a whole scenario, if
/// nothing is said.
fn blocks(page: &str) -> Vec<(String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let fences = text.split("\n```ron").skip(1);
    let block = |rest: &str| {
        let (of, rest) = rest.split_once('\n').unwrap();
        let of = if of.trim().is_empty() { "Scenario" } else { of.trim() };
        (of.to_string(), rest.split("\n```").next().unwrap().to_string())
    };
    fences.map(block).collect()
}

#[test]
fn examples_of_the_pages_are_valid() {
    let (mut bad, mut count) = (String::new(), 0);
    for page in ["README.md", "docs/language.md"] {
        for (of, example) in blocks(page) {
            count += 1;
            let said = mistakes("pages", &scenario(&of, &example));
            if !said.is_empty() {
                bad += &format!("{page}, {of}:\n{example}\n{said}\n");
            }
        }
    }
    assert!(bad.is_empty(), "{bad}");
    assert!(count > 10, "only {count} examples found");
}

/// Every word of the language is on its page.
#[test]
fn the_page_of_the_language_names_every_word() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/language.md");
    let text = std::fs::read_to_string(path).unwrap();
    let listed = ["Scenario", "Step", "Statement", "Act", "Draw", "Dist", "Policy", "Rate"];
    let mut missing = Vec::new();
    for page in listed.into_iter().chain(["Balance", "Backoff"]) {
        let json = &catalogue().page_json(page).unwrap()[0];
        for kind in ["choices", "parameters"] {
            let members = json[kind].as_array().into_iter().flatten();
            let names = members.filter_map(|member| member["name"].as_str());
            let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            let said = |name: &str| text.split(&format!("`{name}")).skip(1).any(ends);
            let unsaid = names.filter(|name| !said(name));
            missing.extend(unsaid.map(|name| format!("{page}: {name}")));
        }
    }
    assert!(missing.is_empty(), "docs/language.md does not name {missing:?}");
}
