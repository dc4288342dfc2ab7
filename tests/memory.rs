//! How much memory runs take: what is in flight decides, not how long a run is. Read from the
//! kernel's own account of the process, hence on Linux only.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::theory::is_long;

/// The most memory that `sim run` of this scenario takes at any time, in bytes.
fn peak(name: &str, scenario: &str) -> u64 {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("memory");
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join(format!("{name}.ron"));
    fs::write(&file, scenario).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.arg("run").arg(&file).args(["--jobs", "1", "--quiet", "--out"]).arg(folder.join(name));
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    let ended = loop {
        // The high-water mark only rises, so that the last one read before the end is the peak but
        // for what the last moment adds: by then results are being written.
        let text = fs::read_to_string(&status).unwrap_or_default();
        let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let digits = mark.map(|mark| mark.trim().trim_end_matches("kB").trim().parse::<u64>());
        most = most.max(digits.map_or(0, |it| it.unwrap()) * 1024);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    assert!(ended.success(), "{name}: {ended}");
    assert!(most > 1_000_000, "{name}: a process of {most} bytes");
    most
}

/// A million come within a second, and each stays for twenty.
#[test]
fn a_million_in_flight_fit_in_400_megabytes() {
    let scenario = r#"(
        duration: "1s", settle: "30s",
        components: { "s": Service(operations: { "get": [Wait("20s")] }) },
        traffic: { "users": Open(rate: "1000000/s", arrivals: Even, to: "s.get") },
        checks: ["requests = 1000000", "errors rate = 0%", "latency p50 >= 20s"],
    )"#;
    let most = peak("million", scenario);
    assert!(most <= 400_000_000, "{most} bytes");
}

/// Fifty times as many requests, in as many intervals: what grows is how well each interval's
/// latencies are known, and that has an end (some thousand counters an interval).
#[test]
fn a_long_run_takes_no_more_memory_than_a_short_one() {
    let scenario = |seconds: u64| {
        format!(
            r#"(
        duration: "{seconds}s", sample: "{}ms",
        components: {{ "s": Service(server: Threads(workers: 1, queue: 1000),
                                    operations: {{ "get": [Work(Exp("1ms"))] }}) }},
        traffic: {{ "users": Open(rate: "500/s", to: "s.get") }},
    )"#,
            seconds * 10
        )
    };
    let seconds = if is_long() { 400 } else { 40 };
    let (short, long) = (peak("short", &scenario(seconds)), peak("long", &scenario(50 * seconds)));
    assert!(long < short + 4_000_000, "{short} bytes, then {long}");
}

/// A cache of a million entries over ten million keys: 72 bytes an entry with its buckets, and one
/// for each key that was ever seen, for the causes of misses.
#[test]
fn ten_million_keys_fit_in_a_gigabyte() {
    let seconds = if is_long() { 60 } else { 4 };
    let scenario = format!(
        r#"(
        duration: "{seconds}s",
        draws: {{ "item": Zipf(items: 10_000_000, exponent: 0.9) }},
        components: {{
            "web": Service(operations: {{ "get": [Read("item", (through: ["cache"], miss: []))] }}),
            "cache": Cache(key: "item", capacity: 1_000_000, access: "1us"),
        }},
        traffic: {{ "users": Open(rate: "50000/s", to: "web.get") }},
    )"#
    );
    let most = peak("keys", &scenario);
    assert!(most <= 1_000_000_000, "{most} bytes");
}
