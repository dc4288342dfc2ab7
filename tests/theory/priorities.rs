//! Classes of importance: who waits for whom, with and without interruption; and servers that do
//! something else whenever nobody waits.

use engine::RunRecord;

use super::{Percent, Plan, Table, mean, operation, printed};

/// One class of requests: how many come in a unit of time, and how long each takes.
#[derive(Clone, Copy)]
struct Class {
    rate: f64,
    mean: f64,
    /// The second moment of the service time over its mean squared: 2 exponential, 1 constant.
    moment: f64,
}

impl Class {
    fn exponential(rate: f64, mean: f64) -> Class {
        Class { rate, mean, moment: 2.0 }
    }

    fn load(self) -> f64 {
        self.rate * self.mean
    }

    /// The work that is left, on average, of the one at work, if only this class were served.
    fn residual(self) -> f64 {
        self.rate * self.moment * self.mean * self.mean / 2.0
    }
}

/// The load of those who go before class `k`, and of those and itself.
fn loads(classes: &[Class], k: usize) -> (f64, f64) {
    let before: f64 = classes[..k].iter().map(|class| class.load()).sum();
    (before, before + classes[k].load())
}

fn residual(classes: &[Class]) -> f64 {
    classes.iter().map(|class| class.residual()).sum()
}

/// Cobham (1954): the mean wait of class `k` if nobody is interrupted.
fn cobham(classes: &[Class], k: usize) -> f64 {
    let (before, with) = loads(classes, k);
    residual(classes) / ((1.0 - before) * (1.0 - with))
}

/// Kleinrock, Queueing Systems II, chapter 3: the mean time in the system of class `k` if whoever
/// is more important interrupts it, and it goes on where it was.
fn preemptive(classes: &[Class], k: usize) -> f64 {
    let (before, with) = loads(classes, k);
    let waits = residual(&classes[..=k]) / (1.0 - with);
    (classes[k].mean + waits) / (1.0 - before)
}

/// Pollaczek and Khinchine: the mean wait of everybody in order of arrival.
fn in_turn(classes: &[Class]) -> f64 {
    let (_, load) = loads(classes, classes.len() - 1);
    residual(classes) / (1.0 - load)
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// A service with an operation for each class, the most important first; `steps` is what stands
/// before the work.
fn play(classes: &[Class], server: &str, steps: &str, customers: f64) -> Vec<RunRecord> {
    let rate: f64 = classes.iter().map(|class| class.rate).sum();
    let each = |wanted: &dyn Fn(&str, Class) -> String| {
        let all = NAMES.iter().zip(classes).map(|(name, class)| wanted(name, *class));
        all.collect::<Vec<String>>().join(", ")
    };
    let operations = each(&|name, class| {
        let law = if class.moment == 1.0 { "Always" } else { "Exp" };
        format!("\"{name}\": [{steps} Work({law}(\"{}ns\"))]", class.mean * 1e6)
    });
    let mix = each(&|name, class| format!("\"s.{name}\": {}", class.rate));
    Plan {
        components: &format!("\"s\": Service({server}, operations: {{ {operations} }})"),
        more: "",
        want: &format!("mix: {{ {mix} }}"),
        rate,
        warmup: 500.0,
        customers,
        samples: 200.0,
    }
    .play()
}

/// One thread, and those that wait for it in such an order; answered when work begins, so that
/// users see the wait alone.
fn waits(classes: &[Class], order: &str) -> Vec<RunRecord> {
    let server = format!("server: Threads(workers: 1, queue: 1000000, order: {order})");
    play(classes, &server, "Reply,", 200_000.0)
}

fn took(record: &RunRecord, class: usize) -> f64 {
    mean(&operation(record, &format!("s.{}", NAMES[class])).took)
}

const BY_IMPORTANCE: &str = "Priority([\"a\", \"b\"])";

/// The lowest class, which waits for all others, is allowed three percent instead of two.
fn each_class(
    table: &mut Table,
    what: &str,
    classes: &[Class],
    runs: &[RunRecord],
    truth: impl Fn(&[Class], usize) -> f64,
) {
    for (k, name) in NAMES.iter().enumerate().take(classes.len()) {
        let within = if k + 1 == classes.len() { Percent(3.0) } else { Percent(2.0) };
        let name = format!("{what}, class {name}");
        table.row(&name, truth(classes, k), within, runs, |r| took(r, k));
    }
}

fn three() -> [Class; 3] {
    [0.2, 0.3, 0.3].map(|rate| Class::exponential(rate, 1.0))
}

/// Few long ones among many short ones.
fn two() -> [Class; 2] {
    [Class::exponential(0.4, 0.5), Class::exponential(0.1, 4.0)]
}

#[test]
fn a09_the_more_important_first() {
    let (three, two) = (three(), two());
    let constant = two.map(|class| Class { moment: 1.0, ..class });
    for (k, wait) in [1.0, 2.0, 8.0].into_iter().enumerate() {
        printed(cobham(&three, k), wait);
    }
    for (k, (exponential, fixed)) in [(2.125, 1.0625), (5.3125, 2.65625)].into_iter().enumerate() {
        printed(cobham(&two, k), exponential);
        printed(cobham(&constant, k), fixed);
    }
    printed(in_turn(&two), 4.25);
    let mut table = Table::new("A09 priorities");
    let runs = waits(&three, BY_IMPORTANCE);
    each_class(&mut table, "three E[Wq]", &three, &runs, cobham);
    // Whatever the order: what waits, as work.
    let all = three.iter().map(|class| class.load()).sum::<f64>() * in_turn(&three);
    printed(all, 3.2);
    let work = |r: &RunRecord| (0..3).map(|k| three[k].load() * took(r, k)).sum();
    table.row("three, sum of rho E[Wq]", all, Percent(2.0), &runs, work);
    let runs = waits(&two, "Priority([\"a\"])");
    each_class(&mut table, "two E[Wq]", &two, &runs, cobham);
    let runs = waits(&two, "Fifo");
    each_class(&mut table, "two in turn E[Wq]", &two, &runs, |classes, _| in_turn(classes));
    let runs = waits(&constant, "Priority([\"a\"])");
    each_class(&mut table, "two constant E[Wq]", &constant, &runs, cobham);
    table.close();
}

#[test]
fn a09_the_more_important_interrupts() {
    let (three, two) = (three(), two());
    for (k, time) in [1.25, 2.5, 10.0].into_iter().enumerate() {
        printed(preemptive(&three, k), time);
    }
    for (k, time) in [0.625, 10.3125].into_iter().enumerate() {
        printed(preemptive(&two, k), time);
    }
    let mut table = Table::new("A09 preemptive resume");
    let runs = play(&three, "cpu: 1, preempt: [\"a\", \"b\"]", "", 200_000.0);
    each_class(&mut table, "three E[T]", &three, &runs, preemptive);
    let runs = play(&two, "cpu: 1, preempt: [\"a\"]", "", 200_000.0);
    each_class(&mut table, "two E[T]", &two, &runs, preemptive);
    table.close();
}

/// A server that takes a vacation when nobody waits, and another if nobody has come meanwhile, is
/// one with a user who always wants something less important: it is served whenever nobody else
/// waits, and not interrupted. Fuhrmann and Cooper (1985): the wait of M/G/1 and what is left of
/// a vacation, E[V²] / 2 E[V].
#[test]
fn a18_vacations() {
    let truth = |rho: f64, moment: f64| rho / (1.0 - rho) + moment * 2.0 / 2.0;
    for (rho, exponential, fixed) in [(0.5, 3.0, 2.0), (0.8, 6.0, 5.0)] {
        printed(truth(rho, 2.0), exponential);
        printed(truth(rho, 1.0), fixed);
    }
    let mut table = Table::new("A18 vacations");
    for (rho, law, moment) in
        [(0.5, "Exp", 2.0), (0.5, "Always", 1.0), (0.8, "Exp", 2.0), (0.8, "Always", 1.0)]
    {
        let components = format!(
            "\"s\": Service(
              server: Threads(workers: 1, queue: 1000000, order: Priority([\"get\"])),
              operations: {{ \"get\": [Reply, Work(Exp(\"1ms\"))],
                             \"away\": [Wait({law}(\"2ms\"))] }})"
        );
        let runs = Plan {
            components: &components,
            more: "",
            // A second source of traffic behind the first.
            want: "to: \"s.get\"), \"vacations\": Closed(users: 1, to: \"s.away\"",
            rate: rho,
            warmup: 500.0,
            customers: 150_000.0,
            samples: 200.0,
        }
        .play();
        let what = format!("{law}(2) rho={rho} E[Wq]");
        let wait = |r: &RunRecord| mean(&operation(r, "s.get").took);
        table.row(&what, truth(rho, moment), Percent(2.0), &runs, wait);
    }
    table.close();
}
