//! Entries that move by script: a command takes 1 ms, there is no network, and keys belong to one
//! of two nodes by remainder.

use engine::{Action, Deed, Outcome, Span, Target, Time};

use super::fill_word;
use super::rules::Ops;
use crate::testing::{Line, Stage, heard, problems};

use Outcome::{Denied, Done};

fn ms(n: u64) -> Span {
    Span::millis(n)
}

/// Node 1 leaves at 10 ms and is back at 50 ms; meanwhile keys 1 to 4 are put into node 0. That
/// looks at 100 ms, packs keys 1 and 3 in 2 ms, and node 1 has them at 104 ms: 1 is there at
/// 111 ms. Key 2 has stayed. Without `moving`, node 1 misses a key that has moved.
#[test]
fn who_comes_back_gets_its_keys() {
    for (more, outcome, value, counts) in [
        (r#"moving: (rate: "1000/s")"#, Done, 8, [2, 1, 1]),
        (r#"moving: (rate: "1000/s", batch: 1)"#, Done, 8, [2, 1, 1]),
        ("", Denied, 0, [0, 1, 2]),
    ] {
        let text = format!(
            r#"{{ "it": Cache(nodes: 2, by: Modulo(key: "row"), access: Always("1ms"), {more}) }}"#
        );
        let mut stage = Stage::wired(&["row"], &text);
        let group = stage.builder.find("it").expect("the cache");
        let ops = Ops::new(|op| stage.builder.op(&format!("it.{op}")));
        for (name, at, present) in [("leave", 10, false), ("join", 50, true)] {
            let target = Target::Members { pool: vec![stage.member(group, 1)], pick: None };
            let (name, at, deed) = (name.into(), Time::ZERO + ms(at), Deed::Present(present));
            stage.builder.action(Action { name, at, lasts: None, target, deed });
        }
        let at = |member: u16, line: Line| Line { member, ..line };
        let mut lines: Vec<Line> =
            (1..=4).map(|key| Line::new(ms(20), ops.put, key, fill_word(key.into(), 7))).collect();
        lines[0].arg = fill_word(8, 7);
        lines.push(at(1, Line::new(ms(110), ops.get, 1, 0)));
        lines.push(at(0, Line::new(ms(110), ops.get, 2, 0)));
        lines.push(at(1, Line::new(ms(120), ops.get, 5, 0)));
        let log = stage.script(group, &lines);
        let mut world = stage.play(ms(500));
        let said: Vec<_> = heard(&log).into_iter().filter(|line| line.0 > 100).collect();
        let mut expected = [(111, 4, outcome, value), (111, 5, Done, 2), (121, 6, Denied, 0)];
        if said[0].1 == 5 {
            expected.swap(0, 1);
        }
        assert_eq!(said, expected, "{more}");
        let record = world.finish(0, &[]);
        let it = record.groups.iter().find(|group| group.name == "it").expect("it is there");
        let counted = ["taken", "cold", "misses"].map(|name| it.totals[name]);
        assert_eq!(counted, counts, "{more}");
        assert_eq!(it.totals["moved"], u64::from(outcome == Denied));
    }
}

#[test]
fn entries_that_cannot_move_are_named() {
    for (more, at, says) in [
        (r#"nodes: 2, by: Ring(key: "row"), moving: (rate: "0/s")"#, "moving.rate", "nothing"),
        (r#"nodes: 2, by: Ring(key: "row"), moving: (rate: "1/s", batch: 0)"#, "batch", "some"),
        (r#"key: "row", moving: (rate: "1/s")"#, "moving", "no `by`"),
        (r#"nodes: 2, by: Ring(key: "request"), moving: (rate: "1/s")"#, "moving", "no `by`"),
        (r#"nodes: 2, by: Ring(key: "row"), key: "other", moving: (rate: "1/s")"#, "moving", "by"),
    ] {
        let found = problems(&["row", "other"], "{}", &format!(r#"{{ "it": Cache({more}) }}"#));
        assert_eq!(found.len(), 1, "{more}: {found:?}");
        assert!(found[0].0.ends_with(at) && found[0].1.contains(says), "{more}: {found:?}");
    }
}

/// What can never keep anything, or never ends.
#[test]
fn caches_that_make_no_sense_are_named() {
    let load = r#"load: [Do("db", [Get("row")])]"#;
    let store = r#"store: [Do("db", [Set("row", (to: "value"))])]"#;
    for (more, at, says) in [
        (r#"memory: "1B""#.to_string(), "memory", "smallest object takes"),
        (r#"memory: "1MiB", size: Always("2MiB")"#.into(), "memory", "smallest object"),
        (r#"memory: "1MiB", overhead: "10GiB""#.into(), "memory", "smallest object"),
        (r#"ttl_denied: "5us""#.into(), "ttl_denied", "one command takes"),
        (r#"ttl: "1s", early: "100s""#.into(), "early", "before the time is always"),
        (format!(r#"writes: Behind(every: "1ns"), {store}"#), "every", "1ms at most"),
        (r#"tune: (every: "1ns", most: 20_000)"#.into(), "every", "1ms at most"),
        (format!(r#"memory: "2KiB", {load}"#), "", ""),
    ] {
        let components = format!(
            r#"{{ "it": Cache(key: "row", {more}),
                  "db": Database(tables: {{ "row": Table(key: "row", rows: 10) }}) }}"#
        );
        let found = problems(&["row"], "{}", &components);
        let right = match found.as_slice() {
            [] => says.is_empty(),
            [(place, message)] => place.ends_with(at) && message.contains(says),
            _ => false,
        };
        assert!(right, "{more}: {found:?}");
    }
}
