//! A number over the shape of a workflow.

use super::{Flow, Graph, GraphNode, NodeKind};

impl Graph {
    /// A number over what must stay the same for runs that are under way: the names, their order and the signatures.
    /// Conditions, layout, comments and the names of variables do not count.
    pub const fn fingerprint(&self) -> u64 {
        hash_flow(hash(SEED, self.name), self.flow, self.nodes)
    }
}

pub(super) const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, with an end mark so that `ab` and `c` differ from `a` and `bc`. It is stored with runs: never change it.
pub(super) const fn hash(mut seed: u64, text: &str) -> u64 {
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
                    NodeKind::Gate | NodeKind::Signal | NodeKind::Record => hash(seed, node.label),
                    _ => seed,
                }
            }
            Flow::Branch { arms, .. } => {
                let mut seed = hash(seed, "branch");
                let mut arm = 0;
                while arm < arms.len() {
                    // One more arm in which nothing durable happens changes nothing.
                    if !arms[arm].1.is_empty() {
                        seed = hash_flow(hash(seed, "arm"), arms[arm].1, nodes);
                    }
                    arm += 1;
                }
                seed
            }
            Flow::Loop { body, .. } => hash_flow(hash(seed, "loop"), body, nodes),
            Flow::Parallel { kind, branches, .. } => {
                let mut seed = hash(seed, kind.name());
                let mut branch = 0;
                while branch < branches.len() {
                    seed = hash_flow(hash(seed, "branch of it"), branches[branch], nodes);
                    branch += 1;
                }
                seed
            }
            Flow::Block { body, .. } => hash_flow(hash(seed, "block"), body, nodes),
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
    use super::super::node::tests::{DRAFT, PUBLISH};
    use super::*;

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
}
