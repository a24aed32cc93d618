//! Where a request comes from, as sessions and audit entries keep it.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use catalog::sessions::Device;

use crate::context::RequestContext;
use crate::error::ApiError;
use crate::forwarded;
use crate::state::AppState;

/// The client's address, what it calls itself, and the request's id.
pub(crate) struct Client(pub(crate) Device);

impl FromRequestParts<AppState> for Client {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self(Device {
            ip: forwarded::client_address(&parts.headers, &parts.extensions, state.config()),
            user_agent: agent.map(str::to_owned),
            request_id: Some(RequestContext::of(parts)?.id().to_owned()),
        }))
    }
}
