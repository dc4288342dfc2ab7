//! All integration tests, in one binary.

mod catalogue;
mod cli;
mod collections;
mod determinism;
mod examples;
mod faults;
mod golden;
mod laws;
mod machines;
#[cfg(target_os = "linux")]
mod memory;
mod mutations;
mod readme;
mod rendering;
mod results;
mod settling;
mod shapes;
mod theory;
mod tidy;

use std::path::{Path, PathBuf};

/// Every shipped scenario, by its path below `scenarios`, in order.
fn scenarios() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let (mut found, mut folders) = (Vec::new(), vec![root.clone()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|it| it == "ron") {
                let name = entry.strip_prefix(&root).unwrap().display().to_string();
                found.push((name, entry));
            }
        }
    }
    found.sort();
    found
}
