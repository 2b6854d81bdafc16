//! The graph in the language of Graphviz.

use std::fmt::Write;

use super::chart::{Chart, Point};
use super::{Graph, NodeKind, words};

impl Graph {
    /// The graph in the DOT language of [Graphviz](https://graphviz.org): `dot -Tsvg` draws it.
    pub fn to_dot(&self) -> String {
        let chart = Chart::of(self);
        let mut text = format!("digraph {} {{\n", quoted(self.name));
        text.push_str("    node [fontname=\"sans-serif\"]\n    edge [fontname=\"sans-serif\"]\n");
        for (number, point) in chart.points.iter().enumerate() {
            let _ = writeln!(text, "    p{number} [{}]", attributes(point));
        }
        for arrow in &chart.arrows {
            let label = match arrow.label {
                "" => String::new(),
                label => format!(" [label={}]", quoted(label)),
            };
            let _ = writeln!(text, "    p{} -> p{}{label}", arrow.from, arrow.to);
        }
        text.push_str("}\n");
        text
    }
}

fn attributes(point: &Point) -> String {
    let (label, shape) = match point {
        Point::Start(name) => ((*name).to_owned(), "oval"),
        Point::End => ("end".to_owned(), "oval"),
        Point::Loop("") => ("loop".to_owned(), "circle"),
        Point::Choice(label) | Point::Loop(label) => ((*label).to_owned(), "diamond"),
        Point::Fork(kind, label) if kind.is_dynamic() => {
            (words::fork(*kind, label), "trapezium style=dashed")
        }
        Point::Fork(kind, label) => (words::fork(*kind, label), "trapezium"),
        Point::Join(kind) => (words::join(*kind).to_owned(), "invtrapezium"),
        Point::Await(node) => {
            let label = format!("{}\n{}", words::title(node), words::details(node));
            (label, shape(node.info.kind))
        }
    };
    format!("label={} shape={shape}", quoted(&label))
}

fn shape(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Step => "box",
        NodeKind::Workflow => "box peripheries=2",
        NodeKind::Gate => "hexagon",
        NodeKind::Signal => "cds",
        NodeKind::Sleep => "box style=rounded",
        NodeKind::Record => "cylinder",
        NodeKind::Dynamic => "box style=dashed",
    }
}

fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n"))
}
