//! Rows of both databases as the model's types.

use std::time::Duration;

use uuid::Uuid;

use crate::model::{
    Backlog, Cause, Checkpoint, CheckpointKind, Child, Decision, Done, Event, Gate, Header, Json,
    NewCheckpoint, NewWorker, Outcome, Position, QueueName, Run, RunId, RunState, ScheduleRecord,
    Signal, Timestamp, Wish, WorkerKey, WorkerRecord,
};

/// Why a row cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unreadable(String);

impl From<sqlx::Error> for Unreadable {
    fn from(error: sqlx::Error) -> Unreadable {
        Unreadable(error.to_string())
    }
}

impl Unreadable {
    fn new(what: &str, value: &str) -> Unreadable {
        Unreadable(format!("{what} `{value}` is not known"))
    }
}

type Read<T> = Result<T, Unreadable>;

/// What both databases' rows give, by name of the column.
pub(super) trait Cells {
    fn text(&self, column: &'static str) -> Read<String>;
    fn text_or_null(&self, column: &'static str) -> Read<Option<String>>;
    fn small(&self, column: &'static str) -> Read<i16>;
    fn int(&self, column: &'static str) -> Read<i32>;
    fn big(&self, column: &'static str) -> Read<i64>;
    fn big_or_null(&self, column: &'static str) -> Read<Option<i64>>;
    fn flag_or_null(&self, column: &'static str) -> Read<Option<bool>>;
    fn uuid(&self, column: &'static str) -> Read<Uuid>;
    fn uuid_or_null(&self, column: &'static str) -> Read<Option<Uuid>>;
}

macro_rules! cells {
    ($row:ty: $($method:ident $type:ty),* $(,)?) => {
        impl Cells for $row {
            $(fn $method(&self, column: &'static str) -> Read<$type> {
                Ok(sqlx::Row::try_get(self, column)?)
            })*
        }
    };
    ($row:ty) => {
        cells!($row: text String, text_or_null Option<String>, small i16, int i32, big i64,
               big_or_null Option<i64>, flag_or_null Option<bool>, uuid Uuid, uuid_or_null Option<Uuid>);
    };
}
#[cfg(feature = "postgres")]
cells!(sqlx::postgres::PgRow);
#[cfg(feature = "sqlite")]
cells!(sqlx::sqlite::SqliteRow);

/// Reads what `sql::run_columns!` selects.
pub(super) fn run(row: &impl Cells) -> Read<Run> {
    Ok(Run {
        id: run_id(row)?,
        workflow: row.text("workflow")?,
        version: count(row.int("version")?)?,
        pool: row.text("pool")?,
        labels: json(&row.text("labels")?)?,
        state: state(row)?,
        epoch: row.int("epoch")?,
        worker: row.uuid_or_null("worker")?.map(WorkerKey::from_uuid),
        claims: row.int("claims")?,
        wakes: row.int("wakes")?,
        priority: row.small("priority")?,
        fingerprint: row.big("fingerprint")?,
        concurrency_key: row.text_or_null("lane")?,
        header: json_or_default(row, "header")?,
        pausing: row.flag_or_null("pausing")?.unwrap_or(false),
        waiting: match row.text_or_null("waiting")? {
            Some(text) => Some(json(&text)?),
            None => None,
        },
        due_at: time_or_null(row, "due_at")?,
        error: row.text_or_null("error")?,
        created_at: time(row, "created_at")?,
        started_at: time_or_null(row, "started_at")?,
        finished_at: time_or_null(row, "finished_at")?,
    })
}

/// Reads what `sql::checkpoint_columns!` selects.
pub(super) fn checkpoint(row: &impl Cells) -> Read<Checkpoint> {
    Ok(Checkpoint {
        written: NewCheckpoint {
            position: Position::from(row.text("position")?),
            ordinal: count(row.int("ordinal")?)?,
            kind: kind(row)?,
            site: u16::try_from(row.int("site")?).map_err(|e| Unreadable(e.to_string()))?,
            input_digest: row.big("input_digest")?,
            attempts: count(row.int("attempts")?)?,
            took: duration(row.big("took_us")?),
            outcome: outcome(row)?,
        },
        at: time(row, "at")?,
    })
}

/// Reads how many runs there are in a state.
pub(super) fn count_of_state(row: &impl Cells) -> Read<(RunState, u64)> {
    Ok((state(row)?, row.big("runs")?.unsigned_abs()))
}

/// Reads what `sql::done_columns!` selects.
pub(super) fn done(row: &impl Cells) -> Read<Done> {
    let failure = match row.text_or_null("payload")? {
        None => None,
        Some(payload) => {
            let payload = Json::from_store(payload);
            let outcome = Outcome::from_columns(&row.text("outcome")?, payload);
            Some(outcome.map_err(|e| Unreadable(e.to_string()))?)
        }
    };
    Ok(Done {
        position: Position::from(row.text("position")?),
        kind: kind(row)?,
        attempts: count(row.int("attempts")?)?,
        took: duration(row.big("took_us")?),
        failure,
        at: time(row, "at")?,
    })
}

fn kind(row: &impl Cells) -> Read<CheckpointKind> {
    let kind = row.text("kind")?;
    CheckpointKind::from_word(&kind).ok_or_else(|| Unreadable::new("kind of checkpoint", &kind))
}

/// Reads how an operation ended.
pub(super) fn outcome(row: &impl Cells) -> Read<Outcome> {
    let payload = Json::from_store(row.text("payload")?);
    Outcome::from_columns(&row.text("outcome")?, payload).map_err(|e| Unreadable(e.to_string()))
}

/// Reads what `sql::event_columns!` selects.
pub(super) fn event(row: &impl Cells) -> Read<Event> {
    Ok(Event {
        id: row.uuid("id")?,
        at: time(row, "at")?,
        kind: json(&row.text("detail")?)?,
    })
}

/// Reads what `sql::gate_columns!` selects.
pub(super) fn gate(row: &impl Cells) -> Read<Gate> {
    let decision = match row.flag_or_null("approved")? {
        None => None,
        Some(approved) => Some((
            Decision {
                approved,
                by: row.text("decided_by")?,
                reason: row.text_or_null("reason")?,
            },
            time(row, "decided_at")?,
        )),
    };
    Ok(Gate {
        run: run_id(row)?,
        name: row.text("name")?,
        prompt: row.text("prompt")?,
        context: row.text_or_null("context")?.map(Json::from_store),
        rules: json_or_default(row, "rules")?,
        digest: row.text("digest")?,
        asked_at: time_or_null(row, "asked_at")?,
        deadline_at: time_or_null(row, "deadline_at")?,
        votes: json(&row.text("votes")?)?,
        decision,
        withdrawn_at: time_or_null(row, "withdrawn_at")?,
    })
}

/// Reads what `sql::SIGNAL` selects.
pub(super) fn signal(row: &impl Cells) -> Read<Signal> {
    Ok(Signal {
        id: row.text("id")?,
        name: row.text("name")?,
        payload: Json::from_store(row.text("payload")?),
        by: row.text_or_null("sent_by")?,
        at: time(row, "sent_at")?,
    })
}

/// Reads what `sql::CHILDREN` selects.
pub(super) fn child(row: &impl Cells) -> Read<Child> {
    let header: Header = json_or_default(row, "header")?;
    let parent = header
        .parent
        .ok_or_else(|| Unreadable("a run has the key of a parent, and no parent".to_owned()))?;
    let outcome = match row.text_or_null("outcome")? {
        Some(_) => Some(outcome(row)?),
        None => None,
    };
    Ok(Child {
        run: run_id(row)?,
        workflow: row.text("workflow")?,
        position: parent.position,
        state: state(row)?,
        outcome,
        finished_at: time_or_null(row, "finished_at")?,
    })
}

/// Reads why a run is to be ended.
pub(super) fn cause(row: &impl Cells) -> Read<Cause> {
    let word = row.text("cause")?;
    Cause::from_word(&word).ok_or_else(|| Unreadable::new("cause", &word))
}

/// Reads what `sql::WORKERS` selects.
pub(super) fn worker(row: &impl Cells) -> Read<WorkerRecord> {
    Ok(WorkerRecord {
        registered: NewWorker {
            key: WorkerKey::from_uuid(row.uuid("worker")?),
            name: row.text("name")?,
            exclusive: row.flag_or_null("exclusive")?.unwrap_or(false),
            pool: row.text("pool")?,
            labels: json(&row.text("labels")?)?,
            slots: count(row.int("slots")?)?,
            lease: duration(row.big("lease_us")?),
            host: row.text("host")?,
            program: json(&row.text("program")?)?,
        },
        started_at: time(row, "started_at")?,
        seen_at: time(row, "seen_at")?,
        lease_until: time(row, "lease_until")?,
        gone_at: time_or_null(row, "gone_at")?,
        signed_off: row.flag_or_null("signed_off")?.unwrap_or(false),
        wish: wish(&row.text("wish")?)?,
        running: json(&row.text("running")?)?,
    })
}

/// Reads what `sql::schedule_columns!` selects.
pub(super) fn schedule(row: &impl Cells) -> Read<ScheduleRecord> {
    Ok(ScheduleRecord::from_store(
        row.text("name")?,
        row.big("revision")?,
        time_or_null(row, "due_at")?,
        json(&row.text("definition")?)?,
        json(&row.text("progress")?)?,
    ))
}

/// Reads what people want of a worker.
pub(super) fn wish(word: &str) -> Read<Wish> {
    Wish::from_word(word).ok_or_else(|| Unreadable::new("wish", word))
}

/// Reads what `BACKLOG` of either database selects.
pub(super) fn backlog(row: &impl Cells) -> Read<Backlog> {
    Ok(Backlog {
        queue: QueueName {
            workflow: row.text("workflow")?,
            version: count(row.int("version")?)?,
            pool: row.text("pool")?,
            labels: json(&row.text("labels")?)?,
        },
        runs: row.big("runs")?.unsigned_abs(),
        since: time(row, "since")?,
    })
}

/// Reads the state of a run.
pub(super) fn state(row: &impl Cells) -> Read<RunState> {
    let word = row.text("state")?;
    RunState::from_word(&word).ok_or_else(|| Unreadable::new("state", &word))
}

fn run_id(row: &impl Cells) -> Read<RunId> {
    RunId::new(row.text("run_id")?).map_err(|e| Unreadable(e.to_string()))
}

fn time(row: &impl Cells, column: &'static str) -> Read<Timestamp> {
    Ok(Timestamp::from_micros(row.big(column)?))
}

fn time_or_null(row: &impl Cells, column: &'static str) -> Read<Option<Timestamp>> {
    Ok(row.big_or_null(column)?.map(Timestamp::from_micros))
}

fn duration(micros: i64) -> Duration {
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn count(value: i32) -> Read<u32> {
    u32::try_from(value).map_err(|e| Unreadable(e.to_string()))
}

/// What is null where it says nothing.
fn json_or_default<T>(row: &impl Cells, column: &'static str) -> Read<T>
where
    T: serde::de::DeserializeOwned + Default,
{
    let text = row.text_or_null(column)?;
    text.map_or_else(|| Ok(T::default()), |text| json(&text))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Read<T> {
    serde_json::from_str(text).map_err(|e| Unreadable(e.to_string()))
}
