//! What comes to runs from outside, in either database: their statements are the same, but for the lock on a run.

use crate::model::{Run, RunState, Timestamp};

/// Where a run stands beside its row; this follows from the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Claimable now.
    Queue,
    /// Looked at when its time comes.
    Timer(Timestamp),
    Nowhere,
}

impl Place {
    pub(super) fn of(run: &Run) -> Place {
        match (run.due_at, run.state) {
            (Some(at), _) => Place::Timer(at),
            (None, RunState::Pending) => Place::Queue,
            (None, _) => Place::Nowhere,
        }
    }
}

/// Implements [`Held`](super::held::Held) for a type that has `lock_run`, which locks as its database does, and
/// `connection`, on which the transaction is open.
macro_rules! held_by_sql {
    ($held:ty) => {
        impl $crate::store::held::Held for $held {
            type Error = Failure;

            async fn lock(&mut self, run: RunKey) -> Result<Option<(Run, Timestamp)>, Failure> {
                self.lock_run(run).await
            }

            async fn put(&mut self, before: &Run, after: &Run) -> Result<(), Failure> {
                use $crate::store::held_sql::Place;
                let run = before.key().uuid();
                let (from, to) = (Place::of(before), Place::of(after));
                let moves = from != to;
                let leave = match from {
                    Place::Queue => Some(sqlx::query(sql::DEQUEUE).bind(run)),
                    Place::Timer(at) => {
                        Some(sqlx::query(sql::DISARM).bind(at.as_micros()).bind(run))
                    }
                    Place::Nowhere => None,
                };
                // Its place follows from the row as it was.
                if let Some(statement) = leave.filter(|_| moves) {
                    statement.execute(self.connection()).await?;
                }
                sqlx::query(sql::PUT_RUN)
                    .bind(run)
                    .bind(after.state.as_str())
                    .bind(after.waiting.as_ref().map(columns::json))
                    .bind(after.due_at.map(Timestamp::as_micros))
                    .bind(after.error.as_deref().map(columns::text))
                    .bind(after.finished_at.map(Timestamp::as_micros))
                    .bind(after.claims)
                    .bind(after.wakes)
                    .bind(after.pausing)
                    .execute(self.connection())
                    .await?;
                let enter = match to {
                    Place::Queue => Some(sqlx::query(sql::ENQUEUE).bind(run)),
                    Place::Timer(at) => Some(sqlx::query(sql::ARM).bind(at.as_micros()).bind(run)),
                    Place::Nowhere => None,
                };
                if let Some(statement) = enter.filter(|_| moves) {
                    statement.execute(self.connection()).await?;
                }
                Ok(())
            }

            async fn gate(&mut self, run: &Run, name: &str) -> Result<Option<Gate>, Failure> {
                let found = sqlx::query(sql::GATE)
                    .bind(run.key().uuid())
                    .bind(columns::text(name))
                    .fetch_optional(self.connection())
                    .await?;
                Ok(found.as_ref().map(row::gate).transpose()?)
            }

            async fn put_gate(&mut self, run: RunKey, gate: &Gate) -> Result<(), Failure> {
                let decision = gate.decision.as_ref();
                sqlx::query(sql::PUT_GATE)
                    .bind(run.uuid())
                    .bind(columns::text(&gate.name))
                    .bind(columns::json(&gate.votes))
                    .bind(decision.map(|(decision, _)| decision.approved))
                    .bind(decision.map(|(decision, _)| columns::text(&decision.by)))
                    .bind(decision.and_then(|(d, _)| d.reason.as_deref().map(columns::text)))
                    .bind(decision.map(|(_, at)| at.as_micros()))
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn remove_gate(&mut self, run: RunKey, name: &str) -> Result<(), Failure> {
                sqlx::query(sql::DELETE_GATE)
                    .bind(run.uuid())
                    .bind(columns::text(name))
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn signal(&mut self, run: RunKey, id: &str) -> Result<Option<Signal>, Failure> {
                let found = sqlx::query(sql::SIGNAL)
                    .bind(run.uuid())
                    .bind(columns::text(id))
                    .fetch_optional(self.connection())
                    .await?;
                Ok(found.as_ref().map(row::signal).transpose()?)
            }

            async fn put_signal(
                &mut self,
                run: RunKey,
                signal: &Signal,
                ordinal: i32,
            ) -> Result<(), Failure> {
                sqlx::query(sql::PUT_SIGNAL)
                    .bind(run.uuid())
                    .bind(ordinal)
                    .bind(columns::text(&signal.id))
                    .bind(columns::text(&signal.name))
                    .bind(signal.payload.as_str().to_owned())
                    .bind(signal.by.as_deref().map(columns::text))
                    .bind(signal.at.as_micros())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn remove_signal(&mut self, run: RunKey, id: &str) -> Result<(), Failure> {
                sqlx::query(sql::DELETE_SIGNAL)
                    .bind(run.uuid())
                    .bind(columns::text(id))
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn checkpoints(&mut self, run: RunKey) -> Result<Vec<Checkpoint>, Failure> {
                let rows = sqlx::query(sql::CHECKPOINTS)
                    .bind(run.uuid())
                    .fetch_all(self.connection())
                    .await?;
                Ok(rows.iter().map(row::checkpoint).collect::<Result<_, _>>()?)
            }

            async fn last_ordinal(&mut self, run: RunKey) -> Result<u32, Failure> {
                let last: Option<i32> = sqlx::query_scalar(sql::LAST_ORDINAL)
                    .bind(run.uuid())
                    .fetch_one(self.connection())
                    .await?;
                Ok(last.map_or(0, i32::unsigned_abs))
            }

            async fn put_checkpoint(
                &mut self,
                run: &Run,
                checkpoint: &NewCheckpoint,
                at: Timestamp,
            ) -> Result<(), Failure> {
                let (outcome, payload) = checkpoint.outcome.to_columns();
                sqlx::query(sql::INSERT_CHECKPOINT)
                    .bind(run.key().uuid())
                    .bind(checkpoint.position.as_str().to_owned())
                    .bind(columns::count(checkpoint.ordinal))
                    .bind(checkpoint.kind.as_str())
                    .bind(i32::from(checkpoint.site))
                    .bind(checkpoint.input_digest)
                    .bind(columns::count(checkpoint.attempts))
                    .bind(columns::micros(checkpoint.took))
                    .bind(outcome)
                    .bind(payload.as_str().to_owned())
                    .bind(at.as_micros())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn remove_checkpoint(
                &mut self,
                run: RunKey,
                position: &Position,
            ) -> Result<(), Failure> {
                sqlx::query(sql::DELETE_CHECKPOINT)
                    .bind(run.uuid())
                    .bind(position.as_str().to_owned())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn event(
                &mut self,
                run: RunKey,
                event: NewEvent,
                at: Timestamp,
            ) -> Result<(), Failure> {
                sqlx::query(sql::INSERT_EVENT)
                    .bind(run.uuid())
                    .bind(event.id)
                    .bind(at.as_micros())
                    .bind(event.kind.word())
                    .bind(columns::json(&event.kind))
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn has_event(&mut self, run: RunKey, id: Uuid) -> Result<bool, Failure> {
                let found = sqlx::query(sql::HAS_EVENT)
                    .bind(run.uuid())
                    .bind(id)
                    .fetch_optional(self.connection())
                    .await?;
                Ok(found.is_some())
            }

            async fn nudge(&mut self, run: RunKey, at: Timestamp) -> Result<(), Failure> {
                sqlx::query(sql::ARM)
                    .bind(at.as_micros())
                    .bind(run.uuid())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn end_children(&mut self, run: RunKey, at: Timestamp) -> Result<(), Failure> {
                sqlx::query(sql::END_CHILDREN)
                    .bind(run.uuid())
                    .bind(at.as_micros())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn remove_ending(&mut self, run: RunKey, cause: Cause) -> Result<(), Failure> {
                sqlx::query(sql::DELETE_ENDING)
                    .bind(run.uuid())
                    .bind(cause.as_str())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }
        }
    };
}

/// Reads what has come, on this kind of connection.
macro_rules! read_by_sql {
    ($connection:ty) => {
        /// The run is read first: what comes while the rest is read raises its counter.
        async fn read_messages(
            connection: &mut $connection,
            run: RunKey,
        ) -> Result<Option<Messages>, Failure> {
            let key = run.uuid();
            let query = sqlx::query(sql::MESSAGES).bind(key);
            let Some(found) = query.fetch_optional(&mut *connection).await? else {
                return Ok(None);
            };
            let mut messages = Messages {
                run: row::run(&found)?,
                gates: Vec::new(),
                signals: Vec::new(),
                children: Vec::new(),
            };
            if found.flag_or_null("has_gates")? == Some(true) {
                let rows = sqlx::query(sql::GATES).bind(key);
                let rows = rows.fetch_all(&mut *connection).await?;
                messages.gates = rows.iter().map(row::gate).collect::<Result<_, _>>()?;
            }
            if found.flag_or_null("has_signals")? == Some(true) {
                let rows = sqlx::query(sql::SIGNALS).bind(key);
                let rows = rows.fetch_all(&mut *connection).await?;
                messages.signals = rows.iter().map(row::signal).collect::<Result<_, _>>()?;
            }
            if found.flag_or_null("has_children")? == Some(true) {
                let rows = sqlx::query(sql::CHILDREN).bind(key);
                let rows = rows.fetch_all(&mut *connection).await?;
                messages.children = rows.iter().map(row::child).collect::<Result<_, _>>()?;
            }
            Ok(Some(messages))
        }

        async fn read_open_gates(
            connection: &mut $connection,
            limit: u32,
        ) -> Result<Vec<Gate>, Failure> {
            let rows = sqlx::query(sql::OPEN_GATES)
                .bind(i64::from(limit))
                .fetch_all(connection)
                .await?;
            Ok(rows.iter().map(row::gate).collect::<Result<_, _>>()?)
        }
    };
}

pub(super) use {held_by_sql, read_by_sql};
