//! `sim run`: reads, plays, judges, writes.

use std::path::PathBuf;

use reports::summary::{reproduce, verdict};
use reports::{Meta, Style, Verdict, summary, write_all};
use sim::check::verdict::judge;
use sim::idle::idle_actions;
use sim::prepare::{Prepared, Wishes, prepare};
use sim::report::report;
use sim::run::SLICES;
use sim::sweep::{sweep, threads};
use sim::text::{Diagnostic, Diagnostics};

use super::args::{Check, Format, Run, Seeds};
use super::output::{Exit, complain, say, tell};
use super::wall::Wall;

/// How a run may end, the worst last.
const WORSE: [Exit; 5] = [Exit::Pass, Exit::Nothing, Exit::Fail, Exit::Invalid, Exit::Output];

/// Plays scenarios, one after the other; the worst of how they ended.
pub fn check(args: &Check) -> Exit {
    let ends: Vec<Exit> = args.runs().map(|args| run(&args)).collect();
    let worst = WORSE.into_iter().rev().find(|exit| ends.contains(exit));
    worst.unwrap_or(Exit::Pass)
}

/// Plays a scenario.
pub fn run(args: &Run) -> Exit {
    let mut diagnostics = Diagnostics::default();
    let until = args.until.map(|until| until.0);
    let wishes = Wishes { until, ..args.chosen.wishes() };
    let prepared = prepare(&args.scenario, &wishes, &mut diagnostics);
    complain(&diagnostics, args.format);
    let Some(prepared) = prepared else { return Exit::Invalid };
    let folder = args.out.clone().unwrap_or_else(|| folder(&prepared.name));
    if let Err(why) = reports::prepare(&folder) {
        tell(&format!("error: {why}\n"));
        return Exit::Output;
    }
    let seeds = seeds(args, &prepared);
    let jobs = match args.played.jobs {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        jobs => jobs,
    };
    let jobs = threads(jobs, seeds.len() * prepared.variants.len());
    let slices = SLICES * (seeds.len() * prepared.variants.len()) as u64;
    let wall = Wall::start(slices, args.quiet);
    let (variants, missing) = (&prepared.variants, &prepared.missing);
    let watch = |_, _| {
        wall.step();
        assert!(!args.broken, "`--broken` was asked for");
    };
    let played = sweep(variants, &seeds, missing, jobs, &watch);
    wall.clear();
    let runs = match played {
        Ok(runs) => runs,
        Err(problems) => {
            let told = problems
                .into_iter()
                .map(|problem| Diagnostic::error(problem.message).maybe_help(problem.help));
            let mut diagnostics = Diagnostics::default();
            diagnostics.found.extend(told);
            complain(&diagnostics, args.format);
            return Exit::Invalid;
        }
    };
    let mut idle = Diagnostics { sources: diagnostics.sources, found: Vec::new() };
    idle_actions(&prepared, &runs, &mut idle);
    complain(&idle, args.format);
    let judged = judge(&prepared.checks, &runs);
    let report =
        report(&prepared, runs, &judged, (args.file(), args.flags(&seeds, &args.chosen.variants)));
    let version = env!("CARGO_PKG_VERSION").to_string();
    let meta = Meta { wall_seconds: wall.seconds(), jobs, version };
    if let Err(why) = write_all(&report, &meta, &folder) {
        tell(&format!("error: {why}\n"));
        return Exit::Output;
    }
    if let Err(exit) = show(args, &report, &folder) {
        return exit;
    }
    match report.verdict() {
        _ if idle.fatal() => Exit::Invalid,
        Verdict::Fail => Exit::Fail,
        Verdict::NoSamples => Exit::Nothing,
        Verdict::Pass | Verdict::Inconclusive => Exit::Pass,
    }
}

/// The summary, or only what failed.
fn show(args: &Run, report: &reports::Report, folder: &std::path::Path) -> Result<(), Exit> {
    if args.format == Format::Json {
        return say(&format!("{:#}\n", reports::result::json(report)));
    }
    if args.quiet {
        let bad = report.checks.iter().filter(|check| check.verdict != Verdict::Pass);
        let line = |check: &reports::CheckRow| {
            let variant = check.variant.as_ref().map_or(String::new(), |v| format!(" [{v}]"));
            format!("{:?}: {}{variant}: {}\n", check.verdict, check.text, check.observed)
        };
        let mut told = bad.map(line).collect::<String>();
        if args.verdict {
            told += &format!("{}: {}\n", args.file(), verdict(report));
        }
        if args.verdict && report.verdict() != Verdict::Pass {
            told += &format!("{}\n", reproduce(report));
        }
        return say(&told);
    }
    let utf8 = |name| std::env::var(name).is_ok_and(|value| value.to_uppercase().contains("UTF"));
    let unicode = utf8("LC_ALL") || utf8("LC_CTYPE") || utf8("LANG");
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
    let colour = terminal && std::env::var_os("NO_COLOR").is_none();
    let text = summary(report, Style { unicode, colour });
    say(&format!("{text}results: {}\n", folder.display()))
}

/// Where results go without `--out`: a name without anything that a file system minds.
fn folder(name: &str) -> PathBuf {
    let plain = |c: char| if c.is_alphanumeric() || "-_".contains(c) { c } else { '-' };
    PathBuf::from("sim-results").join(name.chars().map(plain).collect::<String>())
}

fn seeds(args: &Run, prepared: &Prepared) -> Vec<u64> {
    let first = args.played.seed.unwrap_or(prepared.seed);
    let count = match args.played.seeds {
        Some(Seeds::Range(first, last)) => return (first..=last).collect(),
        Some(Seeds::Count(count)) => count,
        None if args.played.seed.is_some() => 1,
        None => prepared.seeds,
    };
    (0..u64::from(count)).map(|step| first.wrapping_add(step)).collect()
}
