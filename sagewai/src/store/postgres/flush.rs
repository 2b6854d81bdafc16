//! The one statement that writes a batch.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection, Row};
use uuid::Uuid;

use super::arrays;
use super::news::Announcer;
use super::options::{STALE_AFTER, Server, timed_out};
use super::queues::Queues;
use crate::model::{Commit, Verdict};
use crate::store::Hints;
use crate::store::failure::{Failure, Kind};
use crate::store::group_commit::{Batch, Flush, Flushed, News};

/// A statement that takes longer has met a server that no longer answers.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(30);

/// Writes a batch: runs that start, and of each commit that the fence lets through all of its parts.
///
/// The fence is two looks. `alive` locks the row of each worker that writes, so that nobody can declare it dead
/// while this is on its way; who is declared dead stays so. And each row joins its run, by epoch and worker: a run
/// moves to another worker only when the one it has is dead. So a takeover sees either all of a commit, or its
/// writer is fenced; and the rows of runs, of which there are many, need no locks.
///
/// No state is empty. With `= 'running'` alone, the planner may find the index of runs by worker too good to be missed:
/// it holds running ones only, and is empty when the plan is made.
///
/// The input of a run goes by its own key, not by whether the run was created: both were made in one transaction.
pub(super) const FLUSH: &str = "
WITH clock AS MATERIALIZED (SELECT now_us() AS now),
alive AS MATERIALIZED (
    SELECT w.worker FROM unnest($1::uuid[]) u (worker) JOIN workers w ON w.worker = u.worker
    WHERE w.gone_at IS NULL AND w.lease_until > (SELECT now FROM clock)
    FOR SHARE OF w
),
created AS (
    INSERT INTO runs (run_key, run_id, queue_id, state, priority, fingerprint, due_at, created_at)
    SELECT u.run_key, u.run_id, u.queue_id, 'pending', u.priority, u.fingerprint,
           CASE WHEN u.delay_us > 0 THEN c.now + u.delay_us END, c.now
    FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::smallint[], $6::bigint[], $7::bigint[])
         u (run_key, run_id, queue_id, priority, fingerprint, delay_us)
    CROSS JOIN clock c
    ON CONFLICT (run_key) DO NOTHING
    RETURNING run_key, queue_id, priority, due_at, created_at
),
inputs AS (
    INSERT INTO checkpoints (run_key, position, ordinal, kind, site, input_digest, attempts, took_us, outcome, payload,
                             epoch, at)
    SELECT u.run_key, '$input', 0, 'input', 0, u.digest, 0, 0, 'ok', u.payload, 0, c.now
    FROM unnest($2::uuid[], $8::bigint[], $9::text[]) u (run_key, digest, payload)
    CROSS JOIN clock c
    ON CONFLICT (run_key, position) DO NOTHING
),
kept AS (
    INSERT INTO checkpoints (run_key, position, ordinal, kind, site, input_digest, attempts, took_us, outcome, payload,
                             epoch, at)
    SELECT u.run_key, u.position, u.ordinal, u.kind, u.site, u.digest, u.attempts, u.took_us, u.outcome, u.payload,
           u.epoch, c.now
    FROM unnest($13::uuid[], $14::integer[], $15::uuid[], $16::text[], $17::integer[], $18::text[], $19::integer[],
                $20::bigint[], $21::integer[], $22::bigint[], $23::text[], $24::text[])
         u (run_key, epoch, worker, position, ordinal, kind, site, digest, attempts, took_us, outcome, payload)
    JOIN alive a ON a.worker = u.worker
    JOIN runs r ON r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker AND r.state IN ('running', '')
    CROSS JOIN clock c
),
happened AS (
    INSERT INTO events (run_key, id, at, kind, detail)
    SELECT u.run_key, u.id, c.now, u.kind, u.detail
    FROM unnest($25::uuid[], $26::integer[], $27::uuid[], $28::uuid[], $29::text[], $30::text[])
         u (run_key, epoch, worker, id, kind, detail)
    JOIN alive a ON a.worker = u.worker
    JOIN runs r ON r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker AND r.state IN ('running', '')
    CROSS JOIN clock c
),
asked AS (
    INSERT INTO gates (run_key, name, prompt, context, asked_at)
    SELECT u.run_key, u.name, u.prompt, u.context, c.now
    FROM unnest($31::uuid[], $32::integer[], $33::uuid[], $34::text[], $35::text[], $36::text[])
         u (run_key, epoch, worker, name, prompt, context)
    JOIN alive a ON a.worker = u.worker
    JOIN runs r ON r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker AND r.state IN ('running', '')
    CROSS JOIN clock c
    ON CONFLICT (run_key, name) DO UPDATE
    SET prompt = excluded.prompt, context = excluded.context, asked_at = excluded.asked_at
    WHERE gates.asked_at IS NULL
),
moved AS (
    UPDATE runs r
    SET state = CASE WHEN r.wakes <> u.wakes THEN 'running' ELSE u.state END,
        waiting = CASE WHEN r.wakes = u.wakes THEN u.waiting END,
        due_at = CASE WHEN r.wakes = u.wakes THEN c.now + u.wake_us END,
        error = u.error,
        finished_at = CASE WHEN u.state IN ('completed', 'failed') THEN c.now END
    FROM unnest($37::uuid[], $38::integer[], $39::uuid[], $40::text[], $41::integer[], $42::text[], $43::bigint[],
                $44::text[])
         u (run_key, epoch, worker, state, wakes, waiting, wake_us, error)
    JOIN alive a ON a.worker = u.worker
    CROSS JOIN clock c
    WHERE r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker AND r.state IN ('running', '')
    RETURNING r.run_key, r.queue_id, r.priority, r.state, r.due_at, r.created_at
),
queued AS (
    INSERT INTO queue (queue_id, rank, since, run_key)
    SELECT queue_id, -priority::integer, created_at, run_key FROM created WHERE due_at IS NULL
    UNION ALL
    SELECT queue_id, -priority::integer, created_at, run_key FROM moved WHERE state = 'pending'
),
armed AS (
    INSERT INTO timers (due_at, run_key)
    SELECT due_at, run_key FROM created WHERE due_at IS NOT NULL
    UNION ALL
    SELECT due_at, run_key FROM moved WHERE due_at IS NOT NULL
)
SELECT (SELECT array_agg(run_key) FROM created) AS created,
       (SELECT array_agg(run_key) FROM moved WHERE state = 'running') AS awake,
       (SELECT array_agg(u.run_key)
        FROM unnest($10::uuid[], $11::integer[], $12::uuid[]) u (run_key, epoch, worker)
        JOIN alive a ON a.worker = u.worker
        JOIN runs r ON r.run_key = u.run_key AND r.epoch = u.epoch AND r.worker = u.worker AND r.state IN ('running', '')) AS stored";

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
        self.server.connect().await
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
        if news.work {
            self.hints.tell_work();
            self.announcer.work();
        }
        if !news.runs.is_empty() {
            self.announcer.runs();
        }
        for run in news.runs {
            self.hints.tell_run(run);
        }
    }
}

async fn write(
    connection: &mut PgConnection,
    queues: &Queues,
    batch: &Batch,
) -> Result<Flushed, sqlx::Error> {
    let mut queue_ids = Vec::with_capacity(batch.starts.len());
    for run in &batch.starts {
        queue_ids.push(queues.id(connection, run).await?);
    }
    let row = arrays::bind(sqlx::query(FLUSH), batch, queue_ids)
        .fetch_one(connection)
        .await?;
    let keys = |column: &str| -> Result<HashSet<Uuid>, sqlx::Error> {
        let keys: Option<Vec<Uuid>> = row.try_get(column)?;
        Ok(keys.unwrap_or_default().into_iter().collect())
    };
    let (created, awake, stored) = (keys("created")?, keys("awake")?, keys("stored")?);
    let verdict = |commit: &Arc<Commit>| {
        let run = commit.run.uuid();
        stored.contains(&run).then(|| {
            if awake.contains(&run) {
                Verdict::Awake
            } else {
                Verdict::Committed
            }
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
