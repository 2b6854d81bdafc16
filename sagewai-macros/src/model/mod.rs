//! What an item means, once it is understood. Everything in here is complete and free of contradictions, except for
//! what the list of mistakes beside it says.

mod body;
mod signature;

use std::fmt;

use proc_macro2::{Ident, TokenStream};

pub(crate) use body::{
    Arm, Asked, Body, Callee, Flow, Mark, Marked, Node, Parallel, Site, Suspect,
};
pub(crate) use signature::{Attributes, Param, Role, Signature};

use crate::diagnostics::Mistakes;
use crate::parse::Function;

/// Which of the two attributes is at work.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attribute {
    Step,
    Workflow,
}

impl Attribute {
    /// The type of the parameter that the worker provides.
    pub(crate) fn context(self) -> &'static str {
        match self {
            Attribute::Step => "StepContext",
            Attribute::Workflow => "WorkflowContext",
        }
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Attribute::Step => "step",
            Attribute::Workflow => "workflow",
        })
    }
}

/// An item after judgement.
pub(crate) struct Checked<T> {
    pub(crate) mistakes: Mistakes,
    /// The keys of the attribute that were read, right or wrong, for editors.
    pub(crate) keys: Vec<Ident>,
    pub(crate) item: Outcome<T>,
}

/// How far an item can be used.
pub(crate) enum Outcome<T> {
    /// All of it. There may still be mistakes, in the options or in the body.
    Whole(Box<T>),
    /// It can be called; what stands behind it is missing, because its signature is wrong.
    CallOnly(Box<Signature>),
    /// It is no free function, so it stays, as its author wrote it, where it is.
    AsWritten(Box<Function>),
}

/// A step.
pub(crate) struct Step {
    pub(crate) signature: Signature,
    pub(crate) options: Options,
    /// The author's function.
    pub(crate) function: Function,
}

/// A workflow.
pub(crate) struct Workflow {
    pub(crate) signature: Signature,
    pub(crate) options: Options,
    /// The author's function; of its body, `body` is what counts.
    pub(crate) function: Function,
    pub(crate) body: Body,
}

/// The options of an attribute.
#[derive(Default)]
pub(crate) struct Options {
    /// Key as written and its value: the fields of `StepSpec` or `WorkflowSpec`.
    pub(crate) fields: Vec<(Ident, TokenStream)>,
    /// A value is a constant of the user, so its range is known only to the compiler.
    pub(crate) has_constants: bool,
}
