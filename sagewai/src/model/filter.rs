//! Which runs a list shows.

use super::{RunId, RunState};

/// How many runs a list shows when nothing else is said.
pub const DEFAULT_PAGE: u32 = 50;

/// Narrows a list of runs; newest first.
///
/// ```
/// use sagewai::{RunFilter, RunState};
///
/// let filter = RunFilter::new().state(RunState::Failed).workflow("article-pipeline").limit(10);
/// assert_eq!(filter.limit, 10);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunFilter {
    /// Only runs in this state.
    pub state: Option<RunState>,
    /// Only runs of this workflow.
    pub workflow: Option<String>,
    /// Only runs created before this one: the last of the page before.
    pub before: Option<RunId>,
    /// At most this many; 1 to 1,000.
    pub limit: u32,
}

impl RunFilter {
    /// All runs, a page of [`DEFAULT_PAGE`].
    #[allow(clippy::new_without_default)]
    pub fn new() -> RunFilter {
        RunFilter {
            state: None,
            workflow: None,
            before: None,
            limit: DEFAULT_PAGE,
        }
    }

    /// Only runs in this state.
    pub fn state(mut self, state: RunState) -> RunFilter {
        self.state = Some(state);
        self
    }

    /// Only runs of this workflow.
    pub fn workflow(mut self, name: impl Into<String>) -> RunFilter {
        self.workflow = Some(name.into());
        self
    }

    /// Only runs created before this one.
    pub fn before(mut self, run: RunId) -> RunFilter {
        self.before = Some(run);
        self
    }

    /// At most this many; brought into 1 to 1,000.
    pub fn limit(mut self, runs: u32) -> RunFilter {
        self.limit = runs.clamp(1, 1_000);
        self
    }
}
