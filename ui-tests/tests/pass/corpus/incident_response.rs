//! Pages people one after the other until one answers.

use std::time::Duration;

use sagewai::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Severity {
    Low,
    High,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Alert {
    service: String,
    severity: Severity,
    process: u32,
}

#[step(retries = 3)]
async fn page(who: &str, alert: &Alert) -> Result<bool> {
    Ok(who.len() > alert.service.len())
}

#[step]
async fn open_ticket(alert: &Alert) -> Result<u64> {
    Ok(u64::from(alert.process))
}

#[step]
async fn run_book(service: &str) -> Result<Vec<String>> {
    Ok(vec![format!("restart {service}")])
}

#[step(name = "exec")]
async fn command(line: &str) -> Result<i32> {
    Ok(line.len() as i32)
}

#[workflow]
async fn incident(alert: Alert, on_call: Vec<String>) -> Result<u64> {
    let ticket = open_ticket(&alert).await?;
    if alert.severity < Severity::High {
        return Ok(ticket);
    }
    let mut rounds = 0;
    let responder = 'paging: loop {
        for who in &on_call {
            if page(who, &alert).await? {
                break 'paging who.as_str();
            }
            sleep(Duration::from_secs(300)).await?;
        }
        rounds += 1;
        if rounds == 3 {
            return Err("nobody answered".into());
        }
    };
    for line in run_book(&alert.service).await? {
        approval(format!("run {line}")).prompt(format!("{responder}: run `{line}`?")).await?;
        let exit = command(&line).await?;
        if exit != 0 {
            tracing_like_log(&format!("{line} ended with {exit}"));
        }
    }
    Ok(ticket)
}

fn tracing_like_log(text: &str) {
    let _ = text;
}

fn main() {
    assert_eq!(sagewai::graph(incident).nodes.len(), 6);
}
