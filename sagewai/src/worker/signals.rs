//! The signals that ask a process to end.

use crate::error::Error;

/// Waits for the next SIGTERM or SIGINT (Ctrl-C, where there are no signals).
pub(crate) struct EndSignals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl EndSignals {
    /// Listens from now on.
    pub(crate) fn listen() -> Result<EndSignals, Error> {
        EndSignals::try_listen().map_err(|error| Error::Worker {
            reason: format!("signals cannot be listened for: {error}"),
        })
    }

    fn try_listen() -> std::io::Result<EndSignals> {
        Ok(EndSignals {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?,
        })
    }

    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
