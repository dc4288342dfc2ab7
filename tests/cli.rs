//! The command line as a user meets it: exit codes, and every mistake in a scenario with its
//! place and what to write instead.

use std::path::PathBuf;
use std::process::{Command, Output};

const API: &str = r#""api": Service(operations: { "get": [Work(Exp("1ms"))] })"#;
const USERS: &str = r#""users": Open(rate: "100/s", to: "api.get")"#;

/// A scenario with more fields; those written here win over none.
fn scenario(more: &str) -> String {
    format!(
        "(\n    duration: \"2s\",\n    components: {{ {API} }},\n    \
         traffic: {{ {USERS} }},\n    {more}\n)\n"
    )
}

fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn sim(folder: &PathBuf, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.current_dir(folder).args(arguments).output().unwrap()
}

fn run(name: &str, text: &str, more: &[&str]) -> Output {
    let folder = folder(name);
    std::fs::write(folder.join("s.ron"), text).unwrap();
    sim(&folder, &[&["run", "s.ron", "--quiet"], more].concat())
}

fn code(name: &str, checks: &str, more: &[&str]) -> Option<i32> {
    run(name, &scenario(&format!("checks: [{checks}],")), more).status.code()
}

#[test]
fn exit_codes_are_as_documented() {
    assert_eq!(code("pass", r#""latency p99 < 1s""#, &[]), Some(0));
    assert_eq!(code("fail", r#""latency p99 < 1us""#, &[]), Some(1));
    assert_eq!(code("usage", "", &["--no-such-option"]), Some(2));
    assert_eq!(code("invalid", r#""latncy p99 < 1s""#, &[]), Some(3));
    // Users come for two seconds and wait for some milliseconds: later nothing ends.
    let later = scenario(r#"settle: "1s", checks: ["errors = 0 during 2500ms..3s"],"#);
    assert_eq!(run("nothing", &later, &[]).status.code(), Some(4));
    assert_eq!(code("output", "", &["--out", "/dev/null/here"]), Some(74));
}

/// One that passes, one that fails, and the word `test`: the worst is how it ends.
#[test]
fn check_tells_the_verdicts_and_what_failed() {
    let folder = folder("check");
    for (name, limit) in [("good", "1s"), ("bad", "1us")] {
        let text = scenario(&format!(r#"checks: ["latency p99 < {limit}", "errors = 0"],"#));
        std::fs::write(folder.join(format!("{name}.ron")), text).unwrap();
    }
    let told = |arguments: &[&str]| {
        let output = sim(&folder, arguments);
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    assert_eq!(told(&["test", "good.ron"]), (Some(0), "good.ron: PASS all 2 checks\n".into()));
    let (code, text) = told(&["check", "bad.ron", "good.ron", "--seeds", "2"]);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((code, lines.len()), (Some(1), 4), "{text}");
    assert!(lines[0].starts_with("Fail: latency p99 < 1us: "), "{text}");
    assert_eq!(lines[1], "bad.ron: FAIL 1 of 2 checks");
    assert!(lines[2].starts_with("reproduce: sim run bad.ron --seeds 1..2  # digest "), "{text}");
    assert_eq!(lines[3], "good.ron: PASS all 2 checks");
    assert_eq!(told(&["check"]).0, Some(2));
}

/// Of many runs at once, the one that met the bug is named, and the line beside it meets it again.
#[test]
fn a_bug_tells_how_to_meet_it_again() {
    let text = scenario("variants: { \"as it is\": (), \"longer\": (duration: \"3s\") },");
    let wanted = ["--broken", "--seeds", "5..8", "--jobs", "2", "--variant", "as it is"];
    let output = run("bug", &text, &wanted);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(70), "{told}");
    let seed = told.split("in s.ron, variant as it is, seed ").nth(1).expect(&told);
    let seed: u64 = seed.split_whitespace().next().unwrap().parse().unwrap();
    assert!((5..=8).contains(&seed), "{told}");
    let line = format!("reproduce: sim run s.ron --seed {seed} --variant 'as it is' --broken\n");
    assert!(told.contains(&line), "{told}");
    let again = ["--seed", &seed.to_string(), "--variant", "as it is", "--broken"];
    assert_eq!(run("bug", &text, &again).status.code(), Some(70));
}

#[test]
fn a_folder_is_no_scenario() {
    let folder = folder("folder");
    std::fs::create_dir_all(folder.join("shop")).unwrap();
    let output = sim(&folder, &["run", "shop"]);
    let told = String::from_utf8(output.stderr).unwrap();
    let said = "error: `shop` cannot be read: it is a folder: name a scenario file in it\n";
    assert_eq!((output.status.code(), told.as_str()), (Some(3), said));
}

#[test]
fn the_smallest_scenario_runs_and_leaves_results() {
    let text = format!("(components: {{ {API} }}, traffic: {{ {USERS} }})");
    let output = run("smallest", &text, &["--until", "5s"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let results = folder("smallest").join("sim-results/s");
    for file in ["result.json", "scenario.effective.ron", "meta.json"] {
        assert!(results.join(file).exists(), "{file}");
    }
}

/// What can be wrong with a scenario: a name, and what it says besides.
const MISTAKES: &[(&str, &str)] = &[
    ("no name", r#"zones: ["a", "a"],"#),
    ("duration", r#"warmup: "5s","#),
    ("seeds", "seeds: 0,"),
    ("sample", r#"sample: "1ns","#),
    (
        "draws",
        r#"draws: { "a": Counter, "b": Counter, "c": Counter, "d": Counter, "e": Counter },"#,
    ),
    ("request", r#"draws: { "request": Counter },"#),
    ("uniform", r#"draws: { "a": Uniform(0) },"#),
    ("network", r#"network: (any: LogNormal(median: "1ms")),"#),
    ("flow", r#"flows: { "unused": [] },"#),
    ("policy", r#"policies: { "apo": (timeout: "1s") },"#),
    ("late", r#"timeline: [(at: "9s", do: Crash("api"))],"#),
    ("long", r#"timeline: [(at: "1s", for: "9s", do: Crash("api"))],"#),
    ("zero", r#"timeline: [(at: "1s", for: "0s", do: Crash("api"))],"#),
    ("whom", r#"timeline: [(at: "1s", do: Crash("apo"))],"#),
    ("member", r#"timeline: [(at: "1s", do: Crash("api/7"))],"#),
    ("which", r#"timeline: [(at: "1s", do: Crash("api/x"))],"#),
    ("any", r#"timeline: [(at: "1s", do: Crash("any 3 of api"))],"#),
    ("leader", r#"timeline: [(at: "1s", do: Crash("leader of api/7"))],"#),
    ("zone", r#"timeline: [(at: "1s", do: ZoneLoss("b"))],"#),
    ("users", r#"timeline: [(at: "1s", do: Crash("users"))],"#),
    ("link", r#"timeline: [(at: "1s", do: Cut("api"))],"#),
    ("no link", r#"timeline: [(at: "1s", do: Crash("users -> api"))],"#),
    ("flush", r#"timeline: [(at: "1s", do: Flush("api"))],"#),
    ("reshard", r#"timeline: [(at: "1s", do: Reshard("api", (to: 0, slots: 1, rate: "1/s")))],"#),
    ("no slots", r#"timeline: [(at: "1s", do: Reshard("api", (to: 0, slots: 0, rate: "1/s")))],"#),
    ("join", r#"timeline: [(at: "1s", for: "1s", do: Join("api"))],"#),
    ("slow", r#"timeline: [(at: "1s", do: Slow("api", (times: 0)))],"#),
    ("rate", r#"timeline: [(at: "1s", do: Errors("api", (rate: "0%")))],"#),
    ("sides", r#"timeline: [(at: "1s", do: Partition([]))],"#),
    ("twice", r#"timeline: [(at: "1s", do: Pause("api")), (at: "1s", do: Pause("api"))],"#),
    ("metric", r#"checks: ["latncy p99 < 1s"],"#),
    ("unit", r#"checks: ["latency p99 < 400"],"#),
    ("stat", r#"checks: ["latency < 1s"],"#),
    ("operation", r#"checks: ["latency{op=api.gte} p99 < 1s"],"#),
    ("label", r#"checks: ["latency{oper=api.get} p99 < 1s"],"#),
    ("needed", r#"checks: ["queue max < 5"],"#),
    ("component", r#"checks: ["queue{component=apo} max < 5"],"#),
    ("variant", r#"checks: ["errors rate < 1% in best"],"#),
    ("folder", r#"variants: { "plain": (), "../up": () },"#),
    ("share", r#"checks: ["errors = 0%"],"#),
    ("settling", r#"settle: "8s", checks: ["errors rate < 1% after 3s"],"#),
    ("arguments", r#"policies: { "api": (balance: RoundRobin(choices: 2)) },"#),
    ("window", r#"checks: ["errors rate < 1% after 9s"],"#),
    ("uneven", r#"checks: ["errors rate < 1% after 1001ms"],"#),
    ("whole", r#"checks: ["in_flight = 0 after 1s"],"#),
    ("counter", r#"checks: ["count{sold} = 1"],"#),
    ("table", r#"checks: ["low{table=seat} = 1"],"#),
    ("action", r#"checks: ["recovery{action=Crash(api)} < 1s"],"#),
    ("windows", r#"checks: ["latency p99 < 1s before 1s after 1s"],"#),
    ("percentile", r#"checks: ["latency p0.0001 < 1s"],"#),
    ("much", r#"checks: ["errors rate < 200%"],"#),
    ("level", r#"checks: ["entries{component=api} max < 5"],"#),
    ("look-ups", r#"checks: ["hit_ratio{component=api} > 5%"],"#),
    ("total", r#"checks: ["tally{component=api, of=hits} > 5"],"#),
    (
        "members",
        r#"variants: { "many": (components: { "api": Service(replicas: 20) }) },
    checks: ["queue{component=api/3} max < 5"],"#,
    ),
    ("own checks", r#"variants: { "a": (checks: ["latency p99 < 1ns"]), "b": () },"#),
    ("own seeds", r#"variants: { "a": (), "b": (seeds: 3) },"#),
    ("digits", "seeds: banana,"),
    ("many", r#"seeds: 0, checks: ["latncy p99 < 1s", "low{table=x} = 1"],"#),
];

/// Each is told with its place; the snapshot is what a user reads.
#[test]
fn mistakes_are_told_with_their_places() {
    let folder = folder("mistakes");
    let mut told = String::new();
    for (name, more) in MISTAKES {
        std::fs::write(folder.join("s.ron"), scenario(more)).unwrap();
        let output = sim(&folder, &["validate", "s.ron"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(!text.is_empty(), "{name}: nothing was told");
        told += &format!("== {name}: exit {:?}\n{text}\n", output.status.code());
    }
    insta::assert_snapshot!(told);
}

/// Nobody is left to crash, to join or to leave: what would help is different each time.
#[test]
fn actions_that_touch_nobody_are_mistakes() {
    let told = |name: &str, timeline: &str| {
        let output = run(name, &scenario(&format!("timeline: [{timeline}],")), &[]);
        assert_eq!(output.status.code(), Some(3), "{name}");
        String::from_utf8(output.stderr).unwrap()
    };
    let gone = r#"(at: "0s", do: Leave("api")), (at: "1s", do: Leave("api"), as: "again")"#;
    let gone = told("idle-leave", gone);
    assert!(gone.contains("`again` touched nothing") && !gone.contains("`Leave(api)`"), "{gone}");
    assert!(gone.contains("whom it names had left already"), "{gone}");
    let each = r#"(at: "0s", do: Leave("api")), (at: "1s", do: Leave("each of api"), as: "again")"#;
    assert!(told("idle-each", each).contains("`again` touched nothing"));
    let later =
        "\n(at: \"1s\", do: Leave(\"api\"), as: \"again\"),\n(at: \"0s\", do: Leave(\"api\"))";
    let later = told("idle-later", later);
    assert!(later.contains(r#"| (at: "1s", do: Leave("api"), as: "again")"#), "{later}");
    let there = r#"(at: "0s", do: Join("api")), (at: "1s", do: Join("api"), as: "again")"#;
    let there = told("idle-join", there);
    assert!(there.contains("whom it names was there already"), "{there}");
    let headless = r#"(
        duration: "2s",
        components: { "log": Topic(partitions: 1, brokers: 1) },
        timeline: [(at: "0s", do: Crash("log")), (at: "1s", do: Pause("leader of log/0"))],
    )"#;
    let output = run("idle-leader", headless, &[]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains("nobody led it then: choose another time"), "{told}");
}

/// What the command line adds is judged, too.
#[test]
fn wishes_that_mean_nothing_are_told() {
    let told = |name: &str, more: &[&str]| {
        let output = run(name, &scenario(""), more);
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, text) = told("later", &["--until", "1000h"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("warning: `--until 3600000s` is after the end, 2s\n"), "{text}");
    let (code, text) = told("no-variant", &["--variant", "x"]);
    assert_eq!(code, Some(3));
    assert_eq!(text, "error: there is no variant `x`\nhelp: the scenario has none\n");
    let (code, text) = told("seeds", &["--seeds", "1..99999999999"]);
    assert!(code == Some(2) && text.contains("at most 1000000 seeds"), "{text}");
    let folder = folder("validate");
    std::fs::write(folder.join("s.ron"), scenario("")).unwrap();
    let output = sim(&folder, &["validate", "s.ron"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "s.ron: ok, 0 checks\n");
    let output = sim(&folder, &["validate", "s.ron", "--set", "warmup=3s"]);
    assert_eq!(output.status.code(), Some(3));
}

/// Stores that are sharded in ways that make no sense: who keeps what is shown where it is said.
#[test]
fn mistakes_of_sharding_are_told_with_their_places() {
    let cases = [
        ("unknown rule", r#"Cache(nodes: 2, by: Rnig(key: "user"))"#),
        ("weight of zero", r#"Cache(nodes: 2, by: Ring(key: "user", weights: [1, 0]))"#),
        ("too few weights", r#"Cache(nodes: 3, by: Ketama(key: "user", weights: [1, 1]))"#),
        (
            "a gap",
            r#"Cache(nodes: 2, by: Range(key: "user", ranges: [
            (from: 0, to: 999, on: 0),
            (from: 1500, on: 1),
        ]))"#,
        ),
        (
            "an overlap",
            r#"Cache(nodes: 2, by: Range(key: "user", ranges: [
            (from: 0, to: 999, on: 0),
            (from: 900, on: 1),
        ]))"#,
        ),
        ("no end", r#"Cache(nodes: 2, by: Range(key: "user", ranges: [(from: 0, to: 9, on: 0)]))"#),
        ("split points", r#"Cache(nodes: 3, by: Range(key: "user", below: [2000, 1000]))"#),
        (
            "no such shard",
            r#"Cache(nodes: 2, by: Directory(key: "user", homes: [(key: 7, on: 2)]))"#,
        ),
        ("a cluster without slots", "Redis(nodes: 3)"),
    ];
    let folder = folder("sharding");
    let mut told = String::new();
    for (name, store) in cases {
        let text = format!(
            r#"(
    draws: {{ "user": Uniform(9) }},
    components: {{
        {API},
        "store": {store},
    }},
    traffic: {{ {USERS} }},
)
"#
        );
        std::fs::write(folder.join("s.ron"), text).unwrap();
        let output = sim(&folder, &["validate", "s.ron"]);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{name}: {text}");
        told += &format!("== {name}\n{text}\n");
    }
    insta::assert_snapshot!(told);
}
