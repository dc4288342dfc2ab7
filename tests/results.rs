//! What a run leaves on disk, read back as others read it: JSON by its fields, logs by the
//! library that defined them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use serde_json::Value;

/// A thousand requests: half always take 10 ms, half always 30 ms, and one action.
const SCENARIO: &str = r#"(
    name: "two-speeds", duration: "10s", settle: "1s",
    components: {
        "slow": Service(operations: { "get": [Wait("30ms")] }),
        "fast": Service(operations: { "get": [Wait("10ms")] }),
    },
    traffic: {
        "some": Open(rate: "50/s", arrivals: Even, to: "slow.get"),
        "others": Open(rate: "50/s", arrivals: Even, to: "fast.get"),
    },
    timeline: [(at: "2s", for: "1s", do: Errors("fast", (rate: "100%")))],
    checks: ["latency{op=slow.get} p99 <= 30ms", "errors rate < 11%"],
)"#;

fn run(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("two-speeds.ron");
    std::fs::write(&file, SCENARIO).unwrap();
    let out = folder.join("out");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sim"));
    let status = command.arg("run").arg(&file).args(["--quiet", "--out"]).arg(&out).status();
    assert!(status.unwrap().success());
    out
}

fn read(folder: &Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Every file below a folder, by its path.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut open) = (BTreeMap::new(), vec![folder.to_path_buf()]);
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else {
                let name = entry.strip_prefix(folder).unwrap().to_path_buf();
                found.insert(name, std::fs::read(entry).unwrap());
            }
        }
    }
    found
}

#[test]
fn equal_runs_leave_equal_bytes() {
    let (mut one, mut two) = (files(&run("one")), files(&run("two")));
    let meta = [&mut one, &mut two].map(|all| all.remove(Path::new("meta.json")).unwrap());
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    assert!(one.len() >= 8, "{:?}", one.keys());
    for (name, bytes) in &one {
        assert!(*bytes == two[name], "{} differs", name.display());
    }
    let meta: Value = serde_json::from_slice(&meta[0]).unwrap();
    for field in ["wall_seconds", "events_per_second", "requests_per_second"] {
        assert!(meta[field].as_f64().is_some_and(|it| it > 0.0), "{field} in {meta}");
    }
}

/// 500 + 500 requests, 50 of which fail at once. Sorted: 50 × 0, 450 × 10 ms, 500 × 30 ms.
#[test]
fn the_result_says_what_was_asked_for() {
    let result: Value = serde_json::from_str(&read(&run("json"), "result.json")).unwrap();
    assert_eq!(result["scenario"], "two-speeds");
    assert_eq!(result["seeds"], serde_json::json!([1]));
    assert!(result["schema_version"].is_string() && result["digest"].is_string());
    assert!(result["events"].as_u64().unwrap() > 2000);
    let requests = &result["requests"];
    let number = |value: &Value| value.as_u64().unwrap();
    assert_eq!(number(&requests["generated"]), 1000);
    assert_eq!((number(&requests["completed"]), number(&requests["failed"])), (950, 50));
    assert_eq!(number(&requests["in_flight"]), 0);
    let all = &result["latency"]["all"];
    assert_eq!(number(&all["count"]), 1000);
    assert_eq!(all["mean_ns"].as_f64().unwrap(), (450.0 * 10e6 + 500.0 * 30e6) / 1000.0);
    // Three digits: half a bucket is at most 1/2048 of its value.
    let near =
        |value: &Value, exact: f64| (number(value) as f64 / exact - 1.0).abs() < 1.0 / 2048.0;
    assert!(near(&all["p50_ns"], 10e6) && near(&all["p90_ns"], 30e6), "{all}");
    assert!(near(&all["p99_ns"], 30e6) && near(&all["p999_ns"], 30e6), "{all}");
    assert_eq!(number(&all["max_ns"]), 30_000_000);
    assert_eq!(number(&result["latency"]["fast.get"]["count"]), 500);
    assert!(result["components"]["fast"].is_object());
    let action = &result["actions"][0];
    assert_eq!(
        (number(&action["began_ns"]), number(&action["ended_ns"])),
        (2_000_000_000, 3_000_000_000)
    );
    assert_eq!(action["touched"], serde_json::json!(["fast/0"]));
    let verdicts: Vec<&Value> =
        result["checks"].as_array().unwrap().iter().map(|check| &check["verdict"]).collect();
    assert_eq!(verdicts, ["pass", "pass"]);
}

#[test]
fn the_interval_log_holds_every_request() {
    let text = read(&run("hlog"), "latency.hlog");
    let mut deserializer = Deserializer::new();
    let mut all: BTreeMap<String, Histogram<u64>> = BTreeMap::new();
    for entry in IntervalLogIterator::new(text.as_bytes()) {
        let LogEntry::Interval(interval) = entry.unwrap() else { continue };
        let tag = interval.tag().unwrap().as_str().to_string();
        let bytes = from_base64(interval.encoded_histogram());
        let histogram: Histogram<u64> = deserializer.deserialize(&mut &bytes[..]).unwrap();
        // The column says the maximum in milliseconds.
        assert!((interval.max() - histogram.max() as f64 / 1e6).abs() < 0.05, "{}", interval.max());
        let whole = all.entry(tag).or_insert_with(|| Histogram::new(3).unwrap());
        whole.add(&histogram).unwrap();
    }
    let slow = &all["slow.get"];
    assert_eq!((slow.len(), all["fast.get"].len()), (500, 500));
    assert!(slow.value_at_quantile(0.5).abs_diff(30_000_000) < 30_000, "{}", slow.max());
}

/// `Value Percentile TotalCount 1/(1-Percentile)`: 90 % of all are at most 30 ms.
#[test]
fn the_percentile_table_can_be_plotted() {
    let text = read(&run("hgrm"), "latency.hgrm");
    let all = text.split("# ").find(|part| part.starts_with("all\n")).unwrap();
    let rows: Vec<Vec<f64>> = all
        .lines()
        .map(|line| line.split_whitespace().map(str::parse).collect::<Result<Vec<f64>, _>>())
        .filter_map(|row| row.ok().filter(|row| row.len() >= 3))
        .collect();
    assert!(rows.len() > 5, "{all}");
    assert!(rows.is_sorted_by(|a, b| a[0] <= b[0] && a[1] <= b[1] && a[2] <= b[2]), "{all}");
    let last = rows.last().unwrap();
    assert!((last[0] - 30.0).abs() < 0.03 && last[2] == 1000.0, "{last:?}");
    let median = rows.iter().find(|row| row[1] >= 0.5).unwrap();
    assert!((median[0] - 10.0).abs() < 0.01, "{median:?}");
}

/// RFC 4648, for the log's own encoding.
fn from_base64(text: &str) -> Vec<u8> {
    let value = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'=').map(value).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let bits = four.iter().fold(0u32, |bits, digit| bits << 6 | u32::from(*digit));
        let bits = bits << (6 * (4 - four.len()));
        bits.to_be_bytes()[1..four.len()].to_vec()
    });
    bytes.collect()
}

/// Two speeds, two variants, more time than is wanted, and no name but the file's.
const VARIANTS: &str = r#"(
    duration: "10s",
    components: { "shop": Service(operations: { "get": [Work(Exp("5ms"))] }) },
    policies: { "shop": (timeout: "8ms") },
    traffic: { "users": Open(rate: "50/s", to: "shop.get") },
    variants: { "a": (), "b": (traffic: { "users": Open(rate: "20/s") }) },
)"#;

fn play(folder: &Path, arguments: &[&str]) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_sim"));
    let status = command.current_dir(folder).args(arguments).arg("--quiet").status();
    assert!(status.unwrap().success(), "{arguments:?}");
}

/// What the page says, done in its folder, leaves the same results, byte by byte.
#[test]
fn the_effective_scenario_runs_again() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results/again");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("shops.ron"), VARIANTS).unwrap();
    let wanted = ["--seed", "7", "--set", "policies.shop.timeout=9ms", "--variant", "b"];
    let wanted = [&wanted[..], &["--until", "5s"]].concat();
    play(&folder, &[&["run", "shops.ron", "--out", "first"], &wanted[..]].concat());
    let first = folder.join("first");
    let page = read(&first, "report.html");
    let again = page.split("from this folder: <code>sim ").nth(1).unwrap();
    let again: Vec<&str> = again.split("</code>").next().unwrap().split(' ').collect();
    play(&first, &[&again[..], &["--out", "../second"]].concat());
    let (mut one, mut two) = (files(&first), files(&folder.join("second")));
    for all in [&mut one, &mut two] {
        all.remove(Path::new("meta.json")).unwrap();
    }
    assert_eq!(one.keys().collect::<Vec<_>>(), two.keys().collect::<Vec<_>>());
    for (name, bytes) in &one {
        assert!(*bytes == two[name], "{} differs", name.display());
    }
}

/// Of the run before nothing is left but what it did not write.
#[test]
fn results_are_of_one_run() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results/over");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("shops.ron"), VARIANTS).unwrap();
    play(&folder, &["run", "shops.ron", "--out", "out"]);
    let out = folder.join("out");
    assert!(out.join("compare.csv").exists() && out.join("charts/a/latency.svg").exists());
    std::fs::write(out.join("notes.txt"), "mine").unwrap();
    play(&folder, &["run", "shops.ron", "--out", "out", "--variant", "b"]);
    assert!(!out.join("compare.csv").exists() && !out.join("charts/a").exists());
    assert!(!out.join("charts/compare.svg").exists() && out.join("notes.txt").exists());
    assert!(out.join("charts/b/latency.svg").exists());
}

/// 200 even requests a second of 4 ms each for 10 s: 80 % busy, 200 calls a second, however long
/// something else goes on afterwards.
#[test]
fn rates_are_of_the_time_that_counts() {
    let text = r#"(
        components: { "api": Service(server: Threads(workers: 1, queue: 9),
            operations: { "get": [Work("4ms")] }) },
        traffic: { "users": Open(rate: "200/s", arrivals: Even, to: "api.get") },
        duration: "10s", warmup: "2s", settle: "10m",
        variants: { "alone": (), "beside": (components: {
            "other": Service(jobs: { "t": Every("1s", [Count("x")]) }) }) },
        checks: ["work{component=api} rate within 199/s..201/s"],
    )"#;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("results/rates");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("rates.ron"), text).unwrap();
    play(&folder, &["run", "rates.ron", "--out", "out"]);
    let result: Value = serde_json::from_str(&read(&folder.join("out"), "result.json")).unwrap();
    for variant in ["alone", "beside"] {
        let member = &result["variants"][variant]["components"]["api"]["members"][0];
        let busy = member["utilisation"].as_f64().unwrap();
        assert!((busy - 0.8).abs() < 1e-3, "{variant}: {busy}");
    }
}
