//! What is wrong with a check before anything runs.

use engine::record::{GroupRecord, MemberRecord};
use engine::{RunRecord, Span, Time};

use super::{SECOND, check, quiet};
use crate::check::bind::{Names, bind};

fn blank() -> RunRecord {
    let member = |index: u32| MemberRecord {
        name: format!("db/{index}"),
        zone: String::new(),
        arrived: 0,
        turned_away: 0,
        busy: Span(0),
        servers: 0,
        queue_max: 0.0,
    };
    let members = (0..2).map(member).collect();
    let db = GroupRecord {
        name: "db".into(),
        kind: "Database".into(),
        totals: Default::default(),
        members,
    };
    let logs = [("events".to_string(), Default::default())].into();
    RunRecord { groups: vec![db], logs, ..quiet(0) }
}

fn wrong(text: &str) -> Vec<String> {
    let (blank, every) = (blank(), Span(SECOND));
    let (traffic, end) = (Time(6 * SECOND), Time(8 * SECOND));
    let names = Names { blank: &blank, actions: &[], variants: &[], traffic, end, every };
    bind(&check(text), &names).errors.into_iter().map(|it| it.message).collect()
}

/// Calls are counted between components, not between their replicas: that none were counted of a
/// replica would look like a pass.
#[test]
fn calls_are_known_of_whole_components() {
    assert_eq!(wrong("work{db} < 5"), [""; 0]);
    assert_eq!(wrong("queue{db/1} max < 5"), [""; 0]);
    for text in ["work{db/1} < 5", "wasted{db/1} < 5"] {
        assert_eq!(wrong(text), ["there is no component `db/1`"], "{text}");
    }
}

/// A plain number is one of the end, or of the whole run; a part of the run has many.
#[test]
fn a_window_has_more_than_one_level() {
    let said = "a part of the run has more than one `lag`";
    assert_eq!(wrong("lag{events} < 5 during 2s..4s"), [said]);
    assert_eq!(wrong("lag{events} < 5 after 2s"), [said]);
    assert_eq!(wrong("lag{events} max < 5 during 2s..4s"), [""; 0]);
    assert_eq!(wrong("lag{events} = 0 at end"), [""; 0]);
    let said = "a part of the run has more than one `hit_ratio`";
    assert_eq!(wrong("hit_ratio{db} > 5% before 4s"), [said]);
    assert_eq!(wrong("requests > 5 before 4s"), [""; 0]);
}

/// Traffic stops at 6 s, the run at 8 s: after 6 s there is nothing that `after` could mean.
#[test]
fn after_is_before_the_end_of_traffic() {
    assert_eq!(wrong("requests > 5 after 5s"), [""; 0]);
    let said = "traffic ends at 6s: `after` reaches no further";
    assert_eq!(wrong("requests > 5 after 6s"), [said]);
    assert_eq!(wrong("requests > 5 during 6s..8s"), [""; 0]);
    assert_eq!(wrong("requests > 5 after 8s"), ["the run ends at 8s"]);
}
