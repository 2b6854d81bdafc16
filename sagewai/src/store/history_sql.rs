//! What a run has left without its payloads, and how many runs there are, in either database.

/// Reads both, for a store whose connections for reading come from `$readers`.
macro_rules! read_history {
    ($store:ty, $readers:ident) => {
        impl $store {
            /// The run is read first: what is newer than it is left out by whoever puts the timeline together.
            async fn read_history(&self, key: RunKey) -> Result<Option<History>, Failure> {
                let Some(run) = self.read_run(key).await? else {
                    return Ok(None);
                };
                let of_run = |sql| sqlx::query(sql).bind(key.uuid()).fetch_all(self.$readers());
                let done = of_run(sql::DONE).await?;
                let events = of_run(sql::EVENTS).await?;
                Ok(Some(History {
                    run,
                    done: done.iter().map(row::done).collect::<Result<_, _>>()?,
                    events: events.iter().map(row::event).collect::<Result<_, _>>()?,
                }))
            }

            async fn read_counts(&self) -> Result<Vec<(RunState, u64)>, Failure> {
                let rows = sqlx::query(sql::COUNTS).fetch_all(self.$readers()).await?;
                Ok(rows
                    .iter()
                    .map(row::count_of_state)
                    .collect::<Result<_, _>>()?)
            }
        }
    };
}

pub(super) use read_history;
