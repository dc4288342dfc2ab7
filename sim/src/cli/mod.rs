//! The command line: arguments in, files and text out, and the exit code.

pub mod args;
mod bug;
mod output;
mod play;
mod wall;

use std::path::PathBuf;

use sim::catalogue::catalogue;
use sim::prepare::prepare;
use sim::text::Diagnostics;

use args::{Chosen, Cli, Command, Format};
pub use output::Exit;
use output::{complain, say};

/// Does what was asked.
pub fn main(cli: Cli) -> Exit {
    bug::report_bugs(&cli.command);
    match cli.command {
        Command::Run(run) => play::run(&run),
        Command::Check(check) => play::check(&check),
        Command::Validate { scenarios, chosen, format } => validate(&scenarios, &chosen, format),
        Command::Components { name, format, markdown } => {
            components(name.as_deref(), format, markdown)
        }
    }
}

fn validate(scenarios: &[PathBuf], chosen: &Chosen, format: Format) -> Exit {
    let mut exit = Exit::Pass;
    for file in scenarios {
        let mut diagnostics = Diagnostics::default();
        let prepared = prepare(file, &chosen.wishes(), &mut diagnostics);
        complain(&diagnostics, format);
        let Some(prepared) = prepared else {
            exit = Exit::Invalid;
            continue;
        };
        let counted = |n: usize, what| format!(", {n} {what}{}", if n == 1 { "" } else { "s" });
        let variants = match &prepared.variants[..] {
            [(name, _)] if name.is_empty() => String::new(),
            several => counted(several.len(), "variant"),
        };
        let checks = counted(prepared.checks.len(), "check");
        let line = format!("{}: ok{variants}{checks}\n", file.display());
        if format == Format::Text
            && let Err(failed) = say(&line)
        {
            return failed;
        }
    }
    exit
}

fn components(name: Option<&str>, format: Format, markdown: bool) -> Exit {
    let catalogue = catalogue();
    let json = |value| format!("{value:#}\n");
    let text = match (name, format) {
        (None, _) if markdown => Ok(catalogue.document()),
        (None, Format::Text) => Ok(catalogue.overview()),
        (None, Format::Json) => Ok(json(catalogue.whole_json())),
        (Some(name), Format::Text) => catalogue.page(name),
        (Some(name), Format::Json) => catalogue.page_json(name).map(json),
    };
    match text {
        Ok(text) => say(&text).err().unwrap_or(Exit::Pass),
        Err(help) => {
            let name = name.unwrap_or_default();
            output::tell(&format!("error: nothing is called `{name}`\nhelp: {help}\n"));
            Exit::Usage
        }
    }
}
