//! Permission for what a request does with the object in the path.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::access::Action;

use super::opened::Opened;
use crate::access::{Access, Proof};
use crate::error::ApiError;
use crate::state::AppState;

/// What a request does with records as a type, so that a handler's signature says it.
pub(crate) trait ObjectUse: Send + Sync {
    const ACCESS: Access;
    /// All of them have to be allowed.
    const ACTIONS: &'static [Action];
}

/// An [`Action`] as a type.
pub(crate) trait ObjectAction: Send + Sync {
    const ACTION: Action;
}

impl<A: ObjectAction> ObjectUse for A {
    const ACCESS: Access = Access::Object(A::ACTION);
    const ACTIONS: &'static [Action] = &[A::ACTION];
}

macro_rules! actions {
    ($($name:ident),+) => {$(
        /// See [`Action`].
        pub(crate) struct $name;

        impl ObjectAction for $name {
            const ACTION: Action = Action::$name;
        }
    )+};
}

actions!(Read, Insert, Update, Delete, Purge);

/// Adds a record, or changes the one that is there.
pub(crate) struct Replace;

impl ObjectUse for Replace {
    const ACCESS: Access = Access::Replace;
    const ACTIONS: &'static [Action] = &[Action::Insert, Action::Update];
}

/// Proof that the caller may do `U` with the object in the path, in the tenant of the host.
pub(crate) struct ObjectAccess<U> {
    pub(crate) opened: Opened,
    id: Option<String>,
    used: PhantomData<U>,
}

impl<U: ObjectUse> Proof for ObjectAccess<U> {
    const ACCESS: Access = U::ACCESS;
}

impl<U: ObjectUse> FromRequestParts<AppState> for ObjectAccess<U> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (opened, id) = Opened::by(parts, state, "object").await?;
        let object = opened.model.object(&opened.name)?;
        let may = |action: &&Action| opened.caller.may(&object.name, object.write, **action);
        if let Some(action) = U::ACTIONS.iter().find(|action| !may(action)) {
            let message = format!("permission denied: this caller may not {action} {}", object.name);
            return Err(ApiError::forbidden("42501", message));
        }
        if U::ACTIONS.iter().any(|action| *action != Action::Read) {
            opened.check_unpaused(state)?;
        }
        let grows = |action: &Action| matches!(action, Action::Insert | Action::Update);
        if U::ACTIONS.iter().any(grows) {
            opened.check_room()?;
        }
        Ok(Self {
            opened,
            id,
            used: PhantomData,
        })
    }
}

impl<U> ObjectAccess<U> {
    /// The id in the path.
    pub(crate) fn id(&self) -> Result<&str, ApiError> {
        self.id.as_deref().ok_or_else(ApiError::nothing_here)
    }
}
