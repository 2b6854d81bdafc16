//! The graph as JSON, for programs that draw it themselves.

use serde::Serialize;

use super::{Flow, Graph, GraphNode, words};
use crate::model::Labels;
use crate::workflow::asks::labels_of;

impl Graph {
    /// The graph as JSON: `name`, `fingerprint` (16 hexadecimal digits), `nodes` and `flow`.
    ///
    /// The number of a node in `nodes` is the one that `flow` names. A part of the flow is an object whose `is` says
    /// what it is: `node`, `branch`, `loop`, `parallel`, `block`, `return`, `break`, `continue`.
    pub fn to_json(&self) -> String {
        let whole = Whole {
            name: self.name,
            fingerprint: format!("{:016x}", self.fingerprint()),
            nodes: self.nodes.iter().map(Node::of).collect(),
            flow: parts(self.flow),
        };
        serde_json::to_string_pretty(&whole)
            .unwrap_or_else(|e| unreachable!("texts and numbers are JSON: {e}"))
    }
}

#[derive(Serialize)]
struct Whole {
    name: &'static str,
    fingerprint: String,
    nodes: Vec<Node>,
    flow: Vec<Part>,
}

#[derive(Serialize)]
struct Node {
    kind: &'static str,
    title: &'static str,
    name: &'static str,
    function: String,
    called: &'static str,
    label: &'static str,
    signature: &'static str,
    line: u32,
    retries: u32,
    timeout_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pool: Option<&'static str>,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
    /// The child's name.
    workflow: Option<&'static str>,
}

impl Node {
    fn of(node: &GraphNode) -> Node {
        let info = &node.info;
        Node {
            kind: match info.kind {
                super::NodeKind::Dynamic => "dynamic",
                kind => words::kind(kind),
            },
            title: words::title(node),
            name: info.name,
            function: match info.function {
                "" => String::new(),
                function => format!("{}::{function}", info.module),
            },
            called: node.path,
            label: node.label,
            signature: info.signature,
            line: node.line,
            retries: info.retries,
            timeout_ms: info.timeout.map(words::milliseconds),
            pool: info.pool,
            labels: labels_of(info.labels),
            workflow: info.graph.map(|graph| graph().name),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "is", rename_all = "snake_case")]
enum Part {
    Node {
        node: u16,
    },
    Branch {
        label: &'static str,
        arms: Vec<Arm>,
    },
    Loop {
        label: &'static str,
        name: &'static str,
        body: Vec<Part>,
    },
    Parallel {
        kind: &'static str,
        label: &'static str,
        /// How many branches there are is known only at run time.
        dynamic: bool,
        branches: Vec<Vec<Part>>,
    },
    Block {
        name: &'static str,
        body: Vec<Part>,
    },
    Return,
    Break {
        name: &'static str,
    },
    Continue {
        name: &'static str,
    },
}

#[derive(Serialize)]
struct Arm {
    label: &'static str,
    flow: Vec<Part>,
}

fn parts(flow: &[Flow]) -> Vec<Part> {
    flow.iter().map(part).collect()
}

fn part(part: &Flow) -> Part {
    match part {
        Flow::Node(node) => Part::Node { node: *node },
        Flow::Branch { label, arms } => Part::Branch {
            label,
            arms: arms
                .iter()
                .map(|(label, flow)| Arm {
                    label,
                    flow: parts(flow),
                })
                .collect(),
        },
        Flow::Loop { label, name, body } => Part::Loop {
            label,
            name,
            body: parts(body),
        },
        Flow::Parallel {
            kind,
            label,
            branches,
        } => Part::Parallel {
            kind: kind.name(),
            label,
            dynamic: kind.is_dynamic(),
            branches: branches.iter().map(|branch| parts(branch)).collect(),
        },
        Flow::Block { name, body } => Part::Block {
            name,
            body: parts(body),
        },
        Flow::Return => Part::Return,
        Flow::Break(name) => Part::Break { name },
        Flow::Continue(name) => Part::Continue { name },
    }
}
