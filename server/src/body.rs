//! Request bodies: read whole, within a size and a time.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use serde::de::DeserializeOwned;

use crate::error::ApiError;
use crate::state::AppState;

/// The body of a caller who has proved that they may send one, as it came.
pub(crate) struct RawBody(pub(crate) Bytes);

/// A small body read as JSON: credentials, sent before anybody knows who sends them.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// Refuses a body whose announced length is already too much.
pub(crate) fn check_announced(headers: &HeaderMap, limit: usize) -> Result<(), ApiError> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    match announced {
        Some(length) if length > limit as u64 => Err(ApiError::payload_too_large(limit)),
        _ => Ok(()),
    }
}

/// Whether the body is announced as JSON.
pub(crate) fn is_json(headers: &HeaderMap) -> bool {
    let essence = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| value.split(';').next().unwrap_or_default().trim());
    essence.is_some_and(|essence| essence.eq_ignore_ascii_case("application/json"))
}

impl FromRequest<AppState> for RawBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        state.admission().records.receive(request).await.map(Self)
    }
}

impl<T: DeserializeOwned> FromRequest<AppState> for JsonBody<T> {
    type Rejection = ApiError;

    /// The error says where, never what: the body may hold a password.
    async fn from_request(request: Request, state: &AppState) -> Result<Self, ApiError> {
        if !is_json(request.headers()) {
            return Err(ApiError::unsupported_media_type("application/json"));
        }
        let body = state.admission().credentials.receive(request).await?;
        serde_json::from_slice(&body).map(Self).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            if error.is_data() {
                let message =
                    format!("The body is not of the form expected here (line {line}, column {column})");
                ApiError::bad_request("validation_failed", message)
            } else {
                ApiError::bad_request(
                    "bad_json",
                    format!("The body is not JSON (line {line}, column {column})"),
                )
            }
        })
    }
}
