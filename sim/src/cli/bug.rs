//! What a user sees of a bug in `sim` itself: not a backtrace, but how to meet it again.

use std::panic::{PanicHookInfo, set_hook};

use sim::sweep::{Playing, playing};

use super::args::{Command, Run, quoted};
use super::output::tell;

/// The exit code of a bug in the program.
const BUG: i32 = 70;

/// From now on, a broken invariant tells how to meet it again, and ends the program.
pub fn report_bugs(command: &Command) {
    let run = match command {
        Command::Run(run) => Some(run.clone()),
        _ => None,
    };
    set_hook(Box::new(move |panic| {
        tell(&text(panic, run.as_ref()));
        std::process::exit(BUG);
    }));
}

/// A panic reaches its hook on the thread that it happened on, and a run has a thread to itself:
/// so it is known which of many runs it was. Before and after them there is only the command.
fn text(panic: &PanicHookInfo<'_>, run: Option<&Run>) -> String {
    let again = match (run, playing()) {
        (Some(run), Some(Playing { variant, seed })) => {
            let scenario = run.scenario.display();
            let (of, variants) = match variant.is_empty() {
                true => (String::new(), vec![]),
                false => (format!(", variant {variant}"), vec![variant]),
            };
            let again = format!("sim run {}{}", run.file(), run.flags(&[seed], &variants));
            format!("in {scenario}{of}, seed {seed}\nreproduce: {}", again)
        }
        _ => {
            let typed: Vec<String> = std::env::args().skip(1).map(|it| quoted(&it)).collect();
            format!("reproduce: sim {}", typed.join(" "))
        }
    };
    format!("error: a bug in sim, please report it: {panic}\n{again}\n")
}
