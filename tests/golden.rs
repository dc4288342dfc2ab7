//! Golden digests: the fingerprint of the beginning of every shipped scenario, each variant, one
//! seed; and the README's pictures. They prove nothing but that nothing has changed; whoever changes one says why under
//! *Changed behaviour* in CHANGELOG.md.

use std::fmt::Write as _;
use std::path::Path;

use engine::Span;
use sim::prepare::{Wishes, prepare};
use sim::report::report;
use sim::sweep::sweep;
use sim::text::Diagnostics;

use crate::scenarios;

/// Long enough for faults and caches to play a part, short enough for every test run.
const UNTIL: Span = Span::secs(100);

#[test]
fn digests_are_those_of_yesterday() {
    let mut digests = String::new();
    for (name, file) in scenarios() {
        let wishes = Wishes { until: Some(UNTIL), ..Wishes::default() };
        let mut diagnostics = Diagnostics::default();
        let prepared = prepare(Path::new(&file), &wishes, &mut diagnostics);
        let prepared = prepared.unwrap_or_else(|| panic!("{}", diagnostics.render()));
        let runs = sweep(&prepared.variants, &[prepared.seed], &[], 2, &|_, _| {}).unwrap();
        for ((variant, _), runs) in prepared.variants.iter().zip(&runs) {
            let record = &runs.records[0];
            let (digest, events) = (record.digest, record.events);
            let _ = writeln!(digests, "{name} [{variant}] {digest:016x} after {events} events");
        }
    }
    insta::assert_snapshot!(digests);
}

/// The README's pictures, and the chart that each is of.
const PICTURES: [(&str, &str, &str); 2] = [
    ("flash-sale.ron", "latency", "flash-sale-latency.svg"),
    ("balancing/black-hole.ron", "compare", "balancing-black-hole.svg"),
];

/// As `INSTA_UPDATE=always` renews the digests, so it does the pictures.
#[test]
fn pictures_are_those_of_their_scenarios() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let renew = std::env::var("INSTA_UPDATE").is_ok_and(|value| value == "always");
    for (scenario, chart, picture) in PICTURES {
        let file = root.join("scenarios").join(scenario);
        let mut diagnostics = Diagnostics::default();
        let prepared = prepare(&file, &Wishes::default(), &mut diagnostics);
        let prepared = prepared.unwrap_or_else(|| panic!("{}", diagnostics.render()));
        let runs = sweep(&prepared.variants, &[prepared.seed], &[], 2, &|_, _| {}).unwrap();
        let report = report(&prepared, runs, &[], (String::new(), String::new()));
        let charts = reports::charts::all(&report);
        let (_, drawn) = charts.iter().find(|(name, _)| name == chart).expect("the chart");
        let shown = root.join("docs").join(picture);
        if renew {
            std::fs::write(&shown, drawn).unwrap();
        }
        // Not the two texts: they are long.
        assert!(std::fs::read_to_string(&shown).unwrap() == *drawn, "docs/{picture} is stale");
    }
}
