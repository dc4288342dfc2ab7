//! After the traffic a world may run dry; once nothing is left to happen there is nothing to wait
//! for.

use engine::RunRecord;

use crate::theory::measure;

/// Traffic for a second, and up to ten minutes to settle.
fn played(service: &str) -> RunRecord {
    let text = format!(
        "(duration: \"1s\", settle: \"10m\", components: {{ \"s\": Service({service}) }},
          traffic: {{ \"users\": Open(rate: \"10/s\", arrivals: Even, to: \"s.get\") }})"
    );
    measure(&text, 1).remove(0)
}

/// A run is looked at two hundred times: every 3.005 s here.
#[test]
fn a_run_ends_when_nothing_is_left_to_happen() {
    let record = played("operations: { \"get\": [Wait(\"1ms\")] }");
    assert!(record.ended.as_secs() <= 3.005, "{}", record.ended);
    // The last request came at 0.9 s.
    let record = played("operations: { \"get\": [Wait(\"60s\")] }");
    assert_eq!(record.requests.in_flight, 0);
    assert!((60.9..=63.905).contains(&record.ended.as_secs()), "{}", record.ended);
}

#[test]
fn what_is_done_by_the_clock_goes_on() {
    let record = played(
        "operations: { \"get\": [Wait(\"1ms\")] },
         jobs: { \"tick\": Every(\"1s\", [Count(\"ticks\")]) }",
    );
    assert!(record.ended.as_secs() > 600.0, "{}", record.ended);
    assert!((600..=601).contains(&record.counters["ticks"]), "{}", record.counters["ticks"]);
}
