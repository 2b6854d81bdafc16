//! Where in the graph of its workflow a run is now.

use super::RunHandle;
use super::states::site;
use crate::error::Error;
use crate::model::{
    CheckpointKind, Journal, Json, NewCheckpoint, Outcome, Position, Run, RunState,
};
use crate::workflow::execution::{Execution, Progress};
use crate::workflow::replay::{Effect, Identity, Request};
use crate::workflow::{Definition, GraphNode, Workflow};

/// A place in the graph of a workflow: an await at which a run is.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Place {
    /// Where in the run.
    pub position: Position,
    /// Which await of [`Workflow::GRAPH`], by its number: an index of its nodes.
    pub site: u16,
    /// What stands there.
    pub node: &'static GraphNode,
}

impl<W: Workflow> RunHandle<W> {
    /// The awaits at which the run is now, by their positions: what it executes or waits for; of a failed run, what it
    /// failed in. Several where a combinator has several branches going on; none of a run that has completed or was
    /// cancelled.
    ///
    /// Follows from the run's checkpoints alone, so it is exact in every state of the run and from every process: the
    /// body is replayed here, in memory, as far as they go, and nothing is executed. (A step that has ended between
    /// two commits still counts as where the run is.)
    ///
    /// # Errors
    /// [`Error::Diverged`] where the code of this process does not fit what the run holds, [`Error::NoRun`],
    /// [`Error::Store`].
    ///
    /// ```
    /// # use sagewai::prelude::*;
    /// #[step]
    /// async fn draft(topic: &str) -> Result<String> {
    ///     Ok(format!("about {topic}"))
    /// }
    ///
    /// #[workflow]
    /// async fn article(topic: String) -> Result<String> {
    ///     let text = draft(&topic).await?;
    ///     approval("review").await?;
    ///     Ok(text)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let store = sagewai::store::open("memory:").await?;
    /// # let client = Client::new(&store);
    /// let run = article("tides".into()).start(&client).await?;
    /// run.run().await?; // until it waits for a person
    /// let places = run.places().await?;
    /// assert_eq!(places[0].position.as_str(), "approval:review");
    /// assert_eq!(places[0].site, 1); // the second await of the body
    /// # Ok(()) }
    /// ```
    pub async fn places(&self) -> Result<Vec<Place>, Error> {
        let run = self.client().find(self.id()).await?;
        let journal = self.client().journal(self.id()).await?;
        match run.state {
            RunState::Completed | RunState::Cancelled => Ok(Vec::new()),
            RunState::Failed => Ok(failed::<W>(&journal).into_iter().collect()),
            RunState::Pending | RunState::Running | RunState::Waiting | RunState::Paused => {
                waits::<W>(run, journal)
            }
        }
    }
}

/// Where a run failed. None where the code has no such await any more.
fn failed<W: Workflow>(journal: &Journal) -> Option<Place> {
    let position = journal.failed_at()?;
    let number = journal.at(position.as_str())?.written.site;
    let site = site(W::GRAPH.nodes, number, position.name())?;
    place::<W>(position.clone(), site)
}

/// What a run waits for that is not over, found by a replay.
fn waits<W: Workflow>(run: Run, journal: Journal) -> Result<Vec<Place>, Error> {
    let identity = Identity {
        id: run.id.clone(),
        workflow: run.workflow.clone(),
        pool: run.pool,
        labels: run.labels,
        started_by: run.header.started_by,
    };
    let (input, recorded) = held(journal);
    let mut execution = Execution::new(&Definition::of::<W>(), identity, &input, recorded);
    match execution.poll().0 {
        Progress::Waits(requests) => {
            let mut places: Vec<Place> = requests.into_iter().filter_map(requested::<W>).collect();
            places.sort_by(|a, b| a.position.cmp(&b.position));
            Ok(places)
        }
        // What the body returns is not committed yet.
        Progress::Returned(_) => Ok(Vec::new()),
        Progress::Diverged(reason) => Err(Error::Diverged {
            run: run.id,
            workflow: run.workflow,
            reason,
        }),
    }
}

/// The input of a run, and what its operations gave.
fn held(journal: Journal) -> (Json, Vec<NewCheckpoint>) {
    let mut input = Json::null();
    let mut recorded = Vec::with_capacity(journal.checkpoints.len());
    for checkpoint in journal.checkpoints {
        match (checkpoint.written.kind, &checkpoint.written.outcome) {
            (CheckpointKind::Input, Outcome::Ok(json)) => input = json.clone(),
            (CheckpointKind::Input | CheckpointKind::Output, _) => {}
            _ => recorded.push(checkpoint.written),
        }
    }
    (input, recorded)
}

fn requested<W: Workflow>(request: Request) -> Option<Place> {
    // The end of a sleep is asked for beside it.
    let position = match request.effect {
        Effect::Sleep(sleep) => sleep.position,
        _ => request.position,
    };
    place::<W>(position, request.site)
}

fn place<W: Workflow>(position: Position, site: u16) -> Option<Place> {
    let node = W::GRAPH.nodes.get(usize::from(site))?;
    Some(Place {
        position,
        site,
        node,
    })
}
