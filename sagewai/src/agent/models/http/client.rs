//! The client: one request, one answer, no second try.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, redirect};
use rustls::{ClientConfig, RootCertStore};

use super::answer::{beginning, whole, within};
use super::retry_after::retry_after;
use super::streamed::streamed;
use super::{Broken, ProviderFault, Wire};
use crate::agent::chat::{ChatReply, ChatRequest, Dialect, ReplyStream};
use crate::agent::models::{CallTarget, ChatModel, anthropic, openai};
use crate::error::{ModelError, ModelErrorKind};
use crate::workflow::spec::BoxFuture;

/// The longest time for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// Models of providers, over HTTP in the two dialects. Cloned, it shares its connections.
///
/// Connections to the machine itself are never made through a proxy. Redirects are not followed, so that a key goes
/// nowhere else.
#[derive(Clone, Default)]
pub struct HttpModel(Arc<Clients>);

/// Made when they are first needed: an agent that a replay describes and does not ask costs nothing.
#[derive(Default)]
struct Clients {
    near: OnceLock<Client>,
    far: OnceLock<Client>,
}

impl HttpModel {
    /// A client without connections.
    pub fn new() -> HttpModel {
        HttpModel::default()
    }

    fn client(&self, to: &CallTarget, host: Option<&str>) -> Result<&Client, ModelError> {
        let is_near = matches!(host, Some("localhost" | "127.0.0.1" | "[::1]"));
        let cell = if is_near { &self.0.near } else { &self.0.far };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = build(is_near)
            .map_err(|why| to.error(ModelErrorKind::Connect, format!("no client: {why}")))?;
        Ok(cell.get_or_init(|| client))
    }

    /// Sends, and gives the answer unless it is a refusal.
    async fn send(
        &self,
        to: &CallTarget,
        request: &ChatRequest,
        stream: bool,
    ) -> Result<Response, ModelError> {
        let wire = wire(to);
        if to.model().provider().needs_key() && to.key().is_none() {
            let message = "there is no key for it; give the agent or the worker an `api_key`";
            return Err(to.error(ModelErrorKind::Auth, message));
        }
        let url = to.url(wire.path()).ok_or_else(|| {
            let message = "it has no address; a scripted model is given with `.scripted(..)`";
            to.error(ModelErrorKind::InvalidRequest, message)
        })?;
        let body = wire.body(to, request, stream).map_err(|error| {
            to.error(
                ModelErrorKind::InvalidRequest,
                format!("not written: {error}"),
            )
        })?;
        let sent = self
            .client(to, url.host_str())?
            .post(url)
            .headers(headers(wire, to, stream)?)
            .body(body)
            .send()
            .await;
        let response = sent.map_err(|error| unsent(to, &error.without_url()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let pause = retry_after(response.headers(), SystemTime::now());
        let id = request_id(response.headers());
        let fault = ProviderFault::read(&beginning(response).await).unwrap_or_default();
        let mut error = fault.into_error(Some(status), to, request);
        if let Some(pause) = pause {
            error = error.with_retry_after(pause);
        }
        Err(match id {
            Some(id) => error.with_request_id(id),
            None => error,
        })
    }

    async fn ask(&self, to: &CallTarget, request: &ChatRequest) -> Result<ChatReply, ModelError> {
        let response = self.send(to, request, false).await?;
        let id = request_id(response.headers());
        let kind = media_type(response.headers());
        let body = whole(response, to).await?;
        let read = wire(to).read(&body);
        let mut reply = read.map_err(|broken| match broken {
            Broken::Fault(fault) => fault.into_error(None, to, request),
            Broken::Unreadable(why) => {
                let message = format!("{}; {} bytes of {kind}", why.0, body.len());
                to.error(ModelErrorKind::BadResponse, message)
            }
        })?;
        reply.request_id = id;
        Ok(reply)
    }
}

impl ChatModel for HttpModel {
    fn chat<'a>(
        &'a self,
        to: &'a CallTarget,
        request: &'a ChatRequest,
    ) -> BoxFuture<'a, Result<ChatReply, ModelError>> {
        Box::pin(within(to.timeout(), to, self.ask(to, request)))
    }

    fn stream<'a>(
        &'a self,
        to: &'a CallTarget,
        request: &'a ChatRequest,
    ) -> BoxFuture<'a, Result<ReplyStream, ModelError>> {
        Box::pin(async move {
            let opened = self.send(to, request, true);
            let response = within(to.idle_timeout(), to, opened).await?;
            let id = request_id(response.headers());
            let kind = media_type(response.headers());
            if kind != "text/event-stream" {
                let message = format!("it is {kind} and no stream");
                return Err(to.error(ModelErrorKind::BadResponse, message));
            }
            Ok(streamed(
                response,
                wire(to).assembler(),
                to.clone(),
                request.clone(),
                id,
            ))
        })
    }

    fn is_remote(&self) -> bool {
        true
    }
}

impl fmt::Debug for HttpModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HttpModel")
    }
}

fn wire(to: &CallTarget) -> &'static dyn Wire {
    match to.dialect() {
        Dialect::OpenAi => &openai::OpenAi,
        Dialect::Anthropic => &anthropic::Anthropic,
    }
}

/// With a TLS provider of its own: the process may have another one, or none.
fn build(is_near: bool) -> Result<Client, Box<dyn std::error::Error>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let mut tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let mut client = Client::builder()
        .tls_backend_preconfigured(tls)
        .connect_timeout(CONNECT)
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("sagewai/", env!("CARGO_PKG_VERSION")));
    if is_near {
        client = client.no_proxy();
    }
    Ok(client.build()?)
}

fn headers(wire: &dyn Wire, to: &CallTarget, stream: bool) -> Result<HeaderMap, ModelError> {
    let mut headers = HeaderMap::new();
    let accept = if stream {
        "text/event-stream"
    } else {
        "application/json"
    };
    headers.insert(ACCEPT, HeaderValue::from_static(accept));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in wire.headers() {
        headers.insert(*name, HeaderValue::from_static(value));
    }
    let mut secret = |name: &str, value: String| {
        let wrong = || {
            let message = format!("its header `{name}` holds what no header can hold");
            to.error(ModelErrorKind::InvalidRequest, message)
        };
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(name, value);
        Ok(())
    };
    if let Some(key) = to.key() {
        let (name, before) = wire.key_header(to);
        secret(name, format!("{before}{}", key.expose()))?;
    }
    for (name, value) in to.params().get_headers() {
        secret(name, value.expose().to_owned())?;
    }
    Ok(headers)
}

fn unsent(to: &CallTarget, error: &reqwest::Error) -> ModelError {
    let (kind, message) = if error.is_timeout() {
        (ModelErrorKind::Timeout, "no connection in time")
    } else if error.is_connect() {
        (
            ModelErrorKind::Connect,
            "no connection; is it running, and is `api_base` right?",
        )
    } else if error.is_request() {
        (
            ModelErrorKind::Truncated,
            "the connection broke off before an answer",
        )
    } else {
        (ModelErrorKind::InvalidRequest, "the request cannot be made")
    };
    to.error(kind, message)
}

/// By which number the provider knows the request.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let names = ["x-request-id", "request-id"];
    let id = names.iter().find_map(|name| headers.get(*name))?;
    let is_id = |id: &&str| id.len() <= 100 && id.chars().all(|c| c.is_ascii_graphic());
    id.to_str().ok().filter(is_id).map(str::to_owned)
}

/// `text/html`, without what may follow it.
fn media_type(headers: &HeaderMap) -> String {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or("no named type");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.chars()
        .take(60)
        .collect::<String>()
        .to_ascii_lowercase()
}
