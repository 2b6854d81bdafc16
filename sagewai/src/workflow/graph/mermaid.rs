//! The graph as a Mermaid flowchart, which Markdown viewers draw.

use std::fmt::Write;

use super::chart::{Chart, Point};
use super::{Graph, GraphNode, NodeKind, words};

impl Graph {
    /// The graph as a [Mermaid](https://mermaid.js.org) flowchart: put it into a code block of the language
    /// `mermaid`.
    ///
    /// Steps are boxes, child workflows boxes with double sides, gates hexagons, timers rounded, records cylinders;
    /// what is known only at run time, be it a step or the number of items of a map, has a dashed border.
    pub fn to_mermaid(&self) -> String {
        let chart = Chart::of(self);
        let mut text = String::from("flowchart TD\n");
        for (number, point) in chart.points.iter().enumerate() {
            let shape = shape(point);
            let _ = writeln!(text, "    p{number}{shape}");
        }
        for arrow in &chart.arrows {
            let label = match arrow.label {
                "" => String::new(),
                label => format!("|{}|", quoted(label)),
            };
            let _ = writeln!(text, "    p{} -->{label} p{}", arrow.from, arrow.to);
        }
        text.push_str("    classDef dynamic stroke-dasharray: 5 5\n");
        text
    }
}

fn shape(point: &Point) -> String {
    match point {
        Point::Start(name) => format!("([{}])", quoted(name)),
        Point::End => "([\"end\"])".to_owned(),
        Point::Await(node) => node_shape(node),
        Point::Loop("") => "((\"loop\"))".to_owned(),
        Point::Choice(label) | Point::Loop(label) => format!("{{{}}}", quoted(label)),
        Point::Fork(kind, label) => {
            let class = if kind.is_dynamic() { ":::dynamic" } else { "" };
            format!("[/{}\\]{class}", quoted(&words::fork(*kind, label)))
        }
        Point::Join(kind) => format!("[\\{}/]", quoted(words::join(*kind))),
    }
}

fn node_shape(node: &GraphNode) -> String {
    let label = format!("{}\n{}", words::title(node), words::details(node));
    let label = quoted(&label);
    match node.info.kind {
        NodeKind::Step => format!("[{label}]"),
        NodeKind::Workflow => format!("[[{label}]]"),
        NodeKind::Gate => format!("{{{{{label}}}}}"),
        NodeKind::Signal => format!(">{label}]"),
        NodeKind::Sleep => format!("({label})"),
        NodeKind::Record => format!("[({label})]"),
        NodeKind::Dynamic => format!("[{label}]:::dynamic"),
    }
}

/// A label. Mermaid reads it as HTML, with entities that begin with `#` instead of `&`.
fn quoted(label: &str) -> String {
    let mut text = String::from("\"");
    for letter in label.chars() {
        match letter {
            '\n' => text.push_str("<br/>"),
            '"' => text.push_str("#quot;"),
            '<' => text.push_str("#lt;"),
            '>' => text.push_str("#gt;"),
            '&' => text.push_str("#amp;"),
            '#' => text.push_str("#35;"),
            '`' => text.push_str("#96;"),
            letter => text.push(letter),
        }
    }
    text.push('"');
    text
}
