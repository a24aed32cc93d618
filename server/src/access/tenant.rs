//! The tenant of a request's host.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use catalog::ids::OrganizationId;
use catalog::resolve::{ActiveTenant, Resolution};
use catalog::slug::Slug;

use crate::access::{Access, Proof};
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::forwarded;
use crate::host::Host;
use crate::state::AppState;

const ORGANIZATION: HeaderName = HeaderName::from_static("x-organization");

/// Proof that the host names a tenant that exists. Whether it is suspended is told to members only.
pub(crate) struct Tenant {
    pub(crate) organization: OrganizationId,
    /// The origin its access tokens name as issuer.
    pub(crate) issuer: String,
    standing: Option<ActiveTenant>,
}

impl Tenant {
    /// The tenant if it is served; otherwise the answer for a caller who may know why not.
    pub(crate) fn active(self) -> Result<ActiveTenant, ApiError> {
        self.standing.ok_or_else(ApiError::organization_suspended)
    }

    /// The same without giving the tenant away.
    pub(crate) fn check_active(&self) -> Result<(), ApiError> {
        if self.standing.is_some() {
            Ok(())
        } else {
            Err(ApiError::organization_suspended())
        }
    }
}

impl Proof for Tenant {
    const ACCESS: Access = Access::SignIn;
}

impl FromRequestParts<AppState> for Tenant {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let slug = slug(parts, state)?.ok_or_else(ApiError::nothing_here)?;
        let (organization, origin, standing) = match state.resolver().resolve(&slug).await? {
            Resolution::Active(tenant) => {
                let origin = state.config().tenant_origin(tenant.slug().as_str());
                (tenant.organization_id(), origin, Some(tenant))
            }
            Resolution::Suspended { organization_id } => {
                (organization_id, state.config().tenant_origin(slug.as_str()), None)
            }
            Resolution::Maintenance => return Err(ApiError::unavailable("the tenant is being maintained")),
            Resolution::Unknown => return Err(ApiError::nothing_here()),
        };
        RequestContext::of(parts)?.note_organization(organization);
        Ok(Self {
            organization,
            issuer: origin,
            standing,
        })
    }
}

/// The slug a request names: by its host, or on the base host by `X-Organization` where that is allowed.
fn slug(parts: &Parts, state: &AppState) -> Result<Option<Slug>, ApiError> {
    let malformed = || {
        ApiError::bad_request(
            "bad_host",
            "The request names no host, several, or a malformed one",
        )
    };
    let config = state.config();
    let authority = forwarded::authority(parts, config).map_err(|_| malformed())?;
    match config.base_domain.classify(authority).map_err(|_| malformed())? {
        Host::Tenant(slug) => Ok(Some(slug)),
        Host::Platform if config.allow_organization_header => Ok(by_header(parts)),
        Host::Platform | Host::Unknown => Ok(None),
    }
}

fn by_header(parts: &Parts) -> Option<Slug> {
    let mut values = parts.headers.get_all(ORGANIZATION).iter();
    match (values.next(), values.next()) {
        (Some(slug), None) => slug.to_str().ok()?.parse().ok(),
        _ => None,
    }
}
