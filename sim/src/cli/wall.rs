//! The wall clock: how long the runs took, and whether it is time to say how far they are. The
//! only place that knows it; nothing of it reaches a result but `meta.json`.
#![expect(clippy::disallowed_types, reason = "progress and meta.json are about real seconds")]

use std::io::IsTerminal;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::output::tell;

/// Real seconds, and the progress of runs.
pub struct Wall {
    began: Instant,
    told: Mutex<f64>,
    slices: AtomicU64,
    whole: u64,
    quiet: bool,
    live: bool,
}

impl Wall {
    /// Starts the clock; `whole` is how often [`Wall::step`] will be called.
    pub fn start(whole: u64, quiet: bool) -> Wall {
        let ci = std::env::var_os("CI").is_some();
        let live = std::io::stderr().is_terminal() && !ci;
        let (told, slices) = (Mutex::new(0.0), AtomicU64::new(0));
        Wall { began: Instant::now(), told, slices, whole, quiet, live }
    }

    /// Real seconds since the start.
    pub fn seconds(&self) -> f64 {
        self.began.elapsed().as_secs_f64()
    }

    /// A slice of a run is done: now and then, says how much that is of all.
    pub fn step(&self) {
        let done = self.slices.fetch_add(1, Ordering::Relaxed) + 1;
        let seconds = self.seconds();
        let every = if self.live { 0.2 } else { 10.0 };
        let Ok(mut told) = self.told.lock() else { return };
        if self.quiet || seconds - *told < every {
            return;
        }
        *told = seconds;
        let percent = done * 100 / self.whole.max(1);
        let left = seconds * (self.whole.saturating_sub(done)) as f64 / done as f64;
        let (start, end) = if self.live { ("\r", "\x1b[K") } else { ("", "\n") };
        tell(&format!("{start}{percent} % played in {seconds:.0} s, {left:.0} s to go{end}"));
    }

    /// Takes the progress off a terminal.
    pub fn clear(&self) {
        if self.live && !self.quiet {
            tell("\r\x1b[K");
        }
    }
}
