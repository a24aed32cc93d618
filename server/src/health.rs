//! `/healthz` and `/readyz`: for whoever restarts or routes around an instance. They answer on any host.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::access::Public;
use crate::error::ApiError;
use crate::state::AppState;

/// The process is alive and takes requests.
pub(crate) async fn alive(_: Public) -> Json<Value> {
    Json(json!({ "status": "alive" }))
}

/// The database answers, and holds a catalog this program understands.
pub(crate) async fn ready(_: Public, State(state): State<AppState>) -> Result<Json<Value>, ApiError> {
    state.check_ready().await?;
    Ok(Json(json!({ "status": "ready" })))
}
