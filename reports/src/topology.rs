//! `topology.svg`: who calls whom, from left to right, with how busy everyone was.
//!
//! Layers by the longest path from the users; within a layer by the mean place of the callers
//! (one sweep of the barycentre heuristic). Calls that go back are drawn as curves.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use petgraph::Direction;
use petgraph::graph::NodeIndex;
use petgraph::visit::EdgeRef;

use crate::Report;
use crate::format::{count, percent};
use crate::result::utilisation;

const BOX: (f64, f64) = (150.0, 56.0);
const GAP: (f64, f64) = (110.0, 28.0);
const MARGIN: f64 = 40.0;

/// The whole drawing, of the first variant's first run.
pub fn svg(report: &Report) -> String {
    let places = places(report);
    let width = places.values().map(|(x, _)| x + BOX.0).fold(0.0, f64::max) + MARGIN;
    let height = places.values().map(|(_, y)| y + BOX.1).fold(0.0, f64::max) + MARGIN;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" \
         height=\"{height}\" font-family=\"sans-serif\">\n<title>{}: topology</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{MARGIN}\" y=\"24\" font-size=\"16\">{}: calls a second along the arrows, \
         share of time busy in the boxes</text>\n",
        escape(&report.scenario),
        escape(&report.scenario),
    );
    arrows(&mut out, report, &places);
    boxes(&mut out, report, &places);
    out.push_str("</svg>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The longest path to each node, cycles cut where they close.
fn layers(report: &Report) -> BTreeMap<NodeIndex, usize> {
    let graph = &report.topology;
    let mut layer: BTreeMap<NodeIndex, usize> = graph.node_indices().map(|n| (n, 0)).collect();
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
    layer
}

fn places(report: &Report) -> BTreeMap<NodeIndex, (f64, f64)> {
    let layers = layers(report);
    let deepest = layers.values().copied().max().unwrap_or(0);
    let mut places: BTreeMap<NodeIndex, (f64, f64)> = BTreeMap::new();
    for layer in 0..=deepest {
        let mut nodes: Vec<NodeIndex> =
            layers.iter().filter(|(_, l)| **l == layer).map(|(n, _)| *n).collect();
        let centre = |node: &NodeIndex| {
            let callers = report.topology.neighbors_directed(*node, Direction::Incoming);
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

fn arrows(out: &mut String, report: &Report, places: &BTreeMap<NodeIndex, (f64, f64)>) {
    let run = report.runs().next().expect("at least one run");
    out.push_str(
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" \
         fill=\"#555\"/></marker></defs>\n",
    );
    for edge in report.topology.edge_references() {
        let (from, to) = (places[&edge.source()], places[&edge.target()]);
        let names = [edge.source(), edge.target()].map(|node| &report.topology[node].name);
        let record = run.edges.iter().find(|e| e.from == *names[0] && e.to == *names[1]);
        let (x1, y1) = (from.0 + BOX.0, from.1 + BOX.1 / 2.0);
        let (x2, y2) = (to.0, to.1 + BOX.1 / 2.0);
        let bend = if x2 > x1 { (x2 - x1) / 2.0 } else { 60.0 };
        let _ = writeln!(
            out,
            "<path d=\"M{x1} {y1} C{} {y1} {} {y2} {x2} {y2}\" fill=\"none\" stroke=\"#555\" \
             stroke-width=\"1.5\" marker-end=\"url(#tip)\"/>",
            x1 + bend,
            x2 - bend,
        );
        let Some(record) = record.filter(|record| record.asked > 0) else { continue };
        let rate = record.asked as f64 / run.ended.as_secs();
        let errors = record.outcomes.errors() as f64 / record.outcomes.total().max(1) as f64;
        let mut label = format!("{}/s", count(rate));
        if errors > 0.0005 {
            label.push_str(&format!(", {} errors", percent(errors)));
        }
        // Near the callee, where arrows of one caller have parted.
        let (x, y) = (x1 + (x2 - x1) * 0.62, y1 + (y2 - y1) * 0.72 - 6.0);
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" font-size=\"11\" text-anchor=\"middle\" stroke=\"white\" \
             stroke-width=\"3\" paint-order=\"stroke\">{label}</text>"
        );
    }
}

fn boxes(out: &mut String, report: &Report, places: &BTreeMap<NodeIndex, (f64, f64)>) {
    let run = report.runs().next().expect("at least one run");
    for (node, &(x, y)) in places {
        let node = &report.topology[*node];
        let group = run.groups.iter().find(|group| group.name == node.name);
        let busy: Vec<f64> = group
            .iter()
            .flat_map(|group| &group.members)
            .filter_map(|member| utilisation(member.busy, member.servers, run))
            .collect();
        let mean = (!busy.is_empty()).then(|| busy.iter().sum::<f64>() / busy.len() as f64);
        let times = if node.replicas > 1 { format!(" ×{}", node.replicas) } else { String::new() };
        let second = match mean {
            Some(mean) => {
                format!("{}{times}, busy {}", node.kind, percent((mean * 1000.0).round() / 1000.0))
            }
            None => format!("{}{times}", node.kind),
        };
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"6\" \
             fill=\"{}\" stroke=\"#333\"/>\n\
             <text x=\"{tx}\" y=\"{}\" font-size=\"14\" text-anchor=\"middle\" \
             font-weight=\"bold\">{}</text>\n\
             <text x=\"{tx}\" y=\"{}\" font-size=\"11\" text-anchor=\"middle\">{second}</text>",
            BOX.0,
            BOX.1,
            shade(mean),
            y + 24.0,
            escape(&node.name),
            y + 42.0,
            tx = x + BOX.0 / 2.0,
        );
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
