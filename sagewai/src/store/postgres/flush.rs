//! A writer: takes a batch to the server in one statement, and tells what became of it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::arrays::{self, moves};
use super::news::Announcer;
use super::options::{STALE_AFTER, Server, timed_out};
use super::queues::Queues;
use crate::model::{Commit, Then, Verdict};
use crate::store::failure::{Failure, Kind};
use crate::store::group_commit::{Batch, Flush, Flushed, News};
use crate::store::{Hints, columns};

/// A statement that takes longer has met a server that no longer answers.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// How long one start or commit may keep its whole batch waiting. What others of us lock, they do for milliseconds; a
/// transaction of a caller that has started a run holds its id until it ends.
const LOCK_TIMEOUT: &str = "2s";

/// One writer: a connection of its own, made when it is needed.
#[derive(Debug)]
pub(super) struct PostgresFlush {
    server: Server,
    queues: Arc<Queues>,
    hints: Hints,
    announcer: Announcer,
    /// With the time of its last use.
    connection: Option<(PgConnection, Instant)>,
}

impl PostgresFlush {
    /// Makes writers that share what they know.
    pub(super) fn factory(
        server: Server,
        hints: Hints,
        announcer: Announcer,
    ) -> impl Fn() -> PostgresFlush + Send + Sync {
        let queues = Arc::<Queues>::default();
        move || PostgresFlush {
            server: server.clone(),
            queues: queues.clone(),
            hints: hints.clone(),
            announcer: announcer.clone(),
            connection: None,
        }
    }

    async fn connection(&mut self) -> Result<PgConnection, Failure> {
        if let Some((mut connection, used)) = self.connection.take()
            && (used.elapsed() < STALE_AFTER || connection.ping().await.is_ok())
        {
            return Ok(connection);
        }
        let mut connection = self.server.connect().await?;
        let limit = sqlx::query("SELECT set_config('lock_timeout', $1, false)")
            .bind(LOCK_TIMEOUT)
            .persistent(false);
        limit.execute(&mut connection).await?;
        Ok(connection)
    }
}

impl Flush for PostgresFlush {
    async fn flush(&mut self, batch: &Batch) -> Result<Flushed, Failure> {
        // A connection whose fate is not known, because of an error or because this was dropped, is not used again.
        let mut connection = self.connection().await?;
        let written = write(&mut connection, &self.queues, batch);
        let written = match tokio::time::timeout(FLUSH_TIMEOUT, written).await {
            Ok(written) => written.map_err(Failure::from),
            Err(_) => Err(timed_out("no answer within 30 s").into()),
        };
        if !matches!(&written, Err(failure) if failure.kind == Kind::Unavailable) {
            self.connection = Some((connection, Instant::now()));
        }
        written
    }

    fn announce(&self, news: News) {
        if news.work || news.due {
            self.announcer.work();
        }
        if !news.runs.is_empty() {
            self.announcer.runs();
        }
        news.tell(&self.hints);
    }
}

async fn write(
    connection: &mut PgConnection,
    queues: &Queues,
    batch: &Batch,
) -> Result<Flushed, sqlx::Error> {
    let mut queue_ids = Vec::with_capacity(batch.starts.len());
    for run in &batch.starts {
        queue_ids.push(queues.id(connection, columns::home(run)).await?);
    }
    let mut handed_over = HashMap::new();
    for commit in &batch.commits {
        if let Then::HandOver(queue) = &commit.then {
            let id = queues.id(connection, columns::queue(queue)).await?;
            handed_over.insert(commit.run, id);
        }
    }
    let row = arrays::statement(batch, queue_ids, &handed_over)
        .fetch_one(connection)
        .await?;
    let keys = |column: &str| -> Result<HashSet<Uuid>, sqlx::Error> {
        let keys: Option<Vec<Uuid>> = row.try_get(column)?;
        Ok(keys.unwrap_or_default().into_iter().collect())
    };
    let (created, kept) = (keys("created")?, keys("kept")?);
    let (moved, awake) = (keys("moved")?, keys("awake")?);
    let verdict = |commit: &Arc<Commit>| {
        let run = commit.run.uuid();
        let stored = if moves(commit).is_some() {
            moved.contains(&run)
        } else {
            kept.contains(&run)
        };
        stored.then(|| match commit.then {
            Then::Park(_) | Then::Pause { .. } if awake.contains(&run) => Verdict::Awake,
            _ => Verdict::Committed,
        })
    };
    Ok(Flushed {
        created: batch
            .starts
            .iter()
            .map(|run| created.contains(&run.id.key().uuid()))
            .collect(),
        verdicts: batch.commits.iter().map(verdict).collect(),
    })
}
