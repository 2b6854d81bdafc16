//! What a workflow will do, as far as it is known before it runs: its nodes, and the order they come in.

use super::spec::{StepSpec, WorkflowSpec};

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
    /// The workflow ends.
    Return,
    /// The loop of this label ends; the innermost where it is empty.
    Break(&'static str),
    /// The loop of this label goes on; the innermost where it is empty.
    Continue(&'static str),
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

    /// A number over what must stay the same for runs that are under way: the names, their order and the signatures.
    /// Conditions, layout, comments and the names of variables do not count.
    pub const fn fingerprint(&self) -> u64 {
        hash_flow(hash(SEED, self.name), self.flow, self.nodes)
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

/// Checks that what stands at a node shares its name with nothing else before it.
///
/// # Panics
/// Where it does. Generated code asks while compiling, so the panic is a compile error.
pub const fn unique(nodes: &'static [GraphNode], site: usize) {
    let new = &nodes[site].info;
    if !new.is_named() {
        return;
    }
    let mut earlier = 0;
    while earlier < site {
        let old = &nodes[earlier].info;
        if old.is_named() && old.name_hash == new.name_hash && old.hash != new.hash {
            let text = Text::new()
                .add("two calls of this workflow go by the name `")
                .add(new.name)
                .add("`: `")
                .add(old.module)
                .add("::")
                .add(old.function)
                .add("` and `")
                .add(new.module)
                .add("::")
                .add(new.function)
                .add("`; rename one, as in `#[step(name = \"..\")]`");
            panic!("{}", text.as_str());
        }
        earlier += 1;
    }
}

/// Text put together while compiling.
struct Text {
    bytes: [u8; 512],
    len: usize,
}

impl Text {
    const fn new() -> Text {
        Text {
            bytes: [0; 512],
            len: 0,
        }
    }

    const fn add(mut self, text: &str) -> Text {
        let text = text.as_bytes();
        let mut i = 0;
        while i < text.len() && self.len < self.bytes.len() {
            self.bytes[self.len] = text[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    const fn as_str(&self) -> &str {
        match std::str::from_utf8(self.bytes.split_at(self.len).0) {
            Ok(text) => text,
            // Cut in the middle of a letter.
            Err(_) => "two calls of this workflow go by one name",
        }
    }
}

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, with an end mark so that `ab` and `c` differ from `a` and `bc`. It is stored with runs: never change it.
const fn hash(mut seed: u64, text: &str) -> u64 {
    const PRIME: u64 = 0x0100_0000_01b3;

    let text = text.as_bytes();
    let mut i = 0;
    while i < text.len() {
        seed = (seed ^ text[i] as u64).wrapping_mul(PRIME);
        i += 1;
    }
    (seed ^ 0xff).wrapping_mul(PRIME)
}

const fn hash_flow(mut seed: u64, flow: &[Flow], nodes: &[GraphNode]) -> u64 {
    let mut i = 0;
    while i < flow.len() {
        seed = match flow[i] {
            Flow::Node(site) => {
                let node = &nodes[site as usize];
                let seed = hash(hash(seed, "node"), node.title());
                let seed = hash(seed, node.info.signature);
                match node.info.kind {
                    // What a step is given is its own affair; gates and records are named by their argument.
                    NodeKind::Gate | NodeKind::Record => hash(seed, node.label),
                    _ => seed,
                }
            }
            Flow::Branch { arms, .. } => {
                let mut seed = hash(seed, "branch");
                let mut arm = 0;
                while arm < arms.len() {
                    seed = hash_flow(hash(seed, "arm"), arms[arm].1, nodes);
                    arm += 1;
                }
                seed
            }
            Flow::Loop { body, .. } => hash_flow(hash(seed, "loop"), body, nodes),
            Flow::Return => hash(seed, "return"),
            Flow::Break(_) => hash(seed, "break"),
            Flow::Continue(_) => hash(seed, "continue"),
        };
        i += 1;
    }
    hash(seed, "end")
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn step(name: &'static str, function: &'static str) -> NodeInfo {
        NodeInfo::new(NodeKind::Step, name, function, "blog", "() -> Result<()>")
    }
    const fn node(info: NodeInfo) -> GraphNode {
        GraphNode::new(info, "called", "a text", "", 1)
    }
    const DRAFT: GraphNode = node(step("draft", "draft"));
    const PUBLISH: GraphNode = node(step("publish", "publish"));

    #[test]
    fn fingerprint_counts_order_and_shape_and_not_conditions() {
        const NODES: &[GraphNode] = &[DRAFT, PUBLISH];
        let of = |flow: &'static [Flow]| Graph::new("article", NODES, flow).fingerprint();
        let straight = of(&[Flow::Node(0), Flow::Node(1)]);
        assert_ne!(straight, of(&[Flow::Node(1), Flow::Node(0)]));
        assert_ne!(
            straight,
            of(&[Flow::Loop {
                label: "",
                name: "",
                body: &[Flow::Node(0), Flow::Node(1)]
            }])
        );
        let branch = of(&[Flow::Branch {
            label: "a > 1",
            arms: &[("yes", &[Flow::Node(0)]), ("no", &[Flow::Return])],
        }]);
        let same = of(&[Flow::Branch {
            label: "draft.score >= 2",
            arms: &[("Good", &[Flow::Node(0)]), ("else", &[Flow::Return])],
        }]);
        assert_eq!(branch, same);
    }

    /// Stored runs hold fingerprints, so a release must not change them.
    #[test]
    fn fingerprint_never_changes() {
        let graph = Graph::new(
            "article",
            &[DRAFT, PUBLISH],
            &[Flow::Node(0), Flow::Node(1)],
        );
        assert_eq!(graph.fingerprint(), 17_610_944_906_632_224_140);
    }

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

    #[test]
    #[should_panic(expected = "`send`: `blog::mail` and `blog::text`; rename one")]
    fn two_steps_of_one_name_do_not_compile() {
        const NODES: &[GraphNode] = &[node(step("send", "mail")), node(step("send", "text"))];
        unique(NODES, 1);
    }

    #[test]
    fn same_step_may_be_called_twice() {
        unique(&[DRAFT, PUBLISH, DRAFT], 2);
    }
}
