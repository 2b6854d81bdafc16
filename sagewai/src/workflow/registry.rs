//! Which workflows a worker knows.

use std::collections::BTreeMap;

use super::erased::{WorkflowBody, workflow_body};
use super::graph::Graph;
use super::spec::Workflow;
use super::workflow_call::WorkflowCall;
use crate::model::ServedWorkflow;

/// A `#[workflow]` function, which is how a workflow is registered: `.workflow(article_pipeline)`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `#[workflow]`",
    label = "expected the name of a function under `#[workflow]`",
    note = "steps need no registration: a worker knows those that its workflows call"
)]
pub trait WorkflowFn<Arguments> {
    /// Its type, which has the function's name.
    type Workflow: Workflow;
}

macro_rules! arities {
    ($(($($argument:ident),*))*) => { $(
        #[diagnostic::do_not_recommend]
        impl<Func, Flow, $($argument),*> WorkflowFn<($($argument,)*)> for Func
        where
            Flow: Workflow,
            Func: Fn($($argument),*) -> WorkflowCall<Flow>,
        {
            type Workflow = Flow;
        }
    )* };
}
arities! {
    () (A) (A, B) (A, B, C) (A, B, C, D) (A, B, C, D, E) (A, B, C, D, E, F) (A, B, C, D, E, F, G)
    (A, B, C, D, E, F, G, H)
}

/// A workflow as the engine runs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) function: &'static str,
    pub(crate) module: &'static str,
    pub(crate) graph: &'static Graph,
    pub(crate) body: WorkflowBody,
}

impl Definition {
    pub(crate) fn of<W: Workflow>() -> Definition {
        Definition {
            name: W::SPEC.name,
            version: W::SPEC.version,
            function: W::SPEC.function,
            module: W::SPEC.module,
            graph: W::GRAPH,
            body: workflow_body::<W>,
        }
    }
}

/// Definitions by name and version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registry(BTreeMap<(&'static str, u32), Definition>);

impl Registry {
    /// Adds a workflow. Another one of the same name and version is returned and not replaced; the same one again is
    /// fine.
    pub(crate) fn add(&mut self, new: Definition) -> Result<(), Definition> {
        let held = self.0.entry((new.name, new.version)).or_insert(new);
        if (held.module, held.function) == (new.module, new.function) {
            Ok(())
        } else {
            Err(*held)
        }
    }

    pub(crate) fn get(&self, name: &str, version: u32) -> Option<Definition> {
        self.0.get(&(name, version)).copied()
    }

    /// What is served.
    pub(crate) fn served(&self) -> Vec<ServedWorkflow> {
        let served = self.0.keys().map(|(name, version)| ServedWorkflow {
            name: (*name).to_owned(),
            version: *version,
        });
        served.collect()
    }
}
