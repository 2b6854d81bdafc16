//! The turns of one chat: the model speaks, its tools run, it hears what they gave, until it answers.

use std::sync::Arc;

use super::UniversalAgent;
use super::model_call::{Answered, attempt};
use crate::agent::asking::{Asked, Expected};
use crate::agent::chat::{ChatRequest, Message, ToolCall, ToolResult};
use crate::agent::place::Place;
use crate::agent::reply::{Reply, Spent};
use crate::agent::tool;
use crate::error::{Failure, Fault, Result};
use crate::model::{Json, digest};

/// One chat while it goes on.
struct Talk<'a> {
    agent: &'a UniversalAgent,
    place: Place,
    asked: Asked,
    messages: Vec<Message>,
    /// How many of them the model has been asked about.
    heard: usize,
    /// Which of the agent's models is asked.
    model: usize,
    spent: Spent,
    repaired: bool,
}

pub(super) async fn respond(agent: &UniversalAgent, asked: Asked, place: Place) -> Result<Reply> {
    let mut messages = asked.history.clone();
    messages.push(Message::user(asked.input.clone()));
    let mut talk = Talk {
        agent,
        place: place.inside(&format!("agent:{}", agent.0.name)),
        asked,
        messages,
        heard: 0,
        model: 0,
        spent: Spent::default(),
        repaired: false,
    };
    for _ in 0..agent.0.iterations {
        if let Some(reply) = talk.turn().await? {
            return Ok(reply);
        }
    }
    Err(Failure::terminal(format!(
        "agent `{}` had no answer after asking its model {} times, which is its `max_iterations`",
        agent.0.name, agent.0.iterations
    )))
}

impl Talk<'_> {
    /// The model speaks. Gives the answer where it is one.
    async fn turn(&mut self) -> Result<Option<Reply>> {
        let Answered { reply, .. } = self.ask().await?;
        let calls = reply.message.tool_calls.clone();
        let text = reply.message.text.clone();
        self.messages.push(Message::Assistant(reply.message));
        if !calls.is_empty() {
            let results = self.run_tools(calls).await?;
            self.messages.push(Message::Tools(results));
            return Ok(None);
        }
        if let Some(expected) = self.asked.expected.clone()
            && let Some(repair) = self.repair(&expected, &text)
        {
            self.messages.push(repair);
            return Ok(None);
        }
        Ok(Some(Reply::new(text, self.spent).finished(reply.finish)))
    }

    /// Asks the model, and those after it when it fails for good.
    async fn ask(&mut self) -> Result<Answered> {
        loop {
            match self.ask_model().await {
                Ok(answered) => {
                    self.spent.add(&answered.spent());
                    return Ok(answered);
                }
                Err(failure) if is_of_engine(&failure) => return Err(failure),
                Err(failure) if self.model + 1 == self.agent.0.models.len() => return Err(failure),
                Err(_) => self.model += 1,
            }
        }
    }

    async fn ask_model(&mut self) -> Result<Answered> {
        // What was said since the last call stands for all: what came before follows from it. The prompt and the
        // parameters of the agent do not count, so that they may change under a run that is on its way.
        let new = Json::encode(&self.messages[self.heard..])?;
        self.heard = self.messages.len();
        let request = Arc::new(ChatRequest {
            system: self.agent.0.system.clone(),
            messages: self.messages.clone(),
            tools: self.agent.0.tools.iter().map(tool::Tool::schema).collect(),
            output: self
                .asked
                .expected
                .as_ref()
                .map(|expected| expected.schema.clone()),
        });
        let (agent, model) = (self.agent.clone(), self.model);
        let must_fit = self.asked.expected.clone().filter(|_| self.repaired);
        let body = Arc::new(move || {
            let (agent, request, must_fit) = (agent.clone(), request.clone(), must_fit.clone());
            Box::pin(async move {
                let answered = attempt(&agent, model, &request).await?;
                match &must_fit {
                    Some(expected) => fitting(answered, expected),
                    None => Ok(answered),
                }
            }) as _
        });
        let spec = self.agent.0.spec;
        self.place.call("model", spec, digest(&new), body).await
    }

    /// Runs what the model asks for: several at once, each a branch.
    async fn run_tools(&self, calls: Vec<ToolCall>) -> Result<Vec<ToolResult>> {
        let agent = &self.agent.0;
        if let [call] = &calls[..] {
            let result = tool::call(&agent.name, &agent.tools, call, &self.place).await?;
            return Ok(vec![result]);
        }
        let run = |call: ToolCall, place: Place| {
            Box::pin(async move { tool::call(&agent.name, &agent.tools, &call, &place).await }) as _
        };
        let results: Vec<Result<ToolResult>> = self.place.each(calls, run).await;
        results.into_iter().collect()
    }

    /// What the model is told about an answer that does not fit, once.
    fn repair(&mut self, expected: &Expected, text: &str) -> Option<Message> {
        if self.repaired {
            return None;
        }
        let why = (expected.check)(text).err()?;
        self.repaired = true;
        let instruction = expected.schema.instruction();
        Some(Message::user(format!(
            "This does not fit: {why}\n{instruction}"
        )))
    }
}

/// An answer that was to be put right and does not fit is a failure of that call: so a retry of the run makes the call
/// again, and another model may do better.
fn fitting(answered: Answered, expected: &Expected) -> Result<Answered> {
    let message = &answered.reply.message;
    if !message.tool_calls.is_empty() || (expected.check)(&message.text).is_ok() {
        return Ok(answered);
    }
    Err(Failure::terminal(format!(
        "the answer of model `{}` does not fit `{}`, and did not after it was told",
        answered.asked, expected.schema.name
    )))
}

/// Whether it is not the model that failed: another one would fail as well.
fn is_of_engine(failure: &Failure) -> bool {
    failure
        .fault()
        .is_some_and(|fault| !matches!(fault, Fault::TimedOut { .. } | Fault::Panicked { .. }))
}
