//! Starts in a transaction that the caller has open, on the caller's own connection.

use std::future::Future;
use std::pin::Pin;

use super::StoreResult;
use crate::model::{Admission, NewRun, StartRules};

/// A connection of yours with an open transaction, in which
/// [`start_in`](crate::WorkflowCall::start_in) starts runs: sqlx's `Transaction` or connection, of PostgreSQL or SQLite.
/// Nothing else implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no open transaction in which a run could start",
    label = "expected a `Transaction`, a `PgConnection` or a `SqliteConnection`",
    note = "pass `&mut tx`, where `tx` comes from `pool.begin().await?`; the types are those of sqlx 0.9"
)]
pub trait OpenTransaction: sealed::Sealed + Send {
    #[doc(hidden)]
    fn start<'a>(
        &'a mut self,
        schema: Option<&'a str>,
        new: NewRun,
        rules: &'a StartRules,
    ) -> Starting<'a>;
}

/// What [`OpenTransaction`] returns.
#[doc(hidden)]
pub type Starting<'a> = Pin<Box<dyn Future<Output = StoreResult<Admission>> + Send + 'a>>;

pub(super) mod sealed {
    /// Keeps others from implementing it.
    pub trait Sealed {}
}
