//! What an agent tells while it is at work.

use std::sync::Arc;

use crate::agent::chat::Usage;
use crate::agent::models::Cost;

/// What an agent tells while it is at work: to show people that it is, not to decide by. What a replay takes from the
/// store is not told again; what a crash cut off is told once more.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEvent {
    /// Name of the agent.
    pub agent: String,
    /// What happens.
    pub kind: AgentEventKind,
}

/// What happens.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AgentEventKind {
    /// A model is asked.
    Asking {
        /// Which one.
        model: String,
    },
    /// The next piece of an answer, where the agent [streams](super::UniversalAgentBuilder::stream).
    Text(String),
    /// A model has answered.
    Answered {
        /// Which one.
        model: String,
        /// What it used, where the provider tells.
        usage: Option<Usage>,
        /// What it cost, where the price is known.
        cost: Option<Cost>,
    },
}

pub(super) type Listener = Arc<dyn Fn(&AgentEvent) + Send + Sync>;
