//! The dialect of Anthropic's messages.

mod reply;
mod request;
mod stream;

use super::CallTarget;
use super::http::{Assembler, Broken, Wire};
use crate::agent::chat::{ChatReply, ChatRequest};

/// The dialect.
pub(super) struct Anthropic;

impl Wire for Anthropic {
    fn path(&self) -> &'static str {
        "messages"
    }

    fn key_header(&self, _: &CallTarget) -> (&'static str, &'static str) {
        ("x-api-key", "")
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[("anthropic-version", "2023-06-01")]
    }

    fn body(
        &self,
        to: &CallTarget,
        request: &ChatRequest,
        stream: bool,
    ) -> Result<Vec<u8>, serde_json::Error> {
        request::body(to, request, stream)
    }

    fn read(&self, body: &[u8]) -> Result<ChatReply, Broken> {
        reply::read(body)
    }

    fn assembler(&self) -> Box<dyn Assembler> {
        Box::new(stream::Answer::default())
    }
}
