//! The dialect of `OpenAI`'s chat completions, which most servers speak.

mod reply;
mod request;
mod stream;

use super::CallTarget;
use super::http::{Assembler, Broken, Wire};
use crate::agent::chat::{ChatReply, ChatRequest};

/// The dialect.
pub(super) struct OpenAi;

impl Wire for OpenAi {
    fn path(&self) -> &'static str {
        "chat/completions"
    }

    fn key_header(&self, to: &CallTarget) -> (&'static str, &'static str) {
        match to.model().provider().as_str() {
            "azure" => ("api-key", ""),
            _ => ("authorization", "Bearer "),
        }
    }

    fn headers(&self) -> &'static [(&'static str, &'static str)] {
        &[]
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
