//! Answers for starts and commits that a batch did not take: by reading what is there, not by guessing.

use std::future::Future;
use std::sync::Arc;

use super::group_commit::{Flush, GroupCommit};
use super::{StoreError, StoreResult, size};
use crate::model::{Commit, Found, NewRun, RunKey, Started, Verdict, judge};

/// How often a commit is written whose fence would let it through.
const WRITES_MAX: u32 = 4;

/// What a database can look up.
pub(super) trait Look: Sync {
    /// What is there of a commit, and whether its worker's lease holds; none where there is no such run.
    fn found(
        &self,
        commit: &Commit,
    ) -> impl Future<Output = StoreResult<Option<(Found, bool)>>> + Send;

    /// The workflow and the input for which a run was started.
    fn started_for(
        &self,
        run: RunKey,
    ) -> impl Future<Output = StoreResult<Option<(String, String)>>> + Send;
}

/// Creates a run, or says what the one that is there means.
pub(super) async fn start<F: Flush>(
    group: &GroupCommit<F>,
    look: &impl Look,
    store: &str,
    run: NewRun,
) -> StoreResult<Started> {
    size::check_start(&run)?;
    let run = Arc::new(run);
    if group.start(run.clone()).await? {
        return Ok(Started::Created);
    }
    let Some((workflow, input)) = look.started_for(run.id.key()).await? else {
        return Err(StoreError::Corrupt {
            store: store.to_owned(),
            reason: format!("run `{}` has no input", run.id),
        });
    };
    Ok(meaning(&run, workflow, &input))
}

/// What a start means where a run of its id was started for that.
pub(super) fn meaning(new: &NewRun, workflow: String, input: &str) -> Started {
    let same_workflow = workflow == new.workflow;
    if same_workflow && input == new.input.as_str() {
        return Started::Attached;
    }
    Started::Conflict {
        workflow,
        same_workflow,
    }
}

/// Writes a commit. Given again after a lost reply, it finds itself written.
pub(super) async fn commit<F: Flush>(
    group: &GroupCommit<F>,
    look: &impl Look,
    store: &str,
    commit: Commit,
) -> StoreResult<Verdict> {
    size::check_commit(&commit)?;
    let commit = Arc::new(commit);
    for _ in 0..WRITES_MAX {
        if let Some(verdict) = group.commit(commit.clone()).await? {
            return Ok(verdict);
        }
        let Some((found, leased)) = look.found(&commit).await? else {
            return Ok(Verdict::Fenced);
        };
        match judge(&commit, &found) {
            Some(verdict) => return Ok(verdict),
            None if !leased => return Ok(Verdict::Fenced),
            // Between the write and the look a heartbeat came through: once more.
            None => {}
        }
    }
    Err(StoreError::Refused {
        store: store.to_owned(),
        reason: format!(
            "a commit of run {} under epoch {} clashes with what is there: one of its positions has a checkpoint \
             from an earlier claim",
            commit.run.uuid(),
            commit.epoch
        ),
        source: None,
    })
}
