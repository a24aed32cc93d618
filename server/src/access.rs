//! Access, declared in the type of a handler's first argument.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::error::ApiError;
use crate::state::AppState;

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing, on any host.
    Public,
}

/// An extractor that proves an [`Access`]: it exists only where the caller has it.
pub(crate) trait Proof: FromRequestParts<AppState, Rejection = ApiError> {
    const ACCESS: Access;
}

/// Proof of nothing.
pub(crate) struct Public;

impl Proof for Public {
    const ACCESS: Access = Access::Public;
}

impl FromRequestParts<AppState> for Public {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, _: &AppState) -> Result<Self, ApiError> {
        Ok(Self)
    }
}
