//! Permission to call the function in the path.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use catalog::access::Action;

use super::opened::Opened;
use crate::access::{Access, ObjectAction, Proof};
use crate::error::ApiError;
use crate::state::AppState;

/// Proof that the caller may call the function in the path to do `A` in the tenant of the host: `Read` where the
/// transaction can only read, `Insert` where it may write.
///
/// [`Caller::may_call`](crate::callers::Caller::may_call) decides it for each of the functions that have the name, and
/// it has to hold for all of them: which one is meant turns out when the arguments are read. A name that no function
/// has is for the engine to refuse, which knows the nearest one; nothing can be run by it.
pub(crate) struct FunctionAccess<A> {
    pub(crate) opened: Opened,
    action: PhantomData<A>,
}

impl<A: ObjectAction> Proof for FunctionAccess<A> {
    const ACCESS: Access = Access::Function(A::ACTION);
}

impl<A: ObjectAction> FromRequestParts<AppState> for FunctionAccess<A> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (opened, _) = Opened::by(parts, state, "function").await?;
        let overloads = opened.model.functions.get(&opened.name);
        let mut overloads = overloads.into_iter().flatten();
        if !overloads.all(|function| opened.caller.may_call(function, A::ACTION)) {
            let message = format!("permission denied: this caller may not call {}", opened.name);
            return Err(ApiError::forbidden("42501", message));
        }
        if A::ACTION != Action::Read {
            opened.check_unpaused(state)?;
            opened.check_room()?;
        }
        Ok(Self {
            opened,
            action: PhantomData,
        })
    }
}
