//! What wins over what, for every field.

use std::time::Duration;

use serde_json::json;

use super::super::{InferenceParams, Secret, WorkerCredentials, WrongCredentials};

type Set = fn(InferenceParams) -> Result<InferenceParams, WrongCredentials>;

/// All that can be read of parameters, secrets included.
fn told(params: &InferenceParams) -> serde_json::Value {
    let expose = |secret: &Secret| secret.expose().to_owned();
    let headers = params.get_headers().iter();
    json!({
        "api_base": params.get_api_base(),
        "api_key": params.get_api_key().map(expose),
        "headers": headers.map(|(name, value)| (name, expose(value))).collect::<Vec<_>>(),
        "timeout_ms": params.get_timeout().map(|t| t.as_secs_f64() * 1e3),
        "temperature": params.get_temperature(),
        "top_p": params.get_top_p(),
        "max_tokens": params.get_max_tokens(),
        "presence_penalty": params.get_presence_penalty(),
        "frequency_penalty": params.get_frequency_penalty(),
        "extra": params.get_extra(),
    })
}

/// Each field, set to one value and to another.
const FIELDS: [(&str, Set, Set); 10] = [
    (
        "api_base",
        |p| p.api_base("http://one/"),
        |p| p.api_base("https://two/v1"),
    ),
    ("api_key", |p| p.api_key("k1"), |p| p.api_key("k2")),
    (
        "headers",
        |p| p.header("X-Team", "a"),
        |p| p.header("x-team", "b"),
    ),
    (
        "timeout_ms",
        |p| p.timeout(Duration::from_secs(1)),
        |p| p.timeout(Duration::from_secs(2)),
    ),
    (
        "temperature",
        |p| p.temperature(0.0),
        |p| p.temperature(2.0),
    ),
    ("top_p", |p| p.top_p(0.0), |p| p.top_p(1.0)),
    ("max_tokens", |p| p.max_tokens(1), |p| p.max_tokens(2)),
    (
        "presence_penalty",
        |p| p.presence_penalty(-2.0),
        |p| p.presence_penalty(2.0),
    ),
    (
        "frequency_penalty",
        |p| p.frequency_penalty(-2.0),
        |p| p.frequency_penalty(2.0),
    ),
    (
        "extra",
        |p| p.extra("seed", 1),
        |p| p.extra("seed", json!({"of": 2})),
    ),
];

#[test]
fn each_field_is_overridden_by_itself_alone() {
    let all = |pick: fn(&(&str, Set, Set)) -> Set| {
        let sets = FIELDS.iter().map(pick);
        sets.fold(InferenceParams::new(), |params, set| set(params).unwrap())
    };
    let (first, second) = (all(|f| f.1), all(|f| f.2));
    let (of_first, of_second) = (told(&first), told(&second));
    for (field, _, set) in FIELDS {
        let over = set(InferenceParams::new()).unwrap();
        let merged = told(&first.clone().overridden_by(&over));
        for (name, value) in merged.as_object().unwrap() {
            let expected = if name == field { &of_second } else { &of_first };
            assert_eq!(value, &expected[name], "{name}, when {field} is overridden");
        }
        assert_ne!(of_first[field], of_second[field], "{field}");
    }
    assert_eq!(told(&first.clone().overridden_by(&second)), of_second);
    assert_eq!(
        told(&first.clone().overridden_by(&InferenceParams::new())),
        of_first
    );
    assert_eq!(
        told(&InferenceParams::new().overridden_by(&first)),
        of_first
    );
}

#[test]
fn headers_and_extra_keys_of_both_stay() {
    let params = InferenceParams::new();
    let base = params
        .clone()
        .header("a", "1")
        .unwrap()
        .extra("x", 1)
        .unwrap();
    let over = params.header("b", "2").unwrap().extra("y", 2).unwrap();
    let merged = told(&base.overridden_by(&over));
    assert_eq!(merged["headers"], json!([["a", "1"], ["b", "2"]]));
    assert_eq!(merged["extra"], json!({"x": 1, "y": 2}));
}

#[test]
fn credentials_are_merged_name_by_name() {
    let new = WorkerCredentials::new;
    let base = new()
        .model_override("default", "ollama/llama3.2")
        .and_then(|c| c.model_override("agent:writer", "gpt-4o"))
        .and_then(|c| c.env_override("A", "1"))
        .unwrap()
        .inference_overrides(InferenceParams::new().top_p(0.5).unwrap());
    let over = new()
        .model_override("default", "gpt-4o-mini")
        .and_then(|c| c.env_override("B", "2"))
        .unwrap()
        .inference_overrides(InferenceParams::new().temperature(1.0).unwrap());
    let merged = base.overridden_by(&over);
    assert_eq!(merged.model("default"), Some("gpt-4o-mini"));
    assert_eq!(merged.model("agent:writer"), Some("gpt-4o"));
    let env = |name| merged.env(name).map(|secret| secret.expose().to_owned());
    assert_eq!(
        (env("A"), env("B"), env("C")),
        (Some("1".into()), Some("2".into()), None)
    );
    let inference = merged.inference();
    assert_eq!(
        (inference.get_top_p(), inference.get_temperature()),
        (Some(0.5), Some(1.0))
    );
}
