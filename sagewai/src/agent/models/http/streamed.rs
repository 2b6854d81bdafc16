//! An answer that comes in pieces. It is whole only when its provider has said so.

use std::pin::Pin;

use eventsource_stream::{EventStreamError, Eventsource};
use futures_util::{Stream, StreamExt, stream};
use reqwest::Response;
use tokio::time::Instant;

use super::answer::{chunk, grown, within};
use super::{Assembler, Broken, Piece};
use crate::agent::chat::{ChatDelta, ChatRequest, ReplyStream};
use crate::agent::models::CallTarget;
use crate::error::{ModelError, ModelErrorKind};

type Events = Pin<Box<dyn Stream<Item = Result<String, ModelError>> + Send>>;

struct Streamed {
    events: Events,
    assembler: Box<dyn Assembler>,
    to: CallTarget,
    /// What its provider must not repeat in an error.
    request: ChatRequest,
    request_id: Option<String>,
    /// What only says that it is still there does not count for ever.
    ends_at: Instant,
}

/// The pieces of an answer.
pub(super) fn streamed(
    response: Response,
    assembler: Box<dyn Assembler>,
    to: CallTarget,
    request: ChatRequest,
    request_id: Option<String>,
) -> ReplyStream {
    let streamed = Streamed {
        events: events(response, to.clone()),
        ends_at: Instant::now() + to.stream_timeout(),
        assembler,
        to,
        request,
        request_id,
    };
    let pieces = stream::unfold(Some(streamed), |streamed| async move {
        let mut streamed = streamed?;
        let piece = streamed.next().await;
        let goes_on = matches!(piece, Ok(ChatDelta::Text(_)));
        Some((piece, goes_on.then_some(streamed)))
    });
    Box::pin(pieces)
}

impl Streamed {
    async fn next(&mut self) -> Result<ChatDelta, ModelError> {
        loop {
            let left = self.ends_at.saturating_duration_since(Instant::now());
            let next = async { self.events.next().await.transpose() };
            let Some(data) = within(left, &self.to, next).await? else {
                let message = "the stream ended before the answer did";
                return Err(self.to.error(ModelErrorKind::Truncated, message));
            };
            match self.assembler.take(&data) {
                Ok(Piece::Nothing) => {}
                Ok(Piece::Text(text)) => return Ok(ChatDelta::Text(text)),
                Ok(Piece::Done(mut reply)) => {
                    reply.request_id = self.request_id.take();
                    return Ok(ChatDelta::Done(reply));
                }
                Err(Broken::Fault(fault)) => {
                    return Err(fault.into_error(None, &self.to, &self.request));
                }
                Err(Broken::Unreadable(why)) => {
                    return Err(self.to.error(ModelErrorKind::BadResponse, why.0));
                }
            }
        }
    }
}

/// The data of the events of a body.
fn events(response: Response, to: CallTarget) -> Events {
    let chunks = stream::unfold(
        (response, 0, to.clone()),
        |(mut response, read, to)| async move {
            let next = match within(to.idle_timeout(), &to, chunk(&mut response, &to)).await {
                Ok(None) => return None,
                Ok(Some(chunk)) => {
                    let read = read + chunk.len();
                    grown(read, &to).map(|()| (chunk, read))
                }
                Err(error) => Err(error),
            };
            Some(match next {
                Ok((chunk, read)) => (Ok(chunk), (response, read, to)),
                Err(error) => (Err(error), (response, read, to)),
            })
        },
    );
    let events = Box::pin(chunks)
        .eventsource()
        .map(move |event| match event {
            Ok(event) => Ok(event.data),
            Err(EventStreamError::Transport(error)) => Err(error),
            Err(_) => Err(to.error(ModelErrorKind::BadResponse, "it is no stream of events")),
        });
    Box::pin(events)
}
