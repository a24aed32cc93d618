//! The engine's answer as an HTTP response. Its body passes through as PostgreSQL made it.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use tenant_schema::records::Answer;

use crate::error::ApiError;

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// Where the engine's `Location` begins.
const ROOT: &str = "/rest/v1";

/// Puts the answer into HTTP.
pub(crate) fn respond(answer: Answer) -> Result<Response, ApiError> {
    let Answer {
        status,
        body,
        media_type,
        content_range,
        location,
        preference_applied,
        etag,
    } = answer;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::from_u16(status.as_u16()).map_err(ApiError::internal)?;
    let headers = response.headers_mut();
    let texts = [
        (header::CONTENT_RANGE, content_range),
        (header::LOCATION, location.map(|path| format!("{ROOT}{path}"))),
        (PREFERENCE_APPLIED, preference_applied),
        (header::ETAG, etag),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            headers.insert(name, HeaderValue::try_from(text).map_err(ApiError::internal)?);
        }
    }
    if let Some(body) = body {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        *response.body_mut() = Body::from(body);
    }
    Ok(response)
}
