use sagewai::prelude::*;
use sagewai::{Step, Workflow};

#[step]
async fn r#match(r#type: u32) -> Result<u32> {
    Ok(r#type)
}

#[workflow]
async fn r#loop(r#in: u32) -> Result<u32> {
    let r#try = r#match(r#in).await?;
    Ok(r#try)
}

fn main() {
    assert_eq!(r#match::SPEC.name, "match");
    assert_eq!(r#match::SPEC.params, ["type"]);
    assert_eq!(r#loop::SPEC.name, "loop");
    assert_eq!(r#loop::GRAPH.nodes[0].title(), "match");
    assert!(matches!(r#loop::state("match", &sagewai::Json::encode(&1).unwrap()), Ok(LoopState::Match(1))));
}
