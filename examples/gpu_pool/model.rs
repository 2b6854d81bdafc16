//! A call of a language model over HTTP, and one that only pretends to be a model.

use sagewai::prelude::*;
use sagewai::{InferenceParams, Secret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Asks the model that these parameters lead to, in the dialect that most of them understand. A program in earnest would
/// leave this to an agent or to an HTTP client with TLS.
pub async fn complete(params: &InferenceParams, model: &str, question: &str) -> Result<String> {
    let address = params.get_api_base().unwrap_or_default();
    let Some(host) = address.strip_prefix("http://") else {
        let message = format!("this example asks over plain http, and not {address}");
        return Err(Failure::terminal(std::io::Error::other(message)));
    };
    let body = json!({
        "model": model,
        "temperature": params.get_temperature(),
        "messages": [{"role": "user", "content": question}],
    })
    .to_string();
    let key = params.get_api_key().map_or("", Secret::expose);
    let request = format!(
        "POST /v1/chat/completions HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    if !head.contains(" 200 ") {
        let status = head.lines().next().unwrap_or("nothing");
        return Err(std::io::Error::other(format!("the model answered {status}")).into());
    }
    let body: Value = serde_json::from_str(body)?;
    let text = body["choices"][0]["message"]["content"].as_str();
    Ok(text.unwrap_or_default().to_owned())
}

/// Pretends to be a model that wants this key; gives its address.
pub async fn pretend(name: &'static str, key: Option<&'static str>) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Err(failure) = reply(stream, name, key).await {
                    eprintln!("{name}: {failure}");
                }
            });
        }
    });
    Ok(address)
}

async fn reply(mut stream: TcpStream, name: &str, key: Option<&str>) -> Result<()> {
    let mut request = Vec::new();
    // The body is JSON, and the request is whole when that is.
    let (head, asked) = loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Err(std::io::Error::other("the request was cut").into());
        }
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && let Ok(asked) = serde_json::from_str::<Value>(body)
        {
            break (head.to_owned(), asked);
        }
    };
    let is_let_in = key.is_none_or(|key| head.contains(&format!("Bearer {key}\r\n")));
    let (status, body) = if is_let_in {
        let question = asked["messages"][0]["content"].as_str().unwrap_or_default();
        let said = match question.strip_prefix("shorter: ") {
            Some(draft) => draft.to_owned(),
            None => format!("{name}, asked as {}, on {question}", asked["model"]),
        };
        (
            "200 OK",
            json!({"choices": [{"message": {"content": said}}]}),
        )
    } else {
        ("401 Unauthorized", json!({"error": "who are you?"}))
    };
    let answer = format!("HTTP/1.0 {status}\r\nContent-Type: application/json\r\n\r\n{body}");
    stream.write_all(answer.as_bytes()).await?;
    Ok(())
}
