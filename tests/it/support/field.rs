//! Processes that tests kill, stop and cut off, and the ledger of what their steps have really done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use sagewai::{CheckpointKind, Journal, Position, RunHandle, Workflow};

use crate::support::{Scene, until};

/// A folder for ledger and markers, and processes that end with it.
pub struct Field {
    folder: tempfile::TempDir,
    url: String,
}

/// A victim; dropped, it is killed.
pub struct Victim(pub Child);

impl Victim {
    /// SIGKILL: it gets no chance to do anything.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.0.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    pub fn pid(&self) -> String {
        self.0.id().to_string()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.end();
    }
}

impl Field {
    pub fn new(scene: &Scene) -> Field {
        Field {
            folder: tempfile::tempdir().unwrap(),
            url: scene.url.clone().unwrap(),
        }
    }

    pub fn ledger(&self) -> PathBuf {
        self.folder.path().join("ledger")
    }

    pub fn marker(&self) -> PathBuf {
        self.folder.path().join("marker")
    }

    pub fn victim(&self, options: &[&str]) -> Victim {
        self.victim_in(&std::env::temp_dir(), options)
    }

    /// A victim whose proofs of life are elsewhere, as on another machine.
    pub fn victim_in(&self, temporary: &Path, options: &[&str]) -> Victim {
        let child = Command::new(env!("CARGO_BIN_EXE_victim"))
            .env("TMPDIR", temporary)
            .args(["--store", &self.url])
            .arg("--ledger")
            .arg(self.ledger())
            .arg("--marker")
            .arg(self.marker())
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        Victim(child.unwrap())
    }

    pub async fn marked(&self) {
        let marker = self.marker();
        until(async || marker.exists().then_some(())).await;
    }

    /// Whether the victim has come to the commit at which it stands still: not where its run was over before.
    pub async fn stands_still<W: Workflow>(&self, run: &RunHandle<W>) -> bool {
        until(async || {
            let is_over = run.status().await.unwrap().run.state.is_finished();
            if self.marker().exists() {
                Some(true)
            } else {
                is_over.then_some(false)
            }
        })
        .await
    }

    /// No step that was stored when the process died was done again, and no ordinal is missing at the end.
    pub fn assert_none_repeated(&self, run: &str, stored: &Journal, end: &Journal) {
        let ordinals: Vec<u32> = end.checkpoints.iter().map(|c| c.written.ordinal).collect();
        let expected: Vec<u32> = (0..).take(ordinals.len()).collect();
        assert_eq!(ordinals, expected, "{run}");
        let effects = self.effects(run);
        for position in steps_of(stored) {
            let ends = effects.get(&format!("end {position}")).copied();
            assert_eq!(
                ends,
                Some(1),
                "{run}: {position} was committed, and done again"
            );
        }
    }

    /// How often each step of a run has begun and ended: `begin one` → 1.
    pub fn effects(&self, run: &str) -> BTreeMap<String, u32> {
        let mut effects = BTreeMap::new();
        for line in self.lines() {
            if line[1] == run {
                *effects
                    .entry(format!("{} {}", line[0], line[2]))
                    .or_default() += 1;
            }
        }
        effects
    }

    /// What, run, step, process.
    pub fn lines(&self) -> Vec<[String; 4]> {
        let text = std::fs::read_to_string(self.ledger()).unwrap_or_default();
        text.lines()
            .map(|line| {
                let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
                words.try_into().unwrap()
            })
            .collect()
    }
}

pub fn counts(pairs: &[(&str, u32)]) -> BTreeMap<String, u32> {
    pairs
        .iter()
        .map(|(what, n)| ((*what).to_owned(), *n))
        .collect()
}

/// Steps whose outcomes a journal holds.
pub fn steps_of(journal: &Journal) -> impl Iterator<Item = &Position> {
    let written = journal.checkpoints.iter().map(|c| &c.written);
    let steps = written.filter(|written| written.kind == CheckpointKind::Step);
    steps.map(|written| &written.position)
}
