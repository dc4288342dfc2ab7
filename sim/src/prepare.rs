//! From a scenario file to everything that is known before a run: each variant's topology, the
//! checks, and all mistakes of all of them with their places.

use std::path::Path as FilePath;

use engine::{RunRecord, Span, Time};
use models::wiring::Problem;

use crate::check::Check;
use crate::check::bind::{Names, bind};
use crate::check::metric::Source;
use crate::check::parse::parse;
use crate::findings::Findings;
use crate::run::blank;
use crate::scenario::spec::Scenario;
use crate::text::{Diagnostic, Diagnostics, Document};
use crate::topology::{Topology, topology};

/// What the command line adds to a scenario.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `PATH=VALUE`
    pub settings: Vec<String>,
    /// Only these variants; empty: all.
    pub variants: Vec<String>,
    /// The run ends here.
    pub until: Option<Span>,
}

/// A scenario that can be played.
#[derive(Debug)]
pub struct Prepared {
    /// Its name.
    pub name: String,
    /// Its first seed.
    pub seed: u64,
    /// How many seeds it asks for.
    pub seeds: u32,
    /// Variants by name, in the order of the file; one without a name if there are none.
    pub variants: Vec<(String, Topology)>,
    /// The checks.
    pub checks: Vec<Check>,
    /// The pairs of tables that checks compare.
    pub missing: Vec<(String, String)>,
    /// The merged text that was run, variants included.
    pub effective: String,
    pub(crate) documents: Vec<Document>,
}

/// Reads, resolves and tries everything. `None` if it cannot run; the reasons are in
/// `diagnostics`.
pub fn prepare(
    file: &FilePath,
    wishes: &Wishes,
    diagnostics: &mut Diagnostics,
) -> Option<Prepared> {
    let read = Document::read(file, &wishes.settings, &mut diagnostics.sources);
    let document = read.map_err(|mistake| diagnostics.found.push(mistake)).ok()?;
    let names = chosen(&document, wishes, diagnostics)?;
    let stem = file.file_stem().map_or("scenario".into(), |stem| stem.to_string_lossy());
    let mut variants: Vec<(String, Topology)> = Vec::new();
    let mut blanks = Vec::new();
    let mut documents = Vec::new();
    let mut doubts: Vec<Vec<Diagnostic>> = Vec::new();
    let mut texts = Vec::new();
    for name in names {
        let own = document.variant(&name);
        let scenario: Scenario =
            own.typed().map_err(|mistake| diagnostics.found.push(mistake)).ok()?;
        // All variants have the same.
        texts.clone_from(&scenario.checks);
        if let Some((topology, blank)) = resolve(scenario, &own, wishes, &mut doubts, diagnostics) {
            variants.push((name, topology));
            blanks.push(blank);
        }
        documents.push(own);
    }
    useless_end(wishes, &variants, diagnostics);
    // What one variant leaves unused may be the point of another.
    let shared = |told: &Diagnostic| doubts.iter().all(|its| its.contains(told));
    let first = doubts.first().into_iter().flatten();
    diagnostics.found.extend(first.filter(|told| shared(told)).cloned());
    let checks = checks(&texts, &variants, &blanks, &documents, diagnostics);
    if diagnostics.fatal() {
        return None;
    }
    let scenario = &variants.first()?.1.scenario;
    let name = if scenario.name.is_empty() { stem.to_string() } else { scenario.name.clone() };
    let (seed, seeds) = (scenario.seed, scenario.seeds);
    let missing = pairs(&checks);
    let effective = document.named(&name).text();
    Some(Prepared { name, seed, seeds, variants, checks, missing, effective, documents })
}

/// The variants to play; a lone nameless one if the scenario has none.
fn chosen(
    document: &Document,
    wishes: &Wishes,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<String>> {
    let known = document.variants();
    if let Some(name) = wishes.variants.iter().find(|name| !known.contains(name)) {
        let list: Vec<&str> = known.iter().map(String::as_str).collect();
        let all = match known.is_empty() {
            true => "the scenario has none".to_string(),
            false => format!("there is: {}", known.join(", ")),
        };
        let help = models::wiring::did_you_mean(name, &list).or(Some(all));
        let mistake = Diagnostic::error(format!("there is no variant `{name}`"));
        diagnostics.found.push(mistake.maybe_help(help));
        return None;
    }
    let wanted = |name: &String| wishes.variants.is_empty() || wishes.variants.contains(name);
    let names: Vec<String> = known.into_iter().filter(wanted).collect();
    Some(if names.is_empty() { vec![String::new()] } else { names })
}

/// A run cannot be made longer from outside.
fn useless_end(wishes: &Wishes, variants: &[(String, Topology)], diagnostics: &mut Diagnostics) {
    let longest = variants.iter().map(|(_, topology)| topology.full_end()).max();
    if let (Some(until), Some(end)) = (wishes.until, longest)
        && Time::ZERO + until > end
    {
        let told = Diagnostic::warning(format!("`--until {until}` is after the end, {end}"));
        diagnostics.found.push(told.help("or play on: --set duration=…"));
    }
}

/// One variant, and what is known of its runs; `None` if it cannot be assembled.
fn resolve(
    scenario: Scenario,
    document: &Document,
    wishes: &Wishes,
    doubts: &mut Vec<Vec<Diagnostic>>,
    diagnostics: &mut Diagnostics,
) -> Option<(Topology, RunRecord)> {
    let mut findings = Findings::default();
    let mut topology = topology(scenario, &mut findings);
    topology.until = wishes.until.map(|until| Time::ZERO + until);
    let mut record = None;
    if findings.errors.is_empty() {
        match blank(&topology) {
            Ok(blank) => record = Some(blank),
            Err(problems) => findings.errors.extend(problems),
        }
    }
    findings.tidy();
    let warnings = std::mem::take(&mut findings.warnings);
    let mut odd = Diagnostics::default();
    tell(&Findings { errors: Vec::new(), warnings }, document, &mut odd);
    doubts.push(odd.found);
    tell(&findings, document, diagnostics);
    record.map(|record| (topology, record))
}

fn tell(findings: &Findings, document: &Document, diagnostics: &mut Diagnostics) {
    let errors = findings.errors.iter().map(|problem| (true, problem));
    let warnings = findings.warnings.iter().map(|problem| (false, problem));
    for (fatal, Problem { path, message, help }) in errors.chain(warnings) {
        let told = Diagnostic { fatal, ..Diagnostic::error(message.clone()) };
        let told = told.at(document.spot_of(path, message)).maybe_help(help.clone());
        // Variants share most of their text, and so most of their mistakes.
        if !diagnostics.found.contains(&told) {
            diagnostics.found.push(told);
        }
    }
}

/// Reads the checks and tries them against every variant they are about.
fn checks(
    texts: &[String],
    variants: &[(String, Topology)],
    blanks: &[RunRecord],
    documents: &[Document],
    diagnostics: &mut Diagnostics,
) -> Vec<Check> {
    let mut findings = Findings::default();
    let mut checks = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        match parse(text, index) {
            Ok(check) => checks.push(check),
            Err(it) => findings.error(&["checks", &index.to_string()], it.message, it.help),
        }
    }
    let all: Vec<String> = variants.iter().map(|(name, _)| name.clone()).collect();
    for ((name, topology), blank) in variants.iter().zip(blanks) {
        let actions: Vec<String> =
            topology.scenario.timeline.iter().map(|entry| entry.label()).collect();
        // A run cut short by hand leaves checks without samples, not without sense.
        let (end, every) = (topology.full_end(), topology.every);
        let traffic = Time::ZERO + topology.scenario.duration.0;
        let names = Names { blank, actions: &actions, variants: &all, traffic, end, every };
        let mine = |check: &&Check| check.variants.is_empty() || check.variants.contains(name);
        let unknown = |check: &&Check| check.variants.iter().any(|its| !all.contains(its));
        for check in checks.iter().filter(|check| mine(check) || unknown(check)) {
            let place = check.index.to_string();
            let found = bind(check, &names);
            for it in found.errors {
                findings.error(&["checks", &place], it.message, it.help);
            }
            for it in found.warnings {
                findings.warn(&["checks", &place], it.message, it.help);
            }
        }
    }
    findings.tidy();
    tell(&findings, &documents[0], diagnostics);
    checks
}

/// What the ledger has to compare at the end.
fn pairs(checks: &[Check]) -> Vec<(String, String)> {
    let compared = checks.iter().filter(|check| matches!(check.metric.source, Source::Missing));
    let pair =
        |check: &Check| Some((check.label("from")?.to_string(), check.label("in")?.to_string()));
    let mut pairs: Vec<_> = compared.filter_map(pair).collect();
    pairs.sort();
    pairs.dedup();
    pairs
}
