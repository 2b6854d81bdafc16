//! What stands at an await site.

use std::time::Duration;

use super::Graph;
use super::fingerprint::{SEED, hash};
use crate::workflow::asks::StaticLabels;
use crate::workflow::spec::{StepSpec, WorkflowSpec};

/// One await site.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct GraphNode {
    /// What is awaited.
    pub info: NodeInfo,
    /// The callee as written there.
    pub path: &'static str,
    /// The first argument where it is a text, as in `approval("review")`; of a timer, the argument as written; else
    /// empty.
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
    /// How many times it runs again when it fails, unless the call says otherwise; 0 for what is no step.
    pub retries: u32,
    /// Longest time one attempt may take, unless the call says otherwise.
    pub timeout: Option<Duration>,
    /// The pool whose workers execute it, unless the call says otherwise; none where that is the run's.
    pub pool: Option<&'static str>,
    /// Labels that its worker must have, beside those of the run.
    pub labels: StaticLabels,
    /// The child's graph. A function, because a workflow may contain itself.
    pub graph: Option<fn() -> &'static Graph>,
    /// Hashes of the name and of the whole, so that checks at compile time compare numbers.
    pub(super) name_hash: u64,
    pub(super) hash: u64,
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
    /// A message.
    Signal,
    /// A timer.
    Sleep,
    /// A value that is stored when the run first gets there.
    Record,
    /// Known only when the run gets there.
    Dynamic,
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
            NodeKind::Signal => name
                .strip_prefix("signal:")
                .is_some_and(|signal| self.label.is_empty() || signal == self.label),
            NodeKind::Workflow => name
                .strip_prefix("child:")
                .is_some_and(|child| child == self.title()),
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
            retries: 0,
            timeout: None,
            pool: None,
            labels: &[],
            graph: None,
            name_hash,
            hash: hash(hash(hash(name_hash, function), module), signature),
        }
    }

    #[doc(hidden)]
    pub const fn step(spec: &StepSpec) -> NodeInfo {
        let info = NodeInfo::new(
            NodeKind::Step,
            spec.name,
            spec.function,
            spec.module,
            spec.signature,
        );
        NodeInfo {
            retries: spec.retries,
            timeout: spec.timeout,
            pool: spec.pool,
            labels: spec.labels,
            ..info
        }
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
            pool: spec.pool,
            labels: spec.labels,
            graph: Some(graph),
            ..info
        }
    }

    /// Whether it takes a position by its own name, so that two of them must not share it.
    pub(super) const fn is_named(&self) -> bool {
        matches!(self.kind, NodeKind::Step | NodeKind::Workflow)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const fn step(name: &'static str, function: &'static str) -> NodeInfo {
        NodeInfo::new(NodeKind::Step, name, function, "blog", "() -> Result<()>")
    }
    pub(crate) const fn node(info: NodeInfo) -> GraphNode {
        GraphNode::new(info, "called", "a text", "", 1)
    }
    pub(crate) const DRAFT: GraphNode = node(step("draft", "draft"));
    pub(crate) const PUBLISH: GraphNode = node(step("publish", "publish"));

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
