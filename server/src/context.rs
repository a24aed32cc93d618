//! What is known about one request while it is handled: its id, and who it turned out to be from.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use catalog::clock::Source;
use catalog::ids::OrganizationId;
use catalog::limits::Room;

use crate::error::ApiError;
use crate::headers::single;

/// The header a request id arrives and leaves in.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The header that tells how much room a tenant takes which is beyond a limit of it, in bytes.
pub const TENANT_STORAGE: HeaderName = HeaderName::from_static("tenantry-storage");

/// One request's notes, shared between the frame that logs and the extractors that find out.
#[derive(Debug, Clone)]
pub struct RequestContext(Arc<Notes>);

#[derive(Debug)]
struct Notes {
    id: HeaderValue,
    started: Instant,
    organization: OnceLock<OrganizationId>,
    caller: OnceLock<&'static str>,
    room: OnceLock<Room>,
}

impl RequestContext {
    /// Takes over a well-formed `X-Request-Id` (1 to 64 of `A-Z a-z 0-9 _ -`, given once), otherwise makes an id.
    pub(crate) fn new(headers: &HeaderMap, source: &Source) -> Self {
        let id = match single(headers, &REQUEST_ID) {
            Ok(Some(id)) if well_formed(id.as_bytes()) => id.clone(),
            _ => HeaderValue::from_maybe_shared(bytes::Bytes::from(source.uuid().to_string()))
                .expect("hexadecimal digits and hyphens make a header value"),
        };
        Self(Arc::new(Notes {
            id,
            started: Instant::now(),
            organization: OnceLock::new(),
            caller: OnceLock::new(),
            room: OnceLock::new(),
        }))
    }

    /// The request's id.
    pub fn id(&self) -> &str {
        self.0.id.to_str().unwrap_or_default()
    }

    pub(crate) fn id_header(&self) -> HeaderValue {
        self.0.id.clone()
    }

    pub(crate) fn elapsed_ms(&self) -> f64 {
        self.0.started.elapsed().as_secs_f64() * 1000.0
    }

    pub(crate) fn note_organization(&self, organization: OrganizationId) {
        self.0.organization.get_or_init(|| organization);
    }

    pub(crate) fn note_caller(&self, kind: &'static str) {
        self.0.caller.get_or_init(|| kind);
    }

    /// Notes that the tenant is beyond a limit of its storage.
    pub(crate) fn note_room(&self, room: Room) {
        self.0.room.get_or_init(|| room);
    }

    /// What [`TENANT_STORAGE`] says, if there is something to say: a dictionary (RFC 9651, section 3.2).
    pub(crate) fn room(&self) -> Option<HeaderValue> {
        let Room { used, soft, hard } = self.0.room.get()?;
        let limit = |name, limit: &Option<i64>| limit.map(|limit| format!(", {name}={limit}"));
        let (soft, hard) = (limit("soft", soft), limit("hard", hard));
        let text = format!(
            "used={used}{}{}",
            soft.unwrap_or_default(),
            hard.unwrap_or_default()
        );
        HeaderValue::from_str(&text).ok()
    }

    pub(crate) fn organization(&self) -> Option<OrganizationId> {
        self.0.organization.get().copied()
    }

    pub(crate) fn caller(&self) -> &'static str {
        self.0.caller.get().copied().unwrap_or("nobody")
    }

    /// The context the frame has put into the request.
    pub(crate) fn of(parts: &Parts) -> Result<Self, ApiError> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or_else(|| ApiError::internal("the router was called without its frame"))
    }
}

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Self::of(parts)
    }
}

fn well_formed(id: &[u8]) -> bool {
    (1..=64).contains(&id.len())
        && id
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || *b == b'_' || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_for(given: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for id in given {
            headers.append(REQUEST_ID, id.parse().expect("a header value"));
        }
        RequestContext::new(&headers, &Source::system()).id().to_owned()
    }

    #[test]
    fn a_well_formed_id_is_kept() {
        let longest = "a".repeat(64);
        for id in ["x", "req-1_A", longest.as_str()] {
            assert_eq!(id_for(&[id]), id);
        }
    }

    #[test]
    fn other_ids_are_replaced() {
        let too_long = "a".repeat(65);
        for given in [
            &[][..],
            &[""],
            &["a b"],
            &["a\"b"],
            &["{}"],
            &[too_long.as_str()],
            &["a", "b"],
        ] {
            let id = id_for(given);
            assert_eq!(
                id.parse::<uuid::Uuid>().map(|id| id.get_version_num()),
                Ok(7),
                "{given:?} gave {id}"
            );
        }
    }
}
