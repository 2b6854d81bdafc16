//! Refuses poolers that give a server's session to a client for one transaction only.
//!
//! Through such a pooler, what is set on a connection and what is listened for would be lost, and reach the sessions of
//! other programs. There is no question that a pooler would answer, so the proof is by what it does: two connections
//! that are both open never share a session of the server, and none of them changes its own.

use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::options::{CONNECT_TIMEOUT, Server, timed_out};
use crate::store::failure::Failure;
use crate::store::{StoreError, StoreResult};

/// A pooler that goes round its sessions shows itself in the second round at the latest, unless others come between.
const ROUNDS: usize = 4;

const REASON: &str = "a connection pooler gives us a session of the server for one transaction at a time (PgBouncer with \
     `pool_mode = transaction`), and workflows need sessions that stay: for settings, prepared statements and LISTEN; name \
     the server's own address in the URL, or a pool in session mode (`pool_mode = session`)";

/// Checks that the sessions we get are our own. Nothing is set before that, so nothing is left behind in those of others.
pub(super) async fn refuse(server: &Server) -> StoreResult<()> {
    let proven = tokio::time::timeout(CONNECT_TIMEOUT, is_pooled(server));
    let proven = proven
        .await
        .unwrap_or_else(|_| Err(timed_out("no connection within 5 s")));
    match proven {
        Ok(false) => Ok(()),
        Ok(true) => Err(StoreError::Refused {
            store: server.label.clone(),
            reason: REASON.to_owned(),
            source: None,
        }),
        Err(error) => Err(Failure::from(error).into_error(&server.label)),
    }
}

async fn is_pooled(server: &Server) -> Result<bool, sqlx::Error> {
    let mut one = server.connect_bare().await?;
    let mut other = server.connect_bare().await?;
    let mut pooled = false;
    for _ in 0..ROUNDS {
        let before = session(&mut one).await?;
        // As long as its transaction lasts, this one keeps its session in any case.
        if let Err(error) = sqlx::raw_sql("BEGIN").execute(&mut other).await {
            return if refuses_transactions(&error) {
                Ok(true)
            } else {
                Err(error)
            };
        }
        let held = session(&mut other).await?;
        pooled = held == before || session(&mut one).await? != before;
        sqlx::raw_sql("COMMIT").execute(&mut other).await?;
        if pooled {
            break;
        }
    }
    // They have done what they were for, and the server notices in any case.
    let _ = one.close().await;
    let _ = other.close().await;
    Ok(pooled)
}

/// The server's number for the session behind a connection. Asked without preparing it, which a pooler may not let pass.
async fn session(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    let row = sqlx::raw_sql("SELECT pg_backend_pid()")
        .fetch_one(connection)
        .await?;
    row.try_get(0)
}

/// A pooler that gives a session for one statement only has no transactions.
fn refuses_transactions(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(error) if error.message().contains("statement pooling"))
}
