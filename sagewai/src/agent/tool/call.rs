//! One call of a tool: the arguments are checked, people are asked where they must be, then the step runs.

use std::sync::Arc;

use serde::Serialize;

use super::Tool;
use crate::agent::chat::{ToolCall, ToolResult};
use crate::agent::digest::name_of;
use crate::agent::place::{Asking, Place};
use crate::error::{Failure, Fault, Result};
use crate::model::{Json, Outcome, digest};
use crate::workflow::StepContext;
use crate::workflow::approval;
use crate::workflow::erased::error_text;

/// What people are shown at the gate of a call.
#[derive(Serialize)]
struct Shown<'a> {
    agent: &'a str,
    tool: &'a str,
    arguments: &'a Json,
}

/// Makes the call that a model asks for. What the model can put right is a result as well.
pub(in crate::agent) async fn call(
    agent: &str,
    tools: &[Tool],
    call: &ToolCall,
    place: &Place,
) -> Result<ToolResult> {
    let (content, is_error) = match result(agent, tools, call, place).await? {
        Ok(content) => (content, false),
        Err(error) => (error, true),
    };
    Ok(ToolResult {
        id: call.id.clone(),
        name: call.name.clone(),
        content,
        is_error,
    })
}

async fn result(
    agent: &str,
    tools: &[Tool],
    call: &ToolCall,
    place: &Place,
) -> Result<Result<String, String>> {
    let Some(tool) = tools.iter().find(|tool| tool.name() == call.name) else {
        let names: Vec<&str> = tools.iter().map(Tool::name).collect();
        let known = names.join(", ");
        return Ok(Err(format!(
            "there is no tool `{}`; there are: {known}",
            call.name
        )));
    };
    let arguments = match (tool.read)(&call.arguments) {
        Ok(arguments) => arguments,
        Err(why) => return Ok(Err(format!("these arguments cannot be used: {why}"))),
    };
    if let Some(gate) = &tool.gate
        && let Err(refused) = asked(agent, tool, gate, &arguments, place).await?
    {
        return Ok(Err(refused));
    }
    Ok(match run(tool, arguments, place).await {
        Outcome::Ok(json) => Ok(content(&json)),
        failed => Err(error_text(&failed)),
    })
}

/// Waits for a decision about exactly these arguments. A rejection is for the model to hear.
async fn asked(
    agent: &str,
    tool: &Tool,
    gate: &str,
    arguments: &Json,
    place: &Place,
) -> Result<Result<(), String>> {
    let shown = Shown {
        agent,
        tool: tool.name(),
        arguments,
    };
    let gate = approval(format!(
        "{gate}:{}",
        name_of(&[tool.name(), arguments.as_str()], 8)
    ))
    .prompt(format!("May agent `{agent}` call `{}`?", tool.name()))
    .context(&shown);
    match place.approved(gate).await {
        Ok(_) => Ok(Ok(())),
        Err(Asking::Fault(Fault::Rejected {
            reason, reviewer, ..
        })) => Ok(Err(format!("{reviewer} refused this call: {reason}"))),
        Err(Asking::Fault(fault)) => Err(fault.into()),
        Err(Asking::NoWorkflow) => Err(Failure::terminal(format!(
            "tool `{}` needs a person's approval, and only a workflow can wait for it; ask agent `{agent}` in the body of \
             one",
            tool.name()
        ))),
    }
}

async fn run(tool: &Tool, arguments: Json, place: &Place) -> Outcome {
    let (spec, body, digest) = (tool.spec, tool.body, digest(&arguments));
    let attempt = Arc::new(move || {
        let context = StepContext::current().unwrap_or_else(|| StepContext::detached(spec.name));
        body(context, &arguments)
    });
    place.call_erased(spec.name, spec, digest, attempt).await
}

/// A text as it is, and anything else as JSON.
fn content(json: &Json) -> String {
    json.decode().unwrap_or_else(|_| json.to_string())
}
