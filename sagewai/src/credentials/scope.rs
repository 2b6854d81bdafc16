//! Whose credentials the code of a step sees.

use std::sync::Arc;

use super::WorkerCredentials;

tokio::task_local! {
    static CURRENT: Arc<WorkerCredentials>;
}

/// The credentials of the worker that executes this step; none outside a step, and where the worker has none. They are
/// seen under `join!` and in tasks of [`sagewai::spawn`](crate::spawn) as well, and not in those of `tokio::spawn`.
///
/// ```
/// # use sagewai::prelude::*;
/// #[step]
/// async fn summarize(text: &str) -> Result<String> {
///     let credentials = sagewai::worker_credentials();
///     let model = credentials.as_ref().and_then(|c| c.model("default")).unwrap_or("gpt-4o");
///     Ok(format!("{model} on {} bytes", text.len()))
/// }
/// ```
#[doc(alias = "get_worker_credentials")]
pub fn worker_credentials() -> Option<Arc<WorkerCredentials>> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Does something under these credentials, as a worker does with each step: for tests of steps, and for calls outside a
/// workflow. They take the place of those around it, whole; merge them with
/// [`overridden_by`](WorkerCredentials::overridden_by) where they shall not.
///
/// ```
/// # use sagewai::{WorkerCredentials, with_worker_credentials, worker_credentials};
/// # async fn doc() -> Result<(), sagewai::WrongCredentials> {
/// let local = WorkerCredentials::new().model_override("default", "ollama/llama3.2")?;
/// with_worker_credentials(local, async {
///     assert!(worker_credentials().is_some());
/// })
/// .await;
/// assert!(worker_credentials().is_none());
/// # Ok(()) }
/// ```
pub async fn with_worker_credentials<F: Future>(
    credentials: impl Into<Arc<WorkerCredentials>>,
    body: F,
) -> F::Output {
    CURRENT.scope(credentials.into(), body).await
}
