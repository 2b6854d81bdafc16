//! Tasks of a step.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;

use super::StepContext;
use crate::credentials::{with_worker_credentials, worker_credentials};

/// Begins a task that sees what the step sees: [`StepContext::current`], and
/// [`worker_credentials`](crate::worker_credentials). A task of `tokio::spawn` sees neither.
///
/// The task belongs to the step: it is aborted when what this returns is dropped, so that nothing of a step goes on
/// when its time is over or its run was taken away.
///
/// ```
/// # use sagewai::prelude::*;
/// #[step]
/// async fn crawl(pages: Vec<String>) -> Result<usize> {
///     let tasks: Vec<_> = pages.into_iter().map(|p| sagewai::spawn(async move { p.len() })).collect();
///     let mut bytes = 0;
///     for task in tasks {
///         bytes += task.await?;
///     }
///     Ok(bytes)
/// }
/// ```
///
/// # Panics
/// Outside a tokio runtime.
pub fn spawn<F>(body: F) -> Spawned<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let context = StepContext::current();
    let credentials = worker_credentials();
    let body = async move {
        match credentials {
            Some(credentials) => with_worker_credentials(credentials, body).await,
            None => body.await,
        }
    };
    let task = tokio::spawn(async move {
        match context {
            Some(context) => context.scope(body).await,
            None => body.await,
        }
    });
    Spawned(AbortOnDropHandle::new(task))
}

/// A task of [`spawn`]; awaited, it gives what the task returned, or that it panicked.
#[must_use = "a task is aborted when this is dropped"]
pub struct Spawned<T>(AbortOnDropHandle<T>);

impl<T> Future for Spawned<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl<T> fmt::Debug for Spawned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spawned(..)")
    }
}
