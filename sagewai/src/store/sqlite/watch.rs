//! Finds out that another process has written: SQLite tells nobody, so somebody has to look.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::writer::Writer;
use crate::store::Hints;

/// Between two looks, each of which reads a number from shared memory.
const INTERVAL: Duration = Duration::from_millis(25);

/// A task that looks while somebody listens to the hints. It ends with the store.
#[derive(Debug)]
pub(super) struct Watch {
    writer: Weak<Writer>,
    hints: Hints,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Watch {
    /// Nothing runs yet.
    pub(super) fn new(writer: &Arc<Writer>, hints: &Hints) -> Watch {
        Watch {
            writer: Arc::downgrade(writer),
            hints: hints.clone(),
            task: Mutex::default(),
        }
    }

    /// Starts the task where it does not run: at first, and after its runtime was shut down.
    pub(super) fn start(&self) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        // Whoever asks for hints outside a runtime cannot wait for one either.
        if let Ok(runtime) = Handle::try_current() {
            let looking = look(self.writer.clone(), self.hints.clone());
            *task = Some(runtime.spawn(looking));
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let task = self.task.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = task {
            task.abort();
        }
    }
}

/// The connection that writes for this process is the one that looks: to it, the number changes only when somebody
/// else has written, and what this process writes is told without a look.
async fn look(writer: Weak<Writer>, hints: Hints) {
    let mut seen = None;
    loop {
        tokio::time::sleep(INTERVAL).await;
        if !hints.is_watched() {
            continue;
        }
        let Some(writer) = writer.upgrade() else {
            return;
        };
        // Where the look fails, whoever waits has the net of their own poll, and the next write reports the reason.
        let looked = writer.data_version().await;
        hints.set_live(looked.is_ok());
        let Ok(version) = looked else {
            continue;
        };
        if version != seen {
            seen = version;
            hints.tell_all();
        }
    }
}
