//! Tells how a run goes that somebody waits for.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::cli::print;
use crate::client::{Client, StepState, StepStatus};
use crate::model::{RunId, RunState};

/// How long a run may wait for a worker before that is said.
const PATIENCE: Duration = Duration::from_secs(3);

/// What was told already.
pub(super) struct Progress {
    app: String,
    client: Client,
    run: RunId,
    steps: HashMap<String, String>,
    last: String,
    since: Instant,
}

impl Progress {
    pub(super) fn new(app: &str, client: &Client, run: &RunId) -> Progress {
        Progress {
            app: app.to_owned(),
            client: client.clone(),
            run: run.clone(),
            steps: HashMap::new(),
            last: String::new(),
            since: Instant::now(),
        }
    }

    /// Looks at the run, and tells what is new.
    pub(super) async fn look(&mut self) {
        // A store that is away is told by what waits for the result.
        let Ok(Some(status)) = self.client.status(&self.run).await else {
            return;
        };
        for step in &status.steps {
            let state = told(step);
            let position = step.position.to_string();
            if self.steps.get(&position) != Some(&state) {
                print::aside(&format!("  {position:<20} {state}"));
                self.steps.insert(position, state);
                self.since = Instant::now();
            }
        }
        let run = &status.run;
        let now = match (&run.waiting, run.state) {
            (Some(waiting), RunState::Waiting) => format!("  {waiting}"),
            (_, RunState::Paused) => "  paused; it goes on when somebody resumes it".to_owned(),
            (_, RunState::Pending) if self.since.elapsed() > PATIENCE => format!(
                "  waits for a worker of pool `{}`{}: `{} worker`",
                run.pool,
                asks(run),
                self.app
            ),
            _ => return,
        };
        if now != self.last {
            print::aside(&now);
            self.last = now;
        }
    }
}

fn asks(run: &crate::model::Run) -> String {
    if run.labels.is_empty() {
        return String::new();
    }
    format!(" with {}", run.labels)
}

fn told(step: &StepStatus) -> String {
    let error = step.error.as_deref().unwrap_or_default();
    let attempt = step.attempt;
    match step.state {
        StepState::Running => format!("runs, attempt {attempt}"),
        StepState::Retrying { next_at } => {
            format!("failed: {error}; attempt {attempt} at {next_at}")
        }
        StepState::Completed => match step.took {
            Some(took) => format!(
                "completed in {:.2} s, attempt {attempt}",
                took.as_secs_f64()
            ),
            None => "completed".to_owned(),
        },
        StepState::Failed => format!("failed: {error}"),
    }
}
