//! The four jobs of `scenarios/bench` as whole processes, one core: reading, running, judging and
//! writing results. `cargo bench -p sim --bench jobs` prints requests a second, the best of five,
//! beside the calibrator.

mod calibrator;

use std::path::Path;
use std::process::{Command, Stdio};

use calibrator::{best_of_five, calibrator};

/// The millions of requests a job generates: `storm` counts those of its own calls alone.
const JOBS: [(&str, f64, &[&str]); 4] = [
    ("mm1", 2.0, &[]),
    ("lb16", 2.0, &[]),
    ("web-tier", 1.0, &[]),
    ("storm", 0.3, &["--variant", "own-calls"]),
];

fn play(job: &str, more: &[&str]) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = root.join(format!("scenarios/bench/{job}.ron"));
    let out = std::env::temp_dir().join(format!("sim-bench-{job}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.arg("run").arg(file).args(["--jobs", "1", "--quiet", "--out"]).arg(&out).args(more);
    // Whether its checks pass is for the tests: the checks of one variant may need the others.
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("sim runs");
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let unit = calibrator(4_000_000);
    println!("calibrator (plain 4-ary heap, 1000 pending)  {unit:6.2} M events/s");
    for (job, millions, more) in JOBS {
        let rate = millions / best_of_five(|| play(job, more));
        println!("{job:<9} {rate:6.2} M requests/s  {:5.3} × calibrator", rate / unit);
    }
}
