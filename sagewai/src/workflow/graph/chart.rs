//! The graph as points and arrows, for pictures that are made of them.

use super::{Flow, Graph, GraphNode, ParallelKind};

/// Points, numbered, and the arrows between them.
pub(super) struct Chart {
    pub(super) points: Vec<Point>,
    pub(super) arrows: Vec<Arrow>,
}

/// What stands at a point.
#[derive(Clone, Copy)]
pub(super) enum Point {
    Start(&'static str),
    Await(&'static GraphNode),
    /// One of several ways is taken.
    Choice(&'static str),
    /// Something is repeated.
    Loop(&'static str),
    /// Several things begin.
    Fork(ParallelKind, &'static str),
    /// They are over.
    Join(ParallelKind),
    End,
}

/// A way from one point to another.
pub(super) struct Arrow {
    pub(super) from: usize,
    pub(super) to: usize,
    /// Why it is taken; may be empty.
    pub(super) label: &'static str,
}

impl Chart {
    pub(super) fn of(graph: &Graph) -> Chart {
        let mut walk = Walk {
            nodes: graph.nodes,
            chart: Chart {
                points: Vec::new(),
                arrows: Vec::new(),
            },
            around: Vec::new(),
            returns: Vec::new(),
        };
        let start = walk.point(Point::Start(graph.name));
        let mut ends = walk.all(graph.flow, vec![(start, "")]);
        ends.append(&mut walk.returns);
        let end = walk.point(Point::End);
        walk.arrows(ends, end);
        walk.chart
    }
}

/// Ways that have begun and lead nowhere yet: from which point, and why they are taken.
type Ends = Vec<(usize, &'static str)>;

/// Goes through the flow once.
struct Walk {
    nodes: &'static [GraphNode],
    chart: Chart,
    /// The loops and blocks around, outermost first.
    around: Vec<Around>,
    /// Where the workflow, or the branch that goes on at once with others, returned.
    returns: Ends,
}

/// A loop or block, while its body is gone through.
struct Around {
    name: &'static str,
    /// Where it begins anew; none for a block.
    again: Option<usize>,
    /// Where it was left.
    left: Ends,
}

impl Walk {
    fn point(&mut self, point: Point) -> usize {
        self.chart.points.push(point);
        self.chart.points.len() - 1
    }

    fn arrows(&mut self, ends: Ends, to: usize) {
        let arrow = |(from, label)| Arrow { from, to, label };
        self.chart.arrows.extend(ends.into_iter().map(arrow));
    }

    /// Adds a point that these ways lead to.
    fn reach(&mut self, point: Point, ends: Ends) -> usize {
        let to = self.point(point);
        self.arrows(ends, to);
        to
    }

    fn all(&mut self, flow: &'static [Flow], mut ends: Ends) -> Ends {
        for part in flow {
            // What stands behind `return` is never reached.
            if ends.is_empty() {
                break;
            }
            ends = self.one(part, ends);
        }
        ends
    }

    fn one(&mut self, part: &'static Flow, ends: Ends) -> Ends {
        match part {
            Flow::Node(site) => {
                let node = &self.nodes[usize::from(*site)];
                vec![(self.reach(Point::Await(node), ends), "")]
            }
            Flow::Branch { label, arms } => {
                let choice = self.reach(Point::Choice(label), ends);
                let ways = arms
                    .iter()
                    .flat_map(|(answer, flow)| self.all(flow, vec![(choice, answer)]));
                ways.collect()
            }
            Flow::Loop { label, name, body } => {
                let head = self.reach(Point::Loop(label), ends);
                let (again, done) = answers(label);
                let (back, mut left) = self.inside(name, Some(head), body, vec![(head, again)]);
                self.arrows(back, head);
                left.extend(done.map(|done| (head, done)));
                left
            }
            Flow::Block { name, body } => {
                let (mut ends, left) = self.inside(name, None, body, ends);
                ends.extend(left);
                ends
            }
            Flow::Parallel {
                kind,
                label,
                branches,
            } => {
                let fork = self.reach(Point::Fork(*kind, label), ends);
                let outside = std::mem::take(&mut self.returns);
                let mut over: Ends = branches
                    .iter()
                    .flat_map(|branch| self.all(branch, vec![(fork, "")]))
                    .collect();
                over.extend(std::mem::replace(&mut self.returns, outside));
                vec![(self.reach(Point::Join(*kind), over), "")]
            }
            Flow::Return => {
                self.returns.extend(ends);
                Ends::new()
            }
            Flow::Break(name) => {
                if let Some(around) = self.named(name) {
                    around.left.extend(ends);
                }
                Ends::new()
            }
            Flow::Continue(name) => {
                if let Some(head) = self.named(name).and_then(|around| around.again) {
                    self.arrows(ends, head);
                }
                Ends::new()
            }
        }
    }

    /// The ways out of a body: where it ends, and where it is left.
    fn inside(
        &mut self,
        name: &'static str,
        again: Option<usize>,
        body: &'static [Flow],
        ends: Ends,
    ) -> (Ends, Ends) {
        let left = Ends::new();
        self.around.push(Around { name, again, left });
        let ends = self.all(body, ends);
        let left = self.around.pop().map(|around| around.left);
        (ends, left.unwrap_or_default())
    }

    /// What a label means; without one, the innermost loop.
    fn named(&mut self, name: &str) -> Option<&mut Around> {
        let meant = |around: &&mut Around| match name {
            "" => around.again.is_some(),
            name => around.name == name,
        };
        self.around.iter_mut().rev().find(meant)
    }
}

/// Why a loop goes on, and why it ends, if it ends of itself.
fn answers(label: &str) -> (&'static str, Option<&'static str>) {
    if label.starts_with("for ") {
        ("next", Some("done"))
    } else if label.is_empty() {
        ("", None)
    } else {
        ("yes", Some("no"))
    }
}
