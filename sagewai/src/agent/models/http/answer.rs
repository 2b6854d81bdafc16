//! Bytes on their way: within a size, within a time.

use std::time::Duration;

use reqwest::Response;

use crate::agent::models::CallTarget;
use crate::error::{ModelError, ModelErrorKind};

/// The longest whole answer, and the longest stream.
pub(super) const ANSWER_BYTES_MAX: usize = 16 << 20;
/// As much of a refusal is looked at.
pub(super) const REFUSAL_BYTES_MAX: usize = 64 << 10;

/// The whole body. One that is too long or breaks off is an error.
pub(super) async fn whole(mut response: Response, to: &CallTarget) -> Result<Vec<u8>, ModelError> {
    let mut body = Vec::new();
    while let Some(chunk) = chunk(&mut response, to).await? {
        grown(body.len() + chunk.len(), to)?;
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The beginning of a body; what cannot be read of it is left out.
pub(super) async fn beginning(mut response: Response) -> Vec<u8> {
    let mut body = Vec::new();
    // A refusal is told by its status as well, so that a broken body changes nothing.
    while let Ok(Some(chunk)) = response.chunk().await {
        let room = REFUSAL_BYTES_MAX - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if body.len() == REFUSAL_BYTES_MAX {
            break;
        }
    }
    body
}

/// The next bytes.
pub(super) async fn chunk(
    response: &mut Response,
    to: &CallTarget,
) -> Result<Option<Vec<u8>>, ModelError> {
    match response.chunk().await {
        Ok(chunk) => Ok(chunk.map(|chunk| chunk.to_vec())),
        // The connection was closed, or the coding of the body is broken.
        Err(_) => Err(to.error(ModelErrorKind::Truncated, "the connection broke off")),
    }
}

/// Whether so many bytes are still taken.
pub(super) fn grown(bytes: usize, to: &CallTarget) -> Result<(), ModelError> {
    if bytes <= ANSWER_BYTES_MAX {
        return Ok(());
    }
    let message = format!("it is longer than {ANSWER_BYTES_MAX} bytes");
    Err(to.error(ModelErrorKind::BadResponse, message))
}

/// The same in time, or an error that says so.
pub(super) async fn within<T>(
    limit: Duration,
    to: &CallTarget,
    work: impl Future<Output = Result<T, ModelError>>,
) -> Result<T, ModelError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(to.error(
            ModelErrorKind::Timeout,
            format!("it took longer than {limit:?}"),
        )),
    }
}
