//! The binary `demo`, run as people run it: in a folder of its own, with no setting but those that a test gives.

use std::path::Path;
use std::process::{Output, Stdio};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

use super::soon;

/// A folder in which the binary runs.
pub struct Demo {
    pub folder: TempDir,
    /// Where its runs live.
    pub store: String,
}

/// How a command ended.
#[derive(Debug)]
pub struct Told {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Demo {
    /// With runs in a file of the folder.
    pub fn new() -> Demo {
        Demo::at("sqlite://demo.db")
    }

    /// With runs in this store.
    pub fn at(store: &str) -> Demo {
        Demo {
            folder: tempfile::tempdir().unwrap(),
            store: store.to_owned(),
        }
    }

    /// The store as other processes reach it.
    pub fn url(&self) -> String {
        let folder = self.folder.path().display();
        self.store
            .replace("sqlite://", &format!("sqlite://{folder}/"))
    }

    pub fn path(&self, file: &str) -> String {
        self.folder.path().join(file).display().to_string()
    }

    /// Writes a file in the folder.
    pub fn file(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// A command, not yet run.
    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_demo"));
        command
            .args(words)
            .current_dir(&self.folder)
            .env_clear()
            .env("SAGEWAI_STORE", &self.store)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command to its end.
    pub async fn run(&self, words: &[&str]) -> Told {
        told(soon(self.command(words).output()).await.unwrap())
    }

    /// A worker that looks often, with its logs as JSON.
    pub fn worker(&self, words: &[&str]) -> Worker {
        let usual = ["worker", "--poll-interval", "50ms", "--log-format", "json"];
        Worker::of(self.command(&[&usual, words].concat()))
    }
}

pub fn told(output: Output) -> Told {
    Told {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A worker in a process of its own.
pub struct Worker {
    pub child: Child,
    log: BufReader<ChildStderr>,
    /// What it has logged, as far as it was read.
    pub logged: String,
}

impl Worker {
    pub fn of(mut command: Command) -> Worker {
        let mut child = command.spawn().unwrap();
        let log = BufReader::new(child.stderr.take().unwrap());
        Worker {
            child,
            log,
            logged: String::new(),
        }
    }

    /// Reads its log up to a line with this text.
    pub async fn logs(&mut self, text: &str) -> String {
        soon(async {
            loop {
                let mut line = String::new();
                let read = self.log.read_line(&mut line).await.unwrap();
                assert!(read > 0, "it ended without {text}: {}", self.logged);
                self.logged.push_str(&line);
                if line.contains(text) {
                    return line;
                }
            }
        })
        .await
    }

    /// Sends a signal, as in `INT`.
    pub fn signal(&self, name: &str) {
        signal(&self.child, name);
    }

    /// Waits until it has ended, and gives its code.
    pub async fn ended(&mut self) -> Option<i32> {
        soon(async {
            let mut rest = String::new();
            while self.log.read_line(&mut rest).await.unwrap() > 0 {}
            self.logged.push_str(&rest);
            self.child.wait().await.unwrap().code()
        })
        .await
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(mut self) -> String {
        self.signal("TERM");
        assert_eq!(self.ended().await, Some(0), "{}", self.logged);
        self.logged
    }
}

pub fn signal(child: &Child, name: &str) {
    let process = child.id().expect("it has not ended").to_string();
    let sent = std::process::Command::new("kill")
        .args([&format!("-{name}"), &process])
        .status();
    assert!(sent.unwrap().success());
}

/// Waits until a file is there.
pub async fn there(path: &str) {
    super::until(async || Path::new(path).exists().then_some(())).await;
}
