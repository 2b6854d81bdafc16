//! What a run's checkpoints hold, with their types.

use super::RunHandle;
use crate::error::Error;
use crate::model::{Outcome, Position, Timestamp};
use crate::workflow::{GraphNode, NodeKind, Workflow};

/// One checkpoint of a run of workflow `W`.
#[non_exhaustive]
pub struct StateAt<W: Workflow> {
    /// Where in the run.
    pub position: Position,
    /// Where in the code: an await of [`Workflow::GRAPH`], by its number. None where the code has no such await any
    /// more.
    pub site: Option<u16>,
    /// What it holds.
    pub state: W::State,
    /// When it was stored.
    pub at: Timestamp,
}

impl<W: Workflow> RunHandle<W> {
    /// What the run's operations gave so far, in the order of the run, each in the variant of the workflow's state
    /// that stands for its callee. What failed is not among it: [`status`](RunHandle::status) tells of that.
    ///
    /// # Errors
    /// [`Error::Stored`] where a checkpoint does not describe the type of its variant any more, [`Error::NoRun`],
    /// [`Error::Store`].
    ///
    /// ```
    /// # use sagewai::prelude::*;
    /// #[step]
    /// async fn draft(topic: &str) -> Result<String> {
    ///     Ok(format!("about {topic}"))
    /// }
    ///
    /// #[step]
    /// async fn count(text: &str) -> Result<usize> {
    ///     Ok(text.len())
    /// }
    ///
    /// #[workflow]
    /// async fn article(topic: String) -> Result<usize> {
    ///     let text = draft(&topic).await?;
    ///     count(&text).await
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let store = sagewai::store::open("memory:").await?;
    /// # let client = Client::new(&store);
    /// let run = article("tides".into()).start(&client).await?;
    /// run.run().await?;
    /// for checkpoint in run.states().await? {
    ///     match checkpoint.state {
    ///         ArticleState::Draft(text) => assert_eq!(text, "about tides"),
    ///         ArticleState::Count(letters) => assert_eq!(letters, 11),
    ///         ArticleState::Other(json) => println!("{}: {json}", checkpoint.position),
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn states(&self) -> Result<Vec<StateAt<W>>, Error> {
        let journal = self.client().journal(self.id()).await?;
        let values = journal.checkpoints.iter().filter_map(|checkpoint| {
            let Outcome::Ok(value) = &checkpoint.written.outcome else {
                return None;
            };
            let written = &checkpoint.written;
            let awaited = written.kind.is_of_an_operation(&written.position);
            awaited.then_some((checkpoint, value))
        });
        values
            .map(|(checkpoint, value)| {
                let position = checkpoint.written.position.clone();
                let state = W::state(position.name(), value).map_err(|fault| Error::Stored {
                    run: self.id().clone(),
                    position: position.to_string(),
                    fault,
                })?;
                Ok(StateAt {
                    site: site(W::GRAPH.nodes, checkpoint.written.site, position.name()),
                    position,
                    state,
                    at: checkpoint.at,
                })
            })
            .collect()
    }
}

/// The await at which a checkpoint was made: the one of its number, where the code still has the same callee there or
/// does not tell which, and else another of its name.
pub(super) fn site(nodes: &[GraphNode], number: u16, name: &str) -> Option<u16> {
    let is_its = |node: &GraphNode| node.is(name);
    let may_be_its = |node: &GraphNode| is_its(node) || node.info.kind == NodeKind::Dynamic;
    if nodes.get(usize::from(number)).is_some_and(may_be_its) {
        return Some(number);
    }
    let found = nodes.iter().position(is_its)?;
    u16::try_from(found).ok()
}

impl<W: Workflow<State: std::fmt::Debug>> std::fmt::Debug for StateAt<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StateAt")
            .field("position", &self.position)
            .field("site", &self.site)
            .field("state", &self.state)
            .field("at", &self.at)
            .finish()
    }
}
