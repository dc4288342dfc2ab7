//! `topology.svg`: who calls whom, from left to right, with how busy everyone was.
//!
//! Layers by the longest path from the users; whoever is called by nobody stands just before whom
//! it calls. Within a layer by the mean place of the callers (one sweep of the barycentre
//! heuristic). Calls that pass a layer go below its boxes; calls that go back are drawn as curves.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use engine::RunRecord;
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::format::{count, percent};
use crate::page::escape;
use crate::totals::{counted_seconds, mean, utilisation};
use crate::{Report, TopologyNode, VariantRuns};

const BOX: (f64, f64) = (196.0, 70.0);
const GAP: (f64, f64) = (150.0, 34.0);
const MARGIN: f64 = 40.0;
/// A line of a label, and about how wide one of its letters is.
const LINE: f64 = 13.0;
const LETTER: f64 = 6.2;

type Point = (f64, f64);
type Places = BTreeMap<NodeIndex, Point>;

/// What is drawn: who may call whom, and what came of it in a run.
struct Sheet<'a> {
    graph: DiGraph<&'a TopologyNode, ()>,
    run: &'a RunRecord,
}

/// The whole drawing, of a variant's first run.
pub fn svg(report: &Report, variant: &VariantRuns) -> String {
    let whose = match &variant.name {
        Some(name) => format!("{} [{name}]", report.scenario),
        None => report.scenario.clone(),
    };
    let sheet = Sheet { graph: alive(variant), run: &variant.runs[0] };
    let places = places(&sheet);
    let width = places.values().map(|(x, _)| x + BOX.0).fold(0.0, f64::max) + MARGIN;
    let height = places.values().map(|(_, y)| y + BOX.1).fold(0.0, f64::max) + MARGIN;
    // The title is longer than a small drawing is wide.
    let width = width.max(760.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\">\n<title>{}: topology</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"16\">{}: calls a second along the arrows, \
         share of time busy in the boxes</text>\n",
        escape(&whose),
        escape(&whose),
    );
    arrows(&mut out, &sheet, &places);
    boxes(&mut out, &sheet, &places);
    out.push_str("</svg>\n");
    out
}

/// Those who took part: users, and whoever called, was called or had something to do. A variant
/// may leave out what another is about.
fn alive(variant: &VariantRuns) -> DiGraph<&TopologyNode, ()> {
    let run = &variant.runs[0];
    let takes_part = |node: &TopologyNode| {
        let group = run.groups.iter().find(|group| group.name == node.name);
        let busy = group.is_some_and(|group| group.members.iter().any(|m| m.busy.0 > 0));
        let talks = run.edges.iter().filter(|edge| edge.from == node.name || edge.to == node.name);
        node.kind == "Traffic" || busy || talks.map(|edge| edge.asked).sum::<u64>() > 0
    };
    variant.topology.filter_map(|_, node| takes_part(node).then_some(node), |_, ()| Some(()))
}

/// The longest path to each node, cycles cut where they close.
fn layers(sheet: &Sheet<'_>) -> BTreeMap<NodeIndex, usize> {
    let graph = &sheet.graph;
    // The first column is that of users, whoever else is called by nobody.
    let first = |node: NodeIndex| (node, usize::from(graph[node].kind != "Traffic"));
    let mut layer: BTreeMap<NodeIndex, usize> = graph.node_indices().map(first).collect();
    // As many rounds as nodes: a cycle cannot push anything further than that.
    for _ in 0..graph.node_count().min(30) {
        let mut moved = false;
        for edge in graph.edge_references() {
            let (from, to) = (edge.source(), edge.target());
            let next = layer[&from] + 1;
            if from != to && layer[&to] < next && next < graph.node_count().min(30) {
                layer.insert(to, next);
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    // Consumers and the like: called by nobody, and no users either.
    for node in graph.node_indices().filter(|node| graph[*node].kind != "Traffic") {
        let first = graph.neighbors(node).map(|callee| layer[&callee]).min();
        if let Some(first @ 2..) = first
            && graph.neighbors_directed(node, Direction::Incoming).next().is_none()
        {
            layer.insert(node, first - 1);
        }
    }
    layer
}

fn places(sheet: &Sheet<'_>) -> Places {
    let layers = layers(sheet);
    let deepest = layers.values().copied().max().unwrap_or(0);
    let mut places = Places::new();
    for layer in 0..=deepest {
        let mut nodes: Vec<NodeIndex> =
            layers.iter().filter(|(_, l)| **l == layer).map(|(n, _)| *n).collect();
        let centre = |node: &NodeIndex| {
            let callers = sheet.graph.neighbors_directed(*node, Direction::Incoming);
            let ys: Vec<f64> = callers.filter_map(|n| places.get(&n)).map(|(_, y)| *y).collect();
            if ys.is_empty() { 0.0 } else { ys.iter().sum::<f64>() / ys.len() as f64 }
        };
        let keys: BTreeMap<NodeIndex, f64> = nodes.iter().map(|n| (*n, centre(n))).collect();
        nodes.sort_by(|a, b| keys[a].total_cmp(&keys[b]).then(a.cmp(b)));
        for (row, node) in nodes.into_iter().enumerate() {
            let x = MARGIN + layer as f64 * (BOX.0 + GAP.0);
            let y = MARGIN + 10.0 + row as f64 * (BOX.1 + GAP.1);
            places.insert(node, (x, y));
        }
    }
    places
}

fn arrows(out: &mut String, sheet: &Sheet<'_>, places: &Places) {
    let run = sheet.run;
    out.push_str(
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" \
         fill=\"#555\"/></marker></defs>\n",
    );
    let mut labels: Vec<(Point, Vec<String>)> = Vec::new();
    for edge in sheet.graph.edge_references() {
        let (from, to) = (places[&edge.source()], places[&edge.target()]);
        let (start, end) = ((from.0 + BOX.0, from.1 + BOX.1 / 2.0), (to.0, to.1 + BOX.1 / 2.0));
        let (path, middle) = curve(start, end, places);
        let names = [edge.source(), edge.target()].map(|node| &sheet.graph[node].name);
        let record = run.edges.iter().find(|e| e.from == *names[0] && e.to == *names[1]);
        let record = record.filter(|record| record.counted > 0);
        // Who may ask and never did.
        let idle = if record.is_some() { "" } else { " stroke-dasharray=\"2 4\" opacity=\"0.6\"" };
        let _ = writeln!(
            out,
            "<path d=\"{path}\" fill=\"none\" stroke=\"#555\" stroke-width=\"1.5\"{idle} \
             marker-end=\"url(#tip)\"/>",
        );
        let Some(record) = record else { continue };
        let mut lines = vec![format!("{}/s", count(record.counted as f64 / counted_seconds(run)))];
        let errors = record.outcomes.errors() as f64 / record.outcomes.total().max(1) as f64;
        if errors > 0.0005 {
            lines.push(format!("{} errors", percent((errors * 1e4).round() / 1e4)));
        }
        // One line stands on its arrow, two stand on both sides of it.
        let above = if lines.len() == 1 { LINE / 2.0 + 1.0 } else { 0.0 };
        labels.push((free((middle.0, middle.1 - above), &lines, &labels), lines));
    }
    labels.iter().for_each(|(place, lines)| label(out, *place, lines));
}

/// The path of an arrow, and where its label goes: in the gap before its end.
fn curve(start: Point, end: Point, places: &Places) -> (String, Point) {
    let ((x1, y1), (x2, y2)) = (start, end);
    let bend = if x2 > x1 { GAP.0 / 2.0 } else { 60.0 };
    let between = |(x, _): &&Point| *x > x1 && *x + BOX.0 < x2;
    let passed = places.values().filter(between).map(|(_, y)| y + BOX.1).fold(0.0, f64::max);
    if passed == 0.0 {
        let path = format!("M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}", x1 + bend, x2 - bend);
        return (path, (x1 + (x2 - x1) * 0.5, y1 + (y2 - y1) * 0.5));
    }
    let (low, (left, right)) = (passed + 14.0, (x1 + GAP.0, x2 - GAP.0));
    let path = format!(
        "M{x1} {y1} C{} {y1} {} {low} {left} {low} L{right} {low} C{} {low} {} {y2} {x2} {y2}",
        x1 + bend,
        left - bend,
        right + bend,
        x2 - bend,
    );
    (path, ((left + right) / 2.0, low + 4.0))
}

/// The nearest place at or below `wanted` where a label covers no other.
fn free(wanted: Point, lines: &[String], others: &[(Point, Vec<String>)]) -> Point {
    let size = |lines: &[String]| {
        let letters = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
        (letters as f64 * LETTER, lines.len() as f64 * LINE)
    };
    let (width, height) = size(lines);
    let (x, mut y) = wanted;
    let covers = |y: f64| {
        others.iter().any(|((ox, oy), other)| {
            let (ow, oh) = size(other);
            (x - ox).abs() < (width + ow) / 2.0 && (y - oy).abs() < (height + oh) / 2.0
        })
    };
    while covers(y) {
        y += LINE / 2.0;
    }
    (x, y)
}

/// Lines of text around a point, each letter with a white rim: arrows stay whole behind them.
fn label(out: &mut String, (x, y): Point, lines: &[String]) {
    let top = y - (lines.len() as f64 - 1.0) * LINE / 2.0 + 4.0;
    for (row, line) in lines.iter().enumerate() {
        let y = top + row as f64 * LINE;
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"11\" text-anchor=\"middle\" \
             stroke=\"white\" stroke-width=\"4\" stroke-linejoin=\"round\" \
             paint-order=\"stroke\">{line}</text>"
        );
    }
}

fn boxes(out: &mut String, sheet: &Sheet<'_>, places: &Places) {
    let run = sheet.run;
    for (node, &(x, y)) in places {
        let node = &sheet.graph[*node];
        let group = run.groups.iter().find(|group| group.name == node.name);
        let members = group.iter().flat_map(|group| &group.members);
        let mean = mean(members.filter_map(|member| utilisation(member, run)));
        let times = if node.replicas > 1 { format!(" ×{}", node.replicas) } else { String::new() };
        let busy = mean.map(|mean| format!("busy {}", percent((mean * 1000.0).round() / 1000.0)));
        let zones: BTreeSet<&str> =
            group.iter().flat_map(|group| &group.members).map(|member| &*member.zone).collect();
        let zones = zones.into_iter().filter(|zone| !zone.is_empty()).collect::<Vec<_>>();
        let zones = (!zones.is_empty()).then(|| format!("zones {}", zones.join(", ")));
        let mut lines = vec![format!("{}{times}", node.kind)];
        lines.extend(busy);
        lines.extend(zones);
        let (second, third) = match &lines[..] {
            [kind, busy, zones @ ..] => (format!("{kind}, {busy}"), zones.concat()),
            _ => (lines.concat(), String::new()),
        };
        let tx = x + BOX.0 / 2.0;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" \
             fill=\"{}\" stroke=\"#333\"/>",
            BOX.0,
            BOX.1,
            shade(mean),
        );
        let name: &str = &node.name;
        // Three lines fill a box; two stand in its middle.
        let top = if third.is_empty() { y + 31.0 } else { y + 22.0 };
        for (text, down, size, weight) in [
            (name, 0.0, 14.0, "bold"),
            (&second, 19.0, 11.0, "normal"),
            (&third, 35.0, 11.0, "normal"),
        ] {
            if !text.is_empty() {
                let _ = writeln!(
                    out,
                    "<text x=\"{tx}\" y=\"{}\" font-size=\"{}\" text-anchor=\"middle\" \
                     font-weight=\"{weight}\">{}</text>",
                    top + down,
                    fitting(text, size),
                    escape(text),
                );
            }
        }
    }
}

/// The size at which a text stays within its box.
fn fitting(text: &str, size: f64) -> f64 {
    let width = text.chars().count() as f64 * size * 0.6;
    if width > BOX.0 - 12.0 {
        libm::floor(size * (BOX.0 - 12.0) / width * 10.0) / 10.0
    } else {
        size
    }
}

/// From white over yellow to red, as busy as it was.
fn shade(utilisation: Option<f64>) -> &'static str {
    match utilisation {
        None => "#f4f4f4",
        Some(u) if u < 0.3 => "#e8f3ec",
        Some(u) if u < 0.6 => "#fdf3c7",
        Some(u) if u < 0.85 => "#fbd28b",
        Some(_) => "#f3a58a",
    }
}
