//! Callers of a tenant: anyone with good credentials, or a signed-in person.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::authenticate::SessionCaller;
use catalog::ids::OrganizationId;
use catalog::resolve::ActiveTenant;

use crate::access::{Access, Proof, Tenant};
use crate::callers::Caller;
use crate::context::RequestContext;
use crate::credentials::{self, Credential, Unreadable};
use crate::error::{ApiError, Unauthorized};
use crate::state::AppState;

/// Proof of a caller with good credentials for the tenant of the host, which is served.
pub(crate) struct Member {
    pub(crate) tenant: ActiveTenant,
    pub(crate) caller: Caller,
}

impl Proof for Member {
    const ACCESS: Access = Access::Caller;
}

impl FromRequestParts<AppState> for Member {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let tenant = Tenant::from_request_parts(parts, state).await?;
        let presented = credentials::presented(&parts.headers)?;
        let presented = presented.ok_or_else(|| ApiError::unauthorized(Unauthorized::Missing))?;
        let place = tenant.place(state);
        if let Some(key) = presented.beside {
            state.callers().identify(Credential::Key(key), place).await?;
        }
        let caller = state.callers().identify(presented.credential, place).await?;
        RequestContext::of(parts)?.note_caller(caller.kind());
        Ok(Self {
            tenant: tenant.active()?,
            caller,
        })
    }
}

/// Proof of a signed-in member.
pub(crate) struct Signed {
    pub(crate) organization: OrganizationId,
    pub(crate) caller: Arc<SessionCaller>,
}

impl Proof for Signed {
    const ACCESS: Access = Access::User;
}

impl FromRequestParts<AppState> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Member { tenant, caller } = Member::from_request_parts(parts, state).await?;
        match caller {
            Caller::User(caller) => Ok(Self {
                organization: tenant.organization_id(),
                caller,
            }),
            Caller::Key(_) => Err(ApiError::forbidden(
                "42501",
                "This is for signed-in people, not for API keys",
            )
            .with_auth_code("no_authorization")),
        }
    }
}

impl From<Unreadable> for ApiError {
    fn from(unreadable: Unreadable) -> Self {
        match unreadable {
            Unreadable::Repeated => Self::bad_request(
                "repeated_credentials",
                "Authorization and apikey may stand once each",
            ),
            Unreadable::Malformed => Self::unauthorized(Unauthorized::Invalid),
        }
    }
}
