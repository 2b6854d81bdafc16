//! Several agents at once.

use std::fmt;
use std::sync::Arc;

use super::{Progress, check, tell};
use crate::agent::asking::{Agent, AnyAgent, Asked, asked_by_chat};
use crate::agent::place::Place;
use crate::agent::reply::{Reply, Spent};
use crate::error::Result;
use crate::model::Invalid;
use crate::workflow::spec::BoxFuture;

type Merge = dyn Fn(&[Reply]) -> String + Send + Sync;

/// Several agents at once, all asked the same. Their answers come in the order in which the agents were added, with a
/// blank line between them, or as [`merge`](ParallelAgentBuilder::merge) puts them together.
///
/// All of them end, also where one fails: what they have done is kept. The first failure in that order is the agent's.
#[derive(Clone)]
pub struct ParallelAgent(Arc<ParallelAgentBuilder>);

/// Describes a [`ParallelAgent`].
#[must_use = "a description does nothing until it is built"]
pub struct ParallelAgentBuilder {
    name: String,
    agents: Vec<AnyAgent>,
    merge: Option<Arc<Merge>>,
    progress: Option<Progress>,
}

impl ParallelAgent {
    /// Describes one.
    pub fn builder(name: impl Into<String>) -> ParallelAgentBuilder {
        ParallelAgentBuilder {
            name: name.into(),
            agents: Vec::new(),
            merge: None,
            progress: None,
        }
    }
}

impl ParallelAgentBuilder {
    /// One more agent.
    pub fn agent(mut self, agent: impl Agent) -> Self {
        self.agents.push(AnyAgent::new(agent));
        self
    }

    /// Puts the answers together, which come in the order of the agents. It must give the same on every replay.
    pub fn merge(mut self, merge: impl Fn(&[Reply]) -> String + Send + Sync + 'static) -> Self {
        self.merge = Some(Arc::new(merge));
        self
    }

    /// Hears of each agent when all have ended: which one it is, of how many, and its name.
    pub fn on_progress(
        mut self,
        progress: impl Fn(usize, usize, &str) + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(progress));
        self
    }

    /// The agent.
    ///
    /// # Errors
    /// [`Invalid`] where the name cannot be used, or there is no agent in it.
    pub fn build(self) -> Result<ParallelAgent, Invalid> {
        check(&self.name, &self.agents)?;
        Ok(ParallelAgent(Arc::new(self)))
    }
}

impl ParallelAgent {
    async fn run(&self, asked: Asked, place: Place) -> Result<Reply> {
        let ParallelAgentBuilder {
            name,
            agents,
            merge,
            progress,
        } = &*self.0;
        let place = place.inside(&format!("agent:{name}"));
        let each = asked.in_any_shape();
        let ask = |agent: &AnyAgent, place: Place| {
            let (agent, asked) = (agent.clone(), each.clone());
            Box::pin(async move { agent.respond(asked, place).await }) as _
        };
        let replies: Vec<Result<Reply>> = place.each(agents.iter().collect(), ask).await;
        let replies: Vec<Reply> = replies.into_iter().collect::<Result<_>>()?;
        let mut spent = Spent::default();
        for (n, (agent, reply)) in agents.iter().zip(&replies).enumerate() {
            spent.add(reply.spent());
            tell(progress.as_ref(), n + 1, agents.len(), agent.name());
        }
        let text = if let Some(merge) = merge {
            merge(&replies)
        } else {
            let texts: Vec<&str> = replies.iter().map(Reply::text).collect();
            texts.join("\n\n")
        };
        Ok(Reply::new(text, spent))
    }
}

impl Agent for ParallelAgent {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>> {
        Box::pin(self.run(asked, place))
    }
}

impl fmt::Debug for ParallelAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ParallelAgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ParallelAgent")
            .field("name", &self.name)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

asked_by_chat! { ParallelAgent }
