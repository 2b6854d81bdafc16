//! Starts under rules, in a transaction of ours or of a caller.

use sqlx::SqliteConnection;

use super::flush::create;
use super::rows::Rows;
use super::{SqliteStore, queues};
use crate::model::{
    Admission, Debounced, NewRun, Run, RunKey, StartRules, Started, Timestamp, digest,
    has_not_begun,
};
use crate::store::admission::{self, admit};
use crate::store::admission_sql::entry_by_sql;
use crate::store::failure::Failure;
use crate::store::row::{self, Cells};
use crate::store::{StoreResult, columns, sql};

/// Forgets keys whose runs have begun, a few with each start. `$1` now.
pub(super) const FORGET_KEYS: &str = "DELETE FROM debounces WHERE (workflow, key) IN (
         SELECT o.workflow, o.key FROM debounces o WHERE o.until < $1 ORDER BY o.until LIMIT 8)
     AND NOT EXISTS (
         SELECT 1 FROM runs r WHERE r.run_key = debounces.run_key AND r.state = 'pending' AND r.epoch = 0)";

impl SqliteStore {
    /// Starts a run under rules.
    pub(super) async fn admit(&self, new: NewRun, rules: &StartRules) -> StoreResult<Admission> {
        admission::check(&new)?;
        let admitted = self.write_admission(new, rules).await;
        let admitted = admitted.map_err(|e| self.error(e))?;
        if admission::is_written(&admitted) {
            self.0.hints.tell_work();
        }
        Ok(admitted)
    }

    async fn write_admission(&self, new: NewRun, rules: &StartRules) -> Result<Admission, Failure> {
        let mut tx = self.writer().begin().await?;
        let now = tx.now;
        let mut entry = SqliteEntry::new(&mut tx, now, true);
        let admitted = admit(&mut entry, new, rules).await?;
        if !admission::is_written(&admitted) {
            tx.rollback().await?;
            return Ok(admitted);
        }
        if rules.debounce.is_some() {
            sqlx::query(FORGET_KEYS)
                .bind(now.as_micros())
                .execute(&mut *tx)
                .await?;
        }
        tx.commit().await?;
        Ok(admitted)
    }
}

/// A transaction that holds the lock on the whole file, or takes it with its first write.
pub(super) struct SqliteEntry<'a> {
    connection: &'a mut SqliteConnection,
    now: Timestamp,
    keep: bool,
}

impl<'a> SqliteEntry<'a> {
    /// `keep` says whether our statements stay prepared.
    pub(super) fn new(
        connection: &'a mut SqliteConnection,
        now: Timestamp,
        keep: bool,
    ) -> SqliteEntry<'a> {
        SqliteEntry {
            connection,
            now,
            keep,
        }
    }

    fn connection(&mut self) -> &mut SqliteConnection {
        self.connection
    }

    fn keep(&self) -> bool {
        self.keep
    }

    fn clock(&self) -> std::future::Ready<Result<Timestamp, Failure>> {
        std::future::ready(Ok(self.now))
    }

    async fn queue_id(&mut self, new: &NewRun) -> Result<i64, Failure> {
        Ok(queues::find_or_add(self.connection, &columns::home(new)).await?)
    }

    async fn lock(&mut self, run: RunKey) -> Result<Option<Run>, Failure> {
        let found = sqlx::query(sql::RUN)
            .bind(run.uuid())
            .fetch_optional(self.connection())
            .await?;
        let run = found.as_ref().map(row::run).transpose()?;
        Ok(run.filter(|run| has_not_begun(run.state, run.epoch)))
    }

    async fn insert(&mut self, new: &NewRun) -> Result<bool, Failure> {
        let queue = self.queue_id(new).await?;
        let mut rows = Rows::default();
        let created = create(self.connection, &[(new, queue)], self.now, &mut rows).await?;
        rows.insert(self.connection, self.now).await?;
        Ok(created.contains(&true))
    }
}

entry_by_sql!(SqliteEntry<'_>);
