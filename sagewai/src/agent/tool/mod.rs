//! Tools: steps that a model may ask for.

mod arguments;
mod call;

use std::fmt;

use serde_json::Value;

pub use self::arguments::{ToolArguments, ToolFn};
pub(super) use self::call::call;
use super::chat::ToolSchema;
use crate::model::{Invalid, Json};
use crate::workflow::StepContext;
use crate::workflow::erased::{Returned, step_body};
use crate::workflow::spec::{BoxFuture, Step, StepSpec};

/// A `#[step]` that a model may ask for. Its name, its documentation and its signature are what the model is told; its
/// retries and its time limit hold as anywhere else.
///
/// The types of its arguments need `schemars::JsonSchema`, beside serde. Arguments that do not fit, unknown tools,
/// and failures of the step are reported back to the model, which may then do better.
#[derive(Clone)]
pub struct Tool {
    spec: StepSpec,
    parameters: Value,
    /// Puts arguments as the model wrote them into the form in which they are stored.
    read: fn(&str) -> Result<Json, String>,
    body: fn(StepContext, &Json) -> BoxFuture<'static, Returned>,
    gate: Option<String>,
}

/// Makes a tool of a `#[step]`, where there is more to say of it than `.tool(step)` says.
///
/// ```
/// use sagewai::agent::{UniversalAgent, ScriptedModel, tool};
/// use sagewai::prelude::*;
///
/// /// Pays money back to a customer.
/// #[step(retries = 2)]
/// async fn refund(order: &str, cents: u32) -> Result<String> {
///     Ok(format!("{cents} cents for {order}"))
/// }
///
/// let agent = UniversalAgent::builder("support")
///     .scripted(ScriptedModel::saying(["done"]))
///     .tool(tool(refund).approve("refunds"))
///     .build()?;
/// # Ok::<_, sagewai::Invalid>(())
/// ```
pub fn tool<A>(step: impl ToolFn<A>) -> Tool {
    step.into_tool()
}

impl Tool {
    fn of<S: Step<Input: ToolArguments>>() -> Tool {
        Tool {
            spec: S::SPEC,
            parameters: arguments::parameters::<S::Input>(S::SPEC.params),
            read: arguments::read::<S>,
            body: step_body::<S>,
            gate: None,
        }
    }

    /// Lets people decide about each call, at a gate of its own. It is bound to the exact arguments by its name,
    /// `refunds:<digest>`, and good for one call: a decision about one refund is none about another. A rejection is told
    /// to the model.
    ///
    /// A person can only be waited for in a workflow; elsewhere such a call fails.
    pub fn approve(mut self, gate: impl Into<String>) -> Tool {
        self.gate = Some(gate.into());
        self
    }

    /// Its name.
    pub fn name(&self) -> &'static str {
        self.spec.name
    }

    pub(super) fn schema(&self) -> ToolSchema {
        ToolSchema {
            name: self.name().to_owned(),
            description: self.spec.doc.to_owned(),
            parameters: self.parameters.clone(),
        }
    }

    /// Refuses what providers refuse.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        let name = self.name();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if name.len() > 64 || !name.chars().all(is_plain) {
            let reason = "models take up to 64 letters, digits, `_` and `-`; name it `#[step(name = \"..\")]`";
            return Err(Invalid::new("tool", name, reason));
        }
        match &self.gate {
            Some(gate) if gate.len() > 60 => {
                let reason = "it has more than 60 bytes, and a digest comes after it";
                Err(Invalid::new("gate", gate, reason))
            }
            Some(gate) => crate::model::gate_name(gate),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tool")
            .field("name", &self.name())
            .field("gate", &self.gate)
            .finish_non_exhaustive()
    }
}
