//! How a run is rendered: what counts as a request, what is summed up, what is drawn; and numbers
//! that agree with the records they come from.

use std::collections::BTreeMap;
use std::path::Path;

use engine::Histogram;
use reports::{Report, Style, series, summary};
use sim::check::verdict::judge;
use sim::prepare::{Wishes, prepare};
use sim::sweep::sweep;
use sim::text::Diagnostics;

const SMALL: &str = r#"(
    name: "small", duration: "3s", sample: "1s", zones: ["a", "b"],
    components: {
        "api": Service(replicas: 2, server: Threads(workers: 1, queue: 4),
            operations: { "get": [Work(Exp("20ms"))] }),
    },
    traffic: { "users": Open(rate: "RATE/s", to: "api.get", timeout: "100ms") },
    timeline: [(at: "1s", for: "1s", do: Slow("api/1", (times: 4)))],
    VARIANTS
    checks: ["latency p99 < 1s", "errors rate <= 90%"],
)"#;

/// Users pass a turnstile, then buy, then look around for a second.
const JOURNEY: &str = r#"(
    name: "journey", duration: "2s", settle: "5s", sample: "1s",
    components: { "shop": Service(operations: { "buy": [Work("10ms")] }) },
    traffic: { "fans": Open(rate: "10/s", arrivals: Even,
        journey: [Call("shop.buy"), Wait("1s"), Call("shop.buy")]) },
)"#;

fn small(rate: u32) -> String {
    SMALL.replace("RATE", &rate.to_string()).replace("VARIANTS", "")
}

fn report(name: &str, text: &str, seeds: u64) -> Report {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("rendering-{name}.ron"));
    std::fs::write(&file, text).unwrap();
    let mut diagnostics = Diagnostics::default();
    let prepared = prepare(&file, &Wishes::default(), &mut diagnostics);
    let prepared = prepared.unwrap_or_else(|| panic!("{}", diagnostics.render()));
    let seeds: Vec<u64> = (1..=seeds).collect();
    let runs = sweep(&prepared.variants, &seeds, &prepared.missing, 1, &|_, _| {}).unwrap();
    let judged = judge(&prepared.checks, &runs);
    sim::report::report(&prepared, runs, &judged, ("small.ron".into(), String::new()))
}

#[test]
fn a_small_run_is_rendered_as_expected() {
    let report = report("small", &small(40), 1);
    let json = format!("{:#}", reports::result::json(&report));
    insta::assert_snapshot!("small_result_json", json);
    insta::assert_snapshot!("small_series_csv", series::csv(&report));
    let style = Style { unicode: true, colour: false };
    insta::assert_snapshot!("small_summary", summary(&report, style));
}

#[test]
fn variants_are_compared_within_a_hundred_columns() {
    let variants = r#"variants: { "calm": (timeline: []), "slowed": () },"#;
    let text = SMALL.replace("RATE", "40").replace("VARIANTS", variants);
    let report = report("variants", &text, 3);
    let plain = summary(&report, Style { unicode: false, colour: false });
    insta::assert_snapshot!("variants_summary", plain);
    let fits = plain.lines().all(|line| line.chars().count() <= 100);
    assert!(fits && plain.is_ascii(), "{plain}");
    let json = reports::result::json(&report);
    for name in ["calm", "slowed"] {
        let record = &json["variants"][name];
        assert_eq!(record["checks"].as_array().unwrap().len(), 2, "{name}");
        assert_eq!(record["seeds"], serde_json::json!([1, 2, 3]));
    }
    let charts: BTreeMap<String, String> = reports::charts::all(&report).into_iter().collect();
    assert!(charts["compare"].contains("slowed"));
    // Only one of them is slowed: the chart of both says which, and shades nothing.
    assert!(charts["compare-p99"].contains("Slow(api/1) in slowed"));
    let shades = |name: &str| charts[name].matches("opacity=\"0.1\"").count();
    assert_eq!((shades("compare-p99"), shades("slowed/latency")), (0, 1));
    // The page tells it, too.
    let page = reports::page::html(&report, &reports::charts::all(&report));
    assert!(page.contains("<td class=\"text\">slowed</td><td>1s</td><td>2s</td>"));
    // What is checked differs between them.
    assert!(charts["compare-checks"].contains("latency p99"));
}

/// Down three times for 100 ms, and 250 times for 1 ms; and something that would happen after the
/// traffic, which ends at 4 s while requests go on.
#[test]
fn what_happens_again_is_drawn_and_what_never_did_is_said() {
    let line = |often: &str, lasts: &str, name: &str| {
        format!(r#"(at: "0s", every: "{often}", for: "{lasts}", do: Crash("api"), as: "{name}")"#)
    };
    let lines = [line("1s", "100ms", "seldom"), line("15ms", "1ms", "often")];
    let late = line("4100ms", "1s", "late");
    let timeline = format!("timeline: [{}, {late}],\n    traffic", lines.join(", "));
    let text = LATE.replace("HELD", "3s").replacen("traffic", &timeline, 1);
    let report = report("again", &text, 1);
    let charts = reports::charts::all(&report);
    let page = reports::page::html(&report, &charts);
    let charts: BTreeMap<String, String> = charts.into_iter().collect();
    // From 1, 2.1 and 3.2 s on.
    let chart = &charts["rate"];
    assert_eq!(chart.matches("opacity=\"0.1\"").count(), 3);
    assert!(chart.contains("seldom, 3 times") && !chart.contains("often"));
    let plain = summary(&report, Style { unicode: false, colour: false });
    assert!(plain.contains("\n    never             late\n"), "{plain}");
    assert!(page.contains("<td class=\"text\">late</td><td class=\"text\"></td><td>never</td>"));
    let json = reports::result::json(&report);
    assert_eq!(json["actions"][2]["began_ns"], serde_json::Value::Null);
    assert_eq!(json["actions"][0]["began_ns"], 1_000_000_000_u64);
}

/// Eight threads use up in 25 ms what two cores grant in 100: four times as fast as on average,
/// which is no load of 400 %. There are 240 ms of work each second, of 2000: 12 %. The first node's
/// periods begin with the run: each request stands still from 25 ms to 100.
#[test]
fn nobody_is_busier_than_busy() {
    let text = r#"(
        name: "quota", duration: "10s", sample: "10ms",
        components: { "api": Service(cpu: 8, quota: (cores: 2), operations: { "get": [
            Parallel((), [PARTS]),
        ] }) },
        traffic: { "users": Open(rate: "1/s", arrivals: Even, to: "api.get") },
    )"#;
    let text = text.replace("PARTS", &[r#"[Work("30ms")]"#; 8].join(", "));
    let plain = summary(&report("quota", &text, 1), Style { unicode: false, colour: false });
    assert!(plain.contains("busy 100 % at its peak") && plain.contains("; 12 % on"), "{plain}");
    let throttled = "throttled   api: stood still 7.5 % of the time with its CPU quota used up";
    assert!(plain.contains(throttled), "{plain}");
}

/// 10/s for two seconds, each held for three: half of it ends after the traffic has.
const LATE: &str = r#"(
    name: "late", duration: "4s", settle: "60s", sample: "1s",
    components: {
        "api": Service(operations: { "get": [Wait("HELD")] }),
    },
    traffic: { "users": Open(rate: "10/s", arrivals: Even, to: "api.get") },
)"#;

/// That nobody asks any more is no outage: such charts end with the traffic, unless much of it
/// ends later: then they go on, and say where traffic ends.
#[test]
fn charts_of_users_end_with_their_traffic() {
    for (held, ends_late) in [("10ms", false), ("3s", true)] {
        let report = report(&format!("late-{held}"), &LATE.replace("HELD", held), 1);
        let charts: BTreeMap<String, String> = reports::charts::all(&report).into_iter().collect();
        assert_eq!(charts["rate"].contains("traffic ends"), ends_late, "{held}");
    }
}

/// Twenty requests in two seconds, all done, all done later, or all refused.
const THREE: &str = r#"(
    name: "three <b>", duration: "2s", sample: "1s",
    components: { "shop": Service(operations: { "buy": [Work("10ms")] }) },
    traffic: { "fans": Open(rate: "10/s", arrivals: Even, to: "shop.buy") },
    variants: {
        "fast": (),
        "slow": (components: { "shop": Service(operations: { "buy": [Work("40ms")] }) }),
        "down": (timeline: [(at: "0s", do: Crash("shop"))]),
    },
)"#;

#[test]
fn the_table_of_variants_is_what_can_be_worked_out() {
    let csv = reports::compare::csv(&report("three", THREE, 2));
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..6], ["variant", "requests", "done_per_s", "errors", "mean_ns", "p50_ns"]);
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{csv}");
    // Two seeds: 40 requests in four seconds.
    assert_eq!(rows[1][..4], ["fast", "40", "10", "0"]);
    assert_eq!(rows[2][..4], ["slow", "40", "10", "0"]);
    assert_eq!(rows[3][..4], ["down", "40", "0", "1"]);
    let mean = |row: usize| rows[row][4].parse::<f64>().unwrap();
    // Nobody waits for anybody, 100 ms apart: the difference is that of the work.
    assert!((mean(2) - mean(1) - 30e6).abs() < 1.0, "{csv}");
}

/// Whoever completes nothing is in the picture of what is completed, and has the colour that it
/// has in all others: black, blue, orange.
#[test]
fn a_variant_keeps_its_line_and_its_colour() {
    let report = report("colours", THREE, 1);
    let charts: BTreeMap<String, String> = reports::charts::all(&report).into_iter().collect();
    let orange = "#D55E00";
    for name in ["compare-completed", "compare-errors", "compare-p99"] {
        let svg = &charts[name];
        assert!(svg.contains("down") && svg.contains(orange), "{name}");
    }
    // Only one of them fails, and its dots are hollow.
    assert!(charts["compare"].contains("hollow: more than 1 % of these were errors"));
}

/// It can be mailed: nothing is fetched, nothing runs, and names cannot become tags.
#[test]
fn the_page_stands_alone() {
    let report = report("page", THREE, 1);
    let page = reports::page::html(&report, &reports::charts::all(&report));
    assert!(page.contains("three &lt;b&gt;") && !page.contains("<b>"));
    for banned in ["<script", "<link", "src=", "url(http", "@import"] {
        assert!(!page.contains(banned), "{banned}");
    }
    let addresses = page.matches("http").count();
    assert_eq!(addresses, page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    for name in ["fast", "slow", "down"] {
        assert!(page.contains(&format!("<td class=\"text\">{name}</td>")), "{name}");
    }
}

/// 20 fans each live through one journey of two calls: 20 requests, not 60.
#[test]
fn a_journey_is_one_request() {
    let json = reports::result::json(&report("journey", JOURNEY, 1));
    let count = |name: &str| json["latency"][name]["count"].as_u64().unwrap();
    assert_eq!(["all", "fans", "shop.buy"].map(count), [20, 20, 40]);
    assert_eq!(json["requests"]["completed"], 20);
    assert_eq!(json["outcomes"]["done"], 20);
}

/// More seeds than have lines of their own are summed up: no more seeds, no more lines.
#[test]
fn the_series_does_not_grow_with_many_seeds() {
    let text = small(40);
    let lines = |seeds| {
        let csv = series::csv(&report(&format!("series-{seeds}"), &text, seeds));
        let metric = |line: &&str| line.contains(",utilisation,");
        csv.lines().filter(metric).map(str::to_string).collect::<Vec<_>>()
    };
    let most = series::MOST_SEEDS as u64;
    let (each, summed, more) = (lines(most), lines(most + 1), lines(2 * most));
    // A group of two and its members, three intervals.
    assert_eq!(each.len(), 3 * 3 * series::MOST_SEEDS);
    assert_eq!(summed.len(), 3 * 3 * 3);
    assert_eq!(more.len(), summed.len());
    assert!(
        summed.iter().all(|line| [",mean,", ",min,", ",max,"].iter().any(|s| line.contains(s)))
    );
}

/// Nothing fails here, nothing queues in a topic, nothing is cached: no such charts.
#[test]
fn charts_name_actions_and_are_left_out_when_empty() {
    let text = small(20).replace("20ms", "1ms");
    let charts: BTreeMap<String, String> =
        reports::charts::all(&report("charts", &text, 1)).into_iter().collect();
    let drawn: Vec<&str> = charts.keys().map(String::as_str).collect();
    for absent in ["errors", "lag", "hit_ratio"] {
        assert!(!drawn.contains(&absent), "{drawn:?}");
    }
    for present in ["latency", "rate", "utilisation"] {
        assert!(charts[present].contains("Slow(api/1)"), "{present} does not name the action");
    }
}

/// What `result.json` says is what the histograms say, whatever the load and the seeds.
#[test]
fn percentiles_are_those_of_the_histogram() {
    let fields = [("p50_ns", 0.5), ("p90_ns", 0.9), ("p99_ns", 0.99), ("p999_ns", 0.999)];
    for (rate, seeds) in [(5, 1), (17, 3), (40, 2), (99, 1), (160, 3), (300, 2)] {
        let report = report("percentiles", &small(rate), seeds);
        let json = reports::result::json(&report);
        let mut took = Histogram::fine();
        for run in &report.variants[0].runs {
            took.merge(&run.operations["api.get"].took);
        }
        let shown = &json["latency"]["all"];
        for (field, q) in fields {
            assert_eq!(shown[field].as_u64(), Some(took.quantile(q)), "{field} at {rate}/s");
        }
        assert_eq!(shown["max_ns"].as_u64(), Some(took.max()));
        assert_eq!(shown["mean_ns"].as_f64(), Some(took.mean()));
        let requests = &json["requests"];
        let ends = ["completed", "denied", "failed"].map(|end| requests[end].as_u64().unwrap());
        let ended: u64 = ends.iter().sum();
        assert_eq!(shown["count"].as_u64(), Some(ended));
        let born = requests["generated"].as_u64().unwrap();
        assert_eq!(born, ended + requests["in_flight"].as_u64().unwrap());
    }
}
