//! Permission for a verb of the CRM.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::access::Action;
use tenant_schema::records::SchemaModel;

use super::opened::Opened;
use crate::access::{Access, Proof};
use crate::callers::Caller;
use crate::error::ApiError;
use crate::state::AppState;

/// An object, and what a verb does with its records.
pub(crate) type Use = (&'static str, Action);

/// What a verb does with records, as a type, so that a handler's signature says it.
pub(crate) trait VerbUse: Send + Sync {
    /// What must be allowed, all of it; the first is of the object that the verb is about.
    const USES: &'static [Use];
    /// What the tenant must have: a template of its own may have tables of these names that mean something else.
    const NEEDS: &'static [Needs];
}

/// An object, and those of its columns by which it is known to be the one that is meant.
pub(crate) type Needs = (&'static str, &'static [&'static str]);

/// Whether a tenant of this model has the verb.
fn is_offered(model: &SchemaModel, needs: &[Needs]) -> bool {
    needs.iter().all(|(object, columns)| {
        let object = model.objects.get(*object);
        object.is_some_and(|object| columns.iter().all(|column| object.field(column).is_some()))
    })
}

/// The first thing that the caller may not do, of what a verb does.
fn forbidden<'a>(model: &SchemaModel, caller: &Caller, uses: &'a [Use]) -> Option<&'a Use> {
    uses.iter().find(|(object, action)| {
        let object = model.objects.get(*object);
        object.is_none_or(|object| !caller.may(&object.name, object.write, *action))
    })
}

/// Whether the tenant has the verb and the caller may use it.
pub(crate) fn may_use<U: VerbUse>(model: &SchemaModel, caller: &Caller) -> bool {
    is_offered(model, U::NEEDS) && forbidden(model, caller, U::USES).is_none()
}

/// Proof that the tenant of the host has the verb, and that the caller may use it. A tenant that lacks what it needs has no
/// such address.
pub(crate) struct VerbAccess<U> {
    pub(crate) opened: Opened,
    id: Option<String>,
    used: PhantomData<U>,
}

impl<U: VerbUse> Proof for VerbAccess<U> {
    const ACCESS: Access = Access::Verb(U::USES);
}

impl<U: VerbUse> FromRequestParts<AppState> for VerbAccess<U> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let about = U::USES.first().map_or("", |(object, _)| *object);
        let (opened, id) = Opened::for_verb(parts, state, about).await?;
        if !is_offered(&opened.model, U::NEEDS) {
            return Err(ApiError::nothing_here());
        }
        if let Some((object, action)) = forbidden(&opened.model, &opened.caller, U::USES) {
            let message = format!("permission denied: this caller may not {action} {object}");
            return Err(ApiError::forbidden("42501", message));
        }
        if U::USES.iter().any(|(_, action)| *action != Action::Read) {
            opened.check_unpaused(state)?;
        }
        let grows = |(_, action): &Use| matches!(action, Action::Insert | Action::Update);
        if U::USES.iter().any(grows) {
            opened.check_room()?;
        }
        Ok(Self {
            opened,
            id,
            used: PhantomData,
        })
    }
}

impl<U> VerbAccess<U> {
    /// The id in the path.
    pub(crate) fn id(&self) -> Result<&str, ApiError> {
        self.id.as_deref().ok_or_else(ApiError::nothing_here)
    }
}
