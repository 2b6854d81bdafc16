//! Starts under rules, in either database: their statements are the same, but for locks, clocks and the way rows are
//! created.

/// Implements [`Entry`](super::admission::Entry) for a type that has `connection`, on which the transaction is open;
/// `keep`, whether its statements stay prepared; and what differs: `clock`, `queue_id`, `lock`, `insert`.
macro_rules! entry_by_sql {
    ($entry:ty) => {
        impl $crate::store::admission::Entry for $entry {
            type Error = Failure;

            async fn now(&mut self) -> Result<Timestamp, Failure> {
                self.clock().await
            }

            async fn lock_workflow(&mut self, workflow: &str) -> Result<(), Failure> {
                sqlx::query(sql::LOCK_WORKFLOW)
                    .bind(workflow.to_owned())
                    .persistent(self.keep())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn depth(&mut self, workflow: &str, most: u32) -> Result<u32, Failure> {
                let depth: i64 = sqlx::query_scalar(sql::DEPTH)
                    .bind(workflow.to_owned())
                    .bind(i64::from(most))
                    .persistent(self.keep())
                    .fetch_one(self.connection())
                    .await?;
                Ok(u32::try_from(depth).unwrap_or(u32::MAX))
            }

            async fn note_put_off(&mut self, workflow: &str, run: RunKey) -> Result<(), Failure> {
                sqlx::query(sql::FORGET_PUT_OFF)
                    .bind(workflow.to_owned())
                    .persistent(self.keep())
                    .execute(self.connection())
                    .await?;
                sqlx::query(sql::NOTE_PUT_OFF)
                    .bind(workflow.to_owned())
                    .bind(run.uuid())
                    .persistent(self.keep())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn lock_key(
                &mut self,
                new: &NewRun,
                key: &str,
                now: Timestamp,
            ) -> Result<Debounced, Failure> {
                let found = sqlx::query(sql::LOCK_KEY)
                    .bind(new.workflow.clone())
                    .bind(key.to_owned())
                    .bind(new.id.key().uuid())
                    .bind(now.as_micros())
                    .persistent(self.keep())
                    .fetch_one(self.connection())
                    .await?;
                Ok(Debounced {
                    run: RunKey::from_uuid(found.uuid("run_key")?),
                    since: Timestamp::from_micros(found.big("since")?),
                })
            }

            async fn keep_key(
                &mut self,
                workflow: &str,
                key: &str,
                becomes: Debounced,
                until: Timestamp,
            ) -> Result<(), Failure> {
                sqlx::query(sql::KEEP_KEY)
                    .bind(workflow.to_owned())
                    .bind(key.to_owned())
                    .bind(becomes.run.uuid())
                    .bind(becomes.since.as_micros())
                    .bind(until.as_micros())
                    .persistent(self.keep())
                    .execute(self.connection())
                    .await?;
                Ok(())
            }

            async fn lock_unbegun(&mut self, run: RunKey) -> Result<Option<Run>, Failure> {
                self.lock(run).await
            }

            async fn replace(
                &mut self,
                before: &Run,
                new: &NewRun,
                due_at: Option<Timestamp>,
                now: Timestamp,
            ) -> Result<(), Failure> {
                let run = before.key().uuid();
                let queue = self.queue_id(new).await?;
                let leave = match before.due_at {
                    Some(at) => sqlx::query(sql::DISARM).bind(at.as_micros()).bind(run),
                    None => sqlx::query(sql::DEQUEUE).bind(run),
                };
                let keep = self.keep();
                leave.persistent(keep).execute(self.connection()).await?;
                sqlx::query(sql::REPLACE_RUN)
                    .bind(run)
                    .bind(queue)
                    .bind(new.priority)
                    .bind(new.fingerprint)
                    .bind(due_at.map(Timestamp::as_micros))
                    .bind(new.concurrency_key.as_deref())
                    .persistent(keep)
                    .execute(self.connection())
                    .await?;
                sqlx::query(sql::REPLACE_INPUT)
                    .bind(run)
                    .bind(new.input.as_str().to_owned())
                    .bind(digest(&new.input))
                    .bind(now.as_micros())
                    .persistent(keep)
                    .execute(self.connection())
                    .await?;
                let enter = match due_at {
                    Some(at) => sqlx::query(sql::ARM).bind(at.as_micros()).bind(run),
                    None => sqlx::query(sql::ENQUEUE).bind(run),
                };
                enter.persistent(keep).execute(self.connection()).await?;
                Ok(())
            }

            async fn started(&mut self, new: &NewRun) -> Result<Option<Started>, Failure> {
                let found: Option<(String, String)> = sqlx::query_as(sql::STARTED_FOR)
                    .bind(new.id.key().uuid())
                    .persistent(self.keep())
                    .fetch_optional(self.connection())
                    .await?;
                Ok(found
                    .map(|(workflow, input)| $crate::store::settle::meaning(new, workflow, &input)))
            }

            async fn create(&mut self, new: &NewRun) -> Result<Started, Failure> {
                if self.insert(new).await? {
                    return Ok(Started::Created);
                }
                // Somebody else has created it on the way.
                self.started(new).await?.ok_or_else(Failure::clash)
            }
        }
    };
}

pub(super) use entry_by_sql;
