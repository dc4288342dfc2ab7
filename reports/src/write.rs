//! The folder of results: every file in one place, the same bytes for the same runs.

use std::fmt;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde_json::json;

use crate::{Report, charts, compare, hlog, page, result, series, topology};

/// What belongs to the machine, and the list of all files.
const META: &str = "meta.json";

/// A file that could not be written.
#[derive(Debug)]
pub struct WriteError {
    /// Which one.
    pub path: PathBuf,
    /// Why.
    pub why: std::io::Error,
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot write `{}`: {}", self.path.display(), self.why)
    }
}

/// What belongs to the machine and not to the run: it goes into `meta.json` and nowhere else.
#[derive(Clone, Debug, Default)]
pub struct Meta {
    /// How long all runs took together, by the wall clock.
    pub wall_seconds: f64,
    /// How many threads ran them.
    pub jobs: usize,
    /// The version of the program.
    pub version: String,
}

/// Makes the folder, takes away what a former run left there, and shows that it can be written to,
/// before anything is run for it.
pub fn prepare(folder: &Path) -> Result<(), WriteError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |why| WriteError { path, why }
    };
    fs::create_dir_all(folder).map_err(at(folder))?;
    former(folder);
    let probe = folder.join("result.json");
    fs::write(&probe, "{}\n").map_err(at(&probe))
}

/// Removes the files that a former run wrote, by its own list, and the folders that they leave
/// empty. Whatever else is there stays.
fn former(folder: &Path) {
    let list = fs::read(folder.join(META)).unwrap_or_default();
    let list: serde_json::Value = serde_json::from_slice(&list).unwrap_or_default();
    let names = list["files"].as_array().into_iter().flatten().filter_map(|name| name.as_str());
    // No list leads out of its folder.
    let inside =
        |name: &&str| Path::new(name).components().all(|c| matches!(c, Component::Normal(_)));
    for name in names.filter(inside) {
        // What is gone is gone, and what stays will be written over or complained of.
        let _ = fs::remove_file(folder.join(name));
        for parent in Path::new(name).ancestors().skip(1).filter(|it| *it != Path::new("")) {
            let _ = fs::remove_dir(folder.join(parent));
        }
    }
}

/// Writes all files of a report. Returns where they are, in the order in which they were written.
pub fn write_all(report: &Report, meta: &Meta, folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("result.json".into(), pretty(&result::json(report))),
        ("scenario.effective.ron".into(), report.effective.clone().into_bytes()),
        ("series.csv".into(), series::csv(report).into_bytes()),
        ("latency.hlog".into(), hlog::log(report).into_bytes()),
        ("latency.hgrm".into(), hlog::percentiles(report).into_bytes()),
        ("topology.svg".into(), topology::svg(report, &report.variants[0]).into_bytes()),
    ];
    let drawn = charts::all(report);
    files.push(("report.html".into(), page::html(report, &drawn).into_bytes()));
    if report.variants.len() > 1 {
        files.push(("compare.csv".into(), compare::csv(report).into_bytes()));
    }
    files.extend(report.variants.iter().filter_map(|variant| {
        let name = format!("charts/{}/topology.svg", variant.name.as_ref()?);
        Some((name, topology::svg(report, variant).into_bytes()))
    }));
    files.extend(
        drawn.into_iter().map(|(name, svg)| (format!("charts/{name}.svg"), svg.into_bytes())),
    );
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let meta = pretty(&meta_json(report, meta, &names));
    files.push((META.into(), meta));
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        let saved = fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes));
        saved.map_err(|why| WriteError { path: path.clone(), why })?;
        written.push(path);
    }
    Ok(written)
}

fn pretty(value: &serde_json::Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).expect("a tree of plain values");
    bytes.push(b'\n');
    bytes
}

fn meta_json(report: &Report, meta: &Meta, files: &[&str]) -> serde_json::Value {
    let events: u64 = report.runs().map(|run| run.events).sum();
    let requests: u64 = report.runs().map(|run| run.requests.generated).sum();
    let wall = meta.wall_seconds.max(1e-9);
    json!({
        "wall_seconds": meta.wall_seconds,
        "events_per_second": events as f64 / wall,
        "requests_per_second": requests as f64 / wall,
        "jobs": meta.jobs,
        "version": meta.version,
        "files": files,
    })
}
