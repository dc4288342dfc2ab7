//! Small worlds drawn by chance, as text: services before stores, gateways before services,
//! impatient callers, faults.

use std::collections::BTreeMap;

/// A scenario, and what is known of it.
pub struct Drawn {
    /// As a file would say it.
    pub text: String,
    /// How many may wait at each member of a component.
    pub bounds: BTreeMap<String, f64>,
    /// Where the ends of users' requests are written down.
    pub users: Vec<String>,
}

/// Chance enough for drawing worlds (SplitMix64, Steele, Lea and Flood 2014).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both possible.
    fn number(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.number(1, n) == 1
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.number(0, from.len() as u64 - 1) as usize]
    }
}

impl Drawn {
    /// The world of this seed.
    pub fn new(seed: u64) -> Drawn {
        let mut chance = Chance(seed);
        let mut bounds = BTreeMap::new();
        let services = chance.number(1, 4);
        let cache = chance.one_in(2);
        let database = cache || chance.one_in(2);
        let gateway = chance.one_in(2);
        let mut components = Vec::new();
        for index in 0..services {
            let calls = if index + 1 < services { Some(index + 1) } else { None };
            let store = if cache { 2 } else { u64::from(database) };
            components.push(service(&mut chance, index, calls, store, &mut bounds));
        }
        if cache {
            let (nodes, ttl) = (chance.number(1, 3), chance.number(10, 1000));
            let (coalesce, capacity) = (chance.one_in(2), chance.number(1, 60));
            components.push(format!(
                "\"cache\": Cache(nodes: {nodes}, by: Ring(key: \"item\"), ttl: \"{ttl}ms\",
                  capacity: {capacity}, coalesce: {coalesce})"
            ));
        }
        if database {
            let (connections, queue) = (chance.number(1, 8), chance.number(0, 50));
            bounds.insert("db".to_string(), queue as f64);
            components.push(format!(
                "\"db\": Database(connections: {connections}, queue: {queue},
                  statement: Exp(\"2ms\"), commit: Group(fsync: Exp(\"1ms\")),
                  tables: {{ \"item\": Table(key: \"item\", rows: 100, value: 20) }})"
            ));
        }
        if gateway {
            let (replicas, proxy) = (chance.number(1, 2), chance.pick(&["Call", "Forward"]));
            components.push(format!(
                "\"edge\": Gateway(replicas: {replicas}, routes: {{ \"/\": \"s0\" }},
                  proxy: {proxy})"
            ));
        }
        // A gateway that passes calls on makes none of its own, and has nothing to heed.
        let passes_on = components.iter().any(|it| it.contains("proxy: Forward"));
        let front = if gateway { "edge" } else { "s0" };
        let (traffic, users) = traffic(&mut chance, front);
        let timeline: Vec<String> =
            (0..chance.number(0, 3)).map(|_| fault(&mut chance, services)).collect();
        let delay = chance.pick(&["0ms", "1ms", "5ms"]);
        let text = format!(
            "(duration: \"1s\", settle: \"2m\", sample: \"20ms\", zones: [\"a\", \"b\"],
             network: (any: Exp(\"1us\"), internet: Always(\"{delay}\")),
             draws: {{ \"item\": Zipf(items: 100, exponent: 0.9) }},
             components: {{ {} }},
             policies: {{ \"default\": {}, \"s0\": {} }},
             traffic: {{ {traffic} }},
             timeline: [{}])",
            components.join(",\n  "),
            policy(&mut chance),
            Some(policy(&mut chance)).filter(|_| !passes_on).unwrap_or("()".to_string()),
            timeline.join(",\n  ")
        );
        Drawn { text, bounds, users }
    }
}

fn work(chance: &mut Chance) -> String {
    let mean = chance.number(100, 6000);
    match chance.number(0, 3) {
        0 => format!("Always(\"{mean}us\")"),
        1 => format!("Exp(\"{mean}us\")"),
        2 => format!("LogNormal(mean: \"{mean}us\", cv: 2.0)"),
        _ => format!("Hyper(mean: \"{mean}us\", scv: 5.0)"),
    }
}

/// Steps: some work, and what the service asks of others. `store` 1 is a database, 2 one behind
/// a cache.
fn steps(chance: &mut Chance, calls: Option<u64>, store: u64) -> String {
    let mut steps = vec![format!("Work({})", work(chance))];
    let next = calls.map(|other| format!("Call(\"s{other}.get\")"));
    match (next, chance.number(0, 4)) {
        (Some(next), 0) => steps.push(format!("Parallel((wait: Any), [[{next}], [{next}]])")),
        (Some(next), 1) => steps.push(format!(
            "Parallel((wait: Quorum(2), timeout: \"60ms\"), [[{next}], [{next}], [{next}]])"
        )),
        (Some(next), 2) => steps.push(format!("Try([{next}], (else: [Count(\"rescued\")]))")),
        (Some(next), 3) => steps.push(format!("Chance(\"40%\", [{next}, Reply, {next}])")),
        (Some(next), _) => steps.push(next),
        (None, _) => {}
    }
    let get = "Do(\"db\", [Get(\"item\")])";
    match (store, chance.number(0, 3)) {
        (1 | 2, 0) => steps.push("Do(\"db\", [Take(\"item\")])".to_string()),
        (1, _) => steps.push(get.to_string()),
        (2, _) => {
            steps.push(format!("Read(\"item\", (through: [\"cache\"], miss: [{get}]))"));
        }
        _ => steps.push(format!("Wait({})", work(chance))),
    }
    steps.join(", ")
}

fn service(
    chance: &mut Chance,
    index: u64,
    calls: Option<u64>,
    store: u64,
    bounds: &mut BTreeMap<String, f64>,
) -> String {
    let (replicas, workers, queue) =
        (chance.number(1, 3), chance.number(1, 6), chance.number(0, 40));
    let server = match chance.number(0, 2) {
        0 => {
            bounds.insert(format!("s{index}"), 0.0);
            "EventLoop".to_string()
        }
        _ => {
            bounds.insert(format!("s{index}"), queue as f64);
            let order = chance.pick(&["Fifo", "Lifo"]);
            format!("Threads(workers: {workers}, queue: {queue}, order: {order})")
        }
    };
    let cpu = if chance.one_in(2) { "cpu: 2, " } else { "" };
    let drop_left = chance.one_in(2);
    let steps = steps(chance, calls, store);
    format!(
        "\"s{index}\": Service(replicas: {replicas}, {cpu}server: {server},
          drop_left: {drop_left}, operations: {{ \"get\": [{steps}] }})"
    )
}

/// Everybody loses patience some time, so that every world comes to rest.
fn policy(chance: &mut Chance) -> String {
    let (timeout, attempts) = (chance.number(5, 200), chance.number(1, 4));
    let cancel = chance.one_in(2);
    let balance = chance.pick(&[
        "RoundRobin",
        "Random",
        "LeastRequest(choices: 2)",
        "Ring(key: \"item\", virtual_nodes: 20)",
    ]);
    let backoff = chance.pick(&[
        "None",
        "Fixed(\"2ms\")",
        "Exponential(base: \"1ms\", cap: \"20ms\", jitter: Full)",
        "Exponential(base: \"1ms\", cap: \"20ms\", jitter: Decorrelated)",
    ]);
    let budget = chance.pick(&["", ", budget: \"20%\""]);
    format!(
        "(timeout: \"{timeout}ms\", total: \"{}ms\", cancel: {cancel}, balance: {balance},
          retry: (attempts: {attempts}, backoff: {backoff}{budget}))",
        timeout * 3
    )
}

/// Users who come by the clock or in a loop; and where their ends are written down.
fn traffic(chance: &mut Chance, front: &str) -> (String, Vec<String>) {
    let rate = chance.number(20, 1500);
    let get = format!("{front}.get");
    match chance.number(0, 3) {
        0 => (
            format!("\"users\": Open(rate: \"{rate}/s\", arrivals: Even, to: \"{get}\")"),
            vec![get],
        ),
        1 => {
            let journey = format!("[Call(\"{get}\"), Wait(Exp(\"20ms\")), Try([Call(\"{get}\")])]");
            let text = format!("\"users\": Open(rate: \"{rate}/s\", journey: {journey})");
            (text, vec!["users".to_string()])
        }
        2 => {
            let users = chance.number(1, 60);
            let text = format!(
                "\"users\": Closed(users: {users}, think: Exp(\"5ms\"), ramp: \"50ms\",
                  to: \"{get}\")"
            );
            (text, vec![get])
        }
        _ => {
            let hold = format!("Hold(\"{rate}/s\", \"300ms\")");
            let legs = format!("[{hold}, Burst(200), Ramp(\"10/s\", \"200ms\")]");
            let text = format!("\"users\": Open(rate: {legs}, to: \"{get}\", timeout: \"80ms\")");
            (text, vec![get])
        }
    }
}

fn fault(chance: &mut Chance, services: u64) -> String {
    let (at, span) = (chance.number(100, 800), chance.number(1, 400));
    let whom = chance.number(0, services - 1);
    let act = match chance.number(0, 9) {
        0 => format!("Crash(\"s{whom}/0\")"),
        1 => format!("Crash(\"s{whom}/*\")"),
        2 => format!("Crash(\"s{whom}/0\", (silent: true))"),
        3 => format!("Restart(\"any 1 of s{whom}\")"),
        4 => format!("Pause(\"s{whom}/0\")"),
        5 => format!("Slow(\"s{whom}\", (times: 10.0))"),
        6 => format!("Errors(\"s{whom}\", (rate: \"30%\"))"),
        7 => format!("Cut(\"users <-> s{whom}/0\")"),
        8 => format!("Loss(\"users -> s{whom}\", (rate: \"20%\"))"),
        _ => format!("Delay(\"users <-> s{whom}\", (by: Exp(\"10ms\")))"),
    };
    format!("(at: \"{at}ms\", for: \"{span}ms\", do: {act}, as: \"fault at {at}\")")
}
