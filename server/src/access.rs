//! Access, declared in the type of a handler's first argument.
//!
//! The order of answers is the same on every route: an unknown host is 404, bad credentials 401, a stranger 404, a
//! suspended organization 403, an unknown object 404, an action that is not allowed 403. Every refusal that must not
//! tell anything has the same body.
//!
//! Whether a tenant exists is no secret: its slug is a name in the DNS. So a request without credentials is 401 where
//! there is a tenant and 404 where there is none, and a key of another tenant is as unknown as any text (401), while
//! an access token of another tenant, which proves who asks, is 404: its person may not know the tenant at all.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::access::Action;

use crate::error::ApiError;
use crate::state::AppState;

mod caller;
mod function;
mod object;
mod opened;
mod tenant;
mod verb;

pub(crate) use caller::{Member, Signed};
pub(crate) use function::FunctionAccess;
pub(crate) use object::{Delete, Insert, ObjectAccess, ObjectAction, Purge, Read, Replace, Update};
pub(crate) use opened::Opened;
pub(crate) use tenant::Tenant;
pub(crate) use verb::{Needs, Use, VerbAccess, VerbUse, may_use};

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing, on any host.
    Public,
    /// The host of a tenant, no credentials: they are what the request asks for.
    SignIn,
    /// A signed-in member of the tenant or one of its keys, whatever they may do.
    Caller,
    /// A signed-in member of the tenant.
    User,
    /// A member or a key that may do this on the object in the path.
    Object(Action),
    /// A member or a key that may both insert and update on the object in the path.
    Replace,
    /// A member or a key that may call the function in the path, to do no more than this.
    Function(Action),
    /// A member or a key that may do all of this, where the tenant has all of these objects: the first is what the verb is
    /// about.
    Verb(&'static [(&'static str, Action)]),
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
