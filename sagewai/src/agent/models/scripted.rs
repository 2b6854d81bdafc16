//! A model that says what it was told to say: for tests, and for programs that run offline.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::{CallTarget, ChatModel};
use crate::agent::chat::{AssistantMessage, ChatReply, ChatRequest, Finish, ToolCall};
use crate::error::{ModelError, ModelErrorKind};
use crate::workflow::spec::BoxFuture;

type Answer = dyn Fn(&ChatRequest) -> Result<ChatReply, ModelError> + Send + Sync;

/// A model that says what it was told to say.
///
/// Its script is a list of answers, one for each call, or a function of the request. In a workflow take the function: a
/// replay does not make the calls again that are committed, and another process would begin the list anew.
///
/// ```
/// use sagewai::agent::{ScriptedModel, UniversalAgent};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> sagewai::Result<()> {
/// let model = ScriptedModel::saying(["It is a tide.", "It is another one."]);
/// let agent = UniversalAgent::builder("guide").scripted(model).build()?;
/// assert_eq!(agent.chat("What is that?").await?.text(), "It is a tide.");
/// assert_eq!(agent.chat("And that?").await?.text(), "It is another one.");
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct ScriptedModel {
    answer: Arc<Answer>,
    asked: Arc<Mutex<Vec<ChatRequest>>>,
}

impl ScriptedModel {
    /// A model whose answers follow from the request.
    pub fn new(
        answer: impl Fn(&ChatRequest) -> Result<ChatReply, ModelError> + Send + Sync + 'static,
    ) -> ScriptedModel {
        ScriptedModel {
            answer: Arc::new(answer),
            asked: Arc::default(),
        }
    }

    /// A model that gives these answers, one after the other, and fails when it is asked once more.
    pub fn answering(
        answers: impl IntoIterator<Item = Result<ChatReply, ModelError>>,
    ) -> ScriptedModel {
        let answers: VecDeque<_> = answers.into_iter().collect();
        let answers = Mutex::new(answers);
        ScriptedModel::new(move |_| {
            let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
            answers.pop_front().unwrap_or_else(|| {
                let kind = ModelErrorKind::InvalidRequest;
                Err(ModelError::new(kind, "scripted", "its script is over"))
            })
        })
    }

    /// A model that says these texts, one after the other.
    pub fn saying<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> ScriptedModel {
        ScriptedModel::answering(texts.into_iter().map(|text| Ok(ChatReply::text(text))))
    }

    /// What it was asked so far, in order.
    pub fn asked(&self) -> Vec<ChatRequest> {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clone()
    }
}

impl ChatReply {
    /// An answer that asks for tools: their names, and their arguments as JSON.
    pub fn tools<'a>(calls: impl IntoIterator<Item = (&'a str, serde_json::Value)>) -> ChatReply {
        let calls = calls.into_iter().enumerate();
        let tool_calls = calls.map(|(n, (name, arguments))| ToolCall {
            id: format!("call_{n}"),
            name: name.to_owned(),
            arguments: arguments.to_string(),
        });
        ChatReply {
            message: AssistantMessage {
                tool_calls: tool_calls.collect(),
                ..AssistantMessage::default()
            },
            finish: Finish::Tools,
            ..ChatReply::text("")
        }
    }
}

impl ChatModel for ScriptedModel {
    fn chat<'a>(
        &'a self,
        _: &'a CallTarget,
        request: &'a ChatRequest,
    ) -> BoxFuture<'a, Result<ChatReply, ModelError>> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push(request.clone());
        drop(asked);
        Box::pin(async move { (self.answer)(request) })
    }
}

impl fmt::Debug for ScriptedModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedModel")
    }
}
