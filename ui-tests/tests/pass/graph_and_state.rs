use sagewai::prelude::*;
use sagewai::workflow::{Flow, NodeKind};
use sagewai::{Json, Workflow};

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Draft {
    title: String,
}

#[step(name = "write-draft")]
pub async fn draft(topic: &str) -> Result<Draft> {
    Ok(Draft { title: topic.into() })
}

#[step]
pub async fn publish(draft: Draft) -> Result<u64> {
    Ok(draft.title.len() as u64)
}

#[workflow]
pub async fn article(topic: String) -> Result<u64> {
    let mut text = draft(&topic).await?;
    if text.title.len() < 6 {
        text = draft("fixed").named("again").await?;
    }
    publish(text).await
}

/// The same shape in other words.
mod reformatted {
    use super::{Draft, draft, publish};
    use sagewai::prelude::*;

    #[workflow]
    pub async fn article(topic: String) -> Result<u64> {
        let first: Draft = draft(&topic).retries(3).await?; // once
        let best = if first.title.is_empty() { draft("other").named("again").await? } else { first };
        publish(best).await
    }
}

mod shorter {
    use super::{draft, publish};
    use sagewai::prelude::*;

    #[workflow]
    pub async fn article(topic: String) -> Result<u64> {
        let text = draft(&topic).await?;
        publish(text).await
    }
}

fn main() {
    let graph = article::GRAPH;
    let titles: Vec<&str> = graph.nodes.iter().map(|node| node.title()).collect();
    assert_eq!(titles, ["write-draft", "again", "publish"]);
    assert!(graph.nodes.iter().all(|node| node.info.kind == NodeKind::Step));
    assert_eq!(graph.nodes[0].line, 22);
    let [Flow::Node(0), Flow::Branch { label, arms }, Flow::Node(2)] = graph.flow else {
        panic!("{:?}", graph.flow);
    };
    assert_eq!((*label, arms.len()), ("text.title.len() < 6", 2));

    assert_eq!(article::FINGERPRINT, reformatted::article::FINGERPRINT);
    assert_ne!(article::FINGERPRINT, shorter::article::FINGERPRINT);

    let stored = Json::parse(r#"{"title":"x"}"#).unwrap();
    for name in ["write-draft", "again"] {
        match article::state(name, &stored).unwrap() {
            ArticleState::Draft(draft) => assert_eq!(draft.title, "x"),
            other => panic!("{other:?}"),
        }
    }
    let other = article::state("unheard-of", &stored).unwrap();
    assert_eq!(format!("{other:?}"), r#"Other({"title":"x"})"#);
    assert!(article::state("publish", &stored).is_err());
}
