//! What a workflow will do, as far as it is known before it runs: its nodes, and the order they come in.

mod chart;
mod dot;
mod fingerprint;
#[cfg(test)]
mod golden;
mod json;
mod mermaid;
mod node;
mod text;
mod unique;
mod words;

use super::registry::WorkflowFn;
use super::spec::Workflow;

pub use node::{GraphNode, NodeInfo, NodeKind};
pub use unique::unique;

/// The static graph of a workflow: [`graph`] and `article::GRAPH` (of the trait [`Workflow`]) give it. Its nodes are
/// the awaits of the body, in the order of the source.
///
/// It shows what the source says. What is known only when the run gets there is drawn as such: how often a loop goes
/// round, how many items a map has, and which step stands behind a call through a variable or a helper. Options are
/// those of the step's attribute; a call may override them. An error that `?` hands on ends the workflow from wherever
/// it is, and is not drawn.
///
/// ```
/// # use sagewai::workflow::{Flow, Graph, GraphNode, NodeInfo, NodeKind};
/// # const DRAFT: NodeInfo = NodeInfo::new(NodeKind::Step, "draft", "draft", "blog", "() -> Result<String>");
/// # static NODES: [GraphNode; 1] = [GraphNode::new(DRAFT, "draft", "", "", 7)];
/// # let graph = Graph::new("article", &NODES, &[Flow::Node(0)]);
/// let steps = graph.nodes.iter().filter(|node| node.info.kind == NodeKind::Step);
/// assert_eq!(steps.map(|step| step.title()).collect::<Vec<_>>(), ["draft"]);
/// ```
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Graph {
    /// Name of the workflow.
    pub name: &'static str,
    /// Its await sites, by number.
    pub nodes: &'static [GraphNode],
    /// The order of things.
    pub flow: &'static [Flow],
}

/// A part of the order of things.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Flow {
    /// The await site of this number.
    Node(u16),
    /// One of several ways is taken: `if`, `match`, `let else`.
    Branch {
        /// What is asked, as written.
        label: &'static str,
        /// The ways: the answer as written, and what follows.
        arms: &'static [(&'static str, &'static [Flow])],
    },
    /// Something is repeated: `for`, `while`, `loop`.
    Loop {
        /// What is asked each time, as written: `for round in 0..3`, `while n > 0`; empty for `loop`.
        label: &'static str,
        /// The label of the loop, without its quote; may be empty.
        name: &'static str,
        /// What is repeated.
        body: &'static [Flow],
    },
    /// Several things go on at once. It is over when all of them are, or, in a race, the first one.
    Parallel {
        /// Which combinator.
        kind: ParallelKind,
        /// What is gone through, as written, for a map; else empty.
        label: &'static str,
        /// What goes on at once; for a map, what is done with each item.
        branches: &'static [&'static [Flow]],
    },
    /// A part that can be left early, by `break` with its label.
    Block {
        /// Its label, without the quote.
        name: &'static str,
        /// What stands in it.
        body: &'static [Flow],
    },
    /// The workflow ends; inside a branch of [`Flow::Parallel`], that branch.
    Return,
    /// The loop of this label ends; the innermost where it is empty.
    Break(&'static str),
    /// The loop of this label goes on; the innermost where it is empty.
    Continue(&'static str),
}

/// Kinds of [`Flow::Parallel`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ParallelKind {
    /// `join!`: all branches.
    Join,
    /// `try_join!`: all branches, or the first error.
    TryJoin,
    /// `race!`: the first branch.
    Race,
    /// `map`: one branch for each item, however many there are when the run gets there.
    Map,
    /// `try_map`: the same, or the first error.
    TryMap,
}

/// The graph of a workflow, by its function.
///
/// ```
/// use sagewai::prelude::*;
///
/// #[step]
/// async fn draft(topic: String) -> Result<String> {
///     Ok(topic)
/// }
///
/// #[workflow]
/// async fn article(topic: String) -> Result<String> {
///     let text = draft(topic).await?;
///     approval("review").await?;
///     Ok(text)
/// }
///
/// let graph = sagewai::graph(article);
/// println!("{}", graph.to_text()); // or `to_mermaid`, `to_dot`, `to_json`
/// assert_eq!(graph.nodes.len(), 2);
/// ```
pub fn graph<Arguments, F: WorkflowFn<Arguments>>(_workflow: F) -> &'static Graph {
    F::Workflow::GRAPH
}

impl Graph {
    #[doc(hidden)]
    pub const fn new(
        name: &'static str,
        nodes: &'static [GraphNode],
        flow: &'static [Flow],
    ) -> Graph {
        Graph { name, nodes, flow }
    }
}

impl ParallelKind {
    /// Whether how many branches there are is known only when the run gets there.
    pub const fn is_dynamic(self) -> bool {
        matches!(self, ParallelKind::Map | ParallelKind::TryMap)
    }

    /// The word for it: `join`, `try_join`, `race`, `map` or `try_map`.
    pub const fn name(self) -> &'static str {
        match self {
            ParallelKind::Join => "join",
            ParallelKind::TryJoin => "try_join",
            ParallelKind::Race => "race",
            ParallelKind::Map => "map",
            ParallelKind::TryMap => "try_map",
        }
    }
}
