//! Permission for one action on the object in the path.

use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use catalog::access::Action;
use catalog::resolve::ActiveTenant;
use tenant_schema::records::SchemaModel;

use crate::access::caller::Member;
use crate::access::{Access, Proof};
use crate::callers::Caller;
use crate::error::ApiError;
use crate::state::AppState;

/// An [`Action`] as a type, so that a handler's signature says which one it does.
pub(crate) trait ObjectAction: Send + Sync {
    const ACTION: Action;
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

actions!(Read, Insert, Update, Delete);

/// Proof that the caller may do `A` on the object in the path, in the tenant of the host.
pub(crate) struct ObjectAccess<A> {
    pub(crate) tenant: ActiveTenant,
    pub(crate) caller: Caller,
    pub(crate) model: Arc<SchemaModel>,
    pub(crate) object: String,
    id: Option<String>,
    action: PhantomData<A>,
}

impl<A: ObjectAction> Proof for ObjectAccess<A> {
    const ACCESS: Access = Access::Object(A::ACTION);
}

impl<A: ObjectAction> FromRequestParts<AppState> for ObjectAccess<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let Member { tenant, caller } = Member::from_request_parts(parts, state).await?;
        let (name, id) = path(parts, state).await?;
        let model = state.models().get(tenant.template_version()).await?;
        let object = model.object(&name)?;
        if !caller.may(&name, object.write, A::ACTION) {
            let message = format!("permission denied: this caller may not {} {name}", A::ACTION);
            return Err(ApiError::forbidden("42501", message));
        }
        Ok(Self {
            tenant,
            caller,
            model,
            object: name,
            id,
            action: PhantomData,
        })
    }
}

impl<A> ObjectAccess<A> {
    /// The id in the path.
    pub(crate) fn id(&self) -> Result<&str, ApiError> {
        self.id.as_deref().ok_or_else(ApiError::nothing_here)
    }
}

async fn path(parts: &mut Parts, state: &AppState) -> Result<(String, Option<String>), ApiError> {
    let bad_path = || ApiError::bad_request("bad_path", "The path is not UTF-8 once its escapes are undone");
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| bad_path())?;
    let (mut object, mut id) = (None, None);
    for (name, value) in &params {
        match name {
            "object" => object = Some(value.to_owned()),
            "id" => id = Some(value.to_owned()),
            _ => {}
        }
    }
    Ok((object.ok_or_else(ApiError::nothing_here)?, id))
}
