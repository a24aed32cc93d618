//! A tenant that a caller was let into, and what of it the path names.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use catalog::limits::Storage;
use catalog::resolve::ActiveTenant;
use tenant_schema::records::{RecordError, SchemaModel};

use crate::access::Member;
use crate::callers::Caller;
use crate::context::RequestContext;
use crate::error::ApiError;
use crate::shares::Share;
use crate::state::AppState;

/// Where a request for records goes, and who makes it. By itself it proves no permission: that is for
/// [`ObjectAccess`](super::ObjectAccess), [`FunctionAccess`](super::FunctionAccess) and
/// [`VerbAccess`](super::VerbAccess), which hold one.
pub(crate) struct Opened {
    pub(crate) tenant: ActiveTenant,
    pub(crate) caller: Caller,
    pub(crate) model: Arc<SchemaModel>,
    /// The name of an object or of a function, as the path has it: perhaps of none.
    pub(crate) name: String,
    /// Its part of what the tenant has in flight.
    _share: Share,
}

impl Opened {
    /// Lets a member in; the path's segment `kind` has the name, and another perhaps an id.
    pub(super) async fn by(
        parts: &mut Parts,
        state: &AppState,
        kind: &str,
    ) -> Result<(Self, Option<String>), ApiError> {
        let member = Member::from_request_parts(parts, state).await?;
        let (name, id) = path(parts, state, kind).await?;
        let name = name.ok_or_else(ApiError::nothing_here)?;
        Ok((Self::let_in(parts, state, member, name).await?, id))
    }

    /// Lets a member in for a verb that is about this object; the path has perhaps an id.
    pub(super) async fn for_verb(
        parts: &mut Parts,
        state: &AppState,
        object: &str,
    ) -> Result<(Self, Option<String>), ApiError> {
        let member = Member::from_request_parts(parts, state).await?;
        let (_, id) = path(parts, state, "").await?;
        Ok((Self::let_in(parts, state, member, object.to_owned()).await?, id))
    }

    async fn let_in(
        parts: &Parts,
        state: &AppState,
        Member { tenant, caller }: Member,
        name: String,
    ) -> Result<Self, ApiError> {
        let limits = tenant.limits();
        let share = state
            .shares()
            .take(tenant.organization_id(), limits.in_flight())?;
        if let Storage::Beyond(room) | Storage::Full(room) = limits.storage() {
            RequestContext::of(parts)?.note_room(room);
        }
        let model = state.models().get(tenant.template_version()).await?;
        Ok(Self {
            tenant,
            caller,
            model,
            name,
            _share: share,
        })
    }

    /// What the engine refused. A tenant that has changed is looked up anew by the next request, which need not wait
    /// until the feed has told.
    pub(crate) fn refused(&self, state: &AppState, error: RecordError) -> ApiError {
        if matches!(error, RecordError::Moved(_)) {
            state.resolver().forget(self.tenant.slug());
        }
        error.into()
    }
}

impl Opened {
    /// Refuses what would write while the tenant is moved to another database: it would only wait for a lock, and be refused
    /// then.
    pub(super) fn check_unpaused(&self, state: &AppState) -> Result<(), ApiError> {
        match self.tenant.paused(state.source().now()) {
            Some(_) => Err(ApiError::tenant_moving()),
            None => Ok(()),
        }
    }

    /// Refuses what would take more room where there is none left.
    pub(super) fn check_room(&self) -> Result<(), ApiError> {
        match self.tenant.limits().storage() {
            Storage::Full(room) => Err(ApiError::storage_full(&room)),
            Storage::Within | Storage::Beyond(_) => Ok(()),
        }
    }
}

async fn path(
    parts: &mut Parts,
    state: &AppState,
    kind: &str,
) -> Result<(Option<String>, Option<String>), ApiError> {
    let bad_path = || ApiError::bad_request("bad_path", "The path is not UTF-8 once its escapes are undone");
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| bad_path())?;
    let find = |wanted| params.iter().find(|(name, _)| *name == wanted);
    let value = |wanted| find(wanted).map(|(_, value)| value.to_owned());
    Ok((value(kind), value("id")))
}
