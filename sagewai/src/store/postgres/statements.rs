//! All statements of this store and what the server plans for them, for tests.

use sqlx::{AssertSqlSafe, Row};

use super::claim::{CLAIM, CLAIM_ASSIGNED, CLAIM_LIMITED, CLAIM_ONE_LIMITED, CLAIM_THESE};
use super::flush_sql::{END, FLUSH, KEEP, MIX, MOVE, START};
use super::{
    PostgresStore, admission, fleet, journal, limited, outside, query, queue, queues, schema,
};
use crate::store::schema::{APPLIED, NOTE_APPLIED};
use crate::store::{StoreResult, sql};

/// Every statement but those that create tables, by name.
const STATEMENTS: &[(&str, &str)] = &[
    ("ADD", queues::ADD),
    ("APPLIED", APPLIED),
    ("ARM", sql::ARM),
    ("BACKLOG", fleet::BACKLOG),
    ("BEAT", queue::BEAT),
    ("BURY", queue::BURY),
    ("CANDIDATES", fleet::CANDIDATES),
    ("CHANGE_SCHEDULE", sql::CHANGE_SCHEDULE),
    ("CHECKPOINTS", sql::CHECKPOINTS),
    ("OUTPUTS", journal::OUTPUTS),
    ("CHECKPOINTS_OF_MANY", journal::CHECKPOINTS_OF_MANY),
    ("CHILDREN", sql::CHILDREN),
    ("CLAIM", CLAIM),
    ("CLAIM_ASSIGNED", CLAIM_ASSIGNED),
    ("CLAIM_LIMITED", CLAIM_LIMITED),
    ("CLAIM_ONE_LIMITED", CLAIM_ONE_LIMITED),
    ("CLAIM_THESE", CLAIM_THESE),
    ("CLOCK", schema::CLOCK),
    ("CREATE_SCHEDULE", sql::CREATE_SCHEDULE),
    ("DELETE_SCHEDULE", sql::DELETE_SCHEDULE),
    ("DUE_SCHEDULES", sql::DUE_SCHEDULES),
    ("DELETE_CHECKPOINT", sql::DELETE_CHECKPOINT),
    ("DELETE_ENDING", sql::DELETE_ENDING),
    ("DELETE_GATE", sql::DELETE_GATE),
    ("DELETE_SIGNAL", sql::DELETE_SIGNAL),
    ("DEPTH", sql::DEPTH),
    ("DEQUEUE", sql::DEQUEUE),
    ("DISARM", sql::DISARM),
    ("END", END),
    ("ENDINGS", sql::ENDINGS),
    ("END_CHILDREN", sql::END_CHILDREN),
    ("ENQUEUE", sql::ENQUEUE),
    ("EVENTS", sql::EVENTS),
    ("EVENTS_OF_MANY", journal::EVENTS_OF_MANY),
    ("EVENT_IDS", sql::EVENT_IDS),
    ("FENCE", journal::FENCE),
    ("FIND", queues::FIND),
    ("FLUSH", FLUSH),
    ("FORGET_ASSIGNMENTS", sql::FORGET_ASSIGNMENTS),
    ("FORGET_ENDINGS", sql::FORGET_ENDINGS),
    ("FORGET_WORKERS", sql::FORGET_WORKERS),
    ("FORGET_KEYS", admission::FORGET_KEYS),
    ("FORGET_PUT_OFF", sql::FORGET_PUT_OFF),
    ("GATE", sql::GATE),
    ("GATES", sql::GATES),
    ("GATES_OF_MANY", journal::GATES_OF_MANY),
    ("HAS_EVENT", sql::HAS_EVENT),
    ("HAS_MIGRATIONS", schema::HAS_MIGRATIONS),
    ("HAS_SCHEMA", schema::HAS_SCHEMA),
    ("HEARTBEAT", queue::HEARTBEAT),
    ("INSERT_CHECKPOINT", sql::INSERT_CHECKPOINT),
    ("INSERT_EVENT", sql::INSERT_EVENT),
    ("KEEP", KEEP),
    ("KEEP_KEY", sql::KEEP_KEY),
    ("LAST_ORDINAL", sql::LAST_ORDINAL),
    ("LIMITED_CANDIDATES", limited::CANDIDATES),
    ("LIMITED_HELD_BACK", limited::HELD_BACK),
    ("LIMITED_LOCK", limited::LOCK),
    ("LIMITED_QUEUED", limited::QUEUED),
    ("LIMITED_USED", limited::USED),
    ("LOCK", schema::LOCK),
    ("LOCK_ASSIGN", fleet::LOCK_ASSIGN),
    ("LOCK_KEY", sql::LOCK_KEY),
    ("LOCK_PLACE", outside::LOCK_PLACE),
    ("LOCK_RUN", outside::LOCK_RUN),
    ("LOCK_WORKFLOW", sql::LOCK_WORKFLOW),
    ("MESSAGES", sql::MESSAGES),
    ("MIX", MIX),
    ("MOVE", MOVE),
    ("NAME_HOLDER", sql::NAME_HOLDER),
    ("NOTE_APPLIED", NOTE_APPLIED),
    ("NOTE_PUT_OFF", sql::NOTE_PUT_OFF),
    ("OPEN_GATES", sql::OPEN_GATES),
    ("POSITIONS_OF_EPOCH", sql::POSITIONS_OF_EPOCH),
    ("PUT_ASSIGNMENT", sql::PUT_ASSIGNMENT),
    ("PUT_GATE", sql::PUT_GATE),
    ("PUT_RUN", sql::PUT_RUN),
    ("PUT_SIGNAL", sql::PUT_SIGNAL),
    ("PUT_WISH", sql::PUT_WISH),
    ("REGISTER", queue::REGISTER),
    ("REPLACE_INPUT", sql::REPLACE_INPUT),
    ("REPLACE_RUN", sql::REPLACE_RUN),
    ("RUN", sql::RUN),
    ("DONE", sql::DONE),
    ("COUNTS", sql::COUNTS),
    ("RUNS", sql::RUNS),
    ("SCHEDULE", sql::SCHEDULE),
    ("SCHEDULES", sql::SCHEDULES),
    ("SIGNAL", sql::SIGNAL),
    ("SIGNALS", sql::SIGNALS),
    ("START", START),
    ("STARTED_FOR", sql::STARTED_FOR),
    ("STRAYS", queue::STRAYS),
    ("TICK", queue::TICK),
    ("WAKES", query::WAKES),
    ("WISH", sql::WISH),
    ("WORKERS", sql::WORKERS),
];

impl PostgresStore {
    /// The name of each statement, and what the server plans for it, one step a line.
    #[doc(hidden)]
    pub async fn explain_statements(&self) -> StoreResult<Vec<(&'static str, Vec<String>)>> {
        let mut connection = self.pool().acquire().await.map_err(|e| self.error(e))?;
        let mut plans = Vec::new();
        for (name, sql) in STATEMENTS {
            let parameters = (1..100)
                .take_while(|n| sql.contains(&format!("${n}")))
                .count();
            let nulls = vec!["NULL"; parameters].join(", ");
            let arguments = if parameters == 0 {
                String::new()
            } else {
                format!("({nulls})")
            };
            // Nothing of this comes from anywhere but the table above.
            let prepare = AssertSqlSafe(format!("PREPARE explained AS {sql}"));
            let explain =
                AssertSqlSafe(format!("EXPLAIN (COSTS OFF) EXECUTE explained{arguments}"));
            let run = async {
                sqlx::raw_sql(prepare).execute(&mut *connection).await?;
                let rows = sqlx::raw_sql(explain).fetch_all(&mut *connection).await?;
                let done = sqlx::raw_sql("DEALLOCATE explained");
                done.execute(&mut *connection).await?;
                rows.iter().map(|row| row.try_get(0)).collect()
            };
            let plan: Result<Vec<String>, sqlx::Error> = run.await;
            plans.push((*name, plan.map_err(|e| self.error(e))?));
        }
        Ok(plans)
    }
}

#[cfg(test)]
mod tests {
    use super::STATEMENTS;

    #[test]
    fn every_statement_is_listed() {
        let files = [
            include_str!("admission.rs"),
            include_str!("claim.rs"),
            include_str!("fleet.rs"),
            include_str!("flush_sql.rs"),
            include_str!("journal.rs"),
            include_str!("outside.rs"),
            include_str!("query.rs"),
            include_str!("queue.rs"),
            include_str!("queues.rs"),
            include_str!("schema.rs"),
            include_str!("../sql/fleet.rs"),
            include_str!("../sql/admission.rs"),
            include_str!("../sql/journal.rs"),
            include_str!("../sql/outside.rs"),
            include_str!("../sql/query.rs"),
            include_str!("../sql/queue.rs"),
            include_str!("../sql/schedules.rs"),
        ];
        for line in files.iter().flat_map(|file| file.lines()) {
            let Some((_, rest)) = line.split_once("const ") else {
                continue;
            };
            if let Some((name, _)) = rest.split_once(": &str =") {
                let listed = STATEMENTS.iter().any(|(listed, _)| *listed == name);
                assert!(listed, "`{name}` is not in the table of statements");
            }
        }
    }
}
