//! Which workflows a worker knows.

use std::collections::BTreeMap;

use super::erased::{WorkflowBody, workflow_body};
use super::graph::Graph;
use super::spec::Workflow;
use super::workflow_call::WorkflowCall;
use crate::model::{Limited, Limits, ServedWorkflow};

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
    pub(crate) limits: Limits,
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
            limits: W::SPEC.limits(),
            graph: W::GRAPH,
            body: workflow_body::<W>,
        }
    }

    fn served(&self) -> ServedWorkflow {
        ServedWorkflow {
            name: self.name.to_owned(),
            version: self.version,
        }
    }
}

/// Definitions by name and version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registry(BTreeMap<(&'static str, u32), Definition>);

impl Registry {
    /// Adds a workflow. Another one of the same name and version is returned and not replaced; the same one again is
    /// fine.
    pub(crate) fn add(&mut self, new: Definition) -> Result<(), Box<Definition>> {
        let held = self.0.entry((new.name, new.version)).or_insert(new);
        if (held.module, held.function) == (new.module, new.function) {
            Ok(())
        } else {
            Err(Box::new(*held))
        }
    }

    pub(crate) fn get(&self, name: &str, version: u32) -> Option<Definition> {
        self.0.get(&(name, version)).copied()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All that are served.
    pub(crate) fn served(&self) -> Vec<ServedWorkflow> {
        self.0.values().map(Definition::served).collect()
    }

    /// Those without limits.
    pub(crate) fn unlimited(&self) -> Vec<ServedWorkflow> {
        let all = self.0.values().filter(|found| !found.limits.are_any());
        all.map(Definition::served).collect()
    }

    /// Those with limits.
    pub(crate) fn limited(&self) -> Vec<Limited> {
        let all = self.0.values().filter(|found| found.limits.are_any());
        let limited = all.map(|found| Limited {
            workflow: found.name.to_owned(),
            version: found.version,
            limits: found.limits,
        });
        limited.collect()
    }
}
