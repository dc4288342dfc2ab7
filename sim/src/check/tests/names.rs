//! What is wrong with a check before anything runs.

use engine::record::{Column, GroupRecord, MemberRecord};
use engine::{RunRecord, Span, Time};

use super::{SECOND, check, quiet};
use crate::check::bind::{Names, bind};

fn blank() -> RunRecord {
    let member = |name: &str, index: u32| MemberRecord {
        name: format!("{name}/{index}"),
        zone: String::new(),
        arrived: 0,
        counted: 0,
        turned_away: 0,
        busy: Span(0),
        servers: 0.0,
        queue_max: 0.0,
    };
    let group = |name: &str, size, totals: &[&str]| GroupRecord {
        name: name.into(),
        kind: "Database".into(),
        totals: totals.iter().map(|total| (total.to_string(), 0)).collect(),
        members: (0..size).map(|index| member(name, index)).collect(),
    };
    let groups = vec![
        group("db", 2, &["hits", "misses"]),
        group("many", 17, &[]),
        group("one", 1, &["evicted"]),
    ];
    let logs = [("events".to_string(), Default::default())].into();
    let mut record = RunRecord { groups, logs, ..quiet(1) };
    let lines = [("db", ""), ("db", "db/0"), ("db", "db/1"), ("many", ""), ("one", "")];
    record.series.columns = lines.map(|(component, member)| column(component, member)).to_vec();
    record
}

fn column(component: &str, member: &str) -> Column {
    Column {
        component: component.into(),
        member: member.into(),
        metric: "queue".into(),
        unit: String::new(),
        values: vec![0.0],
    }
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

/// What is never measured is told before anything runs.
#[test]
fn what_nobody_measures_is_a_mistake() {
    assert_eq!(wrong("queue{many} max < 5"), [""; 0]);
    assert_eq!(wrong("queue{one/0} max < 5"), [""; 0]);
    let said = "`many` has 17 members, too many to watch each of them";
    assert_eq!(wrong("queue{many/3} max < 5"), [said]);
    assert_eq!(wrong("entries{db} max < 5"), ["`db` has no `entries`"]);
    assert_eq!(wrong("imbalance{one} < 2"), ["`one` has only one member"]);
    assert_eq!(wrong("hit_ratio{db} > 1%"), [""; 0]);
    assert_eq!(wrong("hit_ratio{one} > 1%"), ["`one` looks nothing up"]);
    // Hits are counted of all nodes together.
    assert_eq!(wrong("hit_ratio{db/1} > 1%"), ["there is no component `db/1`"]);
    assert_eq!(wrong("tally{component=one, of=evicted} = 0"), [""; 0]);
    let said = "there is no count of `db` called `evicted`";
    assert_eq!(wrong("tally{component=db, of=evicted} = 0"), [said]);
}
