//! The command line: arguments in, files and text out, and the exit code.

pub mod args;
mod output;
mod play;
mod wall;

use std::path::PathBuf;

use models::KINDS;
use models::wiring::did_you_mean;
use sim::prepare::{Wishes, metrics, prepare};
use sim::text::Diagnostics;

use args::{Cli, Command, Format};
pub use output::Exit;
use output::{complain, say};

/// Does what was asked.
pub fn main(cli: Cli) -> Exit {
    match cli.command {
        Command::Run(run) => play::run(&run),
        Command::Validate { scenarios, format } => validate(&scenarios, format),
        Command::Components { name } => components(name.as_deref()),
    }
}

fn validate(scenarios: &[PathBuf], format: Format) -> Exit {
    let mut exit = Exit::Pass;
    for file in scenarios {
        let mut diagnostics = Diagnostics::default();
        let prepared = prepare(file, &Wishes::default(), &mut diagnostics);
        complain(&diagnostics, format);
        let Some(prepared) = prepared else {
            exit = Exit::Invalid;
            continue;
        };
        let (variants, checks) = (prepared.variants.len(), prepared.checks.len());
        let line = format!("{}: ok, {variants} variant(s), {checks} checks\n", file.display());
        if format == Format::Text
            && let Err(failed) = say(&line)
        {
            return failed;
        }
    }
    exit
}

fn components(name: Option<&str>) -> Exit {
    let known: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
    if let Some(name) = name
        && !known.contains(&name)
    {
        let help = did_you_mean(name, &known).unwrap_or_else(|| known.join(", "));
        output::tell(&format!("error: there is no component `{name}`\nhelp: {help}\n"));
        return Exit::Usage;
    }
    let mut text = String::new();
    for (kind, what) in KINDS.iter().filter(|(kind, _)| name.is_none_or(|name| name == *kind)) {
        text += &format!("{kind:<14}{}\n", what.trim());
    }
    if name.is_none() {
        text += "\nWhat checks can measure:\n";
        metrics().for_each(|(metric, what)| text += &format!("{metric:<14}{what}\n"));
    }
    say(&text).err().unwrap_or(Exit::Pass)
}
