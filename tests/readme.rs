//! What the first page shows is what the program does: the example, its picture and the other one,
//! and the mistake that is shown with its place.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sim(arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    command.current_dir(folder).env("LC_ALL", "C.UTF-8").args(arguments).output().unwrap()
}

/// The block of the page that begins with this line, without its fences.
fn block(first: &str) -> String {
    let page = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = page.split("```").skip(1).step_by(2);
    let mut bodies = blocks.map(|block| block.split_once('\n').unwrap().1);
    bodies.find(|body| body.starts_with(first)).expect(first).to_string()
}

/// Words of a line: how wide a column is depends on the lines that are left out.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// A picture of the page, drawn anew. `SIM_UPDATE=1` writes it.
#[track_caller]
fn picture(shown: &str, drawn: &Path) {
    let (file, drawn) = (root().join("docs").join(shown), std::fs::read(drawn).unwrap());
    if std::env::var_os("SIM_UPDATE").is_some() {
        std::fs::write(&file, &drawn).unwrap();
    }
    let same = std::fs::read(&file).unwrap() == drawn;
    assert!(same, "docs/{shown} is old: SIM_UPDATE=1 cargo test --test all readme");
}

/// Every line of the example is a line of what is printed, the digest included.
#[test]
fn the_example_is_what_is_printed() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme-flash-sale");
    let scenario = "scenarios/flash-sale.ron";
    let printed = sim(&["run", scenario, "--out", out.to_str().unwrap()], &root());
    let printed = String::from_utf8(printed.stdout).unwrap();
    let shown = block("CHECKS ");
    // Results went elsewhere.
    for line in shown.lines().filter(|line| !line.starts_with("results:")) {
        let there = printed.lines().any(|known| words(known).starts_with(&words(line)));
        assert!(there, "README.md shows\n{line}\nand the program prints\n{printed}");
    }
    picture("flash-sale-latency.svg", &out.join("charts/latency.svg"));
}

#[test]
fn the_comparison_is_what_is_drawn() {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme-black-hole");
    let scenario = "scenarios/balancing/black-hole.ron";
    sim(&["run", scenario, "--quiet", "--out", out.to_str().unwrap()], &root());
    picture("balancing-black-hole.svg", &out.join("charts/compare.svg"));
    let compared = std::fs::read_to_string(out.join("compare.csv")).unwrap();
    let page = std::fs::read_to_string(root().join("README.md")).unwrap();
    let rules = compared.lines().count() - 1;
    assert_eq!((rules, page.contains("under eighteen rules")), (18, true));
}

/// The line that is shown, at the place that is told, in a scenario around it.
#[test]
fn a_mistake_is_shown_as_the_page_shows_it() {
    let shown = block("error: ");
    let line = shown.lines().find_map(|line| line.strip_prefix("7 | ")).unwrap();
    let text = format!(
        r#"(
    draws: {{ "product": Uniform(10) }},
    components: {{
        "catalog": Database(tables: {{ "product": Table(key: "product", rows: 10) }}),
        "shop": Service(operations: {{
            "view": [
{line}
            ],
        }}),
    }},
    traffic: {{ "users": Open(rate: "1/s", to: "shop.view") }},
)
"#
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("readme-mistake");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("first.ron"), text).unwrap();
    let told = sim(&["validate", "first.ron"], &folder);
    assert_eq!(String::from_utf8(told.stderr).unwrap(), shown);
}
