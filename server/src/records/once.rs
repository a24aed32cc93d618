//! `Idempotency-Key`: a write that is sent again is not done again.

use axum::http::request::Parts;
use axum::http::{HeaderName, Method, header};
use catalog::actor::Actor;
use catalog::schema_name::SchemaName;
use tenant_schema::records::{CallBy, Claim, Fingerprint, IdempotencyKey, Operation};

use crate::error::ApiError;
use crate::headers::single_text;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The headers that say what is to be done, or in what form it is answered.
const TELLING: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::ACCEPT,
    HeaderName::from_static("prefer"),
    HeaderName::from_static("content-profile"),
    header::IF_MATCH,
    header::IF_NONE_MATCH,
];

/// A request that is to be done once.
pub(crate) struct Once {
    key: IdempotencyKey,
    /// Of everything but the body.
    fingerprint: Fingerprint,
}

impl Once {
    /// What the header asks for. Reads do nothing, so that it says nothing to them.
    pub(crate) fn asked(parts: &Parts) -> Result<Option<Self>, ApiError> {
        if matches!(parts.method, Method::GET | Method::HEAD) {
            return Ok(None);
        }
        // Repeated or not ASCII: as malformed as a text that is no key.
        let value = single_text(&parts.headers, &KEY).unwrap_or(Some(""));
        let Some(value) = value else { return Ok(None) };
        let key = IdempotencyKey::parse(value)?;
        let mut fingerprint = Fingerprint::default();
        fingerprint.count(parts.method.as_str().as_bytes());
        fingerprint.count(parts.uri.path().as_bytes());
        fingerprint.count(parts.uri.query().unwrap_or_default().as_bytes());
        for name in &TELLING {
            for value in parts.headers.get_all(name) {
                fingerprint.count(name.as_str().as_bytes());
                fingerprint.count(value.as_bytes());
            }
        }
        Ok(Some(Self { key, fingerprint }))
    }

    /// The key as the engine claims it for this operation.
    pub(super) fn claim(&self, tenant: &SchemaName, caller: &Actor, operation: Operation<'_>) -> Claim {
        self.claim_with(tenant, caller, body_of(operation))
    }

    /// The key as the engine claims it for a request with this body.
    pub(crate) fn claim_with(&self, tenant: &SchemaName, caller: &Actor, body: &[u8]) -> Claim {
        let mut fingerprint = self.fingerprint.clone();
        // The last part, and of a kind of its own: no header has an empty name.
        fingerprint.count(b"");
        fingerprint.count(body);
        Claim::new(tenant, caller, &self.key, fingerprint)
    }
}

fn body_of(operation: Operation<'_>) -> &[u8] {
    match operation {
        Operation::Insert { body }
        | Operation::Replace { body, .. }
        | Operation::Update { body, .. }
        | Operation::Call(CallBy::Post(body)) => body.bytes,
        Operation::List
        | Operation::Get { .. }
        | Operation::Delete { .. }
        | Operation::Restore { .. }
        | Operation::Purge { .. }
        | Operation::Call(CallBy::Get) => &[],
    }
}
