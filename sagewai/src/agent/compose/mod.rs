//! Agents put together. Inside a workflow, what each of them has done is a checkpoint: branches that ended and rounds
//! that are over are not done again.

mod conditional;
mod from_fn;
mod looping;
mod parallel;
mod sequential;

use std::sync::Arc;

pub use self::conditional::{ConditionalAgent, ConditionalAgentBuilder};
pub use self::from_fn::{FnAgent, from_fn};
pub use self::looping::{LoopAgent, LoopAgentBuilder};
pub use self::parallel::{ParallelAgent, ParallelAgentBuilder};
pub use self::sequential::{SequentialAgent, SequentialAgentBuilder};
use super::asking::AnyAgent;
use crate::model::Invalid;

/// Hears how far agents that are put together have come: how many are done, of how many, and which one was the last. A
/// replay tells it again.
type Progress = Arc<dyn Fn(usize, usize, &str) + Send + Sync>;

fn tell(progress: Option<&Progress>, done: usize, total: usize, name: &str) {
    if let Some(progress) = progress {
        progress(done, total, name);
    }
}

/// Checks the name of agents that are put together, and that there are some.
fn check(name: &str, agents: &[AnyAgent]) -> Result<(), Invalid> {
    super::universal::agent_name(name)?;
    if agents.is_empty() {
        let reason = "it consists of no agents; add one with `.agent(..)`";
        return Err(Invalid::new("agent", name, reason));
    }
    Ok(())
}
