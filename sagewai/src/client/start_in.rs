//! Starting a run in a transaction of the caller: the run exists if and only if that transaction commits.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

use super::start::answer;
use crate::error::Error;
use crate::model::RunId;
use crate::store::OpenTransaction;
use crate::workflow::{Workflow, WorkflowCall};

impl<W: Workflow> WorkflowCall<W> {
    /// Submits the run in a transaction that you have open, beside your own rows: the run exists if and only if the
    /// transaction commits, and workers hear of it then. Await what this returns; it gives the run's id.
    ///
    /// The transaction is one of sqlx, on PostgreSQL or SQLite, in the database in which the store's tables are: in the
    /// schema `sagewai` unless [`schema`](StartIn::schema) says otherwise. Your search path and your prepared statements
    /// stay as they are. A run of the same id, workflow and arguments that is there already is attached to.
    ///
    /// **When it fails**, nothing of it is in your transaction, and the transaction can still be used: roll it back, or go
    /// on without the run. Only a lost connection, and what makes the database end a transaction by itself, end it.
    ///
    /// **Keep the transaction short.** A start of the same id elsewhere waits until it ends, and so do other starts of a
    /// workflow with a `queue_depth`, starts with the same debounce key, and the first start of a workflow in a pool with
    /// certain labels. On SQLite the whole file waits: begin with `BEGIN IMMEDIATE` (`pool.begin_with(..)`) where you
    /// read before you write.
    ///
    /// # Errors
    /// As [`start`](WorkflowCall::start). [`StoreError::Schema`](crate::store::StoreError::Schema) where the store's
    /// tables are not there or of another version; [`StoreError::Refused`](crate::store::StoreError::Refused) where no
    /// transaction is open on the connection (PostgreSQL; on SQLite the start is then a transaction of its own).
    ///
    /// ```
    /// # use sagewai::prelude::*;
    /// # use sagewai::store::{Schema, SqliteStore};
    /// #[workflow]
    /// async fn ship(order: i64) -> Result<i64> {
    ///     Ok(order)
    /// }
    ///
    /// /// The order and its run are there both, or neither.
    /// async fn take_order(pool: &sqlx::SqlitePool, order: i64) -> Result<RunId> {
    ///     let mut tx = pool.begin().await?;
    ///     sqlx::query("INSERT INTO orders (id) VALUES (?)").bind(order).execute(&mut *tx).await?;
    ///     let run = ship(order).idempotency_key(format!("order-{order}")).start_in(&mut tx).await?;
    ///     tx.commit().await?;
    ///     Ok(run)
    /// }
    /// # use sagewai::RunId;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<()> {
    /// # let folder = std::env::temp_dir().join(format!("sagewai-start-in-{}", std::process::id()));
    /// # std::fs::create_dir_all(&folder)?;
    /// # let file = folder.join("shop.db");
    /// let store = SqliteStore::open(&file).await?;
    /// store.initialize().await?;
    /// let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", file.display())).await?;
    /// sqlx::query("CREATE TABLE orders (id INTEGER PRIMARY KEY)").execute(&pool).await?;
    /// let run = take_order(&pool, 17).await?;
    /// let handle = Client::new(&store).handle::<ship>(run).await?;
    /// assert_eq!(handle.id().as_str(), "ship:order-17");
    /// # pool.close().await;
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok(()) }
    /// ```
    pub fn start_in<C: OpenTransaction>(self, transaction: &mut C) -> StartIn<'_, W, C> {
        StartIn {
            call: self,
            transaction,
            schema: None,
        }
    }
}

/// What [`WorkflowCall::start_in`] returns; await it.
#[must_use = "a run is not started unless this is awaited"]
pub struct StartIn<'a, W: Workflow, C> {
    call: WorkflowCall<W>,
    transaction: &'a mut C,
    schema: Option<String>,
}

impl<W: Workflow, C> StartIn<'_, W, C> {
    /// The schema of PostgreSQL in which the store's tables are, where it is not `sagewai`.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = Some(name.into());
        self
    }
}

impl<'a, W: Workflow, C: OpenTransaction> IntoFuture for StartIn<'a, W, C> {
    type Output = Result<RunId, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let (transaction, schema) = (self.transaction, self.schema);
        let submission = self.call.submission();
        Box::pin(async move {
            let (new, rules) = submission?;
            let run = new.id.clone();
            let admitted = transaction.start(schema.as_deref(), new, &rules).await?;
            answer::<W>(run, admitted).map(|(run, _)| run)
        })
    }
}

impl<W: Workflow, C> fmt::Debug for StartIn<'_, W, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartIn")
            .field("call", &self.call)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}
