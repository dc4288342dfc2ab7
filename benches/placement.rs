//! Finding the member that keeps a key: a thousand members with 150 points each, beside the
//! calibrator. A look-up is a table or a binary search; none may look at all members, but
//! rendezvous hashing, which is here to show what that costs.
//!
//! `cargo bench -p sim-models --bench placement` prints millions of look-ups a second, the best of
//! five.

mod calibrator;

use calibrator::{best_of_five, calibrator};
use models::policy::balance::maglev::Maglev;
use models::policy::placement::Placement;
use models::policy::placement::ketama::{digests, ketama};
use models::policy::placement::ranges::Ranges;
use models::policy::ring::{Ring, scatter};

const MEMBERS: u16 = 1000;

/// Millions of look-ups a second.
fn rate(keys: u64, mut member: impl FnMut(u64) -> u16) -> f64 {
    let seconds = best_of_five(|| {
        let sum: u64 = (0..keys).map(|key| u64::from(member(scatter(key)))).sum();
        std::hint::black_box(sum);
    });
    keys as f64 / seconds / 1e6
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let all: Vec<u16> = (0..MEMBERS).collect();
    let unit = calibrator(4_000_000);
    println!("calibrator (plain 4-ary heap, 1000 pending)  {unit:6.1} M/s");
    let show = |what: &str, rate: f64| println!("{what:<45}{rate:6.1} M/s  {:5.2}", rate / unit);

    let ring = Ring::new(MEMBERS, 150);
    show(
        "ring, 1000 members x 150 points",
        rate(4_000_000, |key| ring.member(key, |_| true).expect("all serve")),
    );
    let names: Vec<String> = all.iter().map(|member| format!("node-{member}")).collect();
    let digests = digests(&vec![1; MEMBERS.into()]);
    let continuum = ketama(names.iter().map(String::as_str).zip(digests));
    show(
        "ketama, 1000 members x 160 points (MD5)",
        rate(400_000, |key| continuum.member(key, |_| true).expect("all serve")),
    );
    let mut maglev = Maglev::new(100_003);
    maglev.member(0, &all);
    show("Maglev, table of 100 003", rate(4_000_000, |key| maglev.member(key, &all)));
    let jump = Placement::Jump(all.clone());
    show("jump", rate(1_000_000, |key| jump.member(key)));
    let slots = Placement::slots("user:", MEMBERS);
    show("Redis slots (CRC-16)", rate(1_000_000, |key| slots.member(key)));
    let below: Vec<u64> = (1..1000).map(|n| n * (u64::MAX / 1000)).collect();
    let ranges = Placement::Range(Ranges::split(&below));
    show("ranges", rate(4_000_000, |key| ranges.member(key)));
    let rendezvous = Placement::Rendezvous(all);
    show("rendezvous (looks at all)", rate(20_000, |key| rendezvous.member(key)));
}
