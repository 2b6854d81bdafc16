//! Calls as files: recorded once with a real model, replayed ever after.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{CallTarget, ChatModel};
use crate::agent::chat::{ChatReply, ChatRequest};
use crate::agent::digest::name_of;
use crate::error::{ModelError, ModelErrorKind};
use crate::workflow::spec::BoxFuture;

/// A model that gives recorded answers: one file for each question, named by a digest of the model and the whole
/// request. A question that has no file fails, or is asked of another model and recorded. The files hold no keys; they
/// hold what was asked.
#[derive(Debug, Clone)]
pub struct RecordedModel {
    folder: PathBuf,
    ask: Option<Arc<dyn ChatModel>>,
}

/// One file.
#[derive(Serialize, Deserialize)]
struct Recording {
    model: String,
    request: ChatRequest,
    reply: ChatReply,
}

impl RecordedModel {
    /// Replays what is in this folder.
    pub fn replay(folder: impl Into<PathBuf>) -> RecordedModel {
        RecordedModel {
            folder: folder.into(),
            ask: None,
        }
    }

    /// Replays what is in this folder, and records there what it has to ask of `model`.
    pub fn record(folder: impl Into<PathBuf>, model: impl ChatModel) -> RecordedModel {
        RecordedModel {
            folder: folder.into(),
            ask: Some(Arc::new(model)),
        }
    }

    async fn answer(
        &self,
        to: &CallTarget,
        request: &ChatRequest,
    ) -> Result<ChatReply, ModelError> {
        let path = self.folder.join(format!("{}.json", name(to, request)));
        match tokio::task::spawn_blocking({
            let path = path.clone();
            move || std::fs::read(path)
        })
        .await
        {
            Ok(Ok(bytes)) => {
                let recording: Result<Recording, _> = serde_json::from_slice(&bytes);
                return recording
                    .map(|recording| recording.reply)
                    .map_err(|error| failed(to, &path, &error));
            }
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => {}
            Ok(Err(error)) => return Err(failed(to, &path, &error)),
            Err(error) => return Err(failed(to, &path, &error)),
        }
        let Some(model) = &self.ask else {
            let message = format!("there is no recording {}", path.display());
            return Err(to.error(ModelErrorKind::InvalidRequest, message));
        };
        let reply = model.chat(to, request).await?;
        let recording = Recording {
            model: to.model().to_string(),
            request: request.clone(),
            reply: reply.clone(),
        };
        let text = serde_json::to_vec_pretty(&recording).map_err(|e| failed(to, &path, &e))?;
        let written = path.clone();
        tokio::task::spawn_blocking(move || write(&written, &text))
            .await
            .map_err(|error| failed(to, &path, &error))?
            .map_err(|error| failed(to, &path, &error))?;
        Ok(reply)
    }
}

/// Writes beside, and then in place: a recording is whole or not there.
fn write(path: &Path, text: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension("part");
    std::fs::write(&beside, text)?;
    std::fs::rename(beside, path)
}

/// Stands for the model and the whole request.
fn name(to: &CallTarget, request: &ChatRequest) -> String {
    // A request is made of texts, numbers and JSON: nothing in it that JSON cannot hold.
    let request = serde_json::to_string(request).unwrap_or_default();
    name_of(&[&to.model().to_string(), &request], 12)
}

fn failed(to: &CallTarget, path: &Path, error: &dyn std::fmt::Display) -> ModelError {
    let message = format!("its recording {}: {error}", path.display());
    to.error(ModelErrorKind::InvalidRequest, message)
}

impl ChatModel for RecordedModel {
    fn chat<'a>(
        &'a self,
        to: &'a CallTarget,
        request: &'a ChatRequest,
    ) -> BoxFuture<'a, Result<ChatReply, ModelError>> {
        Box::pin(self.answer(to, request))
    }

    fn is_remote(&self) -> bool {
        self.ask.as_ref().is_some_and(|model| model.is_remote())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::ScriptedModel;
    use crate::credentials::InferenceParams;

    #[tokio::test]
    async fn what_was_recorded_is_given_again_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let to = CallTarget::new("gpt-4o".parse().unwrap(), InferenceParams::new()).unwrap();
        let question = ChatRequest::new("a tide?");
        let script = ScriptedModel::saying(["yes"]);
        let recorder = RecordedModel::record(folder.path(), script.clone());
        let first = recorder.chat(&to, &question).await.unwrap();
        assert_eq!(recorder.chat(&to, &question).await.unwrap(), first);
        assert_eq!(script.asked().len(), 1);
        let replay = RecordedModel::replay(folder.path());
        assert_eq!(replay.chat(&to, &question).await.unwrap(), first);
        let error = replay.chat(&to, &ChatRequest::new("b?")).await.unwrap_err();
        assert!(
            error.to_string().contains("there is no recording"),
            "{error}"
        );
    }
}
