//! The tenant of a request's host.

use axum::extract::FromRequestParts;
use axum::http::HeaderName;
use axum::http::request::Parts;
use catalog::ids::OrganizationId;
use catalog::resolve::{ActiveTenant, Resolution};
use catalog::slug::Slug;

use crate::access::{Access, Proof};
use crate::callers::Place;
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::forwarded;
use crate::headers::single_text;
use crate::host::Host;
use crate::state::AppState;

const ORGANIZATION: HeaderName = HeaderName::from_static("x-organization");

/// Proof that the request's host names a tenant that exists. Only members are told whether it is suspended.
pub(crate) struct Tenant {
    organization: OrganizationId,
    /// The slug the host names.
    slug: Slug,
    /// The tenant, unless it is suspended.
    standing: Option<ActiveTenant>,
}

impl Tenant {
    /// Which organization it is.
    pub(crate) fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The place where credentials for it are presented.
    pub(crate) fn place<'a>(&'a self, state: &'a AppState) -> Place<'a> {
        Place {
            organization: self.organization,
            slug: &self.slug,
            config: state.config(),
        }
    }

    /// The tenant if it is served. The error says that it is suspended: for members only.
    pub(crate) fn active(self) -> Result<ActiveTenant, ApiError> {
        self.standing.ok_or_else(ApiError::organization_suspended)
    }

    /// Like [`Tenant::active`], without consuming `self`.
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
        let tenant = match state.resolver().resolve(&slug).await? {
            Resolution::Active(tenant) if !state.supported().contains(&tenant.template_version()) => {
                let (version, supported) = (tenant.template_version(), state.supported());
                return Err(ApiError::version_unsupported(version, supported));
            }
            Resolution::Active(tenant) => Self {
                organization: tenant.organization_id(),
                slug: tenant.slug().clone(),
                standing: Some(tenant),
            },
            Resolution::Suspended { organization_id } => Self {
                organization: organization_id,
                slug,
                standing: None,
            },
            Resolution::Maintenance => return Err(ApiError::in_maintenance()),
            Resolution::Moved => return Err(ApiError::moved()),
            Resolution::Unknown => return Err(ApiError::nothing_here()),
        };
        RequestContext::of(parts)?.note_organization(tenant.organization);
        Ok(tenant)
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
    single_text(&parts.headers, &ORGANIZATION).ok()??.parse().ok()
}
