//! What wins over what, and where a call then goes.

use super::*;

struct Case {
    declared: &'static str,
    base: Option<&'static str>,
    overrides: &'static [(&'static str, &'static str)],
    worker_base: Option<&'static str>,
    url: &'static str,
    model: &'static str,
}

#[test]
fn the_nearest_override_wins_and_the_address_follows_the_model() {
    let plain = Case {
        declared: "gpt-4o",
        base: None,
        overrides: &[],
        worker_base: None,
        url: "https://api.openai.com/v1/x",
        model: "openai/gpt-4o",
    };
    let all = &[
        ("agent:writer", "claude-sonnet-4-5"),
        ("gpt-4o", "mistral/large"),
        ("default", "ollama/llama3.2"),
    ];
    let cases = [
        Case { ..plain },
        Case {
            overrides: all,
            model: "anthropic/claude-sonnet-4-5",
            url: "https://api.anthropic.com/v1/x",
            ..plain
        },
        Case {
            overrides: &all[1..],
            model: "mistral/large",
            url: "https://api.mistral.ai/v1/x",
            ..plain
        },
        Case {
            overrides: &[("openai/gpt-4o", "gpt-4o-mini"), ("default", "o3")],
            model: "openai/gpt-4o-mini",
            ..plain
        },
        Case {
            overrides: &all[2..],
            worker_base: Some("http://gpu:11434"),
            model: "ollama/llama3.2",
            url: "http://gpu:11434/v1/x",
            ..plain
        },
        Case {
            overrides: &[("agent:other", "o3")],
            ..plain
        },
        // What was declared for one provider says nothing of another one.
        Case {
            base: Some("https://proxy/openai/v1"),
            overrides: &all[2..],
            model: "ollama/llama3.2",
            url: "http://localhost:11434/v1/x",
            ..plain
        },
        Case {
            base: Some("https://proxy/openai/v1"),
            overrides: &[("default", "gpt-4o-mini")],
            model: "openai/gpt-4o-mini",
            url: "https://proxy/openai/v1/x",
            ..plain
        },
        Case {
            declared: "claude-sonnet-4-5",
            base: Some("https://proxy/anthropic/"),
            model: "anthropic/claude-sonnet-4-5",
            url: "https://proxy/anthropic/v1/x",
            ..plain
        },
        Case {
            declared: "compat/any",
            base: Some("http://here:1/api"),
            model: "compat/any",
            url: "http://here:1/api/x",
            ..plain
        },
    ];
    for case in cases {
        let mut params = InferenceParams::new();
        if let Some(base) = case.base {
            params = params.api_base(base).unwrap();
        }
        let declared = Declared {
            model: case.declared.parse().unwrap(),
            params,
        };
        let mut worker = WorkerCredentials::new();
        for (of, model) in case.overrides {
            worker = worker.model_override(*of, *model).unwrap();
        }
        if let Some(base) = case.worker_base {
            let params = InferenceParams::new().api_base(base).unwrap();
            worker = worker.inference_overrides(params);
        }
        let target = resolve("writer", &declared, Some(&worker)).unwrap();
        assert_eq!(target.model().to_string(), case.model);
        assert_eq!(target.url("x").unwrap().as_str(), case.url);
    }
}

#[test]
fn parameters_are_merged_field_by_field_and_a_key_goes_to_no_other_provider() {
    let params = InferenceParams::new()
        .api_key("agents-key")
        .and_then(|p| p.temperature(0.9))
        .and_then(|p| p.max_tokens(100))
        .unwrap();
    let declared = Declared {
        model: "gpt-4o".parse().unwrap(),
        params,
    };
    let worker = WorkerCredentials::new()
        .inference_overrides(InferenceParams::new().temperature(0.1).unwrap());
    let target = resolve("writer", &declared, Some(&worker)).unwrap();
    assert_eq!(target.params().get_temperature(), Some(0.1));
    assert_eq!(target.max_tokens(), 100);
    assert_eq!(target.key().unwrap().expose(), "agents-key");

    let worker = worker.model_override("default", "claude-x").unwrap();
    let target = resolve("writer", &declared, Some(&worker)).unwrap();
    assert!(target.key().is_none());
    assert_eq!(target.max_tokens(), 100);
    assert!(!format!("{target:?}").contains("agents-key"));
}

#[test]
fn models_whose_address_is_unknown_and_unknown_overrides_are_errors() {
    let declared = Declared {
        model: "compat/x".parse().unwrap(),
        params: InferenceParams::new(),
    };
    let error = resolve("writer", &declared, None).unwrap_err();
    assert!(error.to_string().contains("give `api_base`"), "{error}");
    let worker = WorkerCredentials::new()
        .model_override("default", "lama")
        .unwrap();
    let error = resolve("writer", &declared, Some(&worker)).unwrap_err();
    assert!(error.to_string().contains("ollama"), "{error}");
}
