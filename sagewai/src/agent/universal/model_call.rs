//! One call of a model: the target is resolved where it is made, what it gives is kept whole.

use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tracing::Instrument;

use super::{AgentEvent, AgentEventKind, UniversalAgent, span};
use crate::agent::chat::{ChatDelta, ChatReply, ChatRequest};
use crate::agent::models::{CallTarget, Cost, resolve};
use crate::agent::reply::Spent;
use crate::credentials::worker_credentials;
use crate::error::{Failure, ModelError, ModelErrorKind, Result};

/// What is kept of a call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Answered {
    /// The model that was asked, which may be the worker's own.
    pub(super) asked: String,
    pub(super) reply: ChatReply,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) cost: Option<Cost>,
}

impl Answered {
    pub(super) fn spent(&self) -> Spent {
        Spent {
            calls: 1,
            usage: self.reply.usage.unwrap_or_default(),
            cost: self.cost,
        }
    }
}

/// One attempt: asks the model of this number, or what the worker has in its place.
pub(super) async fn attempt(
    agent: &UniversalAgent,
    model: usize,
    request: &ChatRequest,
) -> Result<Answered> {
    let inner = &agent.0;
    let worker = worker_credentials();
    let target =
        resolve(&inner.name, &inner.models[model], worker.as_deref()).map_err(Failure::terminal)?;
    let name = target.model().to_string();
    agent.tell(|| AgentEventKind::Asking {
        model: name.clone(),
    });
    let span = span::span(&inner.name, target.model());
    let asking = async {
        if inner.streams {
            streamed(agent, &target, request).await
        } else {
            inner.client.chat(&target, request).await
        }
    };
    let reply = asking.instrument(span.clone()).await?;
    let cost = reply
        .usage
        .and_then(|usage| inner.prices.cost(target.model(), &usage));
    let answered = Answered {
        asked: name,
        reply,
        cost,
    };
    span::answered(&span, &answered);
    agent.tell(|| AgentEventKind::Answered {
        model: answered.asked.clone(),
        usage: answered.reply.usage,
        cost,
    });
    Ok(answered)
}

async fn streamed(
    agent: &UniversalAgent,
    target: &CallTarget,
    request: &ChatRequest,
) -> Result<ChatReply, ModelError> {
    let mut pieces = agent.0.client.stream(target, request).await?;
    while let Some(piece) = pieces.next().await {
        match piece? {
            ChatDelta::Text(text) => agent.tell(|| AgentEventKind::Text(text)),
            ChatDelta::Done(reply) => return Ok(*reply),
        }
    }
    let kind = ModelErrorKind::Truncated;
    let message = "the stream ended before the answer did";
    Err(ModelError::new(kind, target.model().to_string(), message))
}

impl UniversalAgent {
    fn tell(&self, kind: impl FnOnce() -> AgentEventKind) {
        if let Some(listener) = &self.0.listener {
            listener(&AgentEvent {
                agent: self.0.name.clone(),
                kind: kind(),
            });
        }
    }
}
