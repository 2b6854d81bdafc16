//! An agent again and again.

use std::fmt;
use std::sync::Arc;

use super::{Progress, check, tell};
use crate::agent::asking::{Agent, AnyAgent, Asked, asked_by_chat};
use crate::agent::place::Place;
use crate::agent::reply::{Reply, Spent};
use crate::error::Result;
use crate::model::Invalid;
use crate::workflow::spec::BoxFuture;

type Stop = dyn Fn(&str, usize) -> bool + Send + Sync;

/// An agent again and again: what it answered, it is asked next, until a condition holds or its rounds are used up;
/// [`Reply::hit_limit`] tells which.
///
/// ```
/// use sagewai::agent::{LoopAgent, from_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> sagewai::Result<()> {
/// let longer = LoopAgent::builder("longer")
///     .agent(from_fn("one-more", async |text: String| Ok(text + "!")))
///     .until(|text, _| text.len() >= 5)
///     .max_iterations(10)
///     .build()?;
/// let reply = longer.chat("hi").await?;
/// assert_eq!((reply.text(), reply.hit_limit()), ("hi!!!", false));
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct LoopAgent(Arc<LoopAgentBuilder>);

/// Describes a [`LoopAgent`].
#[must_use = "a description does nothing until it is built"]
pub struct LoopAgentBuilder {
    name: String,
    agents: Vec<AnyAgent>,
    stop: Option<Arc<Stop>>,
    iterations: u32,
    progress: Option<Progress>,
}

impl LoopAgent {
    /// Describes one.
    pub fn builder(name: impl Into<String>) -> LoopAgentBuilder {
        LoopAgentBuilder {
            name: name.into(),
            agents: Vec::new(),
            stop: None,
            iterations: 10,
            progress: None,
        }
    }
}

impl LoopAgentBuilder {
    /// The agent that is asked. Several take turns in the order in which they were added, all of them in each round.
    pub fn agent(mut self, agent: impl Agent) -> Self {
        self.agents.push(AnyAgent::new(agent));
        self
    }

    /// Ends the loop after a round whose answer, and whose number from 0, satisfy this. Without it, all rounds are made.
    pub fn until(mut self, stop: impl Fn(&str, usize) -> bool + Send + Sync + 'static) -> Self {
        self.stop = Some(Arc::new(stop));
        self
    }

    /// How many rounds there are at most; 10 by default.
    pub fn max_iterations(mut self, rounds: u32) -> Self {
        self.iterations = rounds;
        self
    }

    /// Hears after each round how many were made, of how many at most, and the name of the loop.
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
    /// [`Invalid`] where the name cannot be used, there is no agent in it, or it would never be asked.
    pub fn build(self) -> Result<LoopAgent, Invalid> {
        check(&self.name, &self.agents)?;
        if self.iterations == 0 {
            let reason = "a loop of 0 iterations would answer nothing";
            return Err(Invalid::new("agent", &self.name, reason));
        }
        Ok(LoopAgent(Arc::new(self)))
    }
}

impl LoopAgent {
    async fn run(&self, asked: Asked, place: Place) -> Result<Reply> {
        let LoopAgentBuilder {
            name,
            agents,
            stop,
            iterations,
            progress,
        } = &*self.0;
        let place = place.inside(&format!("agent:{name}"));
        let rounds = usize::try_from(*iterations).unwrap_or(usize::MAX);
        let mut spent = Spent::default();
        let mut last = Reply::new(asked.input.clone(), spent);
        let mut next = asked.clone();
        for round in 0..rounds {
            for agent in agents {
                last = agent.respond(next, place.clone()).await?;
                spent.add(last.spent());
                next = asked.about(last.text().to_owned());
                next.history.clear();
            }
            tell(progress.as_ref(), round + 1, rounds, name);
            if let Some(stop) = stop {
                // Kept, so that a run on its way stays as it was when the condition changes.
                let text = last.text();
                if place.record("stop", || stop(text, round)).await {
                    return Ok(last.with_spent(spent).with_hit_limit(false));
                }
            }
        }
        Ok(last.with_spent(spent).with_hit_limit(true))
    }
}

impl Agent for LoopAgent {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>> {
        Box::pin(self.run(asked, place))
    }
}

impl fmt::Debug for LoopAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for LoopAgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoopAgent")
            .field("name", &self.name)
            .field("agents", &self.agents)
            .field("max_iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

asked_by_chat! { LoopAgent }
