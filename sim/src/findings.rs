//! Mistakes and doubts about a scenario, collected so that all are told at once.

use models::wiring::{Path, Problem, Segment};

/// What is wrong with a scenario, and what is only odd.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// It cannot run.
    pub errors: Vec<Problem>,
    /// It can, but is probably not meant so.
    pub warnings: Vec<Problem>,
}

/// A path of names; numbers become places in lists.
pub fn path(steps: &[&str]) -> Path {
    let segment = |step: &&str| match step.parse() {
        Ok(index) => Segment::Index(index),
        Err(_) => Segment::Name((*step).to_string()),
    };
    steps.iter().map(segment).collect()
}

impl Findings {
    /// Something that cannot run.
    pub fn error(&mut self, at: &[&str], message: impl Into<String>, help: Option<String>) {
        self.errors.push(Problem { path: path(at), message: message.into(), help });
    }

    /// Something that is probably not meant so.
    pub fn warn(&mut self, at: &[&str], message: impl Into<String>, help: Option<String>) {
        self.warnings.push(Problem { path: path(at), message: message.into(), help });
    }

    /// Each only once (replicas repeat their specification's mistakes), in the order of places.
    pub fn tidy(&mut self) {
        for list in [&mut self.errors, &mut self.warnings] {
            list.sort_by(|a, b| (&a.path, &a.message).cmp(&(&b.path, &b.message)));
            list.dedup();
        }
    }
}
