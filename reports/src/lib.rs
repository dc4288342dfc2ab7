//! Everything a person or a program reads after a run: the summary, the tables, the charts, the
//! exports. Reports render records and cannot run anything; they know `engine::record` and no more.

pub mod charts;
pub mod compare;
pub mod format;
pub mod hlog;
pub mod page;
pub mod result;
pub mod series;
pub mod summary;
mod tables;
pub mod topology;
pub mod totals;
mod write;

use engine::RunRecord;
use petgraph::graph::DiGraph;

pub use summary::{Style, summary};
pub use write::{Meta, WriteError, prepare, write_all};

/// All that is known after the runs of one scenario.
#[derive(Clone, Debug)]
pub struct Report {
    /// The scenario's name.
    pub scenario: String,
    /// The effective scenario, as text.
    pub effective: String,
    /// Each variant with its runs; a scenario without variants has one without a name.
    pub variants: Vec<VariantRuns>,
    /// What was checked, in the scenario's order.
    pub checks: Vec<CheckRow>,
    /// The file that was played, as a shell takes it.
    pub file: String,
    /// What stands behind the file in the command that runs this again.
    pub flags: String,
}

/// The runs of one variant, one per seed, in order.
#[derive(Clone, Debug)]
pub struct VariantRuns {
    /// Its name.
    pub name: Option<String>,
    /// At least one.
    pub runs: Vec<RunRecord>,
    /// Who may call whom.
    pub topology: DiGraph<TopologyNode, ()>,
}

/// A node of the topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopologyNode {
    /// `"shop"`
    pub name: String,
    /// `"Service"`; `"Traffic"` for users.
    pub kind: String,
    /// How many replicas, nodes, shards, brokers.
    pub replicas: u16,
}

/// A check and what came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRow {
    /// As the scenario says it.
    pub text: String,
    /// In which variant, if the scenario has any.
    pub variant: Option<String>,
    /// What came of it.
    pub verdict: Verdict,
    /// What was measured, for programs; `None` if nothing was.
    pub value: Option<f64>,
    /// The unit of `value`: `"ns"`, `"ratio"`, `"1/s"`, or empty for a count.
    pub unit: &'static str,
    /// The same for people, in the unit of the limit.
    pub observed: String,
    /// The 95 % interval over seeds, if there is one.
    pub interval: Option<String>,
    /// What was allowed: `"< 250ms"`.
    pub limit: String,
    /// What a reader should know: which seed failed, why it is inconclusive.
    pub note: String,
}

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It holds.
    Pass,
    /// It does not.
    Fail,
    /// The seeds do not decide it.
    Inconclusive,
    /// There was nothing to measure. Not a pass.
    NoSamples,
}

impl Report {
    /// What came of all checks together: the worst.
    pub fn verdict(&self) -> Verdict {
        let any = |verdict| self.checks.iter().any(|check| check.verdict == verdict);
        let worst = [Verdict::Fail, Verdict::NoSamples, Verdict::Inconclusive];
        worst.into_iter().find(|verdict| any(*verdict)).unwrap_or(Verdict::Pass)
    }

    /// The command that plays this again, from a file with the scenario.
    pub fn again(&self, file: &str) -> String {
        format!("sim run {file}{}", self.flags)
    }

    /// All runs of all variants.
    pub fn runs(&self) -> impl Iterator<Item = &RunRecord> {
        self.variants.iter().flat_map(|variant| &variant.runs)
    }
}
