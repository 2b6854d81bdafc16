//! What is run: steps that do nothing, so that what is left is the cost of the library.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sagewai::prelude::*;

/// How many bodies of [`one_step`] this process has executed.
pub static BODIES: AtomicU64 = AtomicU64::new(0);

#[step]
async fn first(payload: String) -> Result<String> {
    Ok(payload)
}

#[step]
async fn second(payload: String) -> Result<String> {
    Ok(payload)
}

#[step]
async fn third(payload: String) -> Result<String> {
    Ok(payload)
}

/// Three steps; the argument, each result and the run's result are the payload.
#[workflow]
pub async fn three_steps(payload: String) -> Result<String> {
    let payload = first(payload).await?;
    let payload = second(payload).await?;
    third(payload).await
}

#[step]
async fn only(payload: String) -> Result<String> {
    BODIES.fetch_add(1, Ordering::Relaxed);
    Ok(payload)
}

/// One step.
#[workflow]
pub async fn one_step(payload: String) -> Result<String> {
    only(payload).await
}

/// Microseconds since 1970 by this machine's clock, which all processes of a measurement share.
pub fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |s| u64::try_from(s.as_micros()).unwrap_or(u64::MAX))
}

#[step]
async fn arrival(started_us: u64) -> Result<u64> {
    Ok(now_us().saturating_sub(started_us))
}

/// How long it took from the start of the run to the body of its first step.
#[workflow]
pub async fn pick_up(started_us: u64) -> Result<u64> {
    arrival(started_us).await
}

/// Which step of [`many_steps`] tells that it executes, and never ends.
pub static STOP_AT: AtomicU64 = AtomicU64::new(u64::MAX);
/// From which step on they tell it.
pub static TELL_FROM: AtomicU64 = AtomicU64::new(u64::MAX);

#[step]
async fn nth(n: u64, payload: String) -> Result<String> {
    if n >= TELL_FROM.load(Ordering::Relaxed) {
        println!("step {n} {}", now_us());
    }
    if n == STOP_AT.load(Ordering::Relaxed) {
        println!("stopped");
        std::future::pending::<()>().await;
    }
    Ok(payload)
}

/// So many steps, one after the other.
#[workflow]
pub async fn many_steps(steps: u64, payload: String) -> Result<u64> {
    for n in 0..steps {
        nth(n, payload.clone()).await?;
    }
    Ok(steps)
}

/// Waits for a person.
#[workflow]
pub async fn asking() -> Result<String> {
    Ok(approval("ok").await?.by)
}

#[step]
async fn clock() -> Result<u64> {
    Ok(now_us())
}

/// When it went on after a decision, in microseconds.
#[workflow]
pub async fn decided() -> Result<u64> {
    approval("go").await?;
    clock().await
}

/// A payload of so many bytes as JSON, which does not shrink much when it is compressed.
pub fn payload(bytes: usize) -> String {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
            [(state >> 20) as usize % 64]
    };
    let letters = std::iter::repeat_with(letter).take(bytes.saturating_sub(2));
    letters.map(char::from).collect()
}
