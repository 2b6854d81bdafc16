//! Pictures of whole workflows, so that a reviewer sees what users see.

use std::time::Duration;

use super::node::tests::{DRAFT, PUBLISH};
use super::{Flow, Graph, GraphNode, NodeInfo, NodeKind, ParallelKind};
use crate::Workflow;
use crate::prelude::*;

#[step(retries = 2, timeout = "5m")]
async fn research(topic: &str) -> Result<Vec<String>> {
    Ok(vec![topic.to_owned()])
}

#[step(name = "write-draft", retries = 1)]
async fn draft(notes: &[String]) -> Result<String> {
    Ok(notes.join(" "))
}

#[step]
async fn publish(text: &str) -> Result<u32> {
    Ok(u32::try_from(text.len())?)
}

/// One thing after the other.
#[workflow(name = "article-pipeline")]
async fn article_pipeline(topic: String) -> Result<u32> {
    let notes = research(&topic).await?;
    let text = draft(&notes).await?;
    approval("review").prompt("Publish?").await?;
    publish(&text).await
}

/// Branches with arms of all sorts, and ways out of the middle.
#[workflow]
async fn triage(text: String) -> Result<u32> {
    let Ok(notes) = research(&text).await else {
        return Ok(0);
    };
    match notes.as_slice() {
        [] => return Err("nothing found".into()),
        [only] if only == "urgent" => {
            publish(only).await?;
        }
        [first, ..] if first.contains('"') => {}
        _ => {
            let text = draft(&notes).named("second draft").await?;
            if let Err(Fault::Rejected { .. }) = approval("legal").await {
                draft(&[]).await?;
            } else if text.len() > 3 && text < notes[0] {
                sleep(Duration::from_hours(1)).await?;
            }
        }
    }
    let drawn = record("lot", || 4).await;
    let at = now().await;
    let later = if drawn > 2 {
        publish(&text)
    } else {
        publish("none")
    };
    let _ = at;
    later.await
}

/// Loops in loops, and ways out of both; a part that is left early.
#[workflow]
async fn rounds(topics: Vec<String>) -> Result<u32> {
    let mut published = 0;
    'topics: for topic in &topics {
        let mut tries = 0;
        while tries < 3 {
            let text = draft(std::slice::from_ref(topic)).await?;
            if text.is_empty() {
                continue 'topics;
            }
            if text == "stop" {
                break 'topics;
            }
            tries += 1;
        }
        published += publish(topic).await?;
    }
    let found = 'search: {
        if research("a").await?.len() > 1 {
            break 'search "a";
        }
        if research("b").await?.len() > 1 {
            break 'search "b";
        }
        "none"
    };
    loop {
        match approval("more").await {
            Ok(_) => published += publish(found).await?,
            Err(Fault::Rejected { .. }) => break,
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(published)
}

/// What goes on at once, as the attribute sees it.
#[workflow]
async fn gather(topics: Vec<String>) -> Result<u32> {
    let (notes, decision) = join!(research("tides"), approval("plan")).await;
    let notes = notes?;
    decision?;
    let texts = map(topics, |topic| async move {
        let found = research(&topic).await?;
        if found.is_empty() {
            return Ok(String::new());
        }
        draft(&found).await
    })
    .concurrency(4)
    .await;
    let (text, published) = try_join!(draft(&notes), publish("summary")).await?;
    race!(approval("late"), sleep(Duration::from_hours(1))).await;
    Ok(published + u32::try_from(texts.len() + text.len())?)
}

/// The same by hand, one of it a child.
const AT_ONCE: Graph = Graph::new(
    "at-once",
    &[
        DRAFT,
        PUBLISH,
        GraphNode::new(
            NodeInfo::new(NodeKind::Gate, "approval", "approval", "sagewai", ""),
            "approval",
            "review",
            "",
            3,
        ),
        GraphNode::new(NodeInfo::DYNAMIC, "helper.call()", "", "", 4),
        GraphNode::new(
            NodeInfo::workflow(&<article_pipeline as Workflow>::SPEC, || {
                article_pipeline::GRAPH
            }),
            "article_pipeline",
            "",
            "",
            5,
        ),
    ],
    &[
        Flow::Parallel {
            kind: ParallelKind::TryJoin,
            label: "",
            branches: &[&[Flow::Node(0)], &[Flow::Node(1), Flow::Node(0)]],
        },
        Flow::Parallel {
            kind: ParallelKind::Race,
            label: "",
            branches: &[
                &[Flow::Node(2)],
                &[
                    Flow::Branch {
                        label: "late",
                        arms: &[("yes", &[Flow::Return]), ("no", &[])],
                    },
                    Flow::Node(3),
                ],
            ],
        },
        Flow::Parallel {
            kind: ParallelKind::Map,
            label: "chapters",
            branches: &[&[Flow::Node(0), Flow::Node(4)]],
        },
    ],
);

#[test]
fn graphs_read_as_text() {
    insta::assert_snapshot!(
        "article_pipeline_text",
        crate::graph(article_pipeline).to_text()
    );
    insta::assert_snapshot!("triage_text", crate::graph(triage).to_text());
    insta::assert_snapshot!("rounds_text", crate::graph(rounds).to_text());
    insta::assert_snapshot!("gather_text", crate::graph(gather).to_text());
    insta::assert_snapshot!("at_once_text", AT_ONCE.to_text());
}

#[test]
fn graphs_are_drawn_as_mermaid() {
    insta::assert_snapshot!(
        "article_pipeline_mermaid",
        crate::graph(article_pipeline).to_mermaid()
    );
    insta::assert_snapshot!("triage_mermaid", crate::graph(triage).to_mermaid());
    insta::assert_snapshot!("rounds_mermaid", crate::graph(rounds).to_mermaid());
    insta::assert_snapshot!("gather_mermaid", crate::graph(gather).to_mermaid());
    insta::assert_snapshot!("at_once_mermaid", AT_ONCE.to_mermaid());
}

#[test]
fn graphs_are_drawn_as_dot() {
    insta::assert_snapshot!("triage_dot", crate::graph(triage).to_dot());
    insta::assert_snapshot!("rounds_dot", crate::graph(rounds).to_dot());
    insta::assert_snapshot!("gather_dot", crate::graph(gather).to_dot());
    insta::assert_snapshot!("at_once_dot", AT_ONCE.to_dot());
}

#[test]
fn graphs_are_written_as_json() {
    insta::assert_snapshot!(
        "article_pipeline_json",
        crate::graph(article_pipeline).to_json()
    );
    insta::assert_snapshot!("rounds_json", crate::graph(rounds).to_json());
    insta::assert_snapshot!("gather_json", crate::graph(gather).to_json());
    insta::assert_snapshot!("at_once_json", AT_ONCE.to_json());
}
