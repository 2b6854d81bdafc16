//! Words of continuous integration: `process`, `command`, `file`, `spawn`, `env` as fields, methods and variables.

use std::collections::BTreeMap;

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    command: String,
    env: BTreeMap<String, String>,
    file: Option<String>,
    timeout: u64,
}

impl Job {
    fn var(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    fn args(&self) -> impl Iterator<Item = &str> {
        self.command.split_whitespace()
    }
}

#[step(timeout = "1h")]
async fn run(job: &Job) -> Result<i32> {
    Ok(job.command.len() as i32)
}

#[step]
async fn upload(file: &str) -> Result<String> {
    Ok(file.to_owned())
}

#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    Passed { files: Vec<String> },
    Failed { exit: i32, at: usize },
}

#[workflow(name = "build")]
async fn build(jobs: Vec<Job>) -> Result<Report> {
    let mut files = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        let env = job.var("RUST_LOG").unwrap_or("info");
        let args: Vec<&str> = job.args().filter(|arg| *arg != env).collect();
        if args.is_empty() {
            continue;
        }
        let exit = run(job).await?;
        if exit != 0 {
            return Ok(Report::Failed { exit, at });
        }
        if let Some(file) = &job.file {
            let spawn = upload(file).await?;
            files.push(spawn);
        }
    }
    Ok(Report::Passed { files })
}

fn main() {
    assert_eq!(sagewai::graph(build).nodes.len(), 2);
}
