//! What a workflow will do, as far as it is known before it runs: its nodes, and the order they come in.

mod fingerprint;
mod unique;

use super::spec::{StepSpec, WorkflowSpec};
use fingerprint::{SEED, hash};

pub use unique::unique;

/// The static graph of a workflow. Its nodes are the awaits of the body, in the order of the source.
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

/// One await site.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct GraphNode {
    /// What is awaited.
    pub info: NodeInfo,
    /// The callee as written there.
    pub path: &'static str,
    /// The first argument where it is a text, as in `approval("review")`; else empty.
    pub label: &'static str,
    /// The name given there, as in `draft(&notes).named("again")`; else empty.
    pub named: &'static str,
    /// Line in the source file.
    pub line: u32,
}

/// What is awaited at a node.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct NodeInfo {
    /// Which kind of operation.
    pub kind: NodeKind,
    /// Its name in the journal; empty where it is known only when the run gets there.
    pub name: &'static str,
    /// The function's name.
    pub function: &'static str,
    /// The function's module.
    pub module: &'static str,
    /// Parameters and result.
    pub signature: &'static str,
    /// The child's graph. A function, because a workflow may contain itself.
    pub graph: Option<fn() -> &'static Graph>,
    /// Hashes of the name and of the whole, so that checks at compile time compare numbers.
    name_hash: u64,
    hash: u64,
}

/// Kinds of durable operations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NodeKind {
    /// A `#[step]`.
    Step,
    /// A child `#[workflow]`.
    Workflow,
    /// A gate: the run waits for a person.
    Gate,
    /// A timer.
    Sleep,
    /// A value that is stored when the run first gets there.
    Record,
    /// Known only when the run gets there.
    Dynamic,
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
        /// What is asked each time, as written; empty for `loop`.
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

impl GraphNode {
    #[doc(hidden)]
    pub const fn new(
        info: NodeInfo,
        path: &'static str,
        label: &'static str,
        named: &'static str,
        line: u32,
    ) -> GraphNode {
        GraphNode {
            info,
            path,
            label,
            named,
            line,
        }
    }

    /// How to call it in a picture or a list.
    pub const fn title(&self) -> &'static str {
        if !self.named.is_empty() {
            self.named
        } else if !self.info.name.is_empty() {
            self.info.name
        } else {
            self.path
        }
    }

    /// Whether a checkpoint of this name, its position without scope and counter, was made here.
    pub fn is(&self, name: &str) -> bool {
        match self.info.kind {
            NodeKind::Dynamic => false,
            NodeKind::Gate => name
                .strip_prefix("approval:")
                .is_some_and(|gate| self.label.is_empty() || gate == self.label),
            NodeKind::Record if !self.label.is_empty() => name == self.label,
            _ => name == self.title(),
        }
    }
}

impl NodeInfo {
    /// Known only when the run gets there.
    pub const DYNAMIC: NodeInfo = NodeInfo::new(NodeKind::Dynamic, "", "", "", "");

    #[doc(hidden)]
    pub const fn new(
        kind: NodeKind,
        name: &'static str,
        function: &'static str,
        module: &'static str,
        signature: &'static str,
    ) -> NodeInfo {
        let name_hash = hash(SEED, name);
        NodeInfo {
            kind,
            name,
            function,
            module,
            signature,
            graph: None,
            name_hash,
            hash: hash(hash(hash(name_hash, function), module), signature),
        }
    }

    #[doc(hidden)]
    pub const fn step(spec: &StepSpec) -> NodeInfo {
        NodeInfo::new(
            NodeKind::Step,
            spec.name,
            spec.function,
            spec.module,
            spec.signature,
        )
    }

    #[doc(hidden)]
    pub const fn workflow(spec: &WorkflowSpec, graph: fn() -> &'static Graph) -> NodeInfo {
        let info = NodeInfo::new(
            NodeKind::Workflow,
            spec.name,
            spec.function,
            spec.module,
            spec.signature,
        );
        NodeInfo {
            graph: Some(graph),
            ..info
        }
    }

    /// Whether it takes a position by its own name, so that two of them must not share it.
    const fn is_named(&self) -> bool {
        matches!(self.kind, NodeKind::Step | NodeKind::Workflow)
    }
}

impl ParallelKind {
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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(super) const fn step(name: &'static str, function: &'static str) -> NodeInfo {
        NodeInfo::new(NodeKind::Step, name, function, "blog", "() -> Result<()>")
    }
    pub(super) const fn node(info: NodeInfo) -> GraphNode {
        GraphNode::new(info, "called", "a text", "", 1)
    }
    pub(super) const DRAFT: GraphNode = node(step("draft", "draft"));
    pub(super) const PUBLISH: GraphNode = node(step("publish", "publish"));

    #[test]
    fn checkpoints_find_their_node() {
        let again = GraphNode::new(DRAFT.info, "draft", "", "again", 1);
        let review = NodeInfo::new(NodeKind::Gate, "approval", "approval", "sagewai", "");
        let review = GraphNode::new(review, "approval", "review", "", 1);
        assert!(DRAFT.is("draft") && !DRAFT.is("again"));
        assert!(again.is("again") && !again.is("draft"));
        assert!(
            review.is("approval:review") && !review.is("approval:legal") && !review.is("review")
        );
        assert!(!node(NodeInfo::DYNAMIC).is(""));
    }
}
