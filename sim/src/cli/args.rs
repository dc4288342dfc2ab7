//! What can be written behind `sim`.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use models::units::Dur;
use sim::prepare::Wishes;

/// A deterministic simulator of distributed systems: same scenario, same seed, same numbers.
#[derive(Debug, Parser)]
#[command(name = "sim", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "\
Examples:
  sim run scenarios/flash-sale.ron
  sim run scenarios/flash-sale.ron --seeds 16 --set components.shop.replicas=4
  sim run scenarios/outbox.ron --variant outbox --out /tmp/outbox
  sim check scenarios/*.ron
  sim validate scenarios/*.ron
  sim components Cache

Exit codes:
  0 all checks pass   1 a check failed   2 wrong usage   3 invalid scenario
  4 nothing to judge (a metric had no samples)   70 a bug in sim   74 cannot write output";

const OF_RUN: &str = "\
Examples:
  sim run scenarios/flash-sale.ron                              one run, results in sim-results/
  sim run scenarios/flash-sale.ron --seeds 16 --jobs 2          sixteen runs, checks over all
  sim run scenarios/flash-sale.ron --set components.shop.replicas=4 --until 2m
  sim run scenarios/outbox.ron --variant outbox --quiet         only what failed
  sim run scenarios/outbox.ron --format json                    the summary for programs

Results go to stdout, progress and mistakes to stderr. Exit codes: see `sim --help`.";

const OF_CHECK: &str = "\
Examples:
  sim check scenarios/flash-sale.ron
  sim check scenarios/*.ron --seeds 4

Results are written as by `sim run`. Exit codes: of the worst; see `sim --help`.";

const OF_VALIDATE: &str = "\
Examples:
  sim validate scenarios/*.ron
  sim validate scenarios/outbox.ron --format json

Exit codes: 0 all can be played, 3 some cannot.";

const OF_COMPONENTS: &str = "\
Examples:
  sim components                    everything, a line each
  sim components Cache              one component: parameters, defaults, an example
  sim components Crash              one word of the language
  sim components latency            what a check can measure
  sim components Cache --format json

Exit codes: 0 found, 2 nothing is called so.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Plays a scenario, judges its checks and writes the results.
    #[command(after_help = OF_RUN)]
    Run(Run),
    /// Plays scenarios and tells of each what failed, and the verdict.
    #[command(alias = "test", after_help = OF_CHECK)]
    Check(Check),
    /// Reads scenarios and tells all mistakes, without playing them.
    #[command(after_help = OF_VALIDATE)]
    Validate {
        /// Scenario files.
        #[arg(required = true)]
        scenarios: Vec<PathBuf>,
        #[command(flatten)]
        chosen: Chosen,
        /// How mistakes are written
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Lists everything a scenario can say; with a name, all parameters of that.
    #[command(after_help = OF_COMPONENTS)]
    Components {
        /// A component (Cache), a part of scenarios (Policy), a word of them (Crash), or what
        /// checks measure (latency)
        name: Option<String>,
        /// How it is written
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
        /// The whole catalogue as a document
        #[arg(long, conflicts_with_all = ["name", "format"])]
        markdown: bool,
    },
}

/// What of a scenario, and what in place of what it says.
#[derive(Clone, Debug, Args)]
pub struct Chosen {
    /// Changes a value: components.shop.replicas=4
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub settings: Vec<String>,
    /// Only these variants
    #[arg(long = "variant", value_name = "NAME")]
    pub variants: Vec<String>,
}

impl Chosen {
    /// As the scenario is read.
    pub fn wishes(&self) -> Wishes {
        let (settings, variants) = (self.settings.clone(), self.variants.clone());
        Wishes { settings, variants, until: None }
    }
}

/// How often what is chosen is played.
#[derive(Clone, Copy, Debug, Args)]
pub struct Played {
    /// The first seed [default: the scenario's, else 1]
    #[arg(long)]
    pub seed: Option<u64>,
    /// So many runs with successive seeds, or the seeds A..B, both included
    #[arg(long, value_name = "K|A..B", value_parser = seeds)]
    pub seeds: Option<Seeds>,
    /// So many runs at a time [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub jobs: usize,
}

/// Options of `run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// The scenario file.
    pub scenario: PathBuf,
    #[command(flatten)]
    pub played: Played,
    #[command(flatten)]
    pub chosen: Chosen,
    /// Where results go [default: sim-results/NAME]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How the summary is written
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// No progress and no summary: only what failed
    #[arg(long, short)]
    pub quiet: bool,
    /// Ends the run at this simulated time
    #[arg(long, value_name = "DUR", value_parser = duration)]
    pub until: Option<Dur>,
    /// With `quiet`: the verdict as well.
    #[arg(skip)]
    pub verdict: bool,
    /// Breaks an invariant in the middle of the run, to see how that is reported
    #[arg(long, hide = true)]
    pub broken: bool,
}

/// Options of `check`.
#[derive(Clone, Debug, Args)]
pub struct Check {
    /// Scenario files.
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    #[command(flatten)]
    pub played: Played,
    #[command(flatten)]
    pub chosen: Chosen,
}

impl Check {
    /// What it is to play, one after the other.
    pub fn runs(&self) -> impl Iterator<Item = Run> {
        self.scenarios.iter().map(|scenario| Run {
            scenario: scenario.clone(),
            played: self.played,
            chosen: self.chosen.clone(),
            out: None,
            format: Format::Text,
            quiet: true,
            until: None,
            verdict: true,
            broken: false,
        })
    }
}

impl Run {
    /// The scenario, as a shell takes it.
    pub fn file(&self) -> String {
        quoted(&self.scenario.to_string_lossy())
    }

    /// What stands behind the file to play these seeds of these variants; no variants: all.
    pub fn flags(&self, seeds: &[u64], variants: &[String]) -> String {
        let mut line = match seeds {
            [seed] => format!(" --seed {seed}"),
            _ => format!(" --seeds {}..{}", seeds[0], seeds[seeds.len() - 1]),
        };
        self.chosen.settings.iter().for_each(|set| line += &format!(" --set {}", quoted(set)));
        variants.iter().for_each(|name| line += &format!(" --variant {}", quoted(name)));
        self.until.iter().for_each(|until| line += &format!(" --until {until}"));
        line + if self.broken { " --broken" } else { "" }
    }
}

/// An argument as a shell takes it.
pub fn quoted(text: &str) -> String {
    match text.contains(|c: char| " \"'()[]{}$*;&|<>".contains(c)) {
        true => format!("'{}'", text.replace('\'', "'\\''")),
        false => text.to_string(),
    }
}

/// How results are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Which seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// So many, from the first one on.
    Count(u32),
    /// From the first to the last, both included.
    Range(u64, u64),
}

/// More runs than this at once are a slip of the keyboard.
const MOST_SEEDS: u64 = 1_000_000;

fn seeds(text: &str) -> Result<Seeds, String> {
    let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no seed"));
    match text.split_once("..") {
        None => match text.parse::<u32>() {
            Ok(count) if (1..=MOST_SEEDS).contains(&u64::from(count)) => Ok(Seeds::Count(count)),
            _ => Err(format!("between 1 and {MOST_SEEDS}, or a range like 1..16")),
        },
        Some((first, last)) => match (number(first)?, number(last.trim_start_matches('='))?) {
            (first, last) if first <= last && last - first < MOST_SEEDS => {
                Ok(Seeds::Range(first, last))
            }
            (first, last) if first > last => Err("a range rises, like 1..16".into()),
            _ => Err(format!("at most {MOST_SEEDS} seeds")),
        },
    }
}

fn duration(text: &str) -> Result<Dur, String> {
    match Dur::parse(text)? {
        Dur(span) if span.is_zero() => Err("a run needs some time".into()),
        duration => Ok(duration),
    }
}
