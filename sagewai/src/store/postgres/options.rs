//! How a store is reached: the URL, the schema, the number of connections, and what is set on each of them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgPool};

use super::start_in::DEFAULT_SCHEMA;
use super::{PostgresStore, pooler};
use crate::store::failure::Failure;
use crate::store::open::without_password;
use crate::store::{StoreError, StoreResult};

/// How long a connection may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that was idle for so long is asked whether it still lives, before it is used.
pub(super) const STALE_AFTER: Duration = Duration::from_secs(1);
/// Leaves room in an identifier of 63 bytes for the names of channels.
const SCHEMA_BYTES_MAX: usize = 48;

/// Options of a [`PostgresStore`], from [`PostgresStore::builder`].
#[derive(Clone)]
#[must_use = "nothing is opened before `connect`"]
pub struct PostgresBuilder {
    url: String,
    schema: String,
    connections: u32,
}

impl PostgresBuilder {
    pub(super) fn new(url: &str) -> PostgresBuilder {
        PostgresBuilder {
            url: url.to_owned(),
            schema: DEFAULT_SCHEMA.to_owned(),
            connections: 8,
        }
    }

    /// The schema in which the tables live; `sagewai` unless said otherwise. Two stores in two schemas of one
    /// database know nothing of each other. 1 to 48 lower-case letters, digits and underscores.
    pub fn schema(mut self, name: impl Into<String>) -> PostgresBuilder {
        self.schema = name.into();
        self
    }

    /// How many connections claims and reads share; 8 unless said otherwise. Four more are opened as they are
    /// needed: two that write, one that tells other processes, one that listens to them.
    pub fn connections(mut self, most: u32) -> PostgresBuilder {
        self.connections = most.max(1);
        self
    }

    /// Connects. The tables are created by [`Schema::initialize`](crate::store::Schema::initialize).
    ///
    /// # Errors
    /// [`StoreError::Url`] where the URL cannot be read, [`StoreError::Schema`] where the schema's name breaks the
    /// rule, [`StoreError::Unavailable`] where nobody answers, [`StoreError::Refused`] where the server does not let
    /// us in, and where a connection pooler stands before it that keeps a session for one transaction only.
    pub async fn connect(self) -> StoreResult<PostgresStore> {
        let options = PgConnectOptions::from_str(&self.url).map_err(|e| StoreError::Url {
            url: without_password(&self.url),
            reason: format!("write `postgres://user:password@host/database` ({e})"),
        })?;
        let server = Server {
            label: label(&options),
            options: options
                .application_name("sagewai")
                // PgBouncer takes no connection that asks for it, and no number here has a fraction.
                .extra_float_digits(None)
                // Statements are not news; those that fail come back as errors.
                .disable_statement_logging(),
            schema: self.schema,
        };
        if let Err(reason) = check_schema(&server.schema) {
            return Err(StoreError::Schema {
                store: server.label,
                reason,
            });
        }
        pooler::refuse(&server).await?;
        let pool = server.pool(self.connections);
        let store = PostgresStore::new(server, pool);
        let connection = store.pool().acquire().await;
        connection.map_err(|e| store.error(e))?;
        Ok(store)
    }
}

// Not derived: a password may stand in the URL.
impl fmt::Debug for PostgresBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresBuilder")
            .field("url", &without_password(&self.url))
            .field("schema", &self.schema)
            .field("connections", &self.connections)
            .finish()
    }
}

/// A server and a schema in one of its databases.
#[derive(Clone)]
pub(super) struct Server {
    /// Names it, without secrets.
    pub(super) label: String,
    pub(super) schema: String,
    options: PgConnectOptions,
}

// Not derived: the driver's options hold the password.
impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("label", &self.label)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A connection of its own, ready for our statements.
    pub(super) async fn connect(&self) -> Result<PgConnection, Failure> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            prepare(&mut connection, &self.schema).await?;
            Ok(connection)
        });
        match connected.await {
            Ok(connected) => connected.map_err(|e: sqlx::Error| e.into()),
            Err(_) => Err(timed_out("no connection within 5 s").into()),
        }
    }

    /// A connection on which nothing is set.
    pub(super) async fn connect_bare(&self) -> Result<PgConnection, sqlx::Error> {
        PgConnection::connect_with(&self.options).await
    }

    /// A pool of such connections; none is opened yet.
    pub(super) fn pool(&self, connections: u32) -> PgPool {
        let schema = self.schema.clone();
        PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(CONNECT_TIMEOUT)
            .after_connect(move |connection, _| {
                let schema = schema.clone();
                Box::pin(async move { prepare(connection, &schema).await })
            })
            // A question before each statement would double its cost.
            .test_before_acquire(false)
            .before_acquire(|connection, idle| {
                Box::pin(async move {
                    if idle.idle_for >= STALE_AFTER {
                        connection.ping().await?;
                    }
                    Ok(true)
                })
            })
            .connect_lazy_with(self.options.clone())
    }

    /// A pool of one for a listener, which needs no settings and is never idle.
    pub(super) fn pool_to_listen(&self) -> PgPool {
        PgPoolOptions::new()
            .max_connections(1)
            .acquire_timeout(CONNECT_TIMEOUT)
            .max_lifetime(None)
            .idle_timeout(None)
            .connect_lazy_with(self.options.clone())
    }
}

/// An error for what took too long.
pub(super) fn timed_out(what: &'static str) -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, what))
}

/// Sets what our statements rely on.
///
/// They are prepared once, and the plan is made while the tables may be empty: left alone, the planner chooses
/// scans and joins over whole tables, and keeps to them when the tables have grown. Every one of them is meant to
/// go by index, row by row. The compiler for expensive plans would take the price of a ruled-out scan at its word.
async fn prepare(connection: &mut PgConnection, schema: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "SELECT set_config('search_path', quote_ident($1) || ', pg_temp', false),
                set_config('default_transaction_isolation', 'read committed', false),
                set_config('plan_cache_mode', 'force_generic_plan', false),
                set_config('enable_seqscan', 'off', false),
                set_config('enable_bitmapscan', 'off', false),
                set_config('enable_material', 'off', false),
                set_config('random_page_cost', '0.01', false),
                set_config('seq_page_cost', '0.01', false),
                set_config('cpu_tuple_cost', '1', false),
                set_config('cpu_index_tuple_cost', '1', false),
                set_config('enable_hashjoin', 'off', false),
                set_config('enable_mergejoin', 'off', false),
                set_config('jit', 'off', false),
                set_config('synchronous_commit',
                    CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on'
                    ELSE current_setting('synchronous_commit') END, false)",
    )
    .bind(schema)
    .persistent(false)
    .execute(connection)
    .await?;
    Ok(())
}

/// A name that stands in `CREATE SCHEMA` without quotes and in the names of channels.
pub(super) fn check_schema(name: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let rule = if name.is_empty() || name.len() > SCHEMA_BYTES_MAX {
        "it must have 1 to 48 characters"
    } else if !name.chars().all(legal) || name.starts_with(|c: char| c.is_ascii_digit()) {
        "write lower-case letters, digits and underscores, a digit not first"
    } else if name.starts_with("pg_") {
        "names with `pg_` are the server's own"
    } else {
        return Ok(());
    };
    Err(format!(
        "`{}` cannot name a schema: {rule}",
        name.escape_debug()
    ))
}

/// The server as it may be shown.
fn label(options: &PgConnectOptions) -> String {
    let host = match options.get_socket() {
        Some(socket) => socket.display().to_string(),
        None => options.get_host().to_owned(),
    };
    format!(
        "postgres://{}@{host}:{}/{}",
        options.get_username(),
        options.get_port(),
        options.get_database().unwrap_or(options.get_username()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schema_names_that_would_need_quotes_are_refused_with_the_rule() {
        for name in ["sagewai", "app_2", "_x"] {
            assert_eq!(check_schema(name), Ok(()));
        }
        for (name, rule) in [
            ("", "1 to 48"),
            ("a; drop table runs", "lower-case"),
            ("Sagewai", "lower-case"),
            ("2b", "digit not first"),
            ("pg_temp", "server's own"),
            (&"x".repeat(49), "1 to 48"),
        ] {
            assert!(check_schema(name).unwrap_err().contains(rule), "{name}");
        }
    }

    #[tokio::test]
    async fn url_that_cannot_be_read_is_shown_without_its_password() {
        let refusal = PostgresBuilder::new("postgres://u:hunter2@h:99999999/d")
            .connect()
            .await;
        let text = refusal.unwrap_err().to_string();
        assert!(
            text.contains("postgres://u@h") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
