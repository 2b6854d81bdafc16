//! Workers that are killed in the middle of a firing.

use std::process::{Command, Stdio};
use std::time::Duration;

use sagewai::prelude::*;
use sagewai::{RunState, Schedule};

use crate::on_every_shared_store;
use crate::schedules::{all_runs, get};
use crate::support::{Scene, soon, until};

/// What the victims serve; here it is only scheduled.
#[workflow(name = "victim")]
async fn victim(value: u32) -> Result<u32> {
    Ok(value)
}

/// Lets a worker come as far as a certain point of a firing, kills it there, and lets another one go on.
async fn killed_at(scene: &Scene, stop: &str, started_before: bool) {
    let folder = tempfile::tempdir().unwrap();
    let (ledger, marker) = (folder.path().join("ledger"), folder.path().join("marker"));
    let put = Schedule::every("tick", Duration::from_secs(2)).runs(victim(1));
    scene.client.schedules().put(put).await.unwrap();
    let launch = |stop: Option<(&str, &str)>| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_victim"));
        command.args(["--store", scene.url.as_ref().unwrap()]);
        command
            .arg("--ledger")
            .arg(&ledger)
            .arg("--marker")
            .arg(&marker);
        if let Some((option, n)) = stop {
            command.args([option, n]);
        }
        command.stderr(Stdio::null()).spawn().unwrap()
    };
    // A firing is written twice: as decided, and as started.
    let n = if started_before { "2" } else { "1" };
    let mut first = launch(Some((stop, n)));
    until(async || marker.exists().then_some(())).await;
    first.kill().unwrap();
    first.wait().unwrap();
    let left = get(scene, "tick").await.progress;
    assert_eq!((left.fired, left.starting.len()), (0, 1));
    assert_eq!(all_runs(scene).await.len(), usize::from(started_before));

    let mut second = launch(None);
    let firing = left.starting[0];
    let progress = until(async || {
        let progress = get(scene, "tick").await.progress;
        (progress.fired > 0).then_some(progress)
    })
    .await;
    assert!(progress.last.unwrap().firing >= firing);
    let run = get(scene, "tick").await.run_id(firing).unwrap();
    let handle = scene.client.handle::<victim>(&run).await.unwrap();
    assert_eq!(soon(handle.result()).await.unwrap(), 4);
    scene.client.schedules().pause("tick", "ann").await.unwrap();
    second.kill().unwrap();
    second.wait().unwrap();
    assert_eq!(
        handle.status().await.unwrap().run.state,
        RunState::Completed
    );
    let written = std::fs::read_to_string(&ledger).unwrap();
    let begun = format!("begin {run} one ");
    assert_eq!(
        written
            .lines()
            .filter(|line| line.starts_with(&begun))
            .count(),
        1
    );
}

on_every_shared_store! {
    async fn worker_killed_between_decision_and_start_is_replaced(scene: Scene) {
        killed_at(&scene, "--stop-after-schedule", false).await;
    }

    async fn worker_killed_between_start_and_note_is_replaced(scene: Scene) {
        killed_at(&scene, "--stop-before-schedule", true).await;
    }
}
