//! A provider over real HTTP that speaks both dialects and fails on demand: the name of the model says how.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What it was asked: the head, in lower case, and the body.
pub type Asked = (String, Value);

/// A provider that lives as long as the test.
pub struct FakeProvider {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl FakeProvider {
    pub async fn start() -> FakeProvider {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let noted = asked.clone();
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((connection, _)) = listener.accept().await {
                connections.spawn(serve(connection, noted.clone()));
            }
        });
        FakeProvider { url, asked, task }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(mut connection: TcpStream, asked: Arc<Mutex<Vec<Asked>>>) {
    let Some((head, body)) = request(&mut connection).await else {
        return;
    };
    asked.lock().unwrap().push((head.clone(), body.clone()));
    let is_anthropic = head.contains(" /v1/messages ");
    let mode = body["model"].as_str().unwrap_or_default().to_owned();
    let streams = body["stream"] == true;
    let answer = match mode.as_str() {
        "429" => plain(
            429,
            "",
            &error(is_anthropic, "rate_limit_error", "slow down"),
        ),
        "429-delay" => plain(
            429,
            "retry-after: 7\r\n",
            &error(is_anthropic, "x", "slow down"),
        ),
        "429-ms" => plain(429, "retry-after-ms: 1500\r\n", "{}"),
        "quota" => plain(429, "", &error(is_anthropic, "insufficient_quota", "pay")),
        "400" => plain(400, "", &error(is_anthropic, "invalid_request_error", "no")),
        "context" => plain(
            400,
            "",
            &error(is_anthropic, "context_length_exceeded", "long"),
        ),
        "401" => plain(
            401,
            "",
            &error(is_anthropic, "authentication_error", "key sk-canary"),
        ),
        "500" => plain(500, "x-request-id: req-1\r\n", "oops"),
        "529" => plain(529, "", &error(is_anthropic, "overloaded_error", "busy")),
        "redirect" => plain(307, "location: http://127.0.0.1:9/\r\n", ""),
        "html" => text(200, "text/html", "", "<html>sign in</html>"),
        "malformed" => plain(200, "", r#"{"choices": [{"#),
        "wrong-schema" => plain(200, "", r#"{"answer": "what was asked: hush-hush"}"#),
        "error-200" => plain(200, "", &error(is_anthropic, "overloaded_error", "busy")),
        // The head promises more than comes.
        "cut" if !streams => {
            let whole = plain(200, "", &whole(is_anthropic));
            whole[..whole.len() - 20].to_owned()
        }
        "slow" => {
            tokio::time::sleep(std::time::Duration::from_mins(1)).await;
            String::new()
        }
        mode if streams => {
            let (events, rest) = stream(is_anthropic, mode);
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
            let _ = connection
                .write_all(format!("{head}{events}").as_bytes())
                .await;
            // It is still there, and says nothing.
            while mode == "comments" && connection.write_all(b": busy\n\n").await.is_ok() {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            if mode == "stall" {
                tokio::time::sleep(std::time::Duration::from_mins(1)).await;
            }
            rest
        }
        "tools" => plain(200, "", &tools(is_anthropic)),
        _ => plain(200, "x-request-id: req-7\r\n", &whole(is_anthropic)),
    };
    // Whoever asked may have gone.
    let _ = connection.write_all(answer.as_bytes()).await;
    let _ = connection.shutdown().await;
}

async fn request(connection: &mut TcpStream) -> Option<Asked> {
    let mut read = Vec::new();
    let end = loop {
        let mut part = [0; 4096];
        let n = connection.read(&mut part).await.ok().filter(|n| *n > 0)?;
        read.extend_from_slice(&part[..n]);
        if let Some(end) = read.windows(4).position(|w| w == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)?
        .split("\r\n")
        .next()?;
    let length: usize = length.parse().ok()?;
    while read.len() < end + length {
        let mut part = [0; 4096];
        let n = connection.read(&mut part).await.ok().filter(|n| *n > 0)?;
        read.extend_from_slice(&part[..n]);
    }
    Some((head, serde_json::from_slice(&read[end..]).ok()?))
}

fn plain(status: u16, headers: &str, body: &str) -> String {
    text(status, "application/json", headers, body)
}

fn text(status: u16, kind: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn error(is_anthropic: bool, word: &str, message: &str) -> String {
    let error = if is_anthropic {
        json!({"type": "error", "error": {"type": word, "message": message}})
    } else {
        json!({"error": {"type": word, "code": word, "message": message}})
    };
    error.to_string()
}

/// Fields that no client knows must come back with the next turn.
fn whole(is_anthropic: bool) -> String {
    let answer = if is_anthropic {
        json!({
            "model": "c-1", "stop_reason": "end_turn", "role": "assistant", "type": "message",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s1"},
                {"type": "text", "text": "Hello, Ann."},
            ],
            "usage": {"input_tokens": 7, "output_tokens": 5, "cache_read_input_tokens": 2,
                "cache_creation_input_tokens": 1},
        })
    } else {
        json!({
            "model": "c-1",
            "choices": [{"finish_reason": "stop", "message": {
                "role": "assistant", "content": "Hello, Ann.", "mystery": 1.0,
            }}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3}},
        })
    };
    answer.to_string()
}

fn tools(is_anthropic: bool) -> String {
    let answer = if is_anthropic {
        json!({
            "model": "c-1", "stop_reason": "tool_use",
            "content": [{"type": "tool_use", "id": "t1", "name": "look", "input": {"at": "sea"}}],
        })
    } else {
        json!({
            "model": "c-1",
            "choices": [{"finish_reason": "tool_calls", "message": {
                "role": "assistant", "content": null,
                "tool_calls": [{"id": "t1", "type": "function",
                    "function": {"name": "look", "arguments": "{\"at\":\"sea\"}"}}],
            }}],
        })
    };
    answer.to_string()
}

/// The events of an answer, and what comes after a pause.
fn stream(is_anthropic: bool, mode: &str) -> (String, String) {
    let event = |value: Value| format!("data: {value}\n\n");
    let (mut events, end) = if is_anthropic {
        let events = vec![
            event(json!({"type": "message_start", "message": {"model": "c-1",
                "usage": {"input_tokens": 7, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1,
                    "output_tokens": 1}}})),
            event(json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": ""}})),
            "event: ping\ndata: {\"type\": \"ping\"}\n\n".to_owned(),
            event(json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "Hello, "}})),
            event(json!({"type": "content_block_delta", "index": 0,
                "delta": {"type": "text_delta", "text": "Ann."}})),
            event(json!({"type": "content_block_start", "index": 1,
                "content_block": {"type": "tool_use", "id": "t1", "name": "look", "input": {}}})),
            event(json!({"type": "content_block_delta", "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": "{\"at\":"}})),
            event(json!({"type": "content_block_delta", "index": 1,
                "delta": {"type": "input_json_delta", "partial_json": "\"sea\"}"}})),
            event(
                json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"},
                "usage": {"output_tokens": 5}}),
            ),
        ];
        (events, event(json!({"type": "message_stop"})))
    } else {
        let call = |function: Value| {
            event(json!({"choices": [{"delta": {"tool_calls": [
                {"index": 0, "id": "t1", "function": function}]}}]}))
        };
        let events = vec![
            event(
                json!({"model": "c-1", "choices": [{"delta": {"role": "assistant", "content": ""}}]}),
            ),
            event(json!({"choices": [{"delta": {"content": "Hello, "}}]})),
            event(json!({"choices": [{"delta": {"content": "Ann."}}]})),
            call(json!({"name": "look", "arguments": "{\"at\":"})),
            call(json!({"arguments": "\"sea\"}"})),
            event(json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]})),
            event(json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}})),
        ];
        (events, "data: [DONE]\n\n".to_owned())
    };
    match mode {
        "cut" => (events[..4].concat(), String::new()),
        "cut-at-the-end" => (events.concat(), String::new()),
        "mid-error" => {
            let fault = format!(
                "data: {}\n\n",
                error(is_anthropic, "overloaded_error", "busy")
            );
            events.truncate(4);
            (events.concat() + &fault, String::new())
        }
        "mid-nonsense" => (events[..3].concat() + "data: {oops\n\n", String::new()),
        "stall" | "comments" => (events[..3].concat(), String::new()),
        _ => (events.concat() + &end, String::new()),
    }
}
