//! What stands behind a name at an await site. A step and the type of its name are told apart by asking that type:
//! where it is a [`Node`], the graph knows what is awaited, and the state of a run has its type.

use std::fmt;
use std::marker::PhantomData;

use super::graph::NodeInfo;
use super::spec::{Payload, Step, Workflow};
use crate::error::{Classify, Fault};
use crate::model::Json;

/// What is awaited at a site: implemented by the type that shares its name with the called function. `G` holds the
/// generic arguments of the call.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a step, workflow or durable operation",
    label = "not a durable operation"
)]
pub trait Node<G = ()> {
    /// What a checkpoint of it holds.
    type Output;
    /// What it is.
    type Of: Described<Output = Self::Output>;
    /// What the graph says of it.
    const NODE: NodeInfo = Self::Of::NODE;
}

/// What a node is, written once for all steps and for all workflows: generated code says which, and no more.
pub trait Described {
    /// What a checkpoint of it holds. That it can be stored is told at the step, and not again by who asks here.
    type Output: Payload;
    /// What the graph says of it.
    const NODE: NodeInfo;
}

/// A step.
#[derive(Debug)]
pub struct StepNode<S>(PhantomData<S>);

impl<S: Step> Described for StepNode<S> {
    type Output = S::Output;
    const NODE: NodeInfo = NodeInfo::step(&S::SPEC);
}

/// A workflow.
#[derive(Debug)]
pub struct WorkflowNode<W>(PhantomData<W>);

impl<W: Workflow> Described for WorkflowNode<W> {
    type Output = W::Output;
    const NODE: NodeInfo = NodeInfo::workflow(&W::SPEC, || W::GRAPH);
}

/// Something else, whose checkpoints hold this.
#[derive(Debug)]
pub struct ValueNode<T>(PhantomData<T>);

impl<T: Payload> Described for ValueNode<T> {
    type Output = T;
    const NODE: NodeInfo = NodeInfo::DYNAMIC;
}

/// The node of a function that has no type of its name.
#[derive(Debug)]
pub enum Unknown {}

impl<G> Node<G> for Unknown {
    type Output = Json;
    type Of = ValueNode<Json>;
}

/// Asks a type for its node. `Probe::<T>::NODE` is that of `T` where `T` is a [`Node`]: an associated constant of the
/// type comes before one of a trait.
#[derive(Debug)]
pub struct Probe<T>(PhantomData<T>);

impl<T: Node> Probe<T> {
    /// The node of `T`.
    pub const NODE: NodeInfo = <T as Node>::NODE;
}

/// What [`Probe`] answers for any other type.
pub trait ProbeFallback {
    /// Nothing is known.
    const NODE: NodeInfo = NodeInfo::DYNAMIC;
}

impl<T> ProbeFallback for Probe<T> {}

/// Asks an error whether it is terminal. `TerminalProbe(&error).is_terminal()` asks [`Classify`] where the error has
/// it: a method of the type comes before one of a trait.
#[derive(Debug)]
pub struct TerminalProbe<'a, E>(pub &'a E);

impl<E: Classify> TerminalProbe<'_, E> {
    /// What the error says.
    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

/// What [`TerminalProbe`] answers for any other error: it is retried as the step's options say.
pub trait TerminalFallback {
    /// Whether further attempts are pointless.
    fn is_terminal(&self) -> bool {
        false
    }
}

impl<E> TerminalFallback for TerminalProbe<'_, E> {}

/// `Debug` of a state enum: the variant and its value as JSON, so that outputs need no `Debug`.
pub fn debug_state<D: Described>(
    f: &mut fmt::Formatter<'_>,
    variant: &str,
    value: &D::Output,
) -> fmt::Result {
    match value.store() {
        Ok(json) => write!(f, "{variant}({json})"),
        Err(fault) => write!(f, "{variant}(<{fault}>)"),
    }
}

/// A stored value.
///
/// # Errors
/// [`Fault::Decode`].
pub fn load<D: Described>(value: &Json) -> Result<D::Output, Fault> {
    D::Output::load(value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workflow::graph::NodeKind;

    enum Charge {}
    impl Node for Charge {
        type Output = u32;
        type Of = ValueNode<u32>;
        const NODE: NodeInfo = NodeInfo::new(NodeKind::Step, "charge", "charge", "shop", "");
    }

    #[test]
    fn types_that_are_nodes_are_known_and_others_are_dynamic() {
        assert_eq!(Probe::<Charge>::NODE.name, "charge");
        assert_eq!(Probe::<Unknown>::NODE.kind, NodeKind::Dynamic);
        assert_eq!(Probe::<String>::NODE.kind, NodeKind::Dynamic);
    }

    #[test]
    fn errors_that_do_not_say_are_retried() {
        struct Declined;
        impl Classify for Declined {
            fn is_terminal(&self) -> bool {
                true
            }
        }
        struct Unreachable;
        assert!(TerminalProbe(&Declined).is_terminal());
        assert!(!TerminalProbe(&Unreachable).is_terminal());
    }

    #[test]
    fn state_prints_as_json() {
        struct State(&'static str);
        impl fmt::Debug for State {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                debug_state::<ValueNode<String>>(f, "Charge", &self.0.to_owned())
            }
        }
        assert_eq!(format!("{:?}", State("x")), "Charge(\"x\")");
    }
}
