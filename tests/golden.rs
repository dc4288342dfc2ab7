//! Golden digests: the fingerprint of the beginning of every shipped scenario, each variant, one
//! seed. They prove nothing but that nothing has changed; whoever changes one says why under
//! *Changed behaviour* in CHANGELOG.md.

use std::fmt::Write as _;
use std::path::Path;

use engine::Span;
use sim::prepare::{Wishes, prepare};
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
