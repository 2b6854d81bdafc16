//! What the database itself charges: the least that a design on it could cost.

use std::time::Instant;

use sagewai::Result;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Executor, PgConnection};

use super::{Scale, float};
use crate::meter::{Meter, since};
use crate::report::Row;
use crate::target::Target;
use crate::workflows::payload;

/// How many rows a batch has: about what gathers from a hundred callers.
const BATCH: u64 = 100;

pub async fn run(target: &Target, scale: &Scale) -> Result<Vec<Row>> {
    let place = target.place().await?;
    let meter = Meter::of(&place.url).await?;
    let (commits, batches) = (scale.of(3_000), scale.of(1_000));
    let text = payload(100);
    let mut took_us = Vec::new();
    let (before, middle, began, rest);
    if place.url.starts_with("postgres") {
        let mut connection = PgConnection::connect(&place.url).await?;
        let table = "CREATE TABLE floor (run uuid, position text, payload text, PRIMARY KEY (run, position))";
        connection.execute(table).await?;
        before = meter.read(&[]).await?;
        for _ in 0..commits {
            let began = Instant::now();
            sqlx::query("INSERT INTO floor VALUES (gen_random_uuid(), 'step', $1)")
                .bind(&text)
                .execute(&mut connection)
                .await?;
            took_us.push(u32::try_from(began.elapsed().as_micros())?);
        }
        middle = meter.read(&[]).await?;
        began = Instant::now();
        let rows = vec![text.as_str(); usize::try_from(BATCH)?];
        for _ in 0..batches {
            sqlx::query(
                "INSERT INTO floor SELECT gen_random_uuid(), 'step', u FROM unnest($1::text[]) u",
            )
            .bind(&rows)
            .execute(&mut connection)
            .await?;
        }
        rest = began.elapsed();
    } else {
        let path = place.url.trim_start_matches("sqlite://");
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .connect()
            .await?;
        let table = "CREATE TABLE floor (run blob, position text, payload text, PRIMARY KEY (run, position))";
        connection.execute(table).await?;
        before = meter.read(&[]).await?;
        for _ in 0..commits {
            let began = Instant::now();
            sqlx::query("INSERT INTO floor VALUES (randomblob(16), 'step', ?)")
                .bind(&text)
                .execute(&mut connection)
                .await?;
            took_us.push(u32::try_from(began.elapsed().as_micros())?);
        }
        middle = meter.read(&[]).await?;
        began = Instant::now();
        for _ in 0..batches {
            let mut tx = connection.begin().await?;
            for _ in 0..BATCH {
                sqlx::query("INSERT INTO floor VALUES (randomblob(16), 'step', ?)")
                    .bind(&text)
                    .execute(&mut *tx)
                    .await?;
            }
            tx.commit().await?;
        }
        rest = began.elapsed();
    }
    let after = meter.read(&[]).await?;
    let total: u64 = took_us.iter().map(|us| u64::from(*us)).sum();
    Ok(vec![
        Row::new("floor: a bare commit", "commit")
            .with("per_second", float(commits) * 1e6 / float(total))
            .spent(&since(&before, &middle), float(commits))
            .latencies(took_us),
        Row::new("floor: rows in batches", "row")
            .with("per_second", float(batches * BATCH) / rest.as_secs_f64())
            .spent(&since(&middle, &after), float(batches * BATCH)),
    ])
}
