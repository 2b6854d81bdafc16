//! What a dialect must say for itself: how a request is written, and how answers are read.

use serde::Serialize;

use super::ProviderFault;
use crate::agent::chat::{ChatReply, ChatRequest};
use crate::agent::models::CallTarget;

/// An answer that is not what the dialect says, and why; never with a part of it.
#[derive(Debug)]
pub(in crate::agent::models) struct Unreadable(pub(in crate::agent::models) String);

impl From<serde_json::Error> for Unreadable {
    fn from(error: serde_json::Error) -> Unreadable {
        use serde_json::error::Category;
        // Its text may hold values; where and of which kind is enough.
        let what = match error.classify() {
            Category::Syntax => "is not JSON",
            Category::Eof => "is JSON that breaks off",
            Category::Data => "is JSON of another shape than this dialect has",
            Category::Io => "cannot be read",
        };
        let (line, column) = (error.line(), error.column());
        Unreadable(format!("it {what} (line {line}, column {column})"))
    }
}

/// Why a streamed answer cannot go on.
#[derive(Debug)]
pub(in crate::agent::models) enum Broken {
    Unreadable(Unreadable),
    /// The provider says that it failed.
    Fault(ProviderFault),
}

impl From<Unreadable> for Broken {
    fn from(unreadable: Unreadable) -> Broken {
        Broken::Unreadable(unreadable)
    }
}

impl From<serde_json::Error> for Broken {
    fn from(error: serde_json::Error) -> Broken {
        Broken::Unreadable(error.into())
    }
}

/// One way in which providers speak.
pub(in crate::agent::models) trait Wire: Sync {
    /// The operation, below the address.
    fn path(&self) -> &'static str;
    /// The header that carries the key, and what stands before it.
    fn key_header(&self, to: &CallTarget) -> (&'static str, &'static str);
    /// Headers that every request has.
    fn headers(&self) -> &'static [(&'static str, &'static str)];
    /// The body of a request.
    fn body(
        &self,
        to: &CallTarget,
        request: &ChatRequest,
        stream: bool,
    ) -> Result<Vec<u8>, serde_json::Error>;
    /// Reads a whole answer.
    fn read(&self, body: &[u8]) -> Result<ChatReply, Broken>;
    /// Puts a streamed answer together.
    fn assembler(&self) -> Box<dyn Assembler>;
}

/// Puts a streamed answer together.
pub(in crate::agent::models) trait Assembler: Send {
    /// Takes the data of the next event.
    fn take(&mut self, data: &str) -> Result<Piece, Broken>;
}

/// What an event brings.
#[derive(Debug)]
pub(in crate::agent::models) enum Piece {
    Nothing,
    Text(String),
    /// It was the last one.
    Done(Box<ChatReply>),
}

/// A body with the parameters beside it that only its provider understands.
#[derive(Serialize)]
pub(in crate::agent::models) struct WithExtra<'a, B> {
    #[serde(flatten)]
    pub(in crate::agent::models) body: B,
    #[serde(flatten)]
    pub(in crate::agent::models) extra: &'a serde_json::Map<String, serde_json::Value>,
}
