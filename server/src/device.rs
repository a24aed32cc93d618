//! The device a request comes from, as a session remembers it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use catalog::sessions::Device;

use crate::forwarded;
use crate::state::AppState;

/// The longest `User-Agent` kept, in characters.
const LONGEST: usize = 255;

/// The client's address and what it calls itself.
pub(crate) struct Client(pub(crate) Device);

impl FromRequestParts<AppState> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self(Device {
            ip: forwarded::client_address(&parts.headers, &parts.extensions, state.config()),
            user_agent: agent.map(|agent| agent.chars().take(LONGEST).collect()),
        }))
    }
}
