//! The house style where a machine can see it: lengths, opening words, banned names, and which
//! package may know which.

use std::path::{Path, PathBuf};

const MOST_LINES: usize = 400;
const MOST_COLUMNS: usize = 100;
const LONGEST_FUNCTION: usize = 70;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// All Rust files of the repository with their text, by path.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> =
        ["sim", "models", "reports", "tests", "benches"].map(|folder| root().join(folder)).into();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Functions, each with its first line and how many lines it has. Formatted code ends a function
/// with a brace as deep as the line it began on.
fn functions(text: &str) -> Vec<(usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let depth = |line: &str| line.len() - line.trim_start().len();
    let begins = |line: &str| {
        let words = line.split_whitespace();
        words.take_while(|word| !word.contains('(') || word.starts_with("pub(")).any(|w| w == "fn")
    };
    let begun = lines.iter().enumerate().filter(|(_, line)| begins(line));
    let length = |(start, line): (usize, &&str)| {
        let rest = lines[start..].iter();
        let end = rest.take_while(|next| next.trim() != "}" || depth(next) != depth(line)).count();
        let one_line = line.trim_end().ends_with(['}', ';']);
        (start + 1, if one_line { 1 } else { end + 1 })
    };
    begun.map(length).collect()
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut long = Vec::new();
    for (name, text) in sources() {
        if !text.starts_with("//!") {
            long.push(format!("{name}: does not open with `//!`"));
        }
        let lines = text.lines().count();
        if lines > MOST_LINES {
            long.push(format!("{name}: {lines} lines"));
        }
        let wide = text.lines().enumerate().filter(|(_, l)| l.chars().count() > MOST_COLUMNS);
        long.extend(wide.map(|(at, _)| format!("{name}:{}: a wide line", at + 1)));
        let deep = functions(&text).into_iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION);
        long.extend(deep.map(|(at, lines)| format!("{name}:{at}: a function of {lines} lines")));
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

/// Joined here, so that this file does not hold what it looks for.
#[test]
fn nothing_banned_is_written() {
    let banned = [
        ("Hash", "Map<", "iteration order is random"),
        ("Hash", "Set<", "iteration order is random"),
        ("thread_", "rng", "randomness comes from named streams"),
        ("to", "do!(", "finish it"),
        ("un", "implemented!(", "finish it"),
        ("#[", "allow(", "repair it, or expect it with a reason"),
        ("d", "bg!(", "not for users"),
        ("un", "safe {", "not here"),
    ];
    let mut found = Vec::new();
    for (name, text) in sources() {
        for (head, tail, why) in banned {
            let word = format!("{head}{tail}");
            let lines = text
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains(&word) && !line.trim_start().starts_with("//"));
            found.extend(lines.map(|(at, _)| format!("{name}:{}: `{word}`: {why}", at + 1)));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// engine ← models, engine ← reports, and `sim` above all three.
#[test]
fn packages_lean_one_way() {
    let allowed: [(&str, &[&str]); 4] = [
        ("sim/engine", &[]),
        ("models", &["sim-engine"]),
        ("reports", &["sim-engine"]),
        ("sim", &["sim-engine", "sim-models", "sim-reports"]),
    ];
    for (package, may) in allowed {
        let text = std::fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let dependencies = text.split("[dependencies]").nth(1).unwrap_or("");
        let dependencies = dependencies.split("\n[").next().unwrap();
        for other in ["sim-engine", "sim-models", "sim-reports"] {
            let has = dependencies.contains(&format!("package = \"{other}\""));
            assert!(!has || may.contains(&other), "{package} must not know {other}");
        }
    }
}
