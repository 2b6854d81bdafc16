//! Probes of a worker over HTTP: `/healthz` and `/readyz`.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use crate::worker::{Health, HealthWatch};

/// Answers probes until what this returns is dropped.
///
/// `/healthz` answers 200 while the worker's loop moves: a process that fails it can only be started again.
/// `/readyz` answers 200 while the worker holds its lease, reaches its store, and does not drain. Else both answer 503, with
/// the reasons.
pub(super) fn serve(listener: TcpListener, watch: HealthWatch) -> AbortOnDropHandle<()> {
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "answering probes at /healthz and /readyz");
    }
    let routes = Router::new()
        .route("/healthz", get(alive))
        .route("/readyz", get(ready))
        .with_state(watch);
    AbortOnDropHandle::new(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, routes).await {
            tracing::error!(%error, "probes are not answered any more");
        }
    }))
}

async fn alive(State(watch): State<HealthWatch>) -> impl IntoResponse {
    let health = watch.look();
    let reasons: Vec<String> = health.why_not_alive().into_iter().collect();
    answer(&health, &reasons)
}

async fn ready(State(watch): State<HealthWatch>) -> impl IntoResponse {
    let health = watch.check().await;
    answer(&health, &health.why_not_ready())
}

fn answer(health: &Health, reasons: &[String]) -> impl IntoResponse + use<> {
    let (code, status) = if reasons.is_empty() {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    let body = json!({"status": status, "worker": health.worker, "reasons": reasons});
    (code, Json(body))
}
