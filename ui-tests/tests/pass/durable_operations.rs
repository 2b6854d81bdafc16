use std::time::Duration;

use sagewai::prelude::*;
use sagewai::workflow::NodeKind;
use sagewai::{Fault, Json, Workflow};

#[workflow]
async fn waits(n: u32) -> Result<String> {
    let at = now().await;
    let id = uuid().await;
    let home = record("home", || std::env::var("HOME").unwrap_or_default()).await;
    let dice = record::<u32, _>("dice", || 4).await;
    sleep(Duration::from_secs(u64::from(n))).await?;
    sleep_until(at).await?;
    let decision = approval("review").prompt(format!("{home} {dice}?")).context(&n).await?;
    match approval("legal").await {
        Ok(second) => Ok(format!("{id} {} {}", decision.by, second.by)),
        Err(Fault::Rejected { reason, .. }) => Ok(reason),
        Err(other) => Err(other.into()),
    }
}

fn main() {
    let _ = waits(1);
    let kinds: Vec<NodeKind> = waits::GRAPH.nodes.iter().map(|node| node.info.kind).collect();
    let (record, gate, sleep) = (NodeKind::Record, NodeKind::Gate, NodeKind::Sleep);
    assert_eq!(kinds, [record, record, record, record, sleep, sleep, gate, gate]);

    let decision = Json::parse(r#"{"approved":true,"by":"ann"}"#).unwrap();
    assert!(matches!(waits::state("approval:legal", &decision), Ok(WaitsState::Approval(d)) if d.by == "ann"));
    assert!(matches!(waits::state("sleep", &Json::encode(&7).unwrap()), Ok(WaitsState::Sleep(_))));
    assert!(matches!(waits::state("dice", &decision), Ok(WaitsState::Record(_))));
}
