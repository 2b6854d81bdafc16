//! Both dialects over real HTTP: what is sent, what is read, and what each failure is taken for.

use std::time::Duration;

use futures_util::StreamExt;
use sagewai::agent::{
    CallTarget, ChatDelta, ChatModel, ChatReply, ChatRequest, Finish, HttpModel, Message,
    ModelError, ModelErrorKind, OutputSchema, ToolResult, ToolSchema, Usage,
};
use sagewai::{Classify, InferenceParams};
use serde_json::json;

use super::provider::FakeProvider;

const DIALECTS: [&str; 2] = ["compat", "anthropic"];

fn target(provider: &FakeProvider, dialect: &str, mode: &str) -> CallTarget {
    let params = InferenceParams::new()
        .api_base(&provider.url)
        .and_then(|p| p.api_key("sk-canary"))
        .and_then(|p| p.header("x-team", "canary-team"))
        .and_then(|p| p.timeout(Duration::from_millis(800)))
        .and_then(|p| p.temperature(0.5))
        .and_then(|p| p.max_tokens(77))
        .and_then(|p| p.extra("seed", 7))
        .unwrap();
    CallTarget::new(format!("{dialect}/{mode}").parse().unwrap(), params).unwrap()
}

fn question() -> ChatRequest {
    ChatRequest {
        system: Some("You are hush-hush.".to_owned()),
        ..ChatRequest::new("Say hush-hush to Ann.")
    }
}

async fn stream(to: &CallTarget) -> Result<(Vec<String>, ChatReply), ModelError> {
    let mut stream = HttpModel::new().stream(to, &question()).await?;
    let mut texts = Vec::new();
    while let Some(delta) = stream.next().await {
        match delta? {
            ChatDelta::Text(text) => texts.push(text),
            ChatDelta::Done(reply) => {
                assert!(stream.next().await.is_none(), "nothing comes after the end");
                return Ok((texts, *reply));
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("a stream ends in its answer or in an error")
}

#[tokio::test]
async fn whole_answers_mean_the_same_in_both_dialects() {
    let provider = FakeProvider::start().await;
    for dialect in DIALECTS {
        let to = target(&provider, dialect, "ok");
        let reply = HttpModel::new().chat(&to, &question()).await.unwrap();
        assert_eq!(reply.message.text, "Hello, Ann.");
        assert_eq!((reply.finish, reply.model.as_str()), (Finish::Stop, "c-1"));
        assert_eq!(reply.request_id.as_deref(), Some("req-7"));
        let usage = reply.usage.unwrap();
        assert_eq!((usage.input, usage.output, usage.cached), (10, 5, 2));

        let (head, body) = provider.asked().pop().unwrap();
        assert!(head.contains("x-team: canary-team"), "{head}");
        let key = if dialect == "anthropic" {
            "x-api-key: sk-canary"
        } else {
            "authorization: bearer sk-canary"
        };
        assert!(head.contains(key), "{head}");
        assert_eq!(body["max_tokens"], 77);
        assert_eq!(
            (&body["temperature"], &body["seed"]),
            (&json!(0.5), &json!(7))
        );
    }
}

#[tokio::test]
async fn streamed_answers_are_put_together_as_the_whole_ones() {
    let provider = FakeProvider::start().await;
    for dialect in DIALECTS {
        let (texts, reply) = stream(&target(&provider, dialect, "ok")).await.unwrap();
        assert_eq!(texts, ["Hello, ", "Ann."], "{dialect}");
        assert_eq!(reply.message.text, "Hello, Ann.");
        assert_eq!(reply.finish, Finish::Tools);
        let call = &reply.message.tool_calls[0];
        assert_eq!((call.id.as_str(), call.name.as_str()), ("t1", "look"));
        assert_eq!(call.arguments, r#"{"at":"sea"}"#);
        let Usage { input, output, .. } = reply.usage.unwrap();
        assert_eq!((input, output), (10, 5), "{dialect}");
        assert!(reply.message.raw.is_some());
    }
}

#[tokio::test]
async fn each_failure_is_taken_for_what_it_is() {
    use ModelErrorKind::{
        Auth, BadResponse, ContextLength, InvalidRequest, Overloaded, Quota, RateLimited, Server,
        Timeout, Truncated,
    };
    let provider = FakeProvider::start().await;
    for dialect in DIALECTS {
        for (mode, kind, pause) in [
            ("429", RateLimited, None),
            ("429-delay", RateLimited, Some(Duration::from_secs(7))),
            ("429-ms", RateLimited, Some(Duration::from_millis(1_500))),
            ("quota", Quota, None),
            ("400", InvalidRequest, None),
            ("context", ContextLength, None),
            ("401", Auth, None),
            ("500", Server, None),
            ("529", Overloaded, None),
            ("redirect", BadResponse, None),
            ("html", BadResponse, None),
            ("malformed", BadResponse, None),
            ("wrong-schema", BadResponse, None),
            ("error-200", Overloaded, None),
            ("cut", Truncated, None),
            ("slow", Timeout, None),
        ] {
            let to = target(&provider, dialect, mode);
            let error = HttpModel::new().chat(&to, &question()).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.retry_after()),
                (kind, pause),
                "{dialect} {mode}: {error}"
            );
            let told = format!("{error} {error:?}");
            assert!(!told.contains("canary") && !told.contains("hush"), "{told}");
            assert!(!told.contains(&provider.url), "{told}");
            let terminal = matches!(kind, Quota | InvalidRequest | ContextLength | Auth);
            assert_eq!(error.is_terminal(), terminal, "{mode}");
        }
        let calls = provider.asked();
        let slow = calls
            .iter()
            .filter(|(_, body)| body["model"] == "500")
            .count();
        assert!(
            slow >= 1 && calls.len() % 16 == 0,
            "no call is made twice: {}",
            calls.len()
        );
    }
}

#[tokio::test]
async fn stream_that_does_not_end_as_it_should_is_never_a_short_answer() {
    use ModelErrorKind::{BadResponse, Overloaded, RateLimited, Timeout, Truncated};
    let provider = FakeProvider::start().await;
    for dialect in DIALECTS {
        for (mode, kind) in [
            ("cut", Truncated),
            ("cut-at-the-end", Truncated),
            ("mid-error", Overloaded),
            ("mid-nonsense", BadResponse),
            ("stall", Timeout),
            ("comments", Timeout),
            ("html", BadResponse),
            ("429-delay", RateLimited),
            ("slow", Timeout),
        ] {
            let error = stream(&target(&provider, dialect, mode)).await.unwrap_err();
            assert_eq!(error.kind(), kind, "{dialect} {mode}: {error}");
        }
    }
}

#[tokio::test]
async fn message_of_the_provider_goes_back_to_it_as_it_came() {
    let provider = FakeProvider::start().await;
    for dialect in DIALECTS {
        let to = target(&provider, dialect, "ok");
        let first = HttpModel::new().chat(&to, &question()).await.unwrap();
        let mut request = question();
        request
            .messages
            .push(Message::Assistant(first.message.clone()));
        request.messages.push(Message::user("Again."));
        HttpModel::new().chat(&to, &request).await.unwrap();
        let (_, body) = provider.asked().pop().unwrap();
        if dialect == "anthropic" {
            assert_eq!(
                body["messages"][1]["content"][0],
                json!({
                    "type": "thinking", "thinking": "hm", "signature": "s1",
                })
            );
        } else {
            assert_eq!(body["messages"][2]["mystery"], json!(1.0));
        }
        // The other dialect gets what it understands.
        let other = if dialect == "anthropic" {
            "compat"
        } else {
            "anthropic"
        };
        HttpModel::new()
            .chat(&target(&provider, other, "ok"), &request)
            .await
            .unwrap();
        let (_, body) = provider.asked().pop().unwrap();
        let text = body["messages"].to_string();
        assert!(
            text.contains("Hello, Ann.")
                && !text.contains("mystery")
                && !text.contains("signature"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn tools_and_their_results_are_told_in_each_dialect() {
    let provider = FakeProvider::start().await;
    for dialect in DIALECTS {
        let to = target(&provider, dialect, "tools");
        let mut request = ChatRequest {
            tools: vec![ToolSchema {
                name: "look".to_owned(),
                description: "Looks.".to_owned(),
                parameters: json!({"type": "object"}),
            }],
            output: Some(OutputSchema {
                name: "Answer".to_owned(),
                schema: json!({"type": "string"}),
            }),
            ..question()
        };
        let reply = HttpModel::new().chat(&to, &request).await.unwrap();
        assert_eq!(reply.finish, Finish::Tools);
        assert_eq!(reply.message.tool_calls[0].arguments, r#"{"at":"sea"}"#);
        request.messages.push(Message::Assistant(reply.message));
        request.messages.push(Message::Tools(vec![ToolResult {
            id: "t1".to_owned(),
            name: "look".to_owned(),
            content: "a gull".to_owned(),
            is_error: true,
        }]));
        HttpModel::new().chat(&to, &request).await.unwrap();
        let (_, body) = provider.asked().pop().unwrap();
        if dialect == "anthropic" {
            assert_eq!(body["tools"][0]["input_schema"], json!({"type": "object"}));
            assert_eq!(body["messages"][2]["content"][0]["is_error"], true);
            assert_eq!(body["messages"][2]["content"][0]["tool_use_id"], "t1");
            assert!(body["system"].as_str().unwrap().contains("JSON Schema"));
        } else {
            assert_eq!(body["tools"][0]["function"]["description"], "Looks.");
            assert_eq!(
                body["messages"][3],
                json!({"role": "tool", "tool_call_id": "t1", "content": "a gull"})
            );
            assert_eq!(body["response_format"]["json_schema"]["name"], "Answer");
        }
    }
}

#[tokio::test]
async fn provider_that_is_not_there_and_missing_keys_are_told_apart() {
    let params = InferenceParams::new()
        .api_base("http://127.0.0.1:9")
        .unwrap();
    let to = CallTarget::new("ollama/x".parse().unwrap(), params.clone()).unwrap();
    let error = HttpModel::new().chat(&to, &question()).await.unwrap_err();
    assert_eq!(error.kind(), ModelErrorKind::Connect);
    assert!(!error.is_terminal());
    // A client for TLS is made without a provider of the process.
    let secure = InferenceParams::new()
        .api_base("https://127.0.0.1:9")
        .unwrap();
    let to = CallTarget::new("ollama/x".parse().unwrap(), secure).unwrap();
    let error = HttpModel::new().chat(&to, &question()).await.unwrap_err();
    assert_eq!(error.kind(), ModelErrorKind::Connect);
    let to = CallTarget::new("gpt-4o".parse().unwrap(), params).unwrap();
    let error = HttpModel::new().chat(&to, &question()).await.unwrap_err();
    assert_eq!(error.kind(), ModelErrorKind::Auth);
    assert!(error.to_string().contains("api_key"), "{error}");
}
