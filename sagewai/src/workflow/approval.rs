//! A point where the run waits for a person.

use serde::Serialize;

use super::durable::Durable;
use super::erased::typed;
use super::replay::Effect;
use super::scope::Site;
use crate::error::Fault;
use crate::model::{Decision, GateRequest, Json, Outcome};

/// Waits for a person to approve. Give it a name that is unique in the workflow: people decide by it. Asked at again,
/// in a loop for instance, the gate is `review#2`. Where several branches ask under one name at once, the first has
/// it, and the others go by their position, as in `map.3/review`.
///
/// An approval gives the [`Decision`], with who approved. A rejection is [`Fault::Rejected`], with the reviewer and
/// the reason: `?` ends the run with it, or match on it. The run costs nothing while it waits.
pub fn approval(name: impl Into<String>) -> ApprovalGate {
    ApprovalGate {
        name: name.into(),
        prompt: String::new(),
        context: None,
    }
}

/// What [`approval`] returns; await it.
#[must_use = "a gate does nothing unless awaited"]
#[derive(Debug)]
pub struct ApprovalGate {
    name: String,
    prompt: String,
    context: Option<Result<Json, Fault>>,
}

impl ApprovalGate {
    /// What the reviewer is asked.
    pub fn prompt(mut self, prompt: impl Into<String>) -> ApprovalGate {
        self.prompt = prompt.into();
        self
    }

    /// What the decision is about; shown to the reviewer.
    pub fn context<T: Serialize + ?Sized>(mut self, context: &T) -> ApprovalGate {
        self.context = Some(Json::encode(context));
        self
    }
}

#[diagnostic::do_not_recommend]
impl Durable for ApprovalGate {
    type Output = Result<Decision, Fault>;
    async fn run(self, at: Site) -> Self::Output {
        let replay = at.replay().clone();
        let position = at.position(&format!("approval:{}", self.name));
        let written = at.scope.local(&position).replacen("approval:", "", 1);
        let name = replay.gate_name(&position, written);
        crate::model::gate_name(&name).map_err(|invalid| Fault::Encode {
            reason: invalid.to_string(),
        })?;
        let request = GateRequest {
            name,
            prompt: self.prompt.replace('\0', ""),
            context: self.context.transpose()?,
        };
        let came = replay
            .operation_at(&at, position, 0, Effect::Gate(request))
            .await;
        typed::<Decision, Fault>(&at, came).await
    }
}

/// How a decision is stored, and what the workflow gets of it.
pub(crate) fn outcome_of(gate: &str, decision: &Decision) -> Outcome {
    if decision.approved {
        return Json::encode(decision).map_or_else(Outcome::Fault, Outcome::Ok);
    }
    Outcome::Fault(Fault::Rejected {
        gate: gate.to_owned(),
        reason: decision.reason.clone().unwrap_or_default(),
        reviewer: decision.by.clone(),
    })
}
