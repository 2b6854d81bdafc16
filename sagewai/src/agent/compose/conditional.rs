//! One agent of several, by a condition.

use std::fmt;
use std::sync::Arc;

use super::check;
use crate::agent::asking::{Agent, AnyAgent, Asked, asked_by_chat};
use crate::agent::place::Place;
use crate::agent::reply::Reply;
use crate::error::{Failure, Result};
use crate::model::{Invalid, Json, digest};
use crate::workflow::spec::{BoxFuture, StepSpec};

type Decide = dyn Fn(&str) -> String + Send + Sync;
type Ask = dyn Fn(String) -> BoxFuture<'static, Result<String>> + Send + Sync;

/// How the branch is found.
#[derive(Clone)]
enum Condition {
    Decide(Arc<Decide>),
    Ask(Arc<Ask>),
}

/// One agent of several: a condition looks at the question and names a branch. Without a branch of that name the
/// default one answers, and without a default it is a terminal failure.
///
/// ```
/// use sagewai::agent::{ConditionalAgent, from_fn};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> sagewai::Result<()> {
/// let desk = ConditionalAgent::builder("desk")
///     .condition(|question: &str| question.contains("invoice"))
///     .branch("true", from_fn("billing", async |_: String| Ok("Paid.".to_owned())))
///     .default_branch(from_fn("anyone", async |_: String| Ok("Hello.".to_owned())))
///     .build()?;
/// assert_eq!(desk.chat("Where is my invoice?").await?.text(), "Paid.");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ConditionalAgent(Arc<ConditionalAgentBuilder>);

/// Describes a [`ConditionalAgent`].
#[must_use = "a description does nothing until it is built"]
pub struct ConditionalAgentBuilder {
    name: String,
    condition: Option<Condition>,
    branches: Vec<String>,
    agents: Vec<AnyAgent>,
    default: Option<AnyAgent>,
}

impl ConditionalAgent {
    /// Describes one.
    pub fn builder(name: impl Into<String>) -> ConditionalAgentBuilder {
        ConditionalAgentBuilder {
            name: name.into(),
            condition: None,
            branches: Vec::new(),
            agents: Vec::new(),
            default: None,
        }
    }
}

impl ConditionalAgentBuilder {
    /// Names the branch, at once: a text, or anything that is one when printed, such as `true`. What it said is kept, so
    /// that a run on its way stays on its way.
    pub fn condition<B: fmt::Display>(
        mut self,
        decide: impl Fn(&str) -> B + Send + Sync + 'static,
    ) -> Self {
        let decide = move |input: &str| decide(input).to_string();
        self.condition = Some(Condition::Decide(Arc::new(decide)));
        self
    }

    /// Names the branch after looking something up, asking a model for instance. In a workflow it is a checkpoint like
    /// a step.
    pub fn condition_async<B, F>(
        mut self,
        ask: impl Fn(String) -> F + Send + Sync + 'static,
    ) -> Self
    where
        B: fmt::Display,
        F: Future<Output = Result<B>> + Send + 'static,
    {
        let ask = move |input: String| -> BoxFuture<'static, Result<String>> {
            let answer = ask(input);
            Box::pin(async move { answer.await.map(|branch| branch.to_string()) })
        };
        self.condition = Some(Condition::Ask(Arc::new(ask)));
        self
    }

    /// Who answers in the branch of this name.
    pub fn branch(mut self, name: impl fmt::Display, agent: impl Agent) -> Self {
        self.branches.push(name.to_string());
        self.agents.push(AnyAgent::new(agent));
        self
    }

    /// Who answers where no branch has the name.
    pub fn default_branch(mut self, agent: impl Agent) -> Self {
        self.default = Some(AnyAgent::new(agent));
        self
    }

    /// The agent.
    ///
    /// # Errors
    /// [`Invalid`] where the name cannot be used, the condition or all branches are missing, or two have one name.
    pub fn build(self) -> Result<ConditionalAgent, Invalid> {
        check(&self.name, &self.agents)?;
        if self.condition.is_none() {
            let reason = "it has no condition; give one with `.condition(..)`";
            return Err(Invalid::new("agent", &self.name, reason));
        }
        for (n, branch) in self.branches.iter().enumerate() {
            if self.branches[..n].contains(branch) {
                let reason = "the agent has two branches of this name";
                return Err(Invalid::new("branch", branch, reason));
            }
        }
        Ok(ConditionalAgent(Arc::new(self)))
    }
}

impl ConditionalAgent {
    async fn run(&self, asked: Asked, place: Place) -> Result<Reply> {
        let place = place.inside(&format!("agent:{}", self.0.name));
        let branch = self.decide(&asked.input, &place).await?;
        let index = self.0.branches.iter().position(|name| *name == branch);
        let agent = index.map(|index| &self.0.agents[index]);
        let Some(agent) = agent.or(self.0.default.as_ref()) else {
            let known = self.0.branches.join("`, `");
            return Err(Failure::terminal(format!(
                "agent `{}` has no branch `{branch}` and no default; it has `{known}`",
                self.0.name
            )));
        };
        agent.respond(asked, place).await
    }

    async fn decide(&self, input: &str, place: &Place) -> Result<String> {
        match &self.0.condition {
            Some(Condition::Decide(decide)) => Ok(place.record("branch", || decide(input)).await),
            Some(Condition::Ask(ask)) => {
                let (ask, input) = (ask.clone(), input.to_owned());
                let digest = digest(&Json::encode(&input)?);
                let spec = StepSpec::new("condition", "sagewai::agent", &[], "(String) -> String");
                let body = Arc::new(move || ask(input.clone()));
                place.call("condition", spec, digest, body).await
            }
            // `build` has seen to it.
            None => Ok(String::new()),
        }
    }
}

impl Agent for ConditionalAgent {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn respond(&self, asked: Asked, place: Place) -> BoxFuture<'_, Result<Reply>> {
        Box::pin(self.run(asked, place))
    }
}

impl fmt::Debug for ConditionalAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ConditionalAgentBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConditionalAgent")
            .field("name", &self.name)
            .field("branches", &self.branches)
            .field("agents", &self.agents)
            .finish_non_exhaustive()
    }
}

asked_by_chat! { ConditionalAgent }
