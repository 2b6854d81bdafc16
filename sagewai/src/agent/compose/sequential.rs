//! One agent after the other.

use std::fmt;
use std::sync::Arc;

use super::{Progress, check, tell};
use crate::agent::asking::{Agent, AnyAgent, Asked, asked_by_chat};
use crate::agent::place::Place;
use crate::agent::reply::{Reply, Spent};
use crate::error::Result;
use crate::model::Invalid;
use crate::workflow::spec::BoxFuture;

/// One agent after the other: what one answers, the next is asked. The answer is that of the last.
///
/// ```
/// use sagewai::agent::{SequentialAgent, from_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> sagewai::Result<()> {
/// let pipeline = SequentialAgent::builder("pipeline")
///     .agent(from_fn("trim", async |text: String| Ok(text.trim().to_owned())))
///     .agent(from_fn("greet", async |name: String| Ok(format!("Hello, {name}!"))))
///     .build()?;
/// assert_eq!(pipeline.chat(" Ann ").await?.text(), "Hello, Ann!");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct SequentialAgent(Arc<SequentialAgentBuilder>);

/// Describes a [`SequentialAgent`].
#[must_use = "a description does nothing until it is built"]
pub struct SequentialAgentBuilder {
    name: String,
    agents: Vec<AnyAgent>,
    progress: Option<Progress>,
}

impl SequentialAgent {
    /// Describes one.
    pub fn builder(name: impl Into<String>) -> SequentialAgentBuilder {
        SequentialAgentBuilder {
            name: name.into(),
            agents: Vec::new(),
            progress: None,
        }
    }
}

impl SequentialAgentBuilder {
    /// The next agent.
    pub fn agent(mut self, agent: impl Agent) -> Self {
        self.agents.push(AnyAgent::new(agent));
        self
    }

    /// Hears after each agent how many are done, of how many, and which one was the last.
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
    pub fn build(self) -> Result<SequentialAgent, Invalid> {
        check(&self.name, &self.agents)?;
        Ok(SequentialAgent(Arc::new(self)))
    }
}

impl SequentialAgent {
    async fn run(&self, asked: Asked, place: Place) -> Result<Reply> {
        let SequentialAgentBuilder {
            name,
            agents,
            progress,
        } = &*self.0;
        let place = place.inside(&format!("agent:{name}"));
        let mut spent = Spent::default();
        let mut last = Reply::new(asked.input.clone(), spent);
        for (n, agent) in agents.iter().enumerate() {
            let mut next = asked.about(last.into_text());
            // Only the whole has a shape, and only its first agent was told what was said before.
            if n + 1 < agents.len() {
                next = next.in_any_shape();
            }
            if n > 0 {
                next.history.clear();
            }
            last = agent.respond(next, place.clone()).await?;
            spent.add(last.spent());
            tell(progress.as_ref(), n + 1, agents.len(), agent.name());
        }
        Ok(last.with_spent(spent))
    }
}

impl Agent for SequentialAgent {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>> {
        Box::pin(self.run(asked, place))
    }
}

impl fmt::Debug for SequentialAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for SequentialAgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SequentialAgent")
            .field("name", &self.name)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

asked_by_chat! { SequentialAgent }
