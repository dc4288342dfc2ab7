//! `report.html`: tables and charts of a run on one page, for whoever does not want to open twenty
//! files. It holds no script and fetches nothing, so that it can be mailed, archived and printed.

use std::fmt::Write as _;

use crate::compare::{self, Line};
use crate::format::{count, percent, time};
use crate::summary::remarks;
use crate::tables::{self, OF_COMPONENTS, OF_LATENCY};
use crate::totals::combined;
use crate::{Report, VariantRuns, Verdict, topology};

const STYLE: &str = "body{font:15px/1.5 sans-serif;color:#111;max-width:1100px;margin:2em auto;\
padding:0 1em}h1{font-size:1.6em;margin-bottom:.2em}h2{font-size:1.2em;margin-top:2em;\
border-bottom:1px solid #ccc}table{border-collapse:collapse;margin:.8em 0}\
th,td{padding:.2em .8em;text-align:right;white-space:nowrap}th{border-bottom:1px solid #888;\
font-weight:600}tr:nth-child(even) td{background:#f5f5f5}\
td.text,th.text{text-align:left;white-space:normal}svg{max-width:100%;height:auto;\
display:block;margin:.8em 0}pre{background:#f5f5f5;padding:1em;overflow-x:auto}\
.pass{color:#00664a}.fail{color:#b02a00}.open{color:#8a5a00}\
@media print{h2{break-after:avoid}svg,tr{break-inside:avoid}}";

/// The chart that stands beside the table of variants, and not among the others.
const SIDE: &str = "compare";

/// The whole page; `charts` are those of the report, by name.
pub fn html(report: &Report, charts: &[(String, String)]) -> String {
    let name = escape(&report.scenario);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <title>{name}</title><style>{STYLE}</style></head><body>\n<h1>{name}</h1>\n"
    );
    heading(&mut out, report);
    checks(&mut out, report);
    match &report.variants[..] {
        [only] => {
            read_first(&mut out, report, only);
            latency_table(&mut out, only);
            components(&mut out, only);
        }
        several => {
            variants(&mut out, report, charts);
            several.iter().for_each(|variant| alone(&mut out, report, variant));
        }
    }
    events(&mut out, report);
    drawings(&mut out, report, charts);
    let _ = write!(
        out,
        "<h2>Scenario</h2>\n<details><summary>As it was played, with everything in place</summary>\
         <pre>{}</pre></details>\n</body></html>\n",
        escape(&report.effective)
    );
    out
}

/// Text as it may stand between tags.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn said(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Pass => ("pass", "pass"),
        Verdict::Fail => ("fail", "FAIL"),
        Verdict::Inconclusive => ("open", "inconclusive"),
        Verdict::NoSamples => ("fail", "nothing to judge"),
    }
}

fn heading(out: &mut String, report: &Report) {
    let (class, verdict) = match report.checks.len() {
        0 => ("open", "no checks".to_string()),
        n => {
            let (class, said) = said(report.verdict());
            (class, format!("{said} ({n} checks)"))
        }
    };
    let seeds: Vec<u64> = report.variants[0].runs.iter().map(|run| run.seed).collect();
    let seeds = match &seeds[..] {
        [first, .., last] => format!("{} seeds, {first} to {last}", seeds.len()),
        one => format!("seed {}", one.first().copied().unwrap_or_default()),
    };
    // Without the path of the scenario: equal runs leave equal bytes, wherever they are played.
    let again = report.again("scenario.effective.ron");
    let requests: u64 = report.runs().map(|run| run.requests.generated).sum();
    let first = report.runs().next().expect("at least one run");
    let _ = writeln!(
        out,
        "<p><b class=\"{class}\">{verdict}</b> · {seeds} · {} simulated · {} requests · \
         digest <code>{}</code></p>\n<p>Again, from this folder: \
         <code>{}</code></p>",
        time(first.ended.0 as f64),
        count(requests as f64),
        combined(report.runs()),
        escape(&again),
    );
}

/// A table of cells that are HTML already, without columns in which nothing stands; the first
/// `words` columns are text, the others numbers.
fn table(out: &mut String, words: usize, heads: &[&str], rows: &[Vec<String>]) {
    let filled = |place: &usize| rows.iter().any(|row| !row[*place].is_empty());
    let shown: Vec<usize> = (0..heads.len()).filter(filled).collect();
    let class = |place: usize| if place < words { " class=\"text\"" } else { "" };
    out.push_str("<table><tr>");
    for &place in &shown {
        let _ = write!(out, "<th{}>{}</th>", class(place), heads[place]);
    }
    out.push_str("</tr>\n");
    for row in rows {
        out.push_str("<tr>");
        for &place in &shown {
            let _ = write!(out, "<td{}>{}</td>", class(place), row[place]);
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</table>\n");
}

fn checks(out: &mut String, report: &Report) {
    if report.checks.is_empty() {
        return;
    }
    out.push_str("<h2>Checks</h2>\n");
    let rows = report.checks.iter().map(|check| {
        let (class, said) = said(check.verdict);
        vec![
            format!("<b class=\"{class}\">{said}</b>"),
            escape(&check.text),
            escape(check.variant.as_deref().unwrap_or("")),
            escape(&check.note),
            escape(&check.observed),
            check.interval.as_deref().unwrap_or("").to_string(),
        ]
    });
    table(
        out,
        4,
        &["", "check", "variant", "", "observed", "95 % over seeds"],
        &rows.collect::<Vec<_>>(),
    );
}

fn read_first(out: &mut String, report: &Report, variant: &VariantRuns) {
    let remarks = remarks(report, &variant.runs);
    if !remarks.is_empty() {
        out.push_str("<h2>Read this first</h2>\n");
        let rows = remarks.iter().map(|(word, what)| vec![word.to_string(), escape(what)]);
        table(out, 2, &["", ""], &rows.collect::<Vec<_>>());
    }
}

/// What is shown of a run without variants, folded up.
fn alone(out: &mut String, report: &Report, variant: &VariantRuns) {
    let name = escape(variant.name.as_deref().unwrap_or(""));
    let _ = writeln!(out, "<details><summary>{name} by itself</summary>");
    read_first(out, report, variant);
    latency_table(out, variant);
    components(out, variant);
    out.push_str("</details>\n");
}

fn latency_table(out: &mut String, variant: &VariantRuns) {
    out.push_str("<h2>Latency</h2>\n");
    let row = |(name, cells): (String, [String; 7])| [vec![escape(&name)], cells.into()].concat();
    let rows: Vec<_> = tables::operations(&variant.runs).into_iter().map(row).collect();
    table(out, 1, &[&["requests"], &OF_LATENCY[..]].concat(), &rows);
}

fn components(out: &mut String, variant: &VariantRuns) {
    out.push_str("<h2>Components</h2>\n");
    let rows = tables::components(&variant.runs).into_iter();
    let rows = rows.map(|(name, kind, cells)| [vec![escape(&name), kind], cells.into()].concat());
    let heads = [&["component", "kind"], &OF_COMPONENTS[..]].concat();
    table(out, 2, &heads, &rows.collect::<Vec<_>>());
}

fn variants(out: &mut String, report: &Report, charts: &[(String, String)]) {
    out.push_str("<h2>Variants</h2>\n");
    let lines = compare::lines(report);
    let row = |line: &Line<'_>| {
        let mut row = vec![escape(line.name), count(line.done.value), percent(line.errors.value)];
        row.push(time(line.mean.value));
        row.extend(line.percentiles.iter().map(|value| time(value.value)));
        row.push(time(line.max as f64));
        row.push(line.busiest.as_ref().map_or("–".into(), |(name, peak)| {
            format!("{} {}", escape(name), percent((peak * 1000.0).round() / 1000.0))
        }));
        row
    };
    let heads = [
        "variant",
        "done/s",
        "errors",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "busiest, at its peak",
    ];
    table(out, 1, &heads, &lines.iter().map(row).collect::<Vec<_>>());
    let causes = |line: &Line<'_>| vec![escape(line.name), tables::causes(&line.ends)];
    let failing: Vec<_> = lines.iter().filter(|line| line.ends.errors() > 0).map(causes).collect();
    if !failing.is_empty() {
        table(out, 2, &["variant", "requests that ended in an error"], &failing);
    }
    charts.iter().filter(|(name, _)| name == SIDE).for_each(|(_, svg)| out.push_str(svg));
}

/// What the timeline did; what not all variants lived through, with the names of those that did.
fn events(out: &mut String, report: &Report) {
    let mut found: Vec<(Vec<String>, Vec<&str>)> = Vec::new();
    for variant in &report.variants {
        for action in &variant.runs[0].actions {
            let never = action.times == 0;
            let row = vec![
                escape(&action.told()),
                escape(&action.touched.join(", ")),
                if never { "never".into() } else { time(action.began.0 as f64) },
                match action.ended {
                    Some(end) => time(end.0 as f64),
                    None if never => String::new(),
                    None => "for good".into(),
                },
            ];
            let name = variant.name.as_deref().unwrap_or("");
            match found.iter_mut().find(|(known, _)| *known == row) {
                Some((_, names)) => names.push(name),
                None => found.push((row, vec![name])),
            }
        }
    }
    if found.is_empty() {
        return;
    }
    out.push_str("<h2>Actions</h2>\n");
    let rows = found.into_iter().map(|(mut row, names)| {
        let all = names.len() >= report.variants.len();
        row.insert(2, if all { String::new() } else { escape(&names.join(", ")) });
        row
    });
    let heads = ["action", "touched", "in variants", "from", "to"];
    table(out, 3, &heads, &rows.collect::<Vec<_>>());
}

/// Charts of variants by themselves are linked, those that compare them are shown.
fn drawings(out: &mut String, report: &Report, charts: &[(String, String)]) {
    out.push_str("<h2>Charts</h2>\n");
    for (_, svg) in charts.iter().filter(|(name, _)| !name.contains('/') && name != SIDE) {
        out.push_str(svg);
        out.push('\n');
    }
    let linked = charts.iter().filter(|(name, _)| name.contains('/'));
    let links: Vec<String> = linked
        .map(|(name, _)| format!("<a href=\"charts/{0}.svg\">{0}</a>", escape(name)))
        .collect();
    if !links.is_empty() {
        let _ = writeln!(out, "<p>Of each variant: {}</p>", links.join(", "));
    }
    out.push_str("<h2>Who calls whom</h2>\n");
    let drawn = distinct(report);
    drawn.iter().for_each(|variant| out.push_str(&topology::svg(report, variant)));
    let rest: Vec<String> = report
        .variants
        .iter()
        .filter(|variant| drawn.iter().all(|other| other.name != variant.name))
        .filter_map(|variant| variant.name.as_deref().map(escape))
        .map(|name| format!("<a href=\"charts/{name}/topology.svg\">{name}</a>"))
        .collect();
    if !rest.is_empty() {
        let _ = writeln!(out, "<p>The same in other numbers: {}</p>", rest.join(", "));
    }
}

/// The first variant of each that differ in who calls whom.
fn distinct(report: &Report) -> Vec<&VariantRuns> {
    let callers = |variant: &VariantRuns| -> Vec<(String, String)> {
        let asked = variant.runs[0].edges.iter().filter(|edge| edge.asked > 0);
        let mut pairs: Vec<_> = asked.map(|edge| (edge.from.clone(), edge.to.clone())).collect();
        pairs.sort();
        pairs
    };
    let mut found: Vec<&VariantRuns> = Vec::new();
    for variant in &report.variants {
        if found.iter().all(|other| callers(other) != callers(variant)) {
            found.push(variant);
        }
    }
    found
}
