//! What memory does to a process, by scripts worked out by hand. Nothing takes time on the way.

use std::collections::BTreeMap;

use engine::{Outcome, RunRecord, Span};

use crate::testing::{Line, Stage, heard, problems};

use Outcome::{Done, Refused, Reset, Shed};

type Heard = (u64, usize, Outcome);

/// What calls at these times (in ms) to a service hear, as `(at, which, outcome)`, and the record.
fn recorded(service: &str, calls: &[u64]) -> (Vec<Heard>, RunRecord) {
    let mut stage = Stage::wired(&[], &format!(r#"{{ "it": Service({service}) }}"#));
    let it = stage.builder.find("it").expect("it is there");
    let op = stage.builder.op("it.get");
    let lines: Vec<Line> = calls.iter().map(|&at| Line::new(Span::millis(at), op, 1, 0)).collect();
    let log = stage.script(it, &lines);
    let record = stage.play(Span::secs(60)).finish(0, &[]);
    let mut heard: Vec<_> =
        heard(&log).into_iter().map(|(at, line, outcome, _)| (at, line, outcome)).collect();
    heard.sort_by_key(|&(at, line, _)| (at, line));
    (heard, record)
}

/// The same, and what the service has counted.
fn played(service: &str, calls: &[u64]) -> (Vec<Heard>, BTreeMap<String, u64>) {
    let (heard, record) = recorded(service, calls);
    let group = record.groups.into_iter().find(|group| group.name == "it");
    (heard, group.expect("it is there").totals.into_iter().collect())
}

fn total(totals: &BTreeMap<String, u64>, name: &str) -> u64 {
    *totals.get(name).expect("it is counted")
}

/// 100 MB and 100 MB a request, for 2.5 s each: the third within 2.5 s is above 350 MB. That is at
/// 2 s; it is back at once. Then at 5 s, and back after 3 s; then at 10.5 s, and back after 4 s,
/// as 6 s is more than the most.
#[test]
fn above_the_limit_a_process_is_killed_and_starts_again_later_and_later() {
    let service = r#"
        memory: (limit: "350MB", base: "100MB", request: "100MB",
                 back_off: (first: "3s", most: "4s")),
        operations: { "get": [Wait(Always("2500ms"))] }"#;
    let calls = [0, 1000, 2000, 3000, 4000, 5000, 6000, 7900, 8500, 9500, 10_500, 14_400, 14_600];
    let (heard, totals) = played(service, &calls);
    let reset = |at, lines: [usize; 3]| lines.map(|line| (at, line, Reset));
    let expected = [
        &reset(2000, [0, 1, 2])[..],
        &reset(5000, [3, 4, 5]),
        &[(6000, 6, Refused), (7900, 7, Refused)],
        &reset(10_500, [8, 9, 10]),
        &[(14_400, 11, Refused), (17_100, 12, Done)],
    ];
    assert_eq!(heard, expected.concat());
    assert_eq!((total(&totals, "oom_kills"), total(&totals, "out_of_memory")), (3, 0));
}

/// Two at once are too much. Killed at 1 ms, and back at once; killed at 1.501 s, and away for 3 s:
/// at the ends of the seconds between there is no process that holds anything.
#[test]
fn who_is_away_holds_nothing() {
    let service = r#"
        memory: (limit: "200MB", base: "100MB", request: "60MB", back_off: (first: "3s")),
        operations: { "get": [Wait(Always("2500ms"))] }"#;
    let (_, record) = recorded(service, &[0, 1, 1500, 1501]);
    let column = record.series.columns.iter().find(|column| column.metric == "memory");
    let values = &column.expect("it is seen").values;
    assert_eq!(values[..5], [100e6, 0.0, 0.0, 0.0, 100e6]);
}

/// The first end is at 2 s; the second, at 8 s, is 6 s after the start: too long ago to count, so
/// that it is back at once.
#[test]
fn who_has_run_for_long_begins_anew() {
    let service = r#"
        memory: (limit: "350MB", base: "100MB", request: "100MB",
                 back_off: (first: "3s", forget: "5s")),
        operations: { "get": [Wait(Always("2500ms"))] }"#;
    let (heard, _) = played(service, &[0, 1000, 2000, 6000, 7000, 8000, 8100]);
    assert_eq!(heard.last(), Some(&(10_600, 6, Done)));
}

/// Those that wait hold memory too: with one at work and one waiting, the third is too much. With
/// room for one it is shed, and all is well.
#[test]
fn those_that_wait_hold_memory() {
    let service = |queue: u32| {
        format!(
            r#"server: Threads(workers: 1, queue: {queue}),
            memory: (limit: "350MB", base: "100MB", request: "100MB"),
            operations: {{ "get": [Wait(Always("2500ms"))] }}"#
        )
    };
    let (heard, totals) = played(&service(5), &[0, 100, 200]);
    assert_eq!(heard, [(200, 0, Reset), (200, 1, Reset), (200, 2, Reset)]);
    assert_eq!(total(&totals, "oom_kills"), 1);
    let (heard, totals) = played(&service(1), &[0, 100, 200]);
    assert_eq!(heard, [(200, 2, Shed), (2500, 0, Done), (5000, 1, Done)]);
    assert_eq!(total(&totals, "oom_kills"), 0);
}

/// It is killed at 200 ms and starts for 1 s, during which it refuses.
#[test]
fn it_starts_up_after_it_was_killed() {
    let service = r#"
        start_up: Always("1s"), memory: (limit: "350MB", base: "100MB", request: "100MB"),
        operations: { "get": [Wait(Always("2500ms"))] }"#;
    let (heard, _) = played(service, &[0, 100, 200, 1100, 1300]);
    assert_eq!(heard[3..], [(1100, 3, Refused), (3800, 4, Done)]);
}

/// Ten requests of 10 MB fill 100 MB: the 11th, at 100 ms, waits 5 ms for a collection, the 21st
/// too. Nothing survives.
#[test]
fn young_collections_come_when_the_young_space_is_full() {
    let service = r#"
        memory: (heap: (size: "1GB", allocates: "10MB", young: "100MB")),
        operations: { "get": [Work(Always("1ms"))] }"#;
    let calls: Vec<u64> = (0..25).map(|number| number * 10).collect();
    let (heard, totals) = played(service, &calls);
    let late = |number: usize| if number == 10 || number == 20 { 5 } else { 0 };
    let done = |number: usize| (number as u64 * 10 + 1 + late(number), number, Done);
    assert_eq!(heard, (0..25).map(done).collect::<Vec<_>>());
    assert_eq!(total(&totals, "young_collections"), 2);
    assert_eq!(total(&totals, "full_collections"), 0);
}

/// Each request takes 45 ms, of which it holds 1 MB: at 100 ms, four others are alive, and copied
/// in 4 ms on top of 5. The one of 60 ms, due at 105 ms, is answered at 109 ms. Of 100 MB the four
/// take 4: nine requests fit, and the tenth, at 190 ms, has another collection: the one of 150 ms,
/// due at 195 ms, is answered at 199 ms.
#[test]
fn survivors_make_a_collection_longer() {
    let service = r#"
        memory: (request: "1MB", heap: (size: "1GB", allocates: "10MB", young: "100MB")),
        operations: { "get": [Wait(Always("45ms"))] }"#;
    let calls: Vec<u64> = (0..21).map(|number| number * 10).collect();
    let (heard, totals) = played(service, &calls);
    assert_eq!(heard[5..8], [(95, 5, Done), (109, 6, Done), (115, 7, Done)]);
    assert_eq!(heard[14..17], [(185, 14, Done), (199, 15, Done), (205, 16, Done)]);
    assert_eq!(total(&totals, "young_collections"), 2);
}

/// One space of 100 MB, of which 40 MB are alive: three requests of 20 MB fill it, the fourth
/// waits 40 ms, 1 s for each GB.
#[test]
fn collections_of_the_whole_take_time_by_what_is_alive() {
    let service = r#"
        memory: (base: "40MB", heap: (size: "100MB", allocates: "20MB", young: "0B")),
        operations: { "get": [Work(Always("1ms"))] }"#;
    let (heard, totals) = played(service, &[0, 100, 200, 300, 310, 400, 500, 600]);
    let at: Vec<u64> = heard.iter().map(|&(at, ..)| at).collect();
    assert_eq!(at, [1, 101, 201, 341, 341, 401, 541, 601]);
    assert_eq!(total(&totals, "full_collections"), 2);
}

/// Requests of 50 MB that never end, a second apart. Two fill the young space; the survivors' has
/// no room, so that the third moves both on (5 ms, and 100 ms for 100 MB), and so on up to the
/// 19th: 900 MB are old. The 21st finds no room for two more, and all of the heap alive.
#[test]
fn a_heap_that_cannot_hold_what_is_alive_ends_the_process() {
    let service = r#"
        memory: (request: "50MB",
                 heap: (size: "1GB", allocates: "50MB", young: "100MB", survivors: "0B")),
        operations: { "get": [Wait(Always("1h"))] }"#;
    let calls: Vec<u64> = (0..21).map(|number| number * 1000).collect();
    let (heard, totals) = played(service, &calls);
    let reset: Vec<_> = (0..21).map(|number| (20_000, number, Reset)).collect();
    assert_eq!(heard, reset);
    let seen = ["young_collections", "full_collections", "oom_kills", "out_of_memory"];
    assert_eq!(seen.map(|name| total(&totals, name)), [9, 0, 0, 1]);
}

/// A heap of 1 GB in a container of 500 MB: it grows by 60 MB a request, alive or not, and the
/// eighth (480 + 60 MB) is above the limit before anything was collected.
#[test]
fn a_heap_larger_than_the_limit_is_killed_before_it_is_collected() {
    let service = r#"
        memory: (limit: "500MB", base: "60MB",
                 heap: (size: "1GB", allocates: "60MB", young: "600MB")),
        operations: { "get": [Work(Always("1ms"))] }"#;
    let calls: Vec<u64> = (0..9).map(|number| number * 100).collect();
    let (heard, totals) = played(service, &calls);
    assert_eq!(heard[6..], [(601, 6, Done), (700, 7, Reset), (801, 8, Done)]);
    assert_eq!(total(&totals, "oom_kills"), 1);
    assert_eq!(total(&totals, "young_collections"), 0);
}

/// Four records of four partitions are fetched at once and worked on at once; there is room for
/// three: it is killed, starts again, and is killed again. With three threads it is not.
#[test]
fn records_hold_memory() {
    for (threads, kills) in [(4, true), (3, false)] {
        let text = format!(
            r#"{{
            "web": Service(operations: {{ "say": [Publish("posts")] }}),
            "posts": Topic(key: "post", partitions: 4),
            "it": Service(
                memory: (limit: "450MB", base: "100MB", request: "100MB"),
                consumes: {{ "posts": [Wait(Always("1s"))] }}, consumer: (threads: {threads}),
            ),
        }}"#
        );
        let mut stage = Stage::wired(&["post"], &text);
        let web = stage.builder.find("web").expect("it is there");
        let op = stage.builder.op("web.say");
        let lines: Vec<Line> = (0..40).map(|key| Line::new(Span::ZERO, op, key, 0)).collect();
        stage.script(web, &lines);
        let record = stage.play(Span::secs(50)).finish(0, &[]);
        let it = record.groups.into_iter().find(|group| group.name == "it");
        let oom_kills = it.expect("it is there").totals["oom_kills"];
        assert_eq!(oom_kills > 1, kills, "{threads}: {oom_kills}");
        assert_eq!(record.logs["posts"].lag["it"] == 0, !kills, "{threads}");
    }
}

/// Records and runs of jobs count: from 1 s to 3.5 s a job leaves room for one call.
#[test]
fn jobs_hold_memory() {
    let service = r#"
        memory: (limit: "350MB", base: "100MB", request: "100MB"),
        jobs: { "tidy": Every("1s", [Wait(Always("2500ms"))]) },
        operations: { "get": [Wait(Always("300ms"))] }"#;
    let (heard, _) = played(service, &[500, 600, 1500, 1600]);
    let expected = [(800, 0, Done), (900, 1, Done), (1600, 2, Reset), (1600, 3, Reset)];
    assert_eq!(heard, expected);
}

#[test]
fn what_makes_no_sense_is_named() {
    for (memory, place, says) in [
        (
            r#"limit: "100MB", base: "100MB", request: "1MB""#,
            "limit",
            "`base` and one request are above the limit: it is killed at once",
        ),
        (
            r#"limit: "100MB", base: "50MB", heap: (size: "1GB", allocates: "60MB")"#,
            "limit",
            "`base` and one request are above the limit: it is killed at once",
        ),
        (
            r#"limit: "100MB", base: "50MB""#,
            "limit",
            "requests that hold nothing never reach the limit; \
             say what each holds: request: \"2MB\"",
        ),
        (
            r#"base: "2GB", heap: (size: "1GB", allocates: "1MB")"#,
            "heap.size",
            "the heap is smaller than what is alive in it without any requests",
        ),
        (
            r#"base: "900MB", heap: (size: "1GB", allocates: "200MB", young: "0B")"#,
            "heap.size",
            "a heap without room for what one request allocates",
        ),
        (
            r#"heap: (size: "1GB", allocates: "0B")"#,
            "heap.allocates",
            "requests that allocate nothing leave nothing to collect",
        ),
        (
            r#"request: "2MB", heap: (size: "1GB", allocates: "1MB")"#,
            "heap.allocates",
            "a request holds no more than it allocates",
        ),
        (
            r#"heap: (size: "1GB", allocates: "1MB", young: "2GB")"#,
            "heap.young",
            "the young space is a part of the heap",
        ),
        (
            r#"heap: (size: "1GB", allocates: "2MB", young: "1MB")"#,
            "heap.young",
            "the young space holds what one request allocates",
        ),
        (
            r#"heap: (size: "1GB", allocates: "2MB", young: "10MB", survivors: "11MB")"#,
            "heap.survivors",
            "the survivors' space is a part of the young one",
        ),
        (
            r#"request: "1MB", back_off: (first: "10m")"#,
            "back_off.most",
            "`most` is less than `first`",
        ),
    ] {
        let service =
            format!(r#"{{ "it": Service(memory: ({memory}), operations: {{ "get": [] }}) }}"#);
        let found = problems(&[], "{}", &service);
        let place = format!("memory.{place}");
        let found: Vec<(&str, &str)> =
            found.iter().map(|(at, message)| (at.as_str(), message.as_str())).collect();
        assert_eq!(found, [(place.as_str(), says)], "{memory}");
    }
}
