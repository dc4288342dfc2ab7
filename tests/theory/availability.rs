//! So many of so many must be there: independent failures, and such as zones have in common.
//!
//! First whether something is there is drawn anew for each request: what is looked at is the share
//! of requests for which enough of them were, as of moments far apart. Then processes crash and
//! come back at random times, with the same shares of the time.

use engine::{Outcome, RunRecord};

use super::{Percent, Plan, SEEDS, Table, length, measure, operation, printed, share};

/// At least k of n that are each there with probability p.
fn at_least(k: u32, n: u32, p: f64) -> f64 {
    let choose = |j: u32| (0..j).fold(1.0, |c, i| c * f64::from(n - i) / f64::from(i + 1));
    let exactly =
        |j: u32| choose(j) * libm::pow(p, f64::from(j)) * libm::pow(1.0 - p, f64::from(n - j));
    (k..=n).map(exactly).sum()
}

/// Requests do `steps` with something that is missing so often, and in zones that are.
fn play(steps: &str, missing: &str, more: &str, customers: f64) -> Vec<RunRecord> {
    Plan {
        components: &format!(
            "\"it\": Service(operations: {{ \"get\": [Chance(\"{missing}\", [Fail(\"down\")])] }}),
             \"root\": Service(operations: {{ \"get\": [{steps}] }})"
        ),
        more,
        want: "to: \"root.get\"",
        rate: 10.0,
        warmup: 1.0,
        customers,
        samples: 50.0,
    }
    .play()
}

fn unavailable(record: &RunRecord) -> f64 {
    1.0 - share(operation(record, "root.get"), Outcome::Done)
}

#[test]
fn i01_enough_of_many() {
    printed(at_least(2, 3, 0.99), 0.999702);
    printed(at_least(8, 10, 0.95), 0.9884964);
    printed(at_least(1, 2, 0.99), 0.9999);
    let mut table = Table::new("I01 k of n");
    for (k, n, missing, p, customers) in
        [(1, 2, "1%", 0.99, 100_000.0), (2, 3, "1%", 0.99, 80_000.0), (8, 10, "5%", 0.95, 10_000.0)]
    {
        let asked = vec!["[Call(\"it.get\")]"; n as usize].join(", ");
        let steps = format!("Parallel((wait: Quorum({k})), [{asked}])");
        let runs = play(&steps, missing, "", customers);
        let truth = 1.0 - at_least(k, n, p);
        table.row(&format!("{k} of {n} at {p}"), truth, Percent(10.0), &runs, unavailable);
    }
    for (links, missing, p, customers) in
        [(5, "0.1%", 0.999, 40_000.0), (30, "0.01%", 0.9999, 20_000.0)]
    {
        let steps = vec!["Call(\"it.get\")"; links].join(", ");
        let runs = play(&steps, missing, "", customers);
        let truth = 1.0 - libm::pow(p, links as f64);
        table.row(&format!("{links} in a row at {p}"), truth, Percent(10.0), &runs, unavailable);
    }
    table.close();
}

/// Two of three replicas of 99 %, in zones of 99.9 %: each in its own, or all in one.
#[test]
fn i02_zones_fail_as_a_whole() {
    let (replica, zone) = (0.99, 0.999);
    let apart = at_least(2, 3, zone * replica);
    let together = zone * at_least(2, 3, replica);
    printed(apart, 0.9996403);
    printed(together, 0.9987023);
    let draws = "draws: { \"a\": Uniform(1000), \"b\": Uniform(1000), \"c\": Uniform(1000) },";
    let replica = |zone: &str| {
        format!("[If(\"{zone} == 0\", [Fail(\"the zone is down\")]), Call(\"it.get\")]")
    };
    let mut table = Table::new("I02 zones");
    for (case, zones, truth) in
        [("apart", ["a", "b", "c"], apart), ("together", ["a", "a", "a"], together)]
    {
        let asked = zones.map(replica).join(", ");
        let steps = format!("Parallel((wait: Quorum(2)), [{asked}])");
        let runs = play(&steps, "1%", draws, 80_000.0);
        table.row(case, 1.0 - truth, Percent(10.0), &runs, unavailable);
    }
    table.close();
}

/// A process of crashes: the mean times between them and to repair, in hours, and whom it meets.
type Process<'a> = (f64, f64, &'a str);

/// Users ask all replicas now and then, and `need` of them must answer. Ninety years pass, or a
/// part of that.
fn crashes(replicas: u32, need: u32, zones: &str, actions: &[Process<'_>]) -> Vec<RunRecord> {
    let lines = actions.iter().map(|(up, down, whom)| {
        format!("(at: \"0s\", every: Exp(\"{up}h\"), for: Exp(\"{down}h\"), do: Crash(\"{whom}\"))")
    });
    let text = format!(
        "(duration: \"{}h\", sample: \"20000h\", zones: [{zones}], timeline: [{}],
          components: {{ \"it\": Service(replicas: {replicas},
            operations: {{ \"get\": [Wait(\"1ms\")] }}) }},
          traffic: {{ \"users\": Open(rate: \"1/h\",
            journey: [Scatter(\"it.get\", (need: {need}))]) }})",
        200_000.0 * length(),
        lines.collect::<Vec<_>>().join(", "),
    );
    measure(&text, SEEDS)
}

fn missed(record: &RunRecord) -> f64 {
    1.0 - share(operation(record, "users"), Outcome::Done)
}

/// Mean times between failures and to repair, as in [`i01_enough_of_many`].
#[test]
fn i01_enough_of_many_that_crash() {
    let up = 1000.0 / 1002.0;
    printed(up, 0.998004);
    let mut table = Table::new("I01 crashes");
    let truth = 1.0 - up;
    let runs = crashes(1, 1, "", &[(1000.0, 2.0, "it")]);
    table.row("one, MTBF 1000 h, MTTR 2 h", truth, Percent(10.0), &runs, missed);
    let runs = crashes(3, 2, "", &[(9.9, 0.1, "each of it")]);
    table.row("2 of 3 at 0.99", 1.0 - at_least(2, 3, 0.99), Percent(10.0), &runs, missed);
    table.close();
}

/// As in [`i02_zones_fail_as_a_whole`]: three replicas in three zones, or in one.
#[test]
fn i02_zones_that_crash() {
    let (apart, together) = (at_least(2, 3, 0.999 * 0.99), 0.999 * at_least(2, 3, 0.99));
    let replicas = (9.9, 0.1, "each of it");
    let zone = |whom| (99.9, 0.1, whom);
    let mut table = Table::new("I02 crashes");
    let all = [replicas, zone("zone:a"), zone("zone:b"), zone("zone:c")];
    let runs = crashes(3, 2, "\"a\", \"b\", \"c\"", &all);
    table.row("apart", 1.0 - apart, Percent(10.0), &runs, missed);
    let runs = crashes(3, 2, "\"a\"", &[replicas, zone("zone:a")]);
    table.row("together", 1.0 - together, Percent(10.0), &runs, missed);
    table.close();
}
