use sagewai::prelude::*;
use sagewai::{Json, Step, Workflow};

#[step]
async fn draft(r#type: &str, lines: &[u8], _express: Option<bool>) -> Result<String> {
    Ok(format!("{type} {lines:?}", type = r#type))
}

#[workflow]
async fn article(topic: String) -> Result<String> {
    draft(&topic, &[1], None).await
}

fn main() {
    let input = ("post".to_owned(), vec![1, 2], None);
    let stored = draft::store(&input).unwrap();
    assert_eq!(stored.as_str(), r#"{"type":"post","lines":[1,2],"express":null}"#);
    assert_eq!(draft::load(&stored).unwrap(), input);

    // An argument that is added later reads `null` from older records.
    let older = Json::parse(r#"{"type":"post","lines":[]}"#).unwrap();
    assert_eq!(draft::load(&older).unwrap(), ("post".to_owned(), vec![], None));
    let error = article::load(&older).unwrap_err();
    assert!(error.to_string().contains("argument `topic`"), "{error}");
}
