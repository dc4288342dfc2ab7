//! The four jobs of `scenarios/bench` as whole processes, one core: reading, running, judging and
//! writing results. `cargo bench -p sim --bench jobs` prints requests a second, the best of five,
//! beside the calibrator.

mod calibrator;

use std::path::Path;
use std::process::{Command, Stdio};

use calibrator::{best_of_five, calibrator};

/// The millions of requests that users make in a job: in `storm` 0.3 in each of three variants.
const JOBS: [(&str, f64); 4] = [("mm1", 2.0), ("lb16", 2.0), ("web-tier", 1.0), ("storm", 0.9)];

fn play(job: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let file = root.join(format!("scenarios/bench/{job}.ron"));
    let out = std::env::temp_dir().join(format!("sim-bench-{job}"));
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.arg("run").arg(file).args(["--jobs", "1", "--quiet", "--out"]).arg(&out);
    let ended = command.stdout(Stdio::null()).status().expect("sim runs");
    assert!(ended.success(), "{job}: {ended}");
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    let unit = calibrator(4_000_000);
    println!("calibrator (plain 4-ary heap, 1000 pending)  {unit:6.2} M events/s");
    for (job, millions) in JOBS {
        let rate = millions / best_of_five(|| play(job));
        println!("{job:<9} {rate:6.2} M requests/s  {:5.3} × calibrator", rate / unit);
    }
}
