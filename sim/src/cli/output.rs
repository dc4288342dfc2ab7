//! Where the program writes: results to stdout, everything else to stderr, and how it ends.

use std::io::{ErrorKind, Write};

use sim::text::Diagnostics;

use super::args::Format;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All checks pass.
    Pass = 0,
    /// A check failed.
    Fail = 1,
    /// It was called in a wrong way.
    Usage = 2,
    /// The scenario cannot be played.
    Invalid = 3,
    /// There was nothing to judge.
    Nothing = 4,
    /// Results cannot be written.
    Output = 74,
}

/// Writes a result. Who reads may leave early: then there is nothing more to say, and no error.
pub fn say(text: &str) -> Result<(), Exit> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(why) if why.kind() == ErrorKind::BrokenPipe => Err(Exit::Pass),
        Err(why) => {
            tell(&format!("error: cannot write to stdout: {why}\n"));
            Err(Exit::Output)
        }
    }
}

/// Writes to stderr; nobody can be told if that fails.
pub fn tell(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Tells all mistakes.
pub fn complain(diagnostics: &Diagnostics, format: Format) {
    if diagnostics.found.is_empty() {
        return;
    }
    match format {
        Format::Text => tell(&diagnostics.render()),
        Format::Json => tell(&format!("{}\n", diagnostics.json())),
    }
}
