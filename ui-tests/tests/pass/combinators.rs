#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(missing_docs)]

use std::time::Duration;

use sagewai::Workflow;
use sagewai::prelude::*;
use sagewai::workflow::{Flow, ParallelKind};

#[step]
async fn draft(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
async fn check(n: u32) -> Result<u32> {
    Ok(n)
}

#[step]
async fn title(n: &str) -> Result<String> {
    Ok(n.to_owned())
}

fn later(n: u32) -> sagewai::StepCall<draft> {
    draft(n)
}

#[workflow]
async fn article(n: u32) -> Result<u32> {
    let names = vec!["a".to_owned(), "b".to_owned()];
    let mut seen = 0;
    let block = async {
        let n = draft(n).await?;
        if n == 0 {
            return Err("nothing".into());
        }
        seen += check(n).await?;
        Ok::<_, Failure>(names.len())
    };
    let (first, second) = try_join!(check(n), block).await?;
    let won = race!(
        approval("review"),
        async move {
            draft(n).await?;
            sleep(Duration::from_secs(1)).await?;
            Ok::<_, Failure>(())
        },
        join!(later(n), title("x"))
    )
    .await;
    let titles = map(&names, |name| title(name)).concurrency(2).await;
    let numbers = try_map(0..n, |n| match n {
        0 => check(n),
        1 => draft(n).retries(2),
        _ => async move { draft(check(n).await?).await },
    })
    .await?;
    let drafts = map(numbers, draft).await;
    let pair = join!(draft(1), if n > 2 { draft(2) } else { check(2) });
    let (a, b) = pair.await;
    let inner = async { draft(n).await }.await?;
    let won = match won {
        Won3::A(decision) => u32::from(decision?.approved),
        Won3::B(slept) => slept.map(|()| 2)?,
        Won3::C((n, _)) => n?,
    };
    let counts = [titles.len(), drafts.len(), second];
    Ok(first + won + a? + b? + inner + seen + u32::try_from(counts.iter().sum::<usize>())?)
}

fn kinds(flow: &[Flow]) -> Vec<(ParallelKind, usize)> {
    let parallel = flow.iter().filter_map(|flow| match flow {
        Flow::Parallel { kind, branches, .. } => Some((*kind, branches.len())),
        _ => None,
    });
    parallel.collect()
}

fn main() {
    let graph = article::GRAPH;
    assert_eq!(
        kinds(graph.flow),
        [
            (ParallelKind::TryJoin, 2),
            (ParallelKind::Race, 3),
            (ParallelKind::Map, 1),
            (ParallelKind::TryMap, 1),
            (ParallelKind::Map, 1),
            (ParallelKind::Join, 2),
        ]
    );
    let titles: Vec<&str> = graph.nodes.iter().map(sagewai::workflow::GraphNode::title).collect();
    assert_eq!(
        titles,
        [
            "draft", "check", "check", "approval", "draft", "sleep", "later", "title", "title", "check", "draft", "check",
            "draft", "draft", "draft", "draft", "check", "draft"
        ]
    );
}
