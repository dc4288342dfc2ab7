//! How much of the time collections of the whole heap take, against the formula: A bytes a second
//! allocated, L alive of H, c of collection per byte alive are A · c · L / (H − L).

use engine::Outcome;
use engine::record::RunRecord;

use crate::theory::measure;

/// So many seconds of 200 requests a second, of 1 MB and 1 us each, one after the other, at a heap
/// of 1 GB with so many MB alive; a collection takes 1 s for each GB.
fn played(alive: u64, secs: u64) -> RunRecord {
    let text = format!(
        r#"(
        duration: "{secs}s",
        components: {{ "s": Service(
            server: Threads(workers: 1, queue: 1_000_000),
            memory: (base: "{alive}MB", heap: (size: "1GB", allocates: "1MB", young: "0B")),
            operations: {{ "get": [Work("1us")] }},
        ) }},
        traffic: {{ "users": Open(rate: "200/s", to: "s.get") }},
    )"#
    );
    measure(&text, 1).remove(0)
}

fn collections(record: &RunRecord) -> u64 {
    let group = record.groups.iter().find(|group| group.name == "s").expect("it is there");
    group.totals["full_collections"]
}

/// Everyone who comes at a bad time waits: their share is that of the time, and those few for whom
/// a collection is made (one for each that there is). How many come in all pauses, 10 000 at the
/// least, varies by 1 % of itself: 4 % is four times that.
#[test]
fn overhead_is_as_the_formula_has_it() {
    for (alive, overhead) in [(200, 0.05), (500, 0.2), (667, 0.4006), (750, 0.6)] {
        let record = played(alive, 1000);
        let generated = record.requests.generated;
        let full = collections(&record);
        assert_eq!(full, (generated - 1) / (1000 - alive), "one whenever the heap is full");
        let took = &record.operations["s.get"].took;
        let late: u64 =
            took.buckets().filter(|&(low, ..)| low > 2_000).map(|(_, _, count)| count).sum();
        let share = (late - full) as f64 / generated as f64;
        assert!((share / overhead - 1.0).abs() < 0.04, "{alive}: {share}, not {overhead}");
        // And by the time that they take, which is exact but for who comes.
        let time = full as f64 * alive as f64 / 1e3 / 1000.0;
        assert!((time / overhead - 1.0).abs() < 0.02, "{alive}: {time}, not {overhead}");
    }
}

/// With 950 MB alive the formula says 380 %: nobody can wait for that. 50 requests for each pause
/// of 950 ms are 52.63 a second, of 200: 10 526 in 200 s, and up to 50 more or less.
#[test]
fn beyond_all_of_the_time_the_rest_is_served_between_pauses() {
    let record = played(950, 200);
    let done = record.operations["s.get"].outcomes.of(Outcome::Done);
    assert!((10_476..=10_576).contains(&done), "{done}");
}
