//! Word between processes that something changed: `NOTIFY`, after the commit and without data.
//!
//! It goes over connections of its own. Inside of a commit it would let only one transaction at a time come to its
//! end, and on a pooled connection it would wait for others.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sqlx::postgres::{PgListener, PgNotification};
use sqlx::{PgConnection, PgPool};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::options::Server;
use crate::store::Hints;

/// The first word goes at once; after it, the next ones gather for so long.
const GAP: Duration = Duration::from_millis(4);
/// How long to wait before the server is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Tells other processes. Clones share the connection.
#[derive(Debug, Clone)]
pub(super) struct Announcer(Arc<Outgoing>);

#[derive(Debug)]
struct Outgoing {
    server: Server,
    pending: Arc<Pending>,
    task: Task,
}

#[derive(Debug, Default)]
struct Pending {
    work: AtomicBool,
    runs: AtomicBool,
    wish: AtomicBool,
    wake: Notify,
    /// The server's number for our connection: what comes from it we know already.
    own_pid: AtomicU32,
}

impl Announcer {
    pub(super) fn new(server: Server) -> Announcer {
        Announcer(Arc::new(Outgoing {
            server,
            pending: Arc::default(),
            task: Task::default(),
        }))
    }

    /// There is something to claim.
    pub(super) fn work(&self) {
        self.tell(&self.0.pending.work);
    }

    /// Runs ended or went to sleep.
    pub(super) fn runs(&self) {
        self.tell(&self.0.pending.runs);
    }

    /// People want something of a worker.
    pub(super) fn wish(&self) {
        self.tell(&self.0.pending.wish);
    }

    fn tell(&self, what: &AtomicBool) {
        what.store(true, Ordering::Release);
        self.0.pending.wake.notify_one();
        let (server, pending) = (&self.0.server, &self.0.pending);
        self.0
            .task
            .keep_running(|| announce(server.clone(), pending.clone()));
    }

    fn is_own(&self, notification: &PgNotification) -> bool {
        notification.process_id() == self.0.pending.own_pid.load(Ordering::Relaxed)
    }
}

/// Hears other processes, from the first time that somebody here wants to know.
#[derive(Debug)]
pub(super) struct Listener {
    server: Server,
    hints: Hints,
    announcer: Announcer,
    task: Task,
}

impl Listener {
    pub(super) fn new(server: Server, hints: Hints, announcer: Announcer) -> Listener {
        Listener {
            server,
            hints,
            announcer,
            task: Task::default(),
        }
    }

    /// Begins to listen, or goes on.
    pub(super) fn listen(&self) {
        self.task.keep_running(|| {
            listen(
                self.server.clone(),
                self.hints.clone(),
                self.announcer.clone(),
            )
        });
    }
}

/// A task that is started when it is needed and ends with its owner.
#[derive(Debug, Default)]
struct Task(Mutex<Option<AbortOnDropHandle<()>>>);

impl Task {
    fn keep_running<F>(&self, make: impl FnOnce() -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut task = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_some_and(|task| !task.is_finished()) {
            return;
        }
        // Outside of a runtime nobody can wait for a hint either.
        if let Ok(runtime) = Handle::try_current() {
            *task = Some(AbortOnDropHandle::new(runtime.spawn(make())));
        }
    }
}

/// The channel on which the stores of a schema hear of work.
pub(super) fn channel_of_work(schema: &str) -> String {
    format!("{schema}_work")
}

fn channel_of_runs(server: &Server) -> String {
    format!("{}_runs", server.schema)
}

fn channel_of_wishes(server: &Server) -> String {
    format!("{}_wish", server.schema)
}

async fn announce(server: Server, pending: Arc<Pending>) {
    let mut connection = None;
    loop {
        pending.wake.notified().await;
        let words = [
            (&pending.work, channel_of_work(&server.schema)),
            (&pending.runs, channel_of_runs(&server)),
            (&pending.wish, channel_of_wishes(&server)),
        ];
        let mut told = Ok(());
        for (flag, channel) in words {
            if flag.swap(false, Ordering::AcqRel) {
                let word = notify(&mut connection, &server, &pending, &channel).await;
                if word.is_err() {
                    // The server went away, with this word not said.
                    flag.store(true, Ordering::Release);
                    connection = None;
                }
                told = told.and(word);
            }
        }
        if let Err(error) = told {
            tracing::debug!(store = server.label, %error, "other processes could not be told");
            pending.wake.notify_one();
            tokio::time::sleep(PAUSE).await;
        }
        tokio::time::sleep(GAP).await;
    }
}

async fn notify(
    connection: &mut Option<PgConnection>,
    server: &Server,
    pending: &Pending,
    channel: &str,
) -> Result<(), crate::store::failure::Failure> {
    if connection.is_none() {
        let mut fresh = server.connect().await?;
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
            .fetch_one(&mut fresh)
            .await?;
        pending.own_pid.store(pid.unsigned_abs(), Ordering::Relaxed);
        *connection = Some(fresh);
    }
    if let Some(connection) = connection {
        sqlx::query("SELECT pg_notify($1, '')")
            .bind(channel)
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn listen(server: Server, hints: Hints, announcer: Announcer) {
    let pool = server.pool_to_listen();
    let (work, runs) = (channel_of_work(&server.schema), channel_of_runs(&server));
    let wish = channel_of_wishes(&server);
    loop {
        match hear(&pool, [&work, &runs, &wish], &hints, &announcer).await {
            Ok(never) => match never {},
            Err(error) => {
                hints.set_live(false);
                tracing::debug!(store = server.label, %error, "other processes cannot be heard");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Listens until the connection cannot be had any more.
async fn hear(
    pool: &PgPool,
    [work, runs, wish]: [&str; 3],
    hints: &Hints,
    announcer: &Announcer,
) -> Result<std::convert::Infallible, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all([work, runs, wish]).await?;
    // What was said before this, nobody heard.
    hints.set_live(true);
    hints.tell_all();
    loop {
        match listener.try_recv().await? {
            // The connection was lost, and is there again.
            None => hints.tell_all(),
            Some(word) if announcer.is_own(&word) => {}
            Some(word) if word.channel() == work => hints.tell_work(),
            Some(word) if word.channel() == wish => hints.tell_wish(),
            Some(_) => hints.tell_runs(),
        }
    }
}
