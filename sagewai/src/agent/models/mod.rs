//! Models: how they are named, where they are reached, and what is asked of them.

mod anthropic;
mod http;
mod name;
mod openai;
mod prices;
mod recorded;
mod scripted;
mod target;

use std::fmt;

use futures_util::stream;

pub use self::http::HttpModel;
pub use self::name::{ModelName, Provider};
pub use self::prices::{Cost, Price, Prices};
pub use self::recorded::RecordedModel;
pub use self::scripted::ScriptedModel;
pub use self::target::CallTarget;
pub(crate) use self::target::{Declared, resolve};
use crate::agent::chat::{ChatDelta, ChatReply, ChatRequest, ReplyStream};
use crate::error::ModelError;
use crate::workflow::spec::BoxFuture;

/// What answers calls: providers over HTTP, a script, a recording, or something of your own.
///
/// A call is one attempt. What comes of a failure, and when the next attempt is, is for the step to say that makes the
/// call; so an implementation neither retries nor waits.
pub trait ChatModel: Send + Sync + fmt::Debug + 'static {
    /// Asks, and waits for the whole answer.
    fn chat<'a>(
        &'a self,
        to: &'a CallTarget,
        request: &'a ChatRequest,
    ) -> BoxFuture<'a, Result<ChatReply, ModelError>>;

    /// Asks, and gives the answer as it comes. By default it comes all at once.
    fn stream<'a>(
        &'a self,
        to: &'a CallTarget,
        request: &'a ChatRequest,
    ) -> BoxFuture<'a, Result<ReplyStream, ModelError>> {
        Box::pin(async move {
            let reply = self.chat(to, request).await?;
            let text = ChatDelta::Text(reply.message.text.clone());
            let items = [text, ChatDelta::Done(Box::new(reply))];
            Ok(Box::pin(stream::iter(items.map(Ok))) as ReplyStream)
        })
    }

    /// Whether it reaches providers by their address and needs a key where they do.
    fn is_remote(&self) -> bool {
        false
    }
}
